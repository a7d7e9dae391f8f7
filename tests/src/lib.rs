//! What tests and tools share that is no part of the product.

pub mod conformance;
pub mod fuzz;
pub mod mutate;
pub mod openapi;
pub mod peers;
pub mod sim;
pub mod stage;
pub mod states;
pub mod vectors;

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}

/// From hexadecimal; blanks and line ends are skipped. `None` for anything else.
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    let clean: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    data_encoding::HEXLOWER.decode(clean.as_bytes()).ok()
}

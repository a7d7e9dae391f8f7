//! Published test vectors over the code that the product uses, and Latchkey's own of its wire format: as a native test, and
//! compiled to WebAssembly in Node, as Worker and portal run it.
//!
//! Where the product wraps a primitive (HPKE, signatures, WebAuthn), the wrapping is tested; elsewhere the library, with
//! the settings of the workspace.

mod golden;
mod passkeys;
mod rfc;
mod wycheproofs;

/// How one set went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Which set.
    pub set: &'static str,
    /// Vectors that had to be accepted, and were.
    pub good: usize,
    /// Vectors that had to be refused, and were.
    pub refused: usize,
}

/// Runs every set.
///
/// # Errors
/// The first vector that went wrong.
pub fn all() -> Result<Vec<Row>, String> {
    let sets: [fn() -> Result<Row, String>; 10] = [
        wycheproofs::ed25519,
        wycheproofs::x25519,
        wycheproofs::chacha20_poly1305,
        wycheproofs::aes_256_gcm,
        wycheproofs::hkdf_sha256,
        wycheproofs::hmac_sha256,
        rfc::signatures,
        rfc::hpke,
        passkeys::w3c,
        golden::bundle,
    ];
    sets.iter().map(|set| set()).collect()
}

/// Runs every set; a table.
///
/// # Errors
/// The first vector that went wrong.
#[cfg_attr(target_arch = "wasm32", wasm_bindgen::prelude::wasm_bindgen)]
pub fn table() -> Result<String, String> {
    let row = |row: Row| format!("  {:<44} {:>8} {:>8}\n", row.set, row.good, row.refused);
    let heading = format!("  {:<44} {:>8} {:>8}\n", "vectors", "accepted", "refused");
    Ok(all()?.into_iter().map(row).fold(heading, |table, row| table + &row))
}

/// `Err` with this text unless `holds`.
fn must(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise()) }
}

/// From hexadecimal.
fn hex(text: &str) -> Vec<u8> {
    data_encoding::HEXLOWER.decode(text.as_bytes()).unwrap_or_default()
}

/// An array from hexadecimal; zeros if it has another length.
fn array<const N: usize>(text: &str) -> [u8; N] {
    hex(text).try_into().unwrap_or([0; N])
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_published_vector_goes_as_published() {
        let rows = super::all().unwrap();
        assert!(rows.iter().all(|row| row.good > 0), "{rows:?}");
        assert!(rows.iter().map(|row| row.good + row.refused).sum::<usize>() > 1_300, "{rows:?}");
    }
}

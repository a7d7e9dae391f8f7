//! Writes the OpenAPI document that the Worker serves.

use latchkey_tests::openapi;
use std::path::Path;
use std::{fs, io};

fn main() -> io::Result<()> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(openapi::FILE);
    fs::create_dir_all(file.parent().unwrap_or(Path::new(".")))?;
    fs::write(file, openapi::document())
}

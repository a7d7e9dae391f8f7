//! Writes `docs/states.md`.

use std::path::Path;
use std::{fs, io};

fn main() -> io::Result<()> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/states.md");
    fs::write(page, latchkey_tests::states::page())
}

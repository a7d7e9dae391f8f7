//! Writes `tests/vectors/`. Run it after a deliberate change of the wire format, and read the difference.

use latchkey_tests::vectors;
use std::path::Path;

fn main() -> std::io::Result<()> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors");
    for (name, text) in vectors::make() {
        std::fs::write(dir.join(name), text)?;
    }
    Ok(())
}

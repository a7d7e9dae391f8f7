//! Every target in one program, which is linked once: `FUZZ_TARGET` names the one that is run.
#![no_main]

use std::sync::LazyLock;

static TARGET: LazyLock<String> = LazyLock::new(|| std::env::var("FUZZ_TARGET").unwrap_or_default());

libfuzzer_sys::fuzz_target!(|data: &[u8]| latchkey_tests::fuzz::run(&TARGET, data));

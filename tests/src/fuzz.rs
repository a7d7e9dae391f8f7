//! What fuzzers feed: one function for each target, which panics if something is wrong. `fuzz/` links each with
//! libFuzzer; `tests/tests/corpus.rs` runs all of them over the corpus without it.

mod bridges;
mod decoders;
mod machines;
mod passkeys;

/// A target: its name, and what takes the bytes.
pub type Target = (&'static str, fn(&[u8]));

/// Every target. `fuzz/fuzz_targets/` has a program for each, `fuzz/corpus/` its inputs.
pub const TARGETS: [Target; 22] = [
    ("api", machines::api),
    ("archive", decoders::archive),
    ("backup", decoders::backup),
    ("bundle", decoders::bundle),
    ("cbor", decoders::cbor),
    ("chain", machines::chain),
    ("config", decoders::config),
    ("cose", decoders::cose),
    ("csv", decoders::csv),
    ("event", decoders::event),
    ("head", decoders::head),
    ("httpsig", decoders::httpsig),
    ("hub", machines::hub),
    ("invite", decoders::invite),
    ("json", decoders::json),
    ("link", decoders::link),
    ("matter", bridges::matter),
    ("op", decoders::op),
    ("passkey", passkeys::passkey),
    ("report", decoders::report),
    ("zigbee2mqtt", bridges::zigbee2mqtt),
    ("zwave_js", bridges::zwave_js),
];

/// Runs a target by name.
///
/// # Panics
/// When the target found something, or there is none of this name.
pub fn run(name: &str, data: &[u8]) {
    let target = TARGETS.iter().find(|(known, _)| *known == name);
    target.unwrap_or_else(|| panic!("there is no target {name}")).1(data);
}

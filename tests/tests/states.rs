//! `docs/states.md` says what the code says.

use latchkey_tests::states;
use std::fs;
use std::path::Path;

#[test]
fn the_page_is_what_the_code_says() {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/states.md"));
    let made = states::page();
    assert_eq!(
        page.unwrap_or_default(),
        made,
        "if the change is meant, run `cargo run -p latchkey-tests --bin make-states`"
    );
}

#[test]
fn every_reason_has_an_example() {
    assert_eq!(states::missing(), Vec::<&str>::new());
}

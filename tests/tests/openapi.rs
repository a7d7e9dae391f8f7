//! The OpenAPI document says what the code says.

use latchkey_tests::openapi;
use latchkey_worker::core::api::ROUTES;
use std::fs;
use std::path::Path;

fn root() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[test]
fn the_document_is_what_the_code_says() {
    let made = openapi::document();
    assert!(made.len() > 1000, "{made}");
    assert_eq!(
        fs::read_to_string(root().join(openapi::FILE)).unwrap_or_default(),
        made,
        "if the change is meant, run `cargo run -p latchkey-tests --bin make-openapi`"
    );
    assert!(openapi::examples_hold());
}

#[test]
fn the_guide_names_every_route_and_scope() {
    let guide = fs::read_to_string(root().join("docs/api.md")).unwrap_or_default();
    for route in ROUTES {
        let path = if route.path.is_empty() { "(the home)" } else { route.path };
        let line = format!("| `{}` | `{path}` | `{}` |", route.method, route.scope.name());
        assert!(guide.contains(&line), "{line}");
    }
}

use super::*;

fn panel() -> Panel {
    let dir = tempfile::tempdir().unwrap();
    let (_, code) = watch::channel(None);
    let (_, asks) = watch::channel(None);
    let (network, _) = watch::channel(true);
    let key = std::sync::Arc::new(crate::shell::state_key::StateKey::from_bytes(&[7; 32]).unwrap());
    let sim = SimHome::open(dir.path(), key, &[]).unwrap();
    let button = crate::shell::button::Button::watch(None);
    let config = crate::config::Source::in_state(dir.path()).load().unwrap();
    let (_, about) = watch::channel(About::of(&config));
    let (log, meter) = (Ring::default(), Meter::default());
    Panel { button, address: "127.0.0.1:8790".parse().unwrap(), about, code, asks, sim, network, log, meter }
}

fn allowed(method: Method, headers: &[(&'static str, &'static str)]) -> bool {
    let headers = headers
        .iter()
        .map(|(name, value)| (header::HeaderName::from_static(name), HeaderValue::from_static(value)))
        .collect();
    check(&panel(), &method, &headers).is_ok()
}

const HOST: (&str, &str) = ("host", "localhost:8790");
const JSON: (&str, &str) = ("content-type", "application/json");

#[test]
fn other_sites_are_kept_out() {
    assert!(allowed(Method::GET, &[HOST]));
    assert!(allowed(Method::POST, &[("host", "127.0.0.1:8790"), JSON]));
    assert!(allowed(Method::POST, &[HOST, JSON, ("origin", "http://localhost:8790")]));
    for headers in [
        &[][..],
        &[("host", "evil.example:8790")],
        &[("host", "localhost:8791")],
        &[("host", "localhost:8790.evil.example")],
    ] {
        assert!(!allowed(Method::GET, headers), "{headers:?}");
    }
    for origin in ["http://evil.example", "null", "http://localhost:8787", "https://localhost:8790"] {
        assert!(!allowed(Method::POST, &[HOST, JSON, ("origin", origin)]), "{origin}");
    }
    assert!(!allowed(Method::POST, &[HOST, ("content-type", "text/plain")]));
    assert!(!allowed(Method::POST, &[HOST]));
}

#[test]
fn a_cookie_is_read_among_others_and_only_if_it_is_whole() {
    let token = |text: &'static str| {
        let headers = HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_static(text))]);
        codes::token(&headers)
    };
    assert_eq!(token("a=b; latchkey_panel=BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc; c=d"), Some([7; 32]));
    for bad in [
        "",
        "latchkey_panel=",
        "latchkey_panel=BwcH",
        "other=BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc",
        "latchkey_panel",
    ] {
        assert_eq!(token(bad), None, "{bad}");
    }
    assert_eq!(codes::token(&HeaderMap::new()), None);
}

use super::reader::KEYS;
use super::*;

fn load(text: &str) -> Result<Config, Problems> {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("hub.toml"), text).unwrap();
    Source::in_state(dir.path()).load()
}

/// Lines and codes of what is wrong.
fn wrong(text: &str) -> Vec<(usize, &'static str)> {
    load(text).unwrap_err().0.iter().map(|problem| (problem.line.unwrap_or(0), problem.code)).collect()
}

const EXAMPLE: &str = include_str!("../../packaging/hub.toml.example");

#[test]
fn four_locks_without_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let config = Source::in_state(dir.path()).load().unwrap();
    assert_eq!(config.sim.len(), 4);
    assert_eq!(config.panel.to_string(), PANEL);
    assert!(config.origin.is_none());
    let named = Source::find(Some(dir.path().join("gone.toml")), None, Environment::default());
    assert_eq!(named.load().unwrap_err().0[0].code, "config.io");
}

#[test]
fn what_is_set_is_read_and_the_rest_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let source = Source::in_state(dir.path());
    let text = "panel = \"127.0.0.1:1\"\norigin = \"http://localhost:1\"\n[[sim]]\nname = \"A\"\nreadback = \"full\"\n";
    std::fs::write(&source.file, text).unwrap();
    let origin = Origin::parse("https://keys.example").unwrap();
    source.set(&origin, Some("Hall \"1\"")).unwrap();
    let config = source.load().unwrap();
    assert_eq!((config.origin, config.name.as_str()), (Some(origin), "Hall \"1\""));
    assert_eq!((config.sim.len(), config.panel.port()), (1, 1));
    assert_eq!(config.sim[0].name, "A");
}

#[test]
fn every_mistake_is_told_with_its_line() {
    let text = r#"orgin = "x"
panel = "0.0.0.0:80"
name = ""
[log]
level = "loud"
colour = true
[[sim]]
name = "A"
readback = "full"
slots = 4000
[[sim]]
name = "B"
slots = "many"
readbak = "full"
[[zwave_js]]
url = "ws://192.168.1.4:3000"
[[zwave_js]]
url = "ws://127.0.0.1:3000"
[[zwave_js]]
url = "ws://127.0.0.1:3000"
[[zigbee2mqtt]]
url = "mqtt://127.0.0.1:1883"
password = "hunter2"
[[matter]]
"#;
    let expected = vec![
        (1, "config.unknown"),
        (2, "config.panel"),
        (3, "config.name"),
        (5, "config.value"),
        (6, "config.unknown"),
        (10, "config.sim"),
        (11, "config.missing"),
        (13, "config.value"),
        (14, "config.unknown"),
        (16, "config.insecure"),
        (19, "config.twice"),
        (23, "config.secret"),
        (24, "config.missing"),
    ];
    assert_eq!(wrong(text), expected, "{}", load(text).unwrap_err());
}

#[test]
fn bridges_with_an_authority_of_their_own() {
    for (section, plain, tls) in
        [("zwave_js", "ws", "wss"), ("matter", "ws", "wss"), ("zigbee2mqtt", "mqtt", "mqtts")]
    {
        let text =
            |scheme| format!("[[{section}]]\nurl = \"{scheme}://127.0.0.1:1\"\nca_file = \"ca.pem\"\n");
        assert!(load(&text(tls)).is_ok(), "{section}");
        assert_eq!(wrong(&text(plain)), [(3, "config.value")], "{section}");
    }
    let slow =
        |seconds: u8| format!("[[zwave_js]]\nurl = \"ws://127.0.0.1:1\"\nanswer_seconds = {seconds}\n");
    assert_eq!(load(&slow(60)).unwrap().zwave_js[0].answer_seconds, Some(60));
    assert_eq!((wrong(&slow(0)), wrong(&slow(61))), (vec![(3, "config.value")], vec![(3, "config.value")]));
}

#[test]
fn what_stands_in_the_file_is_not_repeated() {
    for text in [
        "name = [\"hunter2\"]",
        "[log]\nlevel = \"hunter2\"",
        "[[sim]]\nname = \"A\"\nreadback = \"hunter2\"\nslots = \"hunter2\"",
        "[[zwave_js]]\nurl = \"hunter2\"\ninsecure = \"hunter2\"",
        "[[zigbee2mqtt]]\nurl = \"mqtt://me:hunter2@127.0.0.1\"\npassword = \"hunter2\"",
        "origin = \"hunter2",
        "panel = \"hunter2\"",
        "name = hunter2",
    ] {
        let told = load(text).unwrap_err();
        assert!(!format!("{told} {told:?}").contains("hunter2"), "{told}");
    }
}

#[test]
fn syntax_errors_are_told_too_and_the_rest_is_still_checked() {
    let told = wrong("name = \"A\norigin = 5\n[[matter]\n");
    assert!(told.iter().any(|(line, code)| (*line, *code) == (1, "config.syntax")), "{told:?}");
    assert!(told.iter().any(|(_, code)| *code == "config.value"), "{told:?}");
}

#[test]
fn the_environment_goes_first_and_is_checked() {
    let dir = tempfile::tempdir().unwrap();
    let text = |word: &str| Some(word.to_owned());
    let load = |panel, log, log_format| {
        let environment = Environment { panel, log, log_format };
        Source::find(None, Some(dir.path().to_owned()), environment).load()
    };
    let config = load(text("127.0.0.1:5"), text("debug"), text("json")).unwrap();
    assert_eq!((config.panel.port(), config.log.level, config.log.format), (5, Level::Debug, Format::Json));
    let told = load(text("192.168.1.4:80"), text("loud"), text("xml")).unwrap_err();
    assert_eq!(told.0.len(), 3, "{told}");
}

#[test]
fn the_example_is_the_defaults() {
    let (shipped, bare) = (load(EXAMPLE).unwrap(), load("").unwrap());
    let told = |config: &Config| {
        format!(
            "{:?} {:?} {} {:?} {:?} {:?}",
            config.origin, config.name, config.panel, config.button, config.log, config.sim
        )
    };
    assert_eq!(told(&shipped), told(&bare));
}

#[test]
fn every_line_of_the_example_is_good_and_every_key_is_in_it() {
    let is_key = |line: &str| {
        line.split_once(" = ").is_some_and(|(key, _)| {
            key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_' || b.is_ascii_digit())
        })
    };
    let lines = EXAMPLE.lines().map(|line| match line.strip_prefix('#') {
        Some(off) if is_key(off) || off.starts_with('[') => off,
        _ => line,
    });
    let all: String = lines.map(|line| format!("{line}\n")).collect();
    let config = load(&all).unwrap();
    assert!(config.origin.is_some() && config.button.is_some() && config.state_key_file.is_some());
    assert_eq!((config.zwave_js.len(), config.zigbee2mqtt.len(), config.matter.len()), (1, 1, 1));
    assert!(config.zigbee2mqtt[0].password_file.is_some());
    assert_eq!(config.sim.len(), 1);
    for key in KEYS {
        assert!(all.contains(key), "{key}");
    }
}

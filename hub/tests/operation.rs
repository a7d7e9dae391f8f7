//! A hub as whoever runs it meets it: configuration, health, metrics, logs, diagnostics, encryption at rest.
#![allow(missing_docs)]

#[allow(dead_code)]
mod support;

use latchkey_shared::id::LockId;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use std::os::unix::net::UnixDatagram;
use std::sync::{Arc, Mutex};
use support::{Cloud, Hub, until};

const LOCKS: &str =
    "[[sim]]\nname = \"Front door\"\nreadback = \"full\"\n[[sim]]\nname = \"Garage\"\nreadback = \"none\"\n";

struct Home {
    dir: tempfile::TempDir,
    cloud: Cloud,
    hub: Hub,
}

impl Home {
    /// A hub of this configuration (after its origin), started and paired.
    fn paired(seed: u64, environment: &[(&str, &str)], config: &str, locks: usize) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let cloud = Cloud::start(seed);
        let mut hub = Hub::new(dir.path(), &cloud);
        hub.environment.extend(environment.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())));
        let mut home = Self { dir, cloud, hub };
        home.configure(config);
        home.hub.start();
        let code = until("there is a pairing code", || home.hub.get("/api/pairing"));
        until("the offer is there", || home.cloud.lock().offer.clone());
        home.cloud.take_hub(code["text"].as_str().unwrap());
        until("the hub is paired", || home.hub.get("/api/state").filter(|s| s["paired"] == true));
        until("all locks are known", || (home.cloud.lock().reports.len() == locks).then_some(()));
        home
    }

    fn configure(&self, rest: &str) {
        let text = format!("origin = \"http://localhost:{}\"\n{rest}", self.cloud.port);
        std::fs::write(self.dir.path().join("hub.toml"), text).unwrap();
    }

    fn reload(&self) {
        kill_process(Pid::from_raw(self.hub.pid()).unwrap(), Signal::HUP).unwrap();
    }

    /// The codes of what `/healthz` has to say.
    fn health(&self) -> Option<Vec<String>> {
        let health = self.hub.get("/healthz")?;
        let codes = health["reasons"].as_array()?.iter().map(|r| r["code"].as_str().unwrap().to_owned());
        Some(codes.collect())
    }

    fn lock(&self, name: &str) -> LockId {
        until("the lock is shown", || self.hub.lock_id(name))
    }

    fn names(&self) -> Option<Vec<String>> {
        let state = self.hub.get("/api/state")?;
        let locks = state["locks"].as_array()?.iter();
        Some(locks.map(|lock| lock["name"].as_str().unwrap().to_owned()).collect())
    }

    fn put(&self, pin: &str, lock: &str) {
        self.cloud.put(pin, &[self.lock(lock)], 3_600);
        until("it opens", || {
            self.hub.types(lock, "111111");
            self.hub.types(lock, pin).filter(|opened| *opened)
        });
    }
}

/// A secret in all forms in which one might be written down.
fn forms(secret: &[u8]) -> Vec<Vec<u8>> {
    let hex = data_encoding::HEXLOWER.encode(secret);
    let mut forms = vec![secret.to_vec(), hex.to_uppercase().into_bytes(), hex.into_bytes()];
    forms.push(secret.iter().flat_map(|byte| [*byte, 0]).collect());
    forms.push(secret.iter().map(u8::to_string).collect::<Vec<_>>().join(", ").into_bytes());
    for shift in 0..3 {
        let padded = [vec![0; shift], secret.to_vec()].concat();
        // The first characters mix in what precedes, the last ones what follows.
        let (from, cut) = (if shift == 0 { 0 } else { shift + 1 }, usize::from(padded.len() % 3 != 0));
        for text in
            [data_encoding::BASE64_NOPAD.encode(&padded), data_encoding::BASE64URL_NOPAD.encode(&padded)]
        {
            forms.push(text.as_bytes()[from..text.len() - cut].to_vec());
        }
    }
    forms.retain(|form| form.len() >= 6);
    forms
}

fn assert_clean(what: &str, text: &[u8], secrets: &[(&str, Vec<u8>)]) {
    for (name, secret) in secrets {
        for form in forms(secret) {
            let digits = form.iter().all(u8::is_ascii_digit);
            let at = text.windows(form.len()).enumerate().find(|(at, window)| {
                let beside = |i: Option<&u8>| digits && i.is_some_and(u8::is_ascii_digit);
                *window == form
                    && !beside(at.checked_sub(1).and_then(|i| text.get(i)))
                    && !beside(text.get(at + form.len()))
            });
            let around = at.map(|(at, _)| {
                String::from_utf8_lossy(&text[at.saturating_sub(60)..at + form.len()]).into_owned()
            });
            assert_eq!(around, None, "{what} has {name}");
        }
    }
}

#[test]
fn the_search_finds_what_is_there() {
    for form in forms(b"483920") {
        let text = [b"x".as_slice(), &form, b"y"].concat();
        assert!(
            std::panic::catch_unwind(|| assert_clean("it", &text, &[("it", b"483920".to_vec())])).is_err()
        );
    }
}

#[test]
fn nothing_that_is_told_has_a_secret_in_it() {
    let pins = ["483920", "7195308", "60284719"];
    let bridge = "[[zigbee2mqtt]]\nurl = \"mqtt://127.0.0.1:9\"\nusername = \"hubuser7\"\npassword_file = \"mqtt.password\"\n";
    let config = format!("{bridge}{LOCKS}");
    let mut home =
        Home::paired(21, &[("LATCHKEY_LOG", "trace"), ("LATCHKEY_LOG_FORMAT", "json")], &config, 2);
    std::fs::write(home.dir.path().join("mqtt.password"), "correct-horse-battery\n").unwrap();
    home.put(pins[0], "Front door");
    home.put(pins[1], "Garage");
    home.hub.types("Front door", pins[2]);
    // A secret in the wrong place, and mended again.
    home.configure(&format!("{bridge}password = \"staple-in-clear\"\n{LOCKS}"));
    home.reload();
    until("the mistake is told", || {
        home.health().filter(|codes| codes.contains(&"config.broken".to_owned()))
    });
    let file = home.dir.path().join("diagnostics");
    let bundle = |home: &Home| {
        home.hub.say(&["diagnostics", file.to_str().unwrap()]).unwrap();
        std::fs::read(&file).unwrap()
    };
    let broken = bundle(&home);
    let seed = home.hub.seed();
    let state_key = vec![7; 32];
    let mut secrets: Vec<(&str, Vec<u8>)> =
        pins.iter().map(|pin| ("a PIN", pin.as_bytes().to_vec())).collect();
    secrets.push(("the broker's password", b"correct-horse-battery".to_vec()));
    secrets.push(("a password in the wrong place", b"staple-in-clear".to_vec()));
    secrets.push(("the hub's seed", seed));
    secrets.push(("the state key", state_key));
    assert_clean("the bundle of a broken configuration", &broken, &secrets);
    home.configure(&config);
    home.reload();
    until("all is well", || home.health().filter(|codes| !codes.contains(&"config.broken".to_owned())));
    let running = bundle(&home);
    let told: serde_json::Value = serde_json::from_slice(&running).unwrap();
    assert_eq!((told["running"].as_bool(), told["hub"]["locks"].as_array().unwrap().len()), (Some(true), 2));
    assert!(
        told["log"].as_array().unwrap().len() > 5 && told["ledger"]["ops"].as_u64().unwrap() > 2,
        "{told:#}"
    );
    assert!(told["config"]["zigbee2mqtt"][0]["password_file"].as_bool().unwrap());
    let text = String::from_utf8_lossy(&running);
    assert!(!text.contains("hubuser7"), "nor the broker's name for the hub");
    assert!(
        !text.contains("Zo") && home.hub.text("/api/state").unwrap().contains("Zo"),
        "nor the names of codes"
    );
    assert_clean("the bundle", &running, &secrets);
    for page in ["/healthz", "/metrics", "/api/state", "/api/ledger"] {
        assert_clean(page, home.hub.text(page).unwrap().as_bytes(), &secrets);
    }
    home.hub.kill();
    let stopped = bundle(&home);
    assert!(String::from_utf8_lossy(&stopped).contains("\"running\": false"));
    assert_clean("the bundle of a stopped hub", &stopped, &secrets);
    let log = home.hub.log();
    assert_clean("the log", log.as_bytes(), &secrets);
    let lines: Vec<serde_json::Value> =
        log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    assert!(
        lines.iter().any(|line| line["message"] == "lock" && line["command"] == "write"),
        "trace says every command"
    );
    assert!(log.lines().all(|line| line.starts_with('{')), "every line is JSON");
    // At rest.
    for name in ["hub.key", "sim/locks", "ledger.redb"] {
        let bytes = std::fs::read(home.dir.path().join(name)).unwrap();
        assert_clean(name, &bytes, &secrets);
    }
}

#[test]
fn a_changed_configuration_is_taken_while_the_hub_runs() {
    let mut home = Home::paired(22, &[], &format!("name = \"Hall\"\n{LOCKS}"), 2);
    home.put("483920", "Front door");
    assert_eq!(home.health().unwrap(), Vec::<String>::new());
    // A file that is saved is noticed by itself.
    home.configure(&format!("name = \"Attic\"\n{LOCKS}[[sim]]\nname = \"Gate\"\nreadback = \"masked\"\n"));
    until("the new lock is there", || home.names().filter(|names| names.contains(&"Gate".to_owned())));
    until("and reported", || (home.cloud.lock().reports.len() == 3).then_some(()));
    assert_eq!(home.hub.get("/api/state").unwrap()["name"], "Attic");
    home.put("602847", "Gate");
    assert_eq!(home.hub.types("Front door", "483920"), Some(true), "the others go on");
    // A broken file changes nothing and says so.
    home.configure("name = \"Attic\"\n[[sim]]\nname = \"Front door\"\nreadback = \"purple\"\n");
    home.reload();
    until("it is told", || home.health().filter(|codes| *codes == ["config.broken"]));
    let problems = home.hub.get("/api/state").unwrap()["config_problems"].clone();
    assert!(problems[0].as_str().unwrap().starts_with("line 5: config.value"), "{problems}");
    assert_eq!(home.names().unwrap().len(), 3);
    assert!(home.hub.log().contains("config.broken"));
    // Nor does one that is gone or emptied.
    for text in [Some(""), None] {
        let file = home.dir.path().join("hub.toml");
        text.map_or_else(|| std::fs::remove_file(&file), |text| std::fs::write(&file, text)).unwrap();
        home.reload();
        until("it is told", || {
            let told = home.hub.get("/api/state")?["config_problems"][0].as_str()?.to_owned();
            told.starts_with("config.io").then_some(())
        });
        assert_eq!(home.names().unwrap().len(), 3);
        home.configure("name = \"Attic\"\n[[sim]]\nname = 5\n");
        home.reload();
        until("it is told", || {
            let told = home.hub.get("/api/state")?["config_problems"][0].as_str()?.to_owned();
            told.starts_with("line").then_some(())
        });
    }
    // One lock less.
    home.configure(&format!("name = \"Attic\"\n{LOCKS}"));
    home.reload();
    until("the lock is gone", || home.names().filter(|names| !names.contains(&"Gate".to_owned())));
    until("all is well", || home.health().filter(Vec::is_empty));
    assert_eq!(home.hub.types("Front door", "483920"), Some(true));
    // What cannot change while it runs says so.
    std::fs::write(home.dir.path().join("hub.toml"), format!("origin = \"http://localhost:9\"\n{LOCKS}"))
        .unwrap();
    home.reload();
    until("it is told", || home.health().filter(|codes| *codes == ["config.restart"]));
    assert_eq!(home.cloud.lock().trouble, Vec::<String>::new());
    home.hub.kill();
}

#[test]
fn the_panel_moves() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = Cloud::start(23);
    let mut hub = Hub::new(dir.path(), &cloud);
    let first = hub.panel;
    hub.environment.push(("LATCHKEY_PANEL".to_owned(), String::new()));
    let configure = |panel: u16| {
        std::fs::write(dir.path().join("hub.toml"), format!("panel = \"127.0.0.1:{panel}\"\n")).unwrap()
    };
    configure(first);
    hub.start();
    let health = until("the panel answers", || hub.get("/healthz"));
    // Without an origin it waits to be told one.
    assert_eq!(health["reasons"][0]["code"], "config.no_origin", "{health}");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    configure(taken.local_addr().unwrap().port());
    kill_process(Pid::from_raw(hub.pid()).unwrap(), Signal::HUP).unwrap();
    until("it says that it cannot", || {
        hub.get("/healthz").filter(|health| health.to_string().contains("config.panel_taken"))
    });
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    configure(free);
    kill_process(Pid::from_raw(hub.pid()).unwrap(), Signal::HUP).unwrap();
    hub.panel = free;
    until("it answers elsewhere", || hub.get("/healthz"));
    assert!(std::net::TcpStream::connect(("127.0.0.1", first)).is_err());
    // And goes on once it is told where the cloud is.
    std::fs::write(
        dir.path().join("hub.toml"),
        format!("panel = \"127.0.0.1:{free}\"\norigin = \"http://localhost:{}\"\n", cloud.port),
    )
    .unwrap();
    until("it shows a pairing code", || hub.get("/api/pairing"));
}

#[test]
fn metrics_count_what_happened() {
    let mut home = Home::paired(24, &[], LOCKS, 2);
    home.put("483920", "Front door");
    let sample = |name: &str| -> Option<f64> {
        let page = home.hub.text("/metrics")?;
        assert!(page.starts_with("200\n"));
        page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
    };
    let front = "{lock=\"sim/Front door\",driver=\"sim\"";
    let commands = |kind: &str, outcome: &str| {
        sample(&format!("latchkey_hub_lock_commands_total{front},command=\"{kind}\",outcome=\"{outcome}\"}}"))
    };
    assert_eq!(commands("write", "verified"), Some(1.0));
    for (name, value) in
        [("reachable", 1.0), ("codes_desired", 1.0), ("codes_reported", 1.0), ("codes_failed", 0.0)]
    {
        assert_eq!(sample(&format!("latchkey_hub_lock_{name}{front}}}")), Some(value), "{name}");
    }
    assert_eq!((sample("latchkey_hub_cloud_online"), sample("latchkey_hub_healthy")), (Some(1.0), Some(1.0)));
    assert!(sample("latchkey_hub_cloud_head_age_seconds").is_some_and(|age| age < 120.0));
    assert!(sample("latchkey_hub_resident_memory_bytes").is_some_and(|bytes| bytes > 1e6));
    assert!(
        sample(&format!("latchkey_hub_lock_last_seen_timestamp_seconds{front}}}")).is_some_and(|at| at > 1e9)
    );
    let page = home.hub.text("/metrics").unwrap();
    assert!(!page.contains("Zo"), "no names of codes:\n{page}");
    let heads: Vec<&str> = page.lines().filter(|line| line.starts_with("# TYPE")).collect();
    let unique: std::collections::BTreeSet<&&str> = heads.iter().collect();
    assert_eq!(heads.len(), unique.len(), "every family once");
    home.hub.kill();
}

#[test]
fn health_says_what_is_wrong_and_that_it_is_over() {
    let mut home = Home::paired(28, &[], LOCKS, 2);
    home.put("483920", "Front door");
    until("all is well", || home.health().filter(Vec::is_empty));
    let fault = |kind: &str| json!({ "lock": "Front door", "fault": kind });
    home.hub.post("/api/sim/fault", &fault("dead")).unwrap();
    home.cloud.put("602847", &[home.lock("Front door")], 3_600);
    home.hub.types("Garage", "111111");
    until("the lock is told", || {
        home.health().filter(|codes| codes.contains(&"lock.unreachable".to_owned()))
    });
    home.hub.post("/api/sim/network", &json!({ "up": false })).unwrap();
    until("the cloud is told", || home.health().filter(|codes| codes.contains(&"cloud.offline".to_owned())));
    assert!(home.hub.text("/metrics").unwrap().contains("latchkey_hub_problems{code=\"cloud.offline\"} 1\n"));
    home.hub.post("/api/sim/network", &json!({ "up": true })).unwrap();
    home.hub.post("/api/sim/fault", &fault("heal")).unwrap();
    until("all is well again", || home.health().filter(Vec::is_empty));
    home.hub.kill();
}

#[test]
fn the_state_directory_is_worth_nothing_without_its_key() {
    let base = tempfile::tempdir().unwrap();
    let state = base.path().join("state");
    std::fs::create_dir(&state).unwrap();
    let cloud = Cloud::start(25);
    let mut hub = Hub::new(&state, &cloud);
    let given = hub.environment[0].clone();
    // The hub makes a key of its own, elsewhere.
    hub.environment[0].1 = String::new();
    hub.start();
    until("it shows a pairing code", || hub.get("/api/pairing"));
    hub.kill();
    let own = base.path().join("state-key/state.key");
    let sealed = std::fs::read(state.join("hub.key")).unwrap();
    assert!(sealed.starts_with(b"LKSEAL1\0") && own.exists());
    std::fs::rename(&own, base.path().join("away")).unwrap();
    let refused = hub.say(&["run"]).unwrap_err();
    assert!(refused.contains("state_key.missing"), "{refused}");
    std::fs::rename(base.path().join("away"), &own).unwrap();
    // Given one, it changes over, and no other opens it.
    hub.environment[0] = given.clone();
    hub.start();
    until("it shows a pairing code", || hub.get("/api/pairing"));
    hub.kill();
    assert!(!own.exists());
    assert_ne!(std::fs::read(state.join("hub.key")).unwrap(), sealed);
    std::fs::write(base.path().join("wrong"), [8; 32]).unwrap();
    hub.environment[0].1 = base.path().join("wrong").to_str().unwrap().to_owned();
    let refused = hub.say(&["run"]).unwrap_err();
    assert!(refused.contains("state_key.wrong"), "{refused}");
    hub.environment[0] = given;
    assert_eq!(hub.seed().len(), 32);
}

#[test]
fn commands_say_what_is_wrong() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = Cloud::start(26);
    let mut hub = Hub::new(dir.path(), &cloud);
    let none = hub.say(&["ledger"]).unwrap_err();
    assert!(none.contains("ledger.none"), "{none}");
    assert!(hub.say(&["check-config"]).unwrap().contains("is good"));
    let secret = dir.path().join("secret.toml");
    let text = "[[zigbee2mqtt]]\nurl = \"mqtt://127.0.0.1:1883\"\npassword_file = \"not-there\"\n";
    std::fs::write(&secret, text).unwrap();
    let noted = hub.say(&["check-config", secret.to_str().unwrap()]).unwrap();
    assert!(noted.contains("note: config.no_secret") && noted.contains("is good"), "{noted}");
    let text = "[[matter]]\nurl = \"wss://hub.lan/ws\"\nca_file = \"not-there.pem\"\n";
    std::fs::write(&secret, text).unwrap();
    let noted = hub.say(&["check-config", secret.to_str().unwrap()]).unwrap();
    assert!(noted.contains("not-there.pem holds no certificates") && noted.contains("is good"), "{noted}");
    let bad = dir.path().join("bad.toml");
    std::fs::write(&bad, "orgin = \"x\"\n[[zwave_js]]\nurl = \"ws://10.0.0.5:3000\"\n").unwrap();
    let output = hub.run(&["check-config", bad.to_str().unwrap()]);
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(!output.status.success());
    assert!(told.contains("line 1: config.unknown") && told.contains("line 3: config.insecure"), "{told}");
    hub.start();
    until("it runs", || hub.get("/healthz"));
    hub.kill();
    let ledger: serde_json::Value = serde_json::from_str(&hub.say(&["ledger"]).unwrap()).unwrap();
    assert_eq!(
        (ledger["format"].as_u64(), ledger["ops"].as_u64()),
        (Some(latchkey_hub::shell::ledger::FORMAT), Some(0))
    );
    // Root is refused where nobody has said otherwise.
    if rustix::process::geteuid().is_root() {
        hub.environment.push(("LATCHKEY_ALLOW_ROOT".to_owned(), String::new()));
        let refused = hub.say(&["run"]).unwrap_err();
        assert!(refused.contains("hub.root"), "{refused}");
        hub.environment.pop();
    }
}

#[test]
fn systemd_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    let heard = Arc::new(Mutex::new(Vec::<String>::new()));
    let hears = heard.clone();
    std::thread::spawn(move || {
        let mut bytes = [0; 256];
        while let Ok(n) = socket.recv(&mut bytes) {
            hears.lock().unwrap().push(String::from_utf8(bytes[..n].to_vec()).unwrap());
        }
    });
    let count = |word: &str| heard.lock().unwrap().iter().filter(|told| told.starts_with(word)).count();
    let environment = [("NOTIFY_SOCKET", path.to_str().unwrap()), ("WATCHDOG_USEC", "400000")];
    let mut home = Home::paired(27, &environment, LOCKS, 2);
    assert_eq!(count("READY=1"), 1);
    let signs = count("WATCHDOG=1");
    until("it gives signs of life", || (count("WATCHDOG=1") > signs + 2).then_some(()));
    home.reload();
    until("it is ready again", || (count("READY=1") == 2).then_some(()));
    assert_eq!(count("RELOADING=1\nMONOTONIC_USEC="), 1);
    kill_process(Pid::from_raw(home.hub.pid()).unwrap(), Signal::TERM).unwrap();
    until("it says that it ends", || (count("STOPPING=1") == 1).then_some(()));
    home.hub.kill();
}

//! What is shipped around the hub: the unit's hardening, the package's scripts, the add-on's definition.
#![allow(missing_docs)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("packaging").join(name)
}

fn read(name: &str) -> String {
    fs::read_to_string(path(name)).unwrap()
}

/// The lines of a unit's section `[Service]`, by their keys.
fn service() -> BTreeMap<String, Vec<String>> {
    let unit = read("systemd/latchkey-hub.service");
    let section = unit.split("\n[Service]\n").nth(1).unwrap().split("\n[").next().unwrap().to_owned();
    let mut keys: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in section.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (key, value) = line.split_once('=').unwrap();
        keys.entry(key.to_owned()).or_default().push(value.to_owned());
    }
    keys
}

#[test]
fn the_unit_gives_the_hub_nothing_that_it_does_not_need() {
    let service = service();
    let is = |key: &str| service.get(key).map(|values| values.join(" ")).unwrap_or_default();
    for key in [
        "NoNewPrivileges",
        "ProtectHome",
        "PrivateTmp",
        "PrivateDevices",
        "PrivateUsers",
        "ProtectClock",
        "ProtectHostname",
        "ProtectKernelLogs",
        "ProtectKernelModules",
        "ProtectKernelTunables",
        "ProtectControlGroups",
        "LockPersonality",
        "MemoryDenyWriteExecute",
        "RestrictNamespaces",
        "RestrictRealtime",
        "RestrictSUIDSGID",
        "RemoveIPC",
    ] {
        assert_eq!(is(key), "yes", "{key}");
    }
    assert_eq!((is("ProtectSystem"), is("ProtectProc")), ("strict".into(), "invisible".into()));
    assert_eq!(
        (is("User"), is("UMask"), is("StateDirectoryMode")),
        ("latchkey".into(), "0077".into(), "0700".into())
    );
    assert_eq!((is("CapabilityBoundingSet"), is("LimitCORE")), (String::new(), "0".into()));
    assert!(
        is("SystemCallFilter").starts_with("@system-service ~") && is("SystemCallArchitectures") == "native"
    );
    // What sd_notify and the watchdog need.
    assert_eq!((is("Type"), is("ExecReload")), ("notify".into(), "/bin/kill -HUP $MAINPID".into()));
    assert!(is("WatchdogSec").parse::<u32>().unwrap() >= 30);
}

#[test]
fn systemd_understands_the_unit() {
    // With a program that is there.
    let dir = tempfile::tempdir().unwrap();
    let unit = dir.path().join("latchkey-hub.service");
    fs::write(&unit, read("systemd/latchkey-hub.service").replace("/usr/bin/latchkey-hub", "/bin/true"))
        .unwrap();
    let Ok(output) = Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(&unit).output() else {
        return;
    };
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!told.contains("latchkey-hub.service:"), "{told}");
}

/// systemd's own judgement of the hardening, from 0 (nothing can be done) to 100.
#[test]
fn systemd_finds_the_unit_hardly_exposed() {
    let dir = tempfile::tempdir().unwrap();
    let unit = dir.path().join("latchkey-hub.service");
    let judged = |text: &str| {
        fs::write(&unit, text.replace("/usr/bin/latchkey-hub", "/bin/true")).unwrap();
        let mut command = Command::new("systemd-analyze");
        command.args(["security", "--offline=yes", "--no-pager", "--threshold=15"]).arg(&unit).output().ok()
    };
    let shipped = read("systemd/latchkey-hub.service");
    let Some(output) = judged(&shipped) else { return };
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    if !told.contains("Overall exposure level") {
        // Before version 250 it judges no unit that is not loaded.
        return;
    }
    assert!(output.status.success(), "{told}");
    let weaker = judged(&shipped.replace("CapabilityBoundingSet=\n", "").replace("PrivateUsers=yes\n", ""));
    assert!(!weaker.unwrap().status.success(), "it would tell");
}

#[test]
fn scripts_are_shell() {
    let scripts = ["debian/postinst", "debian/prerm", "debian/postrm", "home-assistant/latchkey_hub/run.sh"];
    for name in scripts {
        assert!(read(name).starts_with("#!/bin/sh\n"), "{name}");
        let output = Command::new("sh").arg("-n").arg(path(name)).output().unwrap();
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

/// The keys of a YAML file of plain maps and lists, with what stands behind each: `a`, `a.b`, and `a[]` for items.
fn yaml(text: &str) -> BTreeMap<String, Vec<String>> {
    let mut keys: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut at: Vec<(usize, String)> = vec![];
    for line in text.lines().filter(|line| !line.trim_start().starts_with('#') && !line.trim().is_empty()) {
        let indent = line.len() - line.trim_start().len();
        at.retain(|(outer, _)| *outer < indent);
        let outer =
            |at: &[(usize, String)]| at.iter().map(|(_, key)| key.as_str()).collect::<Vec<_>>().join(".");
        let mut rest = line.trim_start();
        if let Some(item) = rest.strip_prefix("- ") {
            rest = item;
            at.push((indent, "[]".to_owned()));
        }
        match rest
            .split_once(':')
            .filter(|(key, _)| key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_' || b.is_ascii_digit()))
        {
            Some((key, value)) => {
                at.push((indent + 1, key.to_owned()));
                keys.entry(outer(&at)).or_default().push(value.trim().trim_matches('"').to_owned());
                at.pop();
                if value.trim().is_empty() {
                    at.push((indent, key.to_owned()));
                }
            }
            None => keys.entry(outer(&at)).or_default().push(rest.trim_matches('"').to_owned()),
        }
        at.retain(|(_, key)| key != "[]");
    }
    keys
}

#[test]
fn the_add_on_is_as_home_assistant_wants_it() {
    let config = yaml(&read("home-assistant/latchkey_hub/config.yaml"));
    let one = |key: &str| config.get(key).map(|values| values[0].clone()).unwrap_or_default();
    for key in ["name", "version", "slug", "description"] {
        assert!(!one(key).is_empty(), "{key}");
    }
    assert_eq!(one("slug"), "latchkey_hub", "the name of its directory");
    assert_eq!(config["arch.[]"], ["@ARCH@"], "put in when it is packaged");
    assert!(["initialize", "system", "services", "application", "once"].contains(&one("startup").as_str()));
    assert!(["auto", "manual", "manual_only"].contains(&one("boot").as_str()));
    assert!(["hot", "cold"].contains(&one("backup").as_str()));
    assert!(["stable", "experimental", "deprecated"].contains(&one("stage").as_str()));
    for key in ["host_network", "init"] {
        assert!(["true", "false"].contains(&one(key).as_str()), "{key}");
    }
    // Nothing that its documentation does not name: a key that is misspelt would count for nothing.
    const DOCUMENTED: [&str; 14] = [
        "name",
        "version",
        "slug",
        "description",
        "arch",
        "startup",
        "boot",
        "init",
        "stage",
        "host_network",
        "map",
        "backup",
        "backup_exclude",
        "options",
    ];
    for key in config.keys().map(|key| key.split('.').next().unwrap()) {
        assert!(DOCUMENTED.contains(&key) || key == "schema", "{key}");
    }
    assert_eq!(config["map.[].type"], ["addon_config"]);
    let types = ["url", "str", "str?", "url?", "bool", "password"];
    assert!(["schema.origin", "schema.name"].iter().all(|key| types.contains(&one(key).as_str())));
    assert!(
        config["backup_exclude.[]"] == ["state-key/*"]
            && read("home-assistant/latchkey_hub/run.sh").contains("/data/state-key")
    );
    // It has no more rights than it needs.
    for key in ["privileged", "full_access", "docker_api", "hassio_api", "host_pid", "devices"] {
        assert!(!config.keys().any(|known| known.starts_with(key)), "{key}");
    }
    let below = |text: &BTreeMap<String, Vec<String>>, outer: &str| -> BTreeSet<String> {
        let inner = text.keys().filter_map(|key| key.strip_prefix(outer)?.strip_prefix('.'));
        inner.filter(|key| !key.contains('.')).map(str::to_owned).collect()
    };
    let options = below(&config, "options");
    assert_eq!(options, BTreeSet::from(["origin".to_owned(), "name".to_owned()]));
    assert_eq!(options, below(&config, "schema"));
    let words = yaml(&read("home-assistant/latchkey_hub/translations/en.yaml"));
    assert_eq!(options, below(&words, "configuration"));
    for option in &options {
        assert_eq!(
            below(&words, &format!("configuration.{option}")),
            BTreeSet::from(["name".to_owned(), "description".to_owned()])
        );
        assert!(
            read("home-assistant/latchkey_hub/run.sh").contains(&format!("jq -r .{option} ")),
            "{option} is used"
        );
    }
    let build = yaml(&read("home-assistant/latchkey_hub/build.yaml"));
    assert_eq!(below(&build, "build_from"), BTreeSet::from(["aarch64".to_owned(), "amd64".to_owned()]));
}

#[test]
fn containers_do_not_run_the_hub_as_root() {
    let file = read("Containerfile");
    let user = file.lines().position(|line| line == "USER latchkey").unwrap();
    let start = file.lines().position(|line| line.starts_with("ENTRYPOINT")).unwrap();
    assert!(user < start && !file.contains("--allow-root"));
    let run = read("home-assistant/latchkey_hub/run.sh");
    let calls = run.lines().filter(|line| line.contains("/usr/bin/latchkey-hub --config")).count();
    assert_eq!(
        run.matches("setpriv --reuid=latchkey --regid=latchkey --clear-groups --no-new-privs").count(),
        calls
    );
}

/// No container can be built in a test. What its file names is there, and the stages fit together.
#[test]
fn the_container_file_names_what_is_there() {
    let file = read("Containerfile");
    let steps: Vec<&str> =
        file.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_uppercase())).collect();
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let pinned = fs::read_to_string(root.join("rust-toolchain.toml")).unwrap();
    let channel = pinned.lines().find_map(|line| line.strip_prefix("channel = ")).unwrap().trim_matches('"');
    let stages: Vec<&str> = steps.iter().filter_map(|step| step.strip_prefix("FROM ")).collect();
    let [build, last] = stages[..] else { panic!("two stages: {stages:?}") };
    let (image, name) = build.split_once(" AS ").unwrap();
    assert!(image.starts_with(&format!("rust:{channel}-")), "the pinned toolchain: {image}");
    let release = |image: &str| image.rsplit(['-', ':']).find(|part| *part != "slim").unwrap().to_owned();
    assert_eq!(release(image), release(last.trim_end_matches("-slim")), "one C library for both");
    // The program comes from where the first stage puts it, and is started from where the second one has it.
    let copy = steps.iter().find_map(|step| step.strip_prefix(&format!("COPY --from={name} "))).unwrap();
    assert_eq!(copy, "/source/target/release/latchkey-hub /usr/bin/latchkey-hub");
    assert!(
        steps.contains(&"WORKDIR /source") && file.contains("cargo build --locked --release -p latchkey-hub")
    );
    let ignored = fs::read_to_string(root.join(".dockerignore")).unwrap();
    for needed in ["Cargo.toml", "Cargo.lock", "shared", "hub"] {
        assert!(root.join(needed).exists() && !ignored.lines().any(|line| line == needed), "{needed}");
    }
    for kept_out in [".git", ".dev.vars", "**/target", "**/node_modules"] {
        assert!(ignored.lines().any(|line| line == kept_out), "{kept_out}");
    }
    let entry = steps.iter().find_map(|step| step.strip_prefix("ENTRYPOINT ")).unwrap();
    let words: Vec<String> = serde_json::from_str(entry).unwrap();
    assert_eq!(words[0], "/usr/bin/latchkey-hub");
    let volume = steps.iter().find_map(|step| step.strip_prefix("VOLUME ")).unwrap();
    assert!(words[4].starts_with(volume), "what it keeps is on the volume");
    assert!(file.contains(&format!("-o latchkey -g latchkey -m 0700 {volume}")), "and its own");
    // The add-on's file takes what `cargo xtask package` puts beside it.
    let add_on = read("home-assistant/latchkey_hub/Dockerfile");
    for taken in add_on.lines().filter_map(|line| line.strip_prefix("COPY ")?.split(' ').next()) {
        let beside = path("home-assistant/latchkey_hub").join(taken);
        assert!(taken == "latchkey-hub.deb" || beside.exists(), "{taken}");
    }
}

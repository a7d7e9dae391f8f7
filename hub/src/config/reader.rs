//! Reads the file: every key and section, with everything that is wrong about them.

use super::problem::{Collector, Problems};
use super::section;
use super::source::Source;
use super::{Config, Format, Level, Log, PANEL, Secrets, locks};
use crate::core::reconcile::Hands;
use crate::drivers::sim::model::SimLock;
use crate::drivers::{matter, zigbee2mqtt, zwave_js};
use crate::machine::section::Section;
use latchkey_shared::grant::name_ok;
use latchkey_shared::origin::Origin;
use std::net::SocketAddr;
use std::path::PathBuf;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Every key outside of sections.
pub(super) const KEYS: [&str; 12] = [
    "origin",
    "name",
    "panel",
    "state",
    "state_key_file",
    "button",
    "hands",
    "log",
    "sim",
    "zwave_js",
    "zigbee2mqtt",
    "matter",
];

/// Reads the text of a configuration.
pub(super) fn read(text: &str, source: &Source) -> Result<Config, Problems> {
    let mut problems = Collector::new(text);
    let (root, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        problems.add(error.span(), "config.syntax", section::plain(error.message()));
    }
    let reader = Reader { root: root.get_ref(), problems: &mut problems };
    let config = reader.config(source);
    problems.finish()?;
    Ok(config)
}

struct Reader<'r, 't> {
    root: &'r DeTable<'t>,
    problems: &'r mut Collector<'t>,
}

impl<'t> Reader<'_, 't> {
    fn config(mut self, source: &Source) -> Config {
        self.unknown_keys();
        let origin = self.text("origin").and_then(|text| match Origin::parse(&text) {
            Ok(origin) => Some(origin),
            Err(e) => {
                self.wrong("origin", "config.origin", e.to_string());
                None
            }
        });
        let name = self.text("name").unwrap_or_else(|| "Hub".to_owned());
        if !name_ok(&name) {
            self.wrong("name", "config.name", "names have 1 to 64 characters and no line breaks");
        }
        let beside = source.beside();
        Config {
            dir: self.dir(source),
            secrets: Secrets::of(&beside),
            state_key_file: self.path("state_key_file").map(|file| beside.join(file)),
            origin,
            name,
            panel: self.panel(source),
            button: self.path("button"),
            hands: self.hands(),
            log: self.log(source),
            zwave_js: self.bridges("zwave_js", |bridge: &zwave_js::Settings| bridge.url.clone()),
            zigbee2mqtt: self.bridges("zigbee2mqtt", |bridge: &zigbee2mqtt::Settings| {
                format!("{} {}", bridge.url, bridge.base_topic)
            }),
            matter: self.bridges("matter", |bridge: &matter::Settings| bridge.url.clone()),
            sim: self.sim(),
        }
    }

    fn wrong(&mut self, key: &str, code: &'static str, text: impl Into<String>) {
        self.problems.add(section::span_of(self.root, key), code, text);
    }

    fn unknown_keys(&mut self) {
        for key in self.root.keys().filter(|key| !KEYS.contains(&key.get_ref().as_ref())) {
            let text = format!("there is no key `{}`, expected one of {}", key.get_ref(), KEYS.join(", "));
            self.problems.add(Some(key.span()), "config.unknown", text);
        }
    }

    fn text(&mut self, key: &str) -> Option<String> {
        let value = self.root.get(key)?;
        let text = value.get_ref().as_str().map(str::to_owned);
        if text.is_none() {
            self.wrong(key, "config.value", format!("`{key}` is a text in quotes"));
        }
        text
    }

    fn path(&mut self, key: &str) -> Option<PathBuf> {
        self.text(key).map(PathBuf::from)
    }

    fn dir(&mut self, source: &Source) -> PathBuf {
        let named = self.path("state");
        if named.as_ref().is_some_and(|dir| !dir.is_absolute()) {
            self.wrong("state", "config.value", "`state` is a directory, named from the root on");
        }
        source.state.clone().or(named).unwrap_or_else(|| source.beside())
    }

    fn panel(&mut self, source: &Source) -> SocketAddr {
        let in_file = self.text("panel");
        let (from_environment, text) = match &source.environment.panel {
            Some(text) => (true, text.clone()),
            None => (false, in_file.unwrap_or_else(|| PANEL.to_owned())),
        };
        let address = text.parse::<SocketAddr>().ok().filter(|address| address.ip().is_loopback());
        if let Some(address) = address {
            return address;
        }
        let text = format!("the panel opens doors; let it listen on a loopback address such as {PANEL}");
        if from_environment {
            self.problems.add(None, "config.panel", format!("LATCHKEY_PANEL: {text}"));
        } else {
            self.wrong("panel", "config.panel", text);
        }
        SocketAddr::from(([127, 0, 0, 1], 8790))
    }

    fn hands(&mut self) -> Hands {
        match self.text("hands").as_deref() {
            None | Some("restore") => Hands::Restore,
            Some("leave") => Hands::Leave,
            Some("adopt") => Hands::Adopt,
            Some(_) => {
                self.wrong("hands", "config.value", "`hands` is restore, leave or adopt");
                Hands::Restore
            }
        }
    }

    fn log(&mut self, source: &Source) -> Log {
        let mut log = self
            .table("log")
            .and_then(|t| section::read::<Log>(&t, "[log]", self.problems))
            .unwrap_or_default();
        if let Some(word) = &source.environment.log {
            match Level::parse(word) {
                Some(level) => log.level = level,
                None => self.problems.add(
                    None,
                    "config.value",
                    "LATCHKEY_LOG is error, warn, info, debug or trace",
                ),
            }
        }
        if let Some(word) = &source.environment.log_format {
            match Format::parse(word) {
                Some(format) => log.format = format,
                None => self.problems.add(None, "config.value", "LATCHKEY_LOG_FORMAT is text or json"),
            }
        }
        log
    }

    fn table(&mut self, key: &str) -> Option<Spanned<DeTable<'t>>> {
        let value = self.root.get(key)?;
        match value.get_ref() {
            DeValue::Table(table) => Some(Spanned::new(value.span(), table.clone())),
            _ => {
                self.wrong(key, "config.value", format!("`{key}` is a section: write [{key}]"));
                None
            }
        }
    }

    /// The sections of an array; a section that is wrong is told and left out.
    fn sections<T: Section>(&mut self, key: &str) -> Vec<(std::ops::Range<usize>, T)> {
        let Some(value) = self.root.get(key) else { return vec![] };
        let DeValue::Array(array) = value.get_ref() else {
            self.wrong(key, "config.value", format!("`{key}` may stand several times: write [[{key}]]"));
            return vec![];
        };
        let mut found = vec![];
        for value in array {
            match value.get_ref() {
                DeValue::Table(table) => {
                    let table = Spanned::new(value.span(), table.clone());
                    let read = section::read(&table, &format!("[[{key}]]"), self.problems);
                    found.extend(read.map(|section| (value.span(), section)));
                }
                _ => {
                    let text = format!("`{key}` is made of sections: write [[{key}]]");
                    self.problems.add(Some(value.span()), "config.value", text);
                }
            }
        }
        found
    }

    /// Bridges of one kind. `names` says what makes two of them the same one.
    fn bridges<T: Section>(&mut self, key: &str, names: impl Fn(&T) -> String) -> Vec<T> {
        let mut bridges: Vec<T> = vec![];
        for (at, bridge) in self.sections::<T>(key) {
            if bridges.iter().any(|other| names(other) == names(&bridge)) {
                self.problems.add(
                    Some(at),
                    "config.twice",
                    format!("[[{key}]]: the same bridge stands twice"),
                );
            } else {
                bridges.push(bridge);
            }
        }
        bridges
    }

    fn sim(&mut self) -> Vec<SimLock> {
        // Who has written any section for locks wants those and no others.
        let any = ["sim", "zwave_js", "zigbee2mqtt", "matter"].iter().any(|key| self.root.contains_key(*key));
        if !any {
            return locks::four();
        }
        let mut found: Vec<SimLock> = vec![];
        for (at, settings) in self.sections::<locks::SimSettings>("sim") {
            let lock = settings.lock();
            // The name is what the hub knows a lock by.
            if found.iter().any(|other| other.key == lock.key) {
                self.problems.add(Some(at), "config.twice", "[[sim]]: two locks have this name");
            } else {
                found.push(lock);
            }
        }
        found
    }
}

//! `hub.toml`: what a person decides about this hub.

use crate::drivers::sim::model::SimLock;
use crate::shell::files;
use crate::shell::origin::{Origin, OriginError};
use latchkey_shared::grant::name_ok;
use latchkey_shared::slot::{LockAbilities, OwnSchedules, Readback};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Where the panel listens unless told otherwise.
pub const PANEL: &str = "127.0.0.1:8790";

/// What was decided.
#[derive(Clone, Debug)]
pub struct Config {
    /// The state directory.
    pub dir: PathBuf,
    /// The cloud; none before pairing was begun.
    pub origin: Option<Origin>,
    /// What people call the hub.
    pub name: String,
    /// Where the panel listens: a loopback address.
    pub panel: SocketAddr,
    /// The file that reads `1` while the hub's button is held, if it has one.
    pub button: Option<PathBuf>,
    /// The simulated locks.
    pub sim: Vec<SimLock>,
}

/// Why the configuration is refused.
#[derive(Debug)]
pub enum ConfigError {
    /// It cannot be read or written.
    Io(std::io::Error),
    /// It is not TOML of the expected form; where.
    Syntax(String),
    /// The origin is not usable.
    Origin(OriginError),
    /// The panel would be reachable from other machines.
    PanelNotLocal,
    /// A name is empty, too long or has line breaks.
    Name,
    /// A simulated lock is not possible; its name.
    Sim(String),
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(e) => write!(f, "config.io: hub.toml cannot be read or written: {e}"),
            Self::Syntax(e) => write!(f, "config.syntax: hub.toml is not understood: {e}"),
            Self::Origin(e) => write!(f, "{e}"),
            Self::PanelNotLocal => {
                write!(
                    f,
                    "config.panel: the panel opens doors; let it listen on a loopback address such as {PANEL}"
                )
            }
            Self::Name => write!(f, "config.name: names have 1 to 64 characters and no line breaks"),
            Self::Sim(name) => write!(
                f,
                "config.sim: no lock can be like the simulated lock {name:?}, or there are two of that name"
            ),
        }
    }
}

impl std::error::Error for ConfigError {}

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    origin: Option<String>,
    name: Option<String>,
    panel: Option<String>,
    button: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    sim: Vec<SimFile>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SimFile {
    name: String,
    #[serde(default = "slots")]
    slots: u16,
    #[serde(default)]
    reserved: Vec<u16>,
    readback: ReadbackFile,
    #[serde(default)]
    own_schedules: OwnSchedulesFile,
    #[serde(default)]
    toggles: bool,
    #[serde(default)]
    paired_digits: bool,
    /// Whether it tells who came in.
    #[serde(default = "yes")]
    tells_uses: bool,
    one_length: Option<u8>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ReadbackFile {
    Full,
    Masked,
    None,
}

#[derive(Clone, Copy, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum OwnSchedulesFile {
    #[default]
    None,
    Term,
    Hours,
}

fn slots() -> u16 {
    20
}

fn yes() -> bool {
    true
}

impl SimFile {
    fn lock(&self) -> Result<SimLock, ConfigError> {
        let abilities = LockAbilities {
            slots: self.slots,
            reserved: self.reserved.clone(),
            pin_min: 4,
            pin_max: 8,
            readback: match self.readback {
                ReadbackFile::Full => Readback::Full,
                ReadbackFile::Masked => Readback::Masked,
                ReadbackFile::None => Readback::None,
            },
            own_schedules: match self.own_schedules {
                OwnSchedulesFile::None => OwnSchedules::None,
                OwnSchedulesFile::Term => OwnSchedules::Term,
                OwnSchedulesFile::Hours => OwnSchedules::Hours,
            },
            one_length: self.one_length,
            paired_digits: self.paired_digits,
            toggles: self.toggles,
            tells_uses: self.tells_uses,
            digits: None,
        };
        if abilities.validate().is_err() || !name_ok(&self.name) {
            return Err(ConfigError::Sim(self.name.clone()));
        }
        Ok(SimLock::new(&format!("sim/{}", self.name), &self.name, abilities))
    }
}

/// Four locks, each of another make.
fn default_locks() -> Vec<SimFile> {
    let lock = |name: &str, slots, readback, own_schedules, toggles| SimFile {
        name: name.to_owned(),
        slots,
        reserved: vec![],
        readback,
        own_schedules,
        toggles,
        paired_digits: false,
        tells_uses: true,
        one_length: None,
    };
    vec![
        lock("Front door", 30, ReadbackFile::Full, OwnSchedulesFile::None, true),
        lock("Back door", 20, ReadbackFile::Masked, OwnSchedulesFile::None, false),
        lock("Garage", 10, ReadbackFile::None, OwnSchedulesFile::None, false),
        lock("Garden gate", 50, ReadbackFile::Full, OwnSchedulesFile::Hours, false),
    ]
}

impl Config {
    /// Reads `hub.toml` in the state directory, which is made if it is not there. `panel` is the environment's wish.
    pub fn load(dir: &Path, panel: Option<&str>) -> Result<Self, ConfigError> {
        files::private_dir(dir).map_err(ConfigError::Io)?;
        let bytes = files::read_if_there(&dir.join("hub.toml")).map_err(ConfigError::Io)?.unwrap_or_default();
        let text = String::from_utf8(bytes).map_err(|e| ConfigError::Syntax(e.to_string()))?;
        let file: File = toml::from_str(&text).map_err(|e| ConfigError::Syntax(e.message().to_owned()))?;
        Self::from_file(dir, file, panel)
    }

    fn from_file(dir: &Path, file: File, panel: Option<&str>) -> Result<Self, ConfigError> {
        let origin = file.origin.as_deref().map(Origin::parse).transpose().map_err(ConfigError::Origin)?;
        let name = file.name.unwrap_or_else(|| "Hub".to_owned());
        if !name_ok(&name) {
            return Err(ConfigError::Name);
        }
        let panel = panel.or(file.panel.as_deref()).unwrap_or(PANEL);
        let panel: SocketAddr = panel.parse().map_err(|_| ConfigError::PanelNotLocal)?;
        if !panel.ip().is_loopback() {
            return Err(ConfigError::PanelNotLocal);
        }
        let sim = if file.sim.is_empty() { default_locks() } else { file.sim };
        let sim: Vec<SimLock> = sim.iter().map(SimFile::lock).collect::<Result<_, _>>()?;
        for (i, lock) in sim.iter().enumerate() {
            // The name is what the hub knows a lock by.
            if sim.iter().take(i).any(|other| other.key == lock.key) {
                return Err(ConfigError::Sim(lock.name.clone()));
            }
        }
        Ok(Self { dir: dir.to_owned(), origin, name, panel, button: file.button, sim })
    }

    /// Writes origin and name into `hub.toml`, keeping the rest.
    pub fn set(dir: &Path, origin: &Origin, name: Option<&str>) -> Result<(), ConfigError> {
        files::private_dir(dir).map_err(ConfigError::Io)?;
        let path = dir.join("hub.toml");
        let text = files::read_if_there(&path).map_err(ConfigError::Io)?.unwrap_or_default();
        let text = String::from_utf8(text).map_err(|e| ConfigError::Syntax(e.to_string()))?;
        // Checked before it is touched, so that nothing is lost over a typing error.
        let _: File = toml::from_str(&text).map_err(|e| ConfigError::Syntax(e.message().to_owned()))?;
        if name.is_some_and(|name| !name_ok(name)) {
            return Err(ConfigError::Name);
        }
        let mut lines: Vec<String> = vec![format!("origin = {:?}", origin.to_string())];
        lines.extend(name.map(|name| format!("name = {name:?}")));
        let mut top = true;
        for line in text.lines() {
            top &= !line.trim_start().starts_with('[');
            let key = line.split('=').next().unwrap_or_default().trim();
            if !(top && (key == "origin" || (key == "name" && name.is_some()))) {
                lines.push(line.to_owned());
            }
        }
        let text = lines.join("\n") + "\n";
        let _: File = toml::from_str(&text).map_err(|e| ConfigError::Syntax(e.message().to_owned()))?;
        files::replace(&path, text.as_bytes()).map_err(ConfigError::Io)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_locks_without_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let config = Config::load(dir.path(), None).unwrap();
        assert_eq!(config.sim.len(), 4);
        assert_eq!(config.panel.to_string(), PANEL);
        assert!(config.origin.is_none());
    }

    #[test]
    fn what_is_set_is_read_and_the_rest_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("hub.toml");
        std::fs::write(&path, "panel = \"127.0.0.1:1\"\norigin = \"http://localhost:1\"\n[[sim]]\nname = \"A\"\nreadback = \"full\"\n").unwrap();
        let origin = Origin::parse("https://keys.example").unwrap();
        Config::set(dir.path(), &origin, Some("Hall \"1\"")).unwrap();
        let config = Config::load(dir.path(), None).unwrap();
        assert_eq!((config.origin, config.name.as_str()), (Some(origin), "Hall \"1\""));
        assert_eq!((config.sim.len(), config.panel.port()), (1, 1));
        assert_eq!(config.sim[0].name, "A");
    }

    #[test]
    fn mistakes_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let read = |text: &str, panel| {
            std::fs::write(dir.path().join("hub.toml"), text).unwrap();
            Config::load(dir.path(), panel)
        };
        assert!(matches!(read("panel = \"0.0.0.0:80\"", None), Err(ConfigError::PanelNotLocal)));
        assert!(matches!(read("", Some("192.168.1.4:80")), Err(ConfigError::PanelNotLocal)));
        assert!(matches!(read("orgin = \"x\"", None), Err(ConfigError::Syntax(_))));
        assert!(matches!(read("origin = \"http://keys.example\"", None), Err(ConfigError::Origin(_))));
        assert!(matches!(read("name = \"\"", None), Err(ConfigError::Name)));
        let sim = "[[sim]]\nname = \"A\"\nreadback = \"full\"\nslots = 4000";
        assert!(matches!(read(sim, None), Err(ConfigError::Sim(_))));
        let twice = "[[sim]]\nname = \"A\"\nreadback = \"full\"\n".repeat(2);
        assert!(matches!(read(&twice, None), Err(ConfigError::Sim(_))));
    }
}

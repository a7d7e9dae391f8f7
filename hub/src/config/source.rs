//! Where the configuration comes from.

use super::Config;
use super::problem::{Problem, Problems};
use super::reader::read;
use crate::machine::files;
use latchkey_shared::grant::name_ok;
use latchkey_shared::origin::Origin;
use std::path::{Path, PathBuf};

/// Where a packaged hub has it.
const PACKAGED: &str = "/etc/latchkey/hub.toml";

/// What the environment says; it goes before the file.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Environment {
    /// `LATCHKEY_PANEL`.
    pub panel: Option<String>,
    /// `LATCHKEY_LOG`.
    pub log: Option<String>,
    /// `LATCHKEY_LOG_FORMAT`.
    pub log_format: Option<String>,
}

impl Environment {
    /// This process's.
    pub fn of_process() -> Self {
        let get = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        Self {
            panel: get("LATCHKEY_PANEL"),
            log: get("LATCHKEY_LOG"),
            log_format: get("LATCHKEY_LOG_FORMAT"),
        }
    }
}

/// A configuration's file and what goes before it; read again when the file changes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Source {
    /// The file.
    pub file: PathBuf,
    /// Whether it has to be there.
    pub must_be: bool,
    /// The state directory, if the command line names it.
    pub state: Option<PathBuf>,
    /// The environment.
    pub environment: Environment,
}

impl Source {
    /// The file that is named; else the one in the state directory that is named; else the packaged one, where there
    /// is one; else the one in `./hub-state`.
    pub fn find(file: Option<PathBuf>, state: Option<PathBuf>, environment: Environment) -> Self {
        let must_be = file.is_some();
        let file = file.or_else(|| state.as_ref().map(|dir| dir.join("hub.toml"))).unwrap_or_else(|| {
            let packaged = PathBuf::from(PACKAGED);
            if packaged.exists() { packaged } else { PathBuf::from("hub-state/hub.toml") }
        });
        Self { file, must_be, state, environment }
    }

    /// The file in this state directory.
    pub fn in_state(dir: &Path) -> Self {
        Self::find(None, Some(dir.to_owned()), Environment::default())
    }

    /// The directory in which the file is.
    pub(super) fn beside(&self) -> PathBuf {
        match self.file.parent() {
            Some(dir) if !dir.as_os_str().is_empty() => dir.to_owned(),
            _ => PathBuf::from("."),
        }
    }

    fn text(&self) -> Result<String, Problems> {
        let io = |why: String| {
            let text = format!("{} cannot be read: {why}", self.file.display());
            Problem { line: None, code: "config.io", text }
        };
        match files::read_if_there(&self.file).map_err(|e| io(e.to_string()))? {
            None if self.must_be => Err(io("there is no such file".to_owned()).into()),
            None => Ok(String::new()),
            Some(bytes) => Ok(String::from_utf8(bytes).map_err(|_| io("it is not UTF-8".to_owned()))?),
        }
    }

    /// Reads and checks it. Nothing is made on disk.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn load(&self) -> Result<Config, Problems> {
        read(&self.text()?, self)
    }

    /// Writes origin and name into the file, keeping the rest.
    ///
    /// # Errors
    /// What is wrong with the file, or with these; nothing is changed then.
    pub fn set(&self, origin: &Origin, name: Option<&str>) -> Result<(), Problems> {
        // Checked before it is touched, so that nothing is lost over a typing error.
        let text = self.text()?;
        read(&text, self)?;
        if name.is_some_and(|name| !name_ok(name)) {
            let text = "names have 1 to 64 characters and no line breaks".to_owned();
            return Err(Problem { line: None, code: "config.name", text }.into());
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
        read(&text, self)?;
        let written =
            files::private_dir(&self.beside()).and_then(|()| files::replace(&self.file, text.as_bytes()));
        written.map_err(|e| {
            let hint = format!("write `origin = {:?}` into it yourself", origin.to_string());
            let text = format!("{} cannot be written ({e}); {hint}", self.file.display());
            Problem { line: None, code: "config.io", text }.into()
        })
    }
}

//! Secrets come from the terminal without echo, from standard input, a file or the environment. Never from arguments,
//! which every user of the machine can read.

use crate::failure::{Failure, Result};
use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// A secret as typed.
pub(crate) type Secret = Zeroizing<String>;

/// The most that is read, in bytes.
const MAX: u64 = 4096;

/// Where a secret is to be found.
pub(crate) struct Source<'a> {
    /// What it is, for the prompt.
    pub(crate) what: &'a str,
    /// The file that was named; `-` is standard input.
    pub(crate) file: Option<&'a PathBuf>,
    /// The variable that may hold it.
    pub(crate) variable: &'a str,
}

impl Source<'_> {
    /// The secret, if it is in the file or in the environment.
    pub(crate) fn given(&self) -> Result<Option<Secret>> {
        match (self.file, std::env::var(self.variable)) {
            (Some(file), _) => read(file).map(Some),
            (None, Ok(value)) => Ok(Some(Zeroizing::new(value))),
            (None, Err(_)) => Ok(None),
        }
    }

    /// The secret, typed if it is nowhere else.
    pub(crate) fn read(&self) -> Result<Secret> {
        match self.given()? {
            Some(secret) => Ok(secret),
            None if std::io::stdin().is_terminal() => prompt(self.what),
            None => read(Path::new("-")),
        }
    }

    /// A secret that is chosen now: typed twice.
    pub(crate) fn choose(&self) -> Result<Secret> {
        if self.given()?.is_some() || !std::io::stdin().is_terminal() {
            return self.read();
        }
        let first = prompt(&format!("New {}", self.what.to_lowercase()))?;
        match prompt("Once more")? == first {
            true => Ok(first),
            false => Err(Failure::refused("secret.differs", "The two are not the same. Try again.")),
        }
    }
}

fn prompt(what: &str) -> Result<Secret> {
    rpassword::prompt_password(format!("{what}: ")).map(Zeroizing::new).map_err(Failure::from)
}

/// The first line of a file or of standard input.
fn read(file: &Path) -> Result<Secret> {
    let mut text = Zeroizing::new(String::new());
    if file == Path::new("-") {
        std::io::stdin().lock().take(MAX).read_to_string(&mut text)?;
    } else {
        std::fs::File::open(file)
            .and_then(|file| file.take(MAX).read_to_string(&mut text))
            .map_err(|e| Failure::broken("file.broken", format!("{}: {e}", file.display())))?;
    }
    let line = Zeroizing::new(text.lines().next().unwrap_or_default().trim().to_owned());
    if line.is_empty() {
        return Err(Failure::usage(
            "secret.missing",
            "A secret was expected on standard input or in the file.",
        ));
    }
    Ok(line)
}

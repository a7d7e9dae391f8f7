//! Secrets that the configuration names and does not contain: from a file, a credential of systemd, or the environment.

use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The longest secret, in bytes.
const MOST: u64 = 4_096;

/// A password or key. It shows nothing of itself.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// This one.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The only way to it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Why there is no secret.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SecretError {
    /// Where it should be.
    pub path: PathBuf,
    /// Why it is not.
    pub why: String,
}

impl SecretError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        "config.no_secret"
    }
}

impl fmt::Display for SecretError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} cannot be read: {}", self.code(), self.path.display(), self.why)
    }
}

impl std::error::Error for SecretError {}

/// Where secrets are looked for. A file that is not named from the root on is a credential that systemd hands over
/// (`$CREDENTIALS_DIRECTORY`), or else lies beside the configuration.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Secrets {
    /// The configuration's directory.
    pub beside: PathBuf,
    /// systemd's directory.
    pub credentials: Option<PathBuf>,
}

impl Secrets {
    /// For a configuration in this directory, with this process's credentials.
    pub fn of(beside: &Path) -> Self {
        let credentials = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
        Self { beside: beside.to_owned(), credentials }
    }

    /// Where a file of this name is.
    pub fn locate(&self, file: &Path) -> PathBuf {
        let handed = self.credentials.as_ref().map(|dir| dir.join(file)).filter(|path| path.exists());
        handed.unwrap_or_else(|| self.beside.join(file))
    }

    /// The secret in `file` (its first line), else in the environment's `variable`, else none. Read anew each time: a
    /// secret that was replaced is found at the next connection.
    ///
    /// # Errors
    /// A file is named and cannot be read, or has nothing in it.
    pub fn find(&self, file: Option<&Path>, variable: &str) -> Result<Option<Secret>, SecretError> {
        let Some(file) = file else {
            return Ok(std::env::var(variable).ok().filter(|text| !text.is_empty()).map(Secret::new));
        };
        let path = self.locate(file);
        let bad = |why: String| SecretError { path: path.clone(), why };
        let mut text = Zeroizing::new(String::new());
        let opened = std::fs::File::open(&path).map_err(|e| bad(e.to_string()))?;
        opened.take(MOST).read_to_string(&mut text).map_err(|e| bad(e.to_string()))?;
        match text.lines().next().filter(|line| !line.is_empty()) {
            Some(line) => Ok(Some(Secret::new(line.to_owned()))),
            None => Err(bad("its first line is empty".to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn from_files_and_credentials_but_never_shown() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("cred")).unwrap();
        let secrets = Secrets { beside: dir.path().to_owned(), credentials: Some(dir.path().join("cred")) };
        std::fs::write(dir.path().join("mqtt"), "hunter2\n").unwrap();
        let find = |file: &str| secrets.find(Some(Path::new(file)), "LATCHKEY_NO_SUCH");
        let found = find("mqtt").unwrap().unwrap();
        assert_eq!(found.expose(), "hunter2");
        assert!(!format!("{found:?}").contains("hunter2"));
        std::fs::write(dir.path().join("cred/mqtt"), "hunter3").unwrap();
        assert_eq!(find("mqtt").unwrap().unwrap().expose(), "hunter3", "the credential goes first");
        assert_eq!(find("gone").unwrap_err().code(), "config.no_secret");
        std::fs::write(dir.path().join("mute"), "\n").unwrap();
        assert!(find("mute").is_err());
        assert_eq!(secrets.find(None, "LATCHKEY_NO_SUCH"), Ok(None));
    }
}

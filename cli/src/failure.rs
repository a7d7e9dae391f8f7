//! Why a command did not do what it was asked: a stable code, a sentence, and the exit status.

use latchkey_shared::error::Coded;
use serde_json::{Value, json};

/// What every command gives.
pub(crate) type Result<T = (), E = Failure> = std::result::Result<T, E>;

/// The process's exit status. Documented in `docs/command-line.md`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Exit {
    /// Something broke: a file, the terminal, the server.
    Broken = 1,
    /// The command was not understood. clap uses the same.
    Usage = 2,
    /// A rule says no. Nothing was changed.
    Refused = 3,
    /// Nobody is signed in, or the passphrase or kit is wrong.
    SignedOut = 4,
    /// The server was not reached.
    Network = 5,
    /// What was shown contradicts what was seen before, or a file was tampered with.
    Alarm = 6,
    /// There is nothing, or more than one thing, of that name.
    NotFound = 7,
}

/// A failure.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Failure {
    pub(crate) code: String,
    pub(crate) hint: String,
    pub(crate) exit: Exit,
    /// What else a program may want to know.
    pub(crate) more: Option<Value>,
}

impl Failure {
    pub(crate) fn new(exit: Exit, code: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { code: code.into(), hint: hint.into(), exit, more: None }
    }

    pub(crate) fn usage(code: &str, hint: impl Into<String>) -> Self {
        Self::new(Exit::Usage, code, hint)
    }

    pub(crate) fn refused(code: &str, hint: impl Into<String>) -> Self {
        Self::new(Exit::Refused, code, hint)
    }

    pub(crate) fn broken(code: &str, hint: impl Into<String>) -> Self {
        Self::new(Exit::Broken, code, hint)
    }

    /// What the server answered makes no sense to this version.
    pub(crate) fn answer() -> Self {
        Self::broken("server.answer", "The server's answer was not understood. Update this program.")
    }

    /// What one of the shared rules says.
    pub(crate) fn coded(error: &dyn Coded) -> Self {
        let exit = match error.code() {
            "home.rollback" | "home.fork" => Exit::Alarm,
            _ => Exit::Refused,
        };
        Self::new(exit, error.code(), error.hint())
    }

    pub(crate) fn with(mut self, more: Value) -> Self {
        self.more = Some(more);
        self
    }

    /// As `--json` shows it.
    pub(crate) fn to_json(&self) -> Value {
        let mut error = json!({ "code": self.code, "hint": self.hint });
        if let (Some(more), Some(fields)) = (&self.more, error.as_object_mut()) {
            fields.insert("details".into(), more.clone());
        }
        json!({ "error": error })
    }
}

impl From<std::io::Error> for Failure {
    fn from(e: std::io::Error) -> Self {
        Self::broken("file.broken", e.to_string())
    }
}

/// Results of the shared rules, as failures.
pub(crate) trait Told<T> {
    /// The same with its code and sentence.
    fn told(self) -> Result<T>;
}

impl<T, E: Coded> Told<T> for std::result::Result<T, E> {
    fn told(self) -> Result<T> {
        self.map_err(|e| Failure::coded(&e))
    }
}

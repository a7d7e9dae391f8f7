//! A section of `hub.toml`: who has one judges it, be it a driver or the configuration itself.

use serde::de::DeserializeOwned;

/// What is wrong with a section that has the right form.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// The key it is about; its line is the one that is told.
    pub key: &'static str,
    /// The stable code.
    pub code: &'static str,
    /// What is wrong and what to do, without the value.
    pub text: String,
}

impl Fault {
    /// One.
    pub fn new(key: &'static str, code: &'static str, text: impl Into<String>) -> Self {
        Self { key, code, text: text.into() }
    }
}

/// A section of `hub.toml`: one bridge, one simulated lock, the log.
pub trait Section: DeserializeOwned {
    /// What is wrong with it though it has the right form.
    fn faults(&self) -> Vec<Fault>;
}

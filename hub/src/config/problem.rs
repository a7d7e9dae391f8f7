//! What is wrong with a configuration: all of it, each with its line and what to do.

use std::fmt;
use std::ops::Range;

/// One thing that is wrong.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    /// The line, from 1; `None`: the file as a whole, or the environment.
    pub line: Option<usize>,
    /// The stable code.
    pub code: &'static str,
    /// What is wrong and what to do. Never a value from the file: it may be a secret in the wrong place.
    pub text: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        write!(f, "{}: {}", self.code, self.text)
    }
}

/// Why a configuration is refused: everything that is wrong with it, never nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.0.iter().enumerate() {
            write!(f, "{}{problem}", if i == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

/// Collects problems, and knows the lines of the text.
pub(super) struct Collector<'t> {
    text: &'t str,
    found: Vec<Problem>,
}

impl<'t> Collector<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, found: vec![] }
    }

    pub(super) fn add(&mut self, at: Option<Range<usize>>, code: &'static str, text: impl Into<String>) {
        let line = at.map(|at| {
            let before = self.text.as_bytes().iter().take(at.start);
            before.filter(|byte| **byte == b'\n').count() + 1
        });
        let problem = Problem { line, code, text: text.into() };
        if !self.found.contains(&problem) {
            self.found.push(problem);
        }
    }

    /// Nothing wrong, or everything in the order of the lines.
    pub(super) fn finish(mut self) -> Result<(), Problems> {
        self.found.sort_by_key(|problem| problem.line);
        if self.found.is_empty() { Ok(()) } else { Err(Problems(self.found)) }
    }
}

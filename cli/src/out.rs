//! What is shown: tables and sentences for people, one JSON document for programs.

use crate::failure::{Failure, Result};
use latchkey_shared::grant::steers;
use serde_json::Value;
use std::io::{self, Write};

/// Where answers go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Out {
    /// Whether a program reads along.
    pub(crate) json: bool,
}

/// A reader that went away is no error.
fn forgiving(result: io::Result<()>) -> Result {
    match result {
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => Err(e.into()),
        _ => Ok(()),
    }
}

/// Text from elsewhere without what could steer a terminal.
pub(crate) fn plain(text: &str) -> String {
    text.chars().map(|c| if c != '\n' && steers(c) { '\u{fffd}' } else { c }).collect()
}

impl Out {
    /// The answer: as JSON, or what `text` says.
    pub(crate) fn answer(self, json: &Value, text: impl FnOnce() -> String) -> Result {
        let mut line = if self.json { json.to_string() } else { plain(text().trim_end()) };
        if line.is_empty() {
            return Ok(());
        }
        line.push('\n');
        let mut out = io::stdout().lock();
        forgiving(out.write_all(line.as_bytes()).and_then(|()| out.flush()))
    }

    /// Bytes as they are: a file that was asked for on standard output.
    pub(crate) fn bytes(self, bytes: &[u8]) -> Result {
        let mut out = io::stdout().lock();
        forgiving(out.write_all(bytes).and_then(|()| out.flush()))
    }

    /// A remark for people, beside the answer.
    pub(crate) fn note(self, text: &str) {
        if !self.json {
            let _ = writeln!(io::stderr(), "{}", plain(text));
        }
    }

    /// The failure.
    pub(crate) fn failure(self, failure: &Failure) {
        let text = match self.json {
            true => failure.to_json().to_string(),
            false => plain(&format!("latchkey: {} ({})", failure.hint, failure.code)),
        };
        let _ = writeln!(io::stderr(), "{text}");
    }
}

/// Rows below headings, each column as wide as it must be.
pub(crate) fn table<const N: usize>(headings: [&str; N], rows: &[[String; N]]) -> String {
    let width = |text: &str| text.chars().count();
    let mut widths = headings.map(width);
    for row in rows {
        for (most, cell) in widths.iter_mut().zip(row) {
            *most = (*most).max(width(cell));
        }
    }
    let line = |cells: [&str; N]| {
        let mut text = String::new();
        for (i, (cell, most)) in cells.iter().zip(widths).enumerate() {
            text.push_str(cell);
            if i + 1 < N {
                text.push_str(&" ".repeat(most - width(cell) + 2));
            }
        }
        text.truncate(text.trim_end().len());
        text + "\n"
    };
    let mut text = line(headings);
    for row in rows {
        text.push_str(&line(row.each_ref().map(String::as_str)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_line_up() {
        let rows = [["Zoë".to_owned(), "on".to_owned()], ["A longer name".into(), String::new()]];
        assert_eq!(
            table(["code", "state"], &rows),
            "code           state\nZoë            on\nA longer name\n"
        );
        assert_eq!(table(["code"], &[]), "code\n");
    }

    #[test]
    fn a_terminal_is_not_steered() {
        assert_eq!(plain("a\u{1b}[2Jb\nc\u{202e}d"), "a\u{fffd}[2Jb\nc\u{fffd}d");
    }
}

//! Rows of cells as text. Spreadsheet programs run a cell that begins like a formula, so such cells are written with an
//! apostrophe before them, which is taken off again when they are read.

use super::{CsvError, MAX_ROWS};

/// The largest file that is read, in bytes.
pub const MAX_CSV_BYTES: usize = 1024 * 1024;
/// The most cells in a row.
const MAX_CELLS: usize = 64;

/// With what a cell must not begin; the apostrophe is among them so that it comes back too.
const DEFUSED: [char; 12] = ['=', '+', '-', '@', '\t', '\r', '\n', '\'', '＝', '＋', '－', '＠'];

/// Appends a row of any table. No cell of it acts as a formula.
pub fn write_row(out: &mut String, cells: impl Iterator<Item = String>) {
    for (i, cell) in cells.enumerate() {
        if i > 0 {
            out.push(',');
        }
        let guard = if cell.starts_with(DEFUSED) { "'" } else { "" };
        if cell.contains([',', ';', '"', '\r', '\n', '\t']) || !guard.is_empty() {
            out.push('"');
            out.push_str(guard);
            out.push_str(&cell.replace('"', "\"\""));
            out.push('"');
        } else {
            out.push_str(&cell);
        }
    }
    out.push_str("\r\n");
}

fn armed(cell: String) -> String {
    match cell.strip_prefix('\'') {
        Some(rest) if rest.starts_with(DEFUSED) => rest.to_owned(),
        _ => cell,
    }
}

/// By what the headings are parted.
fn separator(text: &str) -> char {
    let headings = text.lines().next().unwrap_or_default();
    [',', ';', '\t'].into_iter().find(|c| headings.contains(*c)).unwrap_or(',')
}

/// A row and its number as a spreadsheet counts: from 1, and a cell with line breaks is still in one row.
pub(super) type Row = (usize, Vec<String>);

/// The rows of a file without the empty ones. What is wrong, and in which row.
pub(super) fn read(text: &str) -> Result<Vec<Row>, (usize, CsvError)> {
    if text.len() > MAX_CSV_BYTES {
        return Err((1, CsvError::TooLarge));
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader { rest: text, separator: separator(text) };
    let mut rows: Vec<Row> = Vec::new();
    let mut number = 0;
    while !reader.rest.is_empty() {
        number += 1;
        let row = reader.row().map_err(|why| (number, why))?;
        if row.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        if rows.len() > MAX_ROWS {
            return Err((number, CsvError::TooManyRows));
        }
        rows.push((number, row));
    }
    Ok(rows)
}

struct Reader<'a> {
    rest: &'a str,
    separator: char,
}

impl Reader<'_> {
    fn row(&mut self) -> Result<Vec<String>, CsvError> {
        let mut cells = Vec::new();
        loop {
            if cells.len() == MAX_CELLS {
                return Err(CsvError::Cells);
            }
            cells.push(armed(self.cell()?));
            if let Some(rest) = self.rest.strip_prefix(self.separator) {
                self.rest = rest;
                continue;
            }
            let rest = self.rest;
            self.rest =
                rest.strip_prefix("\r\n").or_else(|| rest.strip_prefix(['\n', '\r'])).unwrap_or_default();
            return Ok(cells);
        }
    }

    fn cell(&mut self) -> Result<String, CsvError> {
        let Some(quoted) = self.rest.strip_prefix('"') else {
            let end = self.rest.find([self.separator, '\r', '\n']).unwrap_or(self.rest.len());
            let (cell, rest) = self.rest.split_at(end);
            self.rest = rest;
            return if cell.contains('"') { Err(CsvError::Quotes) } else { Ok(cell.to_owned()) };
        };
        let mut cell = String::new();
        let mut rest = quoted;
        loop {
            let (part, after) = rest.split_once('"').ok_or(CsvError::Quotes)?;
            cell.push_str(part);
            match after.strip_prefix('"') {
                Some(more) => {
                    cell.push('"');
                    rest = more;
                }
                None => {
                    let ends = after.is_empty() || after.starts_with([self.separator, '\r', '\n']);
                    self.rest = after;
                    return if ends { Ok(cell) } else { Err(CsvError::Quotes) };
                }
            }
        }
    }
}

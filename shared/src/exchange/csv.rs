//! Codes as CSV (RFC 4180), without PINs: for a spreadsheet, and from one.
//!
//! An import is read whole before anything is made of it: either every row is good, or the answer is every row and
//! column that is not, and why. New PINs are made for what is imported.

mod table;
#[cfg(test)]
mod tests;

use super::typed::{self, Edge};
use crate::compose::Draft;
use crate::error::{Coded, coded_error};
use crate::grant::{Grant, GrantKind, name_ok};
use crate::id::LockId;
use crate::limits::{MAX_GRANT_LOCKS, MAX_SUBMIT_OPS};
use crate::schedule::{Buffers, Validity};
use crate::slot::LockAbilities;
use crate::time::{Seconds, Timestamp};
use crate::zone::Zone;
use core::fmt;

pub use table::{MAX_CSV_BYTES, write_row};

/// Rows of one import: as many codes as can be made at once, all or none.
pub const MAX_ROWS: usize = MAX_SUBMIT_OPS;
/// The longest note to a guest, in bytes.
pub const MAX_NOTE: usize = 1_000;
/// Faults that are listed; what is wrong beyond them shows at the next try.
const MAX_FAULTS: usize = 100;

/// The columns, in the order in which they are written. Read in any order; only label and doors must be there.
const COLUMNS: [Column; 13] = [
    Column::Label,
    Column::Kind,
    Column::Doors,
    Column::From,
    Column::Until,
    Column::Hours,
    Column::DaysOff,
    Column::Before,
    Column::After,
    Column::Stay,
    Column::Uses,
    Column::Suspended,
    Column::Note,
];

/// A column.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Column {
    /// What the code is called.
    Label,
    /// `primary`, `standard`, `guest` or `duress`; empty: guest.
    Kind,
    /// Names of doors, or their ids, with `;` between them; `\;` is a semicolon in a name.
    Doors,
    /// The start; empty: now.
    From,
    /// The end; empty: none.
    Until,
    /// Weekly hours; empty: any time.
    Hours,
    /// Dates on which it does not open.
    DaysOff,
    /// Minutes added before.
    Before,
    /// Minutes added after.
    After,
    /// Hours from the first use on.
    Stay,
    /// How often at most.
    Uses,
    /// `yes` or `no`.
    Suspended,
    /// A note to the guest. Never exported: only the guest's link holds it.
    Note,
}

impl Column {
    /// Its heading.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Label => "label",
            Self::Kind => "kind",
            Self::Doors => "doors",
            Self::From => "from",
            Self::Until => "until",
            Self::Hours => "hours",
            Self::DaysOff => "days_off",
            Self::Before => "minutes_before",
            Self::After => "minutes_after",
            Self::Stay => "hours_from_first_use",
            Self::Uses => "uses",
            Self::Suspended => "suspended",
            Self::Note => "note",
        }
    }
}

coded_error! {
    /// What is wrong in a file.
    pub enum CsvError {
        TooLarge = "csv.too_large", "The file is too large. Import at most 256 codes and 1 MB at once.";
        TooManyRows = "csv.too_many_rows", "Import at most 256 codes at once. Split the file.";
        Empty = "csv.empty", "There is no code in the file.";
        Quotes = "csv.quotes", "A quoted cell does not end properly.";
        Cells = "csv.cells", "The row has more or fewer cells than there are headings.";
        Heading = "csv.heading", "There is no such column. See the headings of an export.";
        Twice = "csv.twice", "This heading is there twice.";
        Missing = "csv.missing", "The columns label and doors must be there.";
        Label = "csv.label", "Give the code a name of 1 to 64 characters, without line breaks.";
        Kind = "csv.kind", "Write primary, standard, guest or duress.";
        Doors = "csv.doors", "Name 1 to 32 doors of this home, with ; between them.";
        Door = "csv.door", "There is no door of this name in this home.";
        SameDoor = "csv.same_door", "Several doors have this name. Write the door's id instead.";
        Number = "csv.number", "Write a whole number.";
        Suspended = "csv.suspended", "Write yes or no, or leave it empty.";
        Past = "csv.past", "The end is in the past.";
        Note = "csv.note", "A note has at most 1000 characters.";
        NoteKind = "csv.note_kind", "Only guests have a link that can show a note.";
    }
}

/// Something wrong at one place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CsvFault {
    /// The row as a spreadsheet counts it: the headings are row 1.
    pub row: usize,
    /// The heading of its column, where one cell is to blame.
    pub column: Option<String>,
    /// Its stable code.
    pub code: &'static str,
    /// What to do.
    pub hint: String,
}

impl fmt::Display for CsvFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.column {
            Some(column) => write!(f, "row {}, {column}: {}", self.row, self.hint),
            None => write!(f, "row {}: {}", self.row, self.hint),
        }
    }
}

impl CsvFault {
    fn new(row: usize, column: Option<&str>, why: &dyn Coded) -> Self {
        Self { row, column: column.map(str::to_owned), code: why.code(), hint: why.hint().to_owned() }
    }
}

/// A door's id and name.
pub type Door = (LockId, String);

/// A code to be made, as a row says it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ImportRow {
    /// The row as a spreadsheet counts it.
    pub row: usize,
    /// The code.
    pub draft: Draft,
    /// The note to the guest; may be empty.
    pub note: String,
}

/// What the rows are read against.
pub struct Context<'a> {
    /// The home's doors.
    pub doors: &'a [Door],
    /// The home's zone.
    pub zone: &'a dyn Zone,
    /// Now: what has no start begins now.
    pub now: Timestamp,
}

/// Whether a code goes into a CSV file. Which codes raise a silent alarm is not to be found in a file that lies about:
/// the encrypted backup has them.
pub fn shows(grant: &Grant) -> bool {
    grant.kind != GrantKind::Duress
}

/// Writes codes, but for those that [`shows`] leaves out. Times are by the clock of the home.
pub fn export<'a>(grants: impl IntoIterator<Item = &'a Grant>, doors: &[Door], zone: &dyn Zone) -> String {
    // With the mark, spreadsheet programs read the text as UTF-8.
    let mut out = String::from("\u{feff}");
    table::write_row(&mut out, COLUMNS.iter().map(|column| column.as_str().to_owned()));
    for grant in grants.into_iter().filter(|grant| shows(grant)) {
        table::write_row(&mut out, COLUMNS.iter().map(|column| cell(*column, grant, doors, zone)));
    }
    out
}

fn cell(column: Column, grant: &Grant, doors: &[Door], zone: &dyn Zone) -> String {
    let buffers = grant.buffers.unwrap_or_default();
    let unless_zero = |n: u64| if n == 0 { String::new() } else { n.to_string() };
    match column {
        Column::Label => grant.label.clone(),
        Column::Kind => grant.kind.as_str().to_owned(),
        Column::Doors => {
            let names: Vec<String> = grant.locks.iter().map(|lock| door_text(lock, doors)).collect();
            names.join("; ")
        }
        Column::From => typed::write_instant(grant.not_before, zone),
        Column::Until => grant.expires.map(|t| typed::write_instant(t, zone)).unwrap_or_default(),
        Column::Hours => typed::write_hours(&grant.schedule),
        Column::DaysOff => typed::write_dates(&grant.days_off),
        Column::Before => unless_zero(buffers.before.into()),
        Column::After => unless_zero(buffers.after.into()),
        // Rounded up: nobody is shut out early.
        Column::Stay => unless_zero(grant.stay.map_or(0, |stay| stay.0.div_ceil(3600))),
        Column::Uses => grant.uses.map(|n| n.to_string()).unwrap_or_default(),
        Column::Suspended => if grant.suspended { "yes" } else { "" }.to_owned(),
        Column::Note => String::new(),
    }
}

/// A door's name, or its id where the name is unknown or not its alone.
fn door_text(lock: &LockId, doors: &[Door]) -> String {
    let Some((_, name)) = doors.iter().find(|(id, _)| id == lock) else { return lock.to_string() };
    match doors_named(name, doors).as_slice() {
        [_] => name.replace('\\', "\\\\").replace(';', "\\;"),
        _ => lock.to_string(),
    }
}

fn doors_named(name: &str, doors: &[Door]) -> Vec<LockId> {
    let name = name.to_lowercase();
    doors.iter().filter(|(_, other)| other.to_lowercase() == name).map(|(id, _)| *id).collect()
}

/// Refuses rows that their locks cannot keep; see [`Draft::fits`].
pub fn fit<'l, L>(rows: &[ImportRow], lock: impl Fn(&Draft) -> L) -> Result<(), Vec<CsvFault>>
where
    L: IntoIterator<Item = &'l LockAbilities>,
{
    let misfits = rows.iter().filter_map(|row| Some((row.row, row.draft.fits(lock(&row.draft)).err()?)));
    let faults: Vec<CsvFault> = misfits.map(|(row, why)| CsvFault::new(row, None, &why)).collect();
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

/// Reads codes. The separator may be a comma, a semicolon or a tab, whatever the headings are parted by.
pub fn import(text: &str, context: &Context<'_>) -> Result<Vec<ImportRow>, Vec<CsvFault>> {
    let rows = table::read(text).map_err(|(row, why)| vec![CsvFault::new(row, None, &why)])?;
    let Some(((_, headings), rows)) = rows.split_first() else {
        return Err(vec![CsvFault::new(1, None, &CsvError::Empty)]);
    };
    let columns = columns(headings)?;
    if rows.is_empty() {
        return Err(vec![CsvFault::new(1, None, &CsvError::Empty)]);
    }
    let (mut good, mut faults) = (Vec::with_capacity(rows.len()), Vec::new());
    for (row, cells) in rows {
        let mut reader = RowReader { row: *row, columns: &columns, cells, context, faults: &mut faults };
        good.extend(reader.read());
        if faults.len() >= MAX_FAULTS {
            break;
        }
    }
    if faults.is_empty() { Ok(good) } else { Err(faults) }
}

fn columns(headings: &[String]) -> Result<Vec<Column>, Vec<CsvFault>> {
    let (mut columns, mut faults) = (Vec::new(), Vec::new());
    for heading in headings {
        let name = heading.trim().to_lowercase();
        match COLUMNS.into_iter().find(|column| column.as_str() == name) {
            Some(column) if columns.contains(&column) => {
                faults.push(CsvFault::new(1, Some(column.as_str()), &CsvError::Twice));
            }
            Some(column) => columns.push(column),
            None => faults.push(CsvFault::new(1, Some(heading), &CsvError::Heading)),
        }
    }
    if faults.is_empty() && !(columns.contains(&Column::Label) && columns.contains(&Column::Doors)) {
        faults.push(CsvFault::new(1, None, &CsvError::Missing));
    }
    if faults.is_empty() { Ok(columns) } else { Err(faults) }
}

struct RowReader<'a> {
    row: usize,
    columns: &'a [Column],
    cells: &'a [String],
    context: &'a Context<'a>,
    faults: &'a mut Vec<CsvFault>,
}

impl RowReader<'_> {
    fn cell(&self, column: Column) -> &str {
        let at = self.columns.iter().position(|other| *other == column);
        at.and_then(|at| self.cells.get(at)).map_or("", |cell| cell.trim())
    }

    fn fault(&mut self, column: Option<Column>, why: &dyn Coded) {
        self.faults.push(CsvFault::new(self.row, column.map(Column::as_str), why));
    }

    /// A value, or a fault of this column and some value in its place.
    fn take<T: Default, E: Coded>(&mut self, column: Column, value: Result<T, E>) -> T {
        match value {
            Ok(value) => value,
            Err(why) => {
                self.fault(Some(column), &why);
                T::default()
            }
        }
    }

    fn number(&mut self, column: Column) -> Option<u64> {
        let text = self.cell(column);
        let digits = text.len() <= 9 && text.bytes().all(|b| b.is_ascii_digit());
        let value = match text {
            "" => Ok(None),
            _ if digits => text.parse().map(Some).map_err(|_| CsvError::Number),
            _ => Err(CsvError::Number),
        };
        self.take(column, value)
    }

    fn kind(&mut self) -> GrantKind {
        let text = self.cell(Column::Kind).to_lowercase();
        let found = GrantKind::ALL.into_iter().find(|kind| kind.as_str() == text);
        match found {
            Some(kind) => kind,
            None => {
                if !text.is_empty() {
                    self.fault(Some(Column::Kind), &CsvError::Kind);
                }
                GrantKind::Guest
            }
        }
    }

    fn doors(&mut self) -> Vec<LockId> {
        let mut locks = Vec::new();
        for name in door_names(self.cell(Column::Doors)) {
            let named = doors_named(&name, self.context.doors);
            let by_id =
                || LockId::parse(&name).ok().filter(|id| self.context.doors.iter().any(|(d, _)| d == id));
            match (named.as_slice(), by_id()) {
                ([lock], _) => locks.push(*lock),
                (_, Some(lock)) => locks.push(lock),
                ([], None) => self.fault(Some(Column::Doors), &CsvError::Door),
                _ => self.fault(Some(Column::Doors), &CsvError::SameDoor),
            }
        }
        locks.sort_unstable();
        locks.dedup();
        if locks.len() > MAX_GRANT_LOCKS || self.cell(Column::Doors).is_empty() {
            self.fault(Some(Column::Doors), &CsvError::Doors);
        }
        locks
    }

    fn validity(&mut self) -> Validity {
        let (zone, now) = (self.context.zone, self.context.now);
        let instant = |text: &str, edge| match text {
            "" => Ok(None),
            text => typed::parse_instant(text, zone, edge).map(Some),
        };
        let (from, until) =
            (instant(self.cell(Column::From), Edge::Start), instant(self.cell(Column::Until), Edge::End));
        let schedule = typed::parse_hours(self.cell(Column::Hours));
        let days_off = typed::parse_dates(self.cell(Column::DaysOff));
        // What began in the past begins now.
        let not_before = self.take(Column::From, from).unwrap_or(now).max(now);
        let expires = self.take(Column::Until, until);
        if expires.is_some_and(|end| end <= now) {
            self.fault(Some(Column::Until), &CsvError::Past);
        }
        let schedule = schedule.unwrap_or_else(|why| {
            self.fault(Some(Column::Hours), &why);
            crate::schedule::Schedule::Always
        });
        let days_off = self.take(Column::DaysOff, days_off);
        let mut minutes = |column| u16::try_from(self.number(column).unwrap_or(0)).unwrap_or(u16::MAX);
        let buffers = Buffers { before: minutes(Column::Before), after: minutes(Column::After) };
        let stay = self.number(Column::Stay).map(|hours| Seconds(hours * 3600));
        let suspended = match self.cell(Column::Suspended).to_lowercase().as_str() {
            "yes" => true,
            "" | "no" => false,
            _ => {
                self.fault(Some(Column::Suspended), &CsvError::Suspended);
                false
            }
        };
        Validity { days_off, buffers, stay, suspended, ..Validity::new(not_before, expires, schedule) }
    }

    fn read(&mut self) -> Option<ImportRow> {
        let before = self.faults.len();
        if self.cells.len() != self.columns.len() {
            self.fault(None, &CsvError::Cells);
            return None;
        }
        let label = self.cell(Column::Label).to_owned();
        if !name_ok(&label) {
            self.fault(Some(Column::Label), &CsvError::Label);
        }
        let kind = self.kind();
        let locks = self.doors();
        let validity = self.validity();
        let uses = self.number(Column::Uses).map(|n| u32::try_from(n).unwrap_or(u32::MAX));
        let note = self.cell(Column::Note).to_owned();
        if note.len() > MAX_NOTE {
            self.fault(Some(Column::Note), &CsvError::Note);
        }
        if !note.is_empty() && kind != GrantKind::Guest {
            self.fault(Some(Column::Note), &CsvError::NoteKind);
        }
        let may_disarm = kind != GrantKind::Guest;
        let draft = Draft { kind, label, locks, validity, uses, may_disarm, holder: None };
        if self.faults.len() == before {
            // What spans several cells is judged as every code is.
            if let Err(why) = draft.validate() {
                self.fault(None, &why);
            }
        }
        (self.faults.len() == before).then_some(ImportRow { row: self.row, draft, note })
    }
}

/// The names in a cell: parted by `;`, with `\` before one that belongs to a name.
fn door_names(cell: &str) -> Vec<String> {
    let (mut names, mut name) = (Vec::new(), String::new());
    let mut characters = cell.chars();
    while let Some(c) = characters.next() {
        match c {
            '\\' => name.extend(characters.next()),
            ';' => names.push(core::mem::take(&mut name)),
            c => name.push(c),
        }
    }
    names.push(name);
    names.iter().map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
}

//! The store in an object's SQLite.
//!
//! Tables are made by the first write, so that an object that somebody merely asked for costs nothing.

use latchkey_shared::id::{GrantId, Hash32, HubId, KeyId, LinkId, LockId, Nonce};
use wasm_bindgen::JsValue;
use worker::SqlStorage;

use super::{HomeStore, HubRow, LinkRow, NewEvent, Shelf};
use crate::env::broken_js;
use crate::error::{INTERNAL, Result};
use crate::host;

/// The largest integer that goes through JavaScript.
const MAX_INT: u64 = (1 << 53) - 1;

/// A value of a row, or an argument of a query.
#[derive(Clone, Debug)]
enum Cell {
    Null,
    Number(u64),
    Blob(Vec<u8>),
}

type Row = Vec<Cell>;

fn blob(bytes: &[u8]) -> Cell {
    Cell::Blob(bytes.to_vec())
}

fn int(n: u64) -> Result<Cell> {
    if n <= MAX_INT { Ok(Cell::Number(n)) } else { Err(INTERNAL) }
}

fn get_int(row: &Row, at: usize) -> Result<u64> {
    match row.get(at) {
        Some(Cell::Number(n)) => Ok(*n),
        _ => Err(INTERNAL),
    }
}

fn get_opt_int(row: &Row, at: usize) -> Result<Option<u64>> {
    match row.get(at) {
        Some(Cell::Null) => Ok(None),
        _ => get_int(row, at).map(Some),
    }
}

fn get_blob(row: &Row, at: usize) -> Result<Vec<u8>> {
    match row.get(at) {
        Some(Cell::Blob(bytes)) => Ok(bytes.clone()),
        _ => Err(INTERNAL),
    }
}

/// Arguments in bytes: a tag for each, then nothing, a float of 8 bytes, or 4 bytes of length and as many more, all
/// numbers little-endian. Through JavaScript at once, where each alone would cost more than the query.
fn pack(args: &[Cell]) -> Result<Vec<u8>> {
    let mut packed = Vec::with_capacity(64);
    for arg in args {
        match arg {
            Cell::Null => packed.push(0),
            Cell::Number(n) => {
                packed.push(1);
                // Exact up to `MAX_INT`.
                packed.extend_from_slice(&(*n as f64).to_le_bytes());
            }
            Cell::Blob(bytes) => {
                packed.push(2);
                packed.extend_from_slice(&u32::try_from(bytes.len()).map_err(|_| INTERNAL)?.to_le_bytes());
                packed.extend_from_slice(bytes);
            }
        }
    }
    Ok(packed)
}

/// Takes this many bytes off the front.
fn take<'b>(bytes: &mut &'b [u8], count: usize) -> Option<&'b [u8]> {
    let (front, rest) = bytes.split_at_checked(count)?;
    *bytes = rest;
    Some(front)
}

fn unpack_cell(bytes: &mut &[u8]) -> Option<Cell> {
    match take(bytes, 1)? {
        [0] => Some(Cell::Null),
        [1] => {
            let n = f64::from_le_bytes(take(bytes, 8)?.try_into().ok()?);
            let exact = (0.0..=MAX_INT as f64).contains(&n) && n.trunc() == n;
            exact.then_some(Cell::Number(n as u64))
        }
        _ => {
            let length = u32::from_le_bytes(take(bytes, 4)?.try_into().ok()?);
            take(bytes, length as usize).map(blob)
        }
    }
}

/// Rows in bytes: the number of columns, then all values in order, packed like arguments.
fn unpack(mut bytes: &[u8]) -> Option<Vec<Row>> {
    let columns = usize::from(*take(&mut bytes, 1)?.first()?);
    let mut rows = Vec::new();
    while columns > 0 && !bytes.is_empty() {
        rows.push((0..columns).map(|_| unpack_cell(&mut bytes)).collect::<Option<Row>>()?);
    }
    Some(rows)
}

fn run(sql: &JsValue, query: &str, args: &[Cell]) -> Result<()> {
    host::rows(sql, query, &pack(args)?).map(drop).map_err(broken_js)
}

fn rows(sql: &JsValue, query: &str, args: &[Cell]) -> Result<Vec<Row>> {
    unpack(&host::rows(sql, query, &pack(args)?).map_err(broken_js)?).ok_or(INTERNAL)
}

/// Whether a table of this name, one of ours, is there.
fn has_table(sql: &JsValue, name: &str) -> Result<bool> {
    let query = format!("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = '{name}'");
    Ok(!rows(sql, &query, &[])?.is_empty())
}

/// One record in a table of one row.
pub(crate) struct Record {
    sql: JsValue,
}

impl Record {
    /// The object's record.
    pub(crate) fn new(sql: SqlStorage) -> Self {
        Record { sql: sql.as_ref().clone() }
    }

    /// What is stored.
    pub(crate) fn load(&self) -> Result<Option<Vec<u8>>> {
        if !has_table(&self.sql, "record")? {
            return Ok(None);
        }
        let found = rows(&self.sql, "SELECT value FROM record WHERE id = 1", &[])?;
        found.first().map(|row| get_blob(row, 0)).transpose()
    }

    /// Replaces it.
    pub(crate) fn save(&self, value: &[u8]) -> Result<()> {
        run(
            &self.sql,
            "CREATE TABLE IF NOT EXISTS record (id INTEGER PRIMARY KEY, value BLOB NOT NULL)",
            &[],
        )?;
        run(&self.sql, "INSERT OR REPLACE INTO record (id, value) VALUES (1, ?)", &[blob(value)])
    }
}

const SCHEMA: &[&str] = &[
    "CREATE TABLE IF NOT EXISTS ops (seq INTEGER PRIMARY KEY, bytes BLOB NOT NULL, at INTEGER NOT NULL)",
    "CREATE TABLE IF NOT EXISTS reports (hub BLOB, lock BLOB, number INTEGER NOT NULL, bytes BLOB NOT NULL,
     PRIMARY KEY (hub, lock))",
    "CREATE TABLE IF NOT EXISTS events (id INTEGER PRIMARY KEY AUTOINCREMENT, hub BLOB NOT NULL,
     number INTEGER NOT NULL, hash BLOB NOT NULL, bytes BLOB NOT NULL, holder BLOB, UNIQUE (hub, number))",
    "CREATE INDEX IF NOT EXISTS events_of ON events (holder, id) WHERE holder IS NOT NULL",
    "CREATE TABLE IF NOT EXISTS hubs (hub BLOB PRIMARY KEY, last_seen INTEGER NOT NULL, seq INTEGER)",
    "CREATE TABLE IF NOT EXISTS nonces (hub BLOB, nonce BLOB, until INTEGER NOT NULL, PRIMARY KEY (hub, nonce))",
    "CREATE TABLE IF NOT EXISTS links (id BLOB PRIMARY KEY, grant_id BLOB NOT NULL, rev INTEGER NOT NULL,
     auth_hash BLOB NOT NULL, content BLOB, ended INTEGER)",
    "CREATE TABLE IF NOT EXISTS items (shelf INTEGER, id BLOB, bytes BLOB NOT NULL, until INTEGER,
     PRIMARY KEY (shelf, id))",
    "CREATE INDEX IF NOT EXISTS items_until ON items (until) WHERE until IS NOT NULL",
];

/// A home's tables. Before the first op they do not exist and everything reads as empty.
#[derive(Clone)]
pub(crate) struct SqlStore {
    sql: JsValue,
}

impl SqlStore {
    /// The object's storage.
    pub(crate) fn new(sql: SqlStorage) -> Self {
        SqlStore { sql: sql.as_ref().clone() }
    }

    fn run(&self, query: &str, args: &[Cell]) -> Result<()> {
        run(&self.sql, query, args)
    }

    fn rows(&self, query: &str, args: &[Cell]) -> Result<Vec<Row>> {
        rows(&self.sql, query, args)
    }

    fn count(&self, query: &str, of: Cell) -> Result<usize> {
        let found = self.rows(query, &[of])?;
        let count = found.first().map(|row| get_int(row, 0)).transpose()?.unwrap_or(0);
        usize::try_from(count).map_err(|_| INTERNAL)
    }

    fn page(&self, query: &str, args: &[Cell]) -> Result<Vec<(u64, Vec<u8>)>> {
        self.rows(query, args)?.iter().map(|row| Ok((get_int(row, 0)?, get_blob(row, 1)?))).collect()
    }
}

impl HomeStore for SqlStore {
    fn ops_from(&self, seq: u64) -> Result<Vec<Vec<u8>>> {
        if !has_table(&self.sql, "ops")? {
            return Ok(Vec::new());
        }
        let found = self.rows("SELECT bytes FROM ops WHERE seq >= ? ORDER BY seq", &[int(seq)?])?;
        found.iter().map(|row| get_blob(row, 0)).collect()
    }

    fn op(&self, seq: u64) -> Result<Option<Vec<u8>>> {
        let found = self.rows("SELECT bytes FROM ops WHERE seq = ?", &[int(seq)?])?;
        found.first().map(|row| get_blob(row, 0)).transpose()
    }

    fn ops_bytes(&self) -> Result<u64> {
        let found = self.rows("SELECT coalesce(sum(length(bytes)), 0) FROM ops", &[])?;
        found.first().map_or(Ok(0), |row| get_int(row, 0))
    }

    fn append_ops(&self, first: u64, ops: &[Vec<u8>], at: u64) -> Result<()> {
        if first == 0 {
            for table in SCHEMA {
                self.run(table, &[])?;
            }
        }
        for (seq, op) in (first..).zip(ops) {
            // Never OR REPLACE: an op that is there stays.
            self.run("INSERT INTO ops (seq, bytes, at) VALUES (?, ?, ?)", &[int(seq)?, blob(op), int(at)?])?;
        }
        Ok(())
    }

    fn report_number(&self, hub: &HubId, lock: &LockId) -> Result<Option<u64>> {
        let args = &[blob(&hub.0), blob(&lock.0)];
        let found = self.rows("SELECT number FROM reports WHERE hub = ? AND lock = ?", args)?;
        found.first().map(|row| get_int(row, 0)).transpose()
    }

    fn put_report(&self, hub: &HubId, lock: &LockId, number: u64, bytes: &[u8]) -> Result<()> {
        let args = &[blob(&hub.0), blob(&lock.0), int(number)?, blob(bytes)];
        self.run("INSERT OR REPLACE INTO reports (hub, lock, number, bytes) VALUES (?, ?, ?, ?)", args)
    }

    fn count_reports(&self, hub: &HubId) -> Result<usize> {
        self.count("SELECT count(*) FROM reports WHERE hub = ?", blob(&hub.0))
    }

    fn reports(&self) -> Result<Vec<(HubId, Vec<u8>)>> {
        let found = self.rows("SELECT hub, bytes FROM reports ORDER BY hub, lock", &[])?;
        let read =
            |row: &Row| Ok((HubId::from_slice(&get_blob(row, 0)?).ok_or(INTERNAL)?, get_blob(row, 1)?));
        found.iter().map(read).collect()
    }

    fn drop_reports(&self, hub: &HubId) -> Result<()> {
        self.run("DELETE FROM reports WHERE hub = ?", &[blob(&hub.0)])
    }

    fn event_tip(&self, hub: &HubId) -> Result<Option<(u64, Hash32)>> {
        let query = "SELECT number, hash FROM events WHERE hub = ? ORDER BY number DESC LIMIT 1";
        let found = self.rows(query, &[blob(&hub.0)])?;
        let read =
            |row: &Row| Ok((get_int(row, 0)?, Hash32::from_slice(&get_blob(row, 1)?).ok_or(INTERNAL)?));
        found.first().map(read).transpose()
    }

    fn newest_event(&self, hub: &HubId) -> Result<Option<Vec<u8>>> {
        let query = "SELECT bytes FROM events WHERE hub = ? ORDER BY number DESC LIMIT 1";
        self.rows(query, &[blob(&hub.0)])?.first().map(|row| get_blob(row, 0)).transpose()
    }

    fn event_hash(&self, hub: &HubId, number: u64) -> Result<Option<Hash32>> {
        let args = &[blob(&hub.0), int(number)?];
        let found = self.rows("SELECT hash FROM events WHERE hub = ? AND number = ?", args)?;
        found.first().map(|row| Hash32::from_slice(&get_blob(row, 0)?).ok_or(INTERNAL)).transpose()
    }

    fn append_event(&self, hub: &HubId, event: &NewEvent) -> Result<()> {
        let holder = event.holder.map_or(Cell::Null, |holder| blob(&holder.0));
        let args = &[blob(&hub.0), int(event.number)?, blob(&event.hash.0), blob(&event.bytes), holder];
        self.run("INSERT INTO events (hub, number, hash, bytes, holder) VALUES (?, ?, ?, ?, ?)", args)
    }

    fn events_before(&self, cursor: Option<u64>, limit: usize) -> Result<Vec<(u64, Vec<u8>)>> {
        let query = "SELECT id, bytes FROM events WHERE id < ? ORDER BY id DESC LIMIT ?";
        self.page(query, &[int(cursor.unwrap_or(MAX_INT))?, int(limit as u64)?])
    }

    fn events_after(&self, cursor: u64, limit: usize) -> Result<Vec<(u64, Vec<u8>)>> {
        let query = "SELECT id, bytes FROM events WHERE id > ? ORDER BY id LIMIT ?";
        self.page(query, &[int(cursor)?, int(limit as u64)?])
    }

    fn events_of(&self, holder: &KeyId, cursor: Option<u64>, limit: usize) -> Result<Vec<(u64, Vec<u8>)>> {
        let query = "SELECT id, bytes FROM events WHERE holder = ? AND id < ? ORDER BY id DESC LIMIT ?";
        self.page(query, &[blob(&holder.0), int(cursor.unwrap_or(MAX_INT))?, int(limit as u64)?])
    }

    fn trim_events(&self, keep: u64) -> Result<()> {
        self.run(
            "DELETE FROM events WHERE id <= (SELECT max(id) FROM events) - ?
             AND id NOT IN (SELECT max(id) FROM events GROUP BY hub)",
            &[int(keep)?],
        )
    }

    fn hub(&self, hub: &HubId) -> Result<Option<HubRow>> {
        let found = self.rows("SELECT last_seen, seq FROM hubs WHERE hub = ?", &[blob(&hub.0)])?;
        let read = |row: &Row| Ok(HubRow { last_seen: get_int(row, 0)?, seq: get_opt_int(row, 1)? });
        found.first().map(read).transpose()
    }

    fn put_hub(&self, hub: &HubId, row: HubRow) -> Result<()> {
        let seq = row.seq.map(int).transpose()?.unwrap_or(Cell::Null);
        let args = &[blob(&hub.0), int(row.last_seen)?, seq];
        self.run("INSERT OR REPLACE INTO hubs (hub, last_seen, seq) VALUES (?, ?, ?)", args)
    }

    fn remember_nonce(&self, hub: &HubId, nonce: &Nonce, until: u64, now: u64) -> Result<bool> {
        self.run("DELETE FROM nonces WHERE until <= ?", &[int(now)?])?;
        let known = [blob(&hub.0), blob(&nonce.0)];
        if !self.rows("SELECT 1 FROM nonces WHERE hub = ? AND nonce = ?", &known)?.is_empty() {
            return Ok(false);
        }
        let [hub, nonce] = known;
        self.run("INSERT INTO nonces (hub, nonce, until) VALUES (?, ?, ?)", &[hub, nonce, int(until)?])?;
        Ok(true)
    }

    fn link(&self, id: &LinkId) -> Result<Option<LinkRow>> {
        let query = "SELECT id, grant_id, rev, auth_hash, content, ended FROM links WHERE id = ?";
        Ok(self.rows(query, &[blob(&id.0)])?.first().map(read_link).transpose()?.map(|(_, row)| row))
    }

    fn put_link(&self, id: &LinkId, row: &LinkRow) -> Result<()> {
        let content = row.content.as_ref().map_or(Cell::Null, |content| blob(content));
        let ended = row.ended.map(int).transpose()?.unwrap_or(Cell::Null);
        let rev = int(row.rev.into())?;
        let args = &[blob(&id.0), blob(&row.grant.0), rev, blob(&row.auth_hash.0), content, ended];
        self.run(
            "INSERT OR REPLACE INTO links (id, grant_id, rev, auth_hash, content, ended) VALUES (?, ?, ?, ?, ?, ?)",
            args,
        )
    }

    fn drop_link(&self, id: &LinkId) -> Result<()> {
        self.run("DELETE FROM links WHERE id = ?", &[blob(&id.0)])
    }

    fn links(&self) -> Result<Vec<(LinkId, LinkRow)>> {
        let query = "SELECT id, grant_id, rev, auth_hash, content, ended FROM links WHERE ended IS NULL";
        self.rows(query, &[])?.iter().map(read_link).collect()
    }

    fn ended_links(&self) -> Result<Vec<(LinkId, u64)>> {
        let found = self.rows("SELECT id, ended FROM links WHERE ended IS NOT NULL", &[])?;
        found.iter().map(|row| Ok((link_id(row)?, get_int(row, 1)?))).collect()
    }

    fn item(&self, shelf: Shelf, id: &[u8]) -> Result<Option<Vec<u8>>> {
        let args = &[int(shelf as u64)?, blob(id)];
        let found = self.rows("SELECT bytes FROM items WHERE shelf = ? AND id = ?", args)?;
        found.first().map(|row| get_blob(row, 0)).transpose()
    }

    fn items(&self, shelf: Shelf) -> Result<Vec<Vec<u8>>> {
        let args = &[int(shelf as u64)?];
        let found = self.rows("SELECT bytes FROM items WHERE shelf = ? ORDER BY id", args)?;
        found.iter().map(|row| get_blob(row, 0)).collect()
    }

    fn count_items(&self, shelf: Shelf) -> Result<usize> {
        self.count("SELECT count(*) FROM items WHERE shelf = ?", int(shelf as u64)?)
    }

    fn put_item(&self, shelf: Shelf, id: &[u8], bytes: &[u8], until: Option<u64>) -> Result<()> {
        let until = until.map(int).transpose()?.unwrap_or(Cell::Null);
        let args = &[int(shelf as u64)?, blob(id), blob(bytes), until];
        self.run("INSERT OR REPLACE INTO items (shelf, id, bytes, until) VALUES (?, ?, ?, ?)", args)
    }

    fn drop_item(&self, shelf: Shelf, id: &[u8]) -> Result<()> {
        self.run("DELETE FROM items WHERE shelf = ? AND id = ?", &[int(shelf as u64)?, blob(id)])
    }

    fn sweep_items(&self, now: u64) -> Result<Option<u64>> {
        self.run("DELETE FROM items WHERE until <= ?", &[int(now)?])?;
        let found = self.rows("SELECT min(until) FROM items WHERE until IS NOT NULL", &[])?;
        found.first().map_or(Ok(None), |row| get_opt_int(row, 0))
    }
}

fn link_id(row: &Row) -> Result<LinkId> {
    LinkId::from_slice(&get_blob(row, 0)?).ok_or(INTERNAL)
}

fn read_link(row: &Row) -> Result<(LinkId, LinkRow)> {
    let content = match row.get(4) {
        Some(Cell::Null) => None,
        _ => Some(get_blob(row, 4)?.into()),
    };
    let link = LinkRow {
        grant: GrantId::from_slice(&get_blob(row, 1)?).ok_or(INTERNAL)?,
        rev: u32::try_from(get_int(row, 2)?).map_err(|_| INTERNAL)?,
        auth_hash: Hash32::from_slice(&get_blob(row, 3)?).ok_or(INTERNAL)?,
        content,
        ended: get_opt_int(row, 5)?,
    };
    Ok((link_id(row)?, link))
}

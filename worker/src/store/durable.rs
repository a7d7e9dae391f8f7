//! The store in an object's SQLite.
//!
//! Tables are made by the first write, so that an object that somebody merely asked for costs nothing.

use latchkey_shared::id::{GrantId, Hash32, HubId, KeyId, LinkId, LockId, Nonce};
use wasm_bindgen::JsValue;
use worker::SqlStorage;

use super::{HomeStore, HubRow, LinkRow, NewEvent, OpenLink, Shelf};
use crate::env::broken_js;
use crate::error::{INTERNAL, Result};
use crate::host;

/// The largest integer that goes through JavaScript.
const MAX_INT: u64 = (1 << 53) - 1;

/// A value of a row, or an argument of a query.
#[derive(Clone, Copy, Debug)]
enum Cell<'b> {
    Null,
    Number(u64),
    Blob(&'b [u8]),
}

type Row<'b> = [Cell<'b>];

fn int(n: u64) -> Result<Cell<'static>> {
    if n <= MAX_INT { Ok(Cell::Number(n)) } else { Err(INTERNAL) }
}

fn opt_int(n: Option<u64>) -> Result<Cell<'static>> {
    n.map_or(Ok(Cell::Null), int)
}

fn get_int(row: &Row<'_>, at: usize) -> Result<u64> {
    match row.get(at) {
        Some(Cell::Number(n)) => Ok(*n),
        _ => Err(INTERNAL),
    }
}

fn get_opt_int(row: &Row<'_>, at: usize) -> Result<Option<u64>> {
    match row.get(at) {
        Some(Cell::Null) => Ok(None),
        _ => get_int(row, at).map(Some),
    }
}

fn get_bytes<'b>(row: &Row<'b>, at: usize) -> Result<&'b [u8]> {
    match row.get(at) {
        Some(Cell::Blob(bytes)) => Ok(bytes),
        _ => Err(INTERNAL),
    }
}

fn get_blob(row: &Row<'_>, at: usize) -> Result<Vec<u8>> {
    get_bytes(row, at).map(<[u8]>::to_vec)
}

/// Arguments in bytes: a tag for each, then nothing, a float of 8 bytes, or 4 bytes of length and as many more, all
/// numbers little-endian. Through JavaScript at once, where each alone would cost more than the query.
fn pack(args: &[Cell<'_>]) -> Result<Vec<u8>> {
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

fn unpack<'b>(bytes: &mut &'b [u8]) -> Option<Cell<'b>> {
    match take(bytes, 1)? {
        [0] => Some(Cell::Null),
        [1] => {
            let n = f64::from_le_bytes(take(bytes, 8)?.try_into().ok()?);
            let exact = (0.0..=MAX_INT as f64).contains(&n) && n.trunc() == n;
            exact.then_some(Cell::Number(n as u64))
        }
        _ => {
            let length = u32::from_le_bytes(take(bytes, 4)?.try_into().ok()?);
            take(bytes, length as usize).map(Cell::Blob)
        }
    }
}

fn run(sql: &JsValue, query: &str, args: &[Cell<'_>]) -> Result<()> {
    host::rows(sql, query, &pack(args)?).map(drop).map_err(broken_js)
}

/// What is read of each row. Rows come in bytes: the number of columns, then all values in order, as arguments go.
fn rows<T>(
    sql: &JsValue,
    query: &str,
    args: &[Cell<'_>],
    read: impl Fn(&Row<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    let packed = host::rows(sql, query, &pack(args)?).map_err(broken_js)?;
    let (columns, mut rest) = packed.split_first().ok_or(INTERNAL)?;
    let (mut row, mut found) = (Vec::with_capacity(usize::from(*columns)), Vec::new());
    while *columns > 0 && !rest.is_empty() {
        row.clear();
        for _ in 0..*columns {
            row.push(unpack(&mut rest).ok_or(INTERNAL)?);
        }
        found.push(read(&row)?);
    }
    Ok(found)
}

/// Whether a table of this name, one of ours, is there.
fn has_table(sql: &JsValue, name: &str) -> Result<bool> {
    let query = format!("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = '{name}'");
    Ok(!rows(sql, &query, &[], |_| Ok(()))?.is_empty())
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
        let found = rows(&self.sql, "SELECT value FROM record WHERE id = 1", &[], |row| get_blob(row, 0))?;
        Ok(found.into_iter().next())
    }

    /// Replaces it.
    pub(crate) fn save(&self, value: &[u8]) -> Result<()> {
        run(
            &self.sql,
            "CREATE TABLE IF NOT EXISTS record (id INTEGER PRIMARY KEY, value BLOB NOT NULL)",
            &[],
        )?;
        run(&self.sql, "INSERT OR REPLACE INTO record (id, value) VALUES (1, ?)", &[Cell::Blob(value)])
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

    fn run(&self, query: &str, args: &[Cell<'_>]) -> Result<()> {
        run(&self.sql, query, args)
    }

    fn rows<T>(
        &self,
        query: &str,
        args: &[Cell<'_>],
        read: impl Fn(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        rows(&self.sql, query, args, read)
    }

    /// The first row, if there is one.
    fn row<T>(
        &self,
        query: &str,
        args: &[Cell<'_>],
        read: impl Fn(&Row<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        Ok(self.rows(query, args, read)?.into_iter().next())
    }

    fn count(&self, query: &str, of: Cell<'_>) -> Result<usize> {
        let count = self.row(query, &[of], |row| get_int(row, 0))?.unwrap_or(0);
        usize::try_from(count).map_err(|_| INTERNAL)
    }

    fn page(&self, query: &str, args: &[Cell<'_>]) -> Result<Vec<(u64, Vec<u8>)>> {
        self.rows(query, args, |row| Ok((get_int(row, 0)?, get_blob(row, 1)?)))
    }
}

impl HomeStore for SqlStore {
    fn ops_from(&self, seq: u64) -> Result<Vec<Vec<u8>>> {
        if !has_table(&self.sql, "ops")? {
            return Ok(Vec::new());
        }
        let query = "SELECT bytes FROM ops WHERE seq >= ? ORDER BY seq";
        self.rows(query, &[int(seq)?], |row| get_blob(row, 0))
    }

    fn op(&self, seq: u64) -> Result<Option<Vec<u8>>> {
        self.row("SELECT bytes FROM ops WHERE seq = ?", &[int(seq)?], |row| get_blob(row, 0))
    }

    fn append_ops(&self, first: u64, ops: &[Vec<u8>], at: u64) -> Result<()> {
        if first == 0 {
            for table in SCHEMA {
                self.run(table, &[])?;
            }
        }
        for (seq, op) in (first..).zip(ops) {
            // Never OR REPLACE: an op that is there stays.
            self.run(
                "INSERT INTO ops (seq, bytes, at) VALUES (?, ?, ?)",
                &[int(seq)?, Cell::Blob(op), int(at)?],
            )?;
        }
        Ok(())
    }

    fn report_number(&self, hub: &HubId, lock: &LockId) -> Result<Option<u64>> {
        let args = &[Cell::Blob(&hub.0), Cell::Blob(&lock.0)];
        self.row("SELECT number FROM reports WHERE hub = ? AND lock = ?", args, |row| get_int(row, 0))
    }

    fn put_report(&self, hub: &HubId, lock: &LockId, number: u64, bytes: &[u8]) -> Result<()> {
        let args = &[Cell::Blob(&hub.0), Cell::Blob(&lock.0), int(number)?, Cell::Blob(bytes)];
        self.run("INSERT OR REPLACE INTO reports (hub, lock, number, bytes) VALUES (?, ?, ?, ?)", args)
    }

    fn count_reports(&self, hub: &HubId) -> Result<usize> {
        self.count("SELECT count(*) FROM reports WHERE hub = ?", Cell::Blob(&hub.0))
    }

    fn reports(&self) -> Result<Vec<(HubId, Vec<u8>)>> {
        let hub = |row: &Row<'_>| HubId::from_slice(get_bytes(row, 0)?).ok_or(INTERNAL);
        let query = "SELECT hub, bytes FROM reports ORDER BY hub, lock";
        self.rows(query, &[], |row| Ok((hub(row)?, get_blob(row, 1)?)))
    }

    fn drop_reports(&self, hub: &HubId) -> Result<()> {
        self.run("DELETE FROM reports WHERE hub = ?", &[Cell::Blob(&hub.0)])
    }

    fn event_tip(&self, hub: &HubId) -> Result<Option<(u64, Hash32)>> {
        let query = "SELECT number, hash FROM events WHERE hub = ? ORDER BY number DESC LIMIT 1";
        self.row(query, &[Cell::Blob(&hub.0)], |row| Ok((get_int(row, 0)?, get_hash(row, 1)?)))
    }

    fn newest_event(&self, hub: &HubId) -> Result<Option<Vec<u8>>> {
        let query = "SELECT bytes FROM events WHERE hub = ? ORDER BY number DESC LIMIT 1";
        self.row(query, &[Cell::Blob(&hub.0)], |row| get_blob(row, 0))
    }

    fn event_hash(&self, hub: &HubId, number: u64) -> Result<Option<Hash32>> {
        let args = &[Cell::Blob(&hub.0), int(number)?];
        self.row("SELECT hash FROM events WHERE hub = ? AND number = ?", args, |row| get_hash(row, 0))
    }

    fn append_event(&self, hub: &HubId, event: &NewEvent) -> Result<()> {
        let holder = event.holder.as_ref().map_or(Cell::Null, |holder| Cell::Blob(&holder.0));
        let args = &[
            Cell::Blob(&hub.0),
            int(event.number)?,
            Cell::Blob(&event.hash.0),
            Cell::Blob(&event.bytes),
            holder,
        ];
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
        self.page(query, &[Cell::Blob(&holder.0), int(cursor.unwrap_or(MAX_INT))?, int(limit as u64)?])
    }

    fn trim_events(&self, keep: u64) -> Result<()> {
        self.run(
            "DELETE FROM events WHERE id <= (SELECT max(id) FROM events) - ?
             AND id NOT IN (SELECT max(id) FROM events GROUP BY hub)",
            &[int(keep)?],
        )
    }

    fn hub(&self, hub: &HubId) -> Result<Option<HubRow>> {
        let read = |row: &Row<'_>| Ok(HubRow { last_seen: get_int(row, 0)?, seq: get_opt_int(row, 1)? });
        self.row("SELECT last_seen, seq FROM hubs WHERE hub = ?", &[Cell::Blob(&hub.0)], read)
    }

    fn put_hub(&self, hub: &HubId, row: HubRow) -> Result<()> {
        let args = &[Cell::Blob(&hub.0), int(row.last_seen)?, opt_int(row.seq)?];
        self.run("INSERT OR REPLACE INTO hubs (hub, last_seen, seq) VALUES (?, ?, ?)", args)
    }

    fn remember_nonce(&self, hub: &HubId, nonce: &Nonce, until: u64, now: u64) -> Result<bool> {
        self.run("DELETE FROM nonces WHERE until <= ?", &[int(now)?])?;
        let known = [Cell::Blob(&hub.0), Cell::Blob(&nonce.0)];
        let query = "SELECT 1 FROM nonces WHERE hub = ? AND nonce = ?";
        if self.row(query, &known, |_| Ok(()))?.is_some() {
            return Ok(false);
        }
        let [hub, nonce] = known;
        self.run("INSERT INTO nonces (hub, nonce, until) VALUES (?, ?, ?)", &[hub, nonce, int(until)?])?;
        Ok(true)
    }

    fn link(&self, id: &LinkId) -> Result<Option<LinkRow>> {
        let query = "SELECT grant_id, rev, auth_hash, content, ended FROM links WHERE id = ?";
        self.row(query, &[Cell::Blob(&id.0)], read_link)
    }

    fn put_link(&self, id: &LinkId, row: &LinkRow) -> Result<()> {
        let content = row.content.as_ref().map_or(Cell::Null, |content| Cell::Blob(content));
        let ended = opt_int(row.ended)?;
        let rev = int(row.rev.into())?;
        let args =
            &[Cell::Blob(&id.0), Cell::Blob(&row.grant.0), rev, Cell::Blob(&row.auth_hash.0), content, ended];
        self.run(
            "INSERT OR REPLACE INTO links (id, grant_id, rev, auth_hash, content, ended) VALUES (?, ?, ?, ?, ?, ?)",
            args,
        )
    }

    fn drop_link(&self, id: &LinkId) -> Result<()> {
        self.run("DELETE FROM links WHERE id = ?", &[Cell::Blob(&id.0)])
    }

    fn open_links(&self) -> Result<Vec<OpenLink>> {
        let query = "SELECT id, grant_id, rev FROM links WHERE ended IS NULL";
        self.rows(query, &[], |row| {
            Ok(OpenLink { id: get_link(row, 0)?, grant: get_grant(row, 1)?, rev: get_rev(row, 2)? })
        })
    }

    fn ended_links(&self) -> Result<Vec<(LinkId, u64)>> {
        let query = "SELECT id, ended FROM links WHERE ended IS NOT NULL";
        self.rows(query, &[], |row| Ok((get_link(row, 0)?, get_int(row, 1)?)))
    }

    fn item(&self, shelf: Shelf, id: &[u8]) -> Result<Option<Vec<u8>>> {
        let args = &[int(shelf as u64)?, Cell::Blob(id)];
        self.row("SELECT bytes FROM items WHERE shelf = ? AND id = ?", args, |row| get_blob(row, 0))
    }

    fn items(&self, shelf: Shelf) -> Result<Vec<Vec<u8>>> {
        let query = "SELECT bytes FROM items WHERE shelf = ? ORDER BY id";
        self.rows(query, &[int(shelf as u64)?], |row| get_blob(row, 0))
    }

    fn count_items(&self, shelf: Shelf) -> Result<usize> {
        self.count("SELECT count(*) FROM items WHERE shelf = ?", int(shelf as u64)?)
    }

    fn put_item(&self, shelf: Shelf, id: &[u8], bytes: &[u8], until: Option<u64>) -> Result<()> {
        let args = &[int(shelf as u64)?, Cell::Blob(id), Cell::Blob(bytes), opt_int(until)?];
        self.run("INSERT OR REPLACE INTO items (shelf, id, bytes, until) VALUES (?, ?, ?, ?)", args)
    }

    fn drop_item(&self, shelf: Shelf, id: &[u8]) -> Result<()> {
        self.run("DELETE FROM items WHERE shelf = ? AND id = ?", &[int(shelf as u64)?, Cell::Blob(id)])
    }

    fn sweep_items(&self, now: u64) -> Result<Option<u64>> {
        self.run("DELETE FROM items WHERE until <= ?", &[int(now)?])?;
        let query = "SELECT min(until) FROM items WHERE until IS NOT NULL";
        Ok(self.row(query, &[], |row| get_opt_int(row, 0))?.flatten())
    }
}

fn get_rev(row: &Row<'_>, at: usize) -> Result<u32> {
    u32::try_from(get_int(row, at)?).map_err(|_| INTERNAL)
}

fn get_hash(row: &Row<'_>, at: usize) -> Result<Hash32> {
    Hash32::from_slice(get_bytes(row, at)?).ok_or(INTERNAL)
}

fn get_grant(row: &Row<'_>, at: usize) -> Result<GrantId> {
    GrantId::from_slice(get_bytes(row, at)?).ok_or(INTERNAL)
}

fn get_link(row: &Row<'_>, at: usize) -> Result<LinkId> {
    LinkId::from_slice(get_bytes(row, at)?).ok_or(INTERNAL)
}

fn read_link(row: &Row<'_>) -> Result<LinkRow> {
    let content = match row.get(3) {
        Some(Cell::Null) => None,
        _ => Some(get_blob(row, 3)?.into()),
    };
    Ok(LinkRow {
        grant: get_grant(row, 0)?,
        rev: get_rev(row, 1)?,
        auth_hash: get_hash(row, 2)?,
        content,
        ended: get_opt_int(row, 4)?,
    })
}

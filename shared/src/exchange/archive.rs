//! The archive: every signed op, every event that is kept and the newest reports, as they were signed. Whoever has the
//! file can verify it alone, and learns where exactly it is damaged.
//!
//! The file is a CBOR sequence (RFC 8742): the text [`MAGIC`], then each page as a byte string. The cloud serves the
//! pages one by one, each naming the next; what the pages hold counts as one list each.

use crate::chain::{ChainError, ChainState};
use crate::error::{Coded, coded_error};
use crate::event::{Event, EventError, EventTip};
use crate::id::{Hash32, HomeId, HubId};
use crate::report::{Report, ReportError};
use crate::time::Timestamp;
use crate::wire::cbor::{self, Blob, Reader, Writer};
use crate::wire::derive::{Decode, Encode};
use core::fmt;
use std::collections::BTreeMap;

/// The file's first item.
pub const MAGIC: &str = "latchkey/v1/archive";
/// One page, in bytes.
pub const MAX_PAGE_BYTES: usize = 4 * 1024 * 1024;
/// A whole archive, in bytes.
pub const MAX_ARCHIVE_BYTES: usize = 256 * 1024 * 1024;

/// `GET /homes/{home}/export?after=`: a part of the archive.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct ArchivePage {
    /// The home.
    #[n(1)]
    pub home: HomeId,
    /// When the page was made, by the Worker's clock.
    #[n(2)]
    pub at: Timestamp,
    /// Signed ops in order; the first page begins with `Genesis`.
    #[n(3)]
    pub ops: Vec<Blob>,
    /// Signed events, each hub's in order.
    #[n(4)]
    pub events: Vec<Blob>,
    /// The newest signed report of every lock.
    #[n(5)]
    pub reports: Vec<Blob>,
    /// Where the next page begins, to be passed as `after`; absent on the last page.
    #[n(6)]
    pub next: Option<String>,
}

coded_error! {
    /// Why a file is no whole archive of one home.
    pub enum ArchiveError {
        NotOne = "archive.not_one", "The file is not a Latchkey archive.";
        TooLarge = "archive.too_large", "The file is larger than any archive. It is not one.";
        Damaged = "archive.damaged", "A page of the archive is damaged.";
        WrongHome = "archive.wrong_home", "The archive mixes pages of several homes.";
        Incomplete = "archive.incomplete", "The archive ends early: its last page names another. Export it again.";
        UnknownHub = "archive.unknown_hub", "An entry is from a hub that this home never had.";
        Rollback = "archive.rollback", "The archive ends before what was seen of this home before.";
        Fork = "archive.fork", "The archive tells another history than was seen of this home before.";
    }
}

/// What in the archive a fault is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// The file itself.
    File,
    /// The page of this number, from 1.
    Page(usize),
    /// The op of this number, from 0.
    Op(u64),
    /// A hub's event of this number.
    Event(HubId, u64),
    /// The event at this position, from 1, which does not say whose it is.
    EventAt(usize),
    /// The report at this position, from 1.
    Report(usize),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File => write!(f, "file"),
            Self::Page(n) => write!(f, "page {n}"),
            Self::Op(n) => write!(f, "op {n}"),
            Self::Event(hub, n) => write!(f, "event {n} of hub {hub}"),
            Self::EventAt(n) => write!(f, "entry {n} of the log"),
            Self::Report(n) => write!(f, "report {n}"),
        }
    }
}

/// The first thing that is wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fault {
    /// Where.
    pub place: Place,
    /// Its stable code.
    pub code: &'static str,
    /// What it means.
    pub hint: &'static str,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.code)
    }
}

impl core::error::Error for Fault {}

fn fault(place: Place, why: &dyn Coded) -> Fault {
    Fault { place, code: why.code(), hint: why.hint() }
}

/// One hub's part of the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LogSpan {
    /// The first event's number. The cloud forgets the oldest of very many: then it is not 1.
    pub first: u64,
    /// The last event's number.
    pub last: u64,
    /// When the first happened, by the hub's clock.
    pub from: Timestamp,
    /// When the last happened.
    pub to: Timestamp,
}

/// A verified archive.
#[derive(Clone, Debug)]
pub struct Archive {
    /// The chain to its end.
    pub chain: ChainState,
    /// How many ops it has.
    pub ops: u64,
    /// When the last page was made, by the Worker's clock.
    pub at: Timestamp,
    /// Every event in the order of the file.
    pub events: Vec<Event>,
    /// Each hub's part of the log.
    pub logs: BTreeMap<HubId, LogSpan>,
    /// The reports.
    pub reports: Vec<Report>,
}

/// What somebody saw of a home before: an op's number and hash. An archive must contain it.
pub type Seen = (u64, Hash32);

/// Puts encoded pages into a file.
pub fn write<'a>(pages: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut w = Writer::new();
    w.text(MAGIC);
    for page in pages {
        w.bytes(page);
    }
    w.finish()
}

/// The pages of a file. What they hold is not verified.
pub fn read(file: &[u8]) -> Result<Vec<ArchivePage>, Fault> {
    let bad = |e: ArchiveError| fault(Place::File, &e);
    if file.len() > MAX_ARCHIVE_BYTES {
        return Err(bad(ArchiveError::TooLarge));
    }
    let mut items = Reader::new(file);
    if items.text() != Some(MAGIC) {
        return Err(bad(ArchiveError::NotOne));
    }
    let mut pages: Vec<ArchivePage> = Vec::new();
    while !items.rest().is_empty() {
        let place = Place::Page(pages.len() + 1);
        let damaged = |_| fault(place, &ArchiveError::Damaged);
        let bytes = items.bytes().ok_or_else(|| fault(place, &ArchiveError::Damaged))?;
        let page: ArchivePage = cbor::from_slice(bytes, MAX_PAGE_BYTES).map_err(damaged)?;
        if pages.first().is_some_and(|first| first.home != page.home) {
            return Err(fault(place, &ArchiveError::WrongHome));
        }
        if pages.last().is_some_and(|last| last.next.is_none()) {
            return Err(fault(place, &ArchiveError::Damaged));
        }
        pages.push(page);
    }
    match pages.last() {
        Some(last) if last.next.is_none() => Ok(pages),
        _ => Err(bad(ArchiveError::Incomplete)),
    }
}

/// Verifies a whole archive. `seen`: what is known of the home from elsewhere, if anything. Without it a file that was
/// cut at its end and closed again cannot be told from an older one.
pub fn verify(file: &[u8], seen: Option<Seen>) -> Result<Archive, Fault> {
    let pages = read(file)?;
    let at = pages.last().map(|page| page.at).unwrap_or_default();
    let home = pages.first().map(|page| page.home);
    let chain = verify_ops(pages.iter().flat_map(|page| &page.ops), seen)?;
    if home != Some(*chain.home()) {
        return Err(fault(Place::Op(0), &ChainError::WrongHome));
    }
    let (events, logs) = verify_events(&chain, pages.iter().flat_map(|page| &page.events))?;
    let reports = verify_reports(&chain, pages.iter().flat_map(|page| &page.reports))?;
    Ok(Archive { ops: chain.seq() + 1, chain, at, events, logs, reports })
}

/// Verifies ops from the genesis on.
pub(super) fn verify_ops<'a>(
    ops: impl Iterator<Item = &'a Blob>,
    seen: Option<Seen>,
) -> Result<ChainState, Fault> {
    let mut chain: Option<ChainState> = None;
    for op in ops {
        let next = match chain.take() {
            None => ChainState::genesis(op).map_err(|e| fault(Place::Op(0), &e))?,
            Some(mut state) => {
                state.extend(op).map_err(|e| fault(Place::Op(state.seq() + 1), &e))?;
                state
            }
        };
        if seen.is_some_and(|(seq, hash)| seq == next.seq() && hash != next.hash()) {
            return Err(fault(Place::Op(next.seq()), &ArchiveError::Fork));
        }
        chain = Some(next);
    }
    let chain = chain.ok_or_else(|| fault(Place::Op(0), &ChainError::BadGenesis))?;
    if seen.is_some_and(|(seq, _)| seq > chain.seq()) {
        return Err(fault(Place::Op(chain.seq() + 1), &ArchiveError::Rollback));
    }
    Ok(chain)
}

type Logs = BTreeMap<HubId, LogSpan>;

fn verify_events<'a>(
    chain: &ChainState,
    signed: impl Iterator<Item = &'a Blob>,
) -> Result<(Vec<Event>, Logs), Fault> {
    let (mut events, mut logs, mut tips) = (Vec::new(), Logs::new(), BTreeMap::<HubId, EventTip>::new());
    for (i, bytes) in signed.enumerate() {
        let Some((_, hub)) = Event::claimed_source(bytes) else {
            return Err(fault(Place::EventAt(i + 1), &EventError::Malformed));
        };
        let expected = tips.get(&hub).map(|tip| tip.number + 1);
        let place = expected.map_or(Place::EventAt(i + 1), |number| Place::Event(hub, number));
        let key = chain.hub_key(&hub).ok_or_else(|| fault(place, &ArchiveError::UnknownHub))?;
        let (event, hash) = Event::verify(bytes, chain.home(), &hub, key).map_err(|e| fault(place, &e))?;
        let before = tips.get(&hub).copied();
        match before {
            Some(tip) => event.follows(&tip).map_err(|e| fault(place, &e))?,
            // Where the log does not begin with its first event, the rest still hangs together.
            None if event.number == 1 && event.prev.is_some() => {
                return Err(fault(Place::Event(hub, 1), &EventError::Broken));
            }
            None => {}
        }
        tips.insert(hub, EventTip { number: event.number, hash: Some(hash) });
        let span = LogSpan { first: event.number, last: event.number, from: event.at, to: event.at };
        let log = logs.entry(hub).or_insert(span);
        (log.last, log.to) = (event.number, event.at);
        events.push(event);
    }
    Ok((events, logs))
}

fn verify_reports<'a>(
    chain: &ChainState,
    signed: impl Iterator<Item = &'a Blob>,
) -> Result<Vec<Report>, Fault> {
    let mut reports = Vec::new();
    for (i, bytes) in signed.enumerate() {
        let place = Place::Report(i + 1);
        let source = Report::claimed_source(bytes).ok_or_else(|| fault(place, &ReportError::Malformed));
        let (_, hub) = source?;
        let key = chain.hub_key(&hub).ok_or_else(|| fault(place, &ArchiveError::UnknownHub))?;
        reports.push(Report::verify(bytes, chain.home(), &hub, key).map_err(|e| fault(place, &e))?);
    }
    Ok(reports)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::Body;
    use crate::event::EventBody;
    use crate::id::LockId;
    use crate::testing::TestHome;
    use crate::wire::cbor::to_vec;

    fn events(home: &TestHome, count: u64) -> Vec<Blob> {
        let mut prev = None;
        (1..=count)
            .map(|number| {
                let event = Event {
                    home: *home.state.home(),
                    hub: home.hub,
                    number,
                    at: Timestamp(1_800_000_000 + number),
                    body: EventBody::Online(number % 2 == 0),
                    prev,
                    clock_unsure: false,
                };
                let (bytes, hash) = event.sign(home.hub_keys.signing());
                prev = Some(hash);
                Blob(bytes)
            })
            .collect()
    }

    fn pages(home: &TestHome) -> Vec<ArchivePage> {
        let ops: Vec<Blob> = home.ops.iter().cloned().map(Blob).collect();
        let page = ArchivePage {
            home: *home.state.home(),
            at: TestHome::BEGINNING,
            ops,
            events: vec![],
            reports: vec![],
            next: Some("1".into()),
        };
        let log = ArchivePage { ops: vec![], events: events(home, 5), next: None, ..page.clone() };
        vec![page, log]
    }

    fn file(pages: &[ArchivePage]) -> Vec<u8> {
        let encoded: Vec<Vec<u8>> = pages.iter().map(to_vec).collect();
        write(encoded.iter().map(Vec::as_slice))
    }

    fn home() -> TestHome {
        let mut home = TestHome::new(50);
        for pin in ["483920", "917264"] {
            let grant = home.guest(pin, &[LockId([1; 16])]);
            home.push(Body::PutGrant(grant)).unwrap();
        }
        home
    }

    #[test]
    fn an_archive_verifies_alone() {
        let home = home();
        let seen = Some((2, ChainState::from_ops(&home.ops[..3]).unwrap().hash()));
        let archive = verify(&file(&pages(&home)), seen).unwrap();
        assert_eq!((archive.ops, archive.chain.hash()), (4, home.state.hash()));
        let span = archive.logs[&home.hub];
        assert_eq!((span.first, span.last, archive.events.len()), (1, 5, 5));
        // The cloud forgot the oldest.
        let mut later = pages(&home);
        later[1].events.drain(..2);
        assert_eq!(verify(&file(&later), None).unwrap().logs[&home.hub].first, 3);
    }

    /// The place and the code of the first fault after some change.
    fn after(change: impl FnOnce(&mut Vec<ArchivePage>)) -> (Place, &'static str) {
        let mut pages = pages(&home());
        change(&mut pages);
        let fault = verify(&file(&pages), None).err().unwrap();
        (fault.place, fault.code)
    }

    #[test]
    fn every_change_shows_where_it_is() {
        let hub = home().hub;
        let flip = |blob: &mut Blob| {
            let at = blob.0.len() - 70;
            blob.0[at] ^= 1;
        };
        let swap = |pages: &mut Vec<ArchivePage>| pages[1].events.swap(2, 3);
        assert_eq!(after(|p| drop(p[0].ops.remove(2))), (Place::Op(2), "chain.gap"));
        assert_eq!(after(|p| p[0].ops.swap(2, 3)), (Place::Op(2), "chain.gap"));
        assert_eq!(after(|p| flip(&mut p[0].ops[1])), (Place::Op(1), "chain.bad_signature"));
        assert_eq!(after(|p| drop(p[0].ops.remove(0))), (Place::Op(0), "chain.bad_genesis"));
        assert_eq!(after(|p| drop(p[1].events.remove(2))), (Place::Event(hub, 3), "event.gap"));
        assert_eq!(after(swap), (Place::Event(hub, 3), "event.gap"));
        assert_eq!(after(|p| p[1].events[2] = Blob(vec![1])), (Place::EventAt(3), "event.malformed"));
        assert_eq!(after(|p| p[1].next = Some("2".into())), (Place::File, "archive.incomplete"));
        assert_eq!(after(|p| p[0].next = None), (Place::Page(2), "archive.damaged"));
        assert_eq!(after(|p| p[1].home = HomeId([0; 16])), (Place::Page(2), "archive.wrong_home"));
        // A hub's own key signing a second history of the same numbers.
        let fork = |p: &mut Vec<ArchivePage>| {
            let home = home();
            let event = Event {
                body: EventBody::Started("x".into()),
                prev: Some(Hash32([7; 32])),
                ..Event::verify(&p[1].events[3], home.state.home(), &hub, &home.hub_keys.sign_public())
                    .unwrap()
                    .0
            };
            p[1].events[3] = Blob(event.sign(home.hub_keys.signing()).0);
        };
        assert_eq!(after(fork), (Place::Event(hub, 4), "event.broken"));
    }

    #[test]
    fn what_was_seen_before_must_be_in_it() {
        let home = home();
        let shorter = ChainState::from_ops(&home.ops[..2]).unwrap();
        let mut cut = pages(&home);
        cut[0].ops.truncate(2);
        let seen = |state: &ChainState| Some((state.seq(), state.hash()));
        let fault = |file: &[u8], seen| verify(file, seen).map(|_| ()).map_err(|f| (f.place, f.code));
        assert_eq!(fault(&file(&cut), seen(&shorter)), Ok(()));
        assert_eq!(fault(&file(&cut), seen(&home.state)), Err((Place::Op(2), "archive.rollback")));
        let other = Some((1, Hash32([9; 32])));
        assert_eq!(fault(&file(&cut), other), Err((Place::Op(1), "archive.fork")));
    }

    #[test]
    fn other_files_are_refused() {
        let whole = file(&pages(&home()));
        assert_eq!(read(b"").err().unwrap().code, "archive.not_one");
        assert_eq!(read(b"{}").err().unwrap().code, "archive.not_one");
        for end in [25, whole.len() / 2, whole.len() - 1] {
            assert!(read(&whole[..end]).is_err(), "cut at {end}");
        }
        assert_eq!(read(&write([])).err().unwrap().code, "archive.incomplete");
    }
}

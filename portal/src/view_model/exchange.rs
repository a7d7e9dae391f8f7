//! Codes that leave the home as files and come back: what is planned of them before anything is done.

use super::Home;
use super::batch::{KnownPins, Outcome, in_portions};
use super::log::Log;
use crate::api::account::{Account, open_with_kit};
use crate::api::homes;
use crate::hooks::HomeStore;
use crate::js;
use crate::problem::Problem;
use latchkey_shared::compose::{Change, Composer, Draft, ForGuest, LinkWish};
use latchkey_shared::error::Coded;
use latchkey_shared::exchange::archive::{self, ArchivePage};
use latchkey_shared::exchange::backup::{Backup, BackupCode, Left, LeftWhy, Loss, NamedDoor, Person, plan};
use latchkey_shared::exchange::csv::{self, Context, CsvFault, Door};
use latchkey_shared::grant::{Grant, GrantKind};
use latchkey_shared::id::LockId;
use latchkey_shared::keys::Kit;
use latchkey_shared::pin::Pin;
use latchkey_shared::schedule::describe;
use latchkey_shared::slot::LockAbilities;
use latchkey_shared::wire::cbor::{self, Blob};
use std::rc::Rc;
use yew::Callback;

/// Events that are fetched at once.
const PAGE: u32 = 200;
/// Ops or events in a page of an archive.
const ARCHIVE_PAGE: usize = 2_000;

/// A code that is to be made.
#[derive(Clone, PartialEq)]
pub struct Planned {
    /// The row of the file, as a spreadsheet counts it.
    pub row: Option<usize>,
    /// When it works, as a sentence.
    pub when: String,
    /// What the person should know of it.
    pub notes: Vec<String>,
    /// The home has it already, so it is not made again.
    pub there: bool,
    /// What it will be.
    pub draft: Draft,
    /// The PIN that it had; a new one is made where there is none.
    pin: Option<Pin>,
    note: String,
    linked: bool,
}

impl Home {
    /// The home's doors.
    pub fn doors(&self) -> Vec<Door> {
        self.reports.iter().map(|(id, report)| (*id, report.lock.name.clone())).collect()
    }

    /// What these locks can do, as far as it is known.
    pub fn abilities<'h>(&'h self, locks: &[LockId]) -> Vec<&'h LockAbilities> {
        locks.iter().filter_map(|lock| self.reports.get(lock)).map(|report| &report.lock.abilities).collect()
    }

    /// The codes that are neither revoked nor over.
    pub fn live_grants(&self) -> impl Iterator<Item = &Grant> {
        let now = self.now();
        let grants = self.chain.grants().values().map(|entry| &entry.grant);
        grants.filter(move |grant| grant.end().is_none_or(|end| end > now))
    }

    fn has_like(&self, draft: &Draft) -> bool {
        self.live_grants().any(|grant| {
            let mut locks = draft.locks.clone();
            locks.sort_unstable();
            grant.label == draft.label
                && grant.kind == draft.kind
                && grant.locks == locks
                && grant.expires == draft.validity.expires
                && grant.schedule == draft.validity.schedule
        })
    }

    fn planned(&self, draft: Draft, linked: bool) -> Planned {
        let validity = match draft.kind {
            GrantKind::Guest => draft.validity.clone().without(&self.chain.policy().quiet_days),
            GrantKind::Primary | GrantKind::Standard | GrantKind::Duress => draft.validity.clone(),
        };
        Planned {
            row: None,
            when: describe(&validity, &*self.zone, &self.style),
            notes: Vec::new(),
            there: self.has_like(&draft),
            pin: None,
            note: String::new(),
            linked,
            draft,
        }
    }

    /// Live codes as CSV.
    pub fn codes_csv(&self) -> String {
        csv::export(self.live_grants(), &self.doors(), &*self.zone)
    }
}

/// What rows of a file would make. Nothing is made.
pub fn plan_import(home: &Home, bytes: &[u8]) -> Result<Vec<Planned>, Vec<CsvFault>> {
    let Ok(text) = core::str::from_utf8(bytes) else {
        let hint = "The file is not text in UTF-8. Save it as CSV (UTF-8).".to_owned();
        return Err(vec![CsvFault { row: 1, column: None, code: "csv.encoding", hint }]);
    };
    let context = Context { doors: &home.doors(), zone: &*home.zone, now: home.now() };
    let rows = csv::import(text, &context)?;
    csv::fit(&rows, |draft| home.abilities(&draft.locks))?;
    let planned = rows.into_iter().map(|row| {
        let linked = row.draft.kind == GrantKind::Guest;
        Planned { row: Some(row.row), note: row.note, ..home.planned(row.draft, linked) }
    });
    Ok(planned.collect())
}

/// A backup of all live codes whose PINs this member can read, under the kit that opens the account now. How many
/// codes it lacks.
pub async fn back_up(home: &Home, account: &Account, kit: &str) -> Result<(Vec<u8>, usize), Problem> {
    let kit = current_kit(account, kit)?;
    let (mut codes, mut closed) = (Vec::new(), 0);
    for grant in home.live_grants() {
        match home.open_pin(grant) {
            Some(pin) => codes.push(BackupCode::of(grant, pin)),
            None => closed += 1,
        }
    }
    let people = home.chain.members().iter().map(|(key, member)| Person {
        key: *key,
        name: member.key.name.clone(),
        role: member.role.as_str().to_owned(),
    });
    let backup = Backup {
        home: home.id,
        made: home.now(),
        by: home.me,
        policy: home.chain.policy().clone(),
        people: people.collect(),
        doors: home.doors().into_iter().map(|(lock, name)| NamedDoor { lock, name }).collect(),
        codes,
    };
    Ok((backup.seal(&kit, &mut js::rng()), closed))
}

/// A kit that was typed, if it opens the account.
fn current_kit(account: &Account, text: &str) -> Result<Kit, Problem> {
    let kit = Kit::parse(text).map_err(|e| Problem::coded(&e))?;
    let wrap =
        account.wraps.iter().find(|wrap| wrap.kind == "kit").ok_or_else(|| Problem::of("account.kit"))?;
    open_with_kit(&account.id()?, wrap, &kit).map_err(|_| Problem::of("account.kit"))?;
    Ok(kit)
}

/// Why a code of a backup does not come back, in a sentence.
fn left_words(left: &Left) -> String {
    match &left.why {
        LeftWhy::Over => "It has ended.".into(),
        LeftWhy::NoDoor(names) => format!("This home has no door called {}.", names.join(" or ")),
        LeftWhy::Malformed(why) => why.hint().into(),
    }
}

/// What a backup would make here, and what it cannot: (label, why). Nothing is made.
pub async fn plan_restore(
    home: &Home,
    file: &[u8],
    kit: &str,
) -> Result<(Vec<Planned>, Vec<(String, String)>), Problem> {
    let kit = Kit::parse(kit).map_err(|e| Problem::coded(&e))?;
    let backup = Backup::open(file, &kit).map_err(|e| Problem::coded(&e))?;
    let members: Vec<_> = home.chain.members().keys().copied().collect();
    let (restored, left) = plan(&backup, &home.doors(), home.me, &members, home.now());
    let mut known = KnownPins::read(home).await;
    let mut planned = Vec::with_capacity(restored.len());
    let mut unfit = Vec::new();
    for code in restored {
        if let Err(why) = code.draft.fits(home.abilities(&code.draft.locks)) {
            unfit.push((code.draft.label, why.hint().to_owned()));
            continue;
        }
        let linked = code.had_link || code.draft.kind == GrantKind::Guest;
        let mut next = home.planned(code.draft, linked);
        next.notes.extend(code.lost.iter().map(|lost| match lost {
            Loss::Door(name) => format!("Without {name}: this home has no such door, or several."),
            Loss::Holder(name) => format!("It was {name}’s, who is not in this home."),
        }));
        if !next.there {
            match known.objection(home, &code.pin, &next.draft.locks)? {
                None => {
                    known.note(&code.pin, &next.draft.locks);
                    next.pin = Some(code.pin);
                }
                Some(broken) => {
                    next.notes
                        .push(format!("It gets a new PIN. The old one cannot be used: {}", broken.hint()));
                }
            }
        }
        if code.had_link {
            next.notes.push("Its guest needs a new link.".into());
        }
        planned.push(next);
    }
    let left = left.iter().map(|left| (left.label.clone(), left_words(left))).chain(unfit).collect();
    Ok((planned, left))
}

/// A planned code with its PIN.
struct Ready<'a> {
    planned: &'a Planned,
    pin: Pin,
    words: Option<ForGuest>,
}

impl Ready<'_> {
    fn make(&self, composer: &Composer<'_>) -> Result<Change, Problem> {
        let wish = self.words.as_ref().map_or(LinkWish::Keep, LinkWish::Show);
        let made = composer.make(&self.planned.draft, &self.pin, wish, &mut js::rng());
        made.map(|made| made.change).map_err(|e| Problem::coded(&e))
    }
}

/// Makes the codes that are not there yet. The outcome counts in the order of those.
pub async fn make_planned(
    store: &HomeStore,
    home: &Home,
    planned: &[Planned],
    progress: &Callback<usize>,
) -> Result<Outcome, Problem> {
    let mut known = KnownPins::read(home).await;
    for planned in planned {
        if let Some(pin) = &planned.pin {
            known.note(pin, &planned.draft.locks);
        }
    }
    let mut ready = Vec::with_capacity(planned.len());
    for planned in planned {
        let pin = match &planned.pin {
            Some(pin) => pin.clone(),
            None => known.make(home, &planned.draft.locks)?,
        };
        let doors = planned.draft.locks.iter().map(|lock| home.lock_name(lock)).collect();
        let words = planned.linked.then(|| ForGuest { doors, note: planned.note.clone() });
        ready.push(Ready { planned, pin, words });
    }
    Ok(in_portions(store, &ready, |composer, ready| ready.make(composer), progress).await)
}

/// The archive: every op, every event that the server still has and the newest reports, as they were signed. It is
/// verified as a whole before it is given away.
pub async fn archive(home: &Rc<Home>) -> Result<Vec<u8>, Problem> {
    let (mut log, mut events) = (Log::default(), Vec::new());
    loop {
        let page = homes::events_page(&home.id, log.next, PAGE).await?;
        log.next = page.next;
        // The newest come first.
        events.extend(page.events);
        if log.next.is_none() {
            break;
        }
    }
    events.reverse();
    let snapshot = home.snapshot();
    let file = archive_file(home, snapshot.ops, events, snapshot.reports);
    let seen = Some((home.chain.seq(), home.chain.hash()));
    archive::verify(&file, seen).map_err(|fault| {
        Problem::new(fault.code.into(), format!("{} ({})", fault.hint, fault.place), String::new())
    })?;
    Ok(file)
}

fn archive_file(home: &Home, ops: Vec<Blob>, events: Vec<Blob>, reports: Vec<Blob>) -> Vec<u8> {
    let page = |ops: &[Blob], events: &[Blob]| ArchivePage {
        home: home.id,
        at: home.now(),
        ops: ops.to_vec(),
        events: events.to_vec(),
        reports: Vec::new(),
        next: None,
    };
    let mut pages: Vec<ArchivePage> = ops.chunks(ARCHIVE_PAGE).map(|ops| page(ops, &[])).collect();
    pages.extend(events.chunks(ARCHIVE_PAGE).map(|events| page(&[], events)));
    let count = pages.len();
    for (n, page) in pages.iter_mut().enumerate() {
        page.next = (n + 1 < count).then(|| (n + 1).to_string());
    }
    if let Some(last) = pages.last_mut() {
        last.reports = reports;
    }
    let encoded: Vec<Vec<u8>> = pages.iter().map(cbor::to_vec).collect();
    archive::write(encoded.iter().map(Vec::as_slice))
}

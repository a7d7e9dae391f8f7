//! A home as the portal sees it: the chain, verified here; the hubs' reports, each checked against the key that the
//! chain gives its hub; and the PINs that this member's keys open.

pub mod activity;
pub mod batch;
pub mod care;
mod codes;
mod describe;
pub mod exchange;
pub mod form;
pub mod listing;
pub mod log;
pub mod mend;
pub mod mine;
pub mod moves;
pub mod ops;
pub mod people;
pub mod pin_desk;
mod trouble;
pub mod week;
pub mod when;

pub use codes::{CodeView, Phase, Standing};
pub use describe::{clock_time, event_sentence, event_tone, grouped, short_instant, short_time, since_words};

use crate::api::homes;
use crate::problem::Problem;
use crate::{js, state::Signed};
use latchkey_shared::api::{HubSeen, Snapshot};
use latchkey_shared::compose::Composer;
use latchkey_shared::grant::Grant;
use latchkey_shared::id::{HomeId, HubId, KeyId, LockId};
use latchkey_shared::keys::HomeKey;
use latchkey_shared::pin::Pin;
use latchkey_shared::schedule::{HourStyle, Style};
use latchkey_shared::time::Timestamp;
pub use latchkey_shared::view::{Alarm, Put};
use latchkey_shared::view::{HomeView, Opening, Seen, ViewError};
use latchkey_shared::zone::ZoneName;
use latchkey_shared::zone_intl::IntlZone;
use std::ops::Deref;
use std::rc::Rc;

/// What to tell the person about a home that must not be trusted right now.
pub fn alarm_problem(alarm: Alarm) -> Problem {
    Problem::of(alarm.code())
}

/// A home, verified, with what its pages need beside it.
#[derive(Clone)]
pub struct Home {
    /// Its id.
    pub id: HomeId,
    view: HomeView,
    /// The home's zone.
    pub zone: Rc<IntlZone>,
    /// How times are written.
    pub style: Style,
    /// The home keys that this member has.
    keys: Rc<Vec<HomeKey>>,
    /// The member.
    pub me: KeyId,
    signed: Rc<Signed>,
    /// Server clock minus ours, in seconds.
    clock_offset: i64,
}

impl Deref for Home {
    type Target = HomeView;

    fn deref(&self) -> &HomeView {
        &self.view
    }
}

/// Where this browser keeps what it has seen of a home.
fn seen_name(home: &HomeId) -> String {
    format!("home.{home}")
}

/// What this browser has seen of a home.
fn seen(home: &HomeId) -> Option<Seen> {
    js::remembered(&seen_name(home)).and_then(|text| Seen::parse(&text))
}

/// What was fetched is no home that this browser knows.
pub enum LoadError {
    /// It did not verify.
    Problem(Problem),
    /// It contradicts what was seen before.
    Alarm(Alarm),
}

impl From<Problem> for LoadError {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<ViewError> for LoadError {
    fn from(e: ViewError) -> Self {
        match e {
            ViewError::Alarm(alarm) => Self::Alarm(alarm),
            ViewError::Chain(e) => Self::Problem(Problem::coded(&e)),
        }
    }
}

fn zone_of(name: &ZoneName) -> Result<Rc<IntlZone>, Problem> {
    IntlZone::new(name)
        .map(Rc::new)
        .map_err(|e| Problem::new(e.code().into(), e.hint().into(), String::new()))
}

impl Home {
    /// Fetches a whole home and verifies it, from its first op on and while it arrives, and that it is the one that this
    /// browser has seen.
    pub async fn fetch(id: HomeId, signed: &Rc<Signed>) -> Result<Self, LoadError> {
        let mut opening = Opening::new(id);
        // What is refused now is refused for good in the end.
        let snapshot = homes::snapshot(&id, |op| _ = opening.take(op)).await?;
        let home = Self::of(id, opening.finish(&snapshot, seen(&id).as_ref())?, &snapshot, signed)?;
        home.remember();
        Ok(home)
    }

    /// What this browser verified and kept. It may be older than what it has seen since.
    pub fn recall(id: HomeId, kept: &Snapshot, signed: &Rc<Signed>) -> Result<Self, LoadError> {
        Self::of(id, HomeView::resume(&id, kept)?, kept, signed)
    }

    fn of(id: HomeId, view: HomeView, snapshot: &Snapshot, signed: &Rc<Signed>) -> Result<Self, LoadError> {
        let zone = zone_of(&view.chain.policy().zone)?;
        let hours = if js::twelve_hours() { HourStyle::H12 } else { HourStyle::H24 };
        let (me, signed) = (signed.keys.id(), signed.clone());
        let style = Style { hours };
        let mut home = Self { id, view, zone, style, keys: Rc::default(), me, signed, clock_offset: 0 };
        home.finish(snapshot)?;
        Ok(home)
    }

    /// What was recalled with the answer to a question after [`HomeView::overlap`]: from here on it is what the server
    /// has.
    pub fn caught_up(&self, snapshot: &Snapshot) -> Result<Self, LoadError> {
        let mut home = self.clone();
        home.view.catch_up(snapshot, seen(&self.id).as_ref())?;
        home.finish(snapshot)?;
        home.remember();
        Ok(home)
    }

    /// The same home with what came since.
    pub fn updated(&self, snapshot: &Snapshot) -> Result<Self, LoadError> {
        let mut home = self.clone();
        home.view.update(snapshot)?;
        home.finish(snapshot)?;
        home.remember();
        Ok(home)
    }

    fn remember(&self) {
        js::remember(&seen_name(&self.id), &Seen::of(&self.chain).to_string());
    }

    /// What follows from chain and answer.
    fn finish(&mut self, snapshot: &Snapshot) -> Result<(), LoadError> {
        self.clock_offset = snapshot.now.0 as i64 - js::now().0 as i64;
        if self.zone.name() != &self.chain.policy().zone {
            self.zone = zone_of(&self.chain.policy().zone)?;
        }
        if self.chain.wraps_for(self.me).count() != self.keys.len() {
            self.keys = Rc::new(self.view.home_keys(&self.signed.keys));
        }
        Ok(())
    }

    /// Takes a report, if it is signed by the hub that it names and newer than what is known. Whether it was taken.
    pub fn take_report(&mut self, bytes: &[u8]) -> bool {
        self.view.take_report(bytes)
    }

    /// Takes what the server sees of a hub.
    pub fn take_hub(&mut self, seen: HubSeen) {
        self.view.hubs.insert(seen.hub, seen);
    }

    /// All that was fetched, to be kept.
    pub fn snapshot(&self) -> Snapshot {
        self.view.snapshot(self.now())
    }

    /// The server's clock now.
    pub fn now(&self) -> Timestamp {
        let ours = js::now().0 as i64;
        Timestamp((ours + self.clock_offset).max(0) as u64)
    }

    /// The home's name.
    pub fn name(&self) -> &str {
        &self.chain.policy().name
    }

    /// What composes changes to this home as the member.
    pub fn composer(&self) -> Composer<'_> {
        self.view.composer(&self.signed.keys, &self.keys, self.now())
    }

    /// A code's PIN, if this member's keys open it.
    pub fn open_pin(&self, grant: &Grant) -> Option<Pin> {
        self.composer().open_pin(grant)
    }

    /// A code's guest link, if there is one and this member's keys open it.
    pub fn link_url(&self, grant: &Grant) -> Option<zeroize::Zeroizing<String>> {
        Some(self.composer().open_link(grant)?.url(&js::origin()))
    }

    /// What a lock is called.
    pub fn lock_name(&self, lock: &LockId) -> String {
        self.reports.get(lock).map_or_else(|| "A lock that is gone".into(), |report| report.lock.name.clone())
    }

    /// What a member or a hub is called.
    pub fn key_name(&self, key: &KeyId) -> String {
        if *key == self.me {
            return "You".into();
        }
        let member = self.chain.members().get(key).map(|member| member.key.name.clone());
        let hub =
            || self.chain.hubs().values().find(|hub| hub.key.id() == *key).map(|hub| hub.key.name.clone());
        member.or_else(hub).unwrap_or_else(|| "Somebody who left".into())
    }

    /// What a hub is called.
    pub fn hub_name(&self, hub: &HubId) -> String {
        self.chain
            .hubs()
            .get(hub)
            .map_or_else(|| "A hub that was removed".into(), |entry| entry.key.name.clone())
    }

    /// Whether no hub was heard of and one should have been: since when.
    pub fn hub_offline(&self, hub: &HubId) -> Option<Option<Timestamp>> {
        match self.hubs.get(hub) {
            Some(seen) if seen.online => None,
            Some(seen) => Some(seen.last_seen),
            None => Some(None),
        }
    }
}

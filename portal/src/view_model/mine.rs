//! What a resident sees: their own codes, each verified against who signed it, and their own entries.

use super::codes::Standing;
use crate::js;
use crate::problem::Problem;
use crate::state::Signed;
use latchkey_shared::api::{self, MyDoor};
use latchkey_shared::chain::op::Role;
use latchkey_shared::chain::{Body, SignedOp};
use latchkey_shared::event::Event;
use latchkey_shared::explain::{Audience, Code, CodeState, Facts, HubContact, Place, Seen, explain};
use latchkey_shared::grant::Grant;
use latchkey_shared::id::{HomeId, LockId};
use latchkey_shared::pin::Pin;
use latchkey_shared::policy::Policy;
use latchkey_shared::schedule::{HourStyle, Style, describe};
use latchkey_shared::sealed::Binding;
use latchkey_shared::slot::Readback;
use latchkey_shared::time::Timestamp;
use latchkey_shared::zone_intl::IntlZone;
use std::rc::Rc;

/// One of the resident's codes.
#[derive(Clone)]
pub struct MyCode {
    /// The code.
    pub grant: Grant,
    put: Place,
}

/// The code opened a door.
#[derive(Clone, PartialEq)]
pub struct MyEntry {
    /// When, by the hub's clock.
    pub at: Timestamp,
    /// Whether the hub did not know the time.
    pub unsure: bool,
    /// What the lock is called.
    pub door: String,
    /// What the code is called, if it is still theirs.
    pub code: Option<String>,
}

/// A home as a resident sees it.
#[derive(Clone)]
pub struct Mine {
    /// The home.
    pub home: HomeId,
    /// What it is called.
    pub name: String,
    /// The member's role.
    pub role: Role,
    /// Their codes.
    pub codes: Vec<MyCode>,
    /// Their entries, newest first.
    pub entries: Vec<MyEntry>,
    /// Where the next page of entries begins.
    pub next: Option<u64>,
    /// The home's zone.
    pub zone: Rc<IntlZone>,
    /// How times are written.
    pub style: Style,
    policy: Policy,
    doors: Vec<MyDoor>,
    clock_offset: i64,
}

impl Mine {
    /// Reads the Worker's answer. A code that its signer did not sign so is not shown.
    pub fn load(home: HomeId, answer: api::Mine, signed: &Signed) -> Result<Self, Problem> {
        let zone = IntlZone::new(&answer.zone)
            .map_err(|e| Problem::new(e.code().into(), e.hint().into(), String::new()))?;
        let hours = if js::twelve_hours() { HourStyle::H12 } else { HourStyle::H24 };
        let me = signed.keys.id();
        let code = |bytes: &api::Mine, index: usize| {
            let signed = SignedOp::parse(&bytes.grants[index].0).ok()?;
            let signer = bytes.signers.iter().find(|key| key.id() == signed.kid())?;
            signed.verify(&signer.sign).ok()?;
            let op = signed.claimed();
            match &op.body {
                Body::PutGrant(grant) if op.home == home && grant.holder == Some(me) => {
                    Some(MyCode { grant: grant.clone(), put: Place { at: op.iat, seq: op.seq } })
                }
                _ => None,
            }
        };
        let codes = (0..answer.grants.len()).filter_map(|index| code(&answer, index)).collect();
        let mut mine = Self {
            home,
            policy: Policy::new(&answer.home_name, answer.zone),
            name: answer.home_name,
            role: answer.role,
            codes,
            entries: Vec::new(),
            next: answer.next,
            zone: Rc::new(zone),
            style: Style { hours },
            doors: answer.doors,
            clock_offset: answer.now.0 as i64 - js::now().0 as i64,
        };
        mine.entries = answer.entries.iter().filter_map(|bytes| mine.entry(&bytes.0)).collect();
        Ok(mine)
    }

    /// A later page of entries.
    pub fn more(&self, answer: &api::Mine) -> (Vec<MyEntry>, Option<u64>) {
        (answer.entries.iter().filter_map(|bytes| self.entry(&bytes.0)).collect(), answer.next)
    }

    fn entry(&self, bytes: &[u8]) -> Option<MyEntry> {
        let event = Event::claimed(bytes).filter(|event| event.home == self.home)?;
        let (lock, grant) = event.body.entry()?;
        let code = self.codes.iter().find(|code| code.grant.id == grant);
        Some(MyEntry {
            at: event.at,
            unsure: event.clock_unsure,
            door: self.door_name(&lock),
            code: code.map(|code| code.grant.label.clone()),
        })
    }

    fn door_name(&self, lock: &LockId) -> String {
        let door = self.doors.iter().find(|door| door.lock.id == *lock);
        door.map_or_else(|| "a door".into(), |door| door.lock.name.clone())
    }

    /// The server's clock now.
    pub fn now(&self) -> Timestamp {
        Timestamp((js::now().0 as i64 + self.clock_offset).max(0) as u64)
    }

    /// A code's PIN, sealed to its holder.
    pub fn open_pin(&self, code: &MyCode, signed: &Signed) -> Option<Pin> {
        let grant = &code.grant;
        let binding = Binding { home: &self.home, grant: &grant.id, rev: grant.rev, locks: &grant.locks };
        let seal = grant.self_seals.iter().find(|seal| seal.to == signed.keys.id())?;
        seal.open(&binding, &signed.keys).ok()
    }

    /// When a code opens, as a sentence.
    pub fn when(&self, code: &MyCode) -> String {
        describe(&self.policy.validity(&code.grant), &*self.zone, &self.style)
    }

    /// How a code stands on each of its doors.
    pub fn standings(&self, code: &MyCode) -> Vec<Standing> {
        code.grant.locks.iter().map(|lock| self.standing(code, *lock)).collect()
    }

    fn standing(&self, code: &MyCode, lock: LockId) -> Standing {
        let door = self.doors.iter().find(|door| door.lock.id == lock);
        let report = door.and_then(|door| door.codes.iter().find(|report| report.grant == code.grant.id));
        let now = self.now();
        let hub_away = door.filter(|door| !door.hub.online).map(|door| door.hub.last_seen);
        // The newest op that the hub has taken is not told here; that it speaks of this revision says enough.
        let taken = report.is_some_and(|report| report.rev >= code.grant.rev);
        let seq = if taken { code.put.seq } else { code.put.seq.saturating_sub(1) };
        let facts = Facts {
            code: Some(Code { grant: &code.grant, put: code.put, revoked: None }),
            lock,
            policy: &self.policy,
            seen: door.map(|door| Seen {
                code: report,
                seq,
                lock: Some(&door.lock.abilities),
                silent_since: door.lock.unreachable_since,
            }),
            hub: hub_away.map_or(HubContact::online(now), HubContact::away),
            now,
            zone: &*self.zone,
            style: self.style,
        };
        let words = explain(&facts, now, Audience::Member);
        let (state, since) = (words.state, Some(words.since));
        let removing = matches!(state, CodeState::StillOnLock { why: None, .. });
        let blind = door.is_some_and(|door| door.lock.abilities.readback == Readback::None);
        Standing { lock, lock_name: self.door_name(&lock), state, since, removing, hub_away, blind, words }
    }
}

//! Who may open what, kept by the oracle from what people meant and when the cloud took it. It reads no op, no ledger
//! and no report.

use super::hours::{Hours, Spans};
use chrono::NaiveDate;
use chrono_tz::Tz;
use latchkey_shared::id::{GrantId, KeyId, LockId};
use std::collections::{BTreeMap, BTreeSet};

/// What a person meant a code to be.
#[derive(Clone, Debug)]
pub(super) struct Meant {
    pub(super) grant: GrantId,
    pub(super) guest: bool,
    pub(super) opens_panel: bool,
    pub(super) pin: String,
    pub(super) locks: Vec<LockId>,
    pub(super) hours: Hours,
    pub(super) suspended: bool,
    pub(super) uses: Option<u32>,
    /// The member whose code it is.
    pub(super) holder: Option<KeyId>,
}

/// What a person meant to happen.
#[derive(Clone, Debug)]
pub(super) enum Intent {
    Put(Meant),
    Revoke(GrantId),
    /// A member goes; codes that they put from this op on go too.
    Remove(KeyId, Option<u64>),
    Zone(Tz),
    /// How long guests' codes last without word from the cloud, in seconds.
    Grace(u64),
    /// On these days no guest's code opens.
    Quiet(Vec<NaiveDate>),
    /// A hub comes into the home, or goes.
    HubComes(usize),
    HubGoes(usize),
    /// Nothing that opens or closes a door.
    Other,
}

impl Intent {
    /// The code that it is about.
    pub(super) fn grant(&self) -> Option<GrantId> {
        match self {
            Self::Put(meant) => Some(meant.grant),
            Self::Revoke(grant) => Some(*grant),
            _ => None,
        }
    }
}

/// A code as it stands.
#[derive(Clone, Debug)]
pub(super) struct Code {
    pub(super) meant: Meant,
    pub(super) spans: Spans,
    /// When its newest revision was taken, in milliseconds.
    pub(super) at: u64,
    /// By whom that revision was put, with which op.
    by: (KeyId, u64),
    /// The newest op that changed it.
    pub(super) seq: u64,
    pub(super) revoked: bool,
    /// How often it opened a door.
    pub(super) opened: u32,
    /// When it did so first, in seconds.
    pub(super) first: Option<u64>,
}

/// Everything that people meant.
#[derive(Clone, Debug)]
pub(super) struct Truth {
    pub(super) codes: BTreeMap<GrantId, Code>,
    /// Every PIN that there ever was, and whose.
    pub(super) pins: BTreeMap<String, GrantId>,
    pub(super) zone: Tz,
    /// How long guests' codes last without word from the cloud, in seconds, and since which op.
    graces: Vec<(u64, u64)>,
    quiet: Vec<NaiveDate>,
    /// Codes that were ended at the hub's panel: whatever others do meanwhile, they are.
    ended: BTreeSet<GrantId>,
    horizon: u64,
    /// The newest op.
    pub(super) seq: u64,
}

/// Why a PIN is not to open a lock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Unwanted {
    NotGranted,
    Revoked,
    OldPin,
    OtherLock,
    Suspended,
    OutsideHours,
    UsedUp,
    /// The hub has not heard from the cloud for longer than guests' codes last.
    GraceOver,
}

impl Truth {
    pub(super) fn new(zone: Tz, grace: u64, horizon: u64) -> Self {
        Self {
            codes: BTreeMap::new(),
            pins: BTreeMap::new(),
            zone,
            graces: vec![(0, grace)],
            quiet: vec![],
            ended: BTreeSet::new(),
            horizon,
            seq: 0,
        }
    }

    /// The cloud took these, the first of them as op `first`, at `t` milliseconds, from `by`.
    pub(super) fn taken(&mut self, intents: &[Intent], first: u64, by: KeyId, t: u64) {
        for (seq, intent) in (first..).zip(intents) {
            self.seq = seq;
            match intent {
                Intent::Put(meant) => self.put(meant, (by, seq), t),
                Intent::Revoke(grant) => {
                    if let Some(code) = self.codes.get_mut(grant) {
                        (code.revoked, code.at, code.seq) = (true, t, seq);
                    }
                }
                Intent::Remove(key, since) => {
                    for code in self.codes.values_mut() {
                        if code.by.0 == *key && since.is_some_and(|since| code.by.1 >= since) {
                            (code.revoked, code.at, code.seq) = (true, t, seq);
                        }
                    }
                }
                Intent::Zone(zone) => {
                    self.zone = *zone;
                    self.rules_changed(seq, t);
                }
                Intent::Quiet(days) => {
                    self.quiet.clone_from(days);
                    self.rules_changed(seq, t);
                }
                Intent::Grace(grace) => self.graces.push((seq, *grace)),
                Intent::Other | Intent::HubComes(_) | Intent::HubGoes(_) => {}
            }
        }
    }

    /// The offline grace as whoever knows these ops has it.
    pub(super) fn grace(&self, knows: impl Fn(u64) -> bool) -> u64 {
        self.graces.iter().rev().find(|(seq, _)| knows(*seq)).map_or(0, |(_, grace)| *grace)
    }

    /// Somebody did this at the hub's panel: it counts there at once.
    pub(super) fn at_panel(&mut self, intent: &Intent, hub: KeyId, t: u64) {
        match intent {
            Intent::Put(meant) => self.put(meant, (hub, 0), t),
            Intent::Revoke(grant) => {
                self.ended.insert(*grant);
                if let Some(code) = self.codes.get_mut(grant) {
                    (code.revoked, code.at) = (true, t);
                }
            }
            _ => {}
        }
    }

    fn rules_changed(&mut self, seq: u64, t: u64) {
        let mut codes = std::mem::take(&mut self.codes);
        for code in codes.values_mut() {
            code.spans = self.spans(&code.meant, code.first);
            (code.at, code.seq) = (t, seq);
        }
        self.codes = codes;
    }

    fn spans(&self, meant: &Meant, first: Option<u64>) -> Spans {
        let quiet: &[NaiveDate] = if meant.guest { &self.quiet } else { &[] };
        meant.hours.spans(self.zone, self.horizon, first, quiet)
    }

    /// A code opened a door.
    pub(super) fn used(&mut self, grant: &GrantId, second: u64) {
        let Some(mut code) = self.codes.remove(grant) else { return };
        code.opened += 1;
        if code.first.is_none() {
            code.first = Some(second);
            code.spans = self.spans(&code.meant, code.first);
        }
        self.codes.insert(*grant, code);
    }

    fn put(&mut self, meant: &Meant, by: (KeyId, u64), t: u64) {
        let (opened, first) =
            self.codes.get(&meant.grant).map_or((0, None), |code| (code.opened, code.first));
        let spans = self.spans(meant, first);
        let revoked = self.ended.contains(&meant.grant);
        // Who had a PIN first keeps it for good.
        self.pins.entry(meant.pin.clone()).or_insert(meant.grant);
        let code = Code { meant: meant.clone(), spans, at: t, by, seq: by.1, revoked, opened, first };
        self.codes.insert(meant.grant, code);
    }

    /// Whether a PIN may open one of these locks (the names of one) at this second.
    pub(super) fn may_open(&self, pin: &str, names: &[LockId], second: u64) -> Result<GrantId, Unwanted> {
        let grant = *self.pins.get(pin).ok_or(Unwanted::NotGranted)?;
        let code = self.codes.get(&grant).ok_or(Unwanted::NotGranted)?;
        if code.revoked {
            return Err(Unwanted::Revoked);
        }
        if code.meant.pin != pin {
            return Err(Unwanted::OldPin);
        }
        if !code.meant.locks.iter().any(|lock| names.contains(lock)) {
            return Err(Unwanted::OtherLock);
        }
        if code.meant.suspended {
            return Err(Unwanted::Suspended);
        }
        if code.meant.uses.is_some_and(|most| code.opened >= most) {
            return Err(Unwanted::UsedUp);
        }
        if code.spans.open_at(second) { Ok(grant) } else { Err(Unwanted::OutsideHours) }
    }

    /// The codes that should open one of these locks at this second.
    pub(super) fn open_on<'a>(
        &'a self,
        names: &'a [LockId],
        second: u64,
    ) -> impl Iterator<Item = (&'a GrantId, &'a Code)> {
        self.codes.iter().filter(move |(grant, code)| {
            self.may_open(&code.meant.pin, names, second).is_ok_and(|owner| owner == **grant)
        })
    }
}

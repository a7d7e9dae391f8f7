//! What may be shown at the hub itself: no PIN, and no word of which code is a duress code.

use super::clock::Now;
use super::hub::HubCore;
use super::lock::Bolt;
use super::reconcile::Hands;
use super::release::Leaving;
use super::slot_state::Slot;
use latchkey_shared::explain::{Audience, Code, Facts, HubContact, Seen as Told, explain};
use latchkey_shared::id::{GrantId, LockId};
use latchkey_shared::report::CodeReport;
use latchkey_shared::schedule::Style;
use latchkey_shared::slot::{OwnSchedules, Owner, Readback, Seen, SlotNo};
use latchkey_shared::zone::{FixedZone, Zone};
use serde::Serialize;
use std::collections::BTreeMap;

/// The hub as the panel shows it.
#[derive(Clone, Debug, Serialize)]
pub struct HubView {
    /// The home's id.
    pub home: String,
    /// The home's name, once known.
    pub home_name: Option<String>,
    /// The newest op taken.
    pub seq: Option<u64>,
    /// The hub's time, in Unix seconds.
    pub now: u64,
    /// Whether the hub trusts it.
    pub clock_trusted: bool,
    /// When the last head was signed, in Unix seconds.
    pub head_at: Option<u64>,
    /// Whether the cloud answered last time.
    pub online: bool,
    /// Whether the cloud can reach the hub by itself.
    pub socket: bool,
    /// Events that the cloud does not have yet.
    pub unsent: u64,
    /// The last event's number.
    pub last_event: u64,
    /// The stable code of a history that contradicts the one here.
    pub alarm: Option<&'static str>,
    /// The home's zone, if this hub has no rules for it.
    pub zone_unknown: Option<String>,
    /// Whether an owner lets codes be changed at this panel.
    pub panel: bool,
    /// In how many seconds the next PIN may be tried at this panel.
    pub panel_wait: u64,
    /// That an owner removed the hub from its home, and the locks on which its codes still are.
    pub removed: Option<Leaving>,
    /// How far the hub is on its way out of the home.
    pub leaving: Option<Leaving>,
    /// Changes made at this panel that the cloud does not have yet.
    pub waiting: usize,
    /// Why the cloud does not take them, by its stable code, if it said so.
    pub refused: Option<String>,
    /// The locks.
    pub locks: Vec<LockView>,
    /// What people call or called each code.
    #[serde(skip)]
    pub labels: BTreeMap<GrantId, String>,
}

/// A lock.
#[derive(Clone, Debug, Serialize)]
pub struct LockView {
    /// Its id.
    pub id: String,
    /// What its driver calls it.
    pub key: String,
    /// Its name.
    pub name: String,
    /// Its driver.
    pub driver: String,
    /// Whether it answers.
    pub reachable: bool,
    /// What it is busy with.
    pub busy: Option<&'static str>,
    /// Whether it is locked, if it tells: `locked`, `unlocked` or `stuck`.
    pub bolt: Option<&'static str>,
    /// Whether its bolt is being moved from here.
    pub operating: bool,
    /// What is left of its battery, in percent, if it tells.
    pub battery: Option<u8>,
    /// Whether that is low.
    pub battery_low: bool,
    /// How many of its slots were read anew on request, and of how many.
    pub resync: Option<(u16, u16)>,
    /// What it can do, in words.
    pub abilities: String,
    /// How many slots it has.
    pub slot_count: u16,
    /// Slots that are not free.
    pub slots: Vec<SlotView>,
    /// The codes.
    pub codes: Vec<CodeView>,
}

/// A slot that is not free.
#[derive(Clone, Debug, Serialize)]
pub struct SlotView {
    /// Its number.
    pub no: u16,
    /// `code`, `kept` for a code that is off the lock at present, or `foreign`.
    pub what: &'static str,
    /// The grant whose PIN may be in it.
    pub grant: Option<String>,
    /// What people call that code.
    pub label: Option<String>,
    /// `empty`, `as written`, `different`, `occupied` or `unknown`.
    pub seen: &'static str,
    /// Whether the lock takes it.
    pub enabled: bool,
    /// When that was seen, in Unix seconds.
    pub at: Option<u64>,
}

/// A code on a lock.
#[derive(Clone, Debug, Serialize)]
pub struct CodeView {
    /// The grant.
    pub grant: String,
    /// What people call it.
    pub label: String,
    /// The state's name.
    pub state: &'static str,
    /// The state in a sentence, and what to do next.
    pub text: String,
}

impl HubCore {
    /// What may be shown now.
    pub fn view(&self, now: &Now) -> HubView {
        let time = self.clock.view(now);
        HubView {
            home: self.belonging.home.to_string(),
            home_name: self.home_name().map(str::to_owned),
            seq: self.trust.state().map(|s| s.seq()),
            now: time.latest.0,
            clock_trusted: time.trusted,
            head_at: self.trust.chain().head().map(|head| head.issued_at.0),
            online: self.sync.connected(),
            socket: self.sync.has_socket(),
            unsent: self.log.first_unsent().map_or(0, |first| self.log.last() + 1 - first),
            last_event: self.log.last(),
            alarm: self.alarm,
            zone_unknown: self.trust.unknown_zone().map(|zone| zone.as_str().to_owned()),
            panel: self.panel_scope().is_some(),
            panel_wait: self.panel_wait(now).div_ceil(1_000),
            removed: self.removed_from(),
            leaving: self.leaving(),
            waiting: self.trust.staged().len(),
            refused: self.panel.refused.clone().filter(|_| !self.trust.staged().is_empty()),
            locks: self.by_name().into_iter().filter_map(|id| self.lock_view(id, now)).collect(),
            labels: self.trust.labels().clone(),
        }
    }

    /// The locks as people look for them: by name, and those of one name always the same way round.
    pub(super) fn by_name(&self) -> Vec<LockId> {
        let mut all: Vec<_> = self.locks.iter().map(|(id, lock)| (lock.name.to_lowercase(), *id)).collect();
        all.sort_unstable();
        all.into_iter().map(|(_, id)| id).collect()
    }

    /// The home's name, once it is known.
    pub fn home_name(&self) -> Option<&str> {
        self.trust.state().map(|state| state.policy().name.as_str())
    }

    /// What people call or called a code.
    pub fn label(&self, grant: GrantId) -> Option<String> {
        self.trust.labels().get(&grant).cloned()
    }

    fn lock_view(&self, id: LockId, now: &Now) -> Option<LockView> {
        let lock = self.locks.get(&id)?;
        let readback = match lock.abilities.as_ref().map(|a| a.readback) {
            Some(Readback::Full) => "reads back",
            Some(Readback::Masked) => "reads back masked",
            Some(Readback::None) => "no read-back",
            None => "not seen yet",
        };
        let abilities = match lock.abilities.as_ref().map(|a| a.own_schedules) {
            Some(OwnSchedules::Hours) => format!("{readback}, is told codes' hours"),
            Some(OwnSchedules::Term) => format!("{readback}, is told codes' ends"),
            Some(OwnSchedules::None) | None => readback.to_owned(),
        };
        let codes = self.codes.range((id, GrantId([0; 16]))..).take_while(|((l, _), _)| *l == id);
        Some(LockView {
            id: id.to_string(),
            key: self.keys.get(&id)?.clone(),
            name: lock.name.clone(),
            driver: lock.driver.clone(),
            reachable: lock.breaker.reachable(),
            busy: lock.in_flight().map(super::lock::Command::name),
            bolt: lock.vitals.bolt.map(|bolt| match bolt {
                Bolt::Locked => "locked",
                Bolt::Unlocked => "unlocked",
                Bolt::Jammed => "stuck",
            }),
            operating: lock.operating(),
            battery: lock.vitals.battery,
            battery_low: lock.battery_low(),
            resync: lock.resyncing().map(|sweep| (sweep.done, sweep.total)),
            abilities,
            slot_count: lock.abilities.as_ref().map_or(0, |a| a.slots),
            slots: lock.slots.iter().filter_map(|(no, slot)| self.slot_view(*no, slot)).collect(),
            codes: codes
                .filter_map(|((_, grant), r)| self.code_view(id, &self.code_report(*grant, r), now))
                .collect(),
        })
    }

    fn slot_view(&self, no: SlotNo, slot: &Slot) -> Option<SlotView> {
        let holds = slot.may_hold_ours();
        let what = match slot.owner {
            Owner::Claimed { .. } | Owner::Managed { .. } if holds => "code",
            Owner::Claimed { .. } | Owner::Managed { .. } => "kept",
            Owner::Unmanaged => "foreign",
            Owner::Free => return None,
        };
        let grant = slot.owner.grant().filter(|_| holds);
        Some(SlotView {
            no: no.0,
            what,
            grant: grant.map(|g| g.to_string()),
            label: match slot.owner.grant() {
                Some(grant) => self.label(grant),
                None => (self.hands == Hands::Adopt).then(|| "set at the lock".to_owned()),
            },
            seen: match slot.seen {
                Seen::Empty => "empty",
                Seen::AsWritten => "as written",
                Seen::Different => "different",
                Seen::Occupied => "occupied",
                Seen::Unknown => "unknown",
            },
            enabled: slot.enabled,
            at: slot.at.map(|t| t.0),
        })
    }

    fn code_view(&self, lock: LockId, report: &CodeReport, now: &Now) -> Option<CodeView> {
        let chain = self.trust.effective()?;
        // Without the zone's rules no hours can be told, and none are kept: every code says so.
        let zone: &dyn Zone = self.trust.zone().map_or(&FixedZone::UTC, |zone| zone);
        let heard = self.trust.chain().head().map(|head| head.issued_at);
        let t = self.clock.view(now).latest;
        let facts = Facts {
            code: chain.grants().get(&report.grant).map(|entry| Code::in_force(entry)),
            lock,
            policy: chain.policy(),
            seen: Some(Told {
                code: Some(report),
                seq: chain.seq(),
                lock: self.locks.get(&lock).and_then(|lock| lock.abilities.as_ref()),
                silent_since: self.locks.get(&lock).and_then(|lock| lock.silent_since),
            }),
            // Whoever reads this stands at the hub: that it is away is no matter here.
            hub: HubContact { online: true, heard },
            now: t,
            zone,
            style: Style::default(),
        };
        let told = explain(&facts, t, Audience::Member);
        Some(CodeView {
            grant: report.grant.to_string(),
            label: self.label(report.grant).unwrap_or_else(|| "A code".to_owned()),
            state: told.state.name(),
            text: match told.next_step {
                Some(step) => format!("{} {step}", told.sentence),
                None => told.sentence,
            },
        })
    }
}

//! What may be done at the open panel: make, change and end codes, within the scope that an owner gave this hub. It
//! counts on this hub's locks at once and goes to the cloud when that can be reached.

use crate::core::change::Change as Record;
use crate::core::clock::Now;
use crate::core::hub::HubCore;
use crate::core::panel::{PanelError, Token};
use latchkey_shared::chain::Body;
use latchkey_shared::chain::staged::StagedChange;
use latchkey_shared::compose::{Change, ComposeError, Composer, Draft, LinkWish, PinWish, Refusal};
use latchkey_shared::event::{EventBody, PanelChange};
use latchkey_shared::grant::{Grant, GrantKind};
use latchkey_shared::id::{GrantId, LockId};
use latchkey_shared::pin::{Broken, Pin, PinDesk, PinRules, PinUse};
use latchkey_shared::schedule::{Preset, Schedule, Validity};
use latchkey_shared::slot::{Owner, SlotContent};
use latchkey_shared::time::{Local, Seconds, Timestamp};
use latchkey_shared::zone::{TzZone, Zone};

/// How many changes may wait for the cloud, but for those that only take codes off.
const MAX_STAGED: usize = 200;
/// Somebody set the PIN at the lock.
const BY_HAND: &str = "pin.set_by_hand";

/// When a code is to open.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum When {
    /// From now on, for as long as this says.
    Preset(Preset),
    /// By the clock on the wall at home. Without a start it starts now; without an end it has none.
    Custom {
        /// The start.
        from: Option<Local>,
        /// The end.
        to: Option<Local>,
    },
}

/// A code to be made.
#[derive(Clone, Debug)]
pub struct Add {
    /// What people call it.
    pub label: String,
    /// What kind of code.
    pub kind: GrantKind,
    /// Locks of this hub.
    pub locks: Vec<LockId>,
    /// When it opens.
    pub when: When,
    /// What was typed; `None`: the hub makes a PIN.
    pub pin: Option<Pin>,
}

/// A change of a code. Its PIN stays.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Edit {
    /// Call it something else.
    Rename(String),
    /// Let it end then, or never.
    Until(Option<Local>),
    /// Pause it, or let it go on.
    Suspend(bool),
    /// End it for good.
    End,
}

/// Something to be done at the panel.
#[derive(Clone, Debug)]
pub enum PanelAct {
    /// Make a code.
    Add(Add),
    /// Change one.
    Edit(GrantId, Edit),
}

impl PanelAct {
    /// Whether it only takes a code off: that is never put off.
    fn secures(&self) -> bool {
        matches!(self, Self::Edit(_, Edit::End | Edit::Suspend(true)))
    }
}

/// What was done.
#[derive(Debug)]
pub struct Acted {
    /// The code.
    pub grant: GrantId,
    /// The PIN that the hub made, to be told once.
    pub pin: Option<Pin>,
}

/// What is to be said of a PIN as somebody types it.
#[derive(Debug)]
pub struct Judged {
    /// Every rule that it breaks: stable code and sentence.
    pub broken: Vec<(&'static str, String)>,
    /// The fewest and the most digits.
    pub lengths: (u8, u8),
    /// How many PINs are left, in a sentence.
    pub left: String,
}

impl When {
    /// The term in this zone. What starts in the past starts now.
    pub(super) fn validity(self, now: Timestamp, zone: &dyn Zone) -> Result<Validity, PanelError> {
        let (from, to) = match self {
            Self::Preset(preset) => {
                let (from, to) = preset.term(now, zone);
                (from, Some(to))
            }
            Self::Custom { from, to } => {
                (from.map_or(now, |t| zone.resolve(t).start()), to.map(|t| zone.resolve(t).end()))
            }
        };
        if to.is_some_and(|to| to <= now) {
            return Err(PanelError::Past);
        }
        Ok(Validity::new(from.max(now), to, Schedule::Always))
    }
}

impl HubCore {
    /// Does something at the open panel. It counts when this returns; the answer must not go out before the effects
    /// are carried out.
    pub fn panel_act(&mut self, token: &Token, act: PanelAct, now: &Now) -> Result<Acted, PanelError> {
        self.clock.observe(now);
        let by = self.panel_touch(token, now).ok_or(PanelError::Shut)?;
        if self.panel_scope().is_none() {
            return Err(PanelError::NoScope);
        }
        if !act.secures() {
            if self.trust.staged().len() >= MAX_STAGED {
                return Err(PanelError::Full);
            }
            // Without the time the code that opened the panel may have ended.
            self.clock.view(now).trusted.then_some(()).ok_or(PanelError::NoTime)?;
        }
        let (grant, what, change, pin) = match act {
            PanelAct::Add(add) => self.add(add, now)?,
            PanelAct::Edit(grant, edit) => {
                let (what, change) = self.edit(grant, edit, now)?;
                (grant, what, change, None)
            }
        };
        self.stage_new(change, now)?;
        self.log(EventBody::PanelChanged(grant, what, by), now);
        self.run(now);
        Ok(Acted { grant, pin })
    }

    /// The home's zone and the time, if the hub knows both.
    pub(super) fn here_and_now(&self, now: &Now) -> Result<(TzZone, Timestamp), PanelError> {
        let view = self.clock.view(now);
        let zone = self.trust.zone().copied().filter(|_| view.trusted);
        zone.map(|zone| (zone, view.latest)).ok_or(PanelError::NoTime)
    }

    fn add(
        &mut self,
        add: Add,
        now: &Now,
    ) -> Result<(GrantId, PanelChange, Change, Option<Pin>), PanelError> {
        let (zone, t) = self.here_and_now(now)?;
        let desk = self.desk(&add.locks, t)?;
        let made = match &add.pin {
            Some(pin) => {
                let broken = self.answer(&desk, &add.locks, pin.expose(), now)?;
                if !broken.is_empty() {
                    return Err(PanelError::Pin(broken));
                }
                None
            }
            None => Some(desk.generate(&mut self.entropy).map_err(|_| PanelError::Exhausted)?),
        };
        let draft = Draft {
            kind: add.kind,
            label: add.label.trim().to_owned(),
            locks: add.locks,
            validity: self.begun_by_now(add.when.validity(t, &zone)?, t, now),
            uses: None,
            may_disarm: matches!(add.kind, GrantKind::Primary | GrantKind::Standard),
            holder: None,
        };
        let pin = add.pin.as_ref().or(made.as_ref()).ok_or(PanelError::Exhausted)?;
        let pin = pin.clone();
        let change = self.composed(t, |composer, rng| composer.make(&draft, &pin, LinkWish::Keep, rng))?;
        Ok((change.0, PanelChange::Added, change.1, made))
    }

    /// What begins at this moment has begun also where the wall clock has led the hub's time on, and that is put right
    /// later: else the code would wait for the time that was taken back.
    fn begun_by_now(&self, validity: Validity, t: Timestamp, now: &Now) -> Validity {
        let lead = t.since(self.clock.proven(now));
        let most = self.panel_scope().and_then(|scope| scope.max_length);
        let room = most
            .zip(validity.length())
            .map_or(lead, |(most, length)| Seconds(most.0.saturating_sub(length.0)));
        let not_before = t.saturating_sub(lead.min(room));
        if validity.not_before == t { Validity { not_before, ..validity } } else { validity }
    }

    fn edit(&mut self, id: GrantId, edit: Edit, now: &Now) -> Result<(PanelChange, Change), PanelError> {
        let t = self.clock.view(now).latest;
        let grant = self.trust.grant(id).cloned().ok_or(ComposeError::Refused(Refusal::Gone))?;
        if edit == Edit::End {
            return Ok((PanelChange::Ended, Change::of(Body::RevokeGrant(id))));
        }
        let (what, draft) = match edit {
            Edit::Rename(label) => {
                let label = label.trim().to_owned();
                (PanelChange::Edited, Draft { label, ..Draft::of(&grant) })
            }
            Edit::Until(to) => {
                let (zone, t) = self.here_and_now(now)?;
                let expires = to.map(|to| zone.resolve(to).end());
                if expires.is_some_and(|end| end <= t) {
                    return Err(PanelError::Past);
                }
                let used = self.uses.get(&id).map(|uses| uses.first);
                let validity = grant.validity().ending_at(used, expires);
                (PanelChange::Edited, Draft { validity, ..Draft::of(&grant) })
            }
            Edit::Suspend(suspended) => {
                let what = if suspended { PanelChange::Suspended } else { PanelChange::Resumed };
                let validity = Validity { suspended, ..grant.validity() };
                (what, Draft { validity, ..Draft::of(&grant) })
            }
            Edit::End => return Err(PanelError::Compose(Refusal::Unchanged.into())),
        };
        if draft == Draft::of(&grant) {
            return Err(PanelError::Compose(Refusal::Unchanged.into()));
        }
        let (_, change) =
            self.composed(t, |composer, rng| composer.edit(&id, &draft, PinWish::Keep, LinkWish::Keep, rng))?;
        Ok((what, change))
    }

    /// A change composed on the home as it is now.
    fn composed(
        &mut self,
        t: Timestamp,
        act: impl FnOnce(
            &Composer<'_>,
            &mut crate::core::hub::Entropy,
        ) -> Result<latchkey_shared::compose::Made, ComposeError>,
    ) -> Result<(GrantId, Change), PanelError> {
        let home_keys = self.trust.home_keys();
        let chain = self.trust.effective().ok_or(PanelError::NoScope)?;
        let composer = Composer { chain, keys: self.trust.keys(), home_keys: &home_keys, now: t };
        let made = act(&composer, &mut self.entropy)?;
        Ok((made.grant.id, made.change))
    }

    /// Puts new changes behind those that wait already.
    fn stage_new(&mut self, change: Change, now: &Now) -> Result<(), PanelError> {
        let iat = self.clock.view(now).latest;
        let before = self.trust.staged().to_vec();
        let mut all = before.clone();
        all.extend(change.bodies.into_iter().map(|body| StagedChange { body, iat }));
        if let Some(conflict) = self.trust.stage(all, &mut self.entropy).first() {
            let why = conflict.why;
            // The rest was staged before and fits as it did.
            self.trust.stage(before, &mut self.entropy);
            return Err(PanelError::Chain(why));
        }
        let staged = self.trust.staged().to_vec();
        if !latchkey_shared::defect!(StagedForgotten) {
            self.change(Record::Staged(staged));
        }
        self.version += 1;
        Ok(())
    }

    /// What is to be said of a PIN for these locks. Only to whoever has the panel open: it tells which PINs are taken.
    pub fn panel_judge(
        &mut self,
        token: &Token,
        typed: &str,
        locks: &[LockId],
        now: &Now,
    ) -> Result<Judged, PanelError> {
        self.clock.observe(now);
        self.panel_touch(token, now).ok_or(PanelError::Shut)?;
        if self.panel_scope().is_none() {
            return Err(PanelError::NoScope);
        }
        let view = self.clock.view(now);
        view.trusted.then_some(()).ok_or(PanelError::NoTime)?;
        let desk = self.desk(locks, view.latest)?;
        let (min, max, _) = desk.rules().lengths();
        let broken = self.answer(&desk, locks, typed, now)?;
        self.run(now);
        Ok(Judged { broken, lengths: (min, max), left: desk.left().sentence() })
    }

    /// Every rule that a typed PIN breaks. Telling that it is taken costs as much as a wrong PIN: else whoever was
    /// given, or forced, one PIN could search for all others.
    fn answer(
        &mut self,
        desk: &PinDesk,
        locks: &[LockId],
        typed: &str,
        now: &Now,
    ) -> Result<Vec<(&'static str, String)>, PanelError> {
        let Ok(pin) = Pin::parse(typed) else { return Ok(self.broken(desk, locks, typed)) };
        let panel = &mut self.panel;
        let new = !panel.asked.is_last(&pin);
        if new && (panel.gate.wait_ms(now.boot_ms) > 0 || !panel.asked.admits(&pin, now.boot_ms)) {
            return Err(PanelError::TooFast);
        }
        let broken = self.broken(desk, locks, typed);
        self.panel.asked.answered(pin);
        let taken = [Broken::InUse.code(), Broken::UsedBefore.code(), Broken::PairedKeys.code(), BY_HAND];
        if new && broken.iter().any(|(code, _)| taken.contains(code)) {
            self.panel.gate.told(now.boot_ms);
            self.change(Record::PanelFailures(self.panel.gate.failures()));
        }
        Ok(broken)
    }

    /// The same, with what only the hub can see.
    fn broken(&self, desk: &PinDesk, locks: &[LockId], typed: &str) -> Vec<(&'static str, String)> {
        let by_hand = Pin::parse(typed).ok().and_then(|pin| self.set_by_hand(locks, &pin));
        let broken = desk.judge(typed).err().unwrap_or_default();
        let seen = by_hand.is_some();
        let said = broken.into_iter().filter(|broken| !(seen && *broken == Broken::InUse));
        let said = said.map(|broken| (broken.code(), broken.hint()));
        let hand = by_hand
            .map(|lock| (BY_HAND, format!("A code set at {lock} by hand has this PIN. Pick another.")));
        said.chain(hand).collect()
    }

    /// The lock at which somebody set this PIN by hand.
    fn set_by_hand(&self, locks: &[LockId], pin: &Pin) -> Option<String> {
        let locks = locks.iter().filter_map(|id| self.locks.get(id));
        let has = |lock: &&crate::core::reconcile::LockCore| {
            let foreign = lock.slots.values().filter(|slot| slot.owner == Owner::Unmanaged);
            foreign.into_iter().any(|slot| matches!(&slot.content, SlotContent::Pin(theirs) if theirs == pin))
        };
        locks.into_iter().find(has).map(|lock| lock.name.clone())
    }

    /// The rules of these locks and every PIN that this hub knows of.
    fn desk(&self, locks: &[LockId], t: Timestamp) -> Result<PinDesk, PanelError> {
        let state = self.trust.effective().ok_or(PanelError::NoScope)?;
        let known: Option<Vec<_>> = locks.iter().map(|id| self.locks.get(id)).collect();
        let known = known.filter(|locks| !locks.is_empty()).ok_or(PanelError::NotHere)?;
        let caps: Vec<_> =
            known.iter().filter_map(|lock| lock.abilities.as_ref()).map(|a| a.pin_caps()).collect();
        let rules = PinRules::new(&state.policy().pin, &caps).map_err(PanelError::Rules)?;
        let mut desk = PinDesk::new(rules);
        for (pin, grant) in self.trust.all_pins() {
            desk.note(pin.clone(), place(self.trust.grant(grant), locks, t));
        }
        for slot in known.iter().flat_map(|lock| lock.slots.values()) {
            if let (Owner::Unmanaged, SlotContent::Pin(pin)) = (slot.owner, &slot.content) {
                desk.note(pin.clone(), PinUse::Here);
            }
        }
        Ok(desk)
    }
}

/// Where a code's PIN stands towards one for these locks.
fn place(grant: Option<&Grant>, locks: &[LockId], t: Timestamp) -> PinUse {
    match grant.filter(|grant| grant.end().is_none_or(|end| end > t)) {
        Some(grant) if grant.locks.iter().any(|lock| locks.contains(lock)) => PinUse::Here,
        Some(_) => PinUse::Elsewhere,
        None => PinUse::Past,
    }
}

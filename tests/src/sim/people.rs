//! People at their portals. What they do they do with the product's own composer; what they meant goes to the oracle.

use super::hours::{Hours, Window};
use super::rng::Rng;
use super::truth::{Intent, Meant};
use chrono::{Datelike, NaiveDate};
use chrono_tz::Tz;
use latchkey_shared::chain::op::{AddKey, Manager, NewEpoch, RemoveKey, Role, Scope};
use latchkey_shared::chain::{Body, ChainState};
use latchkey_shared::compose::{Change, Composer, Draft, ForGuest, LinkWish, PinWish};
use latchkey_shared::grant::{Grant, GrantKind};
use latchkey_shared::id::{GrantId, KeyId, LockId};
use latchkey_shared::keys::{HomeKey, Keys, Seed};
use latchkey_shared::pin::Pin;
use latchkey_shared::schedule::{Buffers, Date, Days, MinuteOfDay, Schedule, Validity, WeeklyWindow};
use latchkey_shared::sealed::{Binding, SealedPin};
use latchkey_shared::slot::LockAbilities;
use latchkey_shared::time::{Seconds, Timestamp};
use latchkey_shared::zone::ZoneName;

/// The most live codes that people make.
const MOST_CODES: usize = 9;

/// A member.
pub(super) struct Person {
    pub(super) keys: Keys,
    pub(super) role: Role,
    /// Their copy of the home, as of when they last looked.
    pub(super) chain: ChainState,
    home_keys: Vec<HomeKey>,
    /// Codes that they revoked, and the PIN of the last.
    pub(super) revoked: Vec<Grant>,
    pub(super) revoked_pin: Option<Pin>,
    /// Whether they use more than a term and weekly hours.
    pub(super) fancy: bool,
}

/// A door that people know.
#[derive(Clone, Debug)]
pub(super) struct Door {
    pub(super) id: LockId,
    /// The hub that looks after it under this name.
    pub(super) hub: usize,
    pub(super) can: LockAbilities,
}

/// What a person is about to send.
pub(super) struct Wish {
    pub(super) change: Change,
    pub(super) intents: Vec<Intent>,
    /// For the trace.
    pub(super) what: &'static str,
}

impl Person {
    pub(super) fn new(keys: Keys, role: Role, chain: ChainState) -> Self {
        let mut person =
            Self { keys, role, chain, home_keys: vec![], revoked: vec![], revoked_pin: None, fancy: false };
        person.unwrap();
        person
    }

    pub(super) fn id(&self) -> KeyId {
        self.keys.id()
    }

    /// Takes in ops that the cloud showed. Whatever does not fit is not believed.
    pub(super) fn look(&mut self, ops: &[Vec<u8>]) {
        for op in ops {
            if self.chain.extend(op).is_err() {
                break;
            }
        }
        self.unwrap();
    }

    fn unwrap(&mut self) {
        for wrap in self.chain.wraps_for(self.keys.id()) {
            let Some(public) = self.chain.epoch_public(wrap.epoch) else { continue };
            if self.home_keys.iter().all(|key| key.epoch() != wrap.epoch)
                && let Ok(key) = HomeKey::unwrap(self.chain.home(), &wrap, public, &self.keys)
            {
                self.home_keys.push(key);
            }
        }
    }

    /// Remembers a code that they are about to revoke.
    pub(super) fn keep(&mut self, id: &GrantId) {
        let Some(entry) = self.chain.grants().get(id) else { return };
        let grant = entry.grant.clone();
        if let Some(pin) = self.composer(0).open_pin(&grant) {
            (self.revoked, self.revoked_pin) = (vec![grant], Some(pin));
        }
    }

    pub(super) fn composer(&self, second: u64) -> Composer<'_> {
        Composer { chain: &self.chain, keys: &self.keys, home_keys: &self.home_keys, now: Timestamp(second) }
    }

    pub(super) fn live(&self, second: u64) -> Vec<&Grant> {
        let grants = self.chain.grants().iter().map(|(_, entry)| &entry.grant);
        grants.filter(|grant| grant.end().is_none_or(|end| end.0 > second)).collect()
    }

    /// Something that this person would do now; `fresh` is a PIN that nobody had.
    pub(super) fn act(
        &self,
        doors: &[Door],
        others: &[KeyId],
        second: u64,
        fresh: &mut dyn FnMut(&[&Door]) -> Option<Pin>,
        rng: &mut Rng,
    ) -> Option<Wish> {
        let live = self.live(second);
        if live.is_empty() || (live.len() < MOST_CODES && rng.permille(420)) {
            return self.make(doors, second, fresh, rng);
        }
        if rng.permille(30) {
            return self.mischief(doors, &live, second, rng);
        }
        let grant = (*rng.pick(&live)).clone();
        let roll = rng.below(100);
        if roll < 80 || self.role != Role::Owner {
            return self.change(&grant, doors, second, fresh, rng);
        }
        match roll {
            80..85 => Some(Wish {
                change: self.composer(second).rotate_epoch(rng).ok()?,
                intents: vec![Intent::Other],
                what: "person # replaces the home key",
            }),
            85..90 => self.policy(second, rng),
            90..97 => self.remove(others, second, rng),
            _ => Some(Wish {
                change: Change::of(Body::Checkpoint(self.chain.digest())),
                intents: vec![Intent::Other],
                what: "person # makes a checkpoint",
            }),
        }
    }

    fn make(
        &self,
        doors: &[Door],
        second: u64,
        fresh: &mut dyn FnMut(&[&Door]) -> Option<Pin>,
        rng: &mut Rng,
    ) -> Option<Wish> {
        let chosen = some(doors, rng);
        let guest = self.role != Role::Owner || rng.permille(700);
        let mut hours = term(second, guest, rng);
        let told = guest && chosen.iter().all(|d| d.can.tells_uses && d.hub == 0);
        if self.fancy {
            more(&mut hours, second, told, rng);
        }
        let pin = fresh(&chosen)?;
        let mut draft = Draft::guest("Zoë", chosen.iter().map(|d| d.id).collect(), validity(&hours, false));
        if !guest {
            draft.kind = *rng.pick(&[GrantKind::Standard, GrantKind::Primary, GrantKind::Duress]);
        }
        let counted = told && rng.permille(120);
        let residents = self.chain.members().iter().filter(|(_, member)| member.role == Role::Resident);
        let residents: Vec<KeyId> = residents.map(|(key, _)| *key).collect();
        if !residents.is_empty() && rng.permille(300) {
            draft.holder = Some(*rng.pick(&residents));
        }
        draft.uses = counted.then(|| 1 + rng.below(3) as u32);
        let words = ForGuest { doors: vec!["Front door".into()], note: String::new() };
        let wish = if guest && rng.permille(300) { LinkWish::Show(&words) } else { LinkWish::Keep };
        let made = self.composer(second).make(&draft, &pin, wish, rng).ok()?;
        let meant = meant(&made.grant, &pin, hours, false);
        Some(Wish { change: made.change, intents: vec![Intent::Put(meant)], what: "person # makes code #" })
    }

    /// What no portal offers: a revoked code once more, or another code's PIN. Nothing of it is meant to count.
    fn mischief(&self, doors: &[Door], live: &[&Grant], second: u64, rng: &mut Rng) -> Option<Wish> {
        let composer = self.composer(second);
        if rng.permille(500)
            && let Some(old) = self.revoked.first()
            // Of what the cloud did not take, it would be an edit like any other.
            && self.chain.grants().get(&old.id).is_none()
        {
            let mut grant =
                composer.make(&Draft::of(old), &self.revoked_pin.clone()?, LinkWish::Keep, rng).ok()?.grant;
            let binding =
                Binding { home: self.chain.home(), grant: &old.id, rev: old.rev + 1, locks: &grant.locks };
            let (pin, epoch) = (self.revoked_pin.clone()?, self.chain.epoch());
            grant.pin = SealedPin::seal(&pin, &binding, epoch.number, &epoch.public, rng).ok()?;
            (grant.id, grant.rev, grant.self_seals) = (old.id, old.rev + 1, vec![]);
            let change = Change::of(Body::PutGrant(grant));
            return Some(Wish {
                change,
                intents: vec![Intent::Other],
                what: "person # puts a revoked code again",
            });
        }
        let first: &Grant = live[rng.below(live.len() as u64) as usize];
        let pin = composer.open_pin(first)?;
        let ids = some(doors, rng).iter().map(|d| d.id).collect();
        let hours = Hours { from: second, until: Some(second + 40_000), ..Hours::default() };
        let draft = Draft::guest("Twin", ids, validity(&hours, false));
        let made = composer.make(&draft, &pin, LinkWish::Keep, rng).ok()?;
        let intents = vec![Intent::Put(meant(&made.grant, &pin, hours, false))];
        Some(Wish { change: made.change, intents, what: "person # gives code # another one's PIN" })
    }

    fn change(
        &self,
        grant: &Grant,
        doors: &[Door],
        second: u64,
        fresh: &mut dyn FnMut(&[&Door]) -> Option<Pin>,
        rng: &mut Rng,
    ) -> Option<Wish> {
        let composer = self.composer(second);
        let roll = rng.below(100);
        if roll < 30 {
            let change = composer.revoke(&[grant.id]).ok()?;
            let what = "person # revokes code #";
            return Some(Wish { change, intents: vec![Intent::Revoke(grant.id)], what });
        }
        let mut hours = hours_of(grant);
        let mut draft = Draft::of(grant);
        let (mut pin_wish, mut pin) = (PinWish::Keep, composer.open_pin(grant)?);
        let what = match roll {
            30..50 => {
                let from = hours.until.unwrap_or(second).max(second);
                hours.until = Some(from + rng.within(1, 40) * 1_800);
                "person # extends code #"
            }
            50..60 => {
                hours.until = Some(second.max(hours.from + 1) + rng.below(7_200));
                "person # shortens code #"
            }
            60..75 => {
                draft.validity.suspended = !draft.validity.suspended;
                "person # pauses or resumes code #"
            }
            75..88 => {
                let chosen: Vec<&Door> = doors.iter().filter(|d| grant.locks.contains(&d.id)).collect();
                pin = fresh(&chosen)?;
                pin_wish = PinWish::Change(pin.clone());
                "person # changes the PIN of code #"
            }
            _ => {
                let length = pin.digit_count();
                let fits = |d: &&Door| {
                    // How often a code was used at another hub's lock, no hub knows.
                    let counted = draft.uses.is_some() || draft.validity.stay.is_some();
                    let counts = !counted || d.can.tells_uses && d.hub == 0;
                    d.can.one_length.is_none_or(|only| only == length) && counts
                };
                let chosen: Vec<&Door> = some(doors, rng).into_iter().filter(fits).collect();
                if chosen.is_empty() {
                    return None;
                }
                draft.locks = chosen.iter().map(|d| d.id).collect();
                "person # moves code # to other doors"
            }
        };
        let suspended = draft.validity.suspended;
        draft.validity = validity(&hours, suspended);
        let words = ForGuest::default();
        let link = if grant.link.is_some() { LinkWish::Show(&words) } else { LinkWish::Keep };
        let made = composer.edit(&grant.id, &draft, pin_wish, link, rng).ok()?;
        let intents = vec![Intent::Put(meant(&made.grant, &pin, hours, suspended))];
        Some(Wish { change: made.change, intents, what })
    }

    fn policy(&self, second: u64, rng: &mut Rng) -> Option<Wish> {
        let mut policy = self.chain.policy().clone();
        if self.fancy && rng.permille(500) {
            policy.quiet_days = some_days(second, rng);
            let days = policy.quiet_days.iter().filter_map(|day| naive(*day)).collect();
            let what = "person # chooses the home's quiet days";
            return Some(Wish {
                change: Change::of(Body::SetPolicy(policy)),
                intents: vec![Intent::Quiet(days)],
                what,
            });
        }
        let (intent, what) = if rng.permille(500) {
            let zone = *rng.pick(&super::swarm::ZONES);
            policy.zone = ZoneName::parse(zone.name()).ok()?;
            (Intent::Zone(zone), "person # moves the home to another zone")
        } else {
            let grace = rng.within(1, 14) * 86_400;
            policy.offline_grace = Seconds(grace);
            (Intent::Grace(grace), "person # changes the offline grace")
        };
        Some(Wish { change: Change::of(Body::SetPolicy(policy)), intents: vec![intent], what })
    }

    fn remove(&self, others: &[KeyId], second: u64, rng: &mut Rng) -> Option<Wish> {
        let key = *others.iter().find(|key| **key != self.id())?;
        let member = self.chain.members().get(&key)?;
        let since = rng.permille(500).then(|| rng.below(self.chain.seq().max(1)).max(member.seq));
        let removal = self.composer(second).remove_member(key, since, rng).ok()?;
        let intents = removal.change.bodies.iter().map(|body| match body {
            Body::RemoveKey(RemoveKey { key, distrusted_since }) => Intent::Remove(*key, *distrusted_since),
            Body::RevokeGrant(grant) => Intent::Revoke(*grant),
            _ => Intent::Other,
        });
        let intents = intents.collect();
        Some(Wish { change: removal.change, intents, what: "person # removes a member" })
    }

    /// Takes somebody in.
    pub(super) fn add(&self, keys: &Keys, name: &str, role: &Role, rng: &mut Rng) -> Option<Wish> {
        let key = keys.record(name);
        let mut wraps = vec![];
        for home_key in self.home_keys.iter().filter(|_| role.has_home_key()) {
            wraps.push(home_key.wrap(self.chain.home(), &key, rng).ok()?);
        }
        wraps.sort_by_key(|wrap| (wrap.epoch, wrap.to));
        let body = Body::AddKey(AddKey { key, role: role.clone(), wraps, invite: None });
        Some(Wish { change: Change::of(body), intents: vec![Intent::Other], what: "person # adds a member" })
    }
}

/// Limits of the manager in these homes.
pub(super) fn manager() -> Role {
    let scope = Scope { locks: None, max_length: Some(Seconds::days(30)), kinds: vec![GrantKind::Guest] };
    Role::Manager(Manager { scope, sees_pins: false })
}

/// The first home key with its wraps, for a genesis.
pub(super) fn first_epoch(key: &HomeKey, wraps: Vec<latchkey_shared::keys::Wrap>) -> NewEpoch {
    NewEpoch { epoch: 1, public: key.public(), wraps }
}

pub(super) fn keys(rng: &mut Rng) -> Keys {
    Keys::member(&Seed::generate(rng))
}

fn some<'a>(doors: &'a [Door], rng: &mut Rng) -> Vec<&'a Door> {
    let mut chosen: Vec<&Door> = doors.iter().filter(|_| rng.permille(600)).collect();
    if chosen.is_empty() {
        chosen.push(rng.pick(doors));
    }
    chosen
}

/// A term as people choose them: often from now on, seldom far away, sometimes with weekly hours.
fn term(second: u64, guest: bool, rng: &mut Rng) -> Hours {
    let from = if rng.permille(500) { second } else { second + rng.within(1, 60) * 900 };
    let length = if rng.permille(500) { rng.within(5, 300) * 60 } else { rng.within(1, 9 * 24) * 3_600 };
    let until = (guest || rng.permille(200)).then_some(from + length);
    let weekly = if rng.permille(350) { (0..=rng.below(2)).map(|_| window(rng)).collect() } else { vec![] };
    Hours { from, until, weekly, ..Hours::default() }
}

fn window(rng: &mut Rng) -> Window {
    // The hours around changes of the clocks more often than others.
    let minute = |rng: &mut Rng| if rng.permille(300) { 60 + rng.below(140) } else { rng.below(96) * 15 };
    Window { days: 1 + rng.below(127) as u8, from: minute(rng) as u16, to: minute(rng) as u16 }
}

/// What people seldom ask for: time before and after, days off, a stay that runs from the first use.
fn more(hours: &mut Hours, second: u64, told: bool, rng: &mut Rng) {
    if rng.permille(300) {
        hours.buffers = (rng.below(9) as u16 * 15, rng.below(9) as u16 * 15);
    }
    if rng.permille(250) {
        hours.off = some_days(second, rng).into_iter().filter_map(naive).collect();
    }
    if told && rng.permille(300) {
        hours.stay = Some(rng.within(1, 30) * 3_600);
    }
}

/// Up to three of the next days.
fn some_days(second: u64, rng: &mut Rng) -> Vec<Date> {
    let today = (second / 86_400) as u32;
    (0..7).filter(|_| rng.permille(250)).map(|day| Date(today + day)).take(3).collect()
}

fn naive(day: Date) -> Option<NaiveDate> {
    let (year, month, day) = day.civil();
    NaiveDate::from_ymd_opt(year, month.into(), day.into())
}

fn validity(hours: &Hours, suspended: bool) -> Validity {
    let windows = hours.weekly.iter().filter_map(|w| {
        let (from, to) = (MinuteOfDay::new(w.from).ok()?, MinuteOfDay::new(w.to).ok()?);
        Some(WeeklyWindow { days: Days::from_bits(w.days).ok()?, from, to })
    });
    let schedule =
        if hours.weekly.is_empty() { Schedule::Always } else { Schedule::Weekly(windows.collect()) };
    let term = Validity::new(Timestamp(hours.from), hours.until.map(Timestamp), schedule);
    let day = |day: &NaiveDate| Date::from_civil(day.year(), day.month() as u8, day.day() as u8);
    let days_off = hours.off.iter().filter_map(day).collect();
    let buffers = Buffers { before: hours.buffers.0, after: hours.buffers.1 };
    Validity { suspended, days_off, buffers, stay: hours.stay.map(Seconds), ..term }
}

/// What was asked for, read back from the form that the person sees.
pub(super) fn hours_of(grant: &Grant) -> Hours {
    hours(&grant.validity())
}

pub(super) fn hours(validity: &Validity) -> Hours {
    let weekly = match &validity.schedule {
        Schedule::Always => vec![],
        Schedule::Weekly(windows) => windows
            .iter()
            .map(|w| Window { days: w.days.bits(), from: w.from.minutes(), to: w.to.minutes() })
            .collect(),
    };
    Hours {
        from: validity.not_before.0,
        until: validity.expires.map(|t| t.0),
        weekly,
        buffers: (validity.buffers.before, validity.buffers.after),
        off: validity.days_off.iter().filter_map(|day| naive(*day)).collect(),
        stay: validity.stay.map(|stay| stay.0),
    }
}

pub(super) fn meant(grant: &Grant, pin: &Pin, hours: Hours, suspended: bool) -> Meant {
    Meant {
        grant: grant.id,
        guest: grant.kind == GrantKind::Guest,
        opens_panel: matches!(grant.kind, GrantKind::Primary | GrantKind::Duress),
        pin: pin.expose().to_owned(),
        locks: grant.locks.clone(),
        hours,
        suspended,
        uses: grant.uses,
        holder: grant.holder,
    }
}

/// Zones by their place in [`super::swarm::ZONES`].
pub(super) fn zone_name(zone: Tz) -> Option<ZoneName> {
    ZoneName::parse(zone.name()).ok()
}

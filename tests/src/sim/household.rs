//! Hubs that come and go: one is replaced by another in the same home, at the same locks; or two look after one lock.

use super::bounds::{DAY, HOUR, MINUTE, RECOVERY, SECOND};
use super::hub::Hub;
use super::lock::Lock;
use super::people::{Wish, hours_of, meant};
use super::swarm::Household;
use super::truth::Intent;
use super::world::{Event, World};
use latchkey_shared::chain::op::Role;
use latchkey_shared::compose::{Draft, ForGuest, LinkWish, PinWish};
use latchkey_shared::id::{HubId, LockId};
use latchkey_shared::keys::{Keys, Seed};
use latchkey_shared::pair::PairSecret;
use latchkey_shared::slot::Readback;

/// What is done about hubs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Step {
    /// A second one is paired.
    Comes,
    /// The first one is removed.
    Goes,
    /// The first one's codes are given to the doors as the second one calls them.
    Moves,
}

/// Two hubs at a lock that cannot be read know nothing of each other: that is no home to live in.
pub(super) fn readable(locks: &mut [Lock]) {
    for lock in locks {
        if lock.can.readback == Readback::None {
            lock.can.readback = Readback::Masked;
        }
    }
}

impl World {
    pub(super) fn plan_household(&mut self) {
        if self.swarm.household != Household::One {
            let wait = self.rng.within(2 * HOUR, 4 * DAY);
            self.after(wait, Event::Hubs(Step::Comes));
        }
    }

    /// Tried again until it is done: others may be faster, or the cloud may be away.
    pub(super) fn household(&mut self, step: Step) {
        if self.healed {
            return;
        }
        let owner = self.people.iter().position(|person| {
            person.role == Role::Owner
                && self.cloud.home.chain().is_ok_and(|chain| chain.members().contains_key(&person.id()))
        });
        let Some(owner) = owner else { return };
        self.look_at_home(owner);
        match step {
            Step::Comes => self.take_in(owner),
            Step::Goes => self.take_out(owner),
            Step::Moves => self.move_codes(owner),
        }
    }

    fn take_in(&mut self, owner: usize) {
        if self.hubs.len() > 1 && self.hubs[1].run > 0 {
            return;
        }
        if self.hubs.len() == 1 {
            let (id, keys) = (HubId::generate(&mut self.rng), Keys::hub(&Seed::generate(&mut self.rng)));
            self.hubs.push(Hub::new(id, keys, self.t, self.swarm.keeps_time));
        }
        let (id, key) = (self.hubs[1].id, self.hubs[1].keys.record("Attic"));
        let offer = PairSecret::generate(&mut self.rng).offer(id, key);
        let change = self.people[owner].composer(self.t / 1_000).add_hub(&offer, None, &mut self.people_rng);
        if let Ok(change) = change {
            let intents = vec![Intent::HubComes(1)];
            self.send(owner, Wish { change, intents, what: "person # pairs a second hub" }, None);
        }
        self.after(10 * MINUTE, Event::Hubs(Step::Comes));
    }

    /// The home has taken a hub in.
    pub(super) fn hub_comes(&mut self, h: usize) {
        let t = self.t;
        let chain = self.people[0].chain.clone();
        let hub = &mut self.hubs[h];
        hub.pair(&chain);
        (hub.run, hub.excused, hub.excused_net, hub.learned, hub.heard) =
            (1, t + RECOVERY, t + RECOVERY, t, t);
        if self.attacker.predates {
            hub.excused = u64::MAX / 2;
        }
        let wait = self.rng.within(SECOND, MINUTE);
        self.after(wait, Event::Start { hub: h, cut: None });
        if matches!(self.swarm.household, Household::Replaced | Household::Broken) {
            let wait = self.rng.within(10 * MINUTE, DAY);
            self.after(wait, Event::Hubs(Step::Goes));
        }
        if self.swarm.household == Household::Broken {
            self.kill(0);
            self.hubs[0].broken = true;
        }
    }

    fn take_out(&mut self, owner: usize) {
        if self.hubs[0].removed {
            return;
        }
        let id = self.hubs[0].id;
        let removal = self.people[owner].composer(self.t / 1_000).remove_hub(id, &mut self.people_rng);
        if let Ok(removal) = removal {
            let intents = vec![Intent::HubGoes(0), Intent::Other];
            self.send(
                owner,
                Wish { change: removal.change, intents, what: "person # removes the first hub" },
                None,
            );
        }
        self.after(10 * MINUTE, Event::Hubs(Step::Goes));
    }

    /// The home has put a hub out, with this op.
    pub(super) fn hub_goes(&mut self, h: usize, seq: u64) {
        // The cloud closes its socket once it has told it.
        let told = self.hubs[h].socket && self.net;
        self.socket(h, false);
        let (t, hub) = (self.t, &mut self.hubs[h]);
        (hub.removed, hub.removed_with, hub.removed_at) = (true, Some(seq), t);
        if !told {
            hub.excused_net = hub.excused_net.max(t + RECOVERY);
        }
        let wait = self.rng.within(2 * MINUTE, 2 * HOUR);
        self.after(wait, Event::Hubs(Step::Moves));
    }

    /// One code that is still on doors as the first hub called them.
    fn move_codes(&mut self, owner: usize) {
        let second = self.t / 1_000;
        let other = |id: &LockId| {
            let (lock, h) = self.names.get(id).copied()?;
            if h == 1 { Some(*id) } else { self.names_at(lock, 1).first().copied() }
        };
        let old = |id: &LockId| self.names.get(id).is_some_and(|(_, h)| *h == 0);
        let person = &self.people[owner];
        let live = person.live(second);
        let Some(grant) = live.into_iter().find(|grant| grant.locks.iter().any(old)) else { return };
        let (composer, words) = (person.composer(second), ForGuest::default());
        let mut locks: Vec<LockId> = grant.locks.iter().filter_map(other).collect();
        locks.sort_unstable();
        locks.dedup();
        let made = if locks.is_empty() {
            None
        } else {
            let draft = Draft { locks, ..Draft::of(grant) };
            let link = if grant.link.is_some() { LinkWish::Show(&words) } else { LinkWish::Keep };
            composer.edit(&grant.id, &draft, PinWish::Keep, link, &mut self.people_rng).ok()
        };
        let pin = composer.open_pin(grant);
        if let (Some(made), Some(pin)) = (made, pin) {
            let intents = vec![Intent::Put(meant(&made.grant, &pin, hours_of(grant), grant.suspended))];
            let what = "person # gives code # to the new hub";
            self.send(owner, Wish { change: made.change, intents, what }, None);
        }
        self.after(2 * MINUTE, Event::Hubs(Step::Moves));
    }
}

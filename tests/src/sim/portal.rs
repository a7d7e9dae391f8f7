//! People act at their portals, and the cloud takes their ops or does not.

use super::bounds::{MINUTE, SECOND};
use super::cloud::Submission;
use super::oracle::Check;
use super::people::{self, Door, Person, Wish};
use super::truth::Intent;
use super::world::{Event, World};
use latchkey_shared::api::SubmitOps;
use latchkey_shared::chain::SignedOp;
use latchkey_shared::chain::op::Role;
use latchkey_shared::id::{KeyId, LockId};
use latchkey_shared::pin::Pin;
use latchkey_shared::wire::cbor::Blob;
use latchkey_worker::error::CONFLICT;
use latchkey_worker::store::HomeStore;

impl World {
    /// The doors that people can know of: their hubs have told of them.
    fn doors(&self) -> Vec<Door> {
        let reported = self.cloud.home.store().reports().unwrap_or_default();
        let told = |hub: usize| reported.iter().any(|(id, _)| *id == self.hubs[hub].id);
        let known = self.names.iter().filter(|(_, (_, hub))| !self.hubs[*hub].removed && told(*hub));
        let door = |(id, (lock, hub)): (&LockId, &(usize, usize))| Door {
            id: *id,
            hub: *hub,
            can: self.locks[*lock].can.clone(),
        };
        known.map(door).collect()
    }

    /// Where one door has two names, because two hubs look after it, people use the one or the other.
    fn doors_of_one_hub(&mut self) -> Vec<Door> {
        let mut doors = self.doors();
        let mut hubs: Vec<usize> = doors.iter().map(|door| door.hub).collect();
        hubs.sort_unstable();
        hubs.dedup();
        if hubs.len() > 1 {
            let chosen = *self.people_rng.pick(&hubs);
            doors.retain(|door| door.hub == chosen);
        }
        doors
    }

    /// Somebody looks at their portal and does something.
    pub(super) fn act(&mut self, who: usize) {
        if self.healed {
            return;
        }
        self.next_act(who);
        let doors = self.doors_of_one_hub();
        // Who just signed in sees the newest; who kept the page open may not.
        if self.rng.permille(800) {
            self.look_at_home(who);
        }
        let member = self.people[who].chain.members().get(&self.people[who].id()).is_some();
        if doors.is_empty() || (!member && self.rng.permille(700)) {
            return;
        }
        let Some((wish, person)) = self.wish(who, &doors) else { return };
        self.send(who, wish, person);
    }

    /// Somebody's portal shows the home as the cloud has it.
    pub(super) fn look_at_home(&mut self, who: usize) {
        let after = self.people[who].chain.seq();
        let ops = self.cloud.home.store().ops_from(after + 1).unwrap_or_default();
        self.people[who].look(&ops);
    }

    fn wish(&mut self, who: usize, doors: &[Door]) -> Option<(Wish, Option<Person>)> {
        let second = self.t / 1_000;
        let most = 1 + self.swarm.owners + usize::from(self.swarm.residents);
        let few = self.people[who].chain.members().len() < most;
        let owner = self.people[who].role == Role::Owner;
        if owner && few && self.people_rng.permille(300) {
            let keys = people::keys(&mut self.people_rng);
            let role = match self.people_rng.below(if self.swarm.residents { 1_500 } else { 1_000 }) {
                0..500 => Role::Owner,
                500..1_000 => people::manager(),
                _ => Role::Resident,
            };
            let wish = self.people[who].add(&keys, "Bo", &role, &mut self.people_rng)?;
            let chain = self.people[who].chain.clone();
            let mut person = Person::new(keys, role, chain);
            person.fancy = self.swarm.fancy;
            return Some((wish, Some(person)));
        }
        let others: Vec<KeyId> = self.people.iter().map(Person::id).collect();
        let (made, mut pins) = (&mut self.pins_made, self.people_rng.split("pins"));
        let mut fresh = |doors: &[&Door]| -> Option<Pin> {
            let only = doors.iter().filter_map(|door| door.can.one_length).max();
            let length = only.unwrap_or(pins.within(5, 8) as u8);
            Self::fresh_pin(&mut pins, made, length)
        };
        let wish = self.people[who].act(doors, &others, second, &mut fresh, &mut self.people_rng)?;
        Some((wish, None))
    }

    /// Signs and sends. Two who do so at once are both on their way; one will be told to look again.
    pub(super) fn send(&mut self, who: usize, wish: Wish, joins: Option<Person>) {
        let person = &self.people[who];
        let now = latchkey_shared::time::Timestamp(self.t / 1_000);
        let signed = match wish.change.sign(&person.chain, &person.keys, now) {
            Ok(signed) => signed.submit,
            // Whoever means harm signs what their own program would refuse.
            Err(_) => SubmitOps {
                ops: wish
                    .change
                    .bodies
                    .iter()
                    .take(1)
                    .map(|body| {
                        Blob(SignedOp::sign(&person.chain.next_op(body.clone(), now), person.keys.signing()))
                    })
                    .collect(),
                links: vec![],
            },
        };
        if let Some(Intent::Revoke(grant)) = wish.intents.first() {
            let grant = *grant;
            self.people[who].keep(&grant);
        }
        let code = wish.intents.first().and_then(Intent::grant);
        let number = code.map_or(0, |grant| self.code_number(grant));
        self.trace.step(self.t, wish.what, [who as u64, number, 0]);
        let person = joins.map_or(usize::MAX, |person| {
            self.people.push(person);
            self.people.len() - 1
        });
        let by = self.people[who].id();
        let submission = Submission { by, submit: signed, intents: wish.intents, person };
        let wait = self.rng.within(50, self.swarm.slow.max(2 * SECOND));
        self.after(wait, Event::Submit(Box::new(submission)));
    }

    /// Ops reach the cloud.
    pub(super) fn submit(&mut self, submission: Submission) {
        let t = self.t;
        let before = (!self.healed && self.rng.permille(self.swarm.cloud_fails))
            .then(|| (self.cloud.home.store().clone(), self.rng.permille(500)));
        let answer = self.cloud.submit(&submission.by, &submission.submit, t);
        if let Some((before, true)) = before {
            // Its storage failed: nothing of it was kept, and nobody is told.
            if self.cloud.roll_back(before).is_err() {
                self.fails(Check::Ledger, "the cloud does not wake".into());
            }
            return;
        }
        match answer {
            Ok(first) => {
                self.truth.taken(&submission.intents, first, submission.by, t);
                self.oracle.dirty = true;
                let (count, hub) = (submission.intents.len() as u64, self.hubs.len() as u64);
                self.trace.step(t, "the cloud takes # ops, from # on, hubs #", [count, first, hub]);
                let seq = self.cloud.home.chain().map_or(0, |chain| chain.seq());
                self.tell_hubs(seq);
                self.member_check(&submission, first);
                if submission.person != usize::MAX {
                    self.after(MINUTE, Event::Act(submission.person));
                }
            }
            Err(problem) => {
                self.no_pin_in(&format!("{problem:?}"), "an answer of the cloud");
                let conflict = u64::from(problem == CONFLICT);
                self.trace.step(t, "the cloud refuses a member, conflict #", [conflict, 0, 0]);
            }
        }
    }

    /// The cloud took something: from somebody who may?
    fn member_check(&mut self, submission: &Submission, first: u64) {
        let removed = self.oracle.removed.get(&submission.by).is_some_and(|at| *at < first);
        if removed {
            self.fails(Check::Attack, "the cloud takes ops from a removed member".into());
        }
        let resident = |person: &Person| person.id() == submission.by && person.role == Role::Resident;
        if self.people.iter().any(resident) {
            self.fails(Check::Attack, "the cloud takes ops from a resident".into());
        }
        for (seq, intent) in (first..).zip(&submission.intents) {
            match intent {
                Intent::Remove(key, _) => drop(self.oracle.removed.insert(*key, seq)),
                Intent::HubComes(h) => self.hub_comes(*h),
                Intent::HubGoes(h) => self.hub_goes(*h, seq),
                _ => {}
            }
        }
    }
}

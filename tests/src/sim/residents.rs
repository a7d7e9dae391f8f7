//! What residents are shown: their own codes and entries, all of them, and nobody else's.

use super::oracle::Check;
use super::people::Person;
use super::world::World;
use latchkey_shared::api::Mine;
use latchkey_shared::chain::op::Role;
use latchkey_shared::chain::{Body, SignedOp};
use latchkey_shared::event::Event;
use latchkey_shared::id::{GrantId, KeyId};
use latchkey_shared::wire::cbor::to_vec;
use std::collections::BTreeSet;

impl World {
    /// Once a day each resident looks.
    pub(super) fn check_residents(&mut self) {
        let residents = self.people.iter().filter(|person| person.role == Role::Resident);
        let residents: Vec<KeyId> = residents.map(Person::id).collect();
        for key in residents {
            // Who was removed, or not yet taken in, is shown nothing.
            if let Ok(mine) = self.cloud.home.mine(&key, None, None, &[], self.t / 1_000) {
                self.check_mine(&key, &mine);
            }
        }
    }

    fn check_mine(&mut self, key: &KeyId, mine: &Mine) {
        let owned =
            |grant: &GrantId| self.truth.codes.get(grant).is_some_and(|code| code.meant.holder == Some(*key));
        let ops = mine.grants.iter().filter_map(|op| SignedOp::parse(&op.0).ok());
        let shown: BTreeSet<GrantId> = ops
            .filter_map(|op| match &op.claimed().body {
                Body::PutGrant(grant) => Some(grant.id),
                _ => None,
            })
            .collect();
        let live = self.truth.codes.iter().filter(|(grant, code)| !code.revoked && owned(grant));
        let missing = live.into_iter().find(|(grant, _)| !shown.contains(grant)).map(|(grant, _)| *grant);
        let doors = mine.doors.iter().flat_map(|door| &door.codes).map(|code| code.grant);
        let home = *self.people[0].chain.home();
        let entry = |bytes: &[u8]| {
            let of_hub =
                |hub: &super::hub::Hub| Event::verify(bytes, &home, &hub.id, &hub.keys.sign_public()).ok();
            let (event, _) = self.hubs.iter().find_map(of_hub)?;
            event.body.entry().map(|(_, grant)| grant)
        };
        let entries = mine.entries.iter().filter_map(|bytes| entry(&bytes.0));
        let strange = shown.iter().copied().chain(doors).chain(entries).find(|grant| !owned(grant));
        let pin = self.find_pin(&[to_vec(mine)]);
        if let Some(grant) = strange {
            let code = self.code_number(grant);
            self.fails(Check::Secrets, format!("a resident is shown code {code}, which is somebody else's"));
        }
        if let Some(grant) = missing {
            let code = self.code_number(grant);
            self.fails(Check::Report, format!("a resident is not shown their own code {code}"));
        }
        if pin {
            self.fails(Check::Secrets, "a PIN in what a resident is shown".into());
        }
    }
}

//! What the hub of the vectors says.

use super::cast::Cast;
use super::{FRONT, NOW};
use latchkey_shared::event::{Event, EventBody, TakenWhy};
use latchkey_shared::explain::CodeState;
use latchkey_shared::report::{Bolt, CodeReport, Link, LockInfo, Report};
use latchkey_shared::slot::{LockAbilities, OwnEnd};
use latchkey_shared::testing;
use latchkey_shared::time::Seconds;

impl Cast {
    pub(super) fn report(&self) -> Vec<u8> {
        let abilities = LockAbilities { slots: 30, reserved: vec![1], toggles: true, ..testing::abilities() };
        let usual = testing::lock(FRONT, "Front door");
        let lock = LockInfo {
            abilities,
            battery: Some(87),
            free_slots: 25,
            bolt: Some(Bolt::Locked),
            link: Some(Link::Dbm(-61)),
            last_seen: Some(NOW),
            ..usual
        };
        let states = [CodeState::OnLock { verified_at: NOW }, CodeState::Writing, CodeState::WaitingForHub];
        let grants = self.home.state.grants().values().filter(|g| g.grant.locks.contains(&FRONT));
        let codes = grants.zip(states.into_iter().cycle()).map(|(entry, state)| CodeReport {
            uses: 1,
            first_used: Some(NOW),
            last_used: Some(NOW),
            own_end: Some(OwnEnd::ReadBack),
            ..testing::code(&entry.grant, state, NOW)
        });
        let report = Report { at: NOW, generation: 4, ..self.home.report(lock, codes.collect()) };
        report.sign(self.home.hub_keys.signing())
    }

    /// Three events in a row.
    pub(super) fn events(&self) -> Vec<Vec<u8>> {
        let grant = self.home.state.grants().keys().next().copied().expect("a grant");
        let bodies = [
            EventBody::Started("0.1.0".to_owned()),
            EventBody::CodePut(FRONT, grant, true),
            EventBody::CodeTaken(FRONT, grant, TakenWhy::Expired, true),
        ];
        let mut prev = None;
        let mut signed = Vec::new();
        for (number, body) in (1..).zip(bodies) {
            let event = Event {
                home: *self.home.state.home(),
                hub: self.home.hub,
                number,
                at: NOW.saturating_add(Seconds(number)),
                body,
                prev,
                clock_unsure: number == 1,
            };
            let (bytes, hash) = event.sign(self.home.hub_keys.signing());
            prev = Some(hash);
            signed.push(bytes);
        }
        signed
    }
}

//! What the hub of the vectors says.

use super::cast::Cast;
use super::{FRONT, NOW};
use latchkey_shared::event::{Event, EventBody, TakenWhy};
use latchkey_shared::explain::CodeState;
use latchkey_shared::report::{CodeReport, LockInfo, Report};
use latchkey_shared::slot::{LockAbilities, Readback};
use latchkey_shared::time::Seconds;

impl Cast {
    pub(super) fn report(&self) -> Vec<u8> {
        let abilities = LockAbilities {
            slots: 30,
            reserved: vec![1],
            pin_min: 4,
            pin_max: 8,
            readback: Readback::Full,
            own_schedules: false,
            one_length: None,
            paired_digits: false,
            toggles: true,
            tells_uses: true,
        };
        let lock = LockInfo {
            id: FRONT,
            name: "Front door".to_owned(),
            driver: "sim".to_owned(),
            abilities,
            unreachable_since: None,
            battery: Some(87),
            free_slots: 25,
            locked: Some(true),
        };
        let states = [CodeState::OnLock { verified_at: NOW }, CodeState::Writing, CodeState::WaitingForHub];
        let grants = self.home.state.grants().values().filter(|g| g.grant.locks.contains(&FRONT));
        let codes = grants.zip(states.into_iter().cycle()).map(|(entry, state)| CodeReport {
            grant: entry.grant.id,
            rev: entry.grant.rev,
            state,
            since: NOW,
            uses: 1,
            first_used: Some(NOW),
            last_used: Some(NOW),
        });
        let report = Report {
            home: *self.home.state.home(),
            hub: self.home.hub,
            number: 1,
            at: NOW,
            lock,
            seq: self.home.state.seq(),
            generation: 4,
            codes: codes.collect(),
            gone: false,
        };
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

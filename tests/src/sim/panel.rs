//! People at the hub's panel: they make and end codes there, with or without the internet. It counts on the hub's locks at
//! once; the cloud has it when it can be reached.

use super::bounds::MINUTE;
use super::hours::Hours;
use super::oracle::Check;
use super::truth::{Intent, Meant};
use super::world::{Event, World};
use chrono::{DateTime, Datelike, LocalResult, TimeZone, Timelike, Utc};
use latchkey_hub::core::panel::{Add, Edit, PanelAct, When};
use latchkey_shared::chain::Body;
use latchkey_shared::chain::op::Scope;
use latchkey_shared::grant::GrantKind;
use latchkey_shared::id::GrantId;
use latchkey_shared::pin::Pin;
use latchkey_shared::time::{Local, Seconds};

/// What may be made at the panel in these homes.
pub(super) fn scope() -> Scope {
    Scope { locks: None, max_length: Some(Seconds::days(30)), kinds: vec![GrantKind::Guest] }
}

impl World {
    pub(super) fn somebody_at_the_panel(&mut self) {
        if self.healed {
            return;
        }
        let wait = self.around(self.swarm.panel_every);
        self.after(wait, Event::Panel);
        let hub = &self.hubs[0];
        // Whoever sees a wrong time on the panel goes away.
        if hub.core.is_none() || hub.clock_bad || self.t < hub.excused + MINUTE {
            return;
        }
        let Some((pin, may)) = self.typed_at_the_panel() else { return };
        let token: [u8; 32] = self.people_rng.bytes();
        let now = self.hubs[0].machine.now(self.t);
        let opened =
            self.hubs[0].core.as_mut().is_some_and(|core| core.panel_open(&pin, &token, &now).is_ok());
        self.carry_out(0);
        if opened && !may {
            return self.fails(Check::Door, "the panel opens with a code that may not open it".into());
        }
        if opened && self.hubs[0].core.is_some() {
            self.act_at_the_panel(&token);
        }
    }

    /// A PIN, and whether it may open the panel; none where that is not to be told.
    fn typed_at_the_panel(&mut self) -> Option<(Pin, bool)> {
        let second = self.t / 1_000;
        let good = |code: &&super::truth::Code| {
            // Not in the minutes around a change.
            let steady = code.spans.open_at(second)
                && code.spans.open_at(second - 300)
                && code.spans.open_at(second + 300);
            let meant = &code.meant;
            meant.opens_panel && !code.revoked && !meant.suspended && steady && self.hubs[0].knows(code.seq)
        };
        let pins: Vec<String> =
            self.truth.codes.values().filter(good).map(|code| code.meant.pin.clone()).collect();
        let guests = self.truth.codes.values().filter(|code| code.meant.guest);
        let guests: Vec<String> = guests.map(|code| code.meant.pin.clone()).collect();
        if self.people_rng.permille(100) && !guests.is_empty() {
            let pin = self.people_rng.pick(&guests).clone();
            let first = self.truth.pins.get(&pin).and_then(|grant| self.truth.codes.get(grant));
            return first
                .filter(|code| code.meant.guest)
                .and_then(|_| Pin::parse(&pin).ok())
                .map(|pin| (pin, false));
        }
        if pins.is_empty() {
            return None;
        }
        Pin::parse(self.people_rng.pick::<String>(&pins)).ok().map(|pin| (pin, true))
    }

    fn act_at_the_panel(&mut self, token: &[u8; 32]) {
        let guests = self.truth.codes.iter().filter(|(_, code)| code.meant.guest && !code.revoked);
        let guests: Vec<GrantId> =
            guests.filter(|(_, code)| self.hubs[0].knows(code.seq)).map(|(grant, _)| *grant).collect();
        if self.people_rng.permille(300) && !guests.is_empty() {
            let grant = *self.people_rng.pick(&guests);
            if self.panel(token, PanelAct::Edit(grant, Edit::End)).is_some() {
                self.happened_at_the_panel(&Intent::Revoke(grant), grant, "code # is ended at the panel");
            }
            return;
        }
        let Some((act, hours)) = self.new_code() else { return };
        let locks = act.locks.clone();
        let Some((grant, Some(pin))) = self.panel(token, PanelAct::Add(act)) else { return };
        let pin = pin.expose().to_owned();
        self.pins_made.insert(pin.clone());
        let meant = Meant {
            grant,
            guest: true,
            opens_panel: false,
            pin,
            locks,
            hours,
            suspended: false,
            uses: None,
            holder: None,
        };
        self.happened_at_the_panel(&Intent::Put(meant), grant, "code # is made at the panel");
    }

    fn panel(&mut self, token: &[u8; 32], act: PanelAct) -> Option<(GrantId, Option<Pin>)> {
        let now = self.hubs[0].machine.now(self.t);
        let acted = self.hubs[0].core.as_mut()?.panel_act(token, act, &now).ok()?;
        Some((acted.grant, acted.pin))
    }

    /// It counts once the answer is out, and that is when all of it was carried out. Who gets no answer looks again later.
    fn happened_at_the_panel(&mut self, intent: &Intent, grant: GrantId, what: &'static str) {
        self.carry_out(0);
        let number = self.code_number(grant);
        let staged = self.hubs[0].disk.stored.staged.iter().any(|change| match &change.body {
            Body::PutGrant(put) => put.id == grant,
            Body::RevokeGrant(revoked) => *revoked == grant,
            _ => false,
        });
        if self.hubs[0].core.is_some() || staged {
            self.trace.step(self.t, what, [number, 0, 0]);
            let (key, t) = (self.hubs[0].keys.id(), self.t);
            self.truth.at_panel(intent, key, t);
            self.oracle.dirty = true;
        }
    }

    /// A code from now on until a time on the clock on the wall, as the panel shows it.
    fn new_code(&mut self) -> Option<(Add, Hours)> {
        let second = self.t / 1_000;
        let state = self.hubs[0].core.as_ref()?.chain().state()?;
        let zone: chrono_tz::Tz = state.policy().zone.as_str().parse().ok()?;
        let end = second + self.people_rng.within(20, 3_000) * 60;
        let wall = DateTime::<Utc>::from_timestamp(end as i64, 0)?.with_timezone(&zone).naive_local();
        let to = Local::new(
            wall.year(),
            wall.month() as u8,
            wall.day() as u8,
            wall.hour() as u8,
            wall.minute() as u8,
            wall.second() as u8,
        );
        let until = match zone.from_local_datetime(&wall) {
            LocalResult::Single(t) | LocalResult::Ambiguous(_, t) => t.timestamp() as u64,
            LocalResult::None => return None,
        };
        let lock = self.people_rng.below(self.locks.len() as u64) as usize;
        let when = When::Custom { from: None, to: Some(to.ok()?) };
        let locks = self.names_at(lock, 0);
        let add = Add { label: "Visitor".into(), kind: GrantKind::Guest, locks, when, pin: None };
        Some((add, Hours { from: second, until: Some(until), ..Hours::default() }))
    }

    /// The cloud has what was changed at the panel.
    pub(super) fn panel_sequenced(&mut self, seq: u64) {
        self.truth.seq = self.truth.seq.max(seq);
        self.trace.step(self.t, "the cloud takes what was changed at the panel, up to op #", [seq, 0, 0]);
        self.tell_hubs(seq);
    }
}

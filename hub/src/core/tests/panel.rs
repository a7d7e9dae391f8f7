//! Codes changed at the panel, with and without the cloud.

use super::world::World;
use crate::core::clock::Now;
use crate::core::lock::{Bolt, Happening, Notice};
use crate::core::panel::{Acted, Add, DoorAct, Edit, PanelAct, PanelError, ShutWhy, Token, When};
use crate::core::{HubCore, Input};
use latchkey_shared::chain::Body;
use latchkey_shared::chain::op::{AddHub, Scope};
use latchkey_shared::event::{EventBody, PanelChange};
use latchkey_shared::explain::{CodeState, FailWhy};
use latchkey_shared::grant::{Grant, GrantKind};
use latchkey_shared::id::GrantId;
use latchkey_shared::pin::Pin;
use latchkey_shared::schedule::Preset;
use latchkey_shared::slot::SlotNo;
use latchkey_shared::time::{Seconds, Timestamp};
use latchkey_shared::zone::{FixedZone, Zone};

pub(super) const TOKEN: Token = [7; 32];
pub(super) const PRIMARY: &str = "739164";
const ALL: [&str; 4] = ["front", "back", "garage", "gate"];

pub(super) fn pin(digits: &str) -> Pin {
    Pin::parse(digits).unwrap()
}

impl World {
    /// An owner lets the panel change guests' and family's codes of at most 30 days, and has a primary code.
    pub(super) fn with_panel(seed: u64) -> (Self, GrantId) {
        let mut w = Self::new(seed);
        let kinds = vec![GrantKind::Standard, GrantKind::Guest];
        w.allow(Some(Scope { locks: None, max_length: Some(Seconds::days(30)), kinds }));
        let primary = Grant { label: "Ada".into(), ..w.endless(GrantKind::Primary, PRIMARY) };
        w.put(&primary);
        w.run(3);
        (w, primary.id)
    }

    pub(super) fn allow(&mut self, panel: Option<Scope>) {
        let (hub, key) = (self.home.hub, self.home.hub_keys.record("Hall"));
        self.home.push(Body::AddHub(AddHub { hub, key, panel, wraps: vec![] })).unwrap();
        self.tell();
    }

    pub(super) fn endless(&mut self, kind: GrantKind, digits: &str) -> Grant {
        Grant { kind, expires: None, may_disarm: true, ..self.guest(digits, &["front"]) }
    }

    pub(super) fn with<T>(&mut self, act: impl FnOnce(&mut HubCore, &Now) -> T) -> T {
        let now = self.now;
        let value = act(self.core.as_mut().unwrap(), &now);
        self.settle();
        value
    }

    pub(super) fn open(&mut self, digits: &str) -> Result<(), ShutWhy> {
        self.with(|core, now| core.panel_open(&pin(digits), &TOKEN, now))
    }

    pub(super) fn act(&mut self, act: PanelAct) -> Result<Acted, PanelError> {
        self.with(|core, now| core.panel_act(&TOKEN, act, now))
    }

    pub(super) fn adds(&mut self, label: &str, typed: Option<&str>) -> Result<(GrantId, String), PanelError> {
        let locks = ALL.map(|key| self.id(key)).to_vec();
        let when = When::Preset(Preset::Days(2));
        let add = Add { label: label.into(), kind: GrantKind::Guest, locks, when, pin: typed.map(pin) };
        let acted = self.act(PanelAct::Add(add))?;
        let digits = acted.pin.map_or_else(|| typed.unwrap().to_owned(), |pin| pin.expose().to_owned());
        Ok((acted.grant, digits))
    }

    pub(super) fn edits(&mut self, grant: GrantId, edit: Edit) -> Result<(), PanelError> {
        self.act(PanelAct::Edit(grant, edit)).map(drop)
    }

    fn opens(&mut self, digits: &str) -> Vec<bool> {
        ALL.iter().map(|key| self.types(key, digits)).collect()
    }

    fn dropped(&self) -> Vec<(GrantId, PanelChange, String)> {
        let said = self.cloud_events.iter().filter_map(|event| match &event.body {
            EventBody::PanelDropped(grant, what, why) => Some((*grant, *what, why.clone())),
            _ => None,
        });
        said.collect()
    }
}

#[test]
fn what_is_changed_offline_works_at_once_and_reaches_the_cloud_in_order() {
    let (mut w, primary) = World::with_panel(51);
    w.net = false;
    w.open(PRIMARY).unwrap();
    let (zoe, digits) = w.adds("Zoë", None).unwrap();
    w.run(3);
    assert_eq!(w.opens(&digits), [true; 4]);
    let commands = w.commands.len();
    w.edits(zoe, Edit::Rename("Zoë B.".into())).unwrap();
    w.run(3);
    assert_eq!(w.commands.len(), commands, "a name is nothing to a lock");
    w.edits(zoe, Edit::Suspend(true)).unwrap();
    w.run(3);
    assert_eq!(w.opens(&digits), [false; 4]);
    w.edits(zoe, Edit::Suspend(false)).unwrap();
    let (ben, bens) = w.adds("Ben", Some("735168")).unwrap();
    w.run(3);
    assert_eq!((w.opens(&digits), w.opens(&bens)), (vec![true; 4], vec![true; 4]), "the same PINs");
    w.edits(ben, Edit::End).unwrap();
    w.run(3);
    assert_eq!(w.opens(&bens), [false; 4]);
    assert_eq!(w.home.state.grants().len(), 1, "the cloud knows nothing of it");
    // A restart in between loses nothing.
    w.crash();
    w.run(3);
    assert_eq!(w.opens(&digits), [true; 4]);

    w.net = true;
    w.input(Input::NetworkUp);
    w.run(5);
    assert_eq!(w.stored.staged, []);
    let entry = &w.home.state.grants()[&zoe];
    assert_eq!((entry.grant.label.as_str(), entry.grant.rev, entry.grant.suspended), ("Zoë B.", 4, false));
    assert!(w.home.state.revoked().contains_key(&ben));
    let said = w.cloud_events.iter().filter_map(|event| match event.body {
        EventBody::PanelChanged(grant, what, by) if by == primary => Some((grant, what)),
        _ => None,
    });
    use PanelChange::*;
    let expected =
        [(zoe, Added), (zoe, Edited), (zoe, Suspended), (zoe, Resumed), (ben, Added), (ben, Ended)];
    assert_eq!(said.collect::<Vec<_>>(), expected);
    assert_eq!(w.dropped(), []);
    assert_eq!(w.opens(&digits), [true; 4], "and it goes on");
    let commands = w.commands.len();
    w.run(600);
    assert_eq!(w.commands.len(), commands, "being sequenced changes nothing at the locks");
}

#[test]
fn with_the_cloud_there_it_is_sequenced_at_once() {
    let (mut w, _) = World::with_panel(52);
    w.open(PRIMARY).unwrap();
    let (grant, digits) = w.adds("Zoë", None).unwrap();
    w.run(2);
    assert!(w.home.state.grants().contains_key(&grant));
    assert_eq!((w.submits, w.stored.staged.len()), (1, 0));
    assert_eq!(w.opens(&digits), [true; 4]);
}

#[test]
fn another_end_for_a_code_in_its_stay_moves_its_stay() {
    let (mut w, _) = World::with_panel(64);
    let stay = Grant { stay: Some(Seconds::hours(2)), ..w.guest("602847", &["front"]) };
    w.put(&stay);
    w.run(3);
    assert!(w.types("front", "602847"));
    w.open(PRIMARY).unwrap();
    let to = w.real_time().saturating_add(Seconds::hours(5));
    let local = FixedZone::UTC.to_local(Timestamp(to.0 / 60 * 60));
    w.edits(stay.id, Edit::Until(Some(local))).unwrap();
    w.run(3 * 3600);
    assert!(w.types("front", "602847"), "an hour after its first end");
    w.run(3 * 3600);
    assert!(!w.types("front", "602847"));
}

#[test]
fn a_lost_answer_or_a_crash_at_any_moment_makes_no_second_code() {
    for moment in 0..14 {
        let (mut w, _) = World::with_panel(53);
        w.open(PRIMARY).unwrap();
        w.loses_answer = moment % 2 == 0;
        w.crash_in = Some(moment);
        let made = w.adds("Zoë", Some("735168"));
        w.run(40);
        let there = w.home.state.grants().values().filter(|e| e.grant.label == "Zoë").count();
        let ops = w.home.ops.len();
        assert_eq!((w.stored.staged.len(), w.dropped().len()), (0, 0), "{moment}");
        assert!(there <= 1, "{moment}");
        // What was persisted before the crash stays, on the locks and in the chain.
        let opened = w.opens("735168");
        assert!(opened.iter().all(|o| *o == (there == 1)), "{moment}: {opened:?}");
        assert!(made.is_ok());
        w.run(60);
        assert_eq!(w.home.ops.len(), ops, "{moment}");
    }
}

#[test]
fn others_were_faster_and_what_no_longer_fits_is_dropped_and_said() {
    let (mut w, _) = World::with_panel(54);
    let cleaner = Grant { label: "Cleaner".into(), ..w.guest("602847", &ALL) };
    let gardener = Grant { label: "Gardener".into(), ..w.guest("602849", &ALL) };
    w.put(&cleaner);
    w.put(&gardener);
    w.run(3);
    w.net = false;
    w.open(PRIMARY).unwrap();
    w.edits(cleaner.id, Edit::Rename("Cleaning".into())).unwrap();
    w.edits(gardener.id, Edit::Suspend(true)).unwrap();
    let (zoe, digits) = w.adds("Zoë", None).unwrap();
    // Meanwhile an owner, far away.
    w.revoke(cleaner.id);
    let mut next = Grant { rev: 2, label: "Garden".into(), ..gardener.clone() };
    w.home.seal(&mut next, "602849");
    w.put(&next);
    w.net = true;
    w.input(Input::NetworkUp);
    w.run(10);
    let expected = [
        (cleaner.id, PanelChange::Edited, "chain.revoked".to_owned()),
        (gardener.id, PanelChange::Suspended, "chain.revision".to_owned()),
    ];
    assert_eq!(w.dropped(), expected);
    assert!(w.home.state.grants().contains_key(&zoe), "what fits goes on");
    assert_eq!(w.home.state.grants()[&gardener.id].grant.label, "Garden");
    assert_eq!(
        (w.opens("602847"), w.opens("602849"), w.opens(&digits)),
        (vec![false; 4], vec![true; 4], vec![true; 4])
    );
}

#[test]
fn a_scope_that_was_taken_back_takes_back_what_waits() {
    let (mut w, _) = World::with_panel(55);
    w.net = false;
    w.open(PRIMARY).unwrap();
    let (grant, digits) = w.adds("Zoë", None).unwrap();
    w.run(3);
    assert!(w.types("front", &digits));
    w.allow(None);
    w.net = true;
    w.input(Input::NetworkUp);
    w.run(10);
    assert_eq!(w.dropped(), [(grant, PanelChange::Added, "chain.not_allowed".to_owned())]);
    assert_eq!(w.opens(&digits), [false; 4]);
    assert!(matches!(w.edits(grant, Edit::End), Err(PanelError::NoScope)));
}

#[test]
fn a_new_home_key_does_not_lose_what_waits() {
    let (mut w, _) = World::with_panel(56);
    w.net = false;
    w.open(PRIMARY).unwrap();
    let (grant, digits) = w.adds("Zoë", None).unwrap();
    let holders = [w.home.owner.record("Ada"), w.home.hub_keys.record("Hall")];
    let body = w.home.new_epoch_body(&holders);
    w.home.push(body).unwrap();
    w.net = true;
    w.input(Input::NetworkUp);
    w.run(10);
    assert_eq!(w.home.state.grants()[&grant].grant.pin.epoch, 2);
    assert_eq!((w.opens(&digits), w.dropped().len()), (vec![true; 4], 0));
}

#[test]
fn wrong_pins_cost_more_and_more_and_a_restart_does_not_help() {
    let (mut w, _) = World::with_panel(57);
    for _ in 0..3 {
        assert_eq!(w.open("111213"), Err(ShutWhy::Wrong(0)));
    }
    assert_eq!(w.open("111213"), Err(ShutWhy::Wrong(5_000)));
    assert_eq!(w.open(PRIMARY), Err(ShutWhy::Wait(5_000)), "not even the right one");
    w.crash();
    assert_eq!(w.open(PRIMARY), Err(ShutWhy::Wait(5_000)));
    w.run(6);
    assert_eq!(w.open("111213"), Err(ShutWhy::Wrong(10_000)));
    w.run(11);
    assert_eq!(w.open(PRIMARY), Ok(()));
    assert_eq!(w.open("111213"), Err(ShutWhy::Wrong(0)), "counted anew");
    w.run(2);
    assert_eq!(w.logged(|e| matches!(e, EventBody::PanelRefused)), 6);
    // A guest's or family's PIN opens no panel.
    let family = w.endless(GrantKind::Standard, "602847");
    w.put(&family);
    w.run(2);
    assert!(matches!(w.open("602847"), Err(ShutWhy::Wrong(_))));
}

#[test]
fn it_closes_when_idle_and_when_the_code_that_opened_it_ends() {
    let (mut w, primary) = World::with_panel(58);
    let shut = |w: &mut World| matches!(w.adds("Zoë", None), Err(PanelError::Shut));
    assert!(shut(&mut w));
    w.open(PRIMARY).unwrap();
    w.run(9 * 60);
    assert!(!shut(&mut w));
    w.run(9 * 60);
    assert!(!shut(&mut w), "it was used");
    w.run(10 * 60);
    assert!(shut(&mut w));
    w.open(PRIMARY).unwrap();
    w.revoke(primary);
    w.run(2);
    assert!(shut(&mut w));
    assert_eq!(w.open(PRIMARY), Err(ShutWhy::NobodyCould));
    let (mut w, _) = World::with_panel(58);
    w.open(PRIMARY).unwrap();
    w.with(|core, _| core.panel_close(&TOKEN));
    assert!(shut(&mut w));
}

#[test]
fn a_duress_pin_opens_it_like_any_other_and_raises_the_alarm() {
    let look = |digits: &str| {
        let (mut w, _) = World::with_panel(59);
        let duress = Grant { label: "Ada".into(), ..w.endless(GrantKind::Duress, "735168") };
        w.put(&duress);
        w.run(3);
        w.net = false;
        w.open(digits).unwrap();
        let (_, made) = w.adds("Zoë", Some("602847")).unwrap();
        w.run(3);
        assert_eq!(w.opens(&made), [true; 4]);
        let shown = w.with(|core, now| {
            let view = core.panel_view(&TOKEN, now).unwrap();
            serde_json::to_string(&(core.view(now), view)).unwrap()
        });
        w.net = true;
        w.input(Input::NetworkUp);
        w.run(5);
        let alarms = w.logged(|e| matches!(e, EventBody::PanelDuress(g) if *g == duress.id));
        let opened = w.logged(|e| matches!(e, EventBody::PanelOpened(_)));
        (shown, alarms, opened)
    };
    let (normal, alarms, opened) = look(PRIMARY);
    assert_eq!((alarms, opened), (0, 1));
    assert_eq!(look("735168"), (normal, 1, 0));
}

#[test]
fn a_duress_code_at_the_door_raises_the_alarm_and_opens() {
    let (mut w, _) = World::with_panel(60);
    let duress = w.endless(GrantKind::Duress, "735168");
    w.put(&duress);
    w.run(3);
    assert!(w.types("front", "735168"));
    w.run(2);
    let front = w.id("front");
    assert_eq!(w.logged(|e| *e == EventBody::Duress(front, duress.id)), 1);
    assert_eq!(w.logged(|e| matches!(e, EventBody::CodeUsed(_, g) if *g == duress.id)), 0, "once, not twice");
}

#[test]
fn the_hub_has_the_last_word_on_pins() {
    let (mut w, _) = World::with_panel(61);
    let past = w.guest("602847", &["gate"]);
    w.put(&past);
    w.revoke(past.id);
    let byhand = pin("590274");
    w.sims.get_mut("front").unwrap().changed_by_hand(SlotNo(5), Some(byhand), super::world::BEGIN);
    let what = Happening::Changed { slot: SlotNo(5) };
    w.input(Input::LockSays(w.id("front"), Notice { journal: None, at: None, what }));
    w.run(3);
    w.open(PRIMARY).unwrap();
    let refused = |w: &mut World, digits| match w.adds("Zoë", Some(digits)) {
        Err(PanelError::Pin(broken)) => broken.into_iter().map(|(code, _)| code).collect::<Vec<_>>(),
        other => panic!("{digits} was taken: {:?}", other.map(|_| ())),
    };
    assert_eq!(refused(&mut w, PRIMARY), ["pin.in_use"]);
    assert_eq!(refused(&mut w, "602847"), ["pin.used_before"]);
    assert_eq!(refused(&mut w, "590274"), ["pin.set_by_hand"]);
    assert!(refused(&mut w, "123456").contains(&"pin.sequence"));
    assert_eq!(w.home.state.grants().len(), 1);
    let front = w.id("front");
    let judged = w.with(|core, now| core.panel_judge(&TOKEN, "590274", &[front], now)).unwrap();
    assert!(judged.broken[0].1.contains("front by hand"), "{judged:?}");
    assert!(judged.left.starts_with("About "), "{}", judged.left);
    let stranger = latchkey_shared::id::LockId([9; 16]);
    let judged = w.with(|core, now| core.panel_judge(&TOKEN, "590274", &[stranger], now));
    assert!(matches!(judged, Err(PanelError::NotHere)));
    // The same from the cloud: refused at the lock, each for its own reason.
    let twin = w.guest(PRIMARY, &["front"]);
    let again = w.guest("602847", &["front"]);
    let hand = w.guest("590274", &["front"]);
    for grant in [&twin, &again, &hand] {
        w.put(grant);
    }
    w.run(5);
    let why = |w: &World, grant: &Grant| match w.state("front", grant.id) {
        Some(CodeState::Failed { why, .. }) => why,
        other => panic!("{other:?}"),
    };
    assert_eq!(why(&w, &twin), FailWhy::Duplicate);
    assert_eq!(why(&w, &again), FailWhy::UsedBefore);
    assert_eq!(why(&w, &hand), FailWhy::DuplicateByHand);
    // A code that goes back to a PIN which it had before its last one.
    let mut grant = w.guest("735168", &["gate"]);
    for (rev, digits) in [(1, "735168"), (2, "735186"), (3, "735186"), (4, "735168")] {
        grant = Grant { rev, ..grant };
        w.home.seal(&mut grant, digits);
        w.put(&grant);
    }
    w.run(5);
    assert!(matches!(w.state("gate", grant.id), Some(CodeState::Failed { why: FailWhy::UsedBefore, .. })));
}

#[test]
fn the_panel_keeps_within_what_an_owner_allowed() {
    let mut w = World::new(62);
    let primary = w.endless(GrantKind::Primary, PRIMARY);
    w.put(&primary);
    w.run(3);
    w.open(PRIMARY).unwrap();
    assert!(matches!(w.adds("Zoë", None), Err(PanelError::NoScope)), "nobody allowed anything");
    let (gate, front) = (w.id("gate"), w.id("front"));
    w.allow(Some(Scope {
        locks: Some(vec![gate]),
        max_length: Some(Seconds::days(3)),
        kinds: vec![GrantKind::Guest],
    }));
    w.run(2);
    let add = |locks, days, kind| {
        PanelAct::Add(Add {
            label: "Zoë".into(),
            kind,
            locks,
            when: When::Preset(Preset::Days(days)),
            pin: None,
        })
    };
    let not_allowed =
        |result: Result<Acted, PanelError>| result.is_err_and(|e| e.code() == "chain.not_allowed");
    assert!(not_allowed(w.act(add(vec![front], 1, GrantKind::Guest))));
    assert!(not_allowed(w.act(add(vec![gate], 4, GrantKind::Guest))));
    assert!(not_allowed(w.act(add(vec![gate], 1, GrantKind::Primary))));
    assert!(not_allowed(w.act(PanelAct::Edit(primary.id, Edit::End))));
    let made = w.act(add(vec![gate], 2, GrantKind::Guest)).unwrap();
    let too_long = Edit::Until(None);
    assert!(w.edits(made.grant, too_long).is_err(), "a guest's code has an end");
    assert!(
        matches!(w.edits(made.grant, Edit::Suspend(false)), Err(PanelError::Compose(_))),
        "nothing would change"
    );
    for name in ["", "   ", "line\nbreak"] {
        assert!(w.edits(made.grant, Edit::Rename(name.into())).is_err(), "{name:?}");
    }
    w.run(3);
    assert_eq!(w.home.state.grants().len(), 2);
    assert_eq!(w.dropped(), []);
}

#[test]
fn without_the_time_codes_can_be_ended_and_not_made() {
    let (mut w, _) = World::with_panel(63);
    w.open(PRIMARY).unwrap();
    let (grant, _) = w.adds("Zoë", None).unwrap();
    w.run(3);
    // The power fails for long, and the clock is lost.
    w.net = false;
    w.boot.id = [2; 16];
    w.now.wall = latchkey_shared::time::Timestamp(5);
    w.crash();
    w.run(2);
    w.open(PRIMARY).unwrap();
    assert!(matches!(w.adds("Ben", None), Err(PanelError::NoTime)));
    w.edits(grant, Edit::End).unwrap();
    w.run(3);
    assert_eq!(w.state("front", grant), Some(CodeState::Revoked));
}

#[test]
fn a_door_is_moved_and_read_anew_at_the_open_panel_alone() {
    let (mut w, ada) = World::with_panel(73);
    let front = w.id("front");
    let door = |w: &mut World, act| w.with(|core, now| core.panel_door(&TOKEN, front, act, now));
    assert!(matches!(door(&mut w, DoorAct::Unlock), Err(PanelError::Shut)));
    w.run(40);
    assert!(!w.sent("front", 0).contains(&"unlock"));
    w.open(PRIMARY).unwrap();
    door(&mut w, DoorAct::Unlock).unwrap();
    w.run(3);
    assert_eq!(w.logged(|e| *e == EventBody::Operated(front, Bolt::Unlocked, ada, true)), 1);
    let view = w.core.as_ref().unwrap().view(&w.now);
    let shown = view.locks.iter().find(|lock| lock.key == "front").unwrap();
    assert_eq!((shown.bolt, shown.operating), (Some("unlocked"), false));
    door(&mut w, DoorAct::Resync).unwrap();
    assert!(matches!(door(&mut w, DoorAct::Resync), Err(PanelError::ReadJustNow)));
    let nowhere =
        w.with(|core, now| core.panel_door(&TOKEN, latchkey_shared::id::LockId([9; 16]), DoorAct::Lock, now));
    assert!(matches!(nowhere, Err(PanelError::NotHere)));
}

#[test]
fn what_begins_now_has_begun_when_a_leading_clock_is_put_right() {
    let (mut w, _) = World::with_panel(57);
    w.net = false;
    let right = w.now.wall;
    w.now.wall = right.saturating_add(Seconds::hours(5));
    w.run(3);
    w.open(PRIMARY).unwrap();
    let (zoe, digits) = w.adds("Zoë", None).unwrap();
    w.run(3);
    assert_eq!(w.opens(&digits), [true; 4]);
    w.now.wall = w.real_time();
    w.net = true;
    w.input(Input::NetworkUp);
    w.run(120);
    assert_eq!(w.opens(&digits), [true; 4], "the time was taken back, the code stays");
    let grant = &w.home.state.grants()[&zoe].grant;
    assert!(grant.not_before <= right.saturating_add(Seconds(10)), "{:?}", grant.not_before);
}

//! What is known of one lock, and what its messages mean.

use super::ask::Ask;
use super::message::State;
use super::published::{Listed, Options};
use super::shared::{Shared, SharedLock};
use crate::core::lock::{Bolt, Happening, Link, Reading};
use crate::drivers::Applied;
use latchkey_shared::slot::{SlotContent, SlotNo};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::time::Instant;

/// How long a lock may take to tell of a change that the hub made itself.
const ECHO: Duration = Duration::from_secs(30);
/// A change of the link quality that is worth a word.
const LINK_STEP: u8 = 10;

/// What was read for this hub, in the form of zigbee2mqtt's filters.
const ANSWERS: &str = "latchkey_.*";

/// A question that waits for its answer.
pub(super) struct Pending {
    pub(super) ask: Ask,
    /// What zigbee2mqtt repeats if it fails.
    pub(super) mark: String,
    /// Whether it was sent, or waits until zigbee2mqtt is set up for the lock.
    pub(super) sent: bool,
    /// Whether an older answer may come first, so that only the last one before the end counts.
    pub(super) doubted: bool,
    /// What is known of the command's fate so far.
    pub(super) applied: Applied,
    /// What was read so far.
    pub(super) reading: Option<Reading>,
}

/// Whether zigbee2mqtt is set up for the lock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Setup {
    /// It has not said how it is set up.
    Unknown,
    /// It was asked to change something.
    Asked,
    /// As far as it goes.
    Done,
}

/// A lock as the bridge keeps it.
pub(super) struct Known {
    pub(super) listed: Listed,
    pub(super) shared: SharedLock,
    pub(super) setup: Setup,
    pub(super) pending: Option<Pending>,
    /// Whether answers to questions that were given up may still come. A lock answers in order, so that they are over
    /// when it has answered something that was asked after them.
    pub(super) doubt: bool,
    /// Whether zigbee2mqtt lists it as a lock that can be used.
    pub(super) is_listed: bool,
    /// What zigbee2mqtt says of its reachability, if it does.
    pub(super) available: Option<bool>,
    /// What the hub was told.
    pub(super) here: bool,
    changed_here: BTreeMap<SlotNo, Instant>,
    door_state: Option<String>,
    tampered: bool,
}

impl Known {
    pub(super) fn new(listed: Listed, expects_pins: bool) -> Self {
        let shared = Arc::new(Mutex::new(Shared::new(&listed, expects_pins)));
        Self {
            listed,
            shared,
            setup: Setup::Unknown,
            pending: None,
            doubt: false,
            is_listed: true,
            available: None,
            here: true,
            changed_here: BTreeMap::new(),
            door_state: None,
            tampered: false,
        }
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Another name, or another definition of the same device.
    pub(super) fn relist(&mut self, listed: Listed) {
        let mut shared = self.shared();
        (shared.model, shared.tells_uses) = (listed.model, listed.tells_uses);
        drop(shared);
        self.listed = listed;
    }

    /// The options that zigbee2mqtt must have: of readings it is to remember none, so that one that it says is one
    /// that it made. That also keeps PINs out of its state file.
    pub(super) fn never_repeated(&self) -> &'static [&'static str] {
        if self.shared().model.readable {
            &["users", ANSWERS]
        } else {
            &[ANSWERS, "last_unlock_user", "last_unlock_source", "last_used_pin_code"]
        }
    }

    /// Takes what zigbee2mqtt says of its options, and whether it can be left at that.
    pub(super) fn set_up(&mut self, options: &Options, expose: bool, last_word: bool) -> bool {
        let filter = options.filtered_cache.as_deref().unwrap_or_default();
        let repeats = !self.never_repeated().iter().all(|one| filter.iter().any(|name| name == one));
        let exposes = options.expose_pin == Some(true);
        let right = !repeats && (exposes || !expose);
        let mut shared = self.shared();
        shared.fresh &= !repeats;
        if right || last_word {
            (shared.repeats, shared.exposes) = (repeats, exposes);
        }
        right
    }

    /// Whether zigbee2mqtt goes on repeating what it read before.
    pub(super) fn is_repeating(&self) -> bool {
        self.shared().repeats
    }

    /// Whether its read-back is not any more what it was said to be.
    pub(super) fn is_other_than_said(&mut self) -> bool {
        let mut shared = self.shared();
        let now = shared.readback();
        shared.said.take_if(|said| *said != now).is_some()
    }

    /// Nobody waits for the answer any more.
    pub(super) fn give_up(&mut self) {
        if let Some(pending) = self.pending.take() {
            self.doubt |= pending.sent && pending.ask.what.reads().is_some();
        }
    }

    /// The connection begins anew, and with it what is known of zigbee2mqtt.
    pub(super) fn start_over(&mut self) {
        self.give_up();
        (self.setup, self.available) = (Setup::Unknown, None);
        self.may_repeat();
    }

    /// zigbee2mqtt may have begun anew, with what it remembered before it was set up.
    pub(super) fn may_repeat(&mut self) {
        self.shared().fresh = false;
    }

    pub(super) fn will_change(&mut self, slot: SlotNo, now: Instant) {
        self.changed_here.retain(|_, at| now.duration_since(*at) < ECHO);
        self.changed_here.insert(slot, now);
    }

    /// A message that was made after zigbee2mqtt was set up: from now on it repeats no readings. Whether that was so
    /// before this message.
    pub(super) fn freshen(&mut self) -> bool {
        let done = self.setup == Setup::Done;
        let mut shared = self.shared();
        let before = shared.fresh;
        shared.fresh = done && !shared.repeats;
        before && shared.fresh
    }

    /// What a reading tells of the lock: whether it shows its PINs where zigbee2mqtt would say them.
    pub(super) fn was_read(&mut self, reading: &Reading) {
        let mut shared = self.shared();
        match reading.content {
            SlotContent::Occupied => shared.masks = shared.exposes,
            SlotContent::Pin(_) => shared.masks = false,
            SlotContent::Empty | SlotContent::Unknown => {}
        }
    }

    /// What a message tells that is new. `live`: it is about now, and not what the broker kept.
    pub(super) fn happenings(&mut self, state: &State, live: bool, now: Instant) -> Vec<Happening> {
        let mut news = self.vitals(state);
        if let (Some(door), true) = (&state.door_state, self.door_state != state.door_state) {
            match door.as_str() {
                "error_jammed" => news.push(Happening::Bolt(Bolt::Jammed)),
                "error_forced_open" => news.push(Happening::Tampered),
                _ => {}
            }
            self.door_state = Some(door.clone());
        }
        if let Some(tampered) = state.tamper {
            if tampered && !self.tampered {
                news.push(Happening::Tampered);
            }
            self.tampered = tampered;
        }
        if !live {
            return vec![];
        }
        news.extend(self.action(state, now));
        news
    }

    fn vitals(&mut self, state: &State) -> Vec<Happening> {
        let mut news = vec![];
        let mut shared = self.shared();
        let vitals = &mut shared.vitals;
        // Rounded, and within bounds: some models say more than 100.
        let battery = state.battery.filter(|percent| percent.is_finite());
        if let Some(percent) = battery.map(|percent| percent.round().clamp(0.0, 100.0) as u8)
            && vitals.battery.replace(percent) != Some(percent)
        {
            news.push(Happening::Battery(percent));
        }
        if let Some(low) = state.battery_low {
            if low && !vitals.battery_low {
                news.push(Happening::BatteryLow);
            }
            vitals.battery_low = low;
        }
        if let Some(bolt) = state.bolt()
            && vitals.bolt.replace(bolt) != Some(bolt)
        {
            news.push(Happening::Bolt(bolt));
        }
        if let Some(lqi) = state.linkquality {
            match vitals.link {
                Some(Link::Lqi(told)) if told == lqi => {}
                Some(Link::Lqi(told)) if told.abs_diff(lqi) < LINK_STEP => news.push(Happening::Seen),
                _ => {
                    vitals.link = Some(Link::Lqi(lqi));
                    news.push(Happening::Link(Link::Lqi(lqi)));
                }
            }
        }
        news
    }

    fn action(&self, state: &State, now: Instant) -> Option<Happening> {
        let keypad = state.action_source_name.as_deref() == Some("keypad");
        let slot = |user: u16| (user != 0).then_some(SlotNo(user));
        match state.action.as_deref() {
            Some("unlock") if keypad => Some(Happening::Opened { slot: slot(state.action_user?)? }),
            Some("password_unlock") => Some(Happening::Opened { slot: slot(state.action_user?)? }),
            Some(action) if action.starts_with("unlock_failure") || action.starts_with("lock_failure") => {
                Some(Happening::Refused)
            }
            Some("pin_code_added" | "pin_code_deleted" | "pin_code_changed") => self.changed(state, now),
            Some(_) => Some(Happening::Seen),
            // Only said by locks whose memory of it zigbee2mqtt was told to drop.
            None if self.shared().fresh && state.last_unlock_source.as_deref() == Some("keypad") => {
                let user = state.last_unlock_user.as_ref()?.parse().ok()?;
                Some(Happening::Opened { slot: slot(user)? })
            }
            None => None,
        }
    }

    fn changed(&self, state: &State, now: Instant) -> Option<Happening> {
        let slots = self.shared().abilities().slots;
        let Some(user) = state.action_user.filter(|user| *user <= slots) else {
            // All of them, or none that is known.
            return Some(Happening::ChangedAll);
        };
        let slot = SlotNo(user);
        let by_radio = state.action_source_name.as_deref() == Some("rf");
        let own = self.changed_here.get(&slot).is_some_and(|at| now.duration_since(*at) < ECHO);
        (user != 0 && !(by_radio && own)).then_some(Happening::Changed { slot })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drivers::zigbee2mqtt::message::Attributes;
    use crate::drivers::zigbee2mqtt::models::Model;
    use latchkey_shared::slot::Readback;

    fn known(vendor: &str, model: &str) -> Known {
        let model = Model::of(vendor, model);
        let listed = Listed { ieee: "0x01".into(), name: "front".into(), model, tells_uses: true };
        Known::new(listed, true)
    }

    fn told(known: &mut Known, json: &str) -> Vec<Happening> {
        known.happenings(&State::parse(json.as_bytes()).unwrap(), true, Instant::now())
    }

    #[test]
    fn what_is_repeated_is_told_once() {
        let mut lock = known("Yale", "x");
        let json = r#"{"battery":14.4,"battery_low":true,"lock_state":"not_fully_locked","linkquality":120,
            "door_state":"error_forced_open","tamper":true}"#;
        let news = told(&mut lock, json);
        assert_eq!(news.len(), 6, "{news:?}");
        assert!(news.contains(&Happening::Bolt(Bolt::Jammed)) && news.contains(&Happening::Battery(14)));
        assert!(told(&mut lock, json).is_empty());
        assert_eq!(told(&mut lock, r#"{"linkquality":123}"#), [Happening::Seen]);
    }

    #[test]
    fn entries_and_changes() {
        let mut lock = known("Yale", "x");
        let keypad = |action: &str, user: &str| {
            format!(r#"{{"action":"{action}","action_source_name":"keypad","action_user":{user}}}"#)
        };
        assert_eq!(told(&mut lock, &keypad("unlock", "5")), [Happening::Opened { slot: SlotNo(5) }]);
        assert_eq!(told(&mut lock, &keypad("unlock", "0")), [], "user 0 has no slot");
        assert_eq!(
            told(&mut lock, &keypad("unlock_failure_invalid_pin_or_id", "null")),
            [Happening::Refused]
        );
        assert_eq!(told(&mut lock, &keypad("pin_code_added", "7")), [Happening::Changed { slot: SlotNo(7) }]);
        assert_eq!(told(&mut lock, &keypad("pin_code_deleted", "null")), [Happening::ChangedAll]);
        assert_eq!(told(&mut lock, &keypad("pin_code_deleted", "65535")), [Happening::ChangedAll]);
        let opened = State::parse(keypad("unlock", "5").as_bytes()).unwrap();
        assert!(lock.happenings(&opened, false, Instant::now()).is_empty(), "the broker had kept it");
    }

    #[test]
    fn the_echo_of_an_own_change_is_not_one() {
        let mut lock = known("Yale", "x");
        let now = Instant::now();
        lock.will_change(SlotNo(5), now);
        let by = |source: &str, user| {
            let json = format!(
                r#"{{"action":"pin_code_added","action_source_name":"{source}","action_user":{user}}}"#
            );
            State::parse(json.as_bytes()).unwrap()
        };
        assert!(lock.happenings(&by("rf", 5), true, now).is_empty());
        assert_eq!(lock.happenings(&by("rf", 6), true, now).len(), 1, "somebody else's");
        assert_eq!(lock.happenings(&by("keypad", 5), true, now).len(), 1, "at the lock");
        assert_eq!(lock.happenings(&by("rf", 5), true, now + ECHO).len(), 1, "long after");
    }

    #[test]
    fn abilities_are_the_lesser_of_what_model_and_lock_say() {
        let abilities = |vendor, users| {
            let lock = known(vendor, "x");
            lock.shared().learn(&Attributes { users, ..Attributes::default() });
            lock.shared().abilities().slots
        };
        assert_eq!((abilities("Yale", None), abilities("Yale", Some(100))), (249, 99));
        assert_eq!((abilities("Kwikset", Some(250)), abilities("Nobody", Some(8))), (29, 7));
        assert_eq!((abilities("Nobody", None), abilities("Yale", Some(0))), (9, 249));
        assert_eq!(known("Onesti Products AS", "Nimly").shared().abilities().reserved, [1, 2]);
    }

    #[test]
    fn what_can_be_read_follows_what_zigbee2mqtt_is_set_up_for() {
        let mut lock = known("Yale", "x");
        let options = |expose: bool, filter: &[&str]| Options {
            expose_pin: Some(expose),
            filtered_cache: Some(filter.iter().map(|one| (*one).to_owned()).collect()),
        };
        assert!(!lock.set_up(&options(false, &[]), true, false));
        assert!(lock.set_up(&options(true, &["users", "latchkey_.*"]), true, false));
        assert_eq!(lock.shared().readback(), Readback::Full);
        lock.setup = Setup::Done;
        assert!(!lock.freshen() && lock.freshen(), "the first message may repeat what was read before");
        lock.may_repeat();
        assert!(!lock.freshen() && lock.freshen(), "so may the first one of a zigbee2mqtt that was killed");
        lock.shared().observed();
        lock.was_read(&Reading { content: SlotContent::Occupied, enabled: true });
        assert!(lock.is_other_than_said() && !lock.is_other_than_said());
        assert_eq!(lock.shared().readback(), Readback::Masked);
        lock.set_up(&options(true, &[]), true, true);
        assert_eq!(lock.shared().readback(), Readback::None, "a repeated reading is none");
        assert!(!lock.freshen());
    }
}

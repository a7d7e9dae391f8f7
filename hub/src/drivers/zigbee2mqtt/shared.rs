//! What bridge and port both know of a lock: above all what it can do.

use super::message::Attributes;
use super::models::Model;
use super::published::Listed;
use crate::core::lock::Vitals;
use latchkey_shared::pin::Pin;
use latchkey_shared::slot::{LockAbilities, OwnSchedules, Readback};
use std::sync::{Arc, Mutex};

/// Users of a lock that does not say how many it has and is of no known model.
const FEW_USERS: u16 = 10;

/// Known to the bridge and to the lock's port.
pub(super) type SharedLock = Arc<Mutex<Shared>>;

/// See [`SharedLock`].
pub(super) struct Shared {
    pub(super) model: Model,
    pub(super) tells_uses: bool,
    pub(super) attributes: Attributes,
    /// Whether it lacks some of the attributes that are asked for.
    pub(super) lacks_attributes: bool,
    /// As last heard.
    pub(super) vitals: Vitals,
    /// Whether zigbee2mqtt says the PINs that it reads.
    pub(super) exposes: bool,
    /// Whether zigbee2mqtt was seen to say what it reads and nothing else: it does not repeat what it read before.
    pub(super) fresh: bool,
    /// Whether zigbee2mqtt refuses to be told not to repeat.
    pub(super) repeats: bool,
    /// Whether the lock was seen to show no PIN though zigbee2mqtt would say it.
    pub(super) masks: bool,
    /// What its read-back was said to be.
    pub(super) said: Option<Readback>,
}

impl Shared {
    pub(super) fn new(listed: &Listed, exposes: bool) -> Self {
        Self {
            model: listed.model,
            tells_uses: listed.tells_uses,
            attributes: Attributes::default(),
            lacks_attributes: false,
            vitals: Vitals::default(),
            exposes,
            fresh: false,
            repeats: false,
            masks: false,
            said: None,
        }
    }

    pub(super) fn readback(&self) -> Readback {
        match () {
            () if !self.model.readable || self.repeats => Readback::None,
            () if self.masks || !self.exposes => Readback::Masked,
            () => Readback::Full,
        }
    }

    pub(super) fn learn(&mut self, found: &Attributes) {
        self.attributes = *found;
    }

    /// Whether it has room for so many digits.
    pub(super) fn takes(&self, pin: &Pin) -> bool {
        let abilities = self.abilities();
        (abilities.pin_min..=abilities.pin_max).contains(&pin.digit_count())
    }

    /// What it can do, to be told: it will be noticed if that changes.
    pub(super) fn observed(&mut self) -> LockAbilities {
        self.said = Some(self.readback());
        self.abilities()
    }

    /// What it can do, as far as its model and itself tell. Users count from 0; user 0 is not used.
    pub(super) fn abilities(&self) -> LockAbilities {
        let told = self.attributes.users.filter(|users| *users > 0);
        let users = match (told, self.model.users) {
            (Some(told), Some(model)) => told.min(model),
            (told, model) => told.or(model).unwrap_or(FEW_USERS),
        };
        let slots = users.saturating_sub(1).min(LockAbilities::MAX_SLOTS);
        let (min, max) = (self.attributes.min_pin_len, self.attributes.max_pin_len);
        let plausible = min.zip(max).filter(|(min, max)| *min > 0 && min <= max);
        let (pin_min, pin_max) = plausible.unwrap_or((4, 8));
        LockAbilities {
            slots,
            reserved: self.model.reserved.iter().copied().filter(|no| *no <= slots).collect(),
            pin_min,
            pin_max,
            readback: self.readback(),
            own_schedules: OwnSchedules::None,
            one_length: None,
            paired_digits: false,
            toggles: self.model.toggles,
            tells_uses: self.tells_uses,
            digits: None,
        }
    }
}

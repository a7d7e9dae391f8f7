//! `[[sim]]` in `hub.toml`: simulated locks.

use crate::drivers::sim::model::SimLock;
use crate::machine::section::{Fault, Section};
use latchkey_shared::grant::name_ok;
use latchkey_shared::slot::{LockAbilities, OwnSchedules, Readback};
use serde::Deserialize;

/// One simulated lock.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SimSettings {
    /// Names it for people and for the hub.
    pub(super) name: String,
    /// How many slots it has.
    #[serde(default = "slots")]
    slots: u16,
    /// Slots that are not for codes.
    #[serde(default)]
    reserved: Vec<u16>,
    /// What can be read from it.
    readback: ReadbackWord,
    /// What it keeps to by itself.
    #[serde(default)]
    own_schedules: OwnSchedulesWord,
    /// Whether a slot can be switched off and on.
    #[serde(default)]
    toggles: bool,
    /// Whether two digits share a key.
    #[serde(default)]
    paired_digits: bool,
    /// Whether it tells who came in.
    #[serde(default = "yes")]
    tells_uses: bool,
    /// The one length of all its PINs.
    one_length: Option<u8>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ReadbackWord {
    Full,
    Masked,
    None,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum OwnSchedulesWord {
    #[default]
    None,
    Term,
    Hours,
}

fn slots() -> u16 {
    20
}

fn yes() -> bool {
    true
}

impl Section for SimSettings {
    fn faults(&self) -> Vec<Fault> {
        let mut faults = vec![];
        if !name_ok(&self.name) {
            faults.push(Fault::new(
                "name",
                "config.name",
                "names have 1 to 64 characters and no line breaks",
            ));
        }
        if let Err(why) = self.abilities().validate() {
            faults.push(Fault::new("slots", "config.sim", format!("no lock can be like this: {why}")));
        }
        faults
    }
}

impl SimSettings {
    fn abilities(&self) -> LockAbilities {
        LockAbilities {
            slots: self.slots,
            reserved: self.reserved.clone(),
            pin_min: 4,
            pin_max: 8,
            readback: match self.readback {
                ReadbackWord::Full => Readback::Full,
                ReadbackWord::Masked => Readback::Masked,
                ReadbackWord::None => Readback::None,
            },
            own_schedules: match self.own_schedules {
                OwnSchedulesWord::None => OwnSchedules::None,
                OwnSchedulesWord::Term => OwnSchedules::Term,
                OwnSchedulesWord::Hours => OwnSchedules::Hours,
            },
            one_length: self.one_length,
            paired_digits: self.paired_digits,
            toggles: self.toggles,
            tells_uses: self.tells_uses,
            digits: None,
        }
    }

    pub(super) fn lock(&self) -> SimLock {
        SimLock::new(&format!("sim/{}", self.name), &self.name, self.abilities())
    }
}

/// Four locks, each of another make: what there is to try when no lock is configured.
pub(super) fn four() -> Vec<SimLock> {
    let lock = |name: &str, slots, readback, own_schedules, toggles| SimSettings {
        name: name.to_owned(),
        slots,
        reserved: vec![],
        readback,
        own_schedules,
        toggles,
        paired_digits: false,
        tells_uses: true,
        one_length: None,
    };
    let four = [
        lock("Front door", 30, ReadbackWord::Full, OwnSchedulesWord::None, true),
        lock("Back door", 20, ReadbackWord::Masked, OwnSchedulesWord::None, false),
        lock("Garage", 10, ReadbackWord::None, OwnSchedulesWord::None, false),
        lock("Garden gate", 50, ReadbackWord::Full, OwnSchedulesWord::Hours, false),
    ];
    four.iter().map(SimSettings::lock).collect()
}

//! Where simulated locks remember: encrypted under the state key, so that looking through the hub's files shows no PIN.
//! Replaced as a whole: a crash leaves the old or the new.

use super::model::{SimLock, SimSlot};
use crate::core::lock::Happening;
use crate::machine::files;
use crate::shell::state_key::{Sealed, StateKey};
use latchkey_shared::pin::Pin;
use latchkey_shared::schedule::Validity;
use latchkey_shared::slot::{LockAbilities, SlotNo};
use latchkey_shared::time::Timestamp;
use latchkey_shared::wire::cbor::{from_slice, to_vec};
use latchkey_shared::wire::derive::{Decode, Encode};
use latchkey_shared::zone::ZoneName;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zeroize::Zeroizing;

#[derive(Encode, Decode)]
#[cbor(map)]
struct LockFile {
    #[n(1)]
    key: String,
    #[n(2)]
    name: String,
    #[n(3)]
    abilities: LockAbilities,
    #[n(4)]
    slots: Vec<SlotFile>,
    #[n(5)]
    journal: Vec<(u64, u64, u8, u16)>,
    #[n(6)]
    journal_next: u64,
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct SlotFile {
    #[n(1)]
    no: u16,
    #[n(2)]
    pin: Option<String>,
    #[n(3)]
    enabled: bool,
    #[n(4)]
    validity: Option<Validity>,
    #[n(5)]
    zone: Option<ZoneName>,
}

/// The store.
pub(super) struct Store {
    path: PathBuf,
    key: Arc<StateKey>,
}

fn damaged() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        "sim.damaged: the simulated locks' store cannot be read; remove sim/locks in the state directory",
    )
}

impl Store {
    pub(super) fn open(dir: &Path, key: Arc<StateKey>) -> io::Result<(Self, Vec<SimLock>)> {
        let path = dir.join(Sealed::SimLocks.name());
        files::private_dir(path.parent().unwrap_or(dir))?;
        let locks = match key.read(Sealed::SimLocks, &path).map_err(io::Error::other)? {
            Some(plain) => decode(&plain).ok_or_else(damaged)?,
            None => vec![],
        };
        Ok((Self { path, key }, locks))
    }

    pub(super) fn save(&self, locks: &[SimLock]) -> io::Result<()> {
        let files: Vec<LockFile> = locks.iter().map(LockFile::of).collect();
        let plain = Zeroizing::new(to_vec(&files));
        self.key.write(Sealed::SimLocks, &self.path, &plain)
    }
}

fn decode(plain: &[u8]) -> Option<Vec<SimLock>> {
    let locks: Vec<LockFile> = from_slice(plain, plain.len()).ok()?;
    locks.into_iter().map(LockFile::into_lock).collect()
}

impl LockFile {
    fn of(lock: &SimLock) -> Self {
        let slots = lock.slots.iter().map(|(no, slot)| SlotFile {
            no: *no,
            pin: slot.pin.as_ref().map(|pin| pin.expose().to_owned()),
            enabled: slot.enabled,
            validity: slot.schedule.as_ref().map(|(validity, _)| validity.clone()),
            zone: slot.schedule.as_ref().map(|(_, zone)| zone.clone()),
        });
        let journal = lock.journal.iter().map(|(number, at, what)| match what {
            Happening::Opened { slot } => (*number, at.0, 0, slot.0),
            Happening::Refused => (*number, at.0, 1, 0),
            Happening::Changed { slot } => (*number, at.0, 2, slot.0),
            // Nothing else is ever noted in a journal.
            _ => (*number, at.0, 3, 0),
        });
        Self {
            key: lock.key.clone(),
            name: lock.name.clone(),
            abilities: lock.abilities.clone(),
            slots: slots.collect(),
            journal: journal.collect(),
            journal_next: lock.journal_next,
        }
    }

    fn into_lock(self) -> Option<SimLock> {
        let mut lock = SimLock::new(&self.key, &self.name, self.abilities);
        for slot in self.slots {
            let pin = slot.pin.map(|text| Pin::parse(&Zeroizing::new(text))).transpose().ok()?;
            let schedule = slot.validity.zip(slot.zone);
            lock.slots.insert(slot.no, SimSlot { pin, enabled: slot.enabled, schedule });
        }
        lock.journal = self
            .journal
            .into_iter()
            .map(|(number, at, kind, slot)| {
                let what = match kind {
                    0 => Happening::Opened { slot: SlotNo(slot) },
                    1 => Happening::Refused,
                    2 => Happening::Changed { slot: SlotNo(slot) },
                    _ => Happening::Seen,
                };
                (number, Timestamp(at), what)
            })
            .collect();
        lock.journal_next = self.journal_next;
        Some(lock)
    }
}

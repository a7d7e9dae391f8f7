//! Where simulated locks remember. Encrypted under a key file next to it, both readable by the owner alone, so that
//! looking through the hub's files shows no PIN. Replaced as a whole: a crash leaves the old or the new.

use super::model::{SimLock, SimSlot};
use crate::core::lock::Happening;
use crate::shell::files;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Key, Nonce};
use latchkey_shared::pin::Pin;
use latchkey_shared::schedule::Validity;
use latchkey_shared::slot::{LockAbilities, SlotNo};
use latchkey_shared::time::Timestamp;
use latchkey_shared::zone::ZoneName;
use minicbor::{Decode, Encode};
use std::io;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

const AAD: &[u8] = b"latchkey/sim/2";
const NONCE: usize = 12;

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
    key: Zeroizing<[u8; 32]>,
}

fn damaged() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        "sim.damaged: the simulated locks' store cannot be read; remove it",
    )
}

impl Store {
    pub(super) fn open(dir: &Path) -> io::Result<(Self, Vec<SimLock>)> {
        files::private_dir(dir)?;
        let key_path = dir.join("key");
        let key = match files::read_if_there(&key_path)? {
            Some(bytes) => Zeroizing::new(bytes.as_slice().try_into().map_err(|_| damaged())?),
            None => {
                let key = Zeroizing::new(files::random::<32>()?);
                files::replace(&key_path, &*key)?;
                key
            }
        };
        let store = Self { path: dir.join("locks"), key };
        let locks = match files::read_if_there(&store.path)? {
            Some(bytes) => store.decode(&bytes).ok_or_else(damaged)?,
            None => vec![],
        };
        Ok((store, locks))
    }

    fn cipher(&self) -> ChaCha20Poly1305 {
        ChaCha20Poly1305::new(&Key::from(*self.key))
    }

    fn decode(&self, bytes: &[u8]) -> Option<Vec<SimLock>> {
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE>()?;
        let payload = Payload { msg: sealed, aad: AAD };
        let plain = Zeroizing::new(self.cipher().decrypt(&Nonce::from(*nonce), payload).ok()?);
        let locks: Vec<LockFile> = minicbor::decode(&plain).ok()?;
        locks.into_iter().map(LockFile::into_lock).collect()
    }

    pub(super) fn save(&self, locks: &[SimLock]) -> io::Result<()> {
        let files: Vec<LockFile> = locks.iter().map(LockFile::of).collect();
        let plain = Zeroizing::new(minicbor::to_vec(&files).map_err(|_| damaged())?);
        let nonce = files::random::<NONCE>()?;
        let payload = Payload { msg: &plain, aad: AAD };
        let sealed = self.cipher().encrypt(&Nonce::from(nonce), payload).map_err(|_| damaged())?;
        let mut out = nonce.to_vec();
        out.extend(sealed);
        files::replace(&self.path, &out)
    }
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

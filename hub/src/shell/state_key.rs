//! The key under which secrets rest in the state directory: the hub's own keys, the pairing secret, and what simulated
//! locks hold. It is kept elsewhere, so that a copy of the state directory opens no PIN.
//!
//! A sealed file is `"LKSEAL1\0" ‖ key id (8) ‖ nonce (12) ‖ ChaCha20-Poly1305`, under a key of its own for each file
//! name (HKDF-SHA256), with magic, key id and name as associated data. The id tells a wrong key from a damaged file.

use crate::config::Config;
use crate::machine::files;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Key, Nonce};
use hkdf::Hkdf;
use sha2::Sha256;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

const MAGIC: &[u8; 8] = b"LKSEAL1\0";
const SALT: &[u8] = b"latchkey/state/1";
const ID: usize = 8;
const NONCE: usize = 12;
/// The least that a key file has to have, in bytes.
const LEAST: usize = 32;
/// The name of systemd's credential.
const CREDENTIAL: &str = "latchkey.state-key";

/// A file that is sealed, by its name in the state directory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sealed {
    /// The hub's keys.
    HubKey,
    /// The secret of a pairing that is under way.
    PairingKey,
    /// What the simulated locks hold.
    SimLocks,
}

impl Sealed {
    const ALL: [Self; 3] = [Self::HubKey, Self::PairingKey, Self::SimLocks];

    /// Its place in the state directory.
    pub fn name(self) -> &'static str {
        match self {
            Self::HubKey => "hub.key",
            Self::PairingKey => "pairing.key",
            Self::SimLocks => "sim/locks",
        }
    }
}

/// Why what is sealed cannot be opened. Nothing was changed.
#[derive(Debug)]
pub enum StateKeyError {
    /// The key is not where it should be.
    Missing(PathBuf),
    /// The key's file is too short to be one.
    Short(PathBuf),
    /// A file was sealed under another key than the one in this place.
    Wrong(&'static str, PathBuf),
    /// A file was sealed under this key and was changed since.
    Damaged(&'static str),
    /// The disk.
    Io(io::Error),
}

impl StateKeyError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing(_) => "state_key.missing",
            Self::Short(_) => "state_key.short",
            Self::Wrong(..) => "state_key.wrong",
            Self::Damaged(_) => "state_key.damaged",
            Self::Io(_) => "state_key.io",
        }
    }
}

impl fmt::Display for StateKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.code())?;
        match self {
            Self::Missing(at) => write!(
                f,
                "the state directory is encrypted and its key is not at {}; put the key back, or remove the state \
                 directory and pair anew",
                at.display()
            ),
            Self::Short(at) => {
                write!(f, "{} has less than {LEAST} bytes; make it anew from random bytes", at.display())
            }
            Self::Wrong(file, at) => write!(
                f,
                "{file} was encrypted under another key than the one at {}; put that one back, or name it in \
                 LATCHKEY_STATE_KEY_OLD_FILE to change from it to this one",
                at.display()
            ),
            Self::Damaged(file) => {
                write!(f, "{file} was changed or is not whole; restore the state directory, or pair anew")
            }
            Self::Io(e) => write!(f, "the state directory or its key cannot be read or written: {e}"),
        }
    }
}

impl std::error::Error for StateKeyError {}

impl From<io::Error> for StateKeyError {
    fn from(e: io::Error) -> Self {
        Self::Io(e)
    }
}

/// One key.
struct Root {
    prk: Hkdf<Sha256>,
    id: [u8; ID],
    at: PathBuf,
}

impl Root {
    fn new(material: &[u8], at: &Path) -> Result<Self, StateKeyError> {
        if material.len() < LEAST {
            return Err(StateKeyError::Short(at.to_owned()));
        }
        let prk = Hkdf::<Sha256>::new(Some(SALT), material);
        let mut id = [0; ID];
        // Fails only for more than 255 blocks.
        let _ = prk.expand(b"id", &mut id);
        Ok(Self { prk, id, at: at.to_owned() })
    }

    fn read(at: &Path) -> Result<Option<Self>, StateKeyError> {
        let material = files::read_if_there(at)?.map(Zeroizing::new);
        material.map(|material| Self::new(&material, at)).transpose()
    }

    fn cipher(&self, file: Sealed) -> ChaCha20Poly1305 {
        let mut key = Zeroizing::new([0; 32]);
        let _ = self.prk.expand_multi_info(&[b"file ", file.name().as_bytes()], &mut *key);
        ChaCha20Poly1305::new(&Key::from(*key))
    }

    fn bound(&self, file: Sealed) -> Vec<u8> {
        [MAGIC.as_slice(), &self.id, file.name().as_bytes()].concat()
    }

    fn seal(&self, file: Sealed, plain: &[u8]) -> io::Result<Vec<u8>> {
        let nonce = files::random::<NONCE>()?;
        let payload = Payload { msg: plain, aad: &self.bound(file) };
        let sealed = self.cipher(file).encrypt(&Nonce::from(nonce), payload);
        let sealed = sealed.map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok([MAGIC.as_slice(), &self.id, &nonce, &sealed].concat())
    }

    fn open(&self, file: Sealed, rest: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, sealed) = rest.split_first_chunk::<NONCE>()?;
        let payload = Payload { msg: sealed, aad: &self.bound(file) };
        self.cipher(file).decrypt(&Nonce::from(*nonce), payload).ok().map(Zeroizing::new)
    }
}

/// The key of a state directory, and former ones from which there is still something to be changed over.
pub struct StateKey {
    current: Root,
    former: Vec<Root>,
}

/// Where the hub makes a key when none is named: beside the state directory, so that copying that does not copy it.
fn own_place(dir: &Path) -> PathBuf {
    match dir.file_name() {
        Some(name) => {
            let mut beside = name.to_owned();
            beside.push("-key");
            dir.with_file_name(beside).join("state.key")
        }
        None => dir.join("key/state.key"),
    }
}

/// Where a key that somebody chose is: the environment's, systemd's, the configuration's.
fn chosen_place(config: &Config) -> Option<PathBuf> {
    let named =
        std::env::var_os("LATCHKEY_STATE_KEY_FILE").filter(|path| !path.is_empty()).map(PathBuf::from);
    let handed =
        config.secrets.credentials.as_ref().map(|dir| dir.join(CREDENTIAL)).filter(|path| path.exists());
    named.or(handed).or_else(|| config.state_key_file.clone())
}

impl StateKey {
    /// Finds the key of this configuration's state directory, or makes one if nothing is sealed there yet, and seals
    /// everything under it that is not.
    ///
    /// # Errors
    /// There is none, or not the right one. Nothing is changed then.
    pub fn find(config: &Config) -> Result<Self, StateKeyError> {
        let old = std::env::var_os("LATCHKEY_STATE_KEY_OLD_FILE").filter(|path| !path.is_empty());
        Self::settle(&config.dir, chosen_place(config), old.map(PathBuf::from))
    }

    fn settle(dir: &Path, chosen: Option<PathBuf>, old: Option<PathBuf>) -> Result<Self, StateKeyError> {
        let own = own_place(dir);
        let place = chosen.clone().unwrap_or_else(|| own.clone());
        let current = match Root::read(&place)? {
            Some(root) => root,
            None if chosen.is_some() || Self::any_sealed(dir)? => return Err(StateKeyError::Missing(place)),
            None => {
                let material = Zeroizing::new(files::random::<LEAST>()?);
                files::private_dir(place.parent().unwrap_or(dir))?;
                files::replace(&place, &*material)?;
                Root::new(&*material, &place)?
            }
        };
        let mut former = vec![];
        for at in old.iter().chain([&own]).filter(|at| **at != place) {
            former.extend(Root::read(at)?);
        }
        let key = Self { current, former };
        // All are read before any is written: with a wrong key nothing changes.
        let mut stale = vec![];
        for file in Sealed::ALL {
            let path = dir.join(file.name());
            if let Some((plain, fresh)) = key.read_any(file, &path)? {
                stale.extend((!fresh).then_some((file, path, plain)));
            }
        }
        for (file, path, plain) in stale {
            key.write(file, &path, &plain)?;
            tracing::info!(file = file.name(), "encrypted under the state key");
        }
        if chosen.is_some() && own != place {
            super::former::wipe(&own)?;
        }
        Ok(key)
    }

    /// This key, wherever it came from.
    ///
    /// # Errors
    /// It is too short.
    pub fn from_bytes(material: &[u8]) -> Result<Self, StateKeyError> {
        Ok(Self { current: Root::new(material, Path::new("memory"))?, former: vec![] })
    }

    fn any_sealed(dir: &Path) -> io::Result<bool> {
        for file in Sealed::ALL {
            if files::read_if_there(&dir.join(file.name()))?.is_some_and(|bytes| bytes.starts_with(MAGIC)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// A file's content; `None`: there is none.
    ///
    /// # Errors
    /// It was sealed under another key, or is damaged.
    pub fn read(&self, file: Sealed, path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, StateKeyError> {
        Ok(self.read_any(file, path)?.map(|(plain, _)| plain))
    }

    /// The content, and whether it is sealed under the current key.
    #[allow(clippy::type_complexity)]
    fn read_any(
        &self,
        file: Sealed,
        path: &Path,
    ) -> Result<Option<(Zeroizing<Vec<u8>>, bool)>, StateKeyError> {
        let Some(bytes) = files::read_if_there(path)?.map(Zeroizing::new) else { return Ok(None) };
        let Some(rest) = bytes.strip_prefix(MAGIC.as_slice()) else {
            // As it was before anything was sealed. Whoever reads it judges its content.
            return Ok(Some((bytes, false)));
        };
        let (id, rest) = rest.split_first_chunk::<ID>().ok_or(StateKeyError::Damaged(file.name()))?;
        let root = [&self.current].into_iter().chain(&self.former).find(|root| root.id == *id);
        let root = root.ok_or_else(|| StateKeyError::Wrong(file.name(), self.current.at.clone()))?;
        let plain = root.open(file, rest).ok_or(StateKeyError::Damaged(file.name()))?;
        Ok(Some((plain, *id == self.current.id)))
    }

    /// Replaces a file.
    ///
    /// # Errors
    /// The disk, or no randomness.
    pub fn write(&self, file: Sealed, path: &Path, plain: &[u8]) -> io::Result<()> {
        files::replace(path, &self.current.seal(file, plain)?)
    }
}

impl fmt::Debug for StateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StateKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Place(tempfile::TempDir);

    impl Place {
        fn new() -> Self {
            let place = Self(tempfile::tempdir().unwrap());
            std::fs::create_dir_all(place.dir().join("sim")).unwrap();
            place
        }

        fn dir(&self) -> PathBuf {
            self.0.path().join("state")
        }

        fn key(&self, name: &str, byte: u8) -> Option<PathBuf> {
            let path = self.0.path().join(name);
            std::fs::write(&path, [byte; LEAST]).unwrap();
            Some(path)
        }

        fn settle(&self, chosen: Option<PathBuf>, old: Option<PathBuf>) -> Result<StateKey, StateKeyError> {
            StateKey::settle(&self.dir(), chosen, old)
        }

        fn put(&self, key: &StateKey) {
            for file in Sealed::ALL {
                key.write(file, &self.dir().join(file.name()), b"a PIN: 483920").unwrap();
            }
        }

        fn holds(&self, key: &StateKey) {
            for file in Sealed::ALL {
                let path = self.dir().join(file.name());
                assert_eq!(**key.read(file, &path).unwrap().unwrap(), *b"a PIN: 483920", "{}", file.name());
                assert!(!std::fs::read(path).unwrap().windows(6).any(|w| w == b"483920"));
            }
        }
    }

    fn code(result: Result<StateKey, StateKeyError>) -> &'static str {
        result.map_or_else(|e| e.code(), |_| "good")
    }

    #[test]
    fn without_a_key_one_is_made_outside_of_the_state_directory() {
        let place = Place::new();
        let key = place.settle(None, None).unwrap();
        place.put(&key);
        place.holds(&place.settle(None, None).unwrap());
        let own = place.0.path().join("state-key/state.key");
        assert_eq!(std::fs::read(&own).unwrap().len(), LEAST);
        std::fs::remove_file(&own).unwrap();
        assert_eq!(code(place.settle(None, None)), "state_key.missing", "and no other is made");
        assert!(!own.exists());
    }

    #[test]
    fn a_wrong_or_missing_key_changes_nothing() {
        let place = Place::new();
        place.put(&place.settle(place.key("a", 1), None).unwrap());
        let before = std::fs::read(place.dir().join("hub.key")).unwrap();
        assert_eq!(code(place.settle(place.key("b", 2), None)), "state_key.wrong");
        assert_eq!(code(place.settle(Some(place.0.path().join("gone")), None)), "state_key.missing");
        assert_eq!(code(place.settle(None, None)), "state_key.missing");
        std::fs::write(place.0.path().join("c"), [3; LEAST - 1]).unwrap();
        assert_eq!(code(place.settle(Some(place.0.path().join("c")), None)), "state_key.short");
        assert_eq!(std::fs::read(place.dir().join("hub.key")).unwrap(), before);
        place.holds(&place.settle(place.key("a", 1), None).unwrap());
    }

    #[test]
    fn everything_is_changed_over_to_a_new_key() {
        let place = Place::new();
        let own = place.0.path().join("state-key/state.key");
        place.put(&place.settle(None, None).unwrap());
        place.holds(&place.settle(place.key("a", 1), None).unwrap());
        assert!(!own.exists(), "the hub's own key has no use any more");
        place.holds(&place.settle(place.key("b", 2), place.key("a", 1)).unwrap());
        assert_eq!(code(place.settle(place.key("a", 1), None)), "state_key.wrong");
    }

    #[test]
    fn what_was_in_the_clear_is_sealed() {
        let place = Place::new();
        for file in Sealed::ALL {
            std::fs::write(place.dir().join(file.name()), b"a PIN: 483920").unwrap();
        }
        place.holds(&place.settle(None, None).unwrap());
    }

    #[test]
    fn a_file_that_was_changed_or_moved_does_not_open() {
        let place = Place::new();
        let key = place.settle(place.key("a", 1), None).unwrap();
        place.put(&key);
        let path = place.dir().join("hub.key");
        let whole = std::fs::read(&path).unwrap();
        std::fs::copy(place.dir().join("pairing.key"), &path).unwrap();
        assert_eq!(key.read(Sealed::HubKey, &path).unwrap_err().code(), "state_key.damaged");
        for at in MAGIC.len() + ID..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            std::fs::write(&path, bytes).unwrap();
            assert_eq!(key.read(Sealed::HubKey, &path).unwrap_err().code(), "state_key.damaged");
        }
        std::fs::write(&path, &whole[..MAGIC.len() + 3]).unwrap();
        assert!(key.read(Sealed::HubKey, &path).is_err());
    }
}

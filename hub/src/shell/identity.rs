//! Who this hub is: its id and the seed of its keys, made here, never sent anywhere, apart from the ledger.

use super::state_key::{Sealed, StateKey};
use crate::machine::files;
use latchkey_shared::id::HubId;
use latchkey_shared::keys::{Keys, Seed};
use std::io;
use std::path::Path;
use zeroize::Zeroizing;

/// The hub's id and keys.
pub struct Identity {
    /// The id.
    pub hub: HubId,
    /// The keys.
    pub keys: Keys,
}

impl Identity {
    /// From `hub.key` in the state directory, which is made the first time: readable by its owner alone, and encrypted.
    pub fn load(dir: &Path, key: &StateKey) -> io::Result<Self> {
        let path = dir.join(Sealed::HubKey.name());
        let bytes = match key.read(Sealed::HubKey, &path).map_err(io::Error::other)? {
            Some(bytes) => bytes,
            None => {
                let bytes = Zeroizing::new(files::random::<48>()?.to_vec());
                key.write(Sealed::HubKey, &path, &bytes)?;
                bytes
            }
        };
        let damaged = || {
            let text = "identity.damaged: hub.key cannot be read; restore it, or remove the state directory and pair anew";
            io::Error::new(io::ErrorKind::InvalidData, text)
        };
        let (id, seed) = bytes.split_at_checked(16).ok_or_else(damaged)?;
        let hub = HubId::from_slice(id).ok_or_else(damaged)?;
        let seed = Seed::from_slice(seed).ok_or_else(damaged)?;
        Ok(Self { hub, keys: Keys::hub(&seed) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn made_once_and_private() {
        let dir = tempfile::tempdir().unwrap();
        let key = StateKey::from_bytes(&[7; 32]).unwrap();
        let first = Identity::load(dir.path(), &key).unwrap();
        let again = Identity::load(dir.path(), &key).unwrap();
        assert_eq!((first.hub, first.keys.id()), (again.hub, again.keys.id()));
        let mode = std::fs::metadata(dir.path().join("hub.key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        std::fs::write(dir.path().join("hub.key"), b"short").unwrap();
        assert!(Identity::load(dir.path(), &key).is_err());
        let other = StateKey::from_bytes(&[8; 32]).unwrap();
        assert!(Identity::load(dir.path(), &other).is_err());
    }
}

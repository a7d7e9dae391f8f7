//! Who this hub is: its id and the seed of its keys, made here, never sent anywhere, apart from the ledger.

use super::files;
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
    /// From `hub.key` in the state directory, which is made the first time. Readable by its owner alone.
    pub fn load(dir: &Path) -> io::Result<Self> {
        let path = dir.join("hub.key");
        let bytes = match files::read_if_there(&path)? {
            Some(bytes) => Zeroizing::new(bytes),
            None => {
                let bytes = Zeroizing::new(files::random::<48>()?.to_vec());
                files::replace(&path, &bytes)?;
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
        let first = Identity::load(dir.path()).unwrap();
        let again = Identity::load(dir.path()).unwrap();
        assert_eq!((first.hub, first.keys.id()), (again.hub, again.keys.id()));
        let mode = std::fs::metadata(dir.path().join("hub.key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        std::fs::write(dir.path().join("hub.key"), b"short").unwrap();
        assert!(Identity::load(dir.path()).is_err());
    }
}

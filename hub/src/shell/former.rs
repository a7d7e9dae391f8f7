//! What is left of a home that the hub has left: its log, and no key.

use super::state_key::Sealed;
use crate::machine::files;
use std::io;
use std::path::Path;

/// The ledger's file in the state directory.
pub const LEDGER: &str = "ledger.redb";
/// How many former homes a state directory keeps the logs of.
const MOST: u32 = 1_000;

/// Wipes the hub's keys and puts its ledger aside as `former-<n>.redb`. May be done again after being interrupted.
pub fn put_aside(dir: &Path) -> io::Result<()> {
    wipe(&dir.join(Sealed::HubKey.name()))?;
    let ledger = dir.join(LEDGER);
    if ledger.exists() {
        let free = (1..MOST).map(|n| dir.join(format!("former-{n}.redb"))).find(|path| !path.exists());
        let full =
            || io::Error::new(io::ErrorKind::AlreadyExists, "former.full: remove old former-*.redb files");
        std::fs::rename(&ledger, free.ok_or_else(full)?)?;
    }
    std::fs::File::open(dir)?.sync_all()
}

/// Writes over a file and removes it. On flash the old bytes may outlive this: see the threat model.
pub(super) fn wipe(path: &Path) -> io::Result<()> {
    let Some(old) = files::read_if_there(path)? else { return Ok(()) };
    let mut file = std::fs::OpenOptions::new().write(true).open(path)?;
    io::Write::write_all(&mut file, &vec![0; old.len()])?;
    file.sync_all()?;
    std::fs::remove_file(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_wiped_and_the_log_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        for round in 1..=2 {
            std::fs::write(at("hub.key"), [7; 48]).unwrap();
            std::fs::write(at(LEDGER), [round; 9]).unwrap();
            put_aside(dir.path()).unwrap();
            put_aside(dir.path()).unwrap();
            assert!(!at("hub.key").exists() && !at(LEDGER).exists());
            assert_eq!(std::fs::read(at(&format!("former-{round}.redb"))).unwrap(), [round; 9]);
        }
        assert!(!at("former-3.redb").exists(), "done again it does nothing");
    }
}

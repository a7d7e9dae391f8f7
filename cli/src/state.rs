//! The state directory: who is signed in, the seed (encrypted unless told otherwise), the session, and what was seen
//! of each home. Readable by its user alone.

use crate::failure::{Exit, Failure, Result, Told};
use argon2::{Algorithm, Argon2, Params, Version};
use latchkey_shared::id::{AccountId, HomeId};
use latchkey_shared::keys::{Seed, WrapKey};
use latchkey_shared::origin::Origin;
use latchkey_shared::text::{b64url, unb64url};
use latchkey_shared::view::Seen;
use rand_core::Rng;
use serde_json::{Value, json};
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The platform's CSPRNG.
pub(crate) fn rng() -> impl rand_core::CryptoRng {
    getrandom::rand_core::UnwrapErr(getrandom::SysRng)
}

/// Argon2id's memory in KiB, passes and lanes (RFC 9106): what the portal uses too.
const COST: (u32, u32, u32) = (64 * 1024, 3, 1);

/// The state directory.
#[derive(Clone, Debug)]
pub(crate) struct State {
    dir: PathBuf,
}

/// Who is signed in.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub(crate) origin: Origin,
    pub(crate) id: AccountId,
    pub(crate) name: String,
    pub(crate) key: String,
    seed: StoredSeed,
}

/// The seed at rest.
#[derive(Clone, Debug)]
enum StoredSeed {
    /// As it is: whoever reads the file is the member.
    Plain(Zeroizing<Vec<u8>>),
    /// Under a passphrase.
    Passphrase { salt: Vec<u8>, ct: Vec<u8> },
}

/// What was seen of a home, and what it is called.
#[derive(Clone, Debug)]
pub(crate) struct KnownHome {
    pub(crate) id: HomeId,
    pub(crate) seen: Seen,
    pub(crate) name: String,
}

fn stretch(passphrase: &str, salt: &[u8]) -> Result<Zeroizing<[u8; 32]>> {
    let broken = |_| Failure::broken("state.argon2", "The passphrase could not be stretched.");
    let (m, t, p) = COST;
    let params = Params::new(m, t, p, Some(32)).map_err(broken)?;
    let mut out = Zeroizing::new([0; 32]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase.as_bytes(), salt, &mut *out)
        .map_err(broken)?;
    Ok(out)
}

impl Account {
    /// A new sign-in. Without a passphrase the seed is stored as it is.
    pub(crate) fn new(
        origin: Origin,
        id: AccountId,
        name: String,
        seed: &Seed,
        passphrase: Option<&str>,
    ) -> Result<Self> {
        let key = latchkey_shared::keys::Keys::member(seed).id().to_string();
        let stored = match passphrase {
            None => StoredSeed::Plain(Zeroizing::new(seed.expose().to_vec())),
            Some(passphrase) => {
                let mut salt = vec![0; 16];
                rng().fill_bytes(&mut salt);
                let ct = WrapKey::from_stretched(&*stretch(passphrase, &salt)?).wrap(&id, seed, &mut rng());
                StoredSeed::Passphrase { salt, ct }
            }
        };
        Ok(Self { origin, id, name, key, seed: stored })
    }

    /// Whether a passphrase is needed to act.
    pub(crate) fn locked(&self) -> bool {
        matches!(self.seed, StoredSeed::Passphrase { .. })
    }

    /// The seed; `passphrase` is asked for where it is needed.
    pub(crate) fn open(&self, passphrase: impl FnOnce() -> Result<Zeroizing<String>>) -> Result<Seed> {
        let seed = match &self.seed {
            StoredSeed::Plain(bytes) => Seed::from_slice(bytes),
            StoredSeed::Passphrase { salt, ct } => {
                let key = WrapKey::from_stretched(&*stretch(&passphrase()?, salt)?);
                Some(key.unwrap(&self.id, ct).map_err(|_| {
                    Failure::new(Exit::SignedOut, "state.passphrase", "That is not the passphrase.")
                })?)
            }
        };
        seed.ok_or_else(damaged)
    }

    fn to_json(&self) -> Value {
        let seed = match &self.seed {
            StoredSeed::Plain(bytes) => json!({ "kind": "plain", "seed": b64url(bytes) }),
            StoredSeed::Passphrase { salt, ct } => {
                json!({ "kind": "passphrase", "salt": b64url(salt), "ct": b64url(ct) })
            }
        };
        json!({
            "v": 1, "origin": self.origin.to_string(), "account": self.id.to_string(), "name": self.name,
            "key": self.key, "seed": seed,
        })
    }

    fn read(text: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(text).ok()?;
        let field = |name: &str| value[name].as_str();
        let bytes = |name: &str| unb64url(value["seed"][name].as_str()?);
        let seed = match value["seed"]["kind"].as_str()? {
            "plain" => StoredSeed::Plain(Zeroizing::new(bytes("seed")?)),
            "passphrase" => StoredSeed::Passphrase { salt: bytes("salt")?, ct: bytes("ct")? },
            _ => return None,
        };
        Some(Self {
            origin: Origin::parse(field("origin")?).ok()?,
            id: AccountId::parse(field("account")?).ok()?,
            name: field("name")?.to_owned(),
            key: field("key")?.to_owned(),
            seed,
        })
    }
}

fn damaged() -> Failure {
    Failure::broken("state.damaged", "The state directory is damaged. Sign in again: latchkey login.")
}

impl State {
    /// In this directory, or where programs keep such things.
    pub(crate) fn new(dir: Option<PathBuf>) -> Result<Self> {
        let home = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let usual = || {
            home("XDG_STATE_HOME")
                .or_else(|| Some(home("HOME")?.join(".local/state")))
                .map(|base| base.join("latchkey"))
        };
        let none = || Failure::usage("state.no_dir", "Say where to keep the state: --state DIR.");
        Ok(Self { dir: dir.or_else(usual).ok_or_else(none)? })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    fn read(&self, name: &str) -> Result<Option<Zeroizing<String>>> {
        match fs::read_to_string(self.path(name)) {
            Ok(text) => Ok(Some(Zeroizing::new(text))),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(Failure::broken("state.unreadable", format!("{}: {e}", self.path(name).display()))),
        }
    }

    /// Replaces a file as a whole.
    fn write(&self, name: &str, text: &str) -> Result {
        let path = self.path(name);
        private_dir(path.parent().unwrap_or(&self.dir))?;
        write_private(&path, text.as_bytes())
    }

    fn remove(&self, name: &str) -> Result {
        match fs::remove_file(self.path(name)) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e.into()),
            _ => Ok(()),
        }
    }

    /// Who is signed in.
    pub(crate) fn account(&self) -> Result<Account> {
        let none = || Failure::new(Exit::SignedOut, "auth.no_session", "Sign in first: latchkey login.");
        let text = self.read("account.json")?.ok_or_else(none)?;
        Account::read(&text).ok_or_else(damaged)
    }

    /// Remembers who is signed in.
    pub(crate) fn sign_in(&self, account: &Account) -> Result {
        self.write("account.json", &Zeroizing::new(account.to_json().to_string()))
    }

    /// Forgets who is signed in. What was seen of homes stays, so that a rollback still shows.
    pub(crate) fn sign_out(&self) -> Result {
        self.remove("session")?;
        self.remove("joined")?;
        self.remove("account.json")
    }

    /// The session's cookie.
    pub(crate) fn session(&self) -> Result<Option<Zeroizing<String>>> {
        self.read("session")
    }

    /// Remembers the session's cookie.
    pub(crate) fn keep_session(&self, cookie: &str) -> Result {
        self.write("session", cookie)
    }

    /// Homes whose invitation was accepted. The account lists them only once they have been fetched.
    pub(crate) fn joined(&self) -> Result<Vec<HomeId>> {
        let text = self.read("joined")?.unwrap_or_default();
        Ok(text.lines().filter_map(|line| HomeId::parse(line).ok()).collect())
    }

    /// Remembers that an invitation was accepted.
    pub(crate) fn join(&self, home: &HomeId) -> Result {
        let mut joined = self.joined()?;
        if !joined.contains(home) {
            joined.push(*home);
        }
        let lines: Vec<String> = joined.iter().map(ToString::to_string).collect();
        self.write("joined", &lines.join("\n"))
    }

    /// What was seen of a home.
    pub(crate) fn known(&self, home: &HomeId) -> Result<Option<KnownHome>> {
        let Some(text) = self.read(&format!("homes/{home}"))? else { return Ok(None) };
        let (seen, name) = text.split_once('\n').unwrap_or((&text, ""));
        let seen = Seen::parse(seen).ok_or_else(damaged)?;
        Ok(Some(KnownHome { id: *home, seen, name: name.trim().to_owned() }))
    }

    /// Remembers what was seen of a home.
    pub(crate) fn keep(&self, home: &KnownHome) -> Result {
        self.write(&format!("homes/{}", home.id), &format!("{}\n{}\n", home.seen, home.name))
    }
}

/// Makes a directory that its user alone can enter.
fn private_dir(dir: &Path) -> Result {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    Ok(builder.create(dir)?)
}

/// Writes a file that its user alone can read, whole or not at all.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> Result {
    // A name that nobody can have made before: neither a link that leads elsewhere nor a file that others may read.
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{:016x}.new", rng().next_u64()));
    let next = path.with_file_name(name);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let told = |e: io::Error| Failure::broken("file.broken", format!("{}: {e}", path.display()));
    let mut file = options.open(&next).map_err(told)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all()).and_then(|()| fs::rename(&next, path));
    written.map_err(|e| {
        let _ = fs::remove_file(&next);
        told(e)
    })
}

/// A kit as typed.
pub(crate) fn kit(text: &str) -> Result<latchkey_shared::keys::Kit> {
    latchkey_shared::keys::Kit::parse(text).told()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(passphrase: Option<&str>) -> (Account, Seed) {
        let seed = Seed::generate(&mut rng());
        let origin = Origin::parse("http://localhost:1").unwrap();
        (Account::new(origin, AccountId([1; 16]), "Ada".into(), &seed, passphrase).unwrap(), seed)
    }

    #[test]
    fn a_seed_rests_under_its_passphrase_alone() {
        let dir = tempfile::tempdir().unwrap();
        let state = State::new(Some(dir.path().join("deep/state"))).unwrap();
        assert_eq!(state.account().unwrap_err().exit, Exit::SignedOut);
        let (account, seed) = account(Some("correct horse"));
        state.sign_in(&account).unwrap();
        let text = fs::read_to_string(dir.path().join("deep/state/account.json")).unwrap();
        assert!(!text.contains(&b64url(seed.expose())));
        let back = state.account().unwrap();
        assert!(back.locked());
        let typed = |text: &str| back.open(|| Ok(Zeroizing::new(text.to_owned())));
        assert_eq!(typed("correct horse").unwrap().expose(), seed.expose());
        assert_eq!(typed("wrong").unwrap_err().code, "state.passphrase");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = |path: &str| fs::metadata(dir.path().join(path)).unwrap().permissions().mode() & 0o777;
            assert_eq!((mode("deep/state"), mode("deep/state/account.json")), (0o700, 0o600));
        }
        state.sign_out().unwrap();
        assert!(state.account().is_err());
    }

    #[cfg(unix)]
    #[test]
    fn what_is_written_goes_nowhere_else_and_is_read_by_nobody_else() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::write(at("other"), "theirs").unwrap();
        symlink(at("other"), at("codes.new")).unwrap();
        symlink(at("other"), at("codes.csv.new")).unwrap();
        write_private(&at("codes.csv"), b"ours").unwrap();
        assert_eq!(fs::read(at("other")).unwrap(), b"theirs");
        assert_eq!(fs::read(at("codes.csv")).unwrap(), b"ours");
        assert_eq!(fs::metadata(at("codes.csv")).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(write_private(&at("other/codes.csv"), b"ours").is_err());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 4, "nothing is left behind");
    }

    #[test]
    fn without_a_passphrase_only_if_told_so() {
        let (account, seed) = account(None);
        assert!(!account.locked());
        let back = Account::read(&account.to_json().to_string()).unwrap();
        let asked = back.open(|| Err(Failure::answer())).unwrap();
        assert_eq!(asked.expose(), seed.expose());
        for bad in ["", "{}", "[]", r#"{"seed":{"kind":"x"}}"#] {
            assert!(Account::read(bad).is_none(), "{bad}");
        }
    }
}

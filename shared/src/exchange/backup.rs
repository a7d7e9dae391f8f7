//! The encrypted backup: a home's codes with their PINs, under a key that only the printed recovery kit gives. It opens
//! with the kit that was current when it was made, on any account, with no server at all.
//!
//! The file is a CBOR sequence (RFC 8742): the text [`MAGIC`], then a map with what must be known to open it and the
//! ciphertext. What is encrypted is padded, so that its length tells little of how many codes there are.

mod restore;

pub use restore::{Left, LeftWhy, Loss, Restored, plan};

use crate::error::coded_error;
use crate::grant::{Grant, GrantKind};
use crate::id::{HomeId, KeyId, LockId};
use crate::keys::{Kit, derive};
use crate::pin::Pin;
use crate::policy::Policy;
use crate::schedule::Validity;
use crate::time::Timestamp;
use crate::wire::cbor::{self, Blob, Reader, Writer, to_vec};
use crate::wire::derive::{Decode, Encode};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Key, Nonce};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

/// The file's first item.
pub const MAGIC: &str = "latchkey/v1/backup";
/// The largest file, in bytes.
pub const MAX_BACKUP_BYTES: usize = 16 * 1024 * 1024;
/// What is encrypted is as long as a multiple of this.
const BLOCK: usize = 4096;
const VERSION: u8 = 1;

/// A home's codes and rules.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct Backup {
    /// The home.
    #[n(1)]
    pub home: HomeId,
    /// When it was made.
    #[n(2)]
    pub made: Timestamp,
    /// Who made it.
    #[n(3)]
    pub by: KeyId,
    /// The home's rules.
    #[n(4)]
    pub policy: Policy,
    /// Its members, to say whose a code was.
    #[n(5)]
    pub people: Vec<Person>,
    /// Its doors.
    #[n(6)]
    pub doors: Vec<NamedDoor>,
    /// Its codes.
    #[n(7)]
    pub codes: Vec<BackupCode>,
}

/// A member.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct Person {
    /// The member's key.
    #[n(1)]
    pub key: KeyId,
    /// What people call them.
    #[n(2)]
    pub name: String,
    /// `owner`, `manager`, `issuer` or `resident`.
    #[n(3)]
    pub role: String,
}

/// A door.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct NamedDoor {
    /// The lock.
    #[n(1)]
    pub lock: LockId,
    /// What people call it.
    #[n(2)]
    pub name: String,
}

/// A code with its PIN.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct BackupCode {
    /// What kind of code.
    #[n(1)]
    pub kind: GrantKind,
    /// What people call it.
    #[n(2)]
    pub label: String,
    /// The locks, ascending.
    #[n(3)]
    pub locks: Vec<LockId>,
    /// When it opens.
    #[n(4)]
    pub validity: Validity,
    /// How often at most.
    #[n(5)]
    pub uses: Option<u32>,
    /// Whether it disarms the alarm.
    #[n(6)]
    pub may_disarm: bool,
    /// The member whose code it was.
    #[n(7)]
    pub holder: Option<KeyId>,
    /// Its PIN.
    #[n(8)]
    pub pin: PinText,
    /// When the PIN was chosen.
    #[n(9)]
    pub pin_set: Timestamp,
    /// Whether a guest had a link to it. The link itself does not come back.
    #[n(10)]
    pub had_link: bool,
}

impl BackupCode {
    /// Of a grant whose PIN was opened.
    pub fn of(grant: &Grant, pin: Pin) -> Self {
        Self {
            kind: grant.kind,
            label: grant.label.clone(),
            locks: grant.locks.clone(),
            validity: grant.validity(),
            uses: grant.uses,
            may_disarm: grant.may_disarm,
            holder: grant.holder,
            pin: PinText(pin),
            pin_set: grant.pin_set,
            had_link: grant.link.is_some(),
        }
    }
}

/// A PIN as text on the wire; never shown otherwise.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PinText(
    /// The PIN.
    pub Pin,
);

impl Encode for PinText {
    fn encode(&self, w: &mut Writer) {
        w.text(self.0.expose());
    }
}

impl Decode for PinText {
    fn decode(r: &mut Reader<'_>) -> Option<Self> {
        Pin::parse(r.text()?).map(Self).ok()
    }
}

coded_error! {
    /// Why a backup does not open.
    pub enum BackupError {
        NotOne = "backup.not_one", "The file is not a Latchkey backup.";
        TooLarge = "backup.too_large", "The file is larger than any backup. It is not one.";
        Version = "backup.version", "The backup is from a newer version. Update and try again.";
        WrongKit = "backup.wrong_kit", "The backup was made with another recovery kit: the one that was current then.";
        Damaged = "backup.damaged", "The backup is damaged. Use another copy of the file.";
    }
}

/// What stands beside the ciphertext.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
struct Sealed {
    #[n(1)]
    version: u8,
    #[n(2)]
    home: HomeId,
    #[n(3)]
    made: Timestamp,
    /// Makes the key this file's alone.
    #[n(4)]
    salt: Blob,
    /// Tells a wrong kit from a damaged file.
    #[n(5)]
    mark: Blob,
    #[n(6)]
    sealed: Blob,
}

/// What a header says, without any key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BackupHeader {
    /// The home.
    pub home: HomeId,
    /// When it was made.
    pub made: Timestamp,
}

struct FileKey {
    key: Zeroizing<[u8; 32]>,
    mark: [u8; 8],
}

impl FileKey {
    fn new(kit: &Kit, salt: &[u8]) -> Self {
        let info = |what: &str| [what.as_bytes(), salt].concat();
        Self {
            key: Zeroizing::new(derive(kit.secret(), MAGIC, &info("key"))),
            mark: derive(kit.secret(), MAGIC, &info("mark")),
        }
    }

    fn cipher(&self) -> ChaCha20Poly1305 {
        ChaCha20Poly1305::new(&Key::from(*self.key))
    }
}

fn aad(version: u8, home: &HomeId, made: Timestamp, salt: &Blob) -> Vec<u8> {
    to_vec(&(MAGIC, version, home, made, salt))
}

/// ISO/IEC 7816-4: one bit, then zeros.
fn pad(mut plain: Zeroizing<Vec<u8>>) -> Zeroizing<Vec<u8>> {
    plain.push(0x80);
    let length = plain.len().next_multiple_of(BLOCK);
    plain.resize(length, 0);
    plain
}

fn unpad(plain: &[u8]) -> Option<&[u8]> {
    let end = plain.iter().rposition(|byte| *byte != 0)?;
    (plain.get(end) == Some(&0x80)).then(|| plain.get(..end)).flatten()
}

impl Backup {
    /// The file, under the kit that is current now.
    pub fn seal(&self, kit: &Kit, rng: &mut impl CryptoRng) -> Vec<u8> {
        let mut salt = [0; 16];
        rng.fill_bytes(&mut salt);
        let file = FileKey::new(kit, &salt);
        let salt = Blob(salt.to_vec());
        let plain = pad(Zeroizing::new(to_vec(self)));
        let aad = aad(VERSION, &self.home, self.made, &salt);
        // The key is this file's alone, so that one nonce is enough.
        let sealed = file.cipher().encrypt(&Nonce::default(), Payload { msg: &plain, aad: &aad });
        let sealed = Sealed {
            version: VERSION,
            home: self.home,
            made: self.made,
            salt,
            mark: Blob(file.mark.to_vec()),
            // Encryption in memory does not fail; an empty text would open for nobody.
            sealed: Blob(sealed.unwrap_or_default()),
        };
        let mut w = Writer::new();
        w.text(MAGIC);
        sealed.encode(&mut w);
        w.finish()
    }

    fn header(file: &[u8]) -> Result<Sealed, BackupError> {
        if file.len() > MAX_BACKUP_BYTES {
            return Err(BackupError::TooLarge);
        }
        let mut items = Reader::new(file);
        if items.text() != Some(MAGIC) {
            return Err(BackupError::NotOne);
        }
        let sealed: Sealed =
            cbor::from_slice(items.rest(), MAX_BACKUP_BYTES).map_err(|_| BackupError::Damaged)?;
        if sealed.version == VERSION { Ok(sealed) } else { Err(BackupError::Version) }
    }

    /// What the file says of itself. Only a claim.
    pub fn claimed(file: &[u8]) -> Result<BackupHeader, BackupError> {
        Self::header(file).map(|sealed| BackupHeader { home: sealed.home, made: sealed.made })
    }

    /// Opens a file with the kit that was current when it was made.
    pub fn open(file: &[u8], kit: &Kit) -> Result<Self, BackupError> {
        let Sealed { version, home, made, salt, mark, sealed } = Self::header(file)?;
        let key = FileKey::new(kit, &salt);
        if *mark != key.mark {
            return Err(BackupError::WrongKit);
        }
        let aad = aad(version, &home, made, &salt);
        let plain = key.cipher().decrypt(&Nonce::default(), Payload { msg: &sealed, aad: &aad });
        let plain = plain.map(Zeroizing::new).map_err(|_| BackupError::Damaged)?;
        let body = unpad(&plain).ok_or(BackupError::Damaged)?;
        // The kit's owner made it: it may have more items than what strangers send.
        let backup: Self = cbor::from_slice_of(body, MAX_BACKUP_BYTES, MAX_BACKUP_BYTES)
            .map_err(|_| BackupError::Damaged)?;
        let bound = backup.home == home && backup.made == made && backup.policy.validate().is_ok();
        if bound { Ok(backup) } else { Err(BackupError::Damaged) }
    }
}

//! What is stored of an account. Nothing here opens anything: public keys, hashes and ciphertext.

use latchkey_shared::id::{AccountId, Hash32, HomeId, KitId, SealPublic, SignPublic};
use latchkey_shared::wire::cbor::Blob;
use subtle::ConstantTimeEq;

use crate::core::limits::{MAX_HOMES, MAX_SESSIONS, MAX_USED, SESSION_TOUCH_SECS};
use crate::core::session::{Session, SessionRef};
use crate::core::ticket::Ticket;
use crate::error::{ACCOUNT_LIMIT, NO_SESSION, Result, STEP_UP, TICKET};

/// A registered passkey.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Passkey {
    /// Credential id.
    pub id: Blob,
    /// COSE_Key.
    pub key: Blob,
    /// What the person calls it.
    pub name: String,
    /// Signature counter.
    pub sign_count: u32,
    /// Whether it may be synchronised; never changes.
    pub backup_eligible: bool,
    /// Whether it was synchronised when last used.
    pub backed_up: bool,
    /// Whether it gives PRF outputs.
    pub prf: bool,
    /// When it was added, in Unix seconds.
    pub created: u64,
    /// When it was last used to sign in.
    pub last_used: Option<u64>,
}

/// A wrapped copy of the member key: ciphertext that the cloud cannot open.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredWrap {
    /// `prf`, `kit` or `passphrase`.
    pub kind: String,
    /// The passkey whose PRF output opens it.
    pub credential: Option<Blob>,
    /// Argon2id's salt.
    pub salt: Option<Blob>,
    /// Argon2id's memory in KiB, passes and lanes.
    pub cost: Option<(u32, u32, u32)>,
    /// Nonce and ciphertext.
    pub ct: Blob,
}

/// An account.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AccountRecord {
    /// Also the passkeys' user handle.
    pub id: AccountId,
    /// The person's name.
    pub name: String,
    /// When it was made, in Unix seconds.
    pub created: u64,
    /// The member key's signing half.
    pub sign: SignPublic,
    /// The member key's sealing half.
    pub seal: SealPublic,
    /// At least one.
    pub passkeys: Vec<Passkey>,
    /// At least the kit's and one more.
    pub wraps: Vec<StoredWrap>,
    /// The recovery kit: its id and the SHA-256 of its proof.
    pub kit: (KitId, Hash32),
    /// Homes that the account lists. Whether it is a member is the home's to say.
    pub homes: Vec<HomeId>,
    /// Open sessions.
    pub sessions: Vec<Session>,
    /// SHA-256 of challenges that were used, with when they end anyway.
    pub used: Vec<(Hash32, u64)>,
}

impl AccountRecord {
    /// Where the session of this cookie is, and whether its use is to be written down.
    fn find(&self, token: &SessionRef, now: u64) -> Result<(usize, bool)> {
        let at = self.sessions.iter().position(|session| session.matches(&token.hash, now));
        let at = at.filter(|_| token.account == self.id).ok_or(NO_SESSION)?;
        let seen = self.sessions.get(at).map_or(0, |session| session.last_seen);
        Ok((at, now >= seen.saturating_add(SESSION_TOUCH_SECS)))
    }

    /// The session of this cookie, unless its use is to be written down first: [`AccountRecord::touch`] does that.
    pub fn session(&self, token: &SessionRef, now: u64) -> Result<Option<&Session>> {
        let (at, write) = self.find(token, now)?;
        Ok(self.sessions.get(at).filter(|_| !write))
    }

    /// The session of this cookie, marked as used. Tells whether the record changed enough to be written.
    pub fn touch(&mut self, token: &SessionRef, now: u64) -> Result<(Session, bool)> {
        let (at, write) = self.find(token, now)?;
        let session = self.sessions.get_mut(at).ok_or(NO_SESSION)?;
        if write {
            session.last_seen = now;
        }
        Ok((session.clone(), write))
    }

    /// The session of this cookie, if a passkey was used for it a moment ago.
    pub fn fresh(&mut self, token: &SessionRef, now: u64) -> Result<Session> {
        let (session, _) = self.touch(token, now)?;
        if now < session.fresh_until { Ok(session) } else { Err(STEP_UP) }
    }

    /// Begins a session; the longest unused one gives way.
    pub(super) fn begin_session(&mut self, session: Session, now: u64) {
        self.sessions.retain(|s| now < s.expires());
        if self.sessions.len() >= MAX_SESSIONS {
            let oldest = self.sessions.iter().enumerate().min_by_key(|(_, s)| s.last_seen).map(|(i, _)| i);
            oldest.map(|i| self.sessions.remove(i));
        }
        self.sessions.push(session);
    }

    /// Marks a challenge as used; refuses one that was, or that is another account's.
    pub(super) fn consume(&mut self, ticket: &Ticket, now: u64) -> Result<()> {
        let any = AccountId([0; 16]);
        let hash = Hash32::of(&ticket.challenge);
        self.used.retain(|(_, end)| now < *end);
        let known = self.used.iter().any(|(used, _)| *used == hash);
        if known || (ticket.account != self.id && ticket.account != any) || self.used.len() >= MAX_USED {
            return Err(TICKET);
        }
        self.used.push((hash, ticket.expires));
        Ok(())
    }

    /// Whether this proof is the kit's.
    pub(super) fn kit_opens(&self, kit: &KitId, auth: &[u8; 32]) -> bool {
        let proof = Hash32::of(auth);
        self.kit.0 == *kit && bool::from(self.kit.1.0.ct_eq(&proof.0))
    }

    /// Lists a home; tells whether it is new.
    pub fn add_home(&mut self, home: HomeId) -> Result<bool> {
        if self.homes.contains(&home) {
            return Ok(false);
        }
        if self.homes.len() >= MAX_HOMES {
            return Err(ACCOUNT_LIMIT);
        }
        self.homes.push(home);
        Ok(true)
    }

    /// Lists a home no longer; tells whether it was listed. Whether the account is a member is the home's to say.
    pub fn drop_home(&mut self, home: &HomeId) -> bool {
        let before = self.homes.len();
        self.homes.retain(|listed| listed != home);
        self.homes.len() < before
    }
}

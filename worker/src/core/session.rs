//! Sessions: the cookie holds a random secret, the account its hash.

use latchkey_shared::id::{AccountId, Hash32};
use rand_core::CryptoRng;
use subtle::ConstantTimeEq;

use super::bytes::{b64, unb64_exact};
use super::limits::{FRESH_SECS, SESSION_IDLE_SECS, SESSION_MAX_SECS};

/// The cookie's name. `__Host-` makes browsers insist on Secure, Path=/ and no Domain.
pub const COOKIE: &str = "__Host-latchkey";

/// A stored session.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Session {
    /// SHA-256 of the secret in the cookie.
    pub hash: Hash32,
    /// When it began, in Unix seconds.
    pub created: u64,
    /// When it was last used, to within five minutes.
    pub last_seen: u64,
    /// Until when sensitive actions are allowed.
    pub fresh_until: u64,
    /// SHA-256 of the id of the passkey that began it: when the passkey goes, the session goes. Of the member key, where
    /// that began it.
    pub passkey: Hash32,
}

/// What the cookie says.
#[derive(Clone, Copy)]
pub struct SessionToken {
    /// Whose session.
    pub account: AccountId,
    secret: [u8; 32],
}

impl SessionToken {
    /// A new secret for this account.
    pub fn generate(account: AccountId, rng: &mut impl CryptoRng) -> Self {
        let mut secret = [0; 32];
        rng.fill_bytes(&mut secret);
        SessionToken { account, secret }
    }

    /// Reads it from a `Cookie` header; exactly one cookie of the name counts.
    pub fn from_cookies(header: &str) -> Option<Self> {
        let mut values =
            header.split(';').filter_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='));
        let value = values.next()?;
        if values.next().is_some() {
            return None;
        }
        let (account, secret) = value.split_once('.')?;
        Some(SessionToken { account: AccountId::parse(account).ok()?, secret: unb64_exact(secret)? })
    }

    /// What the rest of the Worker knows of it.
    pub fn named(&self) -> SessionRef {
        SessionRef { account: self.account, hash: self.hash() }
    }

    /// What is stored in place of the secret.
    pub fn hash(&self) -> Hash32 {
        Hash32::of(&self.secret)
    }

    /// `Set-Cookie` that hands the session to the browser.
    pub fn set_cookie(&self) -> String {
        let (account, secret) = (self.account, b64(&self.secret));
        format!(
            "{COOKIE}={account}.{secret}; Path=/; Max-Age={SESSION_MAX_SECS}; Secure; HttpOnly; SameSite=Lax"
        )
    }
}

/// A session by its hash: enough to find it, not enough to be it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SessionRef {
    /// Whose.
    pub account: AccountId,
    /// SHA-256 of the secret.
    pub hash: Hash32,
}

impl SessionRef {
    /// As it goes from the router to the account's object.
    pub fn to_text(&self) -> String {
        format!("{}.{}", self.account, self.hash)
    }

    /// Reads what [`SessionRef::to_text`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        let (account, hash) = text.split_once('.')?;
        Some(SessionRef { account: AccountId::parse(account).ok()?, hash: Hash32::parse(hash).ok()? })
    }
}

/// `Set-Cookie` that takes the session away.
pub fn clear_cookie() -> String {
    format!("{COOKIE}=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax")
}

impl Session {
    /// A session that begins now, by a ceremony of this passkey.
    pub fn begin(token: &SessionToken, passkey: &[u8], now: u64) -> Self {
        Session {
            hash: token.hash(),
            created: now,
            last_seen: now,
            fresh_until: now.saturating_add(FRESH_SECS),
            passkey: Hash32::of(passkey),
        }
    }

    /// The first second at which it no longer counts, if it is not used before.
    pub fn expires(&self) -> u64 {
        let idle = self.last_seen.saturating_add(SESSION_IDLE_SECS);
        idle.min(self.created.saturating_add(SESSION_MAX_SECS))
    }

    /// Whether it is this one and still counts.
    pub fn matches(&self, hash: &Hash32, now: u64) -> bool {
        bool::from(self.hash.0.ct_eq(&hash.0)) && now < self.expires()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use getrandom::{SysRng, rand_core::UnwrapErr};

    #[test]
    fn cookie_round_trip() {
        let token = SessionToken::generate(AccountId([5; 16]), &mut UnwrapErr(SysRng));
        let set = token.set_cookie();
        assert!(set.starts_with("__Host-latchkey="));
        for attribute in ["; Secure", "; HttpOnly", "; SameSite=Lax", "; Path=/;"] {
            assert!(set.contains(attribute), "{set}");
        }
        let pair = set.split(';').next().unwrap();
        let read = SessionToken::from_cookies(&format!("a=b; {pair}; c=d")).unwrap();
        assert_eq!(read.named(), token.named());
        assert_eq!(SessionRef::parse(&read.named().to_text()), Some(token.named()));
        assert!(SessionToken::from_cookies(&format!("{pair}; {pair}")).is_none());
        for bad in
            ["", "a=b", "__Host-latchkey", "__Host-latchkey=", "__Host-latchkey=a.b", "__Host-latchkey2=x"]
        {
            assert!(SessionToken::from_cookies(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn ends_when_idle_and_ends_for_good() {
        let token = SessionToken::generate(AccountId([5; 16]), &mut UnwrapErr(SysRng));
        let mut session = Session::begin(&token, b"id", 1000);
        assert!(session.matches(&token.hash(), 1000 + SESSION_IDLE_SECS - 1));
        assert!(!session.matches(&token.hash(), 1000 + SESSION_IDLE_SECS));
        session.last_seen = 1000 + SESSION_MAX_SECS - 1;
        assert!(!session.matches(&token.hash(), 1000 + SESSION_MAX_SECS));
        assert!(!session.matches(&Hash32([0; 32]), 1000));
    }
}

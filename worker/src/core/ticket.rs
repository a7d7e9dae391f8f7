//! Challenges without storage: the server's own MAC says what a challenge was given for and until when.
//!
//! A ticket costs nothing to give to somebody unknown. That it is used once is the business of the account that it
//! is used on, which remembers the challenge until its end.

use hmac::{Hmac, KeyInit, Mac};
use latchkey_shared::id::{AccountId, KeyId};
use rand_core::CryptoRng;
use sha2::Sha256;

use super::bytes::{b64, unb64};
use super::limits::TICKET_SECS;
use crate::error::{Result, TICKET};

/// What a challenge was given for; an answer for one purpose is refused for another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
#[allow(missing_docs)]
pub enum Purpose {
    SignUp = 1,
    SignIn = 2,
    StepUp = 3,
    Recover = 4,
    AddPasskey = 5,
    Key = 6,
}

/// Purpose, account, challenge, end; then the name, to the end.
const FIXED: usize = 1 + 16 + 32 + 8;
const TAG: usize = 32;
const DOMAIN: &[u8] = b"latchkey/v1/ticket";

/// The key under which tickets are made: the `SESSION_KEY` secret.
#[derive(Clone)]
pub struct TicketKey(pub [u8; 32]);

/// A challenge with what it is for.
#[derive(Clone, PartialEq, Eq)]
pub struct Ticket {
    /// What for.
    pub purpose: Purpose,
    /// Whose; zeros for signing in, where it is not known yet.
    pub account: AccountId,
    /// The challenge.
    pub challenge: [u8; 32],
    /// The first second at which it is no longer taken.
    pub expires: u64,
    /// The name that a new account will have; else empty.
    pub name: String,
}

impl Ticket {
    /// A new challenge.
    pub fn issue(purpose: Purpose, account: AccountId, now: u64, rng: &mut impl CryptoRng) -> Self {
        let mut challenge = [0; 32];
        rng.fill_bytes(&mut challenge);
        Ticket { purpose, account, challenge, expires: now.saturating_add(TICKET_SECS), name: String::new() }
    }

    fn body(&self) -> Vec<u8> {
        let end = self.expires.to_be_bytes();
        [&[self.purpose as u8][..], &self.account.0, &self.challenge, &end, self.name.as_bytes()].concat()
    }

    /// As text for the browser, which hands it back.
    pub fn seal(&self, key: &TicketKey) -> String {
        let body = self.body();
        let tag = mac(key, &body).finalize().into_bytes();
        b64(&[&body[..], &tag[..]].concat())
    }

    /// Reads it back, if it is ours, for this purpose, and not ended.
    pub fn open(text: &str, key: &TicketKey, purpose: Purpose, now: u64) -> Result<Self> {
        let bytes = unb64(text).ok_or(TICKET)?;
        let (body, tag) = bytes.split_at_checked(bytes.len().saturating_sub(TAG)).ok_or(TICKET)?;
        mac(key, body).verify_slice(tag).map_err(|_| TICKET)?;
        let ticket = Self::read(body, purpose).ok_or(TICKET)?;
        if ticket.expires <= now { Err(TICKET) } else { Ok(ticket) }
    }

    fn read(body: &[u8], purpose: Purpose) -> Option<Self> {
        let (fixed, name) = body.split_first_chunk::<FIXED>()?;
        let (kind, rest) = fixed.split_first()?;
        let (account, rest) = rest.split_first_chunk()?;
        let (challenge, rest) = rest.split_first_chunk()?;
        let expires = u64::from_be_bytes(rest.try_into().ok()?);
        let name = String::from_utf8(name.to_vec()).ok()?;
        (*kind == purpose as u8).then_some(Ticket {
            purpose,
            account: AccountId(*account),
            challenge: *challenge,
            expires,
            name,
        })
    }
}

/// The account of a key that no account has: nobody without the ticket key can tell it from one that there is.
pub fn stand_in(key: &TicketKey, of: &KeyId) -> AccountId {
    // No ticket begins with this byte.
    let tag: [u8; TAG] = mac(key, &[&[0xff][..], &of.0].concat()).finalize().into_bytes().into();
    AccountId(core::array::from_fn(|i| tag.get(i).copied().unwrap_or_default()))
}

#[expect(clippy::unreachable, reason = "HMAC takes keys of any length (RFC 2104)")]
fn mac(key: &TicketKey, body: &[u8]) -> Hmac<Sha256> {
    let mut mac = match Hmac::<Sha256>::new_from_slice(&key.0) {
        Ok(mac) => mac,
        Err(_) => unreachable!("HMAC takes keys of any length (RFC 2104)"),
    };
    mac.update(DOMAIN);
    mac.update(body);
    mac
}

#[cfg(test)]
mod tests {
    use super::*;
    use getrandom::{SysRng, rand_core::UnwrapErr};

    const KEY: TicketKey = TicketKey([7; 32]);
    const NOW: u64 = 1_800_000_000;

    #[test]
    fn only_ours_for_this_and_not_ended() {
        let mut ticket = Ticket::issue(Purpose::SignIn, AccountId([3; 16]), NOW, &mut UnwrapErr(SysRng));
        ticket.name = "Zoë".into();
        let text = ticket.seal(&KEY);
        let open = |text: &str, key, purpose, now| Ticket::open(text, key, purpose, now).is_ok();
        assert!(Ticket::open(&text, &KEY, Purpose::SignIn, NOW + TICKET_SECS - 1).is_ok_and(|t| t == ticket));
        assert!(!open(&text, &KEY, Purpose::SignIn, NOW + TICKET_SECS));
        assert!(!open(&text, &KEY, Purpose::StepUp, NOW));
        assert!(!open(&text, &TicketKey([8; 32]), Purpose::SignIn, NOW));
        assert!(!open(&text[1..], &KEY, Purpose::SignIn, NOW));
        assert!(!open("", &KEY, Purpose::SignIn, NOW));
        for at in 0..text.len() {
            let mut bad = text.clone().into_bytes();
            bad[at] = if bad[at] == b'A' { b'B' } else { b'A' };
            assert!(!open(&String::from_utf8(bad).unwrap(), &KEY, Purpose::SignIn, NOW), "{at}");
        }
    }
}

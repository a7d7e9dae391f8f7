//! Accounts: who signs in, with which passkeys, and the wrapped copies of their member key.
//!
//! An account is one record, read whole, changed in memory and written whole, so every change is atomic. Whatever
//! fails leaves the record as it was, because the callers write only after success.

mod answers;
mod api;
mod keyin;
mod manage;
mod options;
mod record;
mod signin;
mod signup;
mod stored;
#[cfg(test)]
mod tests;

pub use answers::Answers;
pub use api::{account_view, ticket_of};
pub use keyin::{begin_key, challenge_of, finish_key, key_of};
pub use manage::{begin_passkey, finish_passkey, put_wraps, remove_passkey};
pub use options::{begin_sign_in, begin_sign_up};
pub use record::{AccountRecord, Passkey, StoredWrap};
pub use signin::{
    SignedIn, account_of_sign_in, begin_recovery, begin_step_up, finish_recovery, finish_sign_in,
    finish_step_up, kit_of_recovery, sign_out,
};
pub use signup::{claim_key, finish_sign_up, member_key_of};

use super::config::Config;
use super::ticket::TicketKey;

/// What decisions about accounts need from outside.
pub struct Context<'a, R> {
    /// Who we are to passkeys.
    pub config: &'a Config,
    /// Under which tickets are made.
    pub tickets: &'a TicketKey,
    /// What the platform's cryptography said.
    pub platform: &'a Answers,
    /// Unix seconds.
    pub now: u64,
    /// A CSPRNG.
    pub rng: R,
}

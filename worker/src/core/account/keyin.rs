//! Signing in with the member key itself: what programs do that hold the member's seed and have no passkey.

use latchkey_shared::id::{AccountId, KeyId};
use latchkey_shared::json::{Value, json};
use latchkey_shared::signin::SignIn;
use latchkey_shared::time::Timestamp;
use rand_core::CryptoRng;

use super::signin::begin;
use super::{AccountRecord, Context, SignedIn};
use crate::core::json::Fields;
use crate::core::ticket::{Purpose, Ticket, stand_in};
use crate::error::{MALFORMED, Result, UNKNOWN_KEY};

/// The member key that a body names.
pub fn key_of(body: &[u8]) -> Result<KeyId> {
    KeyId::parse(&Fields::parse(body)?.text("key")?).map_err(|_| MALFORMED)
}

/// The challenge that a body answers.
pub fn challenge_of(body: &[u8]) -> Result<String> {
    Fields::parse(body)?.text("challenge")
}

/// A challenge for the account that has the key. A key that nobody has gets one too, for an account that nobody has but
/// that is always the same, so that asking tells nothing.
pub fn begin_key<R: CryptoRng>(ctx: &mut Context<'_, R>, key: &KeyId, account: Option<AccountId>) -> Value {
    let account = account.unwrap_or_else(|| stand_in(ctx.tickets, key));
    let ticket = Ticket::issue(Purpose::Key, account, ctx.now, &mut ctx.rng);
    json!({ "challenge": ticket.seal(ctx.tickets), "expires": ticket.expires })
}

/// Signs in with a proof of the member key over this server's origin and the challenge. Who does not have the key is
/// told the same whether an account has it or not.
pub fn finish_key<R: CryptoRng>(
    ctx: &mut Context<'_, R>,
    record: Option<AccountRecord>,
    body: &[u8],
) -> Result<SignedIn> {
    let challenge = challenge_of(body)?;
    let ticket = Ticket::open(&challenge, ctx.tickets, Purpose::Key, ctx.now)?;
    let proof = Fields::parse(body)?.blob("proof")?;
    let mut record = record.ok_or(UNKNOWN_KEY)?;
    SignIn::verify(&proof, &record.sign, &ctx.config.origin, &challenge, Timestamp(ctx.now))?;
    record.consume(&ticket, ctx.now)?;
    let key = record.sign.0;
    Ok(begin(ctx, record, &key))
}

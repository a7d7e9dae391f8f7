//! What browsers are asked for: the JSON forms of WebAuthn Level 3, section 5.4 and 5.5.

use latchkey_shared::id::AccountId;
use latchkey_shared::json::{Value, json};
use latchkey_shared::keys::prf_input;
use latchkey_shared::webauthn::ALGORITHMS;
use rand_core::CryptoRng;

use super::Context;
use super::api::checked_name;
use super::record::Passkey;
use crate::core::bytes::b64;
use crate::core::json::Fields;
use crate::core::limits::TICKET_SECS;
use crate::core::ticket::{Purpose, Ticket};
use crate::error::Result;

fn extensions() -> Value {
    json!({ "prf": json!({ "eval": json!({ "first": b64(&prf_input()) }) }) })
}

fn descriptors(passkeys: &[Passkey]) -> Vec<Value> {
    passkeys.iter().map(|p| json!({ "type": "public-key", "id": b64(&p.id) })).collect()
}

/// A new passkey for this account; those that it has are named, so that none is made twice.
pub(super) fn creation<R>(ctx: &Context<'_, R>, ticket: &Ticket, name: &str, has: &[Passkey]) -> Value {
    let algorithms: Vec<Value> =
        ALGORITHMS.iter().map(|alg| json!({ "type": "public-key", "alg": alg })).collect();
    json!({
        "rp": json!({ "id": ctx.config.rp_id, "name": "Latchkey" }),
        "user": json!({ "id": b64(&ticket.account.0), "name": name, "displayName": name }),
        "challenge": b64(&ticket.challenge),
        "pubKeyCredParams": algorithms,
        "timeout": TICKET_SECS * 1000,
        "excludeCredentials": descriptors(has),
        "authenticatorSelection": json!({
            "residentKey": "required", "requireResidentKey": true, "userVerification": "required",
        }),
        "attestation": "none",
        "extensions": extensions(),
    })
}

/// A passkey's answer, of these passkeys or, if none is named, of any.
pub(super) fn request<R>(ctx: &Context<'_, R>, ticket: &Ticket, allowed: &[Passkey]) -> Value {
    json!({
        "challenge": b64(&ticket.challenge),
        "rpId": ctx.config.rp_id,
        "timeout": TICKET_SECS * 1000,
        "allowCredentials": descriptors(allowed),
        "userVerification": "required",
        "extensions": extensions(),
    })
}

/// `{ticket, options}`.
pub(super) fn begun<R>(ctx: &Context<'_, R>, ticket: &Ticket, options: Value) -> Value {
    json!({ "ticket": ticket.seal(ctx.tickets), "options": options })
}

/// Begins signing up: the account's id is chosen now and stands in the ticket; nothing is stored.
pub fn begin_sign_up<R: CryptoRng>(ctx: &mut Context<'_, R>, body: &[u8]) -> Result<Value> {
    let name = checked_name(Fields::parse(body)?.text("name")?)?;
    let account = AccountId::generate(&mut ctx.rng);
    let mut ticket = Ticket::issue(Purpose::SignUp, account, ctx.now, &mut ctx.rng);
    ticket.name = name;
    let options = creation(ctx, &ticket, &ticket.name, &[]);
    Ok(begun(ctx, &ticket, options))
}

/// Begins signing in with whichever passkey the person has.
pub fn begin_sign_in<R: CryptoRng>(ctx: &mut Context<'_, R>) -> Value {
    let ticket = Ticket::issue(Purpose::SignIn, AccountId([0; 16]), ctx.now, &mut ctx.rng);
    let options = request(ctx, &ticket, &[]);
    begun(ctx, &ticket, options)
}

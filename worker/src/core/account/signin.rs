//! Signing in, confirming, recovering with the kit, signing out.

use latchkey_shared::id::KitId;
use latchkey_shared::json::Value;
use latchkey_shared::webauthn::{CredentialKey, StoredCredential};
use rand_core::CryptoRng;

use super::Context;
use super::api::{UsedCredential, kit_id, wrap_view};
use super::manage::add_passkey;
use super::options::{begun, creation, request};
use super::record::AccountRecord;
use crate::core::json::Fields;
use crate::core::session::{Session, SessionRef, SessionToken};
use crate::core::ticket::{Purpose, Ticket};
use crate::error::{INTERNAL, KIT, NO_SESSION, Result, UNKNOWN_PASSKEY};

/// An account with a session that has just begun.
pub struct SignedIn {
    /// To be stored.
    pub record: AccountRecord,
    /// The new session.
    pub session: Session,
    /// For the cookie.
    pub token: SessionToken,
}

/// Signs in with a passkey of this account.
pub fn finish_sign_in<R: CryptoRng>(
    ctx: &mut Context<'_, R>,
    mut record: AccountRecord,
    body: &[u8],
) -> Result<SignedIn> {
    let body = &mut Fields::parse(body)?;
    let ticket = Ticket::open(&body.text("ticket")?, ctx.tickets, Purpose::SignIn, ctx.now)?;
    let passkey = assert_passkey(ctx, &mut record, &ticket, body)?;
    Ok(begin(ctx, record, &passkey))
}

/// Begins a confirmation with any of the account's passkeys.
pub fn begin_step_up<R: CryptoRng>(
    ctx: &mut Context<'_, R>,
    record: &mut AccountRecord,
    token: &SessionRef,
) -> Result<Value> {
    record.touch(token, ctx.now)?;
    let ticket = Ticket::issue(Purpose::StepUp, record.id, ctx.now, &mut ctx.rng);
    let options = request(ctx, &ticket, &record.passkeys);
    Ok(begun(ctx, &ticket, options))
}

/// Confirms: sensitive actions are allowed for a while. Gives the session.
pub fn finish_step_up<R: CryptoRng>(
    ctx: &mut Context<'_, R>,
    record: &mut AccountRecord,
    token: &SessionRef,
    body: &[u8],
) -> Result<Session> {
    record.touch(token, ctx.now)?;
    let body = &mut Fields::parse(body)?;
    let ticket = Ticket::open(&body.text("ticket")?, ctx.tickets, Purpose::StepUp, ctx.now)?;
    assert_passkey(ctx, record, &ticket, body)?;
    let hash = token.hash;
    let session = record.sessions.iter_mut().find(|s| s.hash == hash).ok_or(NO_SESSION)?;
    session.fresh_until = ctx.now.saturating_add(crate::core::limits::FRESH_SECS);
    session.last_seen = ctx.now;
    Ok(session.clone())
}

/// Begins a recovery: who holds the kit gets the copy that the kit opens, and may add a passkey.
pub fn begin_recovery<R: CryptoRng>(
    ctx: &mut Context<'_, R>,
    record: &AccountRecord,
    body: &[u8],
) -> Result<Value> {
    check_kit(record, &mut Fields::parse(body)?)?;
    let wrap = record.wraps.iter().find(|wrap| wrap.kind == "kit").ok_or(KIT)?;
    let ticket = Ticket::issue(Purpose::Recover, record.id, ctx.now, &mut ctx.rng);
    let options = creation(ctx, &ticket, &record.name, &record.passkeys);
    let mut reply = begun(ctx, &ticket, options);
    if let Some(reply) = reply.as_object_mut() {
        reply.insert("account".into(), record.id.to_string().into());
        reply.insert("name".into(), record.name.as_str().into());
        reply.insert("wrap".into(), wrap_view(wrap));
    }
    Ok(reply)
}

fn check_kit(record: &AccountRecord, body: &mut Fields) -> Result<()> {
    let kit = kit_id(body, "kit_id")?;
    if record.kit_opens(&kit, &body.bytes("kit_auth")?) { Ok(()) } else { Err(KIT) }
}

/// Recovers: the new passkey joins the others, and every session but the new one ends.
pub fn finish_recovery<R: CryptoRng>(
    ctx: &mut Context<'_, R>,
    mut record: AccountRecord,
    body: &[u8],
) -> Result<SignedIn> {
    let body = &mut Fields::parse(body)?;
    let ticket = Ticket::open(&body.text("ticket")?, ctx.tickets, Purpose::Recover, ctx.now)?;
    check_kit(&record, body)?;
    record.consume(&ticket, ctx.now)?;
    let passkey = add_passkey(ctx, &mut record, &ticket, body)?;
    record.sessions.clear();
    Ok(begin(ctx, record, &passkey))
}

/// Ends this session. One that has ended already is no error.
pub fn sign_out(record: &mut AccountRecord, token: &SessionRef) {
    let hash = token.hash;
    record.sessions.retain(|s| s.hash != hash);
}

/// Begins a session by this passkey, or by the member key.
pub(super) fn begin<R: CryptoRng>(
    ctx: &mut Context<'_, R>,
    mut record: AccountRecord,
    passkey: &[u8],
) -> SignedIn {
    let token = SessionToken::generate(record.id, &mut ctx.rng);
    let session = Session::begin(&token, passkey, ctx.now);
    record.begin_session(session.clone(), ctx.now);
    SignedIn { record, session, token }
}

/// Verifies an answer against the account's passkeys, uses the ticket up, and gives the passkey's id.
fn assert_passkey<R>(
    ctx: &Context<'_, R>,
    record: &mut AccountRecord,
    ticket: &Ticket,
    body: &mut Fields,
) -> Result<Vec<u8>> {
    record.consume(ticket, ctx.now)?;
    let response = UsedCredential::read(body)?.response();
    let id = response.credential_id()?;
    let user = record.id.0;
    let passkey = record.passkeys.iter_mut().find(|p| *p.id == *id).ok_or(UNKNOWN_PASSKEY)?;
    let key = CredentialKey::from_cose(&passkey.key).map_err(|_| INTERNAL)?;
    let stored = StoredCredential {
        credential_id: &id,
        key: &key,
        sign_count: passkey.sign_count,
        backup_eligible: passkey.backup_eligible,
        user_handle: &user,
    };
    let asserted =
        ctx.config.relying_party().verify_assertion(&ticket.challenge, &stored, &response, ctx.platform)?;
    passkey.sign_count = asserted.sign_count;
    passkey.backed_up = asserted.backed_up;
    passkey.last_used = Some(ctx.now);
    Ok(id)
}

/// The account that a sign-in body names by its user handle.
pub fn account_of_sign_in(body: &[u8]) -> Result<latchkey_shared::id::AccountId> {
    let credential = UsedCredential::read(&mut Fields::parse(body)?)?;
    let handle = credential.user_handle().ok_or(UNKNOWN_PASSKEY)?;
    crate::core::bytes::unb64_exact(handle).map(latchkey_shared::id::AccountId).ok_or(UNKNOWN_PASSKEY)
}

/// The kit that a recovery body names.
pub fn kit_of_recovery(body: &[u8]) -> Result<KitId> {
    kit_id(&mut Fields::parse(body)?, "kit_id")
}

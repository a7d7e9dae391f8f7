//! Signing up, and the one account that a member key can have.

use latchkey_shared::id::{AccountId, SealPublic, SignPublic};
use rand_core::CryptoRng;

use super::api::{NewCredential, checked_name, kit, wraps};
use super::record::{AccountRecord, Passkey, StoredWrap};
use super::{Context, SignedIn};
use crate::core::json::Fields;
use crate::core::session::{Session, SessionToken};
use crate::core::ticket::{Purpose, Ticket};
use crate::error::{KEY_TAKEN, MALFORMED, MEMBER_KEY, Result, TICKET, WRAPS};

/// The member key that a sign-up body names: it is claimed before the account is made.
pub fn member_key_of(body: &[u8]) -> Result<SignPublic> {
    let sign = SignPublic(Fields::parse(body)?.object("member")?.bytes("sign")?);
    match sign.key() {
        Some(key) if !key.is_weak() => Ok(sign),
        _ => Err(MEMBER_KEY),
    }
}

/// First come, first served: a member key belongs to one account for ever, so that nobody signs up with
/// somebody else's public key to be taken for that member.
pub fn claim_key(owner: Option<AccountId>, by: AccountId) -> Result<AccountId> {
    match owner {
        Some(owner) if owner != by => Err(KEY_TAKEN),
        _ => Ok(by),
    }
}

/// Makes the account. The ticket is single-use because the account's id is in it.
pub fn finish_sign_up<R: CryptoRng>(
    ctx: &mut Context<'_, R>,
    existing: Option<&AccountRecord>,
    body: &[u8],
) -> Result<SignedIn> {
    let sign = member_key_of(body)?;
    let body = &mut Fields::parse(body)?;
    let ticket = Ticket::open(&body.text("ticket")?, ctx.tickets, Purpose::SignUp, ctx.now)?;
    if existing.is_some() {
        return Err(TICKET);
    }
    let seal = SealPublic(body.object("member")?.bytes("seal")?);
    let passkey = new_passkey(ctx, &ticket, body)?;
    let wraps = wraps(body)?;
    check_wraps(&wraps, std::slice::from_ref(&passkey))?;
    let token = SessionToken::generate(ticket.account, &mut ctx.rng);
    let session = Session::begin(&token, &passkey.id, ctx.now);
    let record = AccountRecord {
        id: ticket.account,
        name: checked_name(ticket.name)?,
        created: ctx.now,
        sign,
        seal,
        passkeys: vec![passkey],
        wraps,
        kit: kit(&mut body.object("kit")?)?,
        homes: Vec::new(),
        sessions: vec![session.clone()],
        used: Vec::new(),
    };
    Ok(SignedIn { record, session, token })
}

/// Verifies a new passkey.
pub(super) fn new_passkey<R>(ctx: &Context<'_, R>, ticket: &Ticket, body: &mut Fields) -> Result<Passkey> {
    let credential = NewCredential::read(body)?;
    let (name, prf) = (checked_name(body.text("passkey_name")?)?, body.flag("prf")?);
    let registered = ctx.config.relying_party().verify_registration(
        &ticket.challenge,
        &credential.response(),
        ctx.platform,
    )?;
    Ok(Passkey {
        id: registered.credential_id.into(),
        key: registered.key.to_cose().into(),
        name,
        sign_count: registered.sign_count,
        backup_eligible: registered.backup_eligible,
        backed_up: registered.backed_up,
        prf,
        created: ctx.now,
        last_used: None,
    })
}

/// One copy for the kit and at least one more; copies for passkeys are for passkeys that there are.
pub(super) fn check_wraps(wraps: &[StoredWrap], passkeys: &[Passkey]) -> Result<()> {
    let known = |wrap: &StoredWrap| {
        wrap.credential.as_ref().is_none_or(|id| passkeys.iter().any(|passkey| passkey.id == *id))
    };
    let kit = wraps.iter().any(|wrap| wrap.kind == "kit");
    if !kit || wraps.len() < 2 {
        Err(WRAPS)
    } else if wraps.iter().all(known) {
        Ok(())
    } else {
        Err(MALFORMED)
    }
}

//! Passkeys and wrapped copies of an account. All of it needs a fresh confirmation.

use latchkey_shared::id::{Hash32, KitId};
use latchkey_shared::json::Value;
use rand_core::CryptoRng;

use super::Context;
use super::api::{kit, same_secret, wraps};
use super::options::{begun, creation};
use super::record::AccountRecord;
use super::signup::{check_wraps, new_passkey};
use crate::core::json::Fields;
use crate::core::limits::{MAX_PASSKEYS, MAX_WRAPS};
use crate::core::session::{Session, SessionRef};
use crate::core::ticket::{Purpose, Ticket};
use crate::error::{ACCOUNT_LIMIT, LAST_PASSKEY, NO_PASSKEY, PASSKEY_KNOWN, Result};

/// Begins adding a passkey.
pub fn begin_passkey<R: CryptoRng>(
    ctx: &mut Context<'_, R>,
    record: &mut AccountRecord,
    token: &SessionRef,
) -> Result<Value> {
    record.fresh(token, ctx.now)?;
    let ticket = Ticket::issue(Purpose::AddPasskey, record.id, ctx.now, &mut ctx.rng);
    let options = creation(ctx, &ticket, &record.name, &record.passkeys);
    Ok(begun(ctx, &ticket, options))
}

/// Adds the passkey.
pub fn finish_passkey<R: CryptoRng>(
    ctx: &mut Context<'_, R>,
    record: &mut AccountRecord,
    token: &SessionRef,
    body: &[u8],
) -> Result<Session> {
    // Begun within a fresh confirmation; the ticket says so, for as long as it lasts.
    let (session, _) = record.touch(token, ctx.now)?;
    let body = &mut Fields::parse(body)?;
    let ticket = Ticket::open(&body.text("ticket")?, ctx.tickets, Purpose::AddPasskey, ctx.now)?;
    record.consume(&ticket, ctx.now)?;
    add_passkey(ctx, record, &ticket, body)?;
    Ok(session)
}

/// Verifies and adds a passkey; copies for the same secret are replaced, others are kept.
pub(super) fn add_passkey<R>(
    ctx: &Context<'_, R>,
    record: &mut AccountRecord,
    ticket: &Ticket,
    body: &mut Fields,
) -> Result<Vec<u8>> {
    let passkey = new_passkey(ctx, ticket, body)?;
    if record.passkeys.iter().any(|p| p.id == passkey.id) {
        return Err(PASSKEY_KNOWN);
    }
    if record.passkeys.len() >= MAX_PASSKEYS {
        return Err(ACCOUNT_LIMIT);
    }
    let id = passkey.id.0.clone();
    record.passkeys.push(passkey);
    let new = wraps(body)?;
    record.wraps.retain(|old| !new.iter().any(|new| same_secret(old, new)));
    record.wraps.extend(new);
    if record.wraps.len() > MAX_WRAPS {
        return Err(ACCOUNT_LIMIT);
    }
    check_wraps(&record.wraps, &record.passkeys)?;
    Ok(id)
}

/// Adds copies, each in place of the one under the same secret, and, if there is a new kit, replaces the kit. What
/// another device added meanwhile stays. Gives the kits before and after.
pub fn put_wraps<R>(
    ctx: &Context<'_, R>,
    record: &mut AccountRecord,
    token: &SessionRef,
    body: &[u8],
) -> Result<(Session, KitId, KitId)> {
    let session = record.fresh(token, ctx.now)?;
    let body = &mut Fields::parse(body)?;
    let before = record.kit.0;
    let new = wraps(body)?;
    record.wraps.retain(|old| !new.iter().any(|new| same_secret(old, new)));
    record.wraps.extend(new);
    if record.wraps.len() > MAX_WRAPS {
        return Err(ACCOUNT_LIMIT);
    }
    check_wraps(&record.wraps, &record.passkeys)?;
    if let Some(fields) = &mut body.object_if("kit")? {
        record.kit = kit(fields)?;
    }
    Ok((session, before, record.kit.0))
}

/// Removes a passkey, its copy and the sessions that it began; never the last one.
pub fn remove_passkey<R>(
    ctx: &Context<'_, R>,
    record: &mut AccountRecord,
    token: &SessionRef,
    id: &[u8],
) -> Result<Session> {
    let session = record.fresh(token, ctx.now)?;
    if !record.passkeys.iter().any(|p| *p.id == *id) {
        return Err(NO_PASSKEY);
    }
    let left: Vec<_> = record.wraps.iter().filter(|w| w.credential.as_deref() != Some(id)).cloned().collect();
    if record.passkeys.len() == 1 {
        return Err(LAST_PASSKEY);
    }
    record.passkeys.retain(|p| *p.id != *id);
    check_wraps(&left, &record.passkeys)?;
    record.wraps = left;
    let gone = Hash32::of(id);
    record.sessions.retain(|s| s.passkey != gone || s.hash == session.hash);
    Ok(session)
}

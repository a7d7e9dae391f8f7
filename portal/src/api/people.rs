//! Invitations, and what residents see.

use super::http::{get_bytes, get_cbor, json_empty, read, send_cbor};
use crate::problem::Problem;
use gloo_net::http::Method;
use latchkey_shared::api::{AcceptInvite, InviteEntry, InviteProof, InviteShown, Invites, Mine, path};
use latchkey_shared::id::{HomeId, InviteId};
use latchkey_shared::invite::{Acceptance, Invite, InviteSecret};
use latchkey_shared::wire::cbor::Blob;

/// An empty list of invitations: a map of one empty array.
const NONE: [u8; 3] = [0xa1, 0x01, 0x80];

/// Whether a home has invitations that count, for its owners. Cheaper than reading them.
pub async fn any_invites(home: &HomeId) -> Result<bool, Problem> {
    Ok(get_bytes(&path::invites(home)).await? != NONE)
}

/// A home's invitations that count, for its owners.
pub async fn invites(home: &HomeId) -> Result<Vec<InviteEntry>, Problem> {
    get_cbor::<Invites>(&path::invites(home)).await.map(|invites| invites.list)
}

/// Keeps a new invitation.
pub async fn invite(home: &HomeId, invite: &Invite) -> Result<InviteEntry, Problem> {
    read(&send_cbor(Method::POST, &path::invites(home), invite).await?)
}

/// Withdraws one.
pub async fn withdraw(home: &HomeId, id: &InviteId) -> Result<(), Problem> {
    json_empty(Method::DELETE, &path::invite(home, id), None).await
}

/// What one is invited to.
pub async fn open(secret: &InviteSecret) -> Result<InviteShown, Problem> {
    let proof = InviteProof { auth: Blob(secret.auth().to_vec()) };
    read(&send_cbor(Method::POST, &path::invite_open(&secret.id()), &proof).await?)
}

/// Answers an invitation.
pub async fn accept(secret: &InviteSecret, acceptance: Acceptance) -> Result<InviteShown, Problem> {
    let accept = AcceptInvite { auth: Blob(secret.auth().to_vec()), acceptance };
    read(&send_cbor(Method::POST, &path::invite_accept(&secret.id()), &accept).await?)
}

/// One's own codes and a page of entries.
pub async fn mine(home: &HomeId, before: Option<u64>) -> Result<Mine, Problem> {
    let before = before.map(|cursor| format!("&before={cursor}")).unwrap_or_default();
    get_cbor(&format!("{}?limit=30{before}", path::mine(home))).await
}

/// Takes a home off the account's list.
pub async fn unlist(home: &HomeId) -> Result<(), Problem> {
    json_empty(Method::DELETE, &path::listed_home(home), None).await
}

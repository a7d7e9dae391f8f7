//! What is asked of a home: each request is decided at once, with nothing awaited, and says what is to follow.

use latchkey_shared::api::{InviteShown, Notice};
use latchkey_shared::id::{GrantId, HomeId, HubId, InviteId, LinkId, LockId, Nonce};
use latchkey_shared::wire::cbor::to_vec;

use super::sockets::Audience;
use super::{After, HomeDo, hub_of, member, rules, zone};
use crate::auth::Who;
use crate::core::bytes::unb64_exact;
use crate::env;
use crate::error::{HUB_AWAY, INTERNAL, MALFORMED, NO_HUB, NO_INVITE, NO_LINK, NO_ROUTE, Result};
use crate::http::{PACKS, Request, Response, cbor, json, large_cbor, no_content, number, param, with};

fn invite_of(query: &str) -> Result<InviteId> {
    param(query, "id").and_then(|text| InviteId::parse(text).ok()).ok_or(NO_INVITE)
}

impl HomeDo {
    /// Requests after whose decision nobody has to be waited for.
    pub(super) fn answer(&self, req: &Request, bytes: &[u8], now: u64) -> Result<Response> {
        let (path, query) = (req.path.as_str(), req.query.as_str());
        match path {
            "/create" => self.create(req, query, bytes, now),
            "/snapshot" => {
                let (who, after) = (member(req)?, number(query, "after")?);
                let online = self.online();
                let snapshot = self.with_home(|home| home.snapshot(&who.key, after, &online, now))?;
                large_cbor(&snapshot, req.header(PACKS).is_some())
            }
            "/events" | "/mine" => {
                let (who, before, limit) = (member(req)?, number(query, "before")?, number(query, "limit")?);
                let limit = limit.map(|n| usize::try_from(n).unwrap_or(usize::MAX));
                if path == "/events" {
                    return cbor(200, &to_vec(&self.with_home(|home| home.events(&who.key, before, limit))?));
                }
                let online = self.online();
                cbor(200, &to_vec(&self.with_home(|home| home.mine(&who.key, before, limit, &online, now))?))
            }
            "/export" => {
                let (who, after) = (member(req)?, param(query, "after"));
                cbor(200, &to_vec(&self.with_home(|home| home.export(&who.key, after, now))?))
            }
            "/invites" => cbor(200, &to_vec(&self.with_home(|home| home.invites(&member(req)?.key, now))?)),
            "/invites/withdraw" => {
                let (who, id) = (member(req)?, invite_of(query)?);
                self.atomically(|home| home.withdraw(&who.key, &id))?;
                self.to_portals(Audience::Owners, &Notice::Invites);
                no_content()
            }
            "/invites/open" => {
                let id = invite_of(query)?;
                cbor(200, &to_vec(&self.with_home(|home| home.open_invite(&id, bytes, now))?))
            }
            "/invites/accept" => {
                let (who, id) = (member(req)?, invite_of(query)?);
                let shown: InviteShown =
                    self.atomically(|home| home.accept_invite(&id, &who.key, bytes, now))?;
                self.to_portals(Audience::Owners, &Notice::Invites);
                cbor(200, &to_vec(&shown))
            }
            "/ws" => self.portal_socket(&member(req)?, now),
            "/resync" => self.resync(&member(req)?, query),
            "/hub/push" => self.push(req, bytes, now),
            "/hub/last-event" => self.newest_event(req, now),
            "/hub/ws" => self.hub_socket(req, now),
            "/tokens" => self.tokens(req, now),
            "/tokens/revoke" => self.revoke_token(req, query),
            "/link/status" | "/link/reveal" => self.link(path, query, bytes, now),
            _ => Err(NO_ROUTE),
        }
    }

    /// Passes on that a lock's codes are to be read again.
    pub(super) fn resync(&self, who: &Who, query: &str) -> Result<Response> {
        let (hub, lock, grant) = (param(query, "hub"), param(query, "lock"), param(query, "grant"));
        let grant = grant.map(|text| GrantId::parse(text).map_err(|_| MALFORMED)).transpose()?;
        let hub = hub.and_then(|text| HubId::parse(text).ok()).ok_or(NO_HUB)?;
        let lock = lock.and_then(|text| LockId::parse(text).ok()).ok_or(MALFORMED)?;
        self.with_home(|home| home.manager(&who.key).map(drop))?;
        if !self.online().contains(&hub) {
            return Err(HUB_AWAY);
        }
        let notice = grant.map_or(Notice::Resync(lock), |grant| Notice::ResyncCode(lock, grant));
        self.to_hub(&hub, &notice);
        no_content()
    }

    pub(super) fn create(&self, req: &Request, query: &str, bytes: &[u8], now: u64) -> Result<Response> {
        let id = param(query, "home").and_then(|text| HomeId::parse(text).ok()).ok_or(INTERNAL)?;
        let (who, issuer) = (member(req)?, env::issuer(&self.env)?);
        let submitted = self.atomically(|home| home.create(&id, &who.key, &issuer, bytes, now))?;
        cbor(201, &to_vec(&submitted))
    }

    pub(super) fn invite(&self, req: &Request, bytes: &[u8], now: u64) -> Result<(Response, After)> {
        let who = member(req)?;
        let entry = self.atomically(|home| home.invite(&who.key, bytes, now))?;
        Ok((cbor(201, &to_vec(&entry))?, After::Invite(entry.invite.id, entry.invite.expires.0)))
    }

    pub(super) fn submit(&self, req: &Request, bytes: &[u8], now: u64) -> Result<(Response, After)> {
        let (who, issuer) = (member(req)?, env::issuer(&self.env)?);
        let taken = self.atomically(|home| home.submit(&who.key, who.fresh, &issuer, bytes, now))?;
        Ok((cbor(200, &to_vec(&taken.submitted))?, After::Tell(taken)))
    }

    pub(super) fn submit_hub(&self, req: &Request, bytes: &[u8], now: u64) -> Result<(Response, After)> {
        let (hub, signed) = hub_of(req)?;
        let (authority, issuer) = (env::config(&self.env)?.authority(), env::issuer(&self.env)?);
        let taken = self.atomically(|home| {
            home.authenticate(&hub, &signed, &authority, bytes, now)?;
            home.submit_hub(&hub, &issuer, bytes, now)
        })?;
        Ok((cbor(200, &to_vec(&taken.submitted))?, After::Tell(taken)))
    }

    pub(super) fn bundle(&self, req: &Request, now: u64) -> Result<(Response, After)> {
        let (hub, signed) = hub_of(req)?;
        let authority = env::config(&self.env)?.authority();
        let after = number(&signed.query, "after")?;
        let nonce =
            param(&signed.query, "nonce").map(|text| unb64_exact(text).ok_or(MALFORMED)).transpose()?;
        let issuers = env::issuers(&self.env)?;
        let reply = self.with_home(|home| {
            home.authenticate(&hub, &signed, &authority, &[], now)?;
            home.bundle(&hub, after, nonce.map(Nonce), &issuers, now)
        })?;
        let response = with(cbor(200, &reply.body)?, "etag", &reply.etag)?;
        Ok((response, reply.cache.map_or(After::Nothing, |cached| After::Cache(hub, cached))))
    }

    pub(super) fn push(&self, req: &Request, bytes: &[u8], now: u64) -> Result<Response> {
        let (hub, signed) = hub_of(req)?;
        let authority = env::config(&self.env)?.authority();
        let ingested = self.atomically(|home| {
            home.authenticate(&hub, &signed, &authority, bytes, now)?;
            home.push(&hub, bytes, now)
        })?;
        self.tell_portals(&ingested, &hub);
        cbor(200, &to_vec(&ingested.ack))
    }

    pub(super) fn newest_event(&self, req: &Request, now: u64) -> Result<Response> {
        let (hub, signed) = hub_of(req)?;
        let authority = env::config(&self.env)?.authority();
        let bytes = self.with_home(|home| {
            home.authenticate(&hub, &signed, &authority, &[], now)?;
            home.newest_event(&hub)
        })?;
        cbor(200, &bytes)
    }

    pub(super) fn link(&self, path: &str, query: &str, bytes: &[u8], now: u64) -> Result<Response> {
        let id = param(query, "id").and_then(|text| LinkId::parse(text).ok()).ok_or(NO_LINK)?;
        let auth: [u8; 32] = bytes.try_into().map_err(|_| NO_LINK)?;
        self.with_home(|home| {
            let zone = zone(home);
            if path == "/link/reveal" {
                return json(200, &home.reveal(&id, &auth, rules(&zone), now)?.to_json());
            }
            json(200, &home.link_status(&id, &auth, rules(&zone), now)?.to_json())
        })
    }
}

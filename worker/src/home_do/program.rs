//! The API for programs, and the tokens by which they use it.

use latchkey_shared::id::{Hash32, TokenId};
use zeroize::Zeroizing;

use super::{After, HomeDo, member, rules, zone};
use crate::core::api::{ApiContext, ApiRequest, Caller, Reply};
use crate::core::bytes::unb64_exact;
use crate::env;
use crate::error::{INTERNAL, NO_TOKEN, Result};
use crate::http::{Request, Response, json_text, no_content, param, with};

impl HomeDo {
    pub(super) fn program(
        &self,
        req: &Request,
        path: &str,
        body: Vec<u8>,
        now: u64,
    ) -> Result<(Response, After)> {
        let secret = |name| req.header(name).and_then(|text| unb64_exact::<32>(&text));
        let caller = match secret("x-token") {
            Some(hash) => Caller::Token(Hash32(hash)),
            None => Caller::Member(member(req)?.key),
        };
        let request = ApiRequest {
            method: req.header("x-method").ok_or(INTERNAL)?,
            path: path.to_owned(),
            query: req.query.clone(),
            body,
            caller,
            if_match: req.header("if-match"),
            once: secret("x-once").map(Zeroizing::new),
        };
        let (issuers, config, online) = (env::issuers(&self.env)?, env::config(&self.env)?, self.online());
        let reply = self.atomically(|home| {
            let zone = zone(home);
            let (issuers, online, origin) = (&issuers[..], &online[..], config.origin.as_str());
            let mut ctx = ApiContext { now, zone: rules(&zone), online, issuers, origin, rng: env::rng() };
            home.api(&mut ctx, &request)
        })?;
        Ok((self.respond(&reply)?, reply.taken.map_or(After::Nothing, After::Tell)))
    }

    fn respond(&self, reply: &Reply) -> Result<Response> {
        let mut response = match reply.status {
            204 => no_content()?,
            status => json_text(status, &reply.body)?,
        };
        if let Some(etag) = &reply.etag {
            response = with(response, "etag", etag)?;
        }
        if let Some(path) = &reply.location {
            let home = self.with_home(|home| Ok(*home.chain()?.home()))?;
            response = with(response, "location", &format!("/api/v1/homes/{home}/{path}"))?;
        }
        Ok(response)
    }

    pub(super) fn tokens(&self, req: &Request, now: u64) -> Result<Response> {
        let who = member(req)?;
        json_text(200, &self.with_home(|home| home.tokens(&who.key, now))?)
    }

    pub(super) fn make_token(&self, req: &Request, body: &[u8], now: u64) -> Result<(Response, After)> {
        let who = member(req)?;
        let made = self.atomically(|home| {
            home.make_token(&who.key, who.fresh, body, &mut env::rng(), now).map(Zeroizing::new)
        })?;
        Ok((json_text(201, &made)?, After::Sweep))
    }

    pub(super) fn revoke_token(&self, req: &Request, query: &str) -> Result<Response> {
        let who = member(req)?;
        let id = param(query, "id").and_then(|text| TokenId::parse(text).ok()).ok_or(NO_TOKEN)?;
        self.atomically(|home| home.revoke_token(&who.key, &id))?;
        no_content()
    }
}

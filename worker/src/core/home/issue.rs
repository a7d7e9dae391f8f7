//! Codes that programs make, change and revoke, signed by the Worker's own key where an owner gave it a scope. The
//! PIN is made or read here, sealed and forgotten; the op is verified like any other, by the same rules.

use ed25519_dalek::SigningKey;
use latchkey_shared::compose::{Change, Composer, Draft, ForGuest, LinkWish, PinWish};
use latchkey_shared::exchange::typed::{Edge, parse_hours, parse_instant};
use latchkey_shared::id::{GrantId, Hash32, LockId, SignPublic};
use latchkey_shared::keys::Keys;
use latchkey_shared::link::LinkSecret;
use latchkey_shared::pin::{Pin, PinDesk, PinRules};
use latchkey_shared::schedule::{Schedule, Validity};
use latchkey_shared::text::unb64url;
use latchkey_shared::time::Timestamp;
use latchkey_shared::token::{open_answer, seal_answer};
use latchkey_shared::wire::cbor::{Blob, from_slice, to_vec};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::Home;
use super::chain::Taken;
use super::views::{Seat, etag};
use crate::core::api::{ApiContext, ApiRequest, Call, Query, Reply, find};
use crate::core::json::Fields;
use crate::core::limits::{ANSWER_SECS, MAX_ANSWERS, MAX_NOTE};
use crate::error::{
    CHANGED, CODE_OVER, FULL, IF_MATCH, INTERNAL, ISSUING_OFF, LINK, NO_LOCK, NOT_ISSUED, NOTE, REUSED,
    Result, ZONE,
};
use crate::store::{HomeStore, Shelf};

/// What the Worker's key may do here.
struct Issuer {
    keys: Keys,
    public: SignPublic,
}

impl<S: HomeStore> Home<S> {
    /// Answers a program.
    pub fn api<R: CryptoRng>(&mut self, ctx: &mut ApiContext<'_, R>, req: &ApiRequest) -> Result<Reply> {
        let (route, code) = find(&req.method, &req.path)?;
        self.admit(&req.caller, route.scope, ctx.now)?;
        let query = Query(&req.query);
        match (route.call, code) {
            (Call::Home, _) => self.home_view(),
            (Call::People, _) => self.people_view(),
            (Call::Locks, _) => self.locks_view(),
            (Call::Hubs, _) => self.hubs_view(ctx.online),
            (Call::Codes, _) => self.codes_view(ctx, query),
            (Call::Log, _) => self.log_view(query),
            (Call::NewCode, _) => self.once(ctx, req),
            (Call::Code, Some(id)) => self.code_view(ctx, &id),
            (Call::ChangeCode, Some(id)) => self.change_code(ctx, &id, req),
            (Call::RevokeCode, Some(id)) => self.revoke_code(ctx, &id, req),
            _ => Err(INTERNAL),
        }
    }

    /// Makes a code, or answers as before if the caller asked the same before.
    fn once<R: CryptoRng>(&mut self, ctx: &mut ApiContext<'_, R>, req: &ApiRequest) -> Result<Reply> {
        let Some(key) = &req.once else { return self.new_code(ctx, &req.body) };
        let id = Hash32::of(&key[..]);
        // Under the key, so that what is kept confirms no guess at a note to the guest.
        let asked = Hash32::of(&[&key[..], &req.body].concat());
        if let Some(kept) = self.store.item(Shelf::Answer, &id.0)? {
            let (before, until, sealed): (Hash32, u64, Blob) =
                from_slice(&kept, 64 * 1024).map_err(|_| INTERNAL)?;
            if ctx.now < until {
                let body = open_answer(key, &sealed).ok_or(INTERNAL)?;
                let body = core::str::from_utf8(&body).map_err(|_| INTERNAL)?;
                let (code, body) = body.split_once('\n').ok_or(INTERNAL)?;
                return if before == asked { Ok(created(code, body.to_owned())) } else { Err(REUSED) };
            }
        }
        if self.store.count_items(Shelf::Answer)? >= MAX_ANSWERS {
            return Err(FULL);
        }
        let reply = self.new_code(ctx, &req.body)?;
        let code = reply.location.as_deref().and_then(|path| path.strip_prefix("codes/")).ok_or(INTERNAL)?;
        let plain = Zeroizing::new(format!("{code}\n{}", reply.body.as_str()));
        let until = ctx.now.saturating_add(ANSWER_SECS);
        let sealed = Blob(seal_answer(key, plain.as_bytes(), &mut ctx.rng));
        self.store.put_item(Shelf::Answer, &id.0, &to_vec(&(asked, until, sealed)), Some(until))?;
        Ok(reply)
    }

    fn new_code<R: CryptoRng>(&mut self, ctx: &mut ApiContext<'_, R>, body: &[u8]) -> Result<Reply> {
        let issuer = self.issuer(ctx.issuers)?;
        let now = Timestamp(ctx.now);
        let mut fields = Fields::parse(body)?;
        let label = fields.text("label")?;
        let locks = fields.texts("locks", |text| LockId::parse(text).ok())?;
        let validity = Validity::new(now, None, Schedule::Always);
        let validity = when(&mut fields, validity, ctx)?;
        let uses = fields.number_if("uses")?;
        let note = fields.text_if("note")?.unwrap_or_default();
        fields.end()?;
        if note.len() > MAX_NOTE {
            return Err(NOTE);
        }
        let reports = self.latest_reports()?;
        let (mut doors, mut caps) = (Vec::new(), Vec::new());
        for id in &locks {
            let report = reports.iter().find(|report| report.lock.id == *id).ok_or(NO_LOCK)?;
            doors.push(report.lock.name.clone());
            caps.push(report.lock.abilities.pin_caps());
        }
        let mut draft = Draft { uses, ..Draft::guest(&label, locks, validity) };
        draft.validate()?;
        let chosen = reports.iter().filter(|report| draft.locks.contains(&report.lock.id));
        draft.fits(chosen.map(|report| &report.lock.abilities))?;
        if over(&draft.validity, now) {
            return Err(CODE_OVER);
        }
        draft.validity = draft.validity.from_now(now, ctx.zone.ok_or(ZONE)?)?;
        let chain = self.chain()?;
        let rules = PinRules::new(&chain.policy().pin, &caps)?;
        let pin = PinDesk::new(rules).generate(&mut ctx.rng)?;
        let composer = Composer { chain, keys: &issuer.keys, home_keys: &[], now };
        let words = ForGuest { doors, note };
        let made = composer.make(&draft, &pin, LinkWish::Show(&words), &mut ctx.rng)?;
        let taken = self.signed(&issuer, &made.change, ctx.now)?;
        let (id, link) = (made.grant.id, made.link.ok_or(INTERNAL)?);
        let (object, _) = self.code_json(&self.view(ctx)?, &self.seat(&id)?)?;
        let body = object.text("link", link.url(ctx.origin).as_str()).done();
        Ok(Reply { taken: Some(taken), ..created(&id.to_string(), body) })
    }

    /// Another time with the same PIN. The guest's link, which the caller was given, holds the PIN.
    fn change_code<R: CryptoRng>(
        &mut self,
        ctx: &mut ApiContext<'_, R>,
        id: &GrantId,
        req: &ApiRequest,
    ) -> Result<Reply> {
        let issuer = self.issuer(ctx.issuers)?;
        // Nothing is signed on a guess at what the clock at home shows.
        let zone = ctx.zone.ok_or(ZONE)?;
        let seat = self.seat(id)?;
        demand_version(&seat, req.if_match.as_deref().ok_or(IF_MATCH)?)?;
        // The link shows the PIN. Only PINs that were made here come here again.
        let ours = |key: &SigningKey| SignPublic::from(key.verifying_key()).id() == seat.entry.signer;
        if !ctx.issuers.iter().any(ours) {
            return Err(NOT_ISSUED);
        }
        let mut fields = Fields::parse(&req.body)?;
        let link = Zeroizing::new(fields.text("link")?);
        let old = &seat.entry.grant;
        let mut validity = when(&mut fields, old.validity(), ctx)?;
        if let Some(suspended) = fields.flag_if("suspended")? {
            validity.suspended = suspended;
        }
        let uses = fields.number_if("uses")?.or(old.uses);
        fields.end()?;
        let now = Timestamp(ctx.now);
        if over(&old.validity(), now) || over(&validity, now) {
            return Err(CODE_OVER);
        }
        if validity != old.validity() {
            validity.check_from(now, zone)?;
        }
        let pin = self.pin_behind(&seat, &link)?;
        let draft = Draft { validity, uses, ..Draft::of(old) };
        let reports = self.latest_reports()?;
        let chosen = reports.iter().filter(|report| draft.locks.contains(&report.lock.id));
        draft.fits(chosen.map(|report| &report.lock.abilities))?;
        let composer = Composer { chain: self.chain()?, keys: &issuer.keys, home_keys: &[], now };
        let made = composer.edit(id, &draft, PinWish::Same(pin), LinkWish::Keep, &mut ctx.rng);
        let taken = self.signed(&issuer, &made?.change, ctx.now)?;
        Ok(Reply { taken: Some(taken), ..self.code_view(ctx, id)? })
    }

    fn revoke_code<R>(&mut self, ctx: &ApiContext<'_, R>, id: &GrantId, req: &ApiRequest) -> Result<Reply> {
        let issuer = self.issuer(ctx.issuers)?;
        let seat = self.seat(id)?;
        if let Some(version) = &req.if_match {
            demand_version(&seat, version)?;
        }
        if self.chain()?.revoked().contains_key(id) {
            return Ok(Reply::nothing());
        }
        let change = Change::of(latchkey_shared::chain::Body::RevokeGrant(*id));
        let taken = self.signed(&issuer, &change, ctx.now)?;
        Ok(Reply { taken: Some(taken), ..Reply::nothing() })
    }

    /// The Worker's key, if an owner gave it a scope.
    fn issuer(&self, keys: &[SigningKey]) -> Result<Issuer> {
        let chain = self.chain()?;
        chain.members().get(&chain.issuer().id()).ok_or(ISSUING_OFF)?;
        let public = *chain.issuer();
        let key = keys.iter().find(|key| SignPublic::from(key.verifying_key()) == public);
        Ok(Issuer { keys: Keys::issuer(key.ok_or(ISSUING_OFF)?.clone()), public })
    }

    /// Signs and appends.
    fn signed(&mut self, issuer: &Issuer, change: &Change, now: u64) -> Result<Taken> {
        let signed = change.sign(self.chain()?, &issuer.keys, Timestamp(now))?;
        self.append(&issuer.keys.id(), false, &issuer.public, signed.submit, now)
    }

    /// The PIN that a guest's link shows.
    fn pin_behind(&self, seat: &Seat, link: &str) -> Result<Pin> {
        let (grant, fragment) = (&seat.entry.grant, link.rsplit('#').next().unwrap_or_default());
        let bytes = Zeroizing::new(unb64url(fragment).ok_or(LINK)?);
        let secret = LinkSecret::from_slice(&bytes).ok_or(LINK)?;
        let id = secret.id();
        if grant.link.as_ref().map(|link| link.id) != Some(id) {
            return Err(LINK);
        }
        let row = self.store.link(&id)?.filter(|row| row.rev == grant.rev).ok_or(LINK)?;
        let plain = secret.decrypt(&row.content.ok_or(LINK)?).map_err(|_| LINK)?;
        let digits = Zeroizing::new(Fields::parse(&plain).map_err(|_| LINK)?.text("pin").map_err(|_| LINK)?);
        Pin::parse(&digits).map_err(|_| LINK)
    }
}

fn over(validity: &Validity, now: Timestamp) -> bool {
    validity.term().1.is_some_and(|end| end <= now)
}

fn created(code: &str, body: String) -> Reply {
    let etag = Some("\"r1\"".to_owned());
    Reply { status: 201, etag, location: Some(format!("codes/{code}")), ..Reply::ok(body) }
}

/// Refuses a change of something else than the caller saw.
fn demand_version(seat: &Seat, wanted: &str) -> Result<()> {
    let current = etag(&seat.entry);
    if wanted == "*" || wanted.split(',').any(|tag| tag.trim() == current) { Ok(()) } else { Err(CHANGED) }
}

/// `not_before`, `expires` and `hours` of a body, on top of what there is.
fn when<R>(fields: &mut Fields, mut validity: Validity, ctx: &ApiContext<'_, R>) -> Result<Validity> {
    let zone = ctx.zone.ok_or(ZONE)?;
    let instant = |text: String, edge| parse_instant(&text, zone, edge);
    if let Some(text) = fields.text_if("not_before")? {
        validity.not_before = instant(text, Edge::Start)?;
    }
    if let Some(text) = fields.text_if("expires")? {
        validity.expires = Some(instant(text, Edge::End)?);
    }
    if let Some(text) = fields.text_if("hours")? {
        validity.schedule = parse_hours(&text)?;
    }
    Ok(validity)
}

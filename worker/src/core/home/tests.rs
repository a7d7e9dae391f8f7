//! A home through its life, and what it refuses.

use ed25519_dalek::SigningKey;
use latchkey_shared::api::{CreateHome, HubPush, LinkUpload, Snapshot, SubmitOps};
use latchkey_shared::chain::op::{AddHub, AddKey, Role, Scope};
use latchkey_shared::chain::verify::Now;
use latchkey_shared::chain::{Body, Op, SignedOp};
use latchkey_shared::event::{Event, EventBody};
use latchkey_shared::explain::CodeState;
use latchkey_shared::grant::{Grant, GrantKind, LinkRef};
use latchkey_shared::httpsig;
use latchkey_shared::id::{Hash32, HubId, KeyId, LinkId, LockId, Nonce, SignPublic};
use latchkey_shared::keys::{Keys, Seed};
use latchkey_shared::link::LinkSecret;
use latchkey_shared::report::{CodeReport, Report};
use latchkey_shared::sealed::SealedSecret;
use latchkey_shared::testing::{self, TestHome};
use latchkey_shared::time::{Seconds, Timestamp};
use latchkey_shared::wire::cbor::{Blob, from_slice, to_vec};
use latchkey_shared::zone::{FixedZone, Zone};

use super::*;
use crate::core::limits::{HEAD_CACHED_SECS, HEAD_LIFE_SECS, LINK_TOMBSTONE_SECS};
use crate::error::*;
use crate::store::memory::MemoryStore;

mod farewell;
mod guest;
mod people;
mod programs;

const NOW: u64 = TestHome::BEGINNING.0;
const DOOR: LockId = LockId([1; 16]);
const AUTHORITY: &str = "latchkey.test";

/// A home at the Worker, with the test home that writes for it.
struct Case {
    home: Home<MemoryStore>,
    author: TestHome,
    issuer: SignPublic,
    events: Vec<(Vec<u8>, Hash32)>,
}

impl Case {
    /// A home with its hub.
    fn new(seed: u64) -> Self {
        let author = TestHome::new(seed);
        let issuer = SignPublic::from(author.issuer.verifying_key());
        let mut case =
            Case { home: Home::load(MemoryStore::default()).unwrap(), author, issuer, events: vec![] };
        let genesis = case.author.ops[0].clone();
        let id = *case.author.state.home();
        let by = case.author.owner.id();
        let body = to_vec(&CreateHome { genesis: Blob(genesis) });
        case.home.create(&id, &by, &case.issuer, &body, NOW).unwrap();
        case.submit_from(1, vec![]).unwrap();
        case
    }

    fn owner(&self) -> KeyId {
        self.author.owner.id()
    }

    /// What the owner's portal fetches while the hub is connected.
    fn snapshot(&mut self, after: Option<u64>) -> Snapshot {
        let bytes = self.home.snapshot(&self.owner(), after, &[self.author.hub], NOW).unwrap();
        from_slice(&bytes, 1 << 20).unwrap()
    }

    /// Submits the author's ops from this number on.
    fn submit_from(&mut self, from: usize, links: Vec<LinkUpload>) -> Result<Taken> {
        let ops = self.author.ops.iter().skip(from).map(|op| Blob(op.clone())).collect();
        let by = self.owner();
        self.home.submit(&by, true, &self.issuer, &to_vec(&SubmitOps { ops, links }), NOW)
    }

    fn put(&mut self, grant: Grant, links: Vec<LinkUpload>) -> Result<Taken> {
        let from = self.author.ops.len();
        self.author.push(Body::PutGrant(grant)).unwrap();
        self.submit_from(from, links)
    }

    /// A guest's code with a link, put.
    fn shared_code(&mut self) -> (Grant, LinkSecret) {
        let mut grant = self.author.guest("482915", &[DOOR]);
        let secret = LinkSecret::generate(&mut self.author.rng);
        let home = *self.author.state.home();
        let key = self.author.home_key.clone();
        let sealed =
            SealedSecret::seal(&secret, &home, &grant.id, key.epoch(), &key.public(), &mut self.author.rng)
                .unwrap();
        grant.link = Some(LinkRef { id: secret.id(), secret: sealed });
        self.put(grant.clone(), vec![upload(&grant, &secret)]).unwrap();
        (grant, secret)
    }

    fn report(&self, number: u64, codes: Vec<CodeReport>) -> Blob {
        let usual = self.author.report(testing::lock(DOOR, "Front door"), codes);
        let report = Report { number, at: Timestamp(NOW), seq: 1, ..usual };
        Blob(report.sign(self.author.hub_keys.signing()))
    }

    /// The next event of the hub.
    fn event(&mut self) -> Blob {
        let number = self.events.len() as u64 + 1;
        let event = Event {
            home: *self.author.state.home(),
            hub: self.author.hub,
            number,
            at: Timestamp(NOW),
            body: EventBody::EntryRefused(DOOR),
            prev: self.events.last().map(|(_, hash)| *hash),
            clock_unsure: false,
        };
        let signed = event.sign(self.author.hub_keys.signing());
        self.events.push(signed.clone());
        Blob(signed.0)
    }

    fn push(&mut self, reports: Vec<Blob>, events: Vec<Blob>) -> Result<Ingested> {
        let hub = self.author.hub;
        self.home.push(&hub, &to_vec(&HubPush { seq: Some(1), reports, events }), NOW)
    }

    fn signed(&self, path: &str, query: &str, nonce: u8) -> HubRequest {
        let parts = httpsig::SignedParts { method: "GET", authority: AUTHORITY, path, query, body: &[] };
        let id = format!("{}/{}", self.author.state.home(), self.author.hub);
        let key = self.author.hub_keys.signing();
        let headers = httpsig::sign(key, &id, &parts, NOW, &[nonce; 16]).unwrap();
        HubRequest {
            method: "GET".into(),
            path: path.into(),
            query: query.into(),
            input: Some(headers.signature_input),
            signature: Some(headers.signature),
            digest: headers.content_digest,
        }
    }
}

fn upload(grant: &Grant, secret: &LinkSecret) -> LinkUpload {
    LinkUpload { id: secret.id(), grant: grant.id, auth_hash: secret.auth_hash(), content: Blob(vec![7; 64]) }
}

/// What was written, as another reader reads it.
fn seen(value: impl std::fmt::Display) -> serde_json::Value {
    serde_json::from_str(&value.to_string()).unwrap()
}

fn on_lock(grant: &Grant) -> CodeReport {
    let state = CodeState::OnLock { verified_at: Timestamp(NOW) };
    testing::code(grant, state, Timestamp(NOW))
}

#[test]
fn a_home_begins_once() {
    let mut case = Case::new(1);
    let (id, by, issuer) = (*case.author.state.home(), case.owner(), case.issuer);
    let again = to_vec(&CreateHome { genesis: Blob(case.author.ops[0].clone()) });
    assert_eq!(case.home.create(&id, &by, &issuer, &again, NOW), Err(HOME_TAKEN));
    let fresh = || Home::load(MemoryStore::default()).unwrap();
    assert!(fresh().create(&id, &by, &issuer, &again, NOW).is_ok());
    assert_eq!(fresh().create(&id, &KeyId([9; 16]), &issuer, &again, NOW), Err(NOT_SIGNER));
    assert_eq!(fresh().create(&id, &by, &SignPublic([9; 32]), &again, NOW), Err(ISSUER));
    let other = latchkey_shared::id::HomeId([9; 16]);
    assert_eq!(fresh().create(&other, &by, &issuer, &again, NOW).unwrap_err().code, "chain.wrong_home");
    for bad in [&again[..again.len() - 1], b"", &[0xff; 40]] {
        assert_eq!(fresh().create(&id, &by, &issuer, bad, NOW), Err(WIRE));
    }
    // A retry whose first answer was lost.
    let mut home = fresh();
    let first = home.create(&id, &by, &issuer, &again, NOW).unwrap();
    assert_eq!(home.create(&id, &by, &issuer, &again, NOW).unwrap(), first);
}

#[test]
fn of_two_admins_one_wins() {
    let mut case = Case::new(2);
    let base = case.author.state.clone();
    let sign = |case: &mut Case, pin: &str| {
        let grant = case.author.guest(pin, &[DOOR]);
        SignedOp::sign(&base.next_op(Body::PutGrant(grant), Timestamp(NOW)), case.author.owner.signing())
    };
    let (a, b) = (sign(&mut case, "482915"), sign(&mut case, "739164"));
    let by = case.owner();
    let issuer = case.issuer;
    let mut submit = |op: Vec<u8>| {
        let body = to_vec(&SubmitOps { ops: vec![Blob(op)], links: vec![] });
        case.home.submit(&by, false, &issuer, &body, NOW).map(|taken| taken.submitted.seq)
    };
    assert_eq!(submit(a.clone()), Ok(2));
    assert_eq!(submit(b), Err(CONFLICT));
    assert_eq!(submit(a), Err(CONFLICT), "and nothing is taken twice");
    assert_eq!(case.home.chain().unwrap().seq(), 2);
}

#[test]
fn all_ops_or_none_and_a_restart_changes_nothing() {
    let mut case = Case::new(3);
    let before = case.home.store().clone();
    let good = case.author.guest("482915", &[DOOR]);
    let op = case.author.state.next_op(Body::PutGrant(good), Timestamp(NOW));
    let good = SignedOp::sign(&op, case.author.owner.signing());
    for bad in [good.clone(), vec![], good[..good.len() - 1].to_vec()] {
        let ops = vec![Blob(good.clone()), Blob(bad)];
        let body = to_vec(&SubmitOps { ops, links: vec![] });
        let by = case.owner();
        assert!(case.home.submit(&by, true, &case.issuer, &body, NOW).is_err());
        assert_eq!(*case.home.store(), before);
    }
    case.submit_from(2, vec![]).unwrap_err();
    let (_, secret) = case.shared_code();
    let woken = Home::load(case.home.store().clone()).unwrap();
    assert_eq!(woken.chain().unwrap(), case.home.chain().unwrap());
    assert!(woken.link_status(&secret.id(), &secret.auth(), Some(&FixedZone::UTC), NOW).is_ok());
}

#[test]
fn who_may_submit_what() {
    let mut case = Case::new(4);
    let stranger = Keys::member(&Seed::from_slice(&[5; 32]).unwrap());
    let issuer = case.issuer;
    let from = case.author.ops.len();
    let grant = case.author.guest("482915", &[DOOR]);
    case.author.push(Body::PutGrant(grant)).unwrap();
    let body = to_vec(&SubmitOps { ops: vec![Blob(case.author.ops[from].clone())], links: vec![] });
    assert_eq!(case.home.submit(&stranger.id(), true, &issuer, &body, NOW).unwrap_err(), NO_HOME);
    assert_eq!(case.home.snapshot(&stranger.id(), None, &[], NOW), Err(NO_HOME));
    assert_eq!(case.home.events(&stranger.id(), None, None), Err(NO_HOME));
    let hub = case.author.hub_keys.id();
    assert_eq!(case.home.submit(&hub, true, &issuer, &body, NOW).unwrap_err(), NO_HOME, "a hub is no member");
    case.submit_from(from, vec![]).unwrap();
    // A resident reads and signs nothing; the owner's op under the resident's session is refused.
    let record = stranger.record("Bo");
    let from = case.author.ops.len();
    case.author
        .push(Body::AddKey(AddKey { invite: None, key: record, role: Role::Resident, wraps: vec![] }))
        .unwrap();
    let body = to_vec(&SubmitOps { ops: vec![Blob(case.author.ops[from].clone())], links: vec![] });
    let by = case.owner();
    assert_eq!(case.home.submit(&by, false, &issuer, &body, NOW).unwrap_err(), STEP_UP);
    case.home.submit(&by, true, &issuer, &body, NOW).unwrap();
    assert_eq!(case.home.snapshot(&stranger.id(), None, &[], NOW), Err(RESIDENT));
    let grant = case.author.guest("739164", &[DOOR]);
    let op = case.author.state.next_op(Body::PutGrant(grant), Timestamp(NOW));
    for (key, why) in [(case.author.owner.signing(), RESIDENT.code), (stranger.signing(), RESIDENT.code)] {
        let body = to_vec(&SubmitOps { ops: vec![Blob(SignedOp::sign(&op, key))], links: vec![] });
        assert_eq!(case.home.submit(&stranger.id(), true, &issuer, &body, NOW).unwrap_err().code, why);
    }
    // Heads must stay possible.
    let body = Body::RotateIssuer(SignPublic::from(SigningKey::from_bytes(&[3; 32]).verifying_key()));
    let op = SignedOp::sign(&case.author.state.next_op(body, Timestamp(NOW)), case.author.owner.signing());
    let body = to_vec(&SubmitOps { ops: vec![Blob(op)], links: vec![] });
    assert_eq!(case.home.submit(&by, true, &issuer, &body, NOW).unwrap_err(), ISSUER);
}

#[test]
fn a_hub_takes_what_the_worker_gives() {
    let mut case = Case::new(5);
    case.shared_code();
    let (hub, issuers) = (case.author.hub, [case.author.issuer.clone()]);
    let reply = case.home.bundle(&hub, None, Some(Nonce([4; 16])), &issuers, NOW).unwrap();
    assert!(reply.cache.is_none(), "a head with a nonce is one of a kind");
    let bundle = from_slice(&reply.body, latchkey_shared::limits::MAX_BUNDLE_BYTES).unwrap();
    let mut chain = case.author.hub_chain();
    let checked = chain.check(&bundle, Now::Unknown, Some(&Nonce([4; 16]))).unwrap();
    assert!(checked.proves_fresh());
    assert_eq!(checked.head().expires.0 - checked.head().issued_at.0, HEAD_LIFE_SECS);
    chain.commit(checked).unwrap();
    assert_eq!(chain.grants().count(), 1);
    let reply = case.home.bundle(&hub, Some(2), None, &issuers, NOW + 60).unwrap();
    let bundle = from_slice(&reply.body, latchkey_shared::limits::MAX_BUNDLE_BYTES).unwrap();
    assert!(chain.check(&bundle, Now::Known(Timestamp(NOW + 60)), None).is_ok());
    assert_eq!(reply.etag, format!("\"2-{}\"", NOW + 60));
    assert_eq!(case.home.bundle(&hub, Some(3), None, &issuers, NOW).unwrap_err(), AHEAD);
    assert_eq!(case.home.bundle(&hub, None, None, &[], NOW).unwrap_err(), CONFIG);
    let other = latchkey_shared::id::HubId([9; 16]);
    assert_eq!(case.home.bundle(&other, None, None, &issuers, NOW).unwrap_err(), NO_HUB);
}

#[test]
fn unchanged_from_the_cache_only_when_it_surely_is() {
    let cached = CachedHead { key: SignPublic([1; 32]), seq: 7, issued_at: NOW };
    let ask = |query: &str, tag: &str, now| head_from_cache(&cached, query, tag, now);
    assert_eq!(CachedHead::read(cached.to_text().as_bytes()).as_ref(), Some(&cached));
    let tag = format!("\"7-{NOW}\"");
    assert!(ask("after=7", &tag, NOW + HEAD_CACHED_SECS - 1));
    assert!(!ask("after=7", &tag, NOW + HEAD_CACHED_SECS));
    assert!(!ask("after=7", &tag, NOW - 1), "a head from the future");
    assert!(!ask("after=6", &tag, NOW));
    assert!(!ask("after=7&nonce=AAAAAAAAAAAAAAAAAAAAAA", &tag, NOW));
    assert!(!ask("", &tag, NOW));
    assert!(!ask("after=7", "\"7-1\"", NOW));
    assert!(!ask("after=7", "*", NOW));
}

#[test]
fn requests_of_hubs_are_theirs_and_new() {
    let case = Case::new(6);
    let hub = case.author.hub;
    let request = case.signed("/bundle", "after=1", 1);
    let check = |request: &HubRequest, now| case.home.authenticate(&hub, request, AUTHORITY, &[], now);
    assert_eq!(HubRequest::read(request.to_json().to_string().as_bytes()).as_ref(), Ok(&request));
    assert_eq!(check(&request, NOW), Ok(()));
    assert_eq!(check(&request, NOW + 300), Err(REPLAYED));
    assert_eq!(check(&request, NOW + 301).unwrap_err().code, "request.signature_stale");
    let tampered = HubRequest { query: "after=0".into(), ..case.signed("/bundle", "after=1", 2) };
    assert_eq!(check(&tampered, NOW).unwrap_err().code, "request.signature_invalid");
    let other = Case::new(7);
    assert_eq!(check(&other.signed("/bundle", "", 3), NOW), Err(NO_HUB));
    let unsigned = HubRequest { signature: None, ..case.signed("/bundle", "", 4) };
    assert_eq!(check(&unsigned, NOW).unwrap_err().code, "request.signature_missing");
    let empty = Home::load(MemoryStore::default()).unwrap();
    assert_eq!(empty.authenticate(&hub, &request, AUTHORITY, &[], NOW), Err(NO_HUB));
}

#[test]
fn events_are_kept_in_order_once_each() {
    let mut case = Case::new(8);
    let events: Vec<Blob> = (0..5).map(|_| case.event()).collect();
    let part = |range: core::ops::Range<usize>| events[range].to_vec();
    assert_eq!(case.push(vec![], part(0..2)).unwrap().ack.events_through, 2);
    let again = case.push(vec![], part(0..3)).unwrap();
    assert_eq!((again.ack.events_through, again.events.len()), (3, 1));
    assert_eq!(case.push(vec![], part(4..5)).unwrap().ack.events_through, 3, "a gap is sent again");
    assert_eq!(case.push(vec![], part(3..5)).unwrap().ack.events_through, 5);
    let page = case.home.events(&case.owner(), None, Some(2)).unwrap();
    assert_eq!(page.events, [events[4].clone(), events[3].clone()]);
    let rest = case.home.events(&case.owner(), page.next, Some(9)).unwrap();
    assert_eq!((rest.events.len(), rest.next), (3, None));
    // Another history of the same hub.
    let mut liar = Case::new(8);
    liar.events.push((vec![], Hash32([9; 32])));
    let forged = liar.event();
    let before = case.home.store().clone();
    assert_eq!(case.push(vec![], vec![forged]).unwrap_err(), EVENT_FORK);
    let mut foreign = Case::new(9);
    let foreign = foreign.event();
    assert_eq!(case.push(vec![], vec![foreign]).unwrap_err().code, "event.bad_signature");
    assert_eq!(*case.home.store(), before);
}

#[test]
fn a_hub_submits_what_its_panel_may() {
    let mut case = Case::new(21);
    let (hub, issuer) = (case.author.hub, case.issuer);
    let keys = case.author.hub_keys.clone();
    let submit = |case: &mut Case, ops: Vec<Vec<u8>>, links| {
        let ops = ops.into_iter().map(Blob).collect();
        case.home.submit_hub(&hub, &issuer, &to_vec(&SubmitOps { ops, links }), NOW)
    };
    let grant = case.author.guest("482915", &[DOOR]);
    let sign =
        |case: &Case, body| SignedOp::sign(&case.author.state.next_op(body, Timestamp(NOW)), keys.signing());
    let op = sign(&case, Body::PutGrant(grant.clone()));
    assert_eq!(submit(&mut case, vec![op.clone()], vec![]).unwrap_err().code, "chain.not_allowed");
    let from = case.author.ops.len();
    let scope = Scope { locks: None, max_length: Some(Seconds::days(7)), kinds: vec![GrantKind::Guest] };
    let key = keys.record("Hall");
    case.author.push(Body::AddHub(AddHub { hub, key, panel: Some(scope), wraps: vec![] })).unwrap();
    case.submit_from(from, vec![]).unwrap();
    assert_eq!(submit(&mut case, vec![op], vec![]).unwrap_err(), CONFLICT, "an owner was faster");
    let op = sign(&case, Body::PutGrant(grant.clone()));
    let secret = LinkSecret::generate(&mut case.author.rng);
    let link = upload(&grant, &secret);
    assert_eq!(submit(&mut case, vec![op.clone()], vec![link]).unwrap_err(), WIRE, "no links");
    assert_eq!(submit(&mut case, vec![op.clone()], vec![]).unwrap().grants, [grant.id]);
    assert_eq!(submit(&mut case, vec![op.clone()], vec![]).unwrap_err(), CONFLICT, "once");
    case.author.state.extend(&op).unwrap();
    let rule = sign(&case, Body::RemoveHub(hub));
    assert!(submit(&mut case, vec![rule], vec![]).is_err());
    let by_owner = case.author.state.next_op(Body::RevokeGrant(grant.id), Timestamp(NOW));
    let by_owner = SignedOp::sign(&by_owner, case.author.owner.signing());
    assert_eq!(submit(&mut case, vec![by_owner], vec![]).unwrap_err(), NOT_SIGNER);
    for bad in [&b""[..], &[0xa0], &[0xff; 64]] {
        assert_eq!(case.home.submit_hub(&hub, &issuer, bad, NOW).unwrap_err(), WIRE);
    }
    assert_eq!(case.home.submit_hub(&HubId([9; 16]), &issuer, b"", NOW).unwrap_err(), NO_HUB);
    // A hub that lost its log is told its newest event.
    assert_eq!(case.home.newest_event(&hub).unwrap_err(), NO_HUB);
    let events = vec![case.event(), case.event()];
    case.push(vec![], events.clone()).unwrap();
    assert_eq!(case.home.newest_event(&hub).unwrap(), events[1].0);
}

#[test]
fn a_snapshot_has_the_chain_as_it_is() {
    let mut case = Case::new(22);
    let ops = |case: &Case| case.author.ops.iter().map(|op| Blob(op.clone())).collect::<Vec<_>>();
    for round in 0..3 {
        let (all, newest) = (case.snapshot(None), case.snapshot(Some(1)));
        assert_eq!((all.now, &all.ops), (Timestamp(NOW), &ops(&case)), "{round}");
        assert_eq!(newest.ops, ops(&case)[2..]);
        assert_eq!(all.hubs, newest.hubs);
        case.shared_code();
    }
    let revoked = case.author.guest("731946", &[DOOR]);
    assert!(!case.put(revoked, vec![]).unwrap().ends, "no link, so nothing to end");
    let (mut grant, secret) = case.shared_code();
    grant.rev += 1;
    grant.expires = grant.expires.map(|end| Timestamp(end.0 + 3600));
    assert!(case.put(grant.clone(), vec![]).unwrap().ends, "{:?}", secret.id());
    assert_eq!(case.snapshot(None).ops, ops(&case));
    let awake = Home::load(case.home.store().clone()).unwrap();
    assert_eq!(awake.ops_bytes, case.home.ops_bytes);
}

#[test]
fn the_newest_report_holds() {
    let mut case = Case::new(10);
    let (old, new) = (case.report(4, vec![]), case.report(5, vec![]));
    assert_eq!(case.push(vec![new.clone(), old.clone()], vec![]).unwrap().reports.len(), 1);
    assert_eq!(case.push(vec![old, new.clone()], vec![]).unwrap().reports.len(), 0);
    let snapshot = case.snapshot(Some(0));
    assert_eq!((snapshot.reports, snapshot.ops.len()), (vec![new], 1));
    assert_eq!((snapshot.hubs[0].online, snapshot.hubs[0].seq), (true, Some(1)));
    let foreign = Case::new(11).report(6, vec![]);
    assert_eq!(case.push(vec![foreign], vec![]).unwrap_err().code, "report.bad_signature");
    let hub = case.author.hub;
    for bad in [&b""[..], &[0xa0], &[0xff; 64]] {
        assert_eq!(case.home.push(&hub, bad, NOW).unwrap_err(), WIRE);
    }
    let ahead = to_vec(&HubPush { seq: Some(99), reports: vec![], events: vec![] });
    assert_eq!(case.home.push(&hub, &ahead, NOW).unwrap_err(), REPORT);
}

#[test]
fn a_guest_sees_the_door_and_nobody_else_does() {
    let mut case = Case::new(12);
    let (grant, secret) = case.shared_code();
    let (id, auth) = (secret.id(), secret.auth());
    let zone = FixedZone::UTC;
    let see = |case: &Case, now| seen(case.home.link_status(&id, &auth, Some(&zone), now).unwrap().to_json());
    assert_eq!(see(&case, NOW)["doors"][0]["state"], "waiting_for_hub");
    case.push(vec![case.report(1, vec![on_lock(&grant)])], vec![]).unwrap();
    let status = see(&case, NOW);
    assert_eq!(status["state"], "live");
    assert_eq!(status["zone"], "Europe/Berlin");
    assert_eq!(status["doors"][0]["name"], "Front door");
    assert_eq!(status["doors"][0]["state"], "on_lock");
    assert_eq!(status["doors"][0]["opens"], true);
    assert_eq!(status["doors"][0]["verified_at"], NOW);
    assert_eq!(status["checked_at"], NOW);
    let reveal = |case: &Case, now| seen(case.home.reveal(&id, &auth, Some(&zone), now).unwrap().to_json());
    assert_eq!(reveal(&case, NOW)["ct"], crate::core::bytes::b64(&[7; 64]));
    assert_eq!(case.home.link_status(&id, &[0; 32], Some(&zone), NOW), Err(NO_LINK));
    assert_eq!(case.home.link_status(&LinkId([9; 16]), &auth, Some(&zone), NOW), Err(NO_LINK));
    let end = grant.expires.unwrap().0;
    assert_eq!(see(&case, end)["state"], "over");
    assert_eq!(reveal(&case, end).get("ct"), None);
    let from = case.author.ops.len();
    case.author.push(Body::RevokeGrant(grant.id)).unwrap();
    let taken = case.submit_from(from, vec![]).unwrap();
    assert_eq!((taken.grants, taken.links), (vec![grant.id], vec![id]));
    assert_eq!(see(&case, NOW), serde_json::json!({ "state": "revoked", "checked_at": NOW }));
    assert_eq!(case.home.store().link(&id).unwrap().unwrap().content, None, "the content is gone");
    assert_eq!(case.home.code_meta(&grant.id), Ok(None));
}

#[test]
fn a_changed_code_is_not_shown_from_an_old_link() {
    let mut case = Case::new(13);
    let (grant, secret) = case.shared_code();
    let (id, auth) = (secret.id(), secret.auth());
    let next =
        Grant { rev: 2, expires: grant.expires.map(|t| t.saturating_add(Seconds(60))), ..grant.clone() };
    // The same PIN for longer: the link shows what it showed.
    case.put(Grant { label: "Zoë B.".into(), ..next.clone() }, vec![]).unwrap();
    assert!(case.home.reveal(&id, &auth, Some(&FixedZone::UTC), NOW).is_ok());
    let mut next = Grant { rev: 3, pin_set: Timestamp(NOW + 1), ..next };
    case.author.seal(&mut next, "739164");
    case.put(next.clone(), vec![]).unwrap();
    assert_eq!(case.home.reveal(&id, &auth, Some(&FixedZone::UTC), NOW).unwrap_err(), LINK_CHANGED);
    let body = to_vec(&SubmitOps { ops: vec![], links: vec![upload(&next, &secret)] });
    let by = case.owner();
    case.home.submit(&by, false, &case.issuer, &body, NOW).unwrap();
    assert!(case.home.reveal(&id, &auth, Some(&FixedZone::UTC), NOW).is_ok());
    // A link that the grant does not name, too long a content, a grant that is not there.
    for bad in [
        LinkUpload { id: LinkId([9; 16]), ..upload(&next, &secret) },
        LinkUpload { content: Blob(vec![0; 5000]), ..upload(&next, &secret) },
        LinkUpload { content: Blob(vec![]), ..upload(&next, &secret) },
        LinkUpload { grant: latchkey_shared::id::GrantId([9; 16]), ..upload(&next, &secret) },
    ] {
        let body = to_vec(&SubmitOps { ops: vec![], links: vec![bad] });
        assert_eq!(case.home.submit(&by, false, &case.issuer, &body, NOW).unwrap_err(), LINK);
    }
}

#[test]
fn what_has_ended_is_wiped_and_later_forgotten() {
    let mut case = Case::new(14);
    let (grant, secret) = case.shared_code();
    let end = grant.expires.unwrap().0;
    let id = secret.id();
    assert_eq!(case.home.sweep(NOW), Ok(Some(end)));
    assert!(case.home.store().link(&id).unwrap().unwrap().content.is_some());
    assert_eq!(case.home.sweep(end), Ok(Some(end + LINK_TOMBSTONE_SECS)));
    assert_eq!(case.home.store().link(&id).unwrap().unwrap().content, None);
    assert!(case.home.link_status(&id, &secret.auth(), Some(&FixedZone::UTC), end).is_ok());
    assert_eq!(case.home.sweep(end + LINK_TOMBSTONE_SECS), Ok(None));
    assert_eq!(case.home.store().link(&id), Ok(None));
}

#[test]
fn no_input_panics() {
    let mut case = Case::new(15);
    let (by, hub, issuer) = (case.owner(), case.author.hub, case.issuer);
    let op = Op {
        home: *case.author.state.home(),
        seq: u64::MAX,
        prev: None,
        iat: Timestamp(u64::MAX),
        body: Body::Checkpoint(Hash32([0; 32])),
    };
    let op = SignedOp::sign(&op, case.author.owner.signing());
    let seed = to_vec(&SubmitOps { ops: vec![Blob(op)], links: vec![] });
    let before = case.home.store().clone();
    for at in 0..seed.len() {
        for flip in [0x01, 0x80, 0xff] {
            let mut bytes = seed.clone();
            bytes[at] ^= flip;
            assert!(case.home.submit(&by, true, &issuer, &bytes, NOW).is_err());
            assert!(case.home.push(&hub, &bytes, NOW).is_err());
            assert!(case.home.submit(&by, true, &issuer, &seed[..at], NOW).is_err());
        }
    }
    assert_eq!(*case.home.store(), before);
}

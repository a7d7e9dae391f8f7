//! Decoders: whatever comes, they neither panic nor take a second spelling of anything.

use latchkey_hub::config::Source;
use latchkey_hub::core::change::{CodeRecord, LockRecord, Release, TipRecord, UseRecord};
use latchkey_hub::core::clock::FloorRecord;
use latchkey_hub::core::health::HealthRecord;
use latchkey_hub::core::slot_state::SlotRecord;
use latchkey_shared::api::{
    AcceptInvite, CreateHome, EventsPage, HubAck, HubPush, InviteProof, InviteShown, Invites, Mine, Notice,
    Snapshot, SubmitOps, Submitted,
};
use latchkey_shared::chain::SignedOp;
use latchkey_shared::event::Event;
use latchkey_shared::exchange::archive::{self, ArchivePage};
use latchkey_shared::exchange::backup::Backup;
use latchkey_shared::exchange::{csv as table, typed};
use latchkey_shared::head::{Bundle, Head};
use latchkey_shared::httpsig as signed;
use latchkey_shared::id::{HomeId, HubId, SignPublic};
use latchkey_shared::invite::{Invite, InviteSecret};
use latchkey_shared::json::Value;
use latchkey_shared::keys::{Kit, Wrap};
use latchkey_shared::link::LinkSecret;
use latchkey_shared::pair::{PairAnswer, PairOffer, PairSecret};
use latchkey_shared::report::Report;
use latchkey_shared::testing::{TestHome, rng};
use latchkey_shared::token::ApiToken;
use latchkey_shared::wire::cbor::{from_slice, to_vec};
use latchkey_shared::wire::cose::{Kind, Unverified};
use latchkey_shared::wire::derive::{Decode, Encode};
use latchkey_shared::zone::FixedZone;
use latchkey_worker::core::home::CachedHead;
use latchkey_worker::core::session::SessionToken;
use latchkey_worker::core::ticket::{Purpose, Ticket, TicketKey};

const MB: usize = 1024 * 1024;

/// What was decoded is written as it was read: there is one spelling.
fn once<T: Encode + Decode>(data: &[u8]) -> Option<T> {
    let value: T = from_slice(data, 8 * MB).ok()?;
    assert_eq!(to_vec(&value), data, "one value has one spelling");
    Some(value)
}

pub(super) fn cbor(data: &[u8]) {
    once::<Snapshot>(data);
    once::<SubmitOps>(data);
    once::<HubPush>(data);
    once::<HubAck>(data);
    once::<Mine>(data);
    once::<CreateHome>(data);
    once::<PairOffer>(data);
    once::<PairAnswer>(data);
    once::<Wrap>(data);
    once::<Vec<Option<String>>>(data);
    once::<Submitted>(data);
    once::<EventsPage>(data);
    once::<Invites>(data);
    once::<InviteShown>(data);
    once::<Notice>(data);
    ledger(data);
}

/// What the hub reads back from its own disk.
fn ledger(data: &[u8]) {
    once::<FloorRecord>(data);
    once::<SlotRecord>(data);
    once::<LockRecord>(data);
    once::<CodeRecord>(data);
    once::<UseRecord>(data);
    once::<TipRecord>(data);
    once::<HealthRecord>(data);
    once::<Release>(data);
}

pub(super) fn cose(data: &[u8]) {
    for kind in [Kind::Op, Kind::Head, Kind::Report, Kind::Event, Kind::SignIn, Kind::Invite] {
        if let Ok(message) = Unverified::parse(kind, data, MB) {
            let key = SignPublic(*data.first_chunk().unwrap_or(&[7; 32]));
            assert!(message.verify(&key).is_err(), "nobody signed this");
            let _ = (message.hash(), message.kid());
        }
    }
}

pub(super) fn op(data: &[u8]) {
    if let Ok(op) = SignedOp::parse(data) {
        let _ = op.claimed().body.validate();
        assert_eq!(SignedOp::parse(data).map(|again| again.hash()).ok(), Some(op.hash()));
    }
    // The payload alone, as it would be signed.
    if let Some(op) = once::<latchkey_shared::chain::Op>(data) {
        let _ = op.body.validate();
    }
}

pub(super) fn bundle(data: &[u8]) {
    let Some(bundle) = once::<Bundle>(data) else { return };
    let home = TestHome::new(1);
    let chain = home.hub_chain();
    let now = latchkey_shared::chain::verify::Now::Known(TestHome::BEGINNING);
    assert!(chain.check(&bundle, now, None).is_err(), "it is another home's");
}

pub(super) fn head(data: &[u8]) {
    let issuer = TestHome::genesis(1).issuer;
    assert!(Head::verify(data, &issuer.verifying_key().into()).is_err());
    if let Some(head) = once::<Head>(data) {
        let _ =
            (head.check_audience(&HomeId([1; 16]), &HubId([2; 16])), head.check_time(TestHome::BEGINNING));
        assert!(!head.etag().is_empty());
    }
}

pub(super) fn report(data: &[u8]) {
    let _ = Report::claimed_source(data);
    once::<Report>(data);
    let key = SignPublic(*data.first_chunk().unwrap_or(&[7; 32]));
    assert!(Report::verify(data, &HomeId([1; 16]), &HubId([2; 16]), &key).is_err());
}

pub(super) fn event(data: &[u8]) {
    let _ = Event::claimed(data);
    if let Some(event) = once::<Event>(data) {
        let _ = (event.body.lock(), event.body.grant(), event.body.entry());
    }
}

pub(super) fn link(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let secret = LinkSecret::generate(&mut rng(1));
    assert!(secret.decrypt(data).is_err(), "nobody encrypted this");
    let _ = (InviteSecret::parse(&text), PairSecret::parse(&text), Kit::parse(&text));
    if let Some(token) = ApiToken::parse(&text) {
        assert_eq!(*token.text(), text, "a token has one text");
    }
    if let Ok(home) = HomeId::parse(&text) {
        assert_eq!(home.to_string(), text, "an id has one text");
    }
    // What a browser or KV gives the Worker back.
    if let Some(session) = SessionToken::from_cookies(&text) {
        assert_eq!(SessionToken::from_cookies(&session.set_cookie()).map(|s| s.hash()), Some(session.hash()));
    }
    if let Some(head) = CachedHead::read(data) {
        assert_eq!(CachedHead::read(head.to_text().as_bytes()), Some(head));
    }
    assert!(Ticket::open(&text, &TicketKey([7; 32]), Purpose::SignIn, 0).is_err(), "nobody gave this out");
}

pub(super) fn invite(data: &[u8]) {
    if let Some(invite) = once::<Invite>(data) {
        let _ = (invite.validate(), invite.signer());
        assert!(invite.verify(&TestHome::genesis(1).state, TestHome::BEGINNING).is_err());
    }
    once::<AcceptInvite>(data);
    once::<InviteProof>(data);
}

pub(super) fn archive(data: &[u8]) {
    let _ = archive::verify(data, None);
    once::<ArchivePage>(data);
    // As a page of a file.
    let _ = archive::verify(&archive::write([data]), None);
}

pub(super) fn backup(data: &[u8]) {
    let _ = Backup::claimed(data);
    assert!(Backup::open(data, &Kit::generate(&mut rng(1))).is_err(), "nobody sealed this");
}

pub(super) fn json(data: &[u8]) {
    let Some(value) = Value::parse(data) else { return };
    let text = value.to_string();
    // But for numbers that are not whole: they are `null` from then on.
    let again = Value::parse(text.as_bytes()).map(|again| again.to_string());
    assert_eq!(again, Some(text), "it comes back");
    let theirs: Result<serde_json::Value, _> = serde_json::from_slice(data);
    // RFC 8259 sets no bound to numbers; others have one, and ours is kept as "something else".
    let read = theirs.map_or_else(|e| e.to_string().starts_with("number out of range"), |_| true);
    assert!(read, "what we read, others read");
}

pub(super) fn csv(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let doors = [(latchkey_shared::id::LockId([1; 16]), "Front door".to_owned())];
    let context = table::Context { doors: &doors, zone: &FixedZone::UTC, now: TestHome::BEGINNING };
    if let Ok(rows) = table::import(&text, &context) {
        for row in rows {
            let _ = row.draft.validate();
        }
    }
    for line in text.lines().take(20) {
        let _ = typed::parse_instant(line, &FixedZone::UTC, typed::Edge::Start);
        if let Ok(hours) = typed::parse_hours(line) {
            assert_eq!(typed::parse_hours(&typed::write_hours(&hours)).as_ref(), Ok(&hours));
        }
        if let Ok(dates) = typed::parse_dates(line) {
            assert_eq!(typed::parse_dates(&typed::write_dates(&dates)).as_ref(), Ok(&dates));
        }
    }
}

pub(super) fn config(data: &[u8]) {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::write(dir.path().join("hub.toml"), data).expect("a file");
    if let Err(problems) = Source::in_state(dir.path()).load() {
        assert!(!problems.0.is_empty(), "a refusal says why");
    }
}

pub(super) fn httpsig(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut lines = text.splitn(3, '\n');
    let (input, signature, digest) = (lines.next(), lines.next(), lines.next());
    let Ok(parsed) = signed::parse(input, signature, digest) else { return };
    let parts =
        signed::SignedParts { method: "GET", authority: "a.example", path: "/", query: "", body: b"" };
    let key = TestHome::genesis(1).owner.signing().verifying_key();
    assert!(parsed.verify(&key, &parts, parsed.created()).is_err(), "nobody signed this");
}

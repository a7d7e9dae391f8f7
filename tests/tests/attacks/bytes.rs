//! Bytes that were changed, cut, lengthened, or written in another way than the one that counts. Where it matters they
//! are signed well, so that nothing but their form is wrong.

use ed25519_dalek::{Signer, SigningKey};
use latchkey_shared::api::HubPush;
use latchkey_shared::chain::{Body, SignedOp};
use latchkey_shared::event::{Event, EventBody};
use latchkey_shared::head::Head;
use latchkey_shared::id::SignPublic;
use latchkey_shared::invite::Invite;
use latchkey_shared::report::Report;
use latchkey_shared::signin::SignIn;
use latchkey_shared::testing::{TestHome, lock};
use latchkey_shared::wire::cbor::{Blob, from_slice, to_vec};
use latchkey_shared::wire::cose::{self, Kind, Unverified};
use latchkey_tests::stage::{FRONT, Stage, bundle, covered};
use std::collections::BTreeSet;

/// A hub that waits for one more op, and that op under its head.
pub(crate) fn waiting(seed: u64) -> (Stage, Vec<u8>) {
    let mut stage = Stage::new(seed);
    let grant = stage.guest("483920", FRONT);
    stage.signs(Body::PutGrant(grant));
    let op = stage.author.ops.last().cloned().unwrap();
    let bytes = covered(&stage.author, &[op], stage.real(), None);
    (stage, bytes)
}

/// Feeds bytes and demands that nothing came of it; the code.
fn refused(stage: &mut Stage, bytes: Vec<u8>) -> &'static str {
    // The hub is asked not to send a nonce, so that an answer made before the question is as good as any.
    let codes = stage.forge(move |_, _| bytes);
    assert_eq!(codes.len(), 1, "{codes:?}");
    assert_eq!((stage.hub_seq(), stage.held().len()), (1, 0));
    codes[0]
}

#[test]
fn every_byte_flipped_and_every_cut() {
    let (mut stage, good) = waiting(40);
    let mut codes = BTreeSet::new();
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1 << (at % 8);
        codes.insert(refused(&mut stage, bad));
        codes.insert(refused(&mut stage, good[..at].to_vec()));
    }
    for more in [vec![0], vec![0xf6], good.clone()] {
        codes.insert(refused(&mut stage, [good.clone(), more].concat()));
    }
    assert!(codes.len() > 3, "{codes:?}");
    // The same bytes unchanged are taken, where the answer may be without a nonce.
    let now = stage.real();
    let op = stage.author.ops.last().cloned().unwrap();
    assert_eq!(stage.forge(move |author, asked| covered(author, &[op], now, asked.nonce)), [""; 0]);
    stage.run(5);
    assert_eq!(stage.opens(FRONT), ["483920"]);
}

/// COSE_Sign1 by hand: any header, any payload, signed well over exactly that.
fn cose_by_hand(
    context: &str,
    protected: &[u8],
    unprotected: &[u8],
    payload: &[u8],
    key: &SigningKey,
) -> Vec<u8> {
    let string = |major: u8, bytes: &[u8]| {
        let mut out = match bytes.len() {
            short @ 0..24 => vec![major << 5 | short as u8],
            long @ 24..256 => vec![major << 5 | 24, long as u8],
            long => [&[major << 5 | 25][..], &(long as u16).to_be_bytes()].concat(),
        };
        out.extend_from_slice(bytes);
        out
    };
    let signed = [
        vec![0x84],
        string(3, b"Signature1"),
        string(2, protected),
        string(2, context.as_bytes()),
        string(2, payload),
    ]
    .concat();
    let signature = key.sign(&signed).to_bytes();
    [vec![0x84], string(2, protected), unprotected.to_vec(), string(2, payload), string(2, &signature)]
        .concat()
}

#[test]
fn another_algorithm_or_header_under_a_good_signature() {
    let (mut stage, _) = waiting(41);
    let owner = stage.author.owner.signing().clone();
    let kid = stage.author.owner.id().0;
    let op = SignedOp::parse(stage.author.ops.last().unwrap()).unwrap();
    let payload = to_vec(op.claimed());
    let header = |alg: &[u8]| [&[0xa2, 0x01][..], alg, &[0x04, 0x50], &kid].concat();
    let good = cose_by_hand("latchkey/v1/op", &header(&[0x27]), &[0xa0], &payload, &owner);
    assert_eq!(good, *stage.author.ops.last().unwrap(), "made by hand it is the same");
    let mut bad = vec![
        header(&[0x26]),                                                  // ES256
        header(&[0x05]),                          // HMAC with the public key as its secret
        header(&[0x00]),                          // none
        header(&[0x38, 0x23]),                    // ES512
        header(&[0x38, 0x07]),                    // EdDSA in two bytes
        [&[0xa1, 0x04, 0x50][..], &kid].concat(), // no algorithm
        vec![0xa1, 0x01, 0x27],                   // no key
        vec![],                                   // no header
        [&[0xa3, 0x01, 0x27, 0x02, 0x80, 0x04, 0x50][..], &kid].concat(), // `crit`
        [&[0xa2, 0x04, 0x50][..], &kid, &[0x01, 0x27]].concat(), // unsorted
    ]
    .into_iter()
    .map(|protected| cose_by_hand("latchkey/v1/op", &protected, &[0xa0], &payload, &owner))
    .collect::<Vec<_>>();
    // The algorithm where nothing signs it, a tag around it, another context.
    bad.push(cose_by_hand("latchkey/v1/op", &header(&[0x27]), &[0xa1, 0x01, 0x26], &payload, &owner));
    bad.push([&[0xd2][..], &good].concat());
    for context in ["latchkey/v1/head", "latchkey/v2/op", "", "latchkey/v1/op\0"] {
        bad.push(cose_by_hand(context, &header(&[0x27]), &[0xa0], &payload, &owner));
    }
    for op in bad {
        let codes = stage.offer(vec![op.clone()]);
        assert!(codes == ["chain.malformed"] || codes == ["chain.bad_signature"], "{codes:?} {op:02x?}");
        assert_eq!((stage.hub_seq(), stage.held().len()), (1, 0));
    }
}

#[test]
fn a_message_of_one_kind_counts_as_no_other() {
    const KINDS: [Kind; 6] = [Kind::Op, Kind::Head, Kind::Report, Kind::Event, Kind::SignIn, Kind::Invite];
    let home = TestHome::new(42);
    let key = home.owner.signing();
    let public = SignPublic::from(key.verifying_key());
    let now = TestHome::BEGINNING;
    let event = Event {
        home: *home.state.home(),
        hub: home.hub,
        number: 1,
        at: now,
        body: EventBody::StartedOver,
        prev: None,
        clock_unsure: false,
    };
    let report = home.report(lock(latchkey_shared::id::LockId([1; 16]), "Front"), vec![]);
    let payloads =
        [to_vec(&home.state.next_op(Body::RemoveHub(home.hub), now)), to_vec(&home.head(now, None))];
    let payloads = payloads.into_iter().chain([to_vec(&report), to_vec(&event)]);
    for (payload, of) in payloads.zip(KINDS) {
        for signed in KINDS {
            let bytes = cose::sign(signed, payload.clone(), key);
            let taken = [
                SignedOp::parse(&bytes).is_ok_and(|op| op.verify(&public).is_ok()),
                Head::verify(&bytes, &public).is_ok(),
                Report::verify(&bytes, home.state.home(), &home.hub, &public).is_ok(),
                Event::verify(&bytes, home.state.home(), &home.hub, &public).is_ok(),
                SignIn::verify(&bytes, &public, "https://a.example", "c", now).is_ok(),
                false,
            ];
            let wanted = KINDS.map(|kind| kind == of && kind == signed);
            assert_eq!(taken, wanted, "{of:?} signed as {signed:?}");
            let raw = KINDS.map(|kind| {
                Unverified::parse(kind, &bytes, 4_096).is_ok_and(|message| message.verify(&public).is_ok())
            });
            assert_eq!(raw, KINDS.map(|kind| kind == signed));
        }
    }
    // An invitation is neither: what an owner signs for it is no op.
    assert!(from_slice::<Invite>(&home.ops[1], 4_096).is_err());
}

#[test]
fn too_large_too_deep_or_too_many_changes_nothing() {
    let (mut stage, good) = waiting(44);
    let head = from_slice::<latchkey_shared::head::Bundle>(&good, 100_000).unwrap().head;
    let many = bundle(head.0.clone(), &vec![vec![]; 16_385]);
    let nine = vec![0; 9 * 1024 * 1024];
    let deep = vec![0x81; 100_000];
    let endless = [&[0x9b][..], &[0xff; 8]].concat();
    let huge = [&[0x5b, 0, 0, 0, 0xff][..], &[0xff; 4]].concat();
    let long_op = bundle(head.0.clone(), &[vec![0; 65_537]]);
    for (bytes, code) in [
        (many, "bundle.too_many"),
        (nine, "wire.too_large"),
        (deep, "wire.malformed"),
        (vec![0x81; 60_000], "wire.malformed"),
        (endless, "wire.malformed"),
        (huge, "wire.malformed"),
        (long_op, "chain.malformed"),
        (bundle(vec![0; 600], &[]), "head.malformed"),
    ] {
        assert_eq!(refused(&mut stage, bytes), code);
    }
    // The same to the Worker, from a hub of the home.
    let hub = stage.author.hub;
    let mut push = |reports: usize, events: usize| {
        let blobs = |n: usize| vec![Blob(vec![]); n];
        let body = to_vec(&HubPush { seq: None, reports: blobs(reports), events: blobs(events) });
        stage.cloud.push(&hub, &body, 1).unwrap_err().code
    };
    assert_eq!(
        [push(65, 0), push(0, 257), push(0, 1_000_000)],
        ["request.cbor"; 3].map(|_| latchkey_worker::error::WIRE.code)
    );
}

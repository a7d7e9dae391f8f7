//! Signed messages against a COSE library that is not ours: what we sign it verifies, what it signs we take, and in the
//! one form alone.

use coset::{CborSerializable, CoseSign1, CoseSign1Builder, HeaderBuilder, iana};
use ed25519_dalek::{Signature, Signer, VerifyingKey};
use latchkey_shared::chain::{Body, SignedOp};
use latchkey_shared::event::{Event, EventBody};
use latchkey_shared::head::Head;
use latchkey_shared::id::{LockId, SignPublic};
use latchkey_shared::testing::{TestHome, lock};
use latchkey_shared::wire::cbor::to_vec;
use latchkey_shared::wire::cose::{Kind, Unverified};

const CONTEXTS: [(Kind, &str); 4] = [
    (Kind::Op, "latchkey/v1/op"),
    (Kind::Head, "latchkey/v1/head"),
    (Kind::Report, "latchkey/v1/report"),
    (Kind::Event, "latchkey/v1/event"),
];

/// One message of each kind, with the key that signed it.
fn messages(home: &TestHome) -> [(Vec<u8>, VerifyingKey); 4] {
    let event = Event {
        home: *home.state.home(),
        hub: home.hub,
        number: 1,
        at: TestHome::BEGINNING,
        body: EventBody::StartedOver,
        prev: None,
        clock_unsure: false,
    };
    let hub = home.hub_keys.signing();
    let report = home.report(lock(LockId([1; 16]), "Front"), vec![]);
    [
        (home.ops[1].clone(), home.owner.signing().verifying_key()),
        (home.head(TestHome::BEGINNING, None).sign(&home.issuer), home.issuer.verifying_key()),
        (report.sign(hub), hub.verifying_key()),
        (event.sign(hub).0, hub.verifying_key()),
    ]
}

#[test]
fn another_library_verifies_what_we_sign() {
    let home = TestHome::new(1);
    for ((bytes, key), (_, context)) in messages(&home).into_iter().zip(CONTEXTS) {
        let message = CoseSign1::from_slice(&bytes).unwrap();
        assert_eq!(message.protected.header.alg, Some(coset::Algorithm::Assigned(iana::Algorithm::EdDSA)));
        assert_eq!(message.protected.header.key_id, SignPublic::from(key).id().0);
        assert!(message.unprotected.is_empty());
        let verify = |context: &str| {
            message.verify_signature(context.as_bytes(), |signature, signed| {
                key.verify_strict(signed, &Signature::from_slice(signature).unwrap())
            })
        };
        for (_, other) in CONTEXTS {
            assert_eq!(verify(other).is_ok(), other == context, "{context} as {other}");
        }
        assert_eq!(message.to_vec().unwrap(), bytes, "and writes it the same");
    }
}

#[test]
fn we_take_what_another_library_signs() {
    let mut home = TestHome::new(2);
    let body = Body::SetPolicy(home.state.policy().clone());
    let op = home.state.next_op(body, TestHome::BEGINNING);
    let sign = |context: &str, payload: Vec<u8>, key: &ed25519_dalek::SigningKey, more: bool| {
        let kid = SignPublic::from(key.verifying_key()).id().0;
        let protected = HeaderBuilder::new().algorithm(iana::Algorithm::EdDSA).key_id(kid.to_vec());
        let protected = if more { protected.value(99, 1.into()) } else { protected };
        let message = CoseSign1Builder::new().protected(protected.build()).payload(payload);
        let signed =
            message.create_signature(context.as_bytes(), |bytes| key.sign(bytes).to_bytes().to_vec());
        signed.build().to_vec().unwrap()
    };
    let owner = home.owner.signing().clone();
    let theirs = sign("latchkey/v1/op", to_vec(&op), &owner, false);
    assert_eq!(theirs, SignedOp::sign(&op, &owner), "byte for byte");
    assert!(home.state.clone().extend(&sign("latchkey/v1/op", to_vec(&op), &owner, true)).is_err());
    assert!(home.state.clone().extend(&sign("latchkey/v1/head", to_vec(&op), &owner, false)).is_err());
    home.state.extend(&theirs).unwrap();
    let head = home.head(TestHome::BEGINNING, None);
    let theirs = sign("latchkey/v1/head", to_vec(&head), &home.issuer, false);
    assert_eq!(Head::verify(&theirs, &home.issuer.verifying_key().into()), Ok(head));
    assert_eq!(
        Unverified::parse(Kind::Head, &theirs, 512).unwrap().kid(),
        SignPublic::from(home.issuer.verifying_key()).id()
    );
}

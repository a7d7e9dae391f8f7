//! The hub's log in the hands of whoever stores it, and its requests in the hands of whoever carries them.

use latchkey_shared::api::HubPush;
use latchkey_shared::chain::Body;
use latchkey_shared::event::{Event, EventBody};
use latchkey_shared::exchange::archive::{self, ArchivePage};
use latchkey_shared::keys::{Keys, Seed};
use latchkey_shared::testing::rng;
use latchkey_shared::wire::cbor::{Blob, to_vec};
use latchkey_tests::stage::{BEGIN, FRONT, Stage};
use latchkey_worker::store::HomeStore;

/// A home whose log has something in it, and the pages of its archive.
fn archived(seed: u64) -> (Stage, Vec<ArchivePage>) {
    let mut stage = Stage::new(seed);
    let grant = stage.live("483920", FRONT);
    stage.does(Body::RevokeGrant(grant.id));
    stage.run(60);
    let (owner, mut pages, mut after) = (stage.author.owner.id(), vec![], None);
    loop {
        let page = stage.cloud.export(&owner, after.as_deref(), BEGIN.0).unwrap();
        after.clone_from(&page.next);
        pages.push(page);
        if after.is_none() {
            return (stage, pages);
        }
    }
}

fn verify(pages: &[ArchivePage]) -> Result<usize, &'static str> {
    let encoded: Vec<Vec<u8>> = pages.iter().map(to_vec).collect();
    let file = archive::write(encoded.iter().map(Vec::as_slice));
    archive::verify(&file, None).map(|archive| archive.events.len()).map_err(|fault| fault.code)
}

#[test]
fn a_log_that_was_cut_reordered_or_rewritten_shows_it() {
    let (stage, pages) = archived(120);
    let whole = verify(&pages).unwrap();
    assert!(whole >= 4, "{whole} events");
    let at = pages.iter().position(|page| !page.events.is_empty()).unwrap();
    let with = |change: &dyn Fn(&mut Vec<Blob>)| {
        let mut bent = pages.clone();
        change(&mut bent[at].events);
        verify(&bent)
    };
    let hub = &stage.author.hub_keys;
    let resign = |bytes: &Blob, key: &ed25519_dalek::SigningKey, change: &dyn Fn(&mut Event)| {
        let mut event = Event::claimed(bytes).unwrap();
        change(&mut event);
        Blob(event.sign(key).0)
    };
    assert_eq!(with(&|events| drop(events.remove(1))), Err("event.gap"), "one taken out");
    assert_eq!(with(&|events| events.swap(1, 2)), Err("event.gap"), "two in the other order");
    assert_eq!(with(&|events| events.insert(1, events[1].clone())), Err("event.gap"), "one twice");
    let mine = Keys::hub(&Seed::generate(&mut rng(121)));
    let forged = |events: &mut Vec<Blob>| {
        events[1] = resign(&events[1], mine.signing(), &|e| e.body = EventBody::StartedOver)
    };
    assert_eq!(with(&forged), Err("event.bad_signature"), "one rewritten");
    // Even with the hub's own key one cannot be rewritten without all that follow.
    let inner = |events: &mut Vec<Blob>| {
        events[1] = resign(&events[1], hub.signing(), &|e| e.body = EventBody::StartedOver)
    };
    assert_eq!(with(&inner), Err("event.broken"));
    let renumbered =
        |events: &mut Vec<Blob>| events[0] = resign(&events[0], hub.signing(), &|e| e.number = 0);
    assert!(with(&renumbered).is_err());
    for at_byte in 0..pages[at].events[1].len() {
        let flip = |events: &mut Vec<Blob>| events[1].0[at_byte] ^= 1;
        assert!(with(&flip).is_err(), "byte {at_byte}");
    }
}

#[test]
fn a_cloud_that_lost_or_hid_the_end_of_the_log_is_told_again() {
    let mut stage = Stage::new(122);
    stage.live("483920", FRONT);
    stage.run(60);
    let hub = stage.author.hub;
    let (last, hash) = stage.cloud.store().event_tip(&hub).unwrap().unwrap();
    // Somebody puts an older state of the object back.
    stage.cloud = latchkey_tests::stage::at_the_worker(&stage.author);
    assert_eq!(stage.cloud.store().event_tip(&hub).unwrap(), None);
    stage.input(latchkey_hub::core::Input::Socket(true));
    let more = stage.guest("602847", FRONT);
    stage.does(Body::PutGrant(more));
    stage.run(120);
    let store = stage.cloud.store();
    assert_eq!(store.event_hash(&hub, last).unwrap(), Some(hash), "the same events under the same numbers");
    assert!(store.event_tip(&hub).unwrap().unwrap().0 > last);
}

#[test]
fn a_second_history_under_the_hubs_key_is_refused() {
    let mut stage = Stage::new(123);
    stage.live("483920", FRONT);
    stage.run(60);
    let hub = stage.author.hub;
    let known = stage.cloud.store().events_after(0, 100).unwrap();
    let before = stage.cloud.store().clone();
    let rewritten: Vec<Blob> = known
        .iter()
        .map(|(_, bytes)| {
            let mut event = Event::claimed(bytes).unwrap();
            event.body = EventBody::StartedOver;
            Blob(event.sign(stage.author.hub_keys.signing()).0)
        })
        .collect();
    let mut push = |events: Vec<Blob>| {
        let push = HubPush { seq: None, reports: vec![], events };
        stage.cloud.push(&hub, &to_vec(&push), BEGIN.0).map(|_| ()).map_err(|problem| problem.code)
    };
    let code = latchkey_worker::error::EVENT_FORK.code;
    for event in &rewritten {
        assert_eq!(push(vec![event.clone()]), Err(code));
    }
    assert_eq!(push(rewritten), Err(code));
    let mut next = Event::claimed(&known.last().unwrap().1).unwrap();
    (next.number, next.prev) = (next.number + 1, Some(latchkey_shared::id::Hash32([5; 32])));
    assert_eq!(push(vec![Blob(next.sign(stage.author.hub_keys.signing()).0)]), Err(code));
    let stranger = Keys::hub(&Seed::generate(&mut rng(124)));
    assert_eq!(push(vec![Blob(next.sign(stranger.signing()).0)]), Err("event.bad_signature"));
    assert_eq!(stage.cloud.store().events_after(0, 100).unwrap(), before.events_after(0, 100).unwrap());
}

//! The hub's end of the wire, against a small cloud.
#![allow(missing_docs)]

#[allow(dead_code)]
mod support;

use latchkey_hub::core::Input;
use latchkey_hub::core::trust::Belonging;
use latchkey_hub::shell::cloud::Cloud as Ours;
use latchkey_hub::shell::http::{Ask, Net, NetError};
use latchkey_shared::id::Nonce;
use latchkey_shared::origin::Origin;
use support::Cloud;
use tokio::sync::watch;

fn ours(cloud: &Cloud) -> (Ours, watch::Sender<bool>) {
    let mut inner = cloud.lock();
    let body = inner.home.add_hub_body();
    inner.home.push(body).unwrap();
    let keys = inner.home.hub_keys.clone();
    inner.hub_key = Some(keys.sign_public());
    let belonging = Belonging {
        home: *inner.home.state.home(),
        hub: inner.home.hub,
        genesis: inner.home.state.genesis_hash(),
    };
    let (switch, up) = watch::channel(true);
    let origin = Origin::parse(&format!("http://localhost:{}", cloud.port)).unwrap();
    (Ours::new(Net::new(origin, up), keys, belonging), switch)
}

#[tokio::test]
async fn an_unchanged_home_is_not_sent_again() {
    let cloud = Cloud::start(3);
    let (ours, _switch) = ours(&cloud);
    assert!(matches!(ours.fetch(None, None).await, Input::Bundle(_)));
    assert!(matches!(ours.fetch(Some(1), None).await, Input::NotModified));
    // With a nonce the answer must be a fresh one, and for another number the tag says nothing.
    assert!(matches!(ours.fetch(Some(1), Some(Nonce([1; 16]))).await, Input::Bundle(_)));
    assert!(matches!(ours.fetch(Some(0), None).await, Input::Bundle(_)));
    cloud.put("483920", &[latchkey_shared::id::LockId([1; 16])], 60);
    assert!(matches!(ours.fetch(Some(1), None).await, Input::Bundle(_)));
    assert_eq!(cloud.lock().trouble, Vec::<String>::new(), "every request was signed, and each only once");
}

#[tokio::test]
async fn a_lost_clock_does_not_keep_the_hub_from_asking() {
    let cloud = Cloud::start(6);
    let (ours, _switch) = ours(&cloud);
    cloud.lock().ahead = 40 * 365 * 86_400;
    assert!(matches!(ours.fetch(None, Some(Nonce([1; 16]))).await, Input::Bundle(_)));
    assert_eq!(cloud.lock().trouble.len(), 1, "refused once, then signed with the cloud's time");
    assert!(matches!(ours.push(None, vec![], vec![]).await, Input::PushTaken(_)));
    assert_eq!(cloud.lock().trouble.len(), 1);
}

#[tokio::test]
async fn the_switch_cuts_and_mends() {
    let cloud = Cloud::start(4);
    let (ours, switch) = ours(&cloud);
    switch.send_replace(false);
    assert!(matches!(ours.fetch(None, None).await, Input::FetchFailed));
    assert!(matches!(ours.push(None, vec![], vec![]).await, Input::PushFailed));
    switch.send_replace(true);
    assert!(matches!(ours.fetch(None, None).await, Input::Bundle(_)));
    assert!(matches!(ours.push(None, vec![], vec![]).await, Input::PushTaken(_)));
}

#[tokio::test]
async fn an_answer_larger_than_asked_for_is_dropped() {
    let cloud = Cloud::start(5);
    let (ours, _switch) = ours(&cloud);
    let id = latchkey_shared::id::PairId([1; 16]);
    cloud.lock().answer = Some(vec![0; 10_000]);
    let path = latchkey_shared::api::path::pair_answer(&id);
    let ask = Ask { method: "GET", path: &path, most: 1_000, ..Ask::default() };
    assert_eq!(ours.net().ask(ask).await.unwrap_err(), NetError::Broken);
}

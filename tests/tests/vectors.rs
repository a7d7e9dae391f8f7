//! The golden vectors: made anew they are the same, they verify, and nothing that was changed in them does.

use latchkey_shared::chain::ChainState;
use latchkey_shared::chain::verify::{HubChain, Now};
use latchkey_shared::event::{Event, EventTip};
use latchkey_shared::exchange::backup::Backup;
use latchkey_shared::head::Bundle;
use latchkey_shared::id::{Hash32, HomeId, HubId, Nonce};
use latchkey_shared::keys::{HomeKey, Keys, Kit, Seed};
use latchkey_shared::limits;
use latchkey_shared::pair::{PairAnswer, PairOffer, PairSecret};
use latchkey_shared::report::Report;
use latchkey_shared::signin::SignIn;
use latchkey_shared::wire::cbor::{Blob, from_slice};
use latchkey_tests::vectors::{self, FRONT, NOW};
use latchkey_tests::{hex, unhex};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf()
}

fn text(name: &str) -> String {
    fs::read_to_string(root().join("vectors").join(name)).unwrap()
}

fn bytes(name: &str) -> Vec<u8> {
    unhex(&text(&format!("{name}.hex"))).unwrap()
}

fn json(name: &str) -> Value {
    serde_json::from_str(&text(name)).unwrap()
}

fn ids() -> (HomeId, HubId, Hash32) {
    let facts = json("home.json");
    let text = |key: &str| facts[key].as_str().unwrap().to_owned();
    let genesis = Hash32::from_slice(&unhex(&text("genesis_hash")).unwrap()).unwrap();
    (HomeId::parse(&text("home")).unwrap(), HubId::parse(&text("hub")).unwrap(), genesis)
}

fn bundle() -> Bundle {
    from_slice(&bytes("bundle"), limits::MAX_BUNDLE_BYTES).unwrap()
}

fn accepted() -> HubChain {
    let (home, hub, genesis) = ids();
    let mut chain = HubChain::pinned(home, hub, genesis);
    let checked = chain.check(&bundle(), Now::Known(NOW), None).unwrap();
    chain.commit(checked).unwrap();
    chain
}

#[test]
fn made_anew_they_are_the_same() {
    for (name, made) in vectors::make() {
        assert_eq!(
            text(&name),
            made,
            "{name}: if the change is meant, run `cargo run -p latchkey-tests --bin make-vectors`"
        );
    }
}

#[test]
fn every_kind_of_op_is_there() {
    let kinds: std::collections::BTreeSet<&str> = bundle()
        .ops
        .iter()
        .map(|op| latchkey_shared::chain::SignedOp::parse(op).unwrap().claimed().body.kind())
        .collect();
    assert_eq!(kinds.len(), 11, "{kinds:?}");
}

#[test]
fn the_hub_takes_the_bundle_and_opens_the_pin() {
    let (facts, chain) = (json("home.json"), accepted());
    let state = chain.state().unwrap();
    let listed: Vec<String> = chain.grants().map(|g| g.grant().id.to_string()).collect();
    assert_eq!(facts["grants"], serde_json::json!(listed));
    let seed = unhex(facts["secrets"]["hub_seed"].as_str().unwrap()).unwrap();
    let keys = Keys::hub(&Seed::from_slice(&seed).unwrap());
    let epoch = state.epoch().number;
    let wrap = state.wraps_for(keys.id()).find(|w| w.epoch == epoch).unwrap();
    let home_key = HomeKey::unwrap(state.home(), &wrap, state.epoch_public(epoch).unwrap(), &keys).unwrap();
    let last = chain.grants().max_by_key(|g| g.seq()).unwrap();
    assert_eq!(last.open_pin(&home_key).unwrap().expose(), facts["last_pin"]);

    let later: Bundle = from_slice(&bytes("later"), limits::MAX_BUNDLE_BYTES).unwrap();
    assert!(chain.check(&later, Now::Unknown, Some(&Nonce([0xa5; 16]))).is_err(), "what it has comes again");
    let unchanged = Bundle { ops: vec![], ..later };
    let checked = chain.check(&unchanged, Now::Unknown, Some(&Nonce([0xa5; 16]))).unwrap();
    assert!(checked.proves_fresh());
}

#[test]
fn no_flipped_bit_gets_past_the_hub() {
    let (home, hub, genesis) = ids();
    let good = bytes("bundle");
    for at in (0..good.len()).step_by(13) {
        let mut bad = good.clone();
        bad[at] ^= 1 << (at % 8);
        let taken = from_slice::<Bundle>(&bad, limits::MAX_BUNDLE_BYTES)
            .ok()
            .and_then(|b| HubChain::pinned(home, hub, genesis).check(&b, Now::Known(NOW), None).ok());
        assert!(taken.is_none(), "byte {at}");
    }
}

/// Forgeries that are signed well, made by the verifier in Python: both must refuse all of them.
#[test]
fn the_hub_refuses_what_the_other_verifier_refuses() {
    let refused = json("refused.json");
    let forged = |entry: &Value| unhex(entry["bytes"].as_str().unwrap()).unwrap();
    let (good, (home, hub, genesis)) = (bundle(), ids());
    let ops = refused["ops"].as_array().unwrap();
    for entry in ops {
        let after = entry["after"].as_u64().unwrap() as usize;
        let mut state = ChainState::from_ops(good.ops.iter().take(after).map(|op| &op.0)).unwrap();
        let before = state.clone();
        assert!(state.extend(&forged(entry)).is_err(), "{entry}");
        assert_eq!(state, before, "{entry}");
    }
    let heads = refused["heads"].as_array().unwrap();
    for entry in heads {
        let bad = Bundle { head: Blob(forged(entry)), ops: good.ops.clone() };
        let taken = HubChain::pinned(home, hub, genesis).check(&bad, Now::Known(NOW), None);
        assert!(taken.is_err(), "{entry}");
    }
    assert!(ops.len() > 40 && heads.len() > 10, "{} ops, {} heads", ops.len(), heads.len());
}

#[test]
fn reports_events_and_pairing_verify() {
    let ((home, hub, genesis), chain) = (ids(), accepted());
    let key = chain.state().unwrap().hubs()[&hub].key.clone();
    let report = Report::verify(&bytes("report"), &home, &hub, &key.sign).unwrap();
    assert_eq!((report.lock.id, report.seq), (FRONT, chain.state().unwrap().seq()));
    let mut tip = EventTip::default();
    for event in from_slice::<Vec<Blob>>(&bytes("events"), 10_000).unwrap() {
        let (event, hash) = Event::verify(&event, &home, &hub, &key.sign).unwrap();
        event.follows(&tip).unwrap();
        tip = EventTip { number: event.number, hash: Some(hash) };
    }
    assert_eq!(tip.number, 3);
    let secret = PairSecret::parse(json("home.json")["pairing"]["secret"].as_str().unwrap()).unwrap();
    let offer: PairOffer = from_slice(&bytes("offer"), 1_000).unwrap();
    secret.check_offer(&offer).unwrap();
    assert_eq!(offer.key, key);
    let answer: PairAnswer = from_slice(&bytes("answer"), 1_000).unwrap();
    secret.check_answer(&answer, &hub).unwrap();
    assert_eq!((answer.home, answer.genesis), (home, genesis));
}

#[test]
fn the_backup_opens_and_the_proof_counts() {
    let facts = json("home.json");
    let kit = Kit::parse(facts["kit"]["text"].as_str().unwrap()).unwrap();
    let backup = Backup::open(&bytes("backup"), &kit).unwrap();
    let labels: Vec<&str> = backup.codes.iter().map(|code| code.pin.0.expose()).collect();
    assert_eq!(labels, ["640281", "562839"]);
    let chain = accepted();
    let owner = chain.state().unwrap().members().get(&backup.by).unwrap().key.sign;
    let text = |name: &str| facts["signin"][name].as_str().unwrap();
    assert_eq!(SignIn::verify(&bytes("signin"), &owner, text("origin"), text("challenge"), NOW), Ok(()));
}

/// The pages in `docs/` that show bytes show these bytes.
#[test]
fn the_annotated_examples_are_the_vectors() {
    let page = fs::read_to_string(root().join("../docs/wire-format.md")).unwrap();
    let mut shown = 0;
    for block in page.split("\n```hex ").skip(1) {
        let (name, rest) = block.split_once('\n').unwrap();
        let body = rest.split("\n```").next().unwrap();
        let digits: String = body.lines().map(|line| line.split('#').next().unwrap_or_default()).collect();
        let example = hex(&unhex(&digits).unwrap_or_else(|| panic!("{name} is not hexadecimal")));
        let whole = hex(&bytes(name.split(' ').next().unwrap()));
        assert!(whole.contains(&example), "{name} is not in tests/vectors/");
        shown += 1;
    }
    assert!(shown >= 5, "{shown} examples");
}

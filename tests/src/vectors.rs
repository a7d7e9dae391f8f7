//! Golden vectors: one home with every kind of op and message in it, from a fixed seed. `tests/vectors/` holds
//! them, `docs/wire-format.md` annotates them, and `tests/python/` verifies them without any of our code.

mod cast;
mod said;

use crate::hex;
use cast::Cast;
use latchkey_shared::id::{AccountId, LockId, Nonce};
use latchkey_shared::keys::{Kit, Seed, WrapKey};
use latchkey_shared::link::LinkContent;
use latchkey_shared::pair::PairSecret;
use latchkey_shared::pin::Pin;
use latchkey_shared::signin::SignIn;
use latchkey_shared::testing::TestHome;
use latchkey_shared::time::Timestamp;
use latchkey_shared::wire::cbor::{Blob, to_vec};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The seed of everything here.
const SEED: u64 = 20_261_124;
/// The front door.
pub const FRONT: LockId = LockId([0xf1; 16]);
/// The back door.
pub const BACK: LockId = LockId([0xf2; 16]);
/// When the head of the bundle was issued.
pub const NOW: Timestamp = Timestamp(TestHome::BEGINNING.0 + 3_600);

const ORIGIN: &str = "https://latchkey.example";
const CHALLENGE: &str = "a-challenge-as-the-server-gave-it";

/// Files below `tests/vectors/` and what belongs into them.
pub type Files = BTreeMap<String, String>;

/// Every file, made anew.
pub fn make() -> Files {
    let mut cast = Cast::new();
    // Before anything else takes from the generator: as `TestHome::genesis` draws them.
    let mut rng = latchkey_shared::testing::rng(SEED);
    let drawn: [Seed; 3] = core::array::from_fn(|_| Seed::generate(&mut rng));
    for (name, seed) in ["owner_seed", "hub_seed", "issuer_key"].into_iter().zip(&drawn) {
        cast.secrets.insert(name, json!(hex(seed.expose())));
    }
    cast.people();
    cast.codes();
    cast.changes();
    let mut files = Files::new();
    let mut put = |name: &str, bytes: &[u8]| files.insert(format!("{name}.hex"), lines(&hex(bytes)));
    put("bundle", &to_vec(&cast.home.bundle(0, NOW, None)));
    put("later", &to_vec(&cast.home.bundle(cast.home.ops.len() - 1, NOW, Some(Nonce([0xa5; 16])))));
    put("genesis", cast.home.ops.first().expect("a genesis"));
    put("report", &cast.report());
    put("events", &to_vec(&cast.events().into_iter().map(Blob).collect::<Vec<_>>()));
    let pairing = PairSecret::generate(&mut cast.home.rng);
    let offer = pairing.offer(cast.home.hub, cast.home.hub_keys.record("Hall"));
    put("offer", &to_vec(&offer));
    let (home, genesis) = (*cast.home.state.home(), cast.home.state.genesis_hash());
    put("answer", &to_vec(&pairing.answer(home, genesis, &cast.home.hub)));
    let pairing = json!({"secret": pairing.to_text().as_str(), "id": pairing.id().to_string()});
    put("signin", &SignIn::prove(ORIGIN, CHALLENGE, NOW, &cast.home.owner));
    files.insert("link.json".to_owned(), pretty(&link(&mut cast)));
    let kit = Kit::generate(&mut cast.home.rng);
    files.insert("home.json".to_owned(), pretty(&facts(&mut cast, &pairing, &kit)));
    let backup = cast.backup().seal(&kit, &mut latchkey_shared::testing::rng(SEED + 1));
    files.insert("backup.hex".to_owned(), lines(&hex(&backup)));
    files
}

/// What a verifier may be given, and every secret of this made-up home.
fn facts(cast: &mut Cast, pairing: &Value, kit: &Kit) -> Value {
    let account = AccountId([0xac; 16]);
    let seed = Seed::generate(&mut cast.home.rng);
    let wrap = WrapKey::from_kit(kit).wrap(&account, &seed, &mut cast.home.rng);
    let state = &cast.home.state;
    json!({
        "home": state.home().to_string(),
        "hub": cast.home.hub.to_string(),
        "genesis_hash": hex(&state.genesis_hash().0),
        "now": NOW.0,
        "nonce": hex(&[0xa5; 16]),
        "seq": state.seq(),
        "head_hash": hex(&state.hash().0),
        "grants": state.grants().keys().map(ToString::to_string).collect::<Vec<_>>(),
        "revoked": state.revoked().keys().map(ToString::to_string).collect::<Vec<_>>(),
        "last_pin": "562839",
        "pairing": pairing,
        "kit": {
            "text": kit.to_text().as_str(),
            "id": kit.id().to_string(),
            "account": account.to_string(),
            "wrap": hex(&wrap),
            "seed": hex(seed.expose()),
        },
        "signin": { "origin": ORIGIN, "challenge": CHALLENGE },
        "secrets": cast.secrets,
    })
}

fn link(cast: &mut Cast) -> Value {
    let home = *cast.home.state.home();
    let content = LinkContent {
        pin: &Pin::parse("483920").expect("a PIN"),
        home: &home,
        home_name: "Lake house",
        doors: &["Front door", "Back door"],
        label: "Zoë",
        note: "The light is on the left.\nEnjoy!",
    };
    let ct = cast.link.encrypt(&content, &mut cast.home.rng);
    let plain = cast.link.decrypt(&ct).expect("just encrypted");
    json!({
        "secret": hex(cast.link.expose()),
        "url": cast.link.url(ORIGIN).as_str(),
        "id": cast.link.id().to_string(),
        "auth": hex(&*cast.link.auth()),
        "auth_hash": hex(&cast.link.auth_hash().0),
        "content": hex(&ct),
        "plain": String::from_utf8_lossy(&plain),
    })
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

/// 64 digits a line.
fn lines(hex: &str) -> String {
    let mut out = String::with_capacity(hex.len() + hex.len() / 64 + 1);
    for (i, c) in hex.chars().enumerate() {
        if i > 0 && i % 64 == 0 {
            out.push('\n');
        }
        out.push(c);
    }
    out.push('\n');
    out
}

//! Golden vectors: one home with every kind of op and message in it, from a fixed seed. `tests/vectors/` holds them,
//! `docs/wire-format.md` annotates them, and `tests/python/` verifies them without any of our code.

use crate::hex;
use ed25519_dalek::SigningKey;
use latchkey_shared::chain::Body;
use latchkey_shared::chain::op::{AddHub, AddKey, Manager, RemoveKey, Role, Scope};
use latchkey_shared::event::{Event, EventBody, TakenWhy};
use latchkey_shared::explain::CodeState;
use latchkey_shared::grant::{Grant, GrantKind, LinkRef};
use latchkey_shared::id::{AccountId, HubId, LockId, Nonce, SignPublic};
use latchkey_shared::keys::{KeyRecord, Keys, Kit, Seed, WrapKey};
use latchkey_shared::link::{LinkContent, LinkSecret};
use latchkey_shared::pair::PairSecret;
use latchkey_shared::pin::Pin;
use latchkey_shared::policy::Policy;
use latchkey_shared::report::{CodeReport, LockInfo, Report};
use latchkey_shared::schedule::{Days, MinuteOfDay, Schedule, WeeklyWindow};
use latchkey_shared::sealed::{Binding, SealedSecret, SelfSeal};
use latchkey_shared::slot::{LockAbilities, Readback};
use latchkey_shared::testing::TestHome;
use latchkey_shared::time::{Seconds, Timestamp};
use latchkey_shared::wire::cbor::{Blob, to_vec};
use latchkey_shared::zone::ZoneName;
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

/// Files below `tests/vectors/` and what belongs into them.
pub type Files = BTreeMap<String, String>;

struct Cast {
    home: TestHome,
    max: Keys,
    eve: Keys,
    kid: Keys,
    new_issuer: SigningKey,
    link: LinkSecret,
    secrets: BTreeMap<&'static str, Value>,
}

fn scope(locks: &[LockId], days: u32) -> Scope {
    Scope {
        locks: Some(locks.to_vec()),
        max_length: Some(Seconds::days(days)),
        kinds: vec![GrantKind::Guest],
    }
}

impl Cast {
    fn new() -> Self {
        let mut home = TestHome::genesis(SEED);
        let seeds: [Seed; 4] = core::array::from_fn(|_| Seed::generate(&mut home.rng));
        let [max, eve, kid, issuer] = &seeds;
        let names = ["manager_seed", "second_owner_seed", "resident_seed", "new_issuer_key"];
        let secrets = names.into_iter().zip(seeds.iter().map(|s| json!(hex(s.expose())))).collect();
        Self {
            max: Keys::member(max),
            eve: Keys::member(eve),
            kid: Keys::member(kid),
            new_issuer: SigningKey::from_bytes(issuer.expose()),
            link: LinkSecret::generate(&mut home.rng),
            home,
            secrets,
        }
    }

    fn push(&mut self, body: Body) {
        self.home.push(body).expect("the op follows");
    }

    fn push_as(&mut self, body: Body, signer: &SigningKey) {
        self.home.push_as(body, signer).expect("the op follows");
    }

    fn add(&mut self, key: KeyRecord, role: Role) {
        let wraps = if role.has_home_key() { vec![self.home.wrap_for(&key)] } else { vec![] };
        self.push(Body::AddKey(AddKey { key, role, wraps }));
    }

    /// Whoever may have the home key gets the new one.
    fn new_epoch(&mut self) {
        let members =
            self.home.state.members().values().filter(|m| m.role.has_home_key()).map(|m| m.key.clone());
        let hubs = self.home.state.hubs().values().map(|hub| hub.key.clone());
        let holders: Vec<KeyRecord> = members.chain(hubs).collect();
        let body = self.home.new_epoch_body(&holders);
        self.push(body);
    }

    /// Hub, rules and people.
    fn people(&mut self) {
        let hub = self.home.add_hub_body();
        self.push(hub);
        let mut policy = Policy::new("Lake house", ZoneName::parse("Europe/Lisbon").expect("a zone"));
        policy.pin.min_len = 6;
        policy.pin.house_number = Some("7b".to_owned());
        self.push(Body::SetPolicy(policy));
        let manager = Manager { scope: scope(&[FRONT], 7), sees_pins: false };
        self.add(self.max.record("Max"), Role::Manager(manager));
        self.add(self.eve.record("Eve"), Role::Owner);
        let issuer = KeyRecord {
            sign: SignPublic::from(self.home.issuer.verifying_key()),
            seal: self.eve.seal_public(),
            name: "Latchkey cloud".to_owned(),
        };
        self.add(issuer, Role::Issuer(scope(&[FRONT, BACK], 30)));
        self.add(self.kid.record("Kid"), Role::Resident);
    }

    /// A guest's code with hours and a link, by the owner.
    fn guest_with_link(&mut self) -> Grant {
        let mut grant = self.home.guest("483920", &[FRONT, BACK]);
        let hm = |h, m| MinuteOfDay::hm(h, m).expect("a time");
        let window = WeeklyWindow { days: Days::WORKDAYS, from: hm(9, 0), to: hm(17, 30) };
        grant.schedule = Schedule::Weekly(vec![window]);
        grant.uses = Some(10);
        let (id, epoch) = (*self.home.state.home(), self.home.home_key.epoch());
        let public = self.home.home_key.public();
        let secret = SealedSecret::seal(&self.link, &id, &grant.id, epoch, &public, &mut self.home.rng);
        grant.link = Some(LinkRef { id: self.link.id(), secret: secret.expect("a good key") });
        grant
    }

    /// Codes of every kind; one is changed, one revoked.
    fn codes(&mut self) {
        let mut guest = self.guest_with_link();
        self.push(Body::PutGrant(guest.clone()));
        guest.rev = 2;
        guest.expires = guest.expires.map(|end| end.saturating_add(Seconds::days(1)));
        self.home.seal(&mut guest, "483920");
        self.push(Body::PutGrant(guest));

        let mut by_manager = self.home.guest("917264", &[FRONT]);
        let id = *self.home.state.home();
        let binding = Binding { home: &id, grant: &by_manager.id, rev: 1, locks: &by_manager.locks };
        let pin = Pin::parse("917264").expect("a PIN");
        let seal = SelfSeal::seal(&pin, &binding, &self.max, &mut self.home.rng).expect("a good key");
        by_manager.self_seals = vec![seal];
        let max = self.max.signing().clone();
        self.push_as(Body::PutGrant(by_manager), &max);

        let by_issuer = self.home.guest("305817", &[BACK]);
        let issuer = self.home.issuer.clone();
        self.push_as(Body::PutGrant(by_issuer.clone()), &issuer);
        self.push(Body::RevokeGrant(by_issuer.id));

        for (kind, pin) in [(GrantKind::Standard, "640281"), (GrantKind::Duress, "640282")] {
            let mut grant = self.home.guest(pin, &[FRONT]);
            (grant.kind, grant.expires, grant.may_disarm) = (kind, None, true);
            grant.holder = (kind == GrantKind::Standard).then(|| self.kid.id());
            self.push(Body::PutGrant(grant));
        }
        let eve = self.eve.signing().clone();
        let by_eve = self.home.guest("771052", &[BACK]);
        self.push_as(Body::PutGrant(by_eve), &eve);
    }

    /// An owner leaves, a hub comes and goes, keys change.
    fn changes(&mut self) {
        let since = self.home.state.seq();
        self.push(Body::RemoveKey(RemoveKey { key: self.eve.id(), distrusted_since: Some(since) }));
        self.new_epoch();
        let second = Keys::hub(&Seed::generate(&mut self.home.rng));
        let key = second.record("Garage");
        let wraps = vec![self.home.wrap_for(&key)];
        let hub = HubId::generate(&mut self.home.rng);
        self.push(Body::AddHub(AddHub { hub, key, panel: Some(scope(&[BACK], 3)), wraps }));
        let at_panel = self.home.guest("208914", &[BACK]);
        let at_panel =
            Grant { expires: Some(at_panel.not_before.saturating_add(Seconds::days(3))), ..at_panel };
        self.push_as(Body::PutGrant(at_panel), second.signing());
        self.push(Body::RemoveHub(hub));
        self.new_epoch();
        let digest = self.home.state.digest();
        self.push(Body::Checkpoint(digest));
        self.push(Body::RotateIssuer(SignPublic::from(self.new_issuer.verifying_key())));
        self.home.issuer = self.new_issuer.clone();
        let last = self.home.guest("562839", &[FRONT]);
        self.push(Body::PutGrant(last));
    }

    fn report(&self) -> Vec<u8> {
        let abilities = LockAbilities {
            slots: 30,
            reserved: vec![1],
            pin_min: 4,
            pin_max: 8,
            readback: Readback::Full,
            own_schedules: false,
            one_length: None,
            paired_digits: false,
            toggles: true,
        };
        let lock = LockInfo {
            id: FRONT,
            name: "Front door".to_owned(),
            driver: "sim".to_owned(),
            abilities,
            unreachable_since: None,
            battery: Some(87),
            free_slots: 25,
            locked: Some(true),
        };
        let states = [CodeState::OnLock { verified_at: NOW }, CodeState::Writing, CodeState::WaitingForHub];
        let grants = self.home.state.grants().values().filter(|g| g.grant.locks.contains(&FRONT));
        let codes = grants.zip(states.into_iter().cycle()).map(|(entry, state)| CodeReport {
            grant: entry.grant.id,
            rev: entry.grant.rev,
            state,
            since: NOW,
        });
        let report = Report {
            home: *self.home.state.home(),
            hub: self.home.hub,
            number: 1,
            at: NOW,
            lock,
            seq: self.home.state.seq(),
            generation: 4,
            codes: codes.collect(),
            gone: false,
        };
        report.sign(self.home.hub_keys.signing())
    }

    /// Three events in a row.
    fn events(&self) -> Vec<Vec<u8>> {
        let grant = self.home.state.grants().keys().next().copied().expect("a grant");
        let bodies = [
            EventBody::Started("0.1.0".to_owned()),
            EventBody::CodePut(FRONT, grant, true),
            EventBody::CodeTaken(FRONT, grant, TakenWhy::Expired),
        ];
        let mut prev = None;
        let mut signed = Vec::new();
        for (number, body) in (1..).zip(bodies) {
            let event = Event {
                home: *self.home.state.home(),
                hub: self.home.hub,
                number,
                at: NOW.saturating_add(Seconds(number)),
                body,
                prev,
                clock_unsure: number == 1,
            };
            let (bytes, hash) = event.sign(self.home.hub_keys.signing());
            prev = Some(hash);
            signed.push(bytes);
        }
        signed
    }
}

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
    files.insert("link.json".to_owned(), pretty(&link(&mut cast)));
    files.insert("home.json".to_owned(), pretty(&facts(&mut cast, &pairing)));
    files
}

/// What a verifier may be given, and every secret of this made-up home.
fn facts(cast: &mut Cast, pairing: &Value) -> Value {
    let account = AccountId([0xac; 16]);
    let kit = Kit::generate(&mut cast.home.rng);
    let seed = Seed::generate(&mut cast.home.rng);
    let wrap = WrapKey::from_kit(&kit).wrap(&account, &seed, &mut cast.home.rng);
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
        "url": cast.link.url("https://latchkey.example").as_str(),
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

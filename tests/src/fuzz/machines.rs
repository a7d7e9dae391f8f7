//! State machines that bytes drive: the chain, the hub between a cloud and its locks, the Worker's home.

use crate::stage::{BACK, FRONT, Stage};
use latchkey_hub::core::Input;
use latchkey_hub::core::clock::{Boot, WallClock};
use latchkey_hub::core::lock::{Happening, Notice};
use latchkey_shared::chain::op::{AddKey, Manager, RemoveKey, Role, Scope};
use latchkey_shared::chain::{Body, ChainState};
use latchkey_shared::grant::{Grant, GrantKind};
use latchkey_shared::id::{GrantId, LockId, TokenId};
use latchkey_shared::keys::{Keys, Seed};
use latchkey_shared::pin::Pin;
use latchkey_shared::slot::SlotNo;
use latchkey_shared::testing::{TestHome, rng};
use latchkey_shared::time::{Seconds, Timestamp};
use latchkey_shared::wire::cbor::to_vec;
use latchkey_shared::zone::FixedZone;
use latchkey_worker::core::api::{ApiContext, ApiRequest, Caller};
use latchkey_worker::core::home::Home;
use latchkey_worker::store::HomeStore;
use std::collections::BTreeSet;

const PINS: [&str; 6] = ["483920", "602847", "715306", "840362", "936175", "529048"];
const BY_HAND: &str = "264813";

/// Bytes, one at a time; zeros when there are none left.
struct Dice<'a>(&'a [u8]);

impl<'a> Dice<'a> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    fn below(&mut self, n: usize) -> usize {
        usize::from(self.byte()) % n.max(1)
    }

    fn some(&mut self) -> &'a [u8] {
        let (taken, rest) =
            self.0.split_at(self.0.len().min(usize::from(self.0.first().copied().unwrap_or(0))));
        self.0 = rest;
        taken
    }
}

fn somebody(n: usize) -> Keys {
    Keys::member(&Seed::generate(&mut rng(70_000 + n as u64)))
}

/// Ops of all kinds by all sorts of signers: what is refused changes nothing, and what is taken verifies again.
pub(super) fn chain(data: &[u8]) {
    let mut dice = Dice(data);
    let mut home = TestHome::new(1);
    let people: Vec<Keys> = (0..4).map(somebody).collect();
    let lock = LockId([1; 16]);
    for _ in 0..24 {
        if dice.0.is_empty() {
            break;
        }
        let kind = dice.byte();
        let who = people[dice.below(people.len())].clone();
        let grant = home.state.grants().keys().nth(dice.below(4)).copied().unwrap_or(GrantId([9; 16]));
        let scope = Scope {
            locks: Some(vec![lock]),
            max_length: Some(Seconds::days(8)),
            kinds: vec![GrantKind::Guest],
        };
        let role = match dice.below(4) {
            0 => Role::Owner,
            1 => Role::Manager(Manager { scope: scope.clone(), sees_pins: dice.byte() & 1 == 1 }),
            2 => Role::Issuer(scope),
            _ => Role::Resident,
        };
        let body = match kind % 11 {
            0 => {
                let wraps =
                    if role.has_home_key() { vec![home.wrap_for(&who.record("Max"))] } else { vec![] };
                Body::AddKey(AddKey { key: who.record("Max"), role, wraps, invite: None })
            }
            1 => Body::RemoveKey(RemoveKey { key: who.id(), distrusted_since: Some(u64::from(dice.byte())) }),
            2 => Body::SetPolicy(home.state.policy().clone()),
            3 => Body::RemoveHub(home.hub),
            4 => Body::RotateIssuer(who.sign_public()),
            5 => {
                let state = &home.state;
                let members =
                    state.members().values().filter(|m| m.role.has_home_key()).map(|m| m.key.clone());
                let holders: Vec<_> =
                    members.chain(state.hubs().values().map(|hub| hub.key.clone())).collect();
                let before = home.home_key.clone();
                let body = home.new_epoch_body(&holders);
                if dice.byte() & 1 == 1 {
                    home.home_key = before;
                }
                body
            }
            6 | 7 => {
                let fresh = home.guest(PINS[dice.below(6)], &[lock]);
                let old = home.state.grants().get(&grant).map(|entry| entry.grant.clone());
                let rev = old.as_ref().map_or(1, |old| old.rev + 1);
                Body::PutGrant(match old {
                    Some(old) if dice.byte() & 1 == 1 => Grant { rev, pin: fresh.pin, ..old },
                    _ => fresh,
                })
            }
            8 => Body::RevokeGrant(grant),
            9 => Body::Checkpoint(home.state.digest()),
            _ => home.add_hub_body(),
        };
        let signer = match dice.below(6) {
            0..3 => home.owner.signing().clone(),
            3 => who.signing().clone(),
            4 => home.issuer.clone(),
            _ => home.hub_keys.signing().clone(),
        };
        let before = home.state.clone();
        if home.push_as(body, &signer).is_err() {
            assert_eq!(home.state, before, "a refusal leaves no trace");
        }
        let owners = home.state.members().values().filter(|m| m.role == Role::Owner).count();
        assert!(owners > 0, "a home has an owner");
        assert!(home.state.revoked().keys().all(|id| !home.state.grants().contains_key(id)));
        assert!(before.revoked().keys().all(|id| home.state.revoked().contains_key(id)), "revoked for good");
        assert!(home.state.seq() >= before.seq());
    }
    assert_eq!(ChainState::from_ops(&home.ops).as_ref(), Ok(&home.state), "and again from its bytes");
}

/// A hub that is lied to, cut off, rebooted and set wrong: nothing opens but what was granted, and once all is well again
/// nothing that is over does.
pub(super) fn hub(data: &[u8]) {
    let mut dice = Dice(data);
    let mut stage = Stage::new(1);
    let mut by_hand = BTreeSet::new();
    let (mut left, mut granted) = (PINS.iter(), BTreeSet::new());
    for _ in 0..20 {
        if dice.0.is_empty() {
            break;
        }
        let door = if dice.byte() & 1 == 0 { FRONT } else { BACK };
        let grants: Vec<GrantId> = stage.author.state.grants().keys().copied().collect();
        match dice.below(11) {
            0 | 1 => {
                if let Some(pin) = left.next() {
                    // Over after a few hours, so that a run is short.
                    let mut grant = stage.guest(pin, door);
                    grant.expires = Some(TestHome::BEGINNING.saturating_add(Seconds::hours(2)));
                    granted.insert((*pin).to_owned());
                    stage.does(Body::PutGrant(grant));
                }
            }
            2 => {
                if let Some(id) = grants.get(dice.below(grants.len())) {
                    stage.does(Body::RevokeGrant(*id));
                }
            }
            3 => stage.run(u64::from(dice.byte()) * 4),
            4 => stage.net = dice.byte() & 1 == 0,
            5 => {
                if dice.byte() & 1 == 0 {
                    stage.boot = Boot { id: [dice.byte(); 16], wall: WallClock::MayStop };
                }
                stage.power_cut();
            }
            6 => {
                stage.now.wall = Timestamp(
                    stage.now.wall.0.wrapping_add_signed(i64::from(dice.byte() as i8) * 40_000)
                        % 4_000_000_000,
                )
            }
            7 => {
                let (at, bit, now) = (usize::from(dice.byte()) * 5, dice.byte(), stage.real());
                stage.forge(move |author, asked| {
                    let mut bytes = to_vec(&author.bundle(0, now, asked.nonce));
                    let at = at % bytes.len();
                    bytes[at] ^= bit;
                    bytes
                });
            }
            8 => {
                let bytes = dice.some().to_vec();
                stage.forge(move |_, _| bytes);
            }
            9 => {
                let slot = SlotNo(1 + u16::from(dice.byte() % 10));
                let free = stage.doors.get(door).is_some_and(|slots| !slots.contains_key(&slot));
                if free && by_hand.insert(door) {
                    let pin = Pin::parse(BY_HAND).expect("a PIN");
                    stage.doors.get_mut(door).expect("a door").insert(slot, (pin, true));
                    let what = Happening::Changed { slot };
                    stage.input(Input::LockSays(stage.lock(door), Notice { journal: None, at: None, what }));
                }
            }
            _ => {
                let what = match dice.below(5) {
                    0 => Happening::ChangedAll,
                    1 => Happening::Away,
                    2 => Happening::Back,
                    3 => Happening::Opened { slot: SlotNo(u16::from(dice.byte())) },
                    _ => Happening::Refused,
                };
                stage.input(Input::LockSays(stage.lock(door), Notice { journal: None, at: None, what }));
            }
        }
        for pin in stage.held() {
            assert!(granted.contains(pin) || pin == BY_HAND, "{pin} was never granted");
        }
    }
    // All is well again; a few hours later every code is over.
    stage.net = true;
    stage.now.wall = stage.real();
    for door in [FRONT, BACK] {
        stage.input(Input::LockSays(
            stage.lock(door),
            Notice { journal: None, at: None, what: Happening::Back },
        ));
    }
    stage.input(Input::NetworkUp);
    stage.run(3 * 3_600);
    assert!(stage.held().iter().all(|pin| *pin == BY_HAND), "{:?} is over", stage.held());
    assert_eq!(stage.held().len(), by_hand.len(), "what was set by hand is not ours");
}

/// Requests to the Worker's home: whatever they are, it answers, and what it keeps loads again.
pub(super) fn api(data: &[u8]) {
    let mut dice = Dice(data);
    let mut stage = Stage::new(1);
    let owner = stage.author.owner.id();
    let scopes = r#"{"name":"a","scopes":["home:read","locks:read","codes:read","codes:write","log:read"]}"#;
    let made = stage.cloud.make_token(&owner, true, scopes.as_bytes(), &mut rng(2), stage.now.wall.0);
    let made: serde_json::Value = serde_json::from_str(&made.expect("a token")).expect("JSON");
    let token =
        latchkey_shared::token::ApiToken::parse(made["token"].as_str().unwrap_or_default()).expect("a token");
    let (hub, issuer) = (stage.author.hub, crate::stage::issuer(&stage.author));
    let (issuers, hubs) = ([stage.author.issuer.clone()], [hub]);
    let now = stage.now.wall.0;
    for _ in 0..6 {
        let body = match dice.below(10) {
            0 => {
                let _ = stage.cloud.submit(&owner, true, &issuer, dice.0, now);
                break;
            }
            1 => {
                let _ = stage.cloud.push(&hub, dice.0, now);
                break;
            }
            2 => {
                let _ = stage.cloud.invite(&owner, dice.0, now);
                break;
            }
            3 => {
                let _ = stage.cloud.make_token(&owner, true, dice.0, &mut rng(3), now);
                break;
            }
            4 => {
                let _ = stage.cloud.submit_hub(&hub, &issuer, dice.0, now);
                break;
            }
            5 => {
                let _ = stage.cloud.revoke_token(&owner, &TokenId([dice.byte(); 16]));
                let _ = stage.cloud.export(&owner, core::str::from_utf8(dice.some()).ok(), now);
                continue;
            }
            _ => dice.some(),
        };
        let text = String::from_utf8_lossy(body);
        let mut parts = text.splitn(4, '\n');
        let mut part = || parts.next().unwrap_or_default().to_owned();
        let request = ApiRequest {
            method: ["GET", "POST", "PATCH", "DELETE"][dice.below(4)].to_owned(),
            path: part(),
            query: part(),
            if_match: Some(part()).filter(|text| !text.is_empty()),
            body: part().into_bytes(),
            caller: if dice.byte() & 1 == 0 { Caller::Token(token.hash()) } else { Caller::Member(owner) },
            once: (dice.byte() & 1 == 1).then(|| token.derive(b"once")),
        };
        let mut ctx = ApiContext {
            now,
            zone: Some(&FixedZone::UTC),
            online: &hubs,
            issuers: &issuers,
            origin: "https://latchkey.example",
            rng: rng(4),
        };
        if let Ok(reply) = stage.cloud.api(&mut ctx, &request) {
            assert!(reply.body.is_empty() || serde_json::from_str::<serde_json::Value>(&reply.body).is_ok());
        }
    }
    let again = Home::load(stage.cloud.store().clone()).expect("what it keeps loads again");
    assert_eq!(again.chain().ok(), stage.cloud.chain().ok());
    assert!(
        stage
            .cloud
            .store()
            .ops_from(0)
            .is_ok_and(|ops| ops.len() as u64 == stage.cloud.chain().map_or(0, ChainState::seq) + 1)
    );
}

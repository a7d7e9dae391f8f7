//! The home of the vectors, op by op.

use super::{BACK, FRONT, SEED};
use crate::hex;
use ed25519_dalek::SigningKey;
use latchkey_shared::chain::op::{AddHub, AddKey, Manager, RemoveKey, Role, Scope};
use latchkey_shared::chain::{Body, Member};
use latchkey_shared::exchange::backup::{Backup, BackupCode, NamedDoor, Person};
use latchkey_shared::grant::{Grant, GrantKind, LinkRef};
use latchkey_shared::id::{HubId, InviteId, LockId, SignPublic};
use latchkey_shared::keys::{KeyRecord, Keys, Seed};
use latchkey_shared::link::LinkSecret;
use latchkey_shared::pin::Pin;
use latchkey_shared::policy::Policy;
use latchkey_shared::schedule::{Buffers, Date, Days, MinuteOfDay, Schedule, WeeklyWindow};
use latchkey_shared::sealed::{Binding, SealedSecret, SelfSeal};
use latchkey_shared::testing::TestHome;
use latchkey_shared::time::Seconds;
use latchkey_shared::zone::ZoneName;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A home and the people in it.
pub(super) struct Cast {
    pub(super) home: TestHome,
    max: Keys,
    eve: Keys,
    kid: Keys,
    new_issuer: SigningKey,
    pub(super) link: LinkSecret,
    pub(super) secrets: BTreeMap<&'static str, Value>,
}

fn scope(locks: &[LockId], days: u32) -> Scope {
    Scope {
        locks: Some(locks.to_vec()),
        max_length: Some(Seconds::days(days)),
        kinds: vec![GrantKind::Guest],
    }
}

impl Cast {
    pub(super) fn new() -> Self {
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
        self.push(Body::AddKey(AddKey { invite: Some(InviteId(key.id().0)), key, role, wraps }));
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
    pub(super) fn people(&mut self) {
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
    pub(super) fn codes(&mut self) {
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

    /// The last code and a resident's, as a backup has them.
    pub(super) fn backup(&mut self) -> Backup {
        let state = &self.home.state;
        let kept = ["640281", "562839"];
        let kinds = [GrantKind::Standard, GrantKind::Guest];
        let newest = |kind: GrantKind| {
            let grants = state.grants().values().filter(|entry| entry.grant.kind == kind);
            grants.max_by_key(|entry| entry.seq).map(|entry| &entry.grant).expect("a code")
        };
        let codes = kinds.into_iter().zip(kept);
        let codes = codes.map(|(kind, pin)| BackupCode::of(newest(kind), Pin::parse(pin).expect("a PIN")));
        let person = |m: &Member| Person {
            key: m.key.id(),
            name: m.key.name.clone(),
            role: m.role.as_str().to_owned(),
        };
        Backup {
            home: *state.home(),
            made: super::NOW,
            by: self.home.owner.id(),
            policy: state.policy().clone(),
            people: state.members().values().map(person).collect(),
            doors: vec![NamedDoor { lock: FRONT, name: "Front door".to_owned() }],
            codes: codes.collect(),
        }
    }

    /// An owner leaves, a hub comes and goes, keys change.
    pub(super) fn changes(&mut self) {
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
        let mut last = self.home.guest("562839", &[FRONT]);
        last.days_off = [24, 25].iter().filter_map(|day| Date::from_civil(2027, 1, *day)).collect();
        last.buffers = Some(Buffers { before: 30, after: 15 });
        last.stay = Some(Seconds::hours(3));
        last.suspended = true;
        self.push(Body::PutGrant(last));
    }
}

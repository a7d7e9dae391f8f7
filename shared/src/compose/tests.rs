use super::*;
use crate::chain::op::{AddKey, Manager, Scope};
use crate::grant::GrantKind;
use crate::id::LockId;
use crate::invite::InviteSecret;
use crate::keys::Seed;
use crate::pair::PairSecret;
use crate::schedule::{Schedule, Validity};
use crate::testing::{SeededRng, TestHome, rng};
use crate::time::Seconds;

const FRONT: LockId = LockId([1; 16]);
const BACK: LockId = LockId([2; 16]);
const T: Timestamp = TestHome::BEGINNING;

/// A home as one member sees and changes it.
struct Desk {
    chain: ChainState,
    keys: Keys,
    home_keys: Vec<HomeKey>,
    rng: SeededRng,
    now: Timestamp,
}

/// A composer, and the randomness beside it.
macro_rules! at {
    ($desk:ident) => {
        (
            Composer { chain: &$desk.chain, keys: &$desk.keys, home_keys: &$desk.home_keys, now: $desk.now },
            &mut $desk.rng,
        )
    };
}

impl Desk {
    fn new(seed: u64) -> (Self, TestHome) {
        let home = TestHome::new(seed);
        let desk = Self {
            chain: home.state.clone(),
            keys: home.owner.clone(),
            home_keys: vec![home.home_key.clone()],
            rng: rng(seed + 1_000),
            now: T.saturating_add(Seconds::hours(1)),
        };
        (desk, home)
    }

    fn composer(&self) -> Composer<'_> {
        Composer { chain: &self.chain, keys: &self.keys, home_keys: &self.home_keys, now: self.now }
    }

    fn take(&mut self, change: &Change) {
        self.chain = change.sign(&self.chain, &self.keys, self.now).unwrap().chain;
        self.home_keys = opened(&self.chain, &self.keys);
    }

    /// Another member of the same home.
    fn join(&mut self, role: Role) -> Self {
        let keys = Keys::member(&Seed::generate(&mut self.rng));
        let secret = InviteSecret::generate(&mut self.rng);
        let expires = self.now.saturating_add(Seconds::days(7));
        let (composer, rng) = at!(self);
        let (invite, sent) = composer.invite("Max", role, expires, rng).unwrap();
        let answer = sent.accept(self.chain.home(), keys.record("Max"));
        let forged = secret.accept(self.chain.home(), keys.record("Max"));
        assert!(composer.add_member(&invite, &forged, rng).is_err());
        let change = composer.add_member(&invite, &answer, rng).unwrap();
        self.take(&change);
        let home_keys = opened(&self.chain, &keys);
        Self { chain: self.chain.clone(), keys, home_keys, rng: rng_from(&mut self.rng), now: self.now }
    }
}

fn rng_from(parent: &mut SeededRng) -> SeededRng {
    rng(rand_core::Rng::next_u64(parent))
}

fn opened(chain: &ChainState, keys: &Keys) -> Vec<HomeKey> {
    chain
        .wraps_for(keys.id())
        .map(|wrap| {
            let public = chain.epoch_public(wrap.epoch).unwrap();
            HomeKey::unwrap(chain.home(), &wrap, public, keys).unwrap()
        })
        .collect()
}

fn pin(text: &str) -> Pin {
    Pin::parse(text).unwrap()
}

fn week() -> Validity {
    Validity::new(T, Some(T.saturating_add(Seconds::days(7))), Schedule::Always)
}

fn until(to: Option<Timestamp>) -> NewEnd {
    NewEnd { to, first_used: None }
}

fn words() -> ForGuest {
    ForGuest { doors: vec!["Front".into()], note: "Welcome".into() }
}

fn manager() -> Role {
    let scope = Scope { locks: None, max_length: Some(Seconds::days(30)), kinds: vec![GrantKind::Guest] };
    Role::Manager(Manager { scope, sees_pins: false })
}

#[test]
fn a_code_through_its_life_keeps_pin_and_link() {
    let (mut desk, _) = Desk::new(40);
    let (composer, rng) = at!(desk);
    let draft = Draft::guest("Zoë", vec![BACK, FRONT, BACK], week());
    let made = composer.make(&draft, &pin("483920"), LinkWish::Show(&words()), rng).unwrap();
    let id = made.grant.id;
    assert_eq!(made.grant.locks, [FRONT, BACK]);
    assert_eq!(made.change.links.len(), 1);
    let secret = made.link.unwrap();
    let shown = secret.decrypt(&made.change.links[0].content).unwrap();
    assert!(core::str::from_utf8(&shown).unwrap().contains("\"note\":\"Welcome\""));
    desk.take(&made.change);

    let (composer, rng) = at!(desk);
    let later = Some(T.saturating_add(Seconds::days(9)));
    let longer = composer.extend(&id, until(later), None, rng).unwrap();
    desk.take(&longer.change);
    let (composer, rng) = at!(desk);
    assert_eq!(composer.extend(&id, until(later), None, rng).err(), Some(Refusal::Unchanged.into()));
    let paused = composer.suspend(&id, true, rng).unwrap();
    desk.take(&paused.change);
    let (composer, rng) = at!(desk);
    let resumed = composer.suspend(&id, false, rng).unwrap();
    desk.take(&resumed.change);

    let (composer, rng) = at!(desk);
    let grant = &desk.chain.grants()[&id].grant;
    assert_eq!((grant.rev, grant.expires, grant.pin_set), (4, later, desk.now));
    assert_eq!(composer.open_pin(grant), Some(pin("483920")));
    assert_eq!(composer.open_link(grant).unwrap().id(), secret.id());

    let ended = composer.end_now(&id, rng).unwrap();
    desk.take(&ended);
    let (composer, rng) = at!(desk);
    assert_eq!(desk.chain.grants()[&id].grant.end(), Some(desk.now));
    assert_eq!(composer.end_now(&id, rng).err(), Some(Refusal::Over.into()));
    let again = composer.extend(&id, until(later), None, rng).unwrap();
    assert!(again.grant.link.is_none(), "an ended link never returns");
    let shown = composer.extend(&id, until(later), Some(&words()), rng).unwrap();
    assert_ne!(shown.grant.link.unwrap().id, secret.id(), "its guest gets a new one");
}

#[test]
fn another_end_leaves_a_pause_and_moves_a_stay() {
    let (mut desk, _) = Desk::new(46);
    let (composer, rng) = at!(desk);
    let stay = Validity { stay: Some(Seconds::days(2)), ..week() };
    let made =
        composer.make(&Draft::guest("Zoë", vec![FRONT], stay), &pin("483920"), LinkWish::Keep, rng).unwrap();
    let id = made.grant.id;
    desk.take(&made.change);
    let (composer, rng) = at!(desk);
    let paused = composer.suspend(&id, true, rng).unwrap();
    desk.take(&paused.change);

    let (composer, rng) = at!(desk);
    let to = Some(T.saturating_add(Seconds::days(3)));
    let longer = composer.extend(&id, NewEnd { to, first_used: Some(T) }, None, rng).unwrap().grant;
    assert!(longer.suspended, "somebody else's pause stays");
    assert_eq!(longer.validity().first_used(T).expires, to, "an end in the stay is the stay's");
    let earlier = composer.extend(&id, until(to), None, rng).unwrap().grant;
    assert_eq!((earlier.stay, earlier.expires), (Some(Seconds::days(2)), to), "it has not begun");
}

#[test]
fn a_link_never_shows_what_is_no_longer_true() {
    let (mut desk, _) = Desk::new(41);
    let (composer, rng) = at!(desk);
    let draft = Draft::guest("Zoë", vec![FRONT], week());
    let made = composer.make(&draft, &pin("483920"), LinkWish::Show(&words()), rng).unwrap();
    let (id, secret) = (made.grant.id, made.link.unwrap());
    desk.take(&made.change);
    let (composer, rng) = at!(desk);
    let renamed = Draft { label: "Zoe".into(), ..draft.clone() };
    let moved = Draft { locks: vec![BACK], ..draft.clone() };
    let stale = Some(ComposeError::Refused(Refusal::StaleLink));
    for edit in [&renamed, &moved] {
        assert_eq!(composer.edit(&id, edit, PinWish::Keep, LinkWish::Keep, rng).err(), stale);
    }
    let new_pin = PinWish::Change(pin("917264"));
    assert_eq!(composer.edit(&id, &draft, new_pin.clone(), LinkWish::Keep, rng).err(), stale);

    let changed = composer.edit(&id, &renamed, new_pin, LinkWish::Show(&words()), rng).unwrap();
    assert!(changed.grant.pin_set > made.grant.pin_set, "also within one second");
    assert_eq!(changed.grant.link, made.grant.link, "the link that was sent goes on");
    let shown = secret.decrypt(&changed.change.links[0].content).unwrap();
    assert!(core::str::from_utf8(&shown).unwrap().contains("917264"));
    let renewed = composer.edit(&id, &draft, PinWish::Keep, LinkWish::Renew(&words()), rng).unwrap().grant;
    assert_ne!(renewed.link.unwrap().id, secret.id());
    let without = composer.edit(&id, &draft, PinWish::Keep, LinkWish::End, rng).unwrap();
    assert!(without.grant.link.is_none() && without.change.links.is_empty());
}

#[test]
fn a_manager_without_the_home_key_reads_their_own_codes_only() {
    let (mut desk, _) = Desk::new(42);
    let mut max = desk.join(manager());
    let (composer, rng) = at!(max);
    let draft = Draft::guest("Cleaner", vec![FRONT], week());
    let made = composer.make(&draft, &pin("483920"), LinkWish::Show(&words()), rng).unwrap();
    let mine = made.grant.id;
    max.take(&made.change);
    desk.chain = max.chain.clone();
    let (composer, rng) = at!(desk);
    let other = composer.make(&draft, &pin("917264"), LinkWish::Keep, rng).unwrap();
    desk.take(&other.change);
    // The owner's edit keeps the manager's seal.
    let (composer, rng) = at!(desk);
    let longer = composer.extend(&mine, until(Some(T.saturating_add(Seconds::days(8)))), None, rng).unwrap();
    desk.take(&longer.change);
    max.chain = desk.chain.clone();

    let (composer, rng) = at!(max);
    let grant = |id| &max.chain.grants()[id].grant;
    assert_eq!(composer.open_pin(grant(&mine)), Some(pin("483920")));
    assert_eq!(composer.open_pin(grant(&other.grant.id)), None);
    let later = Some(T.saturating_add(Seconds::days(9)));
    assert_eq!(composer.extend(&other.grant.id, until(later), None, rng).err(), Some(Refusal::NoPin.into()));
    // Without the link's secret another link takes its place.
    let show = LinkWish::Show(&ForGuest::default());
    let shown = composer.edit(&mine, &draft, PinWish::Keep, show, rng).unwrap();
    assert_ne!(shown.grant.link, grant(&mine).link);
    let too_long =
        composer.extend(&mine, until(Some(T.saturating_add(Seconds::days(60)))), None, rng).unwrap();
    let refused = too_long.change.sign(&max.chain, &max.keys, max.now);
    assert_eq!(refused.err(), Some(ChainError::NotAllowed));
}

#[test]
fn removing_a_member_ends_their_codes_and_replaces_the_key() {
    let (mut desk, _) = Desk::new(43);
    let mut eve = desk.join(Role::Owner);
    let kid = desk.join(Role::Resident);
    assert_eq!(eve.home_keys.len(), 1);
    assert!(kid.home_keys.is_empty());
    let forever = Validity::new(T, None, Schedule::Always);
    let code = |holder: &Keys| Draft {
        kind: GrantKind::Standard,
        holder: Some(holder.id()),
        ..Draft::guest("Home", vec![FRONT], forever.clone())
    };
    let mut ids = vec![];
    for (holder, digits) in [(&eve.keys, "483920"), (&kid.keys, "917264")] {
        let (composer, rng) = at!(desk);
        let made = composer.make(&code(holder), &pin(digits), LinkWish::Keep, rng).unwrap();
        ids.push(made.grant.id);
        desk.take(&made.change);
    }
    let kid_now = as_seen_by(&kid, &desk);
    let composer = kid_now.composer();
    let own = &desk.chain.grants()[&ids[1]].grant;
    assert_eq!(composer.open_pin(own), Some(pin("917264")), "a holder reads their own PIN");

    let (composer, rng) = at!(desk);
    let removal = composer.remove_member(eve.keys.id(), None, rng).unwrap();
    assert_eq!(removal.seen, [ids[1]]);
    desk.take(&removal.change);
    assert!(desk.chain.revoked().contains_key(&ids[0]));
    assert_eq!((desk.chain.epoch().number, desk.chain.epoch().stale), (2, false));
    assert_eq!(desk.home_keys.len(), 2);

    // A new owner gets the keys of both epochs and reads what was sealed before.
    let max = desk.join(Role::Owner);
    assert_eq!(max.home_keys.len(), 2);
    let max_now = as_seen_by(&max, &desk);
    let composer = max_now.composer();
    assert_eq!(composer.open_pin(&desk.chain.grants()[&ids[1]].grant), Some(pin("917264")));

    // A resident never had the key: it stays, and nobody's PIN was seen.
    let (composer, rng) = at!(desk);
    let removal = composer.remove_member(kid.keys.id(), None, rng).unwrap();
    assert_eq!(removal.seen, []);
    desk.take(&removal.change);
    assert_eq!(desk.chain.epoch().number, 2);
    eve.chain = desk.chain.clone();
    let (composer, rng) = at!(eve);
    assert!(composer.role().is_none());
    let late = composer.make(&Draft::guest("X", vec![FRONT], week()), &pin("305817"), LinkWish::Keep, rng);
    let late = late.unwrap().change.sign(&eve.chain, &eve.keys, eve.now);
    assert_eq!(late.err(), Some(ChainError::NotTrusted));
}

/// One member's keys at another's chain.
fn as_seen_by(who: &Desk, at: &Desk) -> Desk {
    Desk {
        chain: at.chain.clone(),
        keys: who.keys.clone(),
        home_keys: who.home_keys.clone(),
        rng: rng(1),
        now: at.now,
    }
}

#[test]
fn an_owner_can_leave_and_another_replaces_the_key() {
    let (mut desk, _) = Desk::new(44);
    let mut eve = desk.join(Role::Owner);
    let (composer, rng) = at!(desk);
    let leave = composer.remove_member(desk.keys.id(), None, rng).unwrap();
    let signed = leave.change.sign(&desk.chain, &desk.keys, desk.now).unwrap();
    assert!(signed.chain.epoch().stale);
    eve.chain = signed.chain;
    let (composer, rng) = at!(eve);
    let draft = Draft::guest("X", vec![FRONT], week());
    let early = composer.make(&draft, &pin("305817"), LinkWish::Keep, rng).unwrap();
    assert_eq!(early.change.sign(&eve.chain, &eve.keys, eve.now).err(), Some(ChainError::StaleEpoch));
    let rotation = composer.rotate_epoch(rng).unwrap();
    eve.take(&rotation);
    let (composer, rng) = at!(eve);
    let made = composer.make(&draft, &pin("305817"), LinkWish::Keep, rng).unwrap();
    assert!(made.change.sign(&eve.chain, &eve.keys, eve.now).is_ok());
}

#[test]
fn a_role_changes_and_the_key_with_it() {
    let (mut desk, _) = Desk::new(48);
    let eve = desk.join(Role::Resident);
    let (composer, rng) = at!(desk);
    let draft = Draft::guest("X", vec![FRONT], week());
    let made = composer.make(&draft, &pin("305817"), LinkWish::Keep, rng).unwrap();
    desk.take(&made.change);
    let (composer, rng) = at!(desk);
    let up = composer.change_role(eve.keys.id(), Role::Owner, rng).unwrap();
    assert_eq!(up.seen, []);
    desk.take(&up.change);
    assert_eq!(opened(&desk.chain, &eve.keys).len(), 1);
    assert_eq!(desk.chain.epoch().number, 1);
    let (composer, rng) = at!(desk);
    assert!(composer.change_role(eve.keys.id(), Role::Owner, rng).is_err(), "nothing would change");
    let down = composer.change_role(eve.keys.id(), manager(), rng).unwrap();
    assert_eq!(down.seen, [made.grant.id]);
    desk.take(&down.change);
    assert_eq!((desk.chain.epoch().number, desk.chain.epoch().stale), (2, false));
    assert!(opened(&desk.chain, &eve.keys).is_empty());
    // The last owner stays one.
    let (composer, rng) = at!(desk);
    let last = composer.change_role(desk.keys.id(), Role::Resident, rng).unwrap();
    let signed = last.change.sign(&desk.chain, &desk.keys, desk.now);
    assert_eq!(signed.err(), Some(ChainError::LastOwner));
}

#[test]
fn issuing_is_turned_on_and_off_and_on_again() {
    let (mut desk, home) = Desk::new(49);
    let week = |locks: &[LockId]| Scope {
        locks: Some(locks.to_vec()),
        max_length: Some(Seconds::days(7)),
        kinds: vec![GrantKind::Guest],
    };
    let issuer = home.issuer.verifying_key().into();
    let issuer = crate::id::SignPublic::id(&issuer);
    for scope in [Some(week(&[FRONT])), Some(week(&[FRONT, BACK])), None, Some(week(&[BACK]))] {
        let change = desk.composer().issuing(scope.clone()).unwrap();
        desk.take(&change);
        let role = desk.chain.members().get(&issuer).map(|member| member.role.clone());
        assert_eq!(role, scope.map(Role::Issuer));
    }
}

#[test]
fn a_hub_comes_and_goes() {
    let (mut desk, home) = Desk::new(45);
    let garage = Keys::hub(&Seed::generate(&mut desk.rng));
    let secret = PairSecret::generate(&mut desk.rng);
    let offer = secret.offer(crate::id::HubId::generate(&mut desk.rng), garage.record("Garage"));
    let (composer, rng) = at!(desk);
    let added = composer.add_hub(&offer, None, rng).unwrap();
    assert!(composer.change_hub(offer.hub, "Shed", None).is_err(), "not there yet");
    desk.take(&added);
    assert_eq!(opened(&desk.chain, &garage).len(), 1);
    let renamed = desk.composer().change_hub(offer.hub, "Shed", None).unwrap();
    desk.take(&renamed);
    assert_eq!(desk.chain.hubs()[&offer.hub].key.name, "Shed");
    let (composer, rng) = at!(desk);
    let draft = Draft::guest("Zoë", vec![FRONT], week());
    let live = composer.make(&draft, &pin("483920"), LinkWish::Keep, rng).unwrap();
    let past = composer.make(&draft, &pin("917264"), LinkWish::Keep, rng).unwrap();
    desk.take(&live.change);
    desk.take(&past.change);
    let revoked = desk.composer().revoke(&[past.grant.id]).unwrap();
    desk.take(&revoked);
    let (composer, rng) = at!(desk);
    let removed = composer.remove_hub(offer.hub, rng).unwrap();
    assert_eq!(removed.seen, [live.grant.id], "it knew the PIN");
    desk.take(&removed.change);
    assert!(!desk.chain.epoch().stale);
    assert!(opened(&desk.chain, &garage).is_empty());
    assert_eq!(opened(&desk.chain, &home.hub_keys).len(), 2);
    let composer = desk.composer();
    assert!(composer.home_key(2).is_some());
}

#[test]
fn undoing_a_revocation_makes_another_code() {
    let (mut desk, _) = Desk::new(46);
    let (composer, rng) = at!(desk);
    let made = composer
        .make(&Draft::guest("Zoë", vec![FRONT], week()), &pin("483920"), LinkWish::Keep, rng)
        .unwrap();
    desk.take(&made.change);
    let (composer, _) = at!(desk);
    let revoked = composer.revoke(&[made.grant.id]).unwrap();
    desk.take(&revoked);
    let (composer, rng) = at!(desk);
    assert_eq!(composer.revoke(&[made.grant.id]).err(), Some(Refusal::Gone.into()));
    assert_eq!(composer.suspend(&made.grant.id, true, rng).err(), Some(Refusal::Gone.into()));
    let again = composer.again(&made.grant, &pin("917264"), LinkWish::Show(&words()), rng).unwrap();
    assert_ne!(again.grant.id, made.grant.id);
    assert_eq!((again.grant.label.as_str(), again.grant.rev), ("Zoë", 1));
    desk.take(&again.change);
    desk.now = T.saturating_add(Seconds::days(7));
    let (composer, rng) = at!(desk);
    let late = composer.again(&made.grant, &pin("305817"), LinkWish::Keep, rng);
    assert_eq!(late.err(), Some(Refusal::Over.into()));
}

#[test]
fn a_home_begins() {
    let mut rng = rng(47);
    let owner = Keys::member(&Seed::generate(&mut rng));
    let issuer = Keys::hub(&Seed::generate(&mut rng)).sign_public();
    let policy =
        crate::policy::Policy::new("Lake house", crate::zone::ZoneName::parse("Europe/Berlin").unwrap());
    let (home, bytes) = genesis(policy.clone(), &owner, "Ada", issuer, T, &mut rng).unwrap();
    let chain = ChainState::genesis(&bytes).unwrap();
    assert_eq!((*chain.home(), opened(&chain, &owner).len()), (home, 1));
    assert!(genesis(policy, &owner, "", issuer, T, &mut rng).is_err());
    let nobody = AddKey { invite: None, key: owner.record("Ada"), role: Role::Owner, wraps: vec![] };
    let twice = Change::of(Body::AddKey(nobody)).sign(&chain, &owner, T);
    assert_eq!(twice.err(), Some(ChainError::Exists));
}

#[test]
fn uses_are_limited_only_where_they_can_be_counted() {
    let tells = crate::testing::abilities();
    let silent = crate::slot::LockAbilities { tells_uses: false, ..tells.clone() };
    let plain = Draft::guest("Zoë", vec![FRONT], week());
    assert_eq!(plain.fits([&tells, &silent]), Ok(()));
    let once = Draft { uses: Some(1), ..plain.clone() };
    assert_eq!((once.fits([&tells]), once.fits([&tells, &silent])), (Ok(()), Err(Refusal::Uncounted)));
    let stay = Draft { validity: Validity { stay: Some(Seconds::hours(3)), ..week() }, ..plain };
    assert_eq!(stay.fits([&silent]), Err(Refusal::Uncounted));
}

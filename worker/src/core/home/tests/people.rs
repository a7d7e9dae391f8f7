//! Inviting people, what each role may see, and what removed people no longer do.

use latchkey_shared::api::{AcceptInvite, InviteProof};
use latchkey_shared::chain::op::{Manager, RemoveKey};
use latchkey_shared::id::{GrantId, InviteId, TokenId};
use latchkey_shared::invite::{Invite, InviteSecret};
use latchkey_shared::pin::Pin;
use latchkey_shared::sealed::{Binding, SelfSeal};

use super::*;

/// A person with a key of their own.
fn person(case: &mut Case) -> Keys {
    Keys::member(&Seed::generate(&mut case.author.rng))
}

fn role(name: &str) -> Role {
    let scope = Scope { locks: None, max_length: Some(Seconds::days(7)), kinds: vec![GrantKind::Guest] };
    match name {
        "owner" => Role::Owner,
        "manager" => Role::Manager(Manager { scope, sees_pins: false }),
        _ => Role::Resident,
    }
}

/// Adds a member through the chain.
fn join(case: &mut Case, keys: &Keys, role: Role) {
    let key = keys.record("Max");
    let wraps = if role.has_home_key() { vec![case.author.wrap_for(&key)] } else { vec![] };
    let from = case.author.ops.len();
    case.author.push(Body::AddKey(AddKey { invite: None, key, role, wraps })).unwrap();
    case.submit_from(from, vec![]).unwrap();
}

fn leave(case: &mut Case, keys: &Keys) {
    let from = case.author.ops.len();
    case.author.push(Body::RemoveKey(RemoveKey { key: keys.id(), distrusted_since: None })).unwrap();
    case.submit_from(from, vec![]).unwrap();
}

fn invitation(case: &mut Case, role: Role, expires: u64) -> (InviteSecret, Invite) {
    let secret = InviteSecret::generate(&mut case.author.rng);
    let (home, key) = (*case.author.state.home(), case.author.home_key.clone());
    let expires = Timestamp(expires);
    let (to, by) = ((key.epoch(), &key.public()), case.author.owner.clone());
    let invite = Invite::new(&secret, &home, "Max", role, expires, to, &by, &mut case.author.rng).unwrap();
    (secret, invite)
}

fn proof(secret: &InviteSecret) -> Vec<u8> {
    to_vec(&InviteProof { auth: Blob(secret.auth().to_vec()) })
}

fn answer(case: &Case, secret: &InviteSecret, keys: &Keys) -> Vec<u8> {
    let acceptance = secret.accept(case.author.state.home(), keys.record("Max"));
    to_vec(&AcceptInvite { auth: Blob(secret.auth().to_vec()), acceptance })
}

#[test]
fn an_invitation_through_its_life() {
    let mut case = Case::new(40);
    let (owner, max, eve) = (case.owner(), person(&mut case), person(&mut case));
    let (secret, invite) = invitation(&mut case, Role::Resident, NOW + 600);
    let id = invite.id;
    let body = to_vec(&invite);
    assert_eq!(case.home.open_invite(&id, &proof(&secret), NOW).unwrap_err(), NO_INVITE);
    let made = case.home.invite(&owner, &body, NOW).unwrap();
    assert_eq!(case.home.invite(&owner, &body, NOW + 5).unwrap(), made, "a retry");
    assert_eq!(case.home.invites(&owner, NOW).unwrap().list, [made]);

    let shown = case.home.open_invite(&id, &proof(&secret), NOW).unwrap();
    assert_eq!((shown.home_name.as_str(), shown.by.as_str(), shown.accepted), ("Lake house", "Ada", None));
    let other = InviteSecret::generate(&mut case.author.rng);
    assert_eq!(case.home.open_invite(&id, &proof(&other), NOW).unwrap_err(), NO_INVITE);
    assert_eq!(case.home.open_invite(&other.id(), &proof(&other), NOW).unwrap_err(), NO_INVITE);
    assert_eq!(case.home.open_invite(&id, &proof(&secret), NOW + 600).unwrap_err(), NO_INVITE, "over");

    let accept = answer(&case, &secret, &max);
    assert_eq!(case.home.accept_invite(&id, &eve.id(), &accept, NOW).unwrap_err(), INVITE_KEY);
    let accepted = case.home.accept_invite(&id, &max.id(), &accept, NOW + 1).unwrap();
    assert_eq!(accepted.accepted, Some(max.id()));
    let again = answer(&case, &secret, &eve);
    assert_eq!(case.home.accept_invite(&id, &eve.id(), &again, NOW).unwrap_err(), INVITE_TAKEN);
    assert!(case.home.accept_invite(&id, &max.id(), &accept, NOW + 2).is_ok(), "a retry");
    assert_eq!(case.home.member(&max.id()).unwrap_err(), NO_HOME, "an answer opens nothing");

    let list = case.home.invites(&owner, NOW).unwrap().list;
    assert_eq!(list[0].accepted_at, Some(Timestamp(NOW + 1)));
    let opened = list[0].invite.open(case.author.state.home(), &case.author.home_key).unwrap();
    assert_eq!(opened.check(case.author.state.home(), list[0].acceptance.as_ref().unwrap()), Ok(()));
    join(&mut case, &max, Role::Resident);
    assert_eq!(case.home.invites(&owner, NOW).unwrap().list, []);
    assert_eq!(case.home.open_invite(&id, &proof(&secret), NOW).unwrap_err(), INVITE_USED);
    case.home.sweep(NOW + 600).unwrap();
    assert_eq!(case.home.open_invite(&id, &proof(&secret), NOW).unwrap_err(), NO_INVITE);
    leave(&mut case, &max);
    let (secret, invite) = invitation(&mut case, Role::Resident, NOW + 600);
    case.home.invite(&owner, &to_vec(&invite), NOW).unwrap();
    let accept = answer(&case, &secret, &max);
    assert_eq!(case.home.accept_invite(&invite.id, &max.id(), &accept, NOW).unwrap_err(), ALREADY_MEMBER);
}

#[test]
fn bad_invitations_are_not_kept() {
    let mut case = Case::new(41);
    let owner = case.owner();
    for (expires, role, why) in
        [(NOW, Role::Resident, INVITE_TERM), (NOW + 31 * 86_400, Role::Resident, INVITE_TERM)]
    {
        let (_, invite) = invitation(&mut case, role, expires);
        assert_eq!(case.home.invite(&owner, &to_vec(&invite), NOW).unwrap_err(), why);
    }
    let (_, good) = invitation(&mut case, Role::Owner, NOW + 60);
    let issuer = Scope { locks: None, max_length: Some(Seconds::days(1)), kinds: vec![GrantKind::Guest] };
    for bad in [
        Invite { name: String::new(), ..good.clone() },
        Invite { role: Role::Issuer(issuer), ..good.clone() },
        Invite { secret: Blob(vec![0; 300]), ..good.clone() },
    ] {
        assert_eq!(case.home.invite(&owner, &to_vec(&bad), NOW).unwrap_err().code, "invite.malformed");
    }
    for bad in [&b""[..], &[0xa0], &[0xff; 9]] {
        assert_eq!(case.home.invite(&owner, bad, NOW).unwrap_err(), WIRE);
        assert_eq!(case.home.open_invite(&good.id, bad, NOW).unwrap_err(), WIRE);
        assert_eq!(case.home.accept_invite(&good.id, &owner, bad, NOW).unwrap_err(), WIRE);
    }
    case.home.invite(&owner, &to_vec(&good), NOW).unwrap();
    let changed = Invite { role: Role::Resident, ..good.clone() };
    assert_eq!(case.home.invite(&owner, &to_vec(&changed), NOW).unwrap_err(), INVITE_TAKEN);
    for _ in 1..crate::core::limits::MAX_INVITES {
        let (_, invite) = invitation(&mut case, Role::Resident, NOW + 60);
        case.home.invite(&owner, &to_vec(&invite), NOW).unwrap();
    }
    let (_, one_more) = invitation(&mut case, Role::Resident, NOW + 60);
    assert_eq!(case.home.invite(&owner, &to_vec(&one_more), NOW).unwrap_err(), FULL);
    case.home.withdraw(&owner, &good.id).unwrap();
    assert_eq!(case.home.withdraw(&owner, &good.id), Err(NO_INVITE));
    assert!(case.home.invite(&owner, &to_vec(&one_more), NOW).is_ok());
}

#[test]
fn what_each_role_may() {
    let mut case = Case::new(42);
    let (owner, issuer) = (case.owner(), case.issuer);
    let people: Vec<(&str, Keys)> =
        ["owner", "manager", "resident", "stranger"].map(|name| (name, person(&mut case))).into();
    for (name, keys) in people.iter().filter(|(name, _)| *name != "stranger") {
        join(&mut case, keys, role(name));
    }
    let (_, kept) = invitation(&mut case, Role::Resident, NOW + 60);
    case.home.invite(&owner, &to_vec(&kept), NOW).unwrap();
    let (_, invite) = invitation(&mut case, Role::Resident, NOW + 60);
    let invite = to_vec(&invite);
    let nothing = to_vec(&SubmitOps { ops: vec![], links: vec![] });
    for (name, keys) in &people {
        let by = keys.id();
        let (managers, owners, members) = match *name {
            "owner" => (None, None, None),
            "manager" => (None, Some(NOT_OWNER), None),
            "resident" => (Some(RESIDENT), Some(RESIDENT), None),
            _ => (Some(NO_HOME), Some(NO_HOME), Some(NO_HOME)),
        };
        assert_eq!(case.home.snapshot(&by, None, &[], NOW).err(), managers, "{name}");
        assert_eq!(case.home.events(&by, None, None).err(), managers, "{name}");
        let submitted = case.home.submit(&by, true, &issuer, &nothing, NOW).unwrap_err();
        assert_eq!(submitted, managers.unwrap_or(WIRE), "{name}");
        assert_eq!(case.home.invites(&by, NOW).err(), owners, "{name}");
        assert_eq!(case.home.export(&by, None, NOW).err(), owners, "{name}");
        assert_eq!(case.home.tokens(&by, NOW).err(), owners, "{name}");
        assert_eq!(case.home.revoke_token(&by, &TokenId([0; 16])), Err(owners.unwrap_or(NO_TOKEN)), "{name}");
        let made = case.home.make_token(&by, false, b"{}", &mut case.author.rng, NOW).unwrap_err();
        assert_eq!(made, owners.unwrap_or(STEP_UP), "{name}");
        assert_eq!(case.home.withdraw(&by, &InviteId([0; 16])), Err(owners.unwrap_or(NO_INVITE)), "{name}");
        assert_eq!(case.home.invite(&by, &invite, NOW).err(), owners, "{name}");
        assert_eq!(case.home.mine(&by, None, None, &[], NOW).err(), members, "{name}");
        let _ = case.home.withdraw(&owner, &from_slice::<Invite>(&invite, 4096).unwrap().id);
    }
    for (_, keys) in &people[..3] {
        leave(&mut case, keys);
        assert_eq!(case.home.snapshot(&keys.id(), None, &[], NOW).unwrap_err(), NO_HOME);
        assert_eq!(case.home.mine(&keys.id(), None, None, &[], NOW).unwrap_err(), NO_HOME);
        assert_eq!(case.home.invites(&keys.id(), NOW).unwrap_err(), NO_HOME);
    }
}

#[test]
fn a_removed_owners_invitations_go_along() {
    let mut case = Case::new(43);
    let (owner, second) = (case.owner(), person(&mut case));
    join(&mut case, &second, Role::Owner);
    let (_, invite) = invitation(&mut case, Role::Owner, NOW + 60);
    case.home.invite(&second.id(), &to_vec(&invite), NOW).unwrap();
    let (_, kept) = invitation(&mut case, Role::Resident, NOW + 60);
    case.home.invite(&owner, &to_vec(&kept), NOW).unwrap();
    leave(&mut case, &second);
    let left: Vec<_> = case.home.invites(&owner, NOW).unwrap().list.iter().map(|e| e.invite.id).collect();
    assert_eq!(left, [kept.id]);
}

/// The next event of the hub, with this body.
pub(super) fn event(case: &mut Case, body: EventBody) -> Blob {
    let event = Event {
        home: *case.author.state.home(),
        hub: case.author.hub,
        number: case.events.len() as u64 + 1,
        at: Timestamp(NOW),
        body,
        prev: case.events.last().map(|(_, hash)| *hash),
        clock_unsure: false,
    };
    let signed = event.sign(case.author.hub_keys.signing());
    case.events.push(signed.clone());
    Blob(signed.0)
}

#[test]
fn a_resident_sees_their_own_and_nothing_else() {
    let mut case = Case::new(44);
    let (max, owner) = (person(&mut case), case.owner());
    join(&mut case, &max, Role::Resident);
    let mut own = case.author.guest("482915", &[DOOR]);
    (own.kind, own.expires, own.holder) = (GrantKind::Standard, None, Some(max.id()));
    let home = *case.author.state.home();
    let binding = Binding { home: &home, grant: &own.id, rev: 1, locks: &own.locks };
    let pin = Pin::parse("482915").unwrap();
    own.self_seals =
        vec![SelfSeal::seal_to(&pin, &binding, &max.record("Max"), &mut case.author.rng).unwrap()];
    case.put(own.clone(), vec![]).unwrap();
    let (other, _) = case.shared_code();
    let mut codes = vec![on_lock(&own), on_lock(&other)];
    codes.sort_by_key(|code| code.grant);
    let report = case.report(1, codes);
    let events = [own.id, other.id, own.id].map(|id| event(&mut case, EventBody::CodeUsed(DOOR, id)));
    case.push(vec![report], events.to_vec()).unwrap();

    let mine = case.home.mine(&max.id(), None, None, &[], NOW).unwrap();
    assert_eq!(
        (mine.home_name.as_str(), mine.zone.as_str(), mine.role.clone()),
        ("Lake house", "Europe/Berlin", Role::Resident)
    );
    let [op] = mine.grants.as_slice() else { panic!("{:?}", mine.grants) };
    let signed = SignedOp::parse(op).unwrap();
    assert_eq!(signed.verify(&mine.signers[0].sign), Ok(()));
    let Body::PutGrant(grant) = &signed.claimed().body else { panic!() };
    assert_eq!(grant.self_seals[0].open(&binding, &max).unwrap(), pin);
    let [door] = mine.doors.as_slice() else { panic!("{:?}", mine.doors) };
    assert_eq!(door.codes, [on_lock(&own)]);
    assert_eq!(mine.entries, [events[2].clone(), events[0].clone()]);
    let first = case.home.mine(&max.id(), None, Some(1), &[], NOW).unwrap();
    assert_eq!(first.entries, [events[2].clone()]);
    let second = case.home.mine(&max.id(), first.next, Some(1), &[], NOW).unwrap();
    assert_eq!((second.entries, second.next), (vec![events[0].clone()], None));
    let whole = to_vec(&mine);
    assert!(!whole.windows(16).any(|w| w == other.id.0), "nothing of others");
    // An owner's own are as few; a code without a lock's report has no door.
    assert_eq!(case.home.mine(&owner, None, None, &[], NOW).unwrap().grants, []);

    // What is revoked leaves the list; what it did stays theirs, also if it is told late.
    let from = case.author.ops.len();
    case.author.push(Body::RevokeGrant(own.id)).unwrap();
    case.submit_from(from, vec![]).unwrap();
    let late = event(&mut case, EventBody::CodeUsed(DOOR, own.id));
    case.push(vec![], vec![late.clone()]).unwrap();
    let mine = case.home.mine(&max.id(), None, None, &[], NOW).unwrap();
    assert_eq!((mine.grants.len(), mine.doors.len(), mine.entries.len()), (0, 0, 3));
    assert_eq!(mine.entries[0], late);
}

#[test]
fn an_export_verifies_alone() {
    use latchkey_shared::exchange::archive;
    let mut case = Case::new(45);
    let owner = case.owner();
    let (grant, _) = case.shared_code();
    let report = case.report(1, vec![on_lock(&grant)]);
    let events: Vec<Blob> = (0..200).map(|_| event(&mut case, EventBody::CodeUsed(DOOR, grant.id))).collect();
    case.push(vec![report], events).unwrap();
    for _ in 0..6 {
        let events: Vec<Blob> = (0..200).map(|_| case.event()).collect();
        case.push(vec![], events).unwrap();
    }
    let exported = |case: &Case| {
        let (mut pages, mut after) = (Vec::new(), None);
        loop {
            let page = case.home.export(&owner, after.as_deref(), NOW).unwrap();
            pages.push(to_vec(&page));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let file = archive::write(pages.iter().map(Vec::as_slice));
        let end = (case.author.state.seq(), case.author.state.hash());
        let whole = archive::verify(&file, Some(end)).unwrap();
        assert_eq!((whole.ops, whole.events.len()), (end.0 + 1, 1400));
        (pages.len(), whole.reports.len())
    };
    assert_eq!(exported(&case), (4, 1), "ops, two pages of events, reports");
    // Many locks with many codes each are more than one page takes.
    let id = |n: u16| {
        let [a, b] = n.to_be_bytes();
        [a, b, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5]
    };
    let codes: Vec<_> = (0..1_000).map(|n| CodeReport { grant: GrantId(id(n)), ..on_lock(&grant) }).collect();
    for n in 0..40 {
        let lock = latchkey_shared::testing::lock(LockId(id(n)), "Door");
        let usual = case.author.report(lock, codes.clone());
        let report = Report { number: 2 + u64::from(n), at: Timestamp(NOW), seq: 1, ..usual };
        case.push(vec![Blob(report.sign(case.author.hub_keys.signing()))], vec![]).unwrap();
    }
    let (pages, reports) = exported(&case);
    assert!(pages > 4 && reports == 41, "{pages} pages, {reports} reports");
    for bad in ["", "ops", "ops.", "ops.x", "ops.01", "events.-1", "reports.-1", "ops.9007199254740993"] {
        assert_eq!(case.home.export(&owner, Some(bad), NOW).err(), Some(MALFORMED), "{bad}");
    }
}

//! Tokens, the API for programs, and codes that the Worker issues.

use latchkey_shared::chain::op::RemoveKey;
use latchkey_shared::id::{GrantId, TokenId};
use latchkey_shared::keys::KeyRecord;
use latchkey_shared::token::ApiToken;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::*;
use crate::core::api::{ApiContext, ApiRequest, Caller, Reply};

const ALL: [&str; 5] = ["home:read", "locks:read", "codes:read", "codes:write", "log:read"];
const ORIGIN: &str = "https://latchkey.test";

/// A home with a lock, and a program that has a token for it.
struct Program {
    case: Case,
    token: ApiToken,
    now: u64,
    number: u64,
    /// Whether the platform has the rules of the home's zone.
    zone_known: bool,
}

impl Program {
    fn new(seed: u64, scopes: &[&str]) -> Self {
        let mut case = Case::new(seed);
        let token = token(&mut case, scopes);
        let report = case.report(1, vec![]);
        case.push(vec![report], vec![]).unwrap();
        Program { case, token, now: NOW, number: 1, zone_known: true }
    }

    /// Lets the Worker's key sign codes for this lock, for a week at most.
    fn issuing(mut self) -> Self {
        let key = KeyRecord {
            sign: self.case.issuer,
            seal: self.case.author.owner.seal_public(),
            name: "Latchkey".into(),
        };
        let scope = Scope {
            locks: Some(vec![DOOR]),
            max_length: Some(Seconds::days(7)),
            kinds: vec![GrantKind::Guest],
        };
        self.extend(Body::AddKey(AddKey { invite: None, key, role: Role::Issuer(scope), wraps: vec![] }));
        self
    }

    fn extend(&mut self, body: Body) {
        let from = self.case.author.ops.len();
        self.case.author.push(body).unwrap();
        self.case.submit_from(from, vec![]).unwrap();
    }

    /// What the Worker signed, for the author to go on from.
    fn follow(&mut self) {
        let known = self.case.author.ops.len() as u64;
        for op in self.case.home.store().ops_from(known).unwrap() {
            self.case.author.state.extend(&op).unwrap();
            self.case.author.ops.push(op);
        }
    }

    fn request(&self, method: &str, path: &str, body: Value) -> ApiRequest {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        ApiRequest {
            method: method.into(),
            path: path.into(),
            query: query.into(),
            body: if body.is_null() { vec![] } else { body.to_string().into_bytes() },
            caller: Caller::Token(self.token.hash()),
            if_match: None,
            once: None,
        }
    }

    fn ask(&mut self, request: &ApiRequest) -> Result<Reply> {
        let (issuers, online) = ([self.case.author.issuer.clone()], [self.case.author.hub]);
        let rng = &mut self.case.author.rng;
        let zone = self.zone_known.then_some(&FixedZone::UTC as &dyn Zone);
        let mut ctx =
            ApiContext { now: self.now, zone, online: &online, issuers: &issuers, origin: ORIGIN, rng };
        self.case.home.api(&mut ctx, request)
    }

    fn get(&mut self, path: &str) -> Result<Value> {
        let request = self.request("GET", path, Value::Null);
        self.ask(&request).map(|reply| value(&reply))
    }

    fn post(&mut self, body: Value) -> Result<Value> {
        let request = self.request("POST", "codes", body);
        self.ask(&request).map(|reply| value(&reply))
    }

    /// The hub says that a code is on the lock.
    fn put_on_lock(&mut self, id: &str) -> Grant {
        let id = GrantId::parse(id).unwrap();
        let grant = self.case.home.chain().unwrap().grants().get(&id).unwrap().grant.clone();
        self.number += 1;
        let report = self.case.report(self.number, vec![on_lock(&grant)]);
        self.case.push(vec![report], vec![]).unwrap();
        grant
    }
}

fn token(case: &mut Case, scopes: &[&str]) -> ApiToken {
    let owner = case.owner();
    let body = json!({ "name": "Booking", "scopes": scopes }).to_string();
    let made = case.home.make_token(&owner, true, body.as_bytes(), &mut case.author.rng, NOW).unwrap();
    let made: Value = serde_json::from_str(&made).unwrap();
    ApiToken::parse(made["token"].as_str().unwrap()).unwrap()
}

fn value(reply: &Reply) -> Value {
    if reply.body.is_empty() { Value::Null } else { serde_json::from_str(&reply.body).unwrap() }
}

fn tonight() -> Value {
    json!({ "label": "Anna", "locks": [DOOR.to_string()], "expires": "2027-01-16T11:00:00Z", "note": "Welcome" })
}

#[test]
fn a_token_through_its_life() {
    let mut case = Case::new(50);
    let (owner, good) = (case.owner(), json!({ "name": "Booking", "scopes": ["log:read", "codes:read"] }));
    let make = |case: &mut Case, fresh, body: &Value, now| {
        let body = body.to_string();
        case.home.make_token(&owner, fresh, body.as_bytes(), &mut case.author.rng, now)
    };
    assert_eq!(make(&mut case, false, &good, NOW).unwrap_err(), STEP_UP);
    for (bad, why) in [
        (json!({}), MALFORMED),
        (json!({ "name": "", "scopes": ["log:read"] }), TOKEN_FORM),
        (json!({ "name": "x", "scopes": [] }), TOKEN_FORM),
        (json!({ "name": "x", "scopes": ["log:write"] }), MALFORMED),
        (json!({ "name": "x", "scopes": ["log:read"], "expires": NOW }), TOKEN_FORM),
        (json!({ "name": "x", "scopes": ["log:read"], "expire": NOW + 9 }), UNKNOWN_FIELD),
    ] {
        assert_eq!(make(&mut case, true, &bad, NOW).unwrap_err(), why, "{bad}");
    }
    let made: Value = serde_json::from_str(&make(&mut case, true, &good, NOW).unwrap()).unwrap();
    assert_eq!(made["scopes"], json!(["codes:read", "log:read"]));
    let token = ApiToken::parse(made["token"].as_str().unwrap()).unwrap();
    let dump = format!("{:?}", case.home.store());
    assert!(!dump.contains(&token.text()[3..]), "its text is kept nowhere");

    let listed: Value = serde_json::from_str(&case.home.tokens(&owner, NOW).unwrap()).unwrap();
    assert_eq!(listed["items"][0]["name"], "Booking");
    assert_eq!(listed["items"][0]["made_by"], "Ada");
    assert_eq!(listed["items"][0]["last_used"], Value::Null);
    assert!(!listed.to_string().contains("token"));
    let id = TokenId::parse(made["id"].as_str().unwrap()).unwrap();

    let mut program = Program { case, token, now: NOW + 5, number: 0, zone_known: true };
    assert!(program.get("codes").is_ok());
    assert_eq!(program.get("locks").unwrap_err(), TOKEN_SCOPE);
    assert_eq!(program.get("").unwrap_err(), TOKEN_SCOPE);
    assert_eq!(program.post(tonight()).unwrap_err(), TOKEN_SCOPE);
    let listed: Value = serde_json::from_str(&program.case.home.tokens(&owner, NOW).unwrap()).unwrap();
    assert_eq!(listed["items"][0]["last_used"], Timestamp(NOW + 5).to_utc_text());
    assert_eq!(program.case.home.revoke_token(&owner, &TokenId([0; 16])), Err(NO_TOKEN));
    program.case.home.revoke_token(&owner, &id).unwrap();
    assert_eq!(program.get("codes").unwrap_err(), TOKEN);
    assert_eq!(program.get("locks").unwrap_err(), TOKEN, "a wrong token learns nothing of scopes");

    let short = json!({ "name": "Short", "scopes": ["codes:read"], "expires": NOW + 60 });
    let made: Value = serde_json::from_str(&make(&mut program.case, true, &short, NOW).unwrap()).unwrap();
    program.token = ApiToken::parse(made["token"].as_str().unwrap()).unwrap();
    program.now = NOW + 59;
    assert!(program.get("codes").is_ok());
    program.now = NOW + 60;
    assert_eq!(program.get("codes").unwrap_err(), TOKEN);
    // Another home does not know it.
    let other = Case::new(51);
    program.case = other;
    program.now = NOW;
    assert_eq!(program.get("codes").unwrap_err(), TOKEN);
}

#[test]
fn tokens_end_with_the_owner_who_made_them() {
    let mut case = Case::new(52);
    let second = Keys::member(&Seed::generate(&mut case.author.rng));
    let key = second.record("Max");
    let wraps = vec![case.author.wrap_for(&key)];
    let mut program = Program { token: token(&mut case, &ALL), case, now: NOW, number: 0, zone_known: true };
    program.extend(Body::AddKey(AddKey { invite: None, key, role: Role::Owner, wraps }));
    let body = json!({ "name": "Max's", "scopes": ["home:read"] }).to_string();
    let made =
        program.case.home.make_token(&second.id(), true, body.as_bytes(), &mut program.case.author.rng, NOW);
    let made: Value = serde_json::from_str(&made.unwrap()).unwrap();
    let first =
        std::mem::replace(&mut program.token, ApiToken::parse(made["token"].as_str().unwrap()).unwrap());
    assert!(program.get("").is_ok());
    let demoted = AddKey { invite: None, key: second.record("Max"), role: Role::Resident, wraps: vec![] };
    program.extend(Body::AddKey(demoted));
    assert_eq!(program.get("").unwrap_err(), TOKEN);
    let wraps = vec![program.case.author.wrap_for(&second.record("Max"))];
    program.extend(Body::AddKey(AddKey {
        invite: None,
        key: second.record("Max"),
        role: Role::Owner,
        wraps,
    }));
    assert_eq!(program.get("").unwrap_err(), TOKEN, "it does not come back");
    program.extend(Body::RemoveKey(RemoveKey { key: second.id(), distrusted_since: None }));
    program.token = first;
    assert!(program.get("").is_ok());
}

#[test]
fn members_read_what_tokens_read_and_change_nothing_here() {
    let mut program = Program::new(53, &ALL).issuing();
    let max = Keys::member(&Seed::generate(&mut program.case.author.rng));
    program.extend(Body::AddKey(AddKey {
        invite: None,
        key: max.record("Max"),
        role: Role::Resident,
        wraps: vec![],
    }));
    let owner = program.case.owner();
    for (caller, reads, writes) in [
        (Caller::Member(owner), None, TOKEN_ONLY),
        (Caller::Member(max.id()), Some(RESIDENT), TOKEN_ONLY),
        (Caller::Member(KeyId([9; 16])), Some(NO_HOME), TOKEN_ONLY),
        (Caller::Token(Hash32([9; 32])), Some(TOKEN), TOKEN),
    ] {
        for path in ["", "people", "locks", "hubs", "codes", "log"] {
            let request = ApiRequest { caller, ..program.request("GET", path, Value::Null) };
            assert_eq!(program.ask(&request).err(), reads, "{path}");
        }
        let code = format!("codes/{}", GrantId([1; 16]));
        let request = ApiRequest { caller, ..program.request("GET", &code, Value::Null) };
        assert_eq!(program.ask(&request).unwrap_err(), reads.unwrap_or(NO_CODE));
        for (method, path) in [("POST", "codes"), ("PATCH", &code), ("DELETE", &code)] {
            let request = ApiRequest { caller, ..program.request(method, path, tonight()) };
            assert_eq!(program.ask(&request).unwrap_err(), writes, "{method}");
        }
    }
}

#[test]
fn reading_a_home() {
    let mut program = Program::new(54, &ALL);
    let (grant, _) = program.case.shared_code();
    let home = program.get("").unwrap();
    assert_eq!((&home["name"], &home["issuing"]), (&json!("Lake house"), &Value::Null));
    assert_eq!(program.get("people").unwrap()["items"][0]["role"], "owner");
    let hubs = program.get("hubs").unwrap();
    assert_eq!(hubs["items"][0]["online"], true);
    let locks = program.get("locks").unwrap();
    assert_eq!(
        (&locks["items"][0]["name"], &locks["items"][0]["confirms"]),
        (&json!("Front door"), &json!("pin"))
    );

    let path = format!("codes/{}", grant.id);
    let request = program.request("GET", &path, Value::Null);
    let reply = program.ask(&request).unwrap();
    assert_eq!(reply.etag.as_deref(), Some("\"r1\""));
    let code = value(&reply);
    assert_eq!(code["locks"][0]["state"], "waiting_for_hub");
    assert_eq!((&code["expires"], &code["hours"]), (&json!("2027-01-22T08:00:00Z"), &Value::Null));
    program.put_on_lock(code["id"].as_str().unwrap());
    let code = program.get(&path).unwrap();
    assert_eq!((&code["locks"][0]["state"], &code["locks"][0]["opens"]), (&json!("on_lock"), &json!(true)));
    assert!(code["locks"][0]["sentence"].as_str().unwrap().contains("On the lock"));
    let whole = code.to_string();
    assert!(!whole.contains("482915") && !whole.contains("pin_set"));

    // Revoked, and still on the lock until the hub says otherwise.
    program.extend(Body::RevokeGrant(grant.id));
    let code = program.get(&path).unwrap();
    assert_eq!((&code["label"], &code["locks"][0]["state"]), (&json!("Zoë"), &json!("still_on_lock")));
    assert!(code["revoked"].is_string());
    assert_eq!(program.get("codes").unwrap()["items"], json!([]));
    let unknown = format!("codes/{}", GrantId([1; 16]));
    assert_eq!(program.get(&unknown).unwrap_err(), NO_CODE);
    let id = GrantId::parse(code["id"].as_str().unwrap()).unwrap();
    for body in [EventBody::CodeUsed(DOOR, id), EventBody::Started("1".into())] {
        let event = super::people::event(&mut program.case, body);
        program.case.push(vec![], vec![event]).unwrap();
    }
    let log = program.get("log?limit=1").unwrap();
    assert_eq!((&log["items"][0]["event"], &log["items"][0]["detail"]), (&json!("started"), &json!("1")));
    let older = program.get(&format!("log?cursor={}", log["next"].as_str().unwrap())).unwrap();
    assert_eq!(
        (&older["items"][0]["event"], &older["items"][0]["label"]),
        (&json!("code_used"), &json!("Zoë"))
    );
    assert_eq!(older["next"], Value::Null);
}

#[test]
fn pages_and_filters_of_codes() {
    let mut program = Program::new(55, &ALL);
    let mut ids = Vec::new();
    for n in 0..7 {
        let mut grant = program.case.author.guest("482915", &[DOOR]);
        grant.label = format!("Guest {n}");
        ids.push(grant.id.to_string());
        program.case.put(grant, vec![]).unwrap();
    }
    ids.sort_by_key(|id| GrantId::parse(id).unwrap());
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = program.get(&format!("codes?limit=3{cursor}")).unwrap();
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 3);
        seen.extend(items.iter().map(|code| code["id"].as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(seen, ids);
    program.put_on_lock(&ids[2]);
    let on = program.get("codes?state=on_lock").unwrap();
    assert_eq!((on["items"].as_array().unwrap().len(), &on["items"][0]["id"]), (1, &json!(ids[2])));
    assert_eq!(program.get("codes?label=guest+3&kind=guest").unwrap()["items"].as_array().unwrap().len(), 1);
    assert_eq!(program.get("codes?kind=primary").unwrap()["items"], json!([]));
    for bad in ["limit=0", "limit=x", "cursor=x", "state=x", "kind=x", "label=%", "limit=1&limit=2"] {
        assert_eq!(program.get(&format!("codes?{bad}")).unwrap_err(), MALFORMED, "{bad}");
        if bad.starts_with("limit") || bad.starts_with("cursor") {
            assert_eq!(program.get(&format!("log?{bad}")).unwrap_err(), MALFORMED, "{bad}");
        }
    }
}

#[test]
fn the_worker_issues_only_where_it_may() {
    let mut program = Program::new(56, &ALL);
    assert_eq!(program.post(tonight()).unwrap_err(), ISSUING_OFF);
    let mut program = program.issuing();
    assert_eq!(program.get("").unwrap()["issuing"]["max_seconds"], 7 * 86_400);
    let with = |field: &str, value: Value| {
        let mut body = tonight();
        body[field] = value;
        body
    };
    let before = program.case.home.store().clone();
    for (body, why) in [
        (with("expires", json!("2027-03-16T11:00:00Z")), "chain.not_allowed"),
        (with("expires", json!("2026-01-01T00:00:00Z")), "grant.term"),
        (with("expires", json!("soon")), "typed.instant"),
        (with("expires", Value::Null), "grant.needs_end"),
        (with("expires", json!(7)), "request.malformed"),
        (with("not_before", json!("2027-01-17")), "grant.term"),
        (with("hours", json!("Mon 9-x")), "typed.hours"),
        (with("label", json!("")), "grant.label"),
        (with("locks", json!([])), "grant.locks"),
        (with("locks", json!(["x"])), "request.malformed"),
        (with("locks", json!([LockId([9; 16]).to_string()])), "code.lock"),
        (with("uses", json!(0)), "grant.uses"),
        (with("uses", json!(-1)), "request.malformed"),
        (with("note", json!("x".repeat(1001))), "code.note"),
        (with("expire", json!("x")), "request.unknown_field"),
        (json!([]), "request.malformed"),
        (Value::Null, "request.malformed"),
    ] {
        assert_eq!(program.post(body.clone()).unwrap_err().code, why, "{body}");
    }
    let ended = with("not_before", json!("2027-01-15T07:00:00Z"));
    let mut ended = ended;
    ended["expires"] = json!("2027-01-15T07:30:00Z");
    assert_eq!(program.post(ended).unwrap_err(), CODE_OVER);
    assert_eq!(program.case.home.chain().unwrap().seq(), before.ops_from(0).unwrap().len() as u64 - 1);
    assert!(program.post(with("uses", json!(3))).is_ok());
    // Another Worker's key is not this home's.
    let request = program.request("POST", "codes", tonight());
    program.case.author.issuer = SigningKey::from_bytes(&[3; 32]);
    assert_eq!(program.ask(&request).unwrap_err(), ISSUING_OFF);
}

#[test]
fn an_issued_code_is_whole() {
    let mut program = Program::new(57, &ALL).issuing();
    let request = program.request("POST", "codes", tonight());
    let reply = program.ask(&request).unwrap();
    let made = value(&reply);
    assert_eq!((reply.status, reply.etag.as_deref()), (201, Some("\"r1\"")));
    let id = made["id"].as_str().unwrap();
    assert_eq!(reply.location.as_deref(), Some(format!("codes/{id}").as_str()));
    assert_eq!((&made["made_by"], &made["not_before"]), (&json!("Latchkey"), &json!("2027-01-15T08:00:00Z")));
    // The guest opens the link, the hub the seal: the same PIN, and nobody else has it.
    let link = made["link"].as_str().unwrap();
    let (page, fragment) = link.split_once('#').unwrap();
    assert!(page.starts_with("https://latchkey.test/g/"));
    let bytes = latchkey_shared::text::unb64url(fragment).unwrap();
    let secret = LinkSecret::from_slice(&bytes).unwrap();
    let shown = program.case.home.reveal(&secret.id(), &secret.auth(), Some(&FixedZone::UTC), NOW).unwrap();
    let cipher = latchkey_shared::text::unb64url(shown.to_json()["ct"].as_str().unwrap()).unwrap();
    let content: Value = serde_json::from_slice(&secret.decrypt(&cipher).unwrap()).unwrap();
    assert_eq!((&content["note"], &content["doors"]), (&json!("Welcome"), &json!(["Front door"])));
    let pin = content["pin"].as_str().unwrap().to_owned();
    program.follow();
    let grant = program.put_on_lock(id);
    let home = *program.case.author.state.home();
    let binding =
        latchkey_shared::sealed::Binding { home: &home, grant: &grant.id, rev: 1, locks: &grant.locks };
    assert_eq!(grant.pin.open(&binding, &program.case.author.home_key).unwrap().expose(), pin);
    assert_eq!(grant.self_seals, []);
    let again = grant.link.as_ref().unwrap();
    let key = program.case.author.home_key.clone();
    assert_eq!(again.secret.open(&home, &grant.id, &again.id, &key).unwrap().expose(), secret.expose());
    let store = format!("{:?}", program.case.home.store());
    let as_bytes = format!("{:?}", pin.as_bytes());
    assert!(!store.contains(&pin) && !store.contains(as_bytes.trim_matches(['[', ']'])));
    // A hub takes it like any other.
    let mut hub = program.case.author.hub_chain();
    let bundle = program.case.author.bundle(0, Timestamp(NOW), None);
    let checked = hub.check(&bundle, Now::Known(Timestamp(NOW)), None).unwrap();
    hub.commit(checked).unwrap();
}

#[test]
fn nothing_is_signed_without_the_zones_rules() {
    let mut program = Program::new(72, &ALL).issuing();
    let made = program.post(tonight()).unwrap();
    program.follow();
    program.zone_known = false;
    assert_eq!(program.post(tonight()).unwrap_err(), ZONE);
    let path = format!("codes/{}", made["id"].as_str().unwrap());
    let patch = json!({ "link": made["link"], "expires": "2027-01-18T11:00" });
    let request = ApiRequest { if_match: Some("*".into()), ..program.request("PATCH", &path, patch) };
    assert_eq!(program.ask(&request).unwrap_err(), ZONE);
    assert!(program.get("codes").is_ok());
    let bytes = latchkey_shared::text::unb64url(made["link"].as_str().unwrap().split_once('#').unwrap().1);
    let secret = LinkSecret::from_slice(&bytes.unwrap()).unwrap();
    let told = |zone: Option<&dyn Zone>| {
        seen(program.case.home.link_status(&secret.id(), &secret.auth(), zone, NOW).unwrap().to_json())["zone"]
            .clone()
    };
    assert_eq!((told(None), told(Some(&FixedZone::UTC))), (json!("UTC"), json!("Europe/Berlin")));
    program.zone_known = true;
    assert_eq!(program.ask(&request).unwrap().status, 200);
}

#[test]
fn a_start_in_the_past_is_now_and_hours_that_never_come_are_refused() {
    let mut program = Program::new(71, &ALL).issuing();
    let mut body = tonight();
    body["not_before"] = json!("2020-01-01");
    let made = program.post(body.clone()).unwrap();
    program.follow();
    let id = GrantId::parse(made["id"].as_str().unwrap()).unwrap();
    assert_eq!(program.case.author.state.grants()[&id].grant.not_before, Timestamp(program.now));
    // The term is shorter than a day, and it is no Monday.
    body["hours"] = json!("Mon 03:00-04:00");
    assert_eq!(program.post(body).unwrap_err().code, "schedule.never");
    let patch = json!({ "link": made["link"], "hours": "Mon 03:00-04:00" });
    let path = format!("codes/{id}");
    let request = ApiRequest { if_match: Some("*".into()), ..program.request("PATCH", &path, patch) };
    assert_eq!(program.ask(&request).unwrap_err().code, "schedule.never");
}

#[test]
fn the_same_key_gives_the_same_answer_once() {
    let mut program = Program::new(58, &ALL).issuing();
    let key = |program: &Program, text: &str| Some(program.token.derive(text.as_bytes()));
    let mut request = program.request("POST", "codes", tonight());
    request.once = key(&program, "booking-7");
    let first = program.ask(&request).unwrap();
    let seq = program.case.home.chain().unwrap().seq();
    program.now += 86_399;
    let second = program.ask(&request).unwrap();
    assert_eq!((&first.body, first.status, &first.location), (&second.body, second.status, &second.location));
    assert!(second.taken.is_none());
    assert_eq!(program.case.home.chain().unwrap().seq(), seq, "one code");
    let mut other = program.request("POST", "codes", json!({ "label": "Bo" }));
    other.once = key(&program, "booking-7");
    assert_eq!(program.ask(&other).unwrap_err(), REUSED);
    let link = value(&first)["link"].as_str().unwrap().split_once('#').unwrap().1.to_owned();
    let secret = latchkey_shared::text::unb64url(&link).unwrap();
    let dump = format!("{:?}", program.case.home.store());
    let bytes = format!("{secret:?}");
    assert!(
        !dump.contains(&link) && !dump.contains(bytes.trim_matches(['[', ']'])),
        "the link is kept nowhere"
    );
    let hash = format!("{:?}", latchkey_shared::id::Hash32::of(&request.body).0);
    assert!(!dump.contains(hash.trim_matches(['[', ']'])), "nothing to hold a guess at the note against");
    // Another token's same key is another key; after a day it is forgotten.
    let mine = std::mem::replace(&mut program.token, token(&mut program.case, &ALL));
    request.caller = Caller::Token(program.token.hash());
    request.once = key(&program, "booking-7");
    assert_ne!(program.ask(&request).unwrap().body, first.body);
    program.token = mine;
    request.caller = Caller::Token(program.token.hash());
    request.once = key(&program, "booking-7");
    program.now = NOW + 86_400;
    request.body = json!({ "label": "Anna", "locks": [DOOR.to_string()], "expires": "2027-01-17T11:00:00Z" })
        .to_string()
        .into_bytes();
    assert_ne!(program.ask(&request).unwrap().body, first.body);
}

#[test]
fn uses_are_limited_only_on_locks_that_tell_them() {
    let mut program = Program::new(61, &ALL).issuing();
    let made = program.post(tonight()).unwrap();
    program.follow();
    let mut lock = testing::lock(DOOR, "Front door");
    lock.abilities.tells_uses = false;
    let usual = program.case.author.report(lock, vec![]);
    let report = Report { number: 2, at: Timestamp(NOW), seq: 1, ..usual };
    let report = Blob(report.sign(program.case.author.hub_keys.signing()));
    program.case.push(vec![report], vec![]).unwrap();
    let mut body = tonight();
    body["uses"] = json!(3);
    assert_eq!(program.post(body).unwrap_err().code, "compose.uncounted");
    let path = format!("codes/{}", made["id"].as_str().unwrap());
    let mut request = program.request("PATCH", &path, json!({ "link": made["link"], "uses": 3 }));
    request.if_match = Some("*".into());
    assert_eq!(program.ask(&request).unwrap_err().code, "compose.uncounted");
}

#[test]
fn a_stay_is_extended_with_the_same_pin_and_revoked() {
    let mut program = Program::new(59, &ALL).issuing();
    let made = program.post(tonight()).unwrap();
    let (id, link) = (made["id"].as_str().unwrap().to_owned(), made["link"].as_str().unwrap().to_owned());
    program.follow();
    let pin = |program: &mut Program| {
        let grant = program.put_on_lock(&id);
        let home = *program.case.author.state.home();
        let rev = grant.rev;
        let binding =
            latchkey_shared::sealed::Binding { home: &home, grant: &grant.id, rev, locks: &grant.locks };
        grant.pin.open(&binding, &program.case.author.home_key).unwrap().expose().to_owned()
    };
    let before = pin(&mut program);
    let path = format!("codes/{id}");
    let longer = json!({ "link": link, "expires": "2027-01-18T11:00:00Z", "hours": "daily 08:00-20:00" });
    let mut request = program.request("PATCH", &path, longer);
    assert_eq!(program.ask(&request).unwrap_err(), IF_MATCH);
    request.if_match = Some("\"r2\"".into());
    assert_eq!(program.ask(&request).unwrap_err(), CHANGED);
    request.if_match = Some("\"r1\"".into());
    let reply = program.ask(&request).unwrap();
    assert_eq!((reply.status, reply.etag.as_deref()), (200, Some("\"r2\"")));
    let code = value(&reply);
    assert_eq!(
        (&code["expires"], &code["hours"]),
        (&json!("2027-01-18T11:00:00Z"), &json!("daily 08:00-20:00"))
    );
    assert_eq!(code["link"], Value::Null, "the link is shown once");
    assert_eq!(program.ask(&request).unwrap_err(), CHANGED);
    program.follow();
    assert_eq!(pin(&mut program), before);
    // The guest's page shows the code as before.
    let bytes = latchkey_shared::text::unb64url(link.split_once('#').unwrap().1).unwrap();
    let secret = LinkSecret::from_slice(&bytes).unwrap();
    assert!(
        program.case.home.reveal(&secret.id(), &secret.auth(), Some(&FixedZone::UTC), NOW).unwrap().to_json()
            ["ct"]
            .as_str()
            .is_some()
    );

    for (body, why) in [
        (json!({ "link": link }), 200),
        (json!({ "link": "x", "uses": 3 }), 422),
        (json!({ "link": format!("{ORIGIN}/g/x#{}", "A".repeat(22)), "uses": 3 }), 422),
        (json!({ "uses": 3 }), 400),
        (json!({ "link": link, "label": "Bo" }), 400),
        (json!({ "link": link, "expires": "2027-01-01" }), 422),
        (json!({ "link": link, "expires": "2027-03-01" }), 403),
        (json!({ "link": link, "suspended": true, "uses": 3 }), 200),
    ] {
        let request =
            ApiRequest { if_match: Some("*".into()), ..program.request("PATCH", &path, body.clone()) };
        let status = program.ask(&request).map_or_else(|problem| problem.status, |reply| reply.status);
        assert_eq!(status, why, "{body}");
    }
    let code = program.get(&path).unwrap();
    assert_eq!((&code["suspended"], &code["uses"]), (&json!(true), &json!(3)));

    let mut request = program.request("DELETE", &path, Value::Null);
    request.if_match = Some("\"r1\"".into());
    assert_eq!(program.ask(&request).unwrap_err(), CHANGED);
    request.if_match = None;
    assert_eq!(program.ask(&request).unwrap().status, 204);
    assert_eq!(program.ask(&request).unwrap().status, 204, "once is enough");
    assert!(program.get(&path).unwrap()["revoked"].is_string());
    // What an owner made is not the program's to change, with whatever link: its PIN stays unknown here.
    program.follow();
    let theirs = program.case.author.guest("628415", &[DOOR]);
    let their_path = format!("codes/{}", theirs.id);
    program.case.put(theirs, vec![]).unwrap();
    let body = json!({ "link": link, "uses": 3 });
    let request = ApiRequest { if_match: Some("*".into()), ..program.request("PATCH", &their_path, body) };
    assert_eq!(program.ask(&request).unwrap_err(), NOT_ISSUED);
    // Nor is what an owner made for other locks its to end.
    program.follow();
    let other = program.case.author.guest("739164", &[LockId([2; 16])]);
    let other_path = format!("codes/{}", other.id);
    program.case.put(other, vec![]).unwrap();
    let request = program.request("DELETE", &other_path, Value::Null);
    assert_eq!(program.ask(&request).unwrap_err().code, "chain.not_allowed");
    let request =
        ApiRequest { once: Some(Zeroizing::new([0; 32])), ..program.request("GET", "codes", Value::Null) };
    assert!(program.ask(&request).is_ok());
}

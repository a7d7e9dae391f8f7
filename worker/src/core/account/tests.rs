//! The life of an account, and every way in which somebody else might try to have one.

use getrandom::{SysRng, rand_core::UnwrapErr};
use latchkey_shared::id::{AccountId, Hash32, KitId};
use latchkey_shared::keys::Keys;
use latchkey_shared::keys::Seed;
use latchkey_shared::signin::SignIn;
use latchkey_shared::time::Timestamp;
use serde_json::{Value, json};

#[allow(unreachable_pub)]
#[path = "../../../tests/common/authenticator.rs"]
mod authenticator;

use authenticator::Authenticator;

use super::*;
use crate::core::bytes::{b64, unb64};
use crate::core::limits::{FRESH_SECS, MAX_SESSIONS, SESSION_IDLE_SECS, TICKET_SECS};
use crate::core::session::{Session, SessionToken};
use crate::error::*;

const ORIGIN: &str = "https://latchkey.test";
const NOW: u64 = 1_800_000_000;

struct Server {
    config: Config,
    tickets: TicketKey,
    platform: Answers,
    now: u64,
}

impl Server {
    fn new() -> Self {
        let config = Config { origin: ORIGIN.into(), rp_id: "latchkey.test".into() };
        Server { config, tickets: TicketKey([1; 32]), platform: Answers::default(), now: NOW }
    }

    fn ctx(&self) -> Context<'_, UnwrapErr<SysRng>> {
        Context {
            config: &self.config,
            tickets: &self.tickets,
            platform: &self.platform,
            now: self.now,
            rng: UnwrapErr(SysRng),
        }
    }

    fn sign_in(&self, record: &AccountRecord, passkey: &mut Authenticator) -> Result<SignedIn> {
        let begun = seen(begin_sign_in(&mut self.ctx()));
        let body = json!({ "ticket": begun["ticket"], "credential": passkey.get(&begun["options"]) });
        finish_sign_in(&mut self.ctx(), record.clone(), &bytes(&body))
    }
}

/// What was written, as another reader reads it.
fn seen(value: impl std::fmt::Display) -> Value {
    serde_json::from_str(&value.to_string()).unwrap()
}

fn bytes(value: &Value) -> Vec<u8> {
    value.to_string().into_bytes()
}

fn wrap(kind: &str, credential: Option<String>) -> Value {
    let mut wrap = json!({ "kind": kind, "ct": b64(&[9; 60]) });
    if let Some(id) = credential {
        wrap["credential_id"] = json!(id);
    }
    wrap
}

fn sign_up_body(server: &Server, passkey: &mut Authenticator) -> Value {
    let begun = seen(begin_sign_up(&mut server.ctx(), &bytes(&json!({ "name": "Zoë" }))).unwrap());
    let keys = Keys::member(&Seed::from_slice(&[4; 32]).unwrap());
    json!({
        "ticket": begun["ticket"],
        "credential": passkey.create(&begun["options"]),
        "passkey_name": "Laptop",
        "prf": true,
        "member": { "sign": b64(&keys.sign_public().0), "seal": b64(&keys.seal_public().0) },
        "wraps": [wrap("kit", None), wrap("prf", Some(passkey.credential_id()))],
        "kit": { "id": KitId([3; 16]).to_string(), "auth_hash": b64(&Hash32::of(&[5; 32]).0) },
    })
}

fn signed_up(server: &Server) -> (SignedIn, Authenticator) {
    let mut passkey = Authenticator::new([7; 32], ORIGIN);
    let body = sign_up_body(server, &mut passkey);
    (finish_sign_up(&mut server.ctx(), None, &bytes(&body)).unwrap(), passkey)
}

fn refusal<T>(result: Result<T>) -> Problem {
    match result {
        Ok(_) => panic!("it was not refused"),
        Err(problem) => problem,
    }
}

#[test]
fn up_and_in() {
    let mut server = Server::new();
    let (up, mut passkey) = signed_up(&server);
    let view = seen(account_view(&up.record, &up.session));
    assert_eq!(view["name"], "Zoë");
    assert_eq!(view["passkeys"][0]["id"], json!(passkey.credential_id()));
    assert_eq!(view["wraps"].as_array().unwrap().len(), 2);
    assert_eq!(view["session"]["fresh_until"], json!(NOW + FRESH_SECS));
    server.now += 100_000;
    let signed = server.sign_in(&up.record, &mut passkey).unwrap();
    assert_eq!(signed.record.passkeys[0].last_used, Some(server.now));
    let mut record = signed.record;
    assert!(record.touch(&signed.token.named(), server.now).is_ok());
    assert_eq!(record.touch(&up.token.named(), server.now), Err(NO_SESSION));
    sign_out(&mut record, &signed.token.named());
    assert_eq!(record.touch(&signed.token.named(), server.now), Err(NO_SESSION));
}

#[test]
fn the_record_survives_storage() {
    let (up, _) = signed_up(&Server::new());
    let mut record = up.record;
    record.passkeys[0].last_used = Some(5);
    record.homes.push(latchkey_shared::id::HomeId([4; 16]));
    record.used.push((Hash32([5; 32]), 6));
    record.wraps[1].salt = None;
    let stored = record.to_stored();
    assert_eq!(AccountRecord::from_stored(&stored).unwrap(), record);
    let text = String::from_utf8_lossy(&stored);
    let cookie = up.token.set_cookie();
    let secret = cookie.split('.').nth(1).unwrap().split(';').next().unwrap();
    assert!(!text.contains(secret), "the session's secret is stored");
}

#[test]
fn challenges_are_single_use_and_end() {
    let mut server = Server::new();
    let (up, mut passkey) = signed_up(&server);
    let begun = seen(begin_sign_in(&mut server.ctx()));
    let body = bytes(&json!({ "ticket": begun["ticket"], "credential": passkey.get(&begun["options"]) }));
    let first = finish_sign_in(&mut server.ctx(), up.record.clone(), &body).unwrap();
    assert_eq!(refusal(finish_sign_in(&mut server.ctx(), first.record, &body)), TICKET);
    server.now += TICKET_SECS;
    assert_eq!(refusal(finish_sign_in(&mut server.ctx(), up.record.clone(), &body)), TICKET);
    // The same sign-up twice.
    let mut other = Authenticator::new([8; 32], ORIGIN);
    let body = bytes(&sign_up_body(&server, &mut other));
    let made = finish_sign_up(&mut server.ctx(), None, &body).unwrap();
    assert_eq!(refusal(finish_sign_up(&mut server.ctx(), Some(&made.record), &body)), TICKET);
}

#[test]
fn other_peoples_passkeys_and_answers() {
    let server = Server::new();
    let (up, passkey) = signed_up(&server);
    let mut stranger = Authenticator::new([9; 32], ORIGIN);
    stranger
        .create(&seen(begin_sign_up(&mut server.ctx(), &bytes(&json!({ "name": "X" }))).unwrap())["options"]);
    assert_eq!(refusal(server.sign_in(&up.record, &mut stranger)), UNKNOWN_PASSKEY);
    let mut phished = passkey.clone().on("https://evil.test");
    assert_eq!(refusal(server.sign_in(&up.record, &mut phished)).code, "passkey.wrong_origin");
    // A step-up's answer does not sign in.
    let mut record = up.record.clone();
    let begun = seen(begin_step_up(&mut server.ctx(), &mut record, &up.token.named()).unwrap());
    let mut passkey = passkey;
    let body = bytes(&json!({ "ticket": begun["ticket"], "credential": passkey.get(&begun["options"]) }));
    assert_eq!(refusal(finish_sign_in(&mut server.ctx(), record, &body)), TICKET);
}

#[test]
fn step_up_is_needed_and_lasts_ten_minutes() {
    let mut server = Server::new();
    let (up, mut passkey) = signed_up(&server);
    let (mut record, token) = (up.record, up.token.named());
    server.now += FRESH_SECS;
    let put = bytes(&json!({ "wraps": [wrap("kit", None), wrap("prf", Some(passkey.credential_id()))] }));
    assert_eq!(refusal(put_wraps(&server.ctx(), &mut record, &token, &put)), STEP_UP);
    assert_eq!(refusal(begin_passkey(&mut server.ctx(), &mut record, &token)), STEP_UP);
    assert_eq!(refusal(remove_passkey(&server.ctx(), &mut record, &token, b"x")), STEP_UP);
    let begun = seen(begin_step_up(&mut server.ctx(), &mut record, &token).unwrap());
    let body = bytes(&json!({ "ticket": begun["ticket"], "credential": passkey.get(&begun["options"]) }));
    let session = finish_step_up(&mut server.ctx(), &mut record, &token, &body).unwrap();
    assert_eq!(session.fresh_until, server.now + FRESH_SECS);
    assert!(put_wraps(&server.ctx(), &mut record, &token, &put).is_ok());
    assert_eq!(refusal(finish_step_up(&mut server.ctx(), &mut record, &token, &body)), TICKET);
    server.now += SESSION_IDLE_SECS;
    assert_eq!(refusal(begin_step_up(&mut server.ctx(), &mut record, &token)), NO_SESSION);
}

#[test]
fn recovery_by_the_kit_alone() {
    let server = Server::new();
    let (up, _) = signed_up(&server);
    let kit = KitId([3; 16]).to_string();
    let begin = |auth: [u8; 32]| {
        let body = json!({ "kit_id": kit, "kit_auth": b64(&auth) });
        begin_recovery(&mut server.ctx(), &up.record, &bytes(&body)).map(seen)
    };
    assert_eq!(refusal(begin([6; 32])), KIT);
    let begun = begin([5; 32]).unwrap();
    assert_eq!(begun["wrap"]["kind"], "kit");
    let mut new = Authenticator::new([11; 32], ORIGIN);
    let mut body = json!({
        "ticket": begun["ticket"], "kit_id": kit, "kit_auth": b64(&[5; 32]), "passkey_name": "Phone", "prf": true,
        "credential": new.create(&begun["options"]), "wraps": [wrap("prf", Some(new.credential_id()))],
    });
    let done = finish_recovery(&mut server.ctx(), up.record.clone(), &bytes(&body)).unwrap();
    assert_eq!((done.record.passkeys.len(), done.record.wraps.len(), done.record.sessions.len()), (2, 3, 1));
    assert!(server.sign_in(&done.record, &mut new).is_ok());
    assert_eq!(refusal(finish_recovery(&mut server.ctx(), done.record, &bytes(&body))), TICKET);
    body["kit_auth"] = json!(b64(&[6; 32]));
    assert_eq!(refusal(finish_recovery(&mut server.ctx(), up.record.clone(), &bytes(&body))), KIT);
}

#[test]
fn the_member_key_itself_signs_in() {
    let mut server = Server::new();
    let (up, _) = signed_up(&server);
    let keys = Keys::member(&Seed::from_slice(&[4; 32]).unwrap());
    let at = Timestamp(NOW);
    let body = |challenge: &Value, origin: &str, keys: &Keys| {
        let proof = SignIn::prove(origin, challenge.as_str().unwrap(), at, keys);
        bytes(&json!({ "challenge": challenge, "proof": b64(&proof) }))
    };
    let begun = seen(begin_key(&mut server.ctx(), &keys.id(), Some(up.record.id)));
    let challenge = &begun["challenge"];
    let other = Keys::member(&Seed::from_slice(&[5; 32]).unwrap());
    let finish = |server: &Server, record: &AccountRecord, body: &[u8]| {
        finish_key(&mut server.ctx(), Some(record.clone()), body)
    };
    for (bad, code) in [
        (body(challenge, "https://evil.test", &keys), "signin.wrong_origin"),
        (body(challenge, ORIGIN, &other), "auth.unknown_key"),
    ] {
        assert_eq!(refusal(finish(&server, &up.record, &bad)).code, code);
    }
    let good = body(challenge, ORIGIN, &keys);
    let signed = finish(&server, &up.record, &good).unwrap();
    assert_eq!(signed.session.fresh_until, NOW + FRESH_SECS);
    assert_eq!(refusal(finish(&server, &signed.record, &good)), TICKET, "once");
    // A challenge for another account, of another kind, too old, or for a key that nobody has.
    let theirs = seen(begin_key(&mut server.ctx(), &other.id(), Some(AccountId([9; 16]))));
    assert_eq!(refusal(finish(&server, &up.record, &body(&theirs["challenge"], ORIGIN, &keys))), TICKET);
    let nobody = seen(begin_key(&mut server.ctx(), &other.id(), None));
    let account = |begun: &Value| unb64(begun["challenge"].as_str().unwrap()).unwrap()[1..17].to_owned();
    let once_more = seen(begin_key(&mut server.ctx(), &other.id(), None));
    assert_eq!(account(&nobody), account(&once_more), "as with a key that somebody has");
    assert_ne!(account(&nobody), account(&seen(begin_key(&mut server.ctx(), &keys.id(), None))));
    let tried = body(&nobody["challenge"], ORIGIN, &other);
    assert_eq!(refusal(finish_key(&mut server.ctx(), None, &tried)), UNKNOWN_KEY);
    assert_eq!(refusal(finish_key(&mut server.ctx(), None, br#"{"challenge":"x"}"#)), TICKET);
    assert_eq!(refusal(finish(&server, &up.record, &body(&nobody["challenge"], ORIGIN, &keys))), TICKET);
    let sign_in = seen(begin_sign_in(&mut server.ctx()));
    assert_eq!(refusal(finish(&server, &up.record, &body(&sign_in["ticket"], ORIGIN, &keys))), TICKET);
    server.now += TICKET_SECS;
    assert_eq!(refusal(finish(&server, &up.record, &good)), TICKET);
    // Its sessions are no passkey's: they stay when one goes, and a recovery ends them.
    let mut record = signed.record;
    assert!(record.touch(&signed.token.named(), server.now).is_ok());
    for text in ["{}", "[]", r#"{"challenge":1}"#, r#"{"challenge":"x"}"#] {
        assert!([MALFORMED, TICKET].contains(&refusal(finish(&server, &up.record, text.as_bytes()))));
    }
}

#[test]
fn passkeys_come_and_go_but_never_the_last() {
    let server = Server::new();
    let (up, first) = signed_up(&server);
    let (mut record, token) = (up.record, up.token.named());
    let first_id = crate::core::bytes::unb64(&first.credential_id()).unwrap();
    assert_eq!(refusal(remove_passkey(&server.ctx(), &mut record, &token, &first_id)), LAST_PASSKEY);
    assert_eq!(refusal(remove_passkey(&server.ctx(), &mut record, &token, b"no")), NO_PASSKEY);
    let begun = seen(begin_passkey(&mut server.ctx(), &mut record, &token).unwrap());
    assert_eq!(begun["options"]["excludeCredentials"][0]["id"], json!(first.credential_id()));
    let mut second = Authenticator::new([12; 32], ORIGIN);
    let body = bytes(&json!({
        "ticket": begun["ticket"], "credential": second.create(&begun["options"]), "passkey_name": "Key", "prf": false,
        "wraps": [{ "kind": "passphrase", "salt": b64(&[1; 16]), "m": 65536, "t": 3, "p": 1, "ct": b64(&[2; 60]) }],
    }));
    finish_passkey(&mut server.ctx(), &mut record, &token, &body).unwrap();
    let theirs = server.sign_in(&record, &mut second).unwrap();
    let mut record = theirs.record;
    remove_passkey(&server.ctx(), &mut record, &theirs.token.named(), &first_id).unwrap();
    assert_eq!(record.wraps.iter().map(|w| w.kind.as_str()).collect::<Vec<_>>(), ["kit", "passphrase"]);
    assert_eq!(record.touch(&token, server.now), Err(NO_SESSION), "the first passkey's session goes with it");
}

#[test]
fn bad_bodies_are_refused_and_change_nothing() {
    let server = Server::new();
    let mut passkey = Authenticator::new([7; 32], ORIGIN);
    let good = sign_up_body(&server, &mut passkey);
    let try_with = |change: &dyn Fn(&mut Value)| {
        let mut body = good.clone();
        change(&mut body);
        refusal(finish_sign_up(&mut server.ctx(), None, &bytes(&body))).code
    };
    assert_eq!(try_with(&|b| b["member"]["sign"] = json!(b64(&[0; 32]))), MEMBER_KEY.code);
    assert_eq!(try_with(&|b| b["member"]["sign"] = json!("AA")), MALFORMED.code);
    assert_eq!(try_with(&|b| b["wraps"] = json!([wrap("kit", None)])), WRAPS.code);
    assert_eq!(try_with(&|b| b["wraps"] = json!([wrap("kit", None), wrap("kit", None)])), WRAPS.code);
    assert_eq!(try_with(&|b| b["wraps"] = json!([wrap("kit", None), wrap("prf", None)])), WRAPS.code);
    assert_eq!(try_with(&|b| b["wraps"][0]["ct"] = json!("AAAA")), WRAPS.code);
    assert_eq!(try_with(&|b| b["wraps"][1]["credential_id"] = json!("AAAA")), MALFORMED.code);
    assert_eq!(try_with(&|b| b["passkey_name"] = json!("")), NAME.code);
    assert_eq!(try_with(&|b| b["passkey_name"] = json!("a\nb")), NAME.code);
    assert_eq!(try_with(&|b| b["ticket"] = json!("")), TICKET.code);
    assert_eq!(try_with(&|b| b["kit"]["id"] = json!("x")), MALFORMED.code);
    assert_eq!(try_with(&|b| b["credential"]["id"] = json!("AAAA")), "passkey.wrong_credential");
    for text in ["", "{", "null", "[]", "{\"ticket\":1}", "\u{feff}{}"] {
        assert_eq!(refusal(finish_sign_up(&mut server.ctx(), None, text.as_bytes())), MALFORMED);
    }
    for name in ["", " ", &"x".repeat(65), "a\u{0}"] {
        assert_eq!(refusal(begin_sign_up(&mut server.ctx(), &bytes(&json!({ "name": name })))), NAME);
    }
}

#[test]
fn sessions_are_bounded() {
    let mut server = Server::new();
    let (up, mut passkey) = signed_up(&server);
    let mut record = up.record;
    for _ in 0..MAX_SESSIONS {
        server.now += 1;
        record = server.sign_in(&record, &mut passkey).unwrap().record;
    }
    assert_eq!(record.sessions.len(), MAX_SESSIONS);
    assert_eq!(record.touch(&up.token.named(), server.now), Err(NO_SESSION));
    let other = SessionToken::generate(AccountId([9; 16]), &mut UnwrapErr(SysRng));
    record.begin_session(Session::begin(&other, b"x", server.now), server.now);
    assert_eq!(record.touch(&other.named(), server.now), Err(NO_SESSION), "another account's cookie");
}

#[test]
fn a_key_has_one_account() {
    let (a, b) = (AccountId([1; 16]), AccountId([2; 16]));
    assert_eq!(claim_key(None, a), Ok(a));
    assert_eq!(claim_key(Some(a), a), Ok(a));
    assert_eq!(claim_key(Some(a), b), Err(KEY_TAKEN));
}

//! The whole Worker under workerd: run one with `cargo xtask demo` and name it in `LATCHKEY_LIVE_ORIGIN`.
//! Without that variable the test does nothing.

#[allow(unreachable_pub, dead_code)]
#[path = "common/authenticator.rs"]
mod authenticator;
#[allow(unreachable_pub, missing_docs)]
#[path = "common/http.rs"]
mod http;

use authenticator::Authenticator;
use data_encoding::BASE64URL_NOPAD;
use ed25519_dalek::SigningKey;
use getrandom::{SysRng, rand_core::UnwrapErr};
use http::{Reply, Socket, send};
use latchkey_shared::api::{
    CreateHome, EventsPage, HubAck, HubPush, LinkUpload, Notice, Snapshot, SubmitOps, Submitted, path,
};
use latchkey_shared::chain::op::{Genesis, NewEpoch};
use latchkey_shared::chain::verify::Now;
use latchkey_shared::chain::{Body, ChainState, Op, SignedOp};
use latchkey_shared::event::{Event, EventBody};
use latchkey_shared::explain::CodeState;
use latchkey_shared::grant::{Grant, LinkRef};
use latchkey_shared::head::Bundle;
use latchkey_shared::httpsig::{self, SignedParts};
use latchkey_shared::id::{HomeId, HubId, KitId, LockId, Nonce, SignPublic};
use latchkey_shared::keys::{HomeKey, Keys, Seed};
use latchkey_shared::link::LinkSecret;
use latchkey_shared::pair::PairSecret;
use latchkey_shared::policy::Policy;
use latchkey_shared::report::Report;
use latchkey_shared::sealed::SealedSecret;
use latchkey_shared::testing::{self, TestHome, rng};
use latchkey_shared::time::Timestamp;
use latchkey_shared::wire::cbor::{Blob, from_slice, to_vec};
use latchkey_shared::zone::ZoneName;
use rand_core::Rng;
use serde_json::{Value, json};

const DOOR: LockId = LockId([1; 16]);
const MAX: usize = 8 << 20;

fn b64(bytes: &[u8]) -> String {
    BASE64URL_NOPAD.encode(bytes)
}

struct Browser {
    origin: String,
    cookie: String,
    passkey: Authenticator,
}

impl Browser {
    fn send(&self, method: &str, path: &str, body: &[u8]) -> Reply {
        let headers = [("Origin", self.origin.as_str()), ("Cookie", &self.cookie)];
        send(&self.origin, method, path, &headers, body)
    }

    fn json(&self, method: &str, path: &str, body: &Value) -> Reply {
        self.send(method, path, body.to_string().as_bytes())
    }

    fn take_cookie(&mut self, reply: &Reply) {
        let set = reply.header("set-cookie").expect("a cookie");
        self.cookie = set.split(';').next().unwrap().to_owned();
    }
}

fn sign_up(origin: &str, keys: &Keys, seed: [u8; 32]) -> Browser {
    let passkey = Authenticator::new(seed, origin);
    let mut browser = Browser { origin: origin.into(), cookie: String::new(), passkey };
    let begun = browser.json("POST", "/api/v1/auth/signup/begin", &json!({ "name": "Ada" })).json();
    let credential = browser.passkey.create(&begun["options"]);
    let ct = b64(&[9; 60]);
    let body = json!({
        "ticket": begun["ticket"], "credential": credential, "passkey_name": "Test", "prf": true,
        "member": { "sign": b64(&keys.sign_public().0), "seal": b64(&keys.seal_public().0) },
        "wraps": [{ "kind": "kit", "ct": ct },
                  { "kind": "prf", "credential_id": browser.passkey.credential_id(), "ct": ct }],
        "kit": { "id": KitId(seed[..16].try_into().unwrap()).to_string(),
                 "auth_hash": b64(&latchkey_shared::id::Hash32::of(&[5; 32]).0) },
    });
    let reply = browser.json("POST", "/api/v1/auth/signup/finish", &body);
    assert_eq!(reply.status, 200, "{}", reply.json());
    browser.take_cookie(&reply);
    assert_eq!(browser.json("POST", "/api/v1/auth/signup/finish", &body).code(), "auth.ticket_invalid");
    browser
}

/// A home whose heads this Worker signs.
fn home(origin: &str, now: u64, seed: u64) -> TestHome {
    let reply = send(origin, "GET", "/api/v1/issuer", &[], &[]).json();
    let issuer: [u8; 32] =
        BASE64URL_NOPAD.decode(reply["sign"].as_str().unwrap().as_bytes()).unwrap().try_into().unwrap();
    let mut rng = rng(seed);
    let (owner, hub_keys) = (Keys::member(&Seed::generate(&mut rng)), Keys::hub(&Seed::generate(&mut rng)));
    let (home, hub) = (HomeId::generate(&mut rng), HubId::generate(&mut rng));
    let home_key = HomeKey::from_seed(1, Seed::generate(&mut rng));
    let record = owner.record("Ada");
    let genesis = Genesis {
        policy: Policy::new("Lake house", ZoneName::parse("Europe/Berlin").unwrap()),
        owner: record.clone(),
        issuer: SignPublic(issuer),
        epoch: NewEpoch {
            epoch: 1,
            public: home_key.public(),
            wraps: vec![home_key.wrap(&home, &record, &mut rng).unwrap()],
        },
    };
    let op = Op { home, seq: 0, prev: None, iat: Timestamp(now), body: Body::Genesis(genesis) };
    let bytes = SignedOp::sign(&op, owner.signing());
    let state = ChainState::genesis(&bytes).unwrap();
    let issuer = SigningKey::from_bytes(&[0; 32]);
    TestHome { rng, owner, issuer, hub, hub_keys, home_key, state, ops: vec![bytes] }
}

struct Hub<'a> {
    origin: &'a str,
    home: &'a TestHome,
    now: u64,
}

impl Hub<'_> {
    fn headers(&self, method: &str, path: &str, query: &str, body: &[u8]) -> Vec<(String, String)> {
        let mut nonce = [0; 16];
        UnwrapErr(SysRng).fill_bytes(&mut nonce);
        let id = format!("{}/{}", self.home.state.home(), self.home.hub);
        let parts = SignedParts { method, authority: http::authority(self.origin), path, query, body };
        let signed = httpsig::sign(self.home.hub_keys.signing(), &id, &parts, self.now, &nonce).unwrap();
        let mut headers =
            vec![("Signature-Input".into(), signed.signature_input), ("Signature".into(), signed.signature)];
        headers.extend(signed.content_digest.map(|digest| ("Content-Digest".into(), digest)));
        headers
    }

    fn send(&self, method: &str, path: &str, query: &str, extra: &[(&str, &str)], body: &[u8]) -> Reply {
        let headers = self.headers(method, path, query, body);
        let mut all: Vec<(&str, &str)> = headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        all.extend(extra);
        let target = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
        send(self.origin, method, &target, &all, body)
    }

    fn bundle(&self, query: &str, extra: &[(&str, &str)]) -> Reply {
        self.send("GET", &path::bundle(self.home.state.home(), &self.home.hub), query, extra, &[])
    }

    fn push(&self, push: &HubPush) -> Reply {
        self.send("POST", &path::push(self.home.state.home(), &self.home.hub), "", &[], &to_vec(push))
    }
}

fn report(home: &TestHome, now: u64, grant: &Grant) -> Blob {
    let state = CodeState::OnLock { verified_at: Timestamp(now) };
    let code = testing::code(grant, state, Timestamp(now));
    let usual = home.report(testing::lock(DOOR, "Front door"), vec![code]);
    let report = Report { at: Timestamp(now), seq: 2, ..usual };
    Blob(report.sign(home.hub_keys.signing()))
}

#[test]
fn the_worker_under_workerd() {
    let Ok(origin) = std::env::var("LATCHKEY_LIVE_ORIGIN") else { return };
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let (now, seed) = (now.as_secs(), now.as_micros() as u64);
    let mut author = home(&origin, now, seed);
    let mut secret = [0; 32];
    author.rng.fill_bytes(&mut secret);
    let mut browser = sign_up(&origin, &author.owner, secret);
    sessions(&mut browser);
    kits(&mut browser, KitId(secret[..16].try_into().unwrap()));
    impostor(&origin, &author.owner);
    pairing(&browser, &author);
    let (id, hub) = (*author.state.home(), author.hub);
    let reply =
        browser.send("POST", path::HOMES, &to_vec(&CreateHome { genesis: Blob(author.ops[0].clone()) }));
    assert_eq!(reply.status, 201, "{}", reply.json());
    let account = browser.send("GET", "/api/v1/account", &[]).json();
    assert_eq!(account["homes"][0]["home"], id.to_string());

    let cookie = [("Origin", origin.as_str()), ("Cookie", browser.cookie.as_str())];
    let mut portal = Socket::open(&origin, &path::socket(&id), &cookie).unwrap();
    assert_eq!(notice(&mut portal), Notice::Chain(0));
    portal.say("ping");
    assert_eq!(portal.next(), b"pong");
    assert_eq!(Socket::open(&origin, &path::socket(&id), &cookie[1..]).err(), Some(403));
    assert_eq!(Socket::open(&origin, &path::socket(&id), &cookie[..1]).err(), Some(401));

    let body = author.add_hub_body();
    author.push(body).unwrap();
    let (grant, link) = shared_code(&mut author, now);
    author.push(Body::PutGrant(grant.clone())).unwrap();
    let upload = LinkUpload {
        id: link.id(),
        grant: grant.id,
        auth_hash: link.auth_hash(),
        content: Blob(vec![7; 64]),
    };
    let ops = author.ops[1..].iter().map(|op| Blob(op.clone())).collect();
    let submit = to_vec(&SubmitOps { ops, links: vec![upload] });
    let reply = browser.send("POST", &path::ops(&id), &submit);
    assert_eq!(reply.status, 200, "{}", reply.json());
    assert_eq!(from_slice::<Submitted>(&reply.body, MAX).unwrap().seq, 2);
    assert_eq!(notice(&mut portal), Notice::Chain(2));
    assert_eq!(browser.send("POST", &path::ops(&id), &submit).code(), "chain.conflict");

    let online = hub_side(&origin, &author, now, &grant, &mut portal);
    let snapshot: Snapshot =
        from_slice(&browser.send("GET", &format!("{}?after=0", path::snapshot(&id)), &[]).body, MAX).unwrap();
    assert_eq!((snapshot.ops.len(), snapshot.reports.len()), (2, 1));
    assert!(snapshot.hubs[0].online && snapshot.hubs[0].hub == hub);
    let page: EventsPage = from_slice(&browser.send("GET", &path::events(&id), &[]).body, MAX).unwrap();
    assert_eq!((page.events.len(), page.next), (1, None));
    guest_side(&origin, &browser, &mut author, &grant, &link);
    drop(online);
    loop {
        if let Notice::Hub(seen) = notice(&mut portal)
            && !seen.online
        {
            break;
        }
    }
    bad_input(&origin, &browser, &author, now);
}

fn notice(socket: &mut Socket) -> Notice {
    from_slice(&socket.next(), MAX).unwrap()
}

fn shared_code(author: &mut TestHome, now: u64) -> (Grant, LinkSecret) {
    let mut grant = author.guest("482915", &[DOOR]);
    grant.not_before = Timestamp(now - 60);
    grant.expires = Some(Timestamp(now + 86_400));
    let link = LinkSecret::generate(&mut author.rng);
    let (home, key) = (*author.state.home(), author.home_key.clone());
    let secret =
        SealedSecret::seal(&link, &home, &grant.id, key.epoch(), &key.public(), &mut author.rng).unwrap();
    grant.link = Some(LinkRef { id: link.id(), secret });
    (grant, link)
}

fn sessions(browser: &mut Browser) {
    let begun = browser.json("POST", "/api/v1/auth/stepup/begin", &json!({})).json();
    let body = json!({ "ticket": begun["ticket"], "credential": browser.passkey.get(&begun["options"]) });
    assert_eq!(browser.json("POST", "/api/v1/auth/stepup/finish", &body).status, 200);
    assert_eq!(browser.json("POST", "/api/v1/auth/signout", &json!({})).status, 204);
    assert_eq!(browser.send("GET", "/api/v1/account", &[]).code(), "auth.no_session");
    let begun = browser.json("POST", "/api/v1/auth/signin/begin", &json!({})).json();
    let body = json!({ "ticket": begun["ticket"], "credential": browser.passkey.get(&begun["options"]) });
    let reply = browser.json("POST", "/api/v1/auth/signin/finish", &body);
    assert_eq!(reply.status, 200, "{}", reply.json());
    browser.take_cookie(&reply);
    assert_eq!(browser.json("POST", "/api/v1/auth/signin/finish", &body).code(), "auth.ticket_invalid");
}

/// A new kit finds the account at once, and the old one no longer does.
fn kits(browser: &mut Browser, old: KitId) {
    let (new, ct) = (KitId(old.0.map(|byte| !byte)), b64(&[9; 60]));
    let begin = |browser: &Browser, kit: KitId, auth: [u8; 32]| {
        let body = json!({ "kit_id": kit.to_string(), "kit_auth": b64(&auth) });
        browser.json("POST", "/api/v1/auth/recover/begin", &body)
    };
    assert_eq!(begin(browser, old, [5; 32]).status, 200);
    let auth_hash = b64(&latchkey_shared::id::Hash32::of(&[6; 32]).0);
    let body = json!({
        "wraps": [{ "kind": "kit", "ct": ct },
                  { "kind": "prf", "credential_id": browser.passkey.credential_id(), "ct": ct }],
        "kit": { "id": new.to_string(), "auth_hash": auth_hash },
    });
    let reply = browser.json("PUT", "/api/v1/account/wraps", &body);
    assert_eq!(reply.status, 200, "{}", reply.json());
    assert_eq!(begin(browser, new, [6; 32]).json()["wrap"]["kind"], "kit");
    assert_eq!(begin(browser, new, [5; 32]).code(), "auth.kit_invalid");
    assert_eq!(begin(browser, old, [5; 32]).code(), "auth.kit_invalid");
}

/// Somebody signs up with another person's public member key.
fn impostor(origin: &str, keys: &Keys) {
    let result = std::panic::catch_unwind(|| sign_up(origin, keys, [42; 32]));
    assert!(result.is_err(), "a member key has one account");
}

fn pairing(browser: &Browser, author: &TestHome) {
    let secret = PairSecret::generate(&mut UnwrapErr(SysRng));
    let offer = secret.offer(author.hub, author.hub_keys.record("Hall"));
    let (here, there) = (path::pair(&secret.id()), path::pair_answer(&secret.id()));
    let origin = browser.origin.as_str();
    assert_eq!(send(origin, "PUT", &here, &[], &to_vec(&offer)).status, 204);
    assert_eq!(send(origin, "PUT", &here, &[], &to_vec(&offer)).status, 204);
    let other = secret.offer(HubId([9; 16]), author.hub_keys.record("Hall"));
    assert_eq!(send(origin, "PUT", &here, &[], &to_vec(&other)).code(), "pair.taken");
    assert_eq!(send(origin, "GET", &here, &[], &[]).code(), "auth.no_session");
    assert_eq!(browser.send("GET", &here, &[]).body, to_vec(&offer));
    assert_eq!(send(origin, "GET", &there, &[], &[]).code(), "pair.not_found");
    let answer = secret.answer(*author.state.home(), author.state.genesis_hash(), &author.hub);
    assert_eq!(browser.send("PUT", &there, &to_vec(&answer)).status, 204);
    assert_eq!(send(origin, "GET", &there, &[], &[]).body, to_vec(&answer));
    assert_eq!(send(origin, "PUT", &here, &[], &[0; 5000]).code(), "request.too_large");
    assert_eq!(send(origin, "PUT", &here, &[], &[0; 50]).code(), "wire.malformed");
}

fn hub_side(origin: &str, author: &TestHome, now: u64, grant: &Grant, portal: &mut Socket) -> Socket {
    let hub = Hub { origin, home: author, now };
    let nonce = Nonce([3; 16]);
    let reply = hub.bundle(&format!("nonce={}", b64(&nonce.0)), &[]);
    assert_eq!(reply.status, 200, "{}", reply.json());
    let mut chain = author.hub_chain();
    let bundle: Bundle = from_slice(&reply.body, MAX).unwrap();
    chain.commit(chain.check(&bundle, Now::Unknown, Some(&nonce)).unwrap()).unwrap();
    assert_eq!(chain.grants().count(), 1);
    let reply = hub.bundle("after=2", &[]);
    let etag = reply.header("etag").unwrap().to_owned();
    let reply = hub.bundle("after=2", &[("If-None-Match", &etag)]);
    assert_eq!((reply.status, reply.body.len()), (304, 0));
    assert_eq!(hub.bundle("after=9", &[]).code(), "hub.ahead");

    let at = path::hub_socket(author.state.home(), &author.hub);
    let headers = hub.headers("GET", &at, "", &[]);
    let all: Vec<(&str, &str)> = headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let mut socket = Socket::open(origin, &at, &all).unwrap();
    assert_eq!(notice(&mut socket), Notice::Chain(2));
    assert!(matches!(notice(portal), Notice::Hub(seen) if seen.online));
    assert_eq!(Socket::open(origin, &at, &all).err(), Some(401), "a signed request counts once");

    let event = Event {
        home: *author.state.home(),
        hub: author.hub,
        number: 1,
        at: Timestamp(now),
        body: EventBody::Started("0.1.0".into()),
        prev: None,
        clock_unsure: false,
    };
    let (event, _) = event.sign(author.hub_keys.signing());
    let push = HubPush { seq: Some(2), reports: vec![report(author, now, grant)], events: vec![Blob(event)] };
    for _ in 0..2 {
        let ack: HubAck = from_slice(&hub.push(&push).body, MAX).unwrap();
        assert_eq!((ack.events_through, ack.seq), (1, 2));
    }
    assert!(matches!(notice(portal), Notice::Report(_)));
    assert!(matches!(notice(portal), Notice::Event(_)));
    socket
}

fn guest_side(origin: &str, browser: &Browser, author: &mut TestHome, grant: &Grant, link: &LinkSecret) {
    let at = format!("/api/v1/links/{}", link.id());
    let proof = json!({ "auth": b64(&*link.auth()) }).to_string();
    let ask =
        |action: &str, body: &str| send(origin, "POST", &format!("{at}/{action}"), &[], body.as_bytes());
    let status = ask("status", &proof).json();
    assert_eq!(
        (&status["state"], &status["doors"][0]["state"]),
        (&json!("live"), &json!("on_lock")),
        "{status}"
    );
    let sentence = status["doors"][0]["sentence"].as_str().unwrap();
    assert!(sentence.starts_with("This code opens the door now until "), "{sentence}");
    assert_eq!(ask("reveal", &proof).json()["ct"], b64(&[7; 64]));
    let wrong = json!({ "auth": b64(&[0; 32]) }).to_string();
    let unknown =
        send(origin, "POST", "/api/v1/links/aaaaaaaaaaaaaaaaaaaaaaaaaa/status", &[], wrong.as_bytes());
    assert_eq!(ask("status", &wrong).body, unknown.body, "a wrong proof is as good as an unknown link");
    author.push(Body::RevokeGrant(grant.id)).unwrap();
    let op = Blob(author.ops.last().unwrap().clone());
    let reply = browser.send(
        "POST",
        &path::ops(author.state.home()),
        &to_vec(&SubmitOps { ops: vec![op], links: vec![] }),
    );
    assert_eq!(reply.status, 200);
    assert_eq!(ask("status", &proof).json()["state"], "revoked");
    assert!(ask("reveal", &proof).json().get("ct").is_none());
}

/// Whatever is sent to whatever route: an answer of the 400s.
fn bad_input(origin: &str, browser: &Browser, author: &TestHome, now: u64) {
    let (id, hub) = (author.state.home(), &author.hub);
    let routes = [
        ("POST", "/api/v1/auth/signup/begin".to_owned()),
        ("POST", "/api/v1/auth/signup/finish".to_owned()),
        ("POST", "/api/v1/auth/signin/finish".to_owned()),
        ("POST", "/api/v1/auth/stepup/finish".to_owned()),
        ("POST", "/api/v1/auth/recover/begin".to_owned()),
        ("POST", "/api/v1/auth/recover/finish".to_owned()),
        ("PUT", "/api/v1/account/wraps".to_owned()),
        ("POST", "/api/v1/account/passkeys/finish".to_owned()),
        ("DELETE", "/api/v1/account/passkeys/%00".to_owned()),
        ("POST", path::HOMES.to_owned()),
        ("POST", path::ops(id)),
        ("POST", path::push(id, hub)),
        ("PUT", path::pair(&latchkey_shared::id::PairId([1; 16]))),
        ("PUT", path::pair_answer(&latchkey_shared::id::PairId([1; 16]))),
        ("POST", format!("/api/v1/links/{}/reveal", latchkey_shared::id::LinkId([1; 16]))),
        ("GET", format!("{}?after=99999999999999999999", path::snapshot(id))),
        ("GET", format!("{}?before=9007199254740993&limit=-1", path::events(id))),
        ("GET", path::bundle(id, hub)),
        ("GET", "/api/v1/homes/%2e%2e/snapshot".to_owned()),
        ("PATCH", path::ops(id)),
    ];
    for (method, route) in &routes {
        for body in [&b""[..], b"{", b"null", b"[1,2", &[0xff; 300], &[0xbf, 0x01], &vec![b'['; 2000]] {
            let reply = browser.send(method, route, if *method == "GET" { b"" } else { body });
            assert!((400..500).contains(&reply.status), "{method} {route}: {}", reply.status);
            assert!(reply.code().contains('.'), "{method} {route}: {}", reply.json());
        }
    }
    let bad = Hub { origin, home: author, now };
    for query in ["after=x", "after=-1", "nonce=AAAA", "after=99999999999999999999"] {
        assert_eq!(bad.bundle(query, &[]).code(), "request.malformed", "{query}");
    }
    assert_eq!(browser.send("POST", &path::ops(id), &vec![0; 2 << 20]).code(), "request.too_large");
    let stale = Hub { origin, home: author, now: now - 400 };
    assert_eq!(stale.bundle("", &[]).code(), "request.signature_stale");
}

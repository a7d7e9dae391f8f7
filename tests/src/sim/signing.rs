//! Hubs sign their requests (RFC 9421), and somebody between them and the cloud repeats and changes them.

use super::bounds::SECOND;
use super::cloud::Ask;
use super::oracle::Check;
use super::world::World;
use latchkey_shared::api::{HubPush, SubmitOps, path};
use latchkey_shared::httpsig::{self, SignedParts};
use latchkey_shared::keys::request_key_id;
use latchkey_shared::wire::cbor::{Blob, to_vec};
use latchkey_worker::core::home::HubRequest;
use latchkey_worker::error::Problem;

/// Where the cloud lives.
pub(super) const AUTHORITY: &str = "keys.example";

impl Ask {
    /// The body that goes with it; empty: none.
    pub(super) fn body(&self) -> Vec<u8> {
        let blobs = |list: &[Vec<u8>]| list.iter().cloned().map(Blob).collect();
        match self {
            Self::Fetch { .. } | Self::LastEvent => vec![],
            Self::Push { seq, reports, events } => {
                to_vec(&HubPush { seq: *seq, reports: blobs(reports), events: blobs(events) })
            }
            Self::Submit(ops) => to_vec(&SubmitOps { ops: blobs(ops), links: vec![] }),
        }
    }

    fn query(&self) -> String {
        let Self::Fetch { after, nonce, .. } = self else { return String::new() };
        let after = after.map(|seq| format!("after={seq}"));
        let nonce = nonce.map(|nonce| format!("nonce={}", data_encoding::BASE64URL_NOPAD.encode(&nonce.0)));
        after.into_iter().chain(nonce).collect::<Vec<_>>().join("&")
    }
}

impl World {
    /// A question with the hub's signature, dated by its machine's clock and what it learned of the cloud's.
    pub(super) fn signed(&mut self, h: usize, ask: &Ask) -> Option<Box<HubRequest>> {
        if !self.swarm.signed {
            return None;
        }
        let nonce: [u8; 16] = self.rng.bytes();
        let (hub, home) = (&self.hubs[h], self.people[0].chain.home());
        let path = match ask {
            Ask::Fetch { .. } => path::bundle(home, &hub.id),
            Ask::Push { .. } => path::push(home, &hub.id),
            Ask::LastEvent => path::hub_last_event(home, &hub.id),
            Ask::Submit(_) => path::hub_ops(home, &hub.id),
        };
        let body = ask.body();
        let (method, query) = (if body.is_empty() { "GET" } else { "POST" }, ask.query());
        let parts = SignedParts { method, authority: AUTHORITY, path: &path, query: &query, body: &body };
        let created = hub.machine.now(self.t).wall.0.saturating_add_signed(hub.skew);
        let key_id = request_key_id(home, &hub.id);
        let signed = httpsig::sign(hub.keys.signing(), &key_id, &parts, created, &nonce).ok()?;
        let (input, signature) = (Some(signed.signature_input), Some(signed.signature));
        let (method, digest) = (method.to_owned(), signed.content_digest);
        Some(Box::new(HubRequest { method, path, query, input, signature, digest }))
    }

    /// Somebody on the way sends it changed.
    pub(super) fn meddle(&mut self, h: usize, ask: &Ask, signed: &HubRequest) {
        if self.healed || !self.rng.permille(30) {
            return;
        }
        let (mut changed, mut body) = (signed.clone(), ask.body());
        match (self.rng.below(4), body.is_empty()) {
            (0 | 1, false) => {
                let at = self.rng.below(body.len() as u64) as usize;
                body[at] ^= 1 << self.rng.below(8);
            }
            (2, _) => changed.path.push('x'),
            (3, _) => changed.method = if changed.method == "GET" { "POST".into() } else { "GET".into() },
            _ => changed.query.push_str("&after=0"),
        }
        let id = self.hubs[h].id;
        if self.cloud.home.authenticate(&id, &changed, AUTHORITY, &body, self.t / 1_000).is_ok() {
            self.fails(Check::Attack, "the cloud takes a request that was changed on its way".into());
        }
    }

    /// A request that the cloud answers as dated wrongly makes the hub learn the cloud's clock, and ask once more.
    pub(super) fn learns(&mut self, h: usize, problem: &Problem) -> bool {
        if !self.swarm.signed || problem.status != 401 {
            return false;
        }
        let wall = self.hubs[h].machine.now(self.t).wall.0;
        let skew = (self.t / SECOND) as i64 - wall as i64;
        let before = std::mem::replace(&mut self.hubs[h].skew, skew);
        before.abs_diff(skew) > 30
    }
}

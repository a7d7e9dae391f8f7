//! A home with everything in it, and all that whoever owns the Worker has of it.

use latchkey_shared::api::LinkUpload;
use latchkey_shared::chain::Body;
use latchkey_shared::grant::LinkRef;
use latchkey_shared::id::AccountId;
use latchkey_shared::keys::{Kit, Seed, WrapKey};
use latchkey_shared::link::{LinkContent, LinkSecret};
use latchkey_shared::pin::Pin;
use latchkey_shared::sealed::SealedSecret;
use latchkey_shared::testing::rng;
use latchkey_shared::wire::cbor::{Blob, to_vec};
use latchkey_tests::stage::{BACK, BEGIN, FRONT, Stage};
use latchkey_worker::core::home::CachedHead;
use latchkey_worker::store::{HomeStore, Shelf};
use std::collections::BTreeSet;

/// The PINs that are in the home, none of which the attacker may learn.
pub(crate) const PINS: [&str; 3] = ["483920", "602847", "715306"];

/// A home with everything in it, and what its owner keeps to themselves.
pub(crate) struct Victim {
    pub(crate) stage: Stage,
    pub(crate) account: AccountId,
    pub(crate) link: LinkSecret,
    /// What the account's object stores: the member's seed, under kit and passkey.
    pub(crate) wraps: Vec<Vec<u8>>,
}

impl Victim {
    pub(crate) fn new(seed: u64) -> Self {
        let mut stage = Stage::new(seed);
        for (pin, door) in PINS.into_iter().zip([FRONT, BACK]) {
            stage.live(pin, door);
        }
        // A code with a link, whose content the owner's browser encrypted.
        let mut shared = stage.guest(PINS[2], BACK);
        let secret = LinkSecret::generate(&mut stage.author.rng);
        let (home, key) = (*stage.author.state.home(), stage.author.home_key.clone());
        let sealed = SealedSecret::seal(&secret, &home, &shared.id, 1, &key.public(), &mut stage.author.rng);
        shared.link = Some(LinkRef { id: secret.id(), secret: sealed.unwrap() });
        let content = LinkContent {
            pin: &Pin::parse(PINS[2]).unwrap(),
            home: &home,
            home_name: "Lake house",
            doors: &["Back"],
            label: "Anna",
            note: "The key to the shed is under the pot.",
        };
        let content = Blob(secret.encrypt(&content, &mut stage.author.rng));
        stage.signs(Body::PutGrant(shared.clone()));
        let link = LinkUpload { id: secret.id(), grant: shared.id, auth_hash: secret.auth_hash(), content };
        stage.submit(vec![link]).unwrap();
        stage.run(60);
        assert_eq!(stage.held().len(), 3);
        let (account, kit) = (AccountId([7; 16]), Kit::generate(&mut rng(seed + 1)));
        let mine = Seed::generate(&mut rng(seed));
        let prf = *Seed::generate(&mut rng(seed + 2)).expose();
        let wraps = [WrapKey::from_kit(&kit), WrapKey::from_prf(&prf)];
        let wraps = wraps.iter().map(|key| key.wrap(&account, &mine, &mut stage.author.rng)).collect();
        Self { stage, account, link: secret, wraps }
    }

    /// Everything that the Worker has.
    pub(crate) fn loot(&self) -> Vec<Vec<u8>> {
        let store = self.stage.cloud.store();
        let mut loot = store.ops_from(0).unwrap();
        loot.extend(store.reports().unwrap().into_iter().map(|(_, bytes)| bytes));
        loot.extend(store.events_after(0, 10_000).unwrap().into_iter().map(|(_, bytes)| bytes));
        for (id, row) in store.links() {
            loot.extend([id.0.to_vec(), row.grant.0.to_vec(), row.auth_hash.0.to_vec()]);
            loot.extend(row.content.map(|content| content.0));
        }
        for shelf in [Shelf::Invite, Shelf::Code, Shelf::Token, Shelf::Answer] {
            loot.extend(store.items(shelf).unwrap());
        }
        let author = &self.stage.author;
        for grant in author.state.grants().keys() {
            let meta = self.stage.cloud.code_meta(grant).unwrap().unwrap();
            loot.push(meta.to_json().to_string().into_bytes());
        }
        let key = author.hub_keys.sign_public();
        loot.push(CachedHead { key, seq: author.state.seq(), issued_at: BEGIN.0 }.to_text().into_bytes());
        loot.extend(self.wraps.clone());
        loot.push(to_vec(&author.head(BEGIN, None)));
        loot.extend(self.secrets().map(|secret| secret.to_vec()));
        loot
    }

    /// `ISSUER_KEY` and `SESSION_KEY`.
    fn secrets(&self) -> [[u8; 32]; 2] {
        [self.stage.author.issuer.to_bytes(), [0x5e; 32]]
    }
}

/// Whatever could be a key of this length: every stretch of the small pieces, every byte string of the large ones.
pub(crate) fn candidates<const N: usize>(loot: &[Vec<u8>]) -> BTreeSet<[u8; N]> {
    let head = if N < 24 { vec![0x40 | N as u8] } else { vec![0x58, N as u8] };
    let mut found = BTreeSet::new();
    for piece in loot {
        for (at, window) in piece.windows(N).enumerate() {
            if piece.len() <= 160 || piece[..at].ends_with(&head) {
                found.extend(<[u8; N]>::try_from(window));
            }
        }
    }
    found
}

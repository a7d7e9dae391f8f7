//! Tokens of programs. The home keeps their hashes; their text is shown once, to the owner who makes one.

use latchkey_shared::grant::name_ok;
use latchkey_shared::id::{Hash32, KeyId, TokenId};
use latchkey_shared::order::sorted;
use latchkey_shared::time::Timestamp;
use latchkey_shared::token::ApiToken;
use latchkey_shared::wire::cbor::{from_slice, to_vec};
use latchkey_shared::wire::derive::{Decode, Encode};
use rand_core::CryptoRng;
use subtle::ConstantTimeEq;

use super::Home;
use crate::core::api::json::{Object, page, texts};
use crate::core::api::{Caller, TokenScope};
use crate::core::json::Fields;
use crate::core::limits::{MAX_TOKENS, TOKEN_TOUCH_SECS};
use crate::error::{FULL, INTERNAL, NO_TOKEN, Result, STEP_UP, TOKEN, TOKEN_FORM, TOKEN_ONLY, TOKEN_SCOPE};
use crate::store::{HomeStore, Shelf};

/// A token as the home keeps it.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub(super) struct TokenRow {
    #[n(1)]
    pub(super) id: TokenId,
    #[n(2)]
    hash: Hash32,
    #[n(3)]
    name: String,
    #[n(4)]
    expires: Option<Timestamp>,
    #[n(6)]
    at: Timestamp,
    #[n(7)]
    pub(super) by: KeyId,
    #[n(8)]
    scopes: Vec<TokenScope>,
    #[n(9)]
    last_used: Option<Timestamp>,
}

impl TokenRow {
    fn object(&self, maker: Option<&str>) -> Object {
        Object::new()
            .text("id", self.id.to_string().as_str())
            .text("name", self.name.as_str())
            .raw("scopes", &texts(self.scopes.iter().map(|scope| scope.name())))
            .time("created", self.at)
            .text("made_by", maker)
            .time("expires", self.expires)
            .time("last_used", self.last_used)
    }
}

impl<S: HomeStore> Home<S> {
    /// Makes a token: `{name, scopes, expires?}`, the end in Unix seconds. The answer holds its text, once.
    pub fn make_token<R: CryptoRng>(
        &mut self,
        by: &KeyId,
        fresh: bool,
        body: &[u8],
        rng: &mut R,
        now: u64,
    ) -> Result<String> {
        let maker = self.owner(by)?.key.name.clone();
        if !fresh {
            return Err(STEP_UP);
        }
        let mut fields = Fields::parse(body)?;
        let name = fields.text("name")?;
        let mut scopes = sorted(fields.texts("scopes", TokenScope::parse)?);
        let expires: Option<u64> = fields.number_if("expires")?;
        fields.end()?;
        scopes.dedup();
        let ends = |end: u64| now < end && Timestamp(end).validate().is_ok();
        if !name_ok(&name) || scopes.is_empty() || !expires.is_none_or(ends) {
            return Err(TOKEN_FORM);
        }
        if self.store.count_items(Shelf::Token)? >= MAX_TOKENS {
            return Err(FULL);
        }
        let token = ApiToken::generate(rng);
        let row = TokenRow {
            id: TokenId::generate(rng),
            hash: token.hash(),
            name,
            expires: expires.map(Timestamp),
            at: Timestamp(now),
            by: *by,
            scopes,
            last_used: None,
        };
        self.keep_token(&row)?;
        Ok(row.object(Some(&maker)).text("token", token.text().as_str()).done())
    }

    /// The tokens that count.
    pub fn tokens(&self, by: &KeyId, now: u64) -> Result<String> {
        self.owner(by)?;
        let members = self.chain()?.members();
        let rows = self.all_tokens()?;
        let live = rows.iter().filter(|row| row.expires.is_none_or(|end| now < end.0));
        let name = |row: &TokenRow| members.get(&row.by).map(|member| member.key.name.clone());
        Ok(page(live.map(|row| row.object(name(row).as_deref()).done()), None))
    }

    /// Revokes one.
    pub fn revoke_token(&mut self, by: &KeyId, id: &TokenId) -> Result<()> {
        self.owner(by)?;
        self.store.item(Shelf::Token, &id.0)?.ok_or(NO_TOKEN)?;
        self.store.drop_item(Shelf::Token, &id.0)
    }

    /// Lets a caller through who may do this. Members read; what they change they sign themselves.
    pub(super) fn admit(&self, caller: &Caller, scope: TokenScope, now: u64) -> Result<()> {
        let hash = match caller {
            Caller::Member(_) if scope == TokenScope::CodesWrite => return Err(TOKEN_ONLY),
            Caller::Member(key) => return self.manager(key).map(drop),
            Caller::Token(hash) => hash,
        };
        // Whether there is such a home is no more told than whether it has such a token.
        self.chain().map_err(|_| TOKEN)?;
        let mut rows = self.all_tokens()?.into_iter();
        let mut row = rows.find(|row| bool::from(row.hash.0.ct_eq(&hash.0))).ok_or(TOKEN)?;
        if row.expires.is_some_and(|end| end.0 <= now) {
            return Err(TOKEN);
        }
        if row.last_used.is_none_or(|used| used.0.saturating_add(TOKEN_TOUCH_SECS) <= now) {
            row.last_used = Some(Timestamp(now));
            self.keep_token(&row)?;
        }
        if row.scopes.contains(&scope) { Ok(()) } else { Err(TOKEN_SCOPE) }
    }

    pub(super) fn all_tokens(&self) -> Result<Vec<TokenRow>> {
        let read = |bytes: &Vec<u8>| from_slice(bytes, 1024).map_err(|_| INTERNAL);
        self.store.items(Shelf::Token)?.iter().map(read).collect()
    }

    fn keep_token(&self, row: &TokenRow) -> Result<()> {
        self.store.put_item(Shelf::Token, &row.id.0, &to_vec(row), row.expires.map(|end| end.0))
    }
}

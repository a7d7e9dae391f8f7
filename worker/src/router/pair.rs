//! The meeting point of a hub and a browser.

use latchkey_shared::id::PairId;
use latchkey_shared::pair::{PairAnswer, PairOffer};
use latchkey_shared::wire::cbor::from_slice;
use worker::{Env, Method, Request, Response};

use crate::auth::{same_origin, who};
use crate::core::limits::MAX_PAIR_BYTES;
use crate::env::Account;
use crate::error::{METHOD, NO_PAIR, NO_ROUTE, Result, WIRE};
use crate::http::{ask, body};

/// `/api/v1/pair/{id}` and `/api/v1/pair/{id}/answer`
pub(super) async fn route(req: &mut Request, env: &Env, id: &str, rest: &[&str]) -> Result<Response> {
    let id = PairId::parse(id).map_err(|_| NO_PAIR)?;
    let stub = Account::Pair(id).stub(env)?;
    match (rest, req.method()) {
        ([], Method::Put) => {
            // By the hub, which has no account: the name is random and lasts ten minutes.
            let bytes = body(req, MAX_PAIR_BYTES).await?;
            from_slice::<PairOffer>(&bytes, MAX_PAIR_BYTES).map_err(|_| WIRE)?;
            ask(&stub, "pair/offer/put", &[], bytes).await
        }
        ([], Method::Get) => {
            who(req, env).await?;
            ask(&stub, "pair/offer", &[], Vec::new()).await
        }
        (["answer"], Method::Put) => {
            same_origin(req, env)?;
            who(req, env).await?;
            let bytes = body(req, MAX_PAIR_BYTES).await?;
            from_slice::<PairAnswer>(&bytes, MAX_PAIR_BYTES).map_err(|_| WIRE)?;
            ask(&stub, "pair/answer/put", &[], bytes).await
        }
        (["answer"], Method::Get) => ask(&stub, "pair/answer", &[], Vec::new()).await,
        ([] | ["answer"], _) => Err(METHOD),
        _ => Err(NO_ROUTE),
    }
}

//! The meeting point of a hub and a browser.

use latchkey_shared::id::PairId;
use latchkey_shared::pair::{PairAnswer, PairOffer};
use latchkey_shared::wire::cbor::from_slice;
use worker::Env;

use crate::auth::{same_origin, who};
use crate::core::limits::MAX_PAIR_BYTES;
use crate::env::Account;
use crate::error::{METHOD, NO_PAIR, NO_ROUTE, Result, WIRE};
use crate::http::{Request, Response, ask};

/// `/api/v1/pair/{id}` and `/api/v1/pair/{id}/answer`
pub(super) async fn route(req: &Request, env: &Env, id: &str, rest: &[&str]) -> Result<Response> {
    let id = PairId::parse(id).map_err(|_| NO_PAIR)?;
    let stub = Account::Pair(id).stub();
    let call = match (rest, req.method.as_str()) {
        ([], "PUT") => "pair/offer/put",
        ([], "GET") => "pair/offer",
        (["answer"], "PUT") => "pair/answer/put",
        (["answer"], "GET") => "pair/answer",
        ([] | ["answer"], _) => return Err(METHOD),
        _ => return Err(NO_ROUTE),
    };
    let puts = req.method == "PUT";
    // A hub has no account: the name is random and lasts ten minutes.
    if matches!(call, "pair/offer" | "pair/answer/put") {
        if puts {
            same_origin(req, env)?;
        }
        who(req, env, None).await?;
    }
    let bytes = if puts { req.body(MAX_PAIR_BYTES).await? } else { Vec::new() };
    let read = match call {
        "pair/offer/put" => from_slice::<PairOffer>(&bytes, MAX_PAIR_BYTES).map(drop),
        "pair/answer/put" => from_slice::<PairAnswer>(&bytes, MAX_PAIR_BYTES).map(drop),
        _ => Ok(()),
    };
    read.map_err(|_| WIRE)?;
    ask(env, &stub, call, &[], &bytes).await
}

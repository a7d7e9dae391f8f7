//! Moves the home to the server's new key, where the server has one.

use crate::api::homes;
use crate::components::{Button, ErrorNote, icon};
use crate::hooks::use_home;
use crate::problem::Problem;
use crate::state::use_app;
use latchkey_shared::chain::Body;
use latchkey_shared::id::SignPublic;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

/// Shown only while the home names another key than the server's newest.
#[component]
pub fn NewIssuer() -> Html {
    let app = use_app();
    let ctx = use_home();
    let newest = use_state_eq(|| None::<SignPublic>);
    let busy = use_state_eq(|| false);
    let problem = use_state_eq(|| None::<Problem>);
    {
        let newest = newest.clone();
        use_effect_with((), move |()| {
            spawn_local(async move { newest.set(homes::issuer().await.ok()) });
        });
    }
    let Some(key) = (*newest).filter(|key| key != ctx.home.chain.issuer()) else { return Html::default() };
    let issuing = ctx.home.chain.members().contains_key(&ctx.home.chain.issuer().id());
    let rotate = {
        let (store, busy, problem) = (ctx.store.clone(), busy.clone(), problem.clone());
        Callback::from(move |()| {
            let (app, store, busy, problem) = (app.clone(), store.clone(), busy.clone(), problem.clone());
            busy.set(true);
            problem.set(None);
            spawn_local(async move {
                let done = store.submit(Body::RotateIssuer(key), Vec::new()).await;
                busy.set(false);
                match done {
                    Ok(()) => app.toast("The home trusts the server’s new key."),
                    Err(e) => problem.set(Some(e)),
                }
            });
        })
    };
    html! {
        <div class="notice warn" data-testid="new-issuer">
            { icon("shield") }
            <div>
                <p class="title">{ "The server has a new key" }</p>
                <p>{ "The home’s hubs listen to the old one until you move the home. Whoever runs your server should have told you of this." }</p>
                if issuing { <p>{ "The server may then make no codes until you turn that on again." }</p> }
                <ErrorNote problem={(*problem).clone()} />
                <Button icon="refresh" busy={*busy} onclick={rotate} testid="issuer-rotate">{ "Move to the new key" }</Button>
            </div>
        </div>
    }
}

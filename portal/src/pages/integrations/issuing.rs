//! Whether the cloud may make guest codes by itself.

use crate::components::{Button, Dialog, ErrorNote, badge};
use crate::hooks::use_home;
use crate::pages::people::{ScopeDraft, ScopeFields};
use crate::problem::Problem;
use crate::state::use_app;
use crate::view_model::people::scope_words;
use latchkey_shared::chain::op::{Role, Scope};
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

/// What the cloud may make now.
fn given(role: Option<&Role>) -> Option<Scope> {
    match role {
        Some(Role::Issuer(scope)) => Some(scope.clone()),
        _ => None,
    }
}

/// Turns issuing by the cloud on and off.
#[component]
pub fn Issuing() -> Html {
    let app = use_app();
    let ctx = use_home();
    let home = ctx.home.clone();
    let issuer = home.chain.issuer().id();
    let scope = given(home.chain.members().get(&issuer).map(|member| &member.role));
    let draft = use_state_eq(ScopeDraft::guests);
    let asking = use_state_eq(|| false);
    let busy = use_state_eq(|| false);
    let problem = use_state_eq(|| None::<Problem>);
    let open = {
        let (draft, asking, scope, problem) = (draft.clone(), asking.clone(), scope.clone(), problem.clone());
        Callback::from(move |()| {
            draft.set(scope.as_ref().map_or_else(ScopeDraft::guests, ScopeDraft::of));
            problem.set(None);
            asking.set(true);
        })
    };
    let close = {
        let asking = asking.clone();
        Callback::from(move |()| asking.set(false))
    };
    let submit = |wanted: Option<ScopeDraft>| {
        let (app, store, asking) = (app.clone(), ctx.store.clone(), asking.clone());
        let (busy, problem) = (busy.clone(), problem.clone());
        Callback::from(move |()| {
            let scope = match wanted.as_ref().map(ScopeDraft::scope).transpose() {
                // A code without an end must never come from the cloud.
                Ok(Some(scope)) if scope.max_length.is_none() => {
                    let text = "Say how many days a code may last at most.".into();
                    return problem.set(Some(Problem::new("scope.days".into(), text, String::new())));
                }
                Ok(scope) => scope,
                Err(e) => return problem.set(Some(e)),
            };
            let (app, store, asking) = (app.clone(), store.clone(), asking.clone());
            let (busy, problem) = (busy.clone(), problem.clone());
            busy.set(true);
            problem.set(None);
            spawn_local(async move {
                let on = scope.is_some();
                let done = store
                    .change(|composer| {
                        let change = composer.issuing(scope.clone());
                        change.map(|change| (change, ())).map_err(|e| Problem::coded(&e))
                    })
                    .await;
                busy.set(false);
                match done {
                    Ok(()) => {
                        asking.set(false);
                        app.toast(if on {
                            "Latchkey’s server may make guest codes now."
                        } else {
                            "Latchkey’s server makes no codes any more."
                        });
                    }
                    Err(e) => problem.set(Some(e)),
                }
            });
        })
    };
    let set = {
        let draft = draft.clone();
        Callback::from(move |value| draft.set(value))
    };
    let actions = html! {
        <>
            <Button class="ghost" onclick={close.clone()}>{ "Not now" }</Button>
            <Button class="primary" busy={*busy} onclick={submit(Some((*draft).clone()))} testid="issuing-save">{ "Allow this" }</Button>
        </>
    };
    html! {
        <section class="section" aria-labelledby="issuing">
            <h2 id="issuing">{ "Codes made by Latchkey’s server" }</h2>
            <div class="card stack">
                <div class="row nowrap">
                    { badge("sparkle", if scope.is_some() { "on" } else { "" }) }
                    <div>
                        <p class="item-title" data-testid="issuing-state" data-on={if scope.is_some() { "true" } else { "false" }}>{ if scope.is_some() { "On" } else { "Off" } }</p>
                        <p class="item-sub">{ match &scope {
                            Some(scope) => format!("The server may make {}.", scope_words(scope, |lock| home.known_lock(lock))),
                            None => "The server can make no code. Programs can read, and nothing else.".to_owned(),
                        } }</p>
                    </div>
                </div>
                if !*asking { <ErrorNote problem={(*problem).clone()} /> }
                <div class="row">
                    <Button icon={if scope.is_some() { "pen" } else { "plus" }} onclick={open} testid="issuing-edit">
                        <span>{ if scope.is_some() { "Change the limits" } else { "Turn on" } }</span>
                    </Button>
                    if scope.is_some() {
                        <Button class="danger" icon="x" busy={*busy} onclick={submit(None)} testid="issuing-off">{ "Turn off" }</Button>
                    }
                </div>
            </div>
            <Dialog open={*asking} title="Let the server make guest codes" onclose={close} {actions}>
                <p>{ "With this, a program with a token can have a guest code made while none of you is there. The server then chooses that PIN, seals it for your home and forgets it." }</p>
                <p>{ "What you give up: for codes made this way you trust the server at the moment it makes them. Whoever controls it could make guest codes within these limits, and no others. Each is in your home’s log, and your other PINs stay unreadable to it." }</p>
                <ScopeFields value={(*draft).clone()} onchange={set} guests_only={true} />
                <ErrorNote problem={(*problem).clone()} />
            </Dialog>
        </section>
    }
}

//! One code: its PIN, its link, how it stands at each door, and its end.

use super::sharing::Sharing;
use crate::components::{Button, Dialog, ErrorNote, PageHead, icon, lock_chip, phase_chip};
use crate::hooks::{HomeStore, use_home, use_tick};
use crate::js;
use crate::problem::Problem;
use crate::route::{Route, Tab};
use crate::state::{Action, App, ToastAction, use_app};
use crate::view_model::draft::Draft;
use crate::view_model::{CodeView, Home, Phase, Put, short_time};
use latchkey_shared::grant::Grant;
use latchkey_shared::id::GrantId;
use latchkey_shared::pin::Pin;
use std::rc::Rc;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;
use yew_router::prelude::*;

/// One code.
#[derive(Properties, PartialEq)]
pub struct CodeProps {
    /// Which.
    pub grant: GrantId,
}

/// One code.
#[component]
pub fn Code(props: &CodeProps) -> Html {
    use_tick(5);
    let ctx = use_home();
    let home = ctx.home.clone();
    let shown = use_state_eq(|| false);
    // Its dialog outlives the code that it ends.
    let revoking = use_state_eq(|| false);
    let Some(put) = home.grants.get(&props.grant).cloned() else {
        return html! {
            <div class="page">
                <PageHead title="No such code" lead="It may belong to another home." />
                <p><a class="btn" href={Tab::Codes.route(&home.id).to_path()}>{ "All codes" }</a></p>
            </div>
        };
    };
    let code = home.code(&put, home.now());
    let live = code.phase != Phase::Past;
    let back = html! {
        <a class="eyebrow" href={Tab::Codes.route(&home.id).to_path()}>{ icon("back") }{ "Codes" }</a>
    };
    html! {
        <div class="page">
            <PageHead title={code.label.clone()} eyebrow={back} testid="code-title">
                { phase_chip(&home, &code) }
            </PageHead>
            <p class="lead" data-testid="code-when">{ &code.when }</p>
            <div class="grid-2">
                <div class="stack">
                    { pin_card(&home, &put.grant, live, &shown) }
                    { door_states(&home, &code) }
                </div>
                <div class="stack">
                    if live { <Sharing grant={put.grant.id} /> }
                    { about(&home, &put) }
                    if live || *revoking {
                        <Revoke store={ctx.store.clone()} grant={put.grant.id} label={code.label.clone()} {live} open={revoking.setter()} />
                    }
                </div>
            </div>
        </div>
    }
}

fn about(home: &Home, put: &Put) -> Html {
    html! {
        <section class="card" aria-label="About this code">
            <dl class="facts">
                <div><dt>{ "Made by" }</dt><dd>{ home.key_name(&put.signer) }</dd></div>
                <div><dt>{ "Made" }</dt><dd class="num">{ short_time(home, put.at) }</dd></div>
                <div><dt>{ "Time zone" }</dt><dd>{ home.zone.name().to_string() }</dd></div>
            </dl>
        </section>
    }
}

/// In threes or twos, as people read numbers aloud.
fn grouped(pin: &Pin) -> String {
    let digits = pin.expose();
    let size = match digits.len() {
        4 | 8 => 4,
        _ => 3,
    };
    let mut out = String::with_capacity(digits.len() + 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && i % size == 0 && digits.len() - i > 1 {
            out.push(' ');
        }
        out.push(digit);
    }
    out
}

fn hidden(pin: &Pin) -> String {
    "•".repeat(usize::from(pin.digit_count()))
}

fn pin_card(home: &Home, grant: &Grant, live: bool, shown: &UseStateHandle<bool>) -> Html {
    let pin = home.open_pin(grant);
    let toggle = {
        let shown = shown.clone();
        Callback::from(move |()| shown.set(!*shown))
    };
    html! {
        <section class={classes!("pin-card", (!live).then_some("over"))} aria-label="PIN">
            <p class="label">{ if live { "PIN" } else { "PIN, no longer valid" } }</p>
            if let Some(pin) = pin {
                if **shown {
                    <p class="pin" data-testid="pin-value" data-pin={pin.expose().to_owned()} aria-live="polite">{ grouped(&pin) }</p>
                } else {
                    <p class="pin" aria-label="Hidden">{ hidden(&pin) }</p>
                }
                <div class="row">
                    <Button class="primary" icon={if **shown { "eye-off" } else { "eye" }} onclick={toggle} testid="pin-show" pressed={**shown}>
                        <span>{ if **shown { "Hide" } else { "Show PIN" } }</span>
                    </Button>
                </div>
            } else {
                <p>{ "This PIN was sealed for keys that are not on this device." }</p>
            }
        </section>
    }
}

/// How the code stands at each door, said aloud when it changes.
fn door_states(home: &Home, code: &CodeView) -> Html {
    html! {
        <section class="section" aria-labelledby="doors">
            <h2 id="doors">{ "At the doors" }</h2>
            <ul class="card flush door-states" aria-live="polite">
                { for code.locks.iter().map(|standing| html! {
                    <li key={standing.lock.to_string()}>
                        <p class="item-title">{ &standing.lock_name }</p>
                        { lock_chip(home, standing, false) }
                        <p class="why">
                            { &standing.words.sentence }
                            if let Some(next) = &standing.words.next_step { { format!(" {next}") } }
                        </p>
                    </li>
                }) }
            </ul>
        </section>
    }
}

#[derive(Properties, PartialEq)]
struct RevokeProps {
    store: HomeStore,
    grant: GrantId,
    label: String,
    live: bool,
    /// Told whether the dialog is there.
    open: UseStateSetter<bool>,
}

async fn undo(app: App, store: HomeStore, home: Rc<Home>, grant: GrantId, navigator: Option<Navigator>) {
    let draft = match home.grants.get(&grant).map(|put| Draft::again(&home, &put.grant)) {
        Some(Ok(draft)) => draft,
        Some(Err(problem)) => return app.toast(problem.text),
        None => return,
    };
    match store.make(&draft).await {
        Ok(new) => {
            app.toast("Issued again. It has a new PIN and a new link: share it once more.");
            if let Some(navigator) = navigator {
                navigator.push(&Route::Code { home: home.id.to_string(), grant: new.to_string() });
            }
        }
        Err(problem) => app.toast(problem.text),
    }
}

/// Ends a code at once, with a way back.
#[component]
fn Revoke(props: &RevokeProps) -> Html {
    let app = use_app();
    let home = use_home().home;
    let navigator = use_navigator();
    let asking = use_state_eq(|| false);
    let busy = use_state_eq(|| false);
    let problem = use_state_eq(|| None::<Problem>);
    let ask = {
        let (asking, open) = (asking.clone(), props.open.clone());
        Callback::from(move |()| {
            open.set(true);
            asking.set(true);
        })
    };
    let closed = {
        let (asking, open, live) = (asking.clone(), props.open.clone(), props.live);
        Callback::from(move |()| {
            asking.set(false);
            open.set(false);
            // The button to which the focus went goes too.
            if !live {
                js::focus_heading();
            }
        })
    };
    let cancel = {
        let asking = asking.clone();
        Callback::from(move |()| asking.set(false))
    };
    let revoke = {
        let (store, grant, label) = (props.store.clone(), props.grant, props.label.clone());
        let (asking, busy, problem) = (asking.clone(), busy.clone(), problem.clone());
        Callback::from(move |()| {
            let (app, home, store, navigator, label) =
                (app.clone(), home.clone(), store.clone(), navigator.clone(), label.clone());
            let (asking, busy, problem) = (asking.clone(), busy.clone(), problem.clone());
            busy.set(true);
            problem.set(None);
            spawn_local(async move {
                let done = store.revoke(grant).await;
                busy.set(false);
                match done {
                    Ok(()) => {
                        asking.set(false);
                        let undo_app = app.clone();
                        let run = Callback::from(move |()| {
                            spawn_local(undo(
                                undo_app.clone(),
                                store.clone(),
                                home.clone(),
                                grant,
                                navigator.clone(),
                            ));
                        });
                        let action = ToastAction { label: "Undo".into(), testid: "revoke-undo".into(), run };
                        app.0.dispatch(Action::Toast(format!("{label} is revoked.").into(), Some(action)));
                    }
                    Err(e) => problem.set(Some(e)),
                }
            });
        })
    };
    let actions = html! {
        <>
            <Button class="ghost" onclick={cancel}>{ "Keep it" }</Button>
            <Button class="danger solid" busy={*busy} onclick={revoke} testid="code-revoke-confirm">{ "Revoke" }</Button>
        </>
    };
    html! {
        <>
            <Button class="danger block" icon="x" onclick={ask} testid="code-revoke">{ "Revoke this code" }</Button>
            <Dialog open={*asking} title={format!("Revoke {}?", props.label)} onclose={closed} {actions}>
                <p>{ "The hub takes it off the doors at once, and the link stops working. If the hub is offline, the code works until the hub is back, or until the code ends." }</p>
                <ErrorNote problem={(*problem).clone()} />
            </Dialog>
        </>
    }
}

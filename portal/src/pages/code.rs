//! One code: its PIN, its link, how it stands at each door, what can be done with it, and what happened to it.

mod actions;
mod history;
mod moment;
mod revoke;

use super::sharing::Sharing;
use crate::components::{Button, PageHead, icon, lock_chip, phase_chip, why};
use crate::hooks::{HomeStore, use_home, use_tick};
use crate::js;
use crate::problem::Problem;
use crate::route::{Route, Tab};
use crate::state::{App, use_app};
use crate::view_model::form::scope;
use crate::view_model::pin_desk::PinDesk;
use crate::view_model::{CodeView, Home, Phase, Put, grouped, short_time};
use latchkey_shared::compose::{ForGuest, LinkWish};
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
    let revoked = put.revoked.is_some();
    let may_change = scope(&home).is_some();
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
                    <moment::MomentCard home={home.clone()} put={put.clone()} />
                    <history::History home={home.clone()} put={put.clone()} />
                </div>
                <div class="stack">
                    if live { <Sharing grant={put.grant.id} may_change={may_change} /> }
                    if may_change { <actions::Actions grant={put.grant.id} /> }
                    { about(&home, &put) }
                    if may_change && revoked { <Again store={ctx.store.clone()} grant={put.grant.id} /> }
                    if may_change && (!revoked || *revoking) {
                        <revoke::Revoke store={ctx.store.clone()} grant={put.grant.id} label={code.label.clone()} live={!revoked} open={revoking.setter()} />
                    }
                </div>
            </div>
        </div>
    }
}

/// How often a code was used, and when first and last, as far as the hubs reported. A hub counts for all of its locks.
fn uses(home: &Home, id: &GrantId) -> (u32, Option<String>) {
    let mut by_hub = Vec::new();
    let mut last = None;
    for report in home.reports.values() {
        for code in report.codes.iter().filter(|code| code.grant == *id) {
            last = last.max(code.last_used);
            match by_hub.iter_mut().find(|(hub, _)| *hub == report.hub) {
                Some((_, most)) => *most = code.uses.max(*most),
                None => by_hub.push((report.hub, code.uses)),
            }
        }
    }
    (by_hub.iter().map(|(_, uses)| uses).sum(), last.map(|t| short_time(home, t)))
}

fn about(home: &Home, put: &Put) -> Html {
    let grant = &put.grant;
    let (used, last) = uses(home, &grant.id);
    let count = match grant.uses {
        Some(most) => format!("{used} of {most}, {} left", most.saturating_sub(used)),
        None if used == 0 => "Not yet".to_owned(),
        None if used == 1 => "Once".to_owned(),
        None => format!("{used} times"),
    };
    let fact = |name: &'static str, value: String, hook: Option<&'static str>| {
        html! { <div><dt>{ name }</dt><dd class="num" data-testid={hook}>{ value }</dd></div> }
    };
    html! {
        <section class="card" aria-label="About this code">
            <dl class="facts">
                { fact("Kind", grant.kind.in_public().to_owned(), Some("code-kind")) }
                if let Some(holder) = grant.holder { { fact("Whose", home.key_name(&holder), None) } }
                { fact("Used", count, Some("code-used")) }
                if let Some(last) = last { { fact("Last used", last, None) } }
                { fact("PIN chosen", short_time(home, grant.pin_set), None) }
                { fact(if grant.rev == 1 { "Made by" } else { "Changed by" }, home.key_name(&put.signer), None) }
                { fact("Time zone", home.zone.name().to_string(), None) }
            </dl>
        </section>
    }
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
                    <p class="pin" data-testid="pin-value" data-pin={pin.expose().to_owned()} aria-live="polite">{ grouped(pin.expose()) }</p>
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
                        { why(&standing.words, Some("lock-why")) }
                    </li>
                }) }
            </ul>
        </section>
    }
}

/// Makes a revoked code once more: a revoked id never returns and a used PIN is never used again, so it gets new ones.
async fn again(app: App, store: HomeStore, home: Rc<Home>, id: GrantId, navigator: Option<Navigator>) {
    match make_again(&store, &home, id).await {
        Ok((new, link)) => {
            app.toast(if link {
                "Issued again. It has a new PIN and a new link: share it once more."
            } else {
                "Issued again. It has a new PIN."
            });
            if let Some(navigator) = navigator {
                navigator.push(&Route::Code { home: home.id.to_string(), grant: new.to_string() });
            }
        }
        Err(problem) => app.toast(problem.text),
    }
}

async fn make_again(store: &HomeStore, home: &Home, id: GrantId) -> Result<(GrantId, bool), Problem> {
    let old = home.grants.get(&id).map(|put| put.grant.clone()).ok_or_else(Problem::bug)?;
    let pin = PinDesk::new(home, &old.locks, None)?.generate()?;
    let doors = old.locks.iter().map(|lock| home.lock_name(lock)).collect();
    let words = ForGuest { doors, note: String::new() };
    store
        .change(|composer| {
            let wish = if old.link.is_some() { LinkWish::Show(&words) } else { LinkWish::Keep };
            let made = composer.again(&old, &pin, wish, &mut js::rng()).map_err(|e| Problem::coded(&e))?;
            Ok((made.change, (made.grant.id, made.link.is_some())))
        })
        .await
}

#[derive(Properties, PartialEq)]
struct AgainProps {
    store: HomeStore,
    grant: GrantId,
}

/// The way back from a revocation, for as long as the code would not be over.
#[component]
fn Again(props: &AgainProps) -> Html {
    let (app, home, navigator) = (use_app(), use_home().home, use_navigator());
    let busy = use_state_eq(|| false);
    let over =
        home.grants.get(&props.grant).and_then(|put| put.grant.end()).is_some_and(|end| end <= home.now());
    if over {
        return Html::default();
    }
    let onclick = {
        let (store, id, busy) = (props.store.clone(), props.grant, busy.clone());
        Callback::from(move |()| {
            let (app, home, store, navigator, busy) =
                (app.clone(), home.clone(), store.clone(), navigator.clone(), busy.clone());
            busy.set(true);
            spawn_local(async move {
                again(app, store, home, id, navigator).await;
                busy.set(false);
            });
        })
    };
    html! { <Button class="block" icon="refresh" busy={*busy} {onclick} testid="code-again">{ "Issue it again, with a new PIN" }</Button> }
}

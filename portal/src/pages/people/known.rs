//! PINs that somebody who left had seen and that are still on the doors, each to be changed from here.

use crate::api::homes;
use crate::components::{Button, ErrorNote, badge};
use crate::hooks::{HomeStore, use_home};
use crate::js;
use crate::problem::Problem;
use crate::route::Route;
use crate::state::use_app;
use crate::view_model::Home;
use crate::view_model::people::{Comings, KnownPin, listed};
use crate::view_model::pin_desk::PinDesk;
use latchkey_shared::compose::{Composer, Draft, ForGuest, LinkWish, PinWish};
use latchkey_shared::id::GrantId;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;
use yew_router::prelude::*;

/// Under which name this browser remembers that a PIN may stay.
fn kept(known: &KnownPin) -> String {
    format!("keep_pin.{}.{}", known.grant, known.pin_set.0)
}

/// Gives a code a new PIN. All else stays, what its guest's link shows included.
async fn change_pin(store: &HomeStore, id: GrantId) -> Result<(), Problem> {
    let home = store.home().ok_or_else(Problem::network)?;
    let grant = home.grants.get(&id).map(|put| put.grant.clone()).ok_or_else(Problem::bug)?;
    let pin = PinDesk::new(&home, &grant.locks, Some(id))?.generate()?;
    let note = match home.composer().open_link(&grant) {
        // What the server no longer has is not worth keeping a known PIN for.
        Some(secret) => match homes::link_note(&secret).await {
            Err(e) if e.unanswered() => return Err(e),
            note => note.unwrap_or_default(),
        },
        None => String::new(),
    };
    let doors = grant.locks.iter().map(|lock| home.lock_name(lock)).collect();
    let words = ForGuest { doors, note };
    let compose = |composer: &Composer<'_>| {
        let newest = composer.chain.grants().get(&id).map(|entry| &entry.grant).unwrap_or(&grant);
        let wish = if newest.link.is_some() { LinkWish::Show(&words) } else { LinkWish::Keep };
        let made = composer.edit(&id, &Draft::of(newest), PinWish::Change(pin.clone()), wish, &mut js::rng());
        made.map(|made| (made.change, ())).map_err(|e| Problem::coded(&e))
    };
    store.change(compose).await
}

#[derive(Properties, PartialEq)]
struct RowProps {
    known: KnownPin,
    kept: Callback<()>,
}

/// One code.
#[component]
fn Row(props: &RowProps) -> Html {
    let app = use_app();
    let ctx = use_home();
    let busy = use_state_eq(|| false);
    let problem = use_state_eq(|| None::<Problem>);
    let known = &props.known;
    let change = {
        let (store, id, label) = (ctx.store.clone(), known.grant, known.label.clone());
        let (busy, problem) = (busy.clone(), problem.clone());
        Callback::from(move |()| {
            let (app, store, label) = (app.clone(), store.clone(), label.clone());
            let (busy, problem) = (busy.clone(), problem.clone());
            busy.set(true);
            problem.set(None);
            spawn_local(async move {
                let done = change_pin(&store, id).await;
                busy.set(false);
                match done {
                    Ok(()) => {
                        app.toast(format!("{label} has a new PIN. Its link shows it; tell whoever types it."))
                    }
                    Err(e) => problem.set(Some(e)),
                }
            });
        })
    };
    let keep = {
        let (name, kept) = (kept(known), props.kept.clone());
        Callback::from(move |()| {
            js::remember(&name, "1");
            kept.emit(());
        })
    };
    let to = Route::Code { home: ctx.home.id.to_string(), grant: known.grant.to_string() };
    html! {
        <li class="item" data-testid="known-pin" data-grant={known.grant.to_string()} data-label={known.label.clone()}>
            { badge("key", "warn") }
            <div class="stack tight">
                <p class="item-title"><a href={to.to_path()}>{ &known.label }</a></p>
                <p class="item-sub">{ format!("Known to {}.", listed(&known.by)) }</p>
                <ErrorNote problem={(*problem).clone()} />
                <div class="row tight">
                    <Button class="small primary" icon="refresh" busy={*busy} onclick={change} testid="known-pin-change"
                        label={format!("Change the PIN of {}", known.label)}>{ "Change PIN" }</Button>
                    <Button class="small ghost" onclick={keep} testid="known-pin-keep" label={format!("Keep the PIN of {}", known.label)}>{ "Keep it" }</Button>
                </div>
            </div>
            <span></span>
        </li>
    }
}

/// Props of [`KnownPins`].
#[derive(Properties, PartialEq)]
pub struct KnownPinsProps {
    /// The home's comings and goings.
    pub comings: Comings,
}

fn shown(home: &Home, comings: &Comings) -> Vec<KnownPin> {
    let mut known = comings.known_pins(home, home.now());
    known.retain(|one| js::remembered(&kept(one)).is_none());
    known
}

/// The PINs that those who left had seen.
#[component]
pub fn KnownPins(props: &KnownPinsProps) -> Html {
    let home = use_home().home;
    let again = use_force_update();
    let known = shown(&home, &props.comings);
    if known.is_empty() {
        return Html::default();
    }
    let kept = Callback::from(move |()| again.force_update());
    html! {
        <section class="section" aria-labelledby="known">
            <h2 id="known">{ "PINs that somebody who left has seen" }</h2>
            <p class="quiet">{ "They still open your doors. Whoever remembers one can type it. A new PIN keeps the code’s doors, times and link." }</p>
            <ul class="card flush list">
                { for known.iter().map(|one| html! {
                    <Row key={one.grant.to_string()} known={one.clone()} kept={kept.clone()} />
                }) }
            </ul>
        </section>
    }
}

//! A resident's page: their own code, where and when it works, how it stands now, and their own entries.

use super::settings::{Passkeys, Recovery};
use crate::api::people;
use crate::components::{
    Button, ErrorNote, PageHead, StepUpDialog, Toasts, Unlist, badge, door_chip, skeleton, switcher, why,
};
use crate::hooks::{use_mine, use_tick};
use crate::problem::Problem;
use crate::route::{Route, Tab};
use crate::state::{Signed, use_app};
use crate::view_model::mine::{Mine, MyCode, MyEntry};
use crate::view_model::{grouped, short_instant};
use latchkey_shared::chain::op::Role;
use latchkey_shared::id::HomeId;
use latchkey_shared::schedule::format_instant;
use std::rc::Rc;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;
use yew_router::prelude::*;

/// Props of [`MinePage`].
#[derive(Properties)]
pub struct MinePageProps {
    /// The home.
    pub home: HomeId,
    /// Who is signed in.
    pub signed: Rc<Signed>,
}

impl PartialEq for MinePageProps {
    fn eq(&self, other: &Self) -> bool {
        self.home == other.home && Rc::ptr_eq(&self.signed, &other.signed)
    }
}

/// A resident's page.
#[component]
pub fn MinePage(props: &MinePageProps) -> Html {
    use_tick(10);
    let app = use_app();
    let state = use_mine(app.clone(), props.signed.clone(), props.home);
    let known = || crate::js::remembered(&format!("name.{}", props.home)).unwrap_or_default();
    let name = state.mine.as_ref().map_or_else(known, |mine| mine.name.clone());
    {
        let (home, name) = (props.home, name.clone());
        use_effect_with((home, name), |(home, name)| {
            crate::js::remember("last_home", &home.to_string());
            if !name.is_empty() {
                crate::js::remember(&format!("name.{home}"), name);
                crate::js::remember(&format!("role.{home}"), "Resident");
            }
        });
    }
    let sign_out = {
        let app = app.clone();
        Callback::from(move |()| {
            let app = app.clone();
            spawn_local(async move { app.sign_out().await });
        })
    };
    let content = match &state.mine {
        Some(mine) if mine.role != Role::Resident => {
            return html! { <Redirect<Route> to={Tab::Today.route(&props.home)} /> };
        }
        Some(mine) => html! {
            <>
                { for mine.codes.iter().map(|code| code_card(mine, code, &props.signed)) }
                if mine.codes.is_empty() {
                    <div class="card empty" data-testid="mine-empty">
                        { badge("key", "on") }
                        <h2>{ "No code is yours yet" }</h2>
                        <p>{ "As soon as an owner makes one for you, it appears here." }</p>
                    </div>
                }
                <Entries mine={Shown(mine.clone())} />
            </>
        },
        None if state.problem.is_none() => skeleton(),
        None if state.problem.as_ref().is_some_and(|e| e.code == "home.not_found") => {
            html! { <p><Unlist home={props.home} /></p> }
        }
        None => Html::default(),
    };
    html! {
        <div class="mine">
            <header class="topbar">
                <svg class="logo" aria-hidden="true"><use href="#i-brand" /></svg>
                { switcher(&props.signed, &props.home, &name, "top") }
                <span class="end">
                    <p class="live" role="status" data-testid="live-state" data-live={if state.live { "live" } else { "connecting" }}>
                        <span class={classes!("dot", state.live.then_some("good"))}></span>{ if state.live { "Live" } else { "Connecting…" } }
                    </p>
                </span>
            </header>
            <main class="main" id="main" tabindex="-1">
                <div class="page">
                    <PageHead title={if name.is_empty() { "Your code".to_owned() } else { format!("Your code for {name}") }} testid="mine-title" />
                    <ErrorNote problem={state.problem.clone()} />
                    { content }
                    <details class="card">
                        <summary>{ "Your account" }</summary>
                        <Passkeys />
                        <Recovery />
                        <p><Button icon="out" onclick={sign_out} testid="sign-out">{ "Sign out" }</Button></p>
                    </details>
                </div>
            </main>
            <Toasts />
            <StepUpDialog />
        </div>
    }
}

fn code_card(mine: &Mine, code: &MyCode, signed: &Rc<Signed>) -> Html {
    let pin = mine.open_pin(code, signed).map(|pin| AttrValue::from(pin.expose().to_owned()));
    html! {
        <section class="stack" key={code.grant.id.to_string()} aria-label={code.grant.label.clone()} data-testid="my-code" data-grant={code.grant.id.to_string()}>
            <h2>{ &code.grant.label }</h2>
            <p data-testid="my-when">{ mine.when(code) }</p>
            <MyPin {pin} />
            <ul class="card flush door-states" aria-live="polite">
                { for mine.standings(code).iter().map(|standing| html! {
                    <li key={standing.lock.to_string()}>
                        <p class="item-title">{ &standing.lock_name }</p>
                        { door_chip(standing, |t| short_instant(t, mine.now(), &*mine.zone, mine.style)) }
                        { why(&standing.words, None) }
                    </li>
                }) }
            </ul>
        </section>
    }
}

#[derive(Properties, PartialEq)]
struct MyPinProps {
    pin: Option<AttrValue>,
}

/// The PIN, shown after a tap.
#[component]
fn MyPin(props: &MyPinProps) -> Html {
    let shown = use_state_eq(|| false);
    let toggle = {
        let shown = shown.clone();
        Callback::from(move |()| shown.set(!*shown))
    };
    let hidden = "•".repeat(props.pin.as_ref().map_or(0, |pin| pin.len()));
    html! {
        <section class="pin-card" aria-label="PIN">
            <p class="label">{ "PIN" }</p>
            if let Some(pin) = &props.pin {
                if *shown {
                    <p class="pin" data-testid="pin-value" data-pin={pin.clone()} aria-live="polite">{ grouped(pin) }</p>
                } else {
                    <p class="pin" aria-label="Hidden">{ hidden }</p>
                }
                <div class="row">
                    <Button class="primary" icon={if *shown { "eye-off" } else { "eye" }} onclick={toggle} testid="pin-show" pressed={*shown}>
                        <span>{ if *shown { "Hide" } else { "Show PIN" } }</span>
                    </Button>
                </div>
            } else {
                <p>{ "This PIN was not sealed for you. Ask an owner to save the code again." }</p>
            }
        </section>
    }
}

/// What was fetched, told apart by its place in memory.
#[derive(Clone)]
struct Shown(Rc<Mine>);

impl PartialEq for Shown {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

#[derive(Properties, PartialEq)]
struct EntriesProps {
    mine: Shown,
}

/// One's own entries, newest first.
#[component]
fn Entries(props: &EntriesProps) -> Html {
    let mine = &props.mine.0;
    // Earlier pages, and where the next one begins; the newest page comes with the codes.
    let earlier = use_state(|| None::<(Vec<MyEntry>, Option<u64>)>);
    let busy = use_state_eq(|| false);
    let problem = use_state_eq(|| None::<Problem>);
    let next = earlier.as_ref().map_or(mine.next, |(_, next)| *next);
    let more = {
        let (mine, earlier, busy, problem) = (mine.clone(), earlier.clone(), busy.clone(), problem.clone());
        Callback::from(move |()| {
            let (mine, earlier, busy, problem) =
                (mine.clone(), earlier.clone(), busy.clone(), problem.clone());
            busy.set(true);
            spawn_local(async move {
                let page = people::mine(&mine.home, next).await;
                busy.set(false);
                match page {
                    Ok(page) => {
                        let (new, next) = mine.more(&page);
                        let mut list = earlier.as_ref().map(|(list, _)| list.clone()).unwrap_or_default();
                        list.extend(new);
                        earlier.set(Some((list, next)));
                        problem.set(None);
                    }
                    Err(e) => problem.set(Some(e)),
                }
            });
        })
    };
    let row = |entry: &MyEntry| {
        let at = format_instant(entry.at, &*mine.zone, &mine.style);
        let code = entry.code.as_ref().map(|code| format!(" with “{code}”")).unwrap_or_default();
        html! {
            <li class="item" data-testid="my-entry">
                { badge("unlock", "on") }
                <div>
                    <p class="item-title">{ format!("You opened {}{code}", entry.door) }</p>
                    <p class="item-sub num">{ if entry.unsure { format!("{at}, or later: the hub did not know the time") } else { at } }</p>
                </div>
                <span></span>
            </li>
        }
    };
    let old = earlier.as_ref().map(|(list, _)| list.as_slice()).unwrap_or_default();
    html! {
        <section class="section" aria-labelledby="entries">
            <h2 id="entries">{ "Your entries" }</h2>
            if mine.entries.is_empty() {
                <p class="quiet">{ "Nothing yet. Each time you open a door with your code, it stands here." }</p>
            } else {
                <ul class="card flush list">{ for mine.entries.iter().chain(old).map(row) }</ul>
            }
            <ErrorNote problem={(*problem).clone()} />
            if next.is_some() {
                <p><Button icon="down" busy={*busy} onclick={more} testid="mine-more">{ "Earlier entries" }</Button></p>
            }
        </section>
    }
}

//! The frame of a home's pages: rail or tab bar, alarm, connection, and the home itself for whoever asks.

use super::{Button, ErrorNote, StepUpDialog, Toasts, icon, skeleton};
use crate::api::people;
use crate::hooks::{HomeCtx, HomeState, Live, use_home, use_home_store};
use crate::part::tend;
use crate::route::{Route, Tab};
use crate::state::{Signed, use_app};
use crate::view_model::{alarm_problem, short_time, since_words};
use latchkey_shared::id::HomeId;
use latchkey_shared::time::Seconds;
use std::rc::Rc;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;
use yew_router::prelude::*;

/// The frame of a home's pages.
#[derive(Properties, Clone)]
pub struct FrameProps {
    /// The home.
    pub home: HomeId,
    /// Who is signed in.
    pub signed: Rc<Signed>,
    /// Which tab is open.
    pub tab: Tab,
    /// Whether the page shows what was kept here while the server is asked: a list may, a form must begin with what is so.
    pub at_once: bool,
    /// The page.
    pub children: Children,
}

impl PartialEq for FrameProps {
    fn eq(&self, other: &Self) -> bool {
        self.home == other.home
            && Rc::ptr_eq(&self.signed, &other.signed)
            && (self.tab, self.at_once) == (other.tab, other.at_once)
            && self.children == other.children
    }
}

/// What was heard so long ago is called old while there is no connection.
const OLD_AFTER: Seconds = Seconds(30);

const TABS: [(Tab, &str, &str, &str); 5] = [
    (Tab::Today, "Today", "today", "nav-today"),
    (Tab::Codes, "Codes", "key", "nav-codes"),
    (Tab::Doors, "Doors", "door", "nav-doors"),
    (Tab::Activity, "Activity", "activity", "nav-activity"),
    (Tab::Settings, "Settings", "settings", "nav-settings"),
];

fn nav_links(home: &HomeId, open: Tab, hooks: bool) -> impl Iterator<Item = Html> {
    let home = *home;
    TABS.into_iter().map(move |(tab, title, symbol, hook)| {
        let current = (tab == open).then_some("page");
        html! {
            <a href={tab.route(&home).to_path()} aria-current={current} data-testid={hooks.then_some(hook)}>
                { icon(symbol) }{ title }
            </a>
        }
    })
}

/// Whether what is shown was heard so long ago that this must be said.
fn is_old(ctx: &HomeCtx) -> bool {
    crate::js::now().since(ctx.heard) >= OLD_AFTER
}

fn live_state(ctx: &HomeCtx) -> Html {
    let (value, tone, words) = match ctx.live {
        Live::On => ("live", "good", "Live".to_owned()),
        Live::Connecting if is_old(ctx) => {
            ("connecting", "", format!("As of {}…", since_words(ctx.heard, crate::js::now())))
        }
        Live::Connecting => ("connecting", "", "Connecting…".to_owned()),
        Live::Off => {
            ("offline", "warn", format!("Offline, as of {}", since_words(ctx.heard, crate::js::now())))
        }
    };
    html! {
        <p class="live" role="status" data-testid="live-state" data-live={value}>
            <span class={classes!("dot", tone)}></span>{ words }
        </p>
    }
}

/// Says that what is shown is old, once it is.
fn offline_note(ctx: &HomeCtx) -> Html {
    if ctx.live != Live::Off || !is_old(ctx) {
        return Html::default();
    }
    let heard = short_time(&ctx.home, ctx.heard);
    html! {
        <div class="notice warn offline-note" role="status" data-testid="offline-note">
            { icon("offline") }
            <div>
                <p class="title">{ format!("No connection. This is how it was at {heard}.") }</p>
                <p>{ "You can read everything; changes wait for the connection. Codes on the locks keep working." }</p>
            </div>
        </div>
    }
}

/// The frame with everything around a page.
#[component]
pub fn Frame(props: &FrameProps) -> Html {
    let app = use_app();
    let (state, store, ctx) = use_home_store(app, props.signed.clone(), props.home);
    let name = ctx.as_ref().map(|ctx| ctx.home.name().to_owned()).unwrap_or_default();
    let alarm = store.alarm().map(alarm_problem);
    let content = match (&state, ctx.clone()) {
        (HomeState::Ready(_), Some(_)) if store.only_recalled() && !props.at_once => skeleton(),
        (HomeState::Ready(_), Some(ctx)) => html! {
            <ContextProvider<HomeCtx> context={ctx}><Tending />{ for props.children.iter() }</ContextProvider<HomeCtx>>
        },
        (HomeState::Failed(problem), _) if problem.code == "home.resident" => {
            return html! { <Redirect<Route> to={Route::Mine { home: props.home.to_string() }} /> };
        }
        (HomeState::Failed(problem), _) => {
            let gone = problem.code == "home.not_found";
            let retry = Callback::from(move |()| {
                let store = store.clone();
                spawn_local(async move {
                    // The outcome is shown by the state.
                    let _ = store.refresh().await;
                });
            });
            html! {
                <div class="page">
                    if alarm.is_none() { <ErrorNote problem={problem.clone()} /> }
                    <div class="row">
                        <Button icon="refresh" onclick={retry}>{ "Try again" }</Button>
                        if gone { <Unlist home={props.home} /> }
                    </div>
                </div>
            }
        }
        _ => html! { { skeleton() } },
    };
    html! {
        <div class="app">
            <a class="skip" href="#main">{ "Skip to content" }</a>
            <header class="topbar">
                <svg class="logo" aria-hidden="true"><use href="#i-brand" /></svg>
                { switcher(&props.signed, &props.home, &name, "top") }
                <span class="end">{ ctx.as_ref().map(live_state) }</span>
            </header>
            <header class="rail">
                <a class="brand" href={Tab::Today.route(&props.home).to_path()}>
                    <svg aria-hidden="true"><use href="#i-brand" /></svg>{ "Latchkey" }
                </a>
                { switcher(&props.signed, &props.home, &name, "rail") }
                <nav aria-label="Home"><ul>{ for nav_links(&props.home, props.tab, true).map(|link| html! { <li>{ link }</li> }) }</ul></nav>
                <div class="rail-foot">{ ctx.as_ref().map(live_state) }</div>
            </header>
            <main class="main" id="main" tabindex="-1">
                if let Some(problem) = alarm {
                    <div class="notice bad alarm" role="alert" data-testid="alarm" data-code={problem.code.clone()}>
                        { icon("alert") }
                        <div><p class="title">{ problem.text }</p><p>{ problem.next }</p></div>
                    </div>
                }
                { ctx.as_ref().map(offline_note) }
                { content }
            </main>
            <nav class="tabs" aria-label="Home">{ for nav_links(&props.home, props.tab, false) }</nav>
            <Toasts />
            <StepUpDialog />
        </div>
    }
}

/// Has the portal do what only a member's can, when something calls for it.
#[component]
fn Tending() -> Html {
    let app = use_app();
    let ctx = use_home();
    let (stale, on) = (ctx.home.chain.epoch().stale, ctx.live == Live::On);
    use_effect_with((ctx.invites, stale, on), move |_| {
        if on && ctx.home.is_owner() {
            spawn_local(async move {
                if stale || people::any_invites(&ctx.home.id).await.unwrap_or(false) {
                    tend(app, ctx.store).await;
                }
            });
        }
    });
    Html::default()
}

/// Props of [`Unlist`].
#[derive(Properties, PartialEq)]
pub struct UnlistProps {
    /// The home.
    pub home: HomeId,
}

/// A home of which one is no longer a member: off the list with it.
#[component]
pub fn Unlist(props: &UnlistProps) -> Html {
    let app = use_app();
    let navigator = use_navigator();
    let home = props.home;
    let unlist = Callback::from(move |()| {
        let (app, navigator) = (app.clone(), navigator.clone());
        spawn_local(async move {
            match people::unlist(&home).await {
                Ok(()) => {
                    let _ = app.refresh().await;
                    if let Some(navigator) = navigator {
                        navigator.replace(&Route::Landing);
                    }
                }
                Err(e) => app.toast(e.text),
            }
        });
    });
    html! { <Button icon="x" onclick={unlist} testid="home-unlist">{ "Take it off my list" }</Button> }
}

/// Which home is open, and the way to the others.
pub fn switcher(signed: &Signed, open: &HomeId, name: &str, place: &'static str) -> Html {
    let id = format!("homes-{place}");
    let known = |home: &HomeId| {
        crate::js::remembered(&format!("name.{home}")).unwrap_or_else(|| "Another home".into())
    };
    let role = |home: &HomeId| crate::js::remembered(&format!("role.{home}"));
    let others = signed.account.home_ids().filter(|home| home != open);
    html! {
        <>
            <button type="button" class="switcher" popovertarget={id.clone()}>
                <span class="grow">{ if name.is_empty() { "…" } else { name } }</span>
                { icon("down") }
            </button>
            <div class="menu" {id} popover="auto">
                <ul>
                    { for others.map(|home| html! {
                        <li>
                            <a href={Tab::Today.route(&home).to_path()} data-testid="switch-home">
                                { icon("home") }<span>{ known(&home) }<small>{ role(&home) }</small></span>
                            </a>
                        </li>
                    }) }
                    <li><a href={Route::NewHome.to_path()}>{ icon("plus") }{ "Add a home" }</a></li>
                </ul>
            </div>
        </>
    }
}

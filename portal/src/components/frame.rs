//! The frame of a home's pages: rail or tab bar, alarm, connection, and the home itself for whoever asks.

use super::{Button, ErrorNote, Icon, Skeleton, StepUpDialog, Toasts};
use crate::app::{Route, Tab};
use crate::hooks::{HomeCtx, HomeState, Live, use_home_store};
use crate::state::{Signed, use_app};
use crate::view_model::since_words;
use latchkey_shared::id::HomeId;
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
    /// The page.
    pub children: Children,
}

impl PartialEq for FrameProps {
    fn eq(&self, other: &Self) -> bool {
        self.home == other.home
            && Rc::ptr_eq(&self.signed, &other.signed)
            && self.tab == other.tab
            && self.children == other.children
    }
}

const TABS: [(Tab, &str, &str, &str); 5] = [
    (Tab::Today, "Today", "today", "nav-today"),
    (Tab::Codes, "Codes", "key", "nav-codes"),
    (Tab::Doors, "Doors", "door", "nav-doors"),
    (Tab::Activity, "Activity", "activity", "nav-activity"),
    (Tab::Settings, "Settings", "settings", "nav-settings"),
];

fn nav_links(home: &HomeId, open: Tab, hooks: bool) -> impl Iterator<Item = Html> {
    let home = *home;
    TABS.into_iter().map(move |(tab, title, icon, hook)| {
        html! { <NavLink to={tab.route(&home)} current={tab == open} {title} {icon} testid={hooks.then_some(hook)} /> }
    })
}

#[derive(Properties, PartialEq)]
struct NavLinkProps {
    to: Route,
    current: bool,
    title: &'static str,
    icon: &'static str,
    testid: Option<&'static str>,
}

#[component]
fn NavLink(props: &NavLinkProps) -> Html {
    let navigator = use_navigator();
    let to = props.to.clone();
    let onclick = Callback::from(move |e: MouseEvent| {
        if let Some(navigator) =
            navigator.as_ref().filter(|_| !e.ctrl_key() && !e.meta_key() && e.button() == 0)
        {
            e.prevent_default();
            navigator.push(&to);
        }
    });
    html! {
        <a href={props.to.to_path()} {onclick} aria-current={props.current.then_some("page")} data-testid={props.testid}>
            <Icon name={props.icon} />{ props.title }
        </a>
    }
}

fn live_state(ctx: &HomeCtx) -> Html {
    let (value, tone, words) = match ctx.live {
        Live::On => ("live", "good", "Live".to_owned()),
        Live::Connecting => ("connecting", "", "Connecting…".to_owned()),
        Live::Off => {
            ("offline", "warn", format!("Offline, as of {}", since_words(ctx.home.as_of, crate::js::now())))
        }
    };
    html! {
        <p class="live" role="status" data-testid="live-state" data-live={value}>
            <span class={classes!("dot", tone)}></span>{ words }
        </p>
    }
}

/// The frame with everything around a page.
#[component]
pub fn Frame(props: &FrameProps) -> Html {
    let app = use_app();
    let (state, store, ctx) = use_home_store(app, props.signed.clone(), props.home);
    let name = ctx.as_ref().map(|ctx| ctx.home.name().to_owned()).unwrap_or_default();
    let content = match (&state, ctx.clone()) {
        (HomeState::Ready(_), Some(ctx)) => html! {
            <ContextProvider<HomeCtx> context={ctx}>{ for props.children.iter() }</ContextProvider<HomeCtx>>
        },
        (HomeState::Failed(problem), _) => {
            let retry = Callback::from(move |()| {
                let store = store.clone();
                spawn_local(async move {
                    // The outcome is shown by the state.
                    let _ = store.refresh().await;
                });
            });
            html! {
                <div class="page">
                    <ErrorNote problem={problem.clone()} />
                    <p><Button icon="refresh" onclick={retry}>{ "Try again" }</Button></p>
                </div>
            }
        }
        _ => html! { <Skeleton /> },
    };
    let alarm = ctx.as_ref().and_then(|ctx| ctx.alarm).map(|alarm| alarm.problem());
    html! {
        <div class="app">
            <a class="skip" href="#main">{ "Skip to content" }</a>
            <div class="topbar">
                <svg class="icon big" aria-hidden="true"><use href="#i-brand" /></svg>
                <Switcher signed={props.signed.clone()} home={props.home} name={name.clone()} place="top" />
                <span class="end">{ ctx.as_ref().map(live_state) }</span>
            </div>
            <div class="rail">
                <Link<Route> classes="brand" to={Tab::Today.route(&props.home)}>
                    <svg aria-hidden="true"><use href="#i-brand" /></svg>{ "Latchkey" }
                </Link<Route>>
                <Switcher signed={props.signed.clone()} home={props.home} {name} place="rail" />
                <nav aria-label="Home"><ul>{ for nav_links(&props.home, props.tab, true).map(|link| html! { <li>{ link }</li> }) }</ul></nav>
                <div class="rail-foot">{ ctx.as_ref().map(live_state) }</div>
            </div>
            <main class="main" id="main">
                if let Some(problem) = alarm {
                    <div class="notice bad alarm" role="alert" data-testid="alarm" data-code={problem.code.clone()}>
                        <Icon name="alert" />
                        <div><p class="title">{ problem.text }</p><p>{ problem.next }</p></div>
                    </div>
                }
                { content }
            </main>
            <nav class="tabs" aria-label="Home">{ for nav_links(&props.home, props.tab, false) }</nav>
            <Toasts />
            <StepUpDialog />
        </div>
    }
}

#[derive(Properties, Clone)]
struct SwitcherProps {
    signed: Rc<Signed>,
    home: HomeId,
    name: String,
    place: &'static str,
}

impl PartialEq for SwitcherProps {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.signed, &other.signed) && self.home == other.home && self.name == other.name
    }
}

/// Which home is open, and the way to the others.
#[component]
fn Switcher(props: &SwitcherProps) -> Html {
    let id = format!("homes-{}", props.place);
    let others: Vec<HomeId> = props.signed.account.home_ids().filter(|home| *home != props.home).collect();
    let known = |home: &HomeId| {
        crate::js::remembered(&format!("name.{home}")).unwrap_or_else(|| "Another home".into())
    };
    html! {
        <>
            <button type="button" class="switcher" popovertarget={id.clone()}>
                <span class="grow">{ if props.name.is_empty() { "…" } else { &props.name } }</span>
                <Icon name="down" />
            </button>
            <div class="menu" {id} popover="auto">
                <ul>
                    { for others.iter().map(|home| html! {
                        <li><Link<Route> to={Tab::Today.route(home)}><Icon name="home" />{ known(home) }</Link<Route>></li>
                    }) }
                    <li><Link<Route> to={Route::NewHome}><Icon name="plus" />{ "Add a home" }</Link<Route>></li>
                </ul>
            </div>
        </>
    }
}

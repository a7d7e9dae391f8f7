//! The pages, one module each, and which address shows which.

mod activity;
mod code;
mod code_form;
mod codes;
mod data;
mod doors;
mod duress;
mod home_rules;
mod hub;
mod integrations;
mod join;
mod kit;
mod landing;
mod lock;
mod mine;
mod new_home;
mod not_found;
mod pair;
mod people;
mod recover;
mod review;
mod schedule;
mod settings;
mod sharing;
mod sign_in;
mod sign_up;
mod today;
mod today_more;

pub use codes::BulkProps;
pub use landing::Landing;
pub use not_found::NotFound;
pub use people::tend;

use crate::app::unreachable_page;
use crate::components::{Frame, Gate, skeleton};
use crate::js;
use crate::part::{InPart, Part};
use crate::route::{Route, Tab};
use crate::state::{Auth, Signed, use_app};
use latchkey_shared::id::{GrantId, HomeId, HubId, KeyId, LockId};
use sign_in::SignIn;
use std::rc::Rc;
use yew::prelude::*;

/// The pages of [`Part::Entry`].
pub fn entry(route: &Route) -> Html {
    match route {
        Route::SignUp => html! { <sign_up::SignUp /> },
        Route::SignIn => html! { <SignIn /> },
        Route::Recover => html! { <recover::Recover /> },
        Route::Kit => html! { <SignedIn><kit::KitPage /></SignedIn> },
        Route::Pair => html! { <SignedIn><pair::Pair /></SignedIn> },
        Route::NewHome => html! { <SignedIn><new_home::NewHome /></SignedIn> },
        _ => html! { <NotFound /> },
    }
}

/// The pages of [`Part::Home`], and the frame of those of [`Part::Manage`].
pub fn home(route: &Route) -> Html {
    let Some((home, tab)) = route.place() else { return html! { <NotFound /> } };
    let page = match tab {
        Tab::Today => html! { <today::Today /> },
        _ => html! { <InPart part={inner_part(route)} route={route.clone()} /> },
    };
    let at_once = matches!(route, Route::Today { .. } | Route::Codes { .. });
    html! { <InHome {home} {tab} {at_once}>{ page }</InHome> }
}

/// What [`Part::Manage`] adds to Today.
pub fn today_more() -> Html {
    html! { <today_more::More /> }
}

/// The pages of [`Part::Exchange`].
pub fn exchange(route: &Route) -> Html {
    match route {
        Route::Data { .. } => html! { <data::Data /> },
        _ => html! { <NotFound /> },
    }
}

/// In which part a page within a home's frame is.
fn inner_part(route: &Route) -> Part {
    match route {
        Route::People { .. }
        | Route::Invite { .. }
        | Route::Person { .. }
        | Route::Integrations { .. }
        | Route::Hub { .. }
        | Route::Lock { .. } => Part::People,
        Route::Data { .. } => Part::Exchange,
        Route::Codes { .. } => Part::Codes,
        _ => Part::Manage,
    }
}

/// The pages of [`Part::People`].
pub fn people(route: &Route) -> Html {
    match route {
        Route::Join => html! { <join::Join /> },
        Route::Mine { home } => match HomeId::parse(home) {
            Ok(home) => html! { <OwnCodes {home} /> },
            Err(_) => html! { <NotFound /> },
        },
        Route::People { .. } => html! { <people::People /> },
        Route::Integrations { .. } => html! { <integrations::Integrations /> },
        Route::Hub { hub, .. } => match HubId::parse(hub) {
            Ok(hub) => html! { <hub::Hub key={hub.to_string()} id={hub} /> },
            Err(_) => html! { <NotFound /> },
        },
        Route::Lock { lock, .. } => match LockId::parse(lock) {
            Ok(lock) => html! { <lock::Lock key={lock.to_string()} id={lock} /> },
            Err(_) => html! { <NotFound /> },
        },
        Route::Invite { .. } => html! { <people::Inviting /> },
        Route::Person { key, .. } => match KeyId::parse(key) {
            Ok(key) => html! { <people::Person key={key.to_string()} id={key} /> },
            Err(_) => html! { <NotFound /> },
        },
        _ => html! { <NotFound /> },
    }
}

/// The page of [`Part::Codes`].
pub fn codes(route: &Route) -> Html {
    match route {
        Route::Codes { .. } => html! { <codes::Codes /> },
        _ => html! { <NotFound /> },
    }
}

/// What [`Part::Manage`] adds to the list of codes.
pub fn bulk(props: &BulkProps) -> Html {
    html! { <codes::Bulk ..props.clone() /> }
}

/// The pages of [`Part::Manage`].
pub fn manage(route: &Route) -> Html {
    match route {
        Route::NewCode { .. } => html! { <code_form::NewCode /> },
        Route::EditCode { grant, .. } => match GrantId::parse(grant) {
            Ok(grant) => html! { <code_form::EditCode key={grant.to_string()} {grant} /> },
            Err(_) => html! { <NotFound /> },
        },
        Route::Code { grant, .. } => match GrantId::parse(grant) {
            Ok(grant) => html! { <code::Code key={grant.to_string()} {grant} /> },
            Err(_) => html! { <NotFound /> },
        },
        Route::Review { .. } => html! { <review::Review /> },
        Route::Schedule { .. } => html! { <schedule::Schedule /> },
        Route::Doors { .. } => html! { <doors::Doors /> },
        Route::Activity { .. } => html! { <activity::Activity /> },
        Route::Settings { .. } => html! { <settings::Settings /> },
        _ => html! { <NotFound /> },
    }
}

#[derive(Properties, PartialEq)]
struct SignedInProps {
    children: Children,
}

/// Shows its content to whoever is signed in; others sign in first and come back.
#[component]
fn SignedIn(props: &SignedInProps) -> Html {
    let app = use_app();
    match app.0.auth {
        Auth::Restoring => html! { <Gate>{ skeleton() }</Gate> },
        Auth::Out => html! { <InPart part={Part::Entry} route={Route::SignIn} /> },
        Auth::Unreachable(ref problem) => unreachable_page(&app, problem),
        Auth::In(_) => html! { { for props.children.iter() } },
    }
}

#[derive(Properties, PartialEq)]
struct OwnCodesProps {
    home: HomeId,
}

/// A resident's page, once they are signed in.
#[component]
fn OwnCodes(props: &OwnCodesProps) -> Html {
    let app = use_app();
    match &app.0.auth {
        Auth::Restoring => html! { <Gate>{ skeleton() }</Gate> },
        Auth::Out => html! { <InPart part={Part::Entry} route={Route::SignIn} /> },
        Auth::Unreachable(problem) => unreachable_page(&app, problem),
        Auth::In(signed) => {
            html! { <mine::MinePage key={props.home.to_string()} home={props.home} signed={signed.clone()} /> }
        }
    }
}

#[derive(Properties, PartialEq)]
struct InHomeProps {
    home: HomeId,
    tab: Tab,
    at_once: bool,
    children: Children,
}

/// A home's page in its frame.
#[component]
fn InHome(props: &InHomeProps) -> Html {
    let app = use_app();
    use_effect_with(props.home, |home| js::remember("last_home", &home.to_string()));
    match &app.0.auth {
        Auth::Restoring => html! { <Gate>{ skeleton() }</Gate> },
        Auth::Out => html! { <InPart part={Part::Entry} route={Route::SignIn} /> },
        Auth::Unreachable(problem) => unreachable_page(&app, problem),
        Auth::In(signed) => frame(props, signed.clone()),
    }
}

fn frame(props: &InHomeProps, signed: Rc<Signed>) -> Html {
    html! {
        <Frame key={props.home.to_string()} home={props.home} {signed} tab={props.tab} at_once={props.at_once}>
            { for props.children.iter() }
        </Frame>
    }
}

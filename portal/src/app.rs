//! The app around its parts.

use crate::components::{Button, ErrorNote, Gate, PageHead};
use crate::js;
use crate::pages::{Landing, NotFound};
use crate::part::{InPart, Part};
use crate::problem::Problem;
use crate::route::{Route, Tab};
use crate::state::{Action, App, State};
use latchkey_shared::id::HomeId;
use latchkey_shared::invite::InviteSecret;
use std::rc::Rc;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::spawn_local;
use web_sys::Element;
use yew::prelude::*;
use yew_router::prelude::*;

/// Remembers the home whose invitation was answered here, until it is open.
pub const JOINING: &str = "joining";

/// Where somebody who just signed in goes.
pub fn entrance(app: &App) -> Route {
    let Some(signed) = app.signed() else { return Route::SignIn };
    if app.0.kit.is_some() {
        return Route::Kit;
    }
    if app.0.pairing.is_some() {
        return Route::Pair;
    }
    if app.0.joining.is_some() {
        return Route::Join;
    }
    // Where the person was last, if the home is still theirs.
    let last = js::remembered("last_home").and_then(|id| HomeId::parse(&id).ok());
    let homes: Vec<HomeId> = signed.account.home_ids().collect();
    match last.filter(|id| homes.contains(id)).or_else(|| homes.first().copied()) {
        Some(home) => Tab::Today.route(&home),
        // Somebody has yet to let this person in.
        None if js::remembered(JOINING).is_some() => Route::Join,
        None => Route::NewHome,
    }
}

/// Everything.
#[component]
pub fn Main() -> Html {
    let state = use_reducer(State::default);
    let app = App(state);
    {
        let app = app.clone();
        use_effect_with((), move |()| {
            if let Some(secret) = js::secret_in_address("/pair") {
                app.0.dispatch(Action::Pairing(Some(Rc::new(secret))));
            }
            if let Some(secret) = js::secret_in_address("/join").and_then(|s| InviteSecret::parse(&s).ok()) {
                app.0.dispatch(Action::Joining(Some(Rc::new(secret))));
            }
            spawn_local(async move { app.restore().await });
        });
    }
    html! {
        <ContextProvider<App> context={app}>
            <BrowserRouter>
                <Links><Switch<Route> render={render} /></Links>
            </BrowserRouter>
        </ContextProvider<App>>
    }
}

#[derive(Properties, PartialEq)]
struct LinksProps {
    children: Children,
}

/// Follows plain links within the app without loading the page anew. Everything else, a new tab say, is the browser's.
#[component]
fn Links(props: &LinksProps) -> Html {
    let navigator = use_navigator();
    let onclick = Callback::from(move |e: MouseEvent| {
        let plain = e.button() == 0 && !(e.ctrl_key() || e.meta_key() || e.shift_key() || e.alt_key());
        let target = e.target().and_then(|target| target.dyn_into::<Element>().ok());
        let link = target.and_then(|target| target.closest("a[href^='/']").ok()?);
        let route = link.and_then(|link| link.get_attribute("href")).and_then(|path| Route::recognize(&path));
        if let (true, false, Some(navigator), Some(route)) = (plain, e.default_prevented(), &navigator, route)
        {
            e.prevent_default();
            navigator.push(&route);
        }
    });
    html! { <div class="links" {onclick}>{ for props.children.iter() }</div> }
}

fn render(route: Route) -> Html {
    let part = match route {
        Route::Landing => return html! { <Landing /> },
        Route::NotFound => return html! { <NotFound /> },
        Route::SignUp | Route::SignIn | Route::Recover | Route::Kit | Route::Pair | Route::NewHome => {
            Part::Entry
        }
        Route::Join | Route::Mine { .. } => Part::People,
        _ => Part::Home,
    };
    html! { <InPart {part} {route} /> }
}

/// The server does not answer: nothing is lost, so one waits or tries again.
pub fn unreachable_page(app: &App, problem: &Problem) -> Html {
    let app = app.clone();
    let retry = Callback::from(move |()| {
        let app = app.clone();
        spawn_local(async move { app.restore().await });
    });
    html! {
        <Gate>
            <div class="stack loose">
                <PageHead title="No connection" />
                <ErrorNote problem={problem.clone()} />
                <Button class="primary" icon="refresh" onclick={retry}>{ "Try again" }</Button>
            </div>
        </Gate>
    }
}

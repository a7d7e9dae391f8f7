//! Addresses, and which page each one is.

use crate::components::{Button, ErrorNote, Frame, Gate, PageHead, skeleton};
use crate::js;
use crate::pages;
use crate::problem::Problem;
use crate::state::{Action, App, Auth, Signed, State, use_app};
use latchkey_shared::id::{GrantId, HomeId};
use std::collections::HashMap;
use std::rc::Rc;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::spawn_local;
use web_sys::Element;
use yew::prelude::*;
use yew_router::prelude::*;

/// The app's addresses.
#[derive(Clone, PartialEq, Eq, Debug)]
#[allow(missing_docs)]
pub enum Route {
    Landing,
    SignUp,
    SignIn,
    Recover,
    Kit,
    Pair,
    NewHome,
    Today { home: String },
    Codes { home: String },
    NewCode { home: String },
    Code { home: String, grant: String },
    Doors { home: String },
    Activity { home: String },
    Settings { home: String },
    NotFound,
}

/// By hand: the derived matcher costs a tenth of all of our own code.
impl Routable for Route {
    fn from_path(path: &str, _: &HashMap<&str, &str>) -> Option<Self> {
        Self::recognize(path)
    }

    fn to_path(&self) -> String {
        match self {
            Self::Landing => "/".into(),
            Self::SignUp => "/signup".into(),
            Self::SignIn => "/signin".into(),
            Self::Recover => "/recover".into(),
            Self::Kit => "/kit".into(),
            Self::Pair => "/pair".into(),
            Self::NewHome => "/homes/new".into(),
            Self::Today { home } => format!("/h/{home}/today"),
            Self::Codes { home } => format!("/h/{home}/codes"),
            Self::NewCode { home } => format!("/h/{home}/codes/new"),
            Self::Code { home, grant } => format!("/h/{home}/codes/{grant}"),
            Self::Doors { home } => format!("/h/{home}/doors"),
            Self::Activity { home } => format!("/h/{home}/activity"),
            Self::Settings { home } => format!("/h/{home}/settings"),
            Self::NotFound => "/404".into(),
        }
    }

    fn routes() -> Vec<&'static str> {
        Vec::new()
    }

    fn not_found_route() -> Option<Self> {
        Some(Self::NotFound)
    }

    fn recognize(path: &str) -> Option<Self> {
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let home = || (*parts.get(1).unwrap_or(&"")).to_owned();
        Some(match parts.as_slice() {
            [] => Self::Landing,
            ["signup"] => Self::SignUp,
            ["signin"] => Self::SignIn,
            ["recover"] => Self::Recover,
            ["kit"] => Self::Kit,
            ["pair"] => Self::Pair,
            ["homes", "new"] => Self::NewHome,
            ["h", _, "today"] => Self::Today { home: home() },
            ["h", _, "codes"] => Self::Codes { home: home() },
            ["h", _, "codes", "new"] => Self::NewCode { home: home() },
            ["h", _, "codes", grant] => Self::Code { home: home(), grant: (*grant).to_owned() },
            ["h", _, "doors"] => Self::Doors { home: home() },
            ["h", _, "activity"] => Self::Activity { home: home() },
            ["h", _, "settings"] => Self::Settings { home: home() },
            _ => Self::NotFound,
        })
    }
}

/// The tabs of a home.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)]
pub enum Tab {
    Today,
    Codes,
    Doors,
    Activity,
    Settings,
}

impl Tab {
    /// The tab's address.
    pub fn route(self, home: &HomeId) -> Route {
        let home = home.to_string();
        match self {
            Self::Today => Route::Today { home },
            Self::Codes => Route::Codes { home },
            Self::Doors => Route::Doors { home },
            Self::Activity => Route::Activity { home },
            Self::Settings => Route::Settings { home },
        }
    }
}

/// Where somebody who just signed in goes.
pub fn entrance(app: &App) -> Route {
    let Some(signed) = app.signed() else { return Route::SignIn };
    if app.0.kit.is_some() {
        return Route::Kit;
    }
    if app.0.pairing.is_some() {
        return Route::Pair;
    }
    // Where the person was last, if the home is still theirs.
    let last = js::remembered("last_home").and_then(|id| HomeId::parse(&id).ok());
    let homes: Vec<HomeId> = signed.account.home_ids().collect();
    match last.filter(|id| homes.contains(id)).or_else(|| homes.first().copied()) {
        Some(home) => Tab::Today.route(&home),
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
            if let Some(secret) = js::pairing_in_address() {
                app.0.dispatch(Action::Pairing(Some(Rc::new(secret))));
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
    let home_page = |home: &str, tab: Tab, page: Html| match HomeId::parse(home) {
        Ok(home) => html! { <InHome {home} {tab}>{ page }</InHome> },
        Err(_) => html! { <pages::NotFound /> },
    };
    match route {
        Route::Landing => html! { <pages::Landing /> },
        Route::SignUp => html! { <pages::SignUp /> },
        Route::SignIn => html! { <pages::SignIn /> },
        Route::Recover => html! { <pages::Recover /> },
        Route::Kit => html! { <SignedIn><pages::KitPage /></SignedIn> },
        Route::Pair => html! { <SignedIn><pages::Pair /></SignedIn> },
        Route::NewHome => html! { <SignedIn><pages::NewHome /></SignedIn> },
        Route::Today { home } => home_page(&home, Tab::Today, html! { <pages::Today /> }),
        Route::Codes { home } => home_page(&home, Tab::Codes, html! { <pages::Codes /> }),
        Route::NewCode { home } => home_page(&home, Tab::Codes, html! { <pages::NewCode /> }),
        Route::Code { home, grant } => match GrantId::parse(&grant) {
            Ok(grant) => {
                home_page(&home, Tab::Codes, html! { <pages::Code key={grant.to_string()} {grant} /> })
            }
            Err(_) => html! { <pages::NotFound /> },
        },
        Route::Doors { home } => home_page(&home, Tab::Doors, html! { <pages::Doors /> }),
        Route::Activity { home } => home_page(&home, Tab::Activity, html! { <pages::Activity /> }),
        Route::Settings { home } => home_page(&home, Tab::Settings, html! { <pages::Settings /> }),
        Route::NotFound => html! { <pages::NotFound /> },
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
        Auth::Out => html! { <pages::SignIn /> },
        Auth::Unreachable(ref problem) => unreachable_page(&app, problem),
        Auth::In(_) => html! { { for props.children.iter() } },
    }
}

#[derive(Properties, PartialEq)]
struct InHomeProps {
    home: HomeId,
    tab: Tab,
    children: Children,
}

/// A home's page in its frame.
#[component]
fn InHome(props: &InHomeProps) -> Html {
    let app = use_app();
    use_effect_with(props.home, |home| js::remember("last_home", &home.to_string()));
    match &app.0.auth {
        Auth::Restoring => html! { <Gate>{ skeleton() }</Gate> },
        Auth::Out => html! { <pages::SignIn /> },
        Auth::Unreachable(problem) => unreachable_page(&app, problem),
        Auth::In(signed) => frame(props, signed.clone()),
    }
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

fn frame(props: &InHomeProps, signed: Rc<Signed>) -> Html {
    html! {
        <Frame key={props.home.to_string()} home={props.home} {signed} tab={props.tab}>
            { for props.children.iter() }
        </Frame>
    }
}

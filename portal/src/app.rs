//! Addresses, and which page each one is.

use crate::components::{Frame, Gate, Skeleton};
use crate::js;
use crate::pages;
use crate::state::{Action, App, Auth, Signed, State, use_app};
use latchkey_shared::id::{GrantId, HomeId};
use std::rc::Rc;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;
use yew_router::prelude::*;

/// The app's addresses.
#[derive(Clone, PartialEq, Eq, Debug, Routable)]
#[allow(missing_docs)]
pub enum Route {
    #[at("/")]
    Landing,
    #[at("/signup")]
    SignUp,
    #[at("/signin")]
    SignIn,
    #[at("/recover")]
    Recover,
    #[at("/kit")]
    Kit,
    #[at("/pair")]
    Pair,
    #[at("/homes/new")]
    NewHome,
    #[at("/h/:home/today")]
    Today { home: String },
    #[at("/h/:home/codes")]
    Codes { home: String },
    #[at("/h/:home/codes/new")]
    NewCode { home: String },
    #[at("/h/:home/codes/:grant")]
    Code { home: String, grant: String },
    #[at("/h/:home/doors")]
    Doors { home: String },
    #[at("/h/:home/activity")]
    Activity { home: String },
    #[at("/h/:home/settings")]
    Settings { home: String },
    #[not_found]
    #[at("/404")]
    NotFound,
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
                <Switch<Route> render={render} />
            </BrowserRouter>
        </ContextProvider<App>>
    }
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
    match use_app().0.auth {
        Auth::Restoring => html! { <Gate><Skeleton /></Gate> },
        Auth::Out => html! { <pages::SignIn /> },
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
        Auth::Restoring => html! { <Gate><Skeleton /></Gate> },
        Auth::Out => html! { <pages::SignIn /> },
        Auth::In(signed) => frame(props, signed.clone()),
    }
}

fn frame(props: &InHomeProps, signed: Rc<Signed>) -> Html {
    html! {
        <Frame key={props.home.to_string()} home={props.home} {signed} tab={props.tab}>
            { for props.children.iter() }
        </Frame>
    }
}

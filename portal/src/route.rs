//! Addresses.

use latchkey_shared::id::HomeId;
use std::collections::HashMap;
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
    Join,
    Mine { home: String },
    Today { home: String },
    Codes { home: String },
    NewCode { home: String },
    Code { home: String, grant: String },
    EditCode { home: String, grant: String },
    Schedule { home: String },
    Review { home: String },
    Doors { home: String },
    Activity { home: String },
    Settings { home: String },
    Data { home: String },
    People { home: String },
    Invite { home: String },
    Person { home: String, key: String },
    Integrations { home: String },
    Hub { home: String, hub: String },
    Lock { home: String, lock: String },
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
            Self::EditCode { home, grant } => format!("/h/{home}/codes/{grant}/edit"),
            Self::Schedule { home } => format!("/h/{home}/schedule"),
            Self::Review { home } => format!("/h/{home}/review"),
            Self::Doors { home } => format!("/h/{home}/doors"),
            Self::Activity { home } => format!("/h/{home}/activity"),
            Self::Settings { home } => format!("/h/{home}/settings"),
            Self::Data { home } => format!("/h/{home}/data"),
            Self::People { home } => format!("/h/{home}/people"),
            Self::Invite { home } => format!("/h/{home}/people/invite"),
            Self::Person { home, key } => format!("/h/{home}/people/{key}"),
            Self::Integrations { home } => format!("/h/{home}/programs"),
            Self::Hub { home, hub } => format!("/h/{home}/hubs/{hub}"),
            Self::Lock { home, lock } => format!("/h/{home}/doors/{lock}"),
            Self::Join => "/join".into(),
            Self::Mine { home } => format!("/h/{home}/mine"),
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
            ["h", _, "codes", grant, "edit"] => Self::EditCode { home: home(), grant: (*grant).to_owned() },
            ["h", _, "schedule"] => Self::Schedule { home: home() },
            ["h", _, "review"] => Self::Review { home: home() },
            ["h", _, "doors"] => Self::Doors { home: home() },
            ["h", _, "doors", lock] => Self::Lock { home: home(), lock: (*lock).to_owned() },
            ["h", _, "activity"] => Self::Activity { home: home() },
            ["h", _, "data"] => Self::Data { home: home() },
            ["h", _, "settings"] => Self::Settings { home: home() },
            ["h", _, "people"] => Self::People { home: home() },
            ["h", _, "people", "invite"] => Self::Invite { home: home() },
            ["h", _, "people", key] => Self::Person { home: home(), key: (*key).to_owned() },
            ["h", _, "mine"] => Self::Mine { home: home() },
            ["h", _, "programs"] => Self::Integrations { home: home() },
            ["h", _, "hubs", hub] => Self::Hub { home: home(), hub: (*hub).to_owned() },
            ["join"] => Self::Join,
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

impl Route {
    /// The home and the tab that an address is in, if it is in one.
    pub fn place(&self) -> Option<(HomeId, Tab)> {
        let (home, tab) = match self {
            Self::Today { home } => (home, Tab::Today),
            Self::Codes { home }
            | Self::NewCode { home }
            | Self::Code { home, .. }
            | Self::EditCode { home, .. }
            | Self::Schedule { home }
            | Self::Review { home } => (home, Tab::Codes),
            Self::Doors { home } | Self::Hub { home, .. } | Self::Lock { home, .. } => (home, Tab::Doors),
            Self::Activity { home } => (home, Tab::Activity),
            Self::Settings { home }
            | Self::Data { home }
            | Self::People { home }
            | Self::Invite { home }
            | Self::Person { home, .. }
            | Self::Integrations { home } => (home, Tab::Settings),
            _ => return None,
        };
        HomeId::parse(home).ok().map(|home| (home, tab))
    }
}

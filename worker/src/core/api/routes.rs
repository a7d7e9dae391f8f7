//! The routes of the API for programs, once: the router finds them here, and `docs/api.md` and the OpenAPI document
//! are checked against this table.

use latchkey_shared::id::GrantId;
use latchkey_shared::wire::derive::{Decode, Encode};

use crate::error::{METHOD, NO_CODE, NO_ROUTE, Result};

/// What a token may do.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Encode, Decode)]
#[cbor(index_only)]
pub enum TokenScope {
    /// Read the home's name, rules and people.
    #[n(0)]
    HomeRead,
    /// Read locks and hubs.
    #[n(1)]
    LocksRead,
    /// Read codes and how they stand.
    #[n(2)]
    CodesRead,
    /// Make, change and revoke guests' codes within the issuer's limits.
    #[n(3)]
    CodesWrite,
    /// Read the log.
    #[n(4)]
    LogRead,
}

impl TokenScope {
    /// Every scope.
    pub const ALL: [Self; 5] =
        [Self::HomeRead, Self::LocksRead, Self::CodesRead, Self::CodesWrite, Self::LogRead];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::HomeRead => "home:read",
            Self::LocksRead => "locks:read",
            Self::CodesRead => "codes:read",
            Self::CodesWrite => "codes:write",
            Self::LogRead => "log:read",
        }
    }

    /// The scope of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.name() == name)
    }
}

/// What a route does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Call {
    /// The home.
    Home,
    /// Its people.
    People,
    /// Its locks.
    Locks,
    /// Its hubs.
    Hubs,
    /// A page of codes.
    Codes,
    /// Makes a code.
    NewCode,
    /// A code.
    Code,
    /// Changes a code.
    ChangeCode,
    /// Revokes a code.
    RevokeCode,
    /// A page of the log.
    Log,
}

/// A route.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    /// Upper case.
    pub method: &'static str,
    /// The path below `/api/v1/homes/{home}/`; `{code}` stands for a code's id.
    pub path: &'static str,
    /// What it does.
    pub call: Call,
    /// What a token needs.
    pub scope: TokenScope,
}

const fn route(method: &'static str, path: &'static str, call: Call, scope: TokenScope) -> Route {
    Route { method, path, call, scope }
}

/// Every route.
pub const ROUTES: &[Route] = &[
    route("GET", "", Call::Home, TokenScope::HomeRead),
    route("GET", "people", Call::People, TokenScope::HomeRead),
    route("GET", "locks", Call::Locks, TokenScope::LocksRead),
    route("GET", "hubs", Call::Hubs, TokenScope::LocksRead),
    route("GET", "codes", Call::Codes, TokenScope::CodesRead),
    route("POST", "codes", Call::NewCode, TokenScope::CodesWrite),
    route("GET", "codes/{code}", Call::Code, TokenScope::CodesRead),
    route("PATCH", "codes/{code}", Call::ChangeCode, TokenScope::CodesWrite),
    route("DELETE", "codes/{code}", Call::RevokeCode, TokenScope::CodesWrite),
    route("GET", "log", Call::Log, TokenScope::LogRead),
];

/// The code's id in a path that has one.
fn id_in<'p>(template: &str, path: &'p str) -> Option<Option<&'p str>> {
    match template.strip_suffix("{code}") {
        None => (template == path).then_some(None),
        Some(start) => path.strip_prefix(start).filter(|id| !id.is_empty() && !id.contains('/')).map(Some),
    }
}

/// Whether some route has this path.
pub fn is_api(path: &str) -> bool {
    ROUTES.iter().any(|route| id_in(route.path, path).is_some())
}

/// The methods that a path takes, for `Allow`.
pub fn allowed(path: &str) -> String {
    let methods = ROUTES.iter().filter(|route| id_in(route.path, path).is_some()).map(|route| route.method);
    methods.collect::<Vec<_>>().join(", ")
}

/// The route of a request, and the code that its path names.
pub fn find(method: &str, path: &str) -> Result<(&'static Route, Option<GrantId>)> {
    let mut known = false;
    for route in ROUTES {
        let Some(id) = id_in(route.path, path) else { continue };
        known = true;
        if route.method == method {
            let id = id.map(|text| GrantId::parse(text).map_err(|_| NO_CODE)).transpose()?;
            return Ok((route, id));
        }
    }
    Err(if known { METHOD } else { NO_ROUTE })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_is_found_and_nothing_else() {
        let id = GrantId([7; 16]);
        for route in ROUTES {
            let path = route.path.replace("{code}", &id.to_string());
            let (found, code) = find(route.method, &path).unwrap();
            assert_eq!(found.call, route.call);
            assert_eq!(code, route.path.contains("{code}").then_some(id));
            assert_eq!(find("PUT", &path).unwrap_err(), METHOD);
            assert!(allowed(&path).split(", ").any(|method| method == route.method));
        }
        for path in ["nope", "codes/", "codes/a/b", "people/x", "/codes"] {
            assert!(!is_api(path) && find("GET", path).is_err(), "{path}");
        }
        assert_eq!(find("GET", "codes/x").unwrap_err(), NO_CODE);
        for scope in TokenScope::ALL {
            assert_eq!(TokenScope::parse(scope.name()), Some(scope));
        }
    }
}

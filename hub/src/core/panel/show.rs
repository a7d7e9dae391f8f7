//! What the open panel shows. No PIN, and no word of which code is a duress code.

use super::{PanelError, Token, When};
use crate::core::clock::Now;
use crate::core::hub::HubCore;
use latchkey_shared::chain::op::Scope;
use latchkey_shared::grant::{Grant, GrantKind};
use latchkey_shared::schedule::{Style, describe, duration};
use latchkey_shared::time::{Local, Timestamp};
use latchkey_shared::zone::{FixedZone, Zone};
use serde::Serialize;

/// What can be seen and done at the open panel.
#[derive(Clone, Debug, Serialize)]
pub struct PanelView {
    /// The codes that are not over.
    pub codes: Vec<PanelCode>,
    /// This hub's locks.
    pub doors: Vec<Door>,
    /// The kinds of code that may be made here.
    pub kinds: Vec<&'static str>,
    /// What may be done here, in a sentence; `None`: nothing.
    pub scope: Option<String>,
    /// Whether a code made here may be without an end.
    pub endless: bool,
    /// The home's zone.
    pub zone: String,
    /// The clock on the wall at home, `YYYY-MM-DDTHH:MM`.
    pub local: String,
    /// In how many seconds the panel closes by itself.
    pub closes_in: u64,
}

/// A lock of this hub.
#[derive(Clone, Debug, Serialize)]
pub struct Door {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Whether codes made here may be for it.
    pub allowed: bool,
}

/// A code.
#[derive(Clone, Debug, Serialize)]
pub struct PanelCode {
    /// The grant.
    pub grant: String,
    /// What people call it.
    pub label: String,
    /// The doors of this hub.
    pub doors: Vec<String>,
    /// When it opens, in a sentence.
    pub when: String,
    /// When it ends by the clock on the wall at home, `YYYY-MM-DDTHH:MM`.
    pub until: Option<String>,
    /// Whether it is paused.
    pub suspended: bool,
    /// Whether a change made here waits for the cloud.
    pub waiting: bool,
    /// Whether it may be changed here.
    pub editable: bool,
}

fn local_text(t: Timestamp, zone: &dyn Zone) -> String {
    let Local { year, month, day, hour, minute, .. } = zone.to_local(t);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}")
}

/// What a scope allows, in a sentence.
fn scope_sentence(scope: &Scope) -> String {
    let name = |kind: &GrantKind| match kind {
        GrantKind::Primary => Some("primary"),
        GrantKind::Standard => Some("family"),
        GrantKind::Guest => Some("guest"),
        GrantKind::Duress => None,
    };
    let kinds: Vec<&str> = scope.kinds.iter().filter_map(name).collect();
    let length = scope.max_length.map_or_else(String::new, |most| format!(" of at most {}", duration(most)));
    let doors = if scope.locks.is_some() { ", for some doors" } else { "" };
    format!("An owner lets this panel change {} codes{length}{doors}.", kinds.join(" and "))
}

impl HubCore {
    /// What the panel shows in this browser; `None` while it is shut there.
    pub fn panel_view(&self, token: &Token, now: &Now) -> Option<PanelView> {
        let left = self.panel_is_open(token, now)?;
        let t = self.clock.view(now).latest;
        let zone: &dyn Zone = self.trust.zone().map_or(&FixedZone::UTC, |zone| zone);
        let (state, scope) = (self.trust.effective()?, self.panel_scope());
        let on_offer = [GrantKind::Guest, GrantKind::Standard, GrantKind::Primary];
        let kinds = on_offer.into_iter().filter(|kind| scope.is_some_and(|scope| scope.kinds.contains(kind)));
        let grants = state.grants().values().map(|entry| &entry.grant);
        let live = grants.filter(|grant| grant.end().is_none_or(|end| end > t));
        let mut codes: Vec<PanelCode> =
            live.filter_map(|grant| self.panel_code(grant, scope, zone)).collect();
        codes.sort_by_key(|code| code.label.to_lowercase());
        let doors = self.by_name().into_iter().filter_map(|id| {
            let allowed =
                scope.is_some_and(|s| s.locks.as_ref().is_none_or(|locks| locks.binary_search(&id).is_ok()));
            Some(Door { id: id.to_string(), name: self.locks.get(&id)?.name.clone(), allowed })
        });
        Some(PanelView {
            codes,
            doors: doors.collect(),
            kinds: kinds.map(GrantKind::as_str).collect(),
            scope: scope.map(scope_sentence),
            endless: scope.is_some_and(|scope| scope.max_length.is_none()),
            zone: state.policy().zone.as_str().to_owned(),
            local: local_text(t, zone),
            closes_in: left.div_ceil(1_000),
        })
    }

    fn panel_code(&self, grant: &Grant, scope: Option<&Scope>, zone: &dyn Zone) -> Option<PanelCode> {
        let doors: Vec<String> =
            grant.locks.iter().filter_map(|id| self.locks.get(id)).map(|lock| lock.name.clone()).collect();
        if doors.is_empty() {
            // Another hub's.
            return None;
        }
        let before = self.trust.state().and_then(|state| state.grants().get(&grant.id));
        Some(PanelCode {
            grant: grant.id.to_string(),
            label: grant.label.clone(),
            doors,
            when: self.trust.effective()?.policy().describe(grant, zone, &Style::default()),
            until: grant.expires.map(|t| local_text(t, zone)),
            suspended: grant.suspended,
            waiting: before.is_none_or(|entry| entry.grant != *grant),
            editable: scope.is_some_and(|scope| scope.covers(grant)),
        })
    }

    /// When a code made now would open, in a sentence.
    pub fn panel_when(&mut self, token: &Token, when: When, now: &Now) -> Result<String, PanelError> {
        self.panel_touch(token, now).ok_or(PanelError::Shut)?;
        let (zone, t) = self.here_and_now(now)?;
        Ok(describe(&when.validity(t, &zone)?, &zone, &Style::default()))
    }
}

//! `/healthz`: what is not as it should be, each with a stable code. Pure.

use crate::core::view::HubView;
use serde::Serialize;
use std::collections::BTreeSet;

/// One thing that is not as it should be.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(super) struct Reason {
    /// The stable code.
    pub(super) code: &'static str,
    /// What it is about: a lock's name, a count, a sentence. No secret.
    pub(super) detail: String,
}

/// What is judged.
pub(super) struct Facts<'a> {
    /// What the hub shows; `None`: it belongs to no home.
    pub(super) view: Option<&'a HubView>,
    /// Whether it is known where the cloud is.
    pub(super) has_origin: bool,
    /// What is wrong with the configuration that was read last.
    pub(super) problems: &'a [String],
    /// The keys of locks that say that their batteries are low.
    pub(super) low_batteries: &'a BTreeSet<String>,
}

/// Everything that is not as it should be; nothing: all is well.
pub(super) fn reasons(facts: &Facts<'_>) -> Vec<Reason> {
    let mut found = vec![];
    let mut add = |code: &'static str, detail: String| found.push(Reason { code, detail });
    for problem in facts.problems {
        let restart = problem.starts_with("config.restart");
        add(if restart { "config.restart" } else { "config.broken" }, problem.clone());
    }
    if !facts.has_origin {
        add("config.no_origin", "The configuration does not say where the cloud is.".to_owned());
    }
    let Some(view) = facts.view else {
        add("hub.not_paired", "No home has taken this hub in. Its panel shows the pairing code.".to_owned());
        return found;
    };
    if let Some(alarm) = view.alarm {
        add("hub.alarm", format!("{alarm}: the cloud shows another history than before."));
    }
    if let Some(removed) = &view.removed {
        let left = match removed.holding.as_slice() {
            [] => "Its codes are off the locks: start it over to pair it again.".to_owned(),
            locks => format!("Codes are still on: {}.", locks.join(", ")),
        };
        add("hub.removed", format!("The hub was removed from its home. {left}"));
    }
    if view.leaving.is_some() {
        add("hub.leaving", "The hub is being taken out of its home.".to_owned());
    }
    if !view.online {
        add("cloud.offline", format!("The cloud does not answer. {} events wait.", view.unsent));
    }
    if !view.clock_trusted {
        add("clock.untrusted", "The time is not known: codes are taken off and none is put on.".to_owned());
    }
    if let Some(zone) = &view.zone_unknown {
        add("zone.unknown", format!("This hub has no rules for the zone {zone}."));
    }
    if let Some(code) = &view.refused {
        add("panel.refused", format!("The cloud does not take changes made at the panel: {code}."));
    }
    for lock in &view.locks {
        if !lock.reachable {
            add("lock.unreachable", format!("{} does not answer.", lock.name));
        }
        if facts.low_batteries.contains(&lock.key) {
            add("lock.battery_low", format!("The battery of {} is low.", lock.name));
        }
        let count = |state: &str| lock.codes.iter().filter(|code| code.state == state).count();
        match count("failed") {
            0 => {}
            n => add("code.failed", format!("{n} codes cannot be put on {}.", lock.name)),
        }
        match count("still_on_lock") {
            0 => {}
            n => add(
                "code.still_on_lock",
                format!("{n} codes should be off {} and may still open it.", lock.name),
            ),
        }
    }
    found
}

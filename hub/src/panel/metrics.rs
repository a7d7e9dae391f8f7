//! `/metrics` in Prometheus' text format (prometheus.io/docs/instrumenting/exposition_formats). Locks by their driver's
//! key; no code by its name, id or slot.

use super::health::Reason;
use crate::core::lock::Link;
use crate::core::view::{HubView, LockView};
use crate::shell::meter::Tally;
use std::collections::BTreeMap;
use std::fmt::{Display, Write};

/// What is shown.
pub(super) struct Facts<'a> {
    pub(super) view: Option<&'a HubView>,
    pub(super) tallies: &'a BTreeMap<String, Tally>,
    pub(super) reasons: &'a [Reason],
    pub(super) uptime: f64,
    pub(super) resident: Option<u64>,
}

/// States of a code that is to be on the lock now.
const DESIRED: [&str; 5] = ["waiting_for_hub", "writing", "on_lock", "written_unconfirmed", "failed"];

#[derive(Default)]
struct Page(String);

impl Page {
    /// A family's head and samples; a family without samples is left out.
    fn family<L: Display, V: Display>(
        &mut self,
        name: &str,
        kind: &str,
        help: &str,
        samples: impl IntoIterator<Item = (L, V)>,
    ) {
        let mut samples = samples.into_iter().peekable();
        if samples.peek().is_none() {
            return;
        }
        // Writing to a string does not fail.
        let _ = writeln!(self.0, "# HELP latchkey_hub_{name} {help}\n# TYPE latchkey_hub_{name} {kind}");
        for (labels, value) in samples {
            let _ = writeln!(self.0, "latchkey_hub_{name}{labels} {value}");
        }
    }

    fn gauge(&mut self, name: &str, help: &str, value: Option<impl Display>) {
        self.family(name, "gauge", help, value.map(|value| ("", value)));
    }
}

/// Labels in braces.
fn labels(pairs: &[(&str, &str)]) -> String {
    let escaped = |value: &str| value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    let pairs: Vec<String> =
        pairs.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
    format!("{{{}}}", pairs.join(","))
}

/// The page.
pub(super) fn page(facts: &Facts<'_>) -> String {
    let mut page = Page::default();
    process(&mut page, facts);
    if let Some(view) = facts.view {
        cloud(&mut page, view);
        locks(&mut page, view, facts.tallies);
    }
    page.0
}

fn process(page: &mut Page, facts: &Facts<'_>) {
    let version = labels(&[("version", env!("CARGO_PKG_VERSION"))]);
    page.family("build_info", "gauge", "The program's version.", [(version, 1)]);
    page.gauge("uptime_seconds", "Since the program was started.", Some(format!("{:.1}", facts.uptime)));
    page.gauge("resident_memory_bytes", "Memory in RAM.", facts.resident);
    page.gauge("paired", "Whether the hub belongs to a home.", Some(u8::from(facts.view.is_some())));
    page.gauge("healthy", "Whether /healthz has nothing to say.", Some(u8::from(facts.reasons.is_empty())));
    let mut problems: BTreeMap<&str, u64> = BTreeMap::new();
    for reason in facts.reasons {
        *problems.entry(reason.code).or_default() += 1;
    }
    let problems = problems.into_iter().map(|(code, count)| (labels(&[("code", code)]), count));
    page.family("problems", "gauge", "What /healthz has to say, by its code.", problems);
}

fn cloud(page: &mut Page, view: &HubView) {
    page.gauge("cloud_online", "Whether the cloud answered last time.", Some(u8::from(view.online)));
    page.gauge("cloud_socket", "Whether the cloud can reach the hub by itself.", Some(u8::from(view.socket)));
    let age = view.head_at.map(|at| view.now.saturating_sub(at));
    page.gauge("cloud_head_age_seconds", "Since the last head was signed.", age);
    page.gauge("chain_seq", "The newest op that was taken.", view.seq);
    page.gauge("outbox_events", "Events that the cloud does not have yet.", Some(view.unsent));
    page.gauge(
        "panel_changes_waiting",
        "Changes made at the panel that the cloud does not have yet.",
        Some(view.waiting),
    );
    page.gauge("clock_trusted", "Whether the hub trusts its time.", Some(u8::from(view.clock_trusted)));
}

fn locks(page: &mut Page, view: &HubView, tallies: &BTreeMap<String, Tally>) {
    let of = |lock: &LockView| labels(&[("lock", &lock.key), ("driver", &lock.driver)]);
    let each = |value: &dyn Fn(&LockView, Option<&Tally>) -> Option<String>| -> Vec<(String, String)> {
        let locks = view.locks.iter();
        locks.filter_map(|lock| Some((of(lock), value(lock, tallies.get(&lock.key))?))).collect()
    };
    let mut gauge = |name: &str, help: &str, value: &dyn Fn(&LockView, Option<&Tally>) -> Option<String>| {
        page.family(name, "gauge", help, each(value));
    };
    let states = |lock: &LockView, wanted: &[&str]| {
        Some(lock.codes.iter().filter(|code| wanted.contains(&code.state)).count().to_string())
    };
    gauge("lock_reachable", "Whether it answers.", &|lock, _| Some(u8::from(lock.reachable).to_string()));
    gauge("lock_battery_percent", "What is left of its battery.", &|_, tally| {
        Some(tally?.battery?.to_string())
    });
    gauge("lock_battery_low", "Whether it says that its battery is low.", &|_, tally| {
        tally.map(|tally| u8::from(tally.battery_low).to_string())
    });
    gauge("lock_link_dbm", "Its signal strength.", &|_, tally| match tally?.link? {
        Link::Dbm(dbm) => Some(dbm.to_string()),
        Link::Lqi(_) => None,
    });
    gauge("lock_link_quality", "Its link quality, from 0 to 255.", &|_, tally| match tally?.link? {
        Link::Lqi(lqi) => Some(lqi.to_string()),
        Link::Dbm(_) => None,
    });
    gauge("lock_last_seen_timestamp_seconds", "When it last answered or said something.", &|_, tally| {
        Some(tally?.last_seen?.0.to_string())
    });
    gauge("lock_codes_desired", "Codes that are to be on it now.", &|lock, _| states(lock, &DESIRED));
    gauge("lock_codes_reported", "Codes that were last seen in its slots.", &|lock, _| {
        let seen = |seen: &str| matches!(seen, "as written" | "occupied");
        Some(lock.slots.iter().filter(|slot| slot.what == "code" && seen(slot.seen)).count().to_string())
    });
    gauge("lock_codes_failed", "Codes that cannot be put on it.", &|lock, _| states(lock, &["failed"]));
    gauge("lock_codes_still_on", "Codes that are to be off it and are not known to be.", &|lock, _| {
        states(lock, &["still_on_lock"])
    });
    let retries = each(&|_, tally| Some(tally?.retries.to_string()));
    page.family("lock_retries_total", "counter", "Commands that were given again.", retries);
    let mut commands = vec![];
    for (lock, tally) in view.locks.iter().filter_map(|lock| Some((lock, tallies.get(&lock.key)?))) {
        for ((command, outcome), count) in &tally.commands {
            let pairs = [
                ("lock", lock.key.as_str()),
                ("driver", &lock.driver),
                ("command", command),
                ("outcome", outcome),
            ];
            commands.push((labels(&pairs), count));
        }
    }
    page.family("lock_commands_total", "counter", "Commands to it, by how they ended.", commands);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_escaped() {
        assert_eq!(labels(&[("lock", "sim/a\"b\\c\nd")]), "{lock=\"sim/a\\\"b\\\\c\\nd\"}");
    }

    #[test]
    fn an_unpaired_hub_has_a_page() {
        let reasons = [Reason { code: "hub.not_paired", detail: String::new() }];
        let facts = Facts {
            view: None,
            tallies: &BTreeMap::new(),
            reasons: &reasons,
            uptime: 1.25,
            resident: Some(9),
        };
        let page = page(&facts);
        assert!(page.contains("\nlatchkey_hub_paired 0\n") && page.contains("\nlatchkey_hub_healthy 0\n"));
        assert!(page.contains("latchkey_hub_problems{code=\"hub.not_paired\"} 1\n"), "{page}");
        for line in page.lines() {
            assert!(line.starts_with("# ") || line.starts_with("latchkey_hub_"), "{line}");
        }
    }
}

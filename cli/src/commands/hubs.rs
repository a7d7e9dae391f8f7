//! Hubs and locks.

use super::Run;
use crate::args::{HubsCommand, LocksArgs, Switch};
use crate::failure::{Exit, Failure, Result, Told};
use crate::home::Home;
use crate::out::table;
use crate::secret::Source;
use crate::state::rng;
use latchkey_shared::api::path;
use latchkey_shared::chain::op::Scope;
use latchkey_shared::event::EventNames;
use latchkey_shared::id::HubId;
use latchkey_shared::pair::{PairOffer, PairSecret};
use latchkey_shared::report::Report;
use latchkey_shared::schedule::Style;
use latchkey_shared::slot::Readback;
use latchkey_shared::trouble::{Pressing, Trouble};
use serde_json::{Value, json};
use std::path::PathBuf;

impl Run<'_> {
    pub(super) fn hubs(&self, command: &HubsCommand) -> Result {
        let client = self.client()?;
        let mut home = self.home(&client)?;
        match command {
            HubsCommand::List => self.list_hubs(&home),
            HubsCommand::Pair { code_file } => self.pair(&mut home, code_file.as_ref()),
            HubsCommand::Panel { hub, switch, scope } => {
                let hub = home.pick_hub(hub)?;
                let name = EventNames::hub(&home, &hub);
                let scope = match switch {
                    Switch::On => Some(home.scope(scope)?),
                    Switch::Off => None,
                };
                self.change_hub(&mut home, hub, &name, scope)
            }
            HubsCommand::Rename { hub, name } => {
                let hub = home.pick_hub(hub)?;
                let panel = home.view.chain.hubs().get(&hub).and_then(|entry| entry.panel.clone());
                self.change_hub(&mut home, hub, name.trim(), panel)
            }
            HubsCommand::Remove { hub } => {
                let hub = home.pick_hub(hub)?;
                let name = EventNames::hub(&home, &hub);
                let removal = home.composer()?.remove_hub(hub, &mut rng()).told()?;
                let done = "is removed. Once it hears of it, it takes its codes off its locks";
                self.removed(&mut home, &removal, &name, done)
            }
        }
    }

    fn change_hub(&self, home: &mut Home<'_>, hub: HubId, name: &str, panel: Option<Scope>) -> Result {
        let change = home.composer()?.change_hub(hub, name, panel).told()?;
        home.submit(&change)?;
        self.list_hubs(home)
    }

    fn list_hubs(&self, home: &Home<'_>) -> Result {
        let hubs = home.view.chain.hubs();
        let list: Vec<Value> = hubs
            .iter()
            .map(|(id, hub)| {
                let seen = home.view.hubs.get(id);
                json!({
                    "id": id.to_string(), "name": hub.key.name, "online": seen.is_some_and(|seen| seen.online),
                    "last_seen": seen.and_then(|seen| seen.last_seen).map(|t| t.0),
                    "seq": seen.and_then(|seen| seen.seq), "chain_seq": home.view.chain.seq(),
                    "panel": hub.panel.is_some(),
                })
            })
            .collect();
        self.out.answer(&json!({ "hubs": list }), || {
            let row = |(id, hub): (&HubId, &latchkey_shared::chain::HubEntry)| {
                let seen = home.view.hubs.get(id);
                let state = match seen {
                    Some(seen) if seen.online => "online".to_owned(),
                    Some(seen) => seen
                        .last_seen
                        .map_or_else(|| "offline".into(), |t| format!("offline since {}", home.at(t))),
                    None => "never heard of".into(),
                };
                [hub.key.name.clone(), state, id.to_string()]
            };
            let rows: Vec<[String; 3]> = hubs.iter().map(row).collect();
            if rows.is_empty() {
                "No hubs yet: latchkey hubs pair.".into()
            } else {
                table(["hub", "state", "id"], &rows)
            }
        })
    }

    fn pair(&self, home: &mut Home<'_>, file: Option<&PathBuf>) -> Result {
        let code = Source { what: "Pairing code", file, variable: "LATCHKEY_PAIRING" }.read()?;
        let secret = PairSecret::parse(code.rsplit('#').next().unwrap_or_default()).told()?;
        let offer: PairOffer = home.client.get(&path::pair(&secret.id()))?.cbor()?;
        secret.check_offer(&offer).told()?;
        // Paired before, and the answer was lost: only the answer is missing.
        let known = home.view.chain.hubs().get(&offer.hub).is_some_and(|hub| hub.key == offer.key);
        if !known {
            let change = home.composer()?.add_hub(&offer, None, &mut rng()).told()?;
            home.submit(&change)?;
        }
        let answer = secret.answer(home.id, home.view.chain.genesis_hash(), &offer.hub);
        home.client.send_cbor("PUT", &path::pair_answer(&secret.id()), &answer)?;
        self.out.answer(&json!({ "id": offer.hub.to_string(), "name": offer.key.name }), || {
            format!("{} is taken in. Its locks appear in a moment: latchkey locks.", offer.key.name)
        })
    }

    pub(super) fn locks(&self, args: &LocksArgs) -> Result {
        let client = self.client()?;
        let home = self.home(&client)?;
        if let Some(lock) = &args.read_again {
            return self.read_again(&home, lock, args.code.as_deref());
        }
        let list: Vec<Value> = home.view.reports.values().map(|report| lock_json(&home, report)).collect();
        self.out.answer(&json!({ "locks": list }), || {
            let rows: Vec<[String; 5]> =
                home.view.reports.values().map(|report| lock_row(&home, report)).collect();
            match rows.is_empty() {
                true => "No locks yet.".into(),
                false => {
                    let wrong = home.view.reports.values().flat_map(|report| troubles_text(&home, report));
                    let table = table(["lock", "state", "battery", "free slots", "id"], &rows);
                    std::iter::once(table).chain(wrong).collect::<Vec<_>>().join("\n")
                }
            }
        })
    }

    fn read_again(&self, home: &Home<'_>, lock: &str, code: Option<&str>) -> Result {
        let lock = home.pick_door(lock)?;
        let code = code.map(|code| home.pick_code(code).map(|put| put.grant.id)).transpose()?;
        let hub = home.view.reports.get(&lock).map(|report| report.hub);
        let hub =
            hub.ok_or_else(|| Failure::new(Exit::NotFound, "pick.none", "No hub reports this lock."))?;
        home.client.post_json(&path::resync(&home.id, &hub, &lock, code.as_ref()), &json!({}))?;
        self.out.answer(&json!({ "lock": lock.to_string(), "hub": hub.to_string() }), || {
            "The hub was asked. It reads a lock again at most every ten minutes.".into()
        })
    }
}

/// What is wrong with a lock, the most pressing first.
fn troubles(home: &Home<'_>, report: &Report) -> Vec<(Trouble, String)> {
    home.view.troubles(report, home.now(), &home.zone, Style::default())
}

fn troubles_json(home: &Home<'_>, report: &Report) -> Vec<Value> {
    let all = troubles(home, report).into_iter();
    all.map(|(trouble, what)| {
        json!({
            "trouble": trouble.name(), "pressing": trouble.pressing().name(), "sentence": what,
            "known_by": trouble.known_by(), "what_to_do": trouble.what_to_do(&report.lock.driver),
        })
    })
    .collect()
}

fn troubles_text(home: &Home<'_>, report: &Report) -> Vec<String> {
    let all = troubles(home, report).into_iter().filter(|(t, _)| t.pressing() != Pressing::Note);
    all.map(|(trouble, what)| {
        let steps = trouble.what_to_do(&report.lock.driver).join(" ");
        format!("{}: {what} {steps}", report.lock.name)
    })
    .collect()
}

fn lock_json(home: &Home<'_>, report: &Report) -> Value {
    let lock = &report.lock;
    let readback = match lock.abilities.readback {
        Readback::Full => "full",
        Readback::Masked => "masked",
        Readback::None => "none",
    };
    json!({
        "id": lock.id.to_string(), "name": lock.name, "driver": lock.driver, "hub": report.hub.to_string(),
        "hub_name": EventNames::hub(home, &report.hub), "reported": report.at.0, "battery": lock.battery,
        "locked": lock.locked(), "free_slots": lock.free_slots, "slots": lock.abilities.slots,
        "unreachable_since": lock.unreachable_since.map(|t| t.0), "readback": readback,
        "pin_min": lock.abilities.pin_min, "pin_max": lock.abilities.pin_max,
        "battery_low": lock.battery_low, "days_left": lock.days_left, "failed_writes": lock.failed_writes,
        "last_seen": lock.last_seen.map(|t| t.0), "troubles": troubles_json(home, report),
    })
}

fn lock_row(home: &Home<'_>, report: &Report) -> [String; 5] {
    let lock = &report.lock;
    let state = match (lock.unreachable_since, lock.locked()) {
        (Some(t), _) => format!("unreachable since {}", home.at(t)),
        (None, Some(true)) => "locked".into(),
        (None, Some(false)) => "unlocked".into(),
        (None, None) => "answers".into(),
    };
    let battery = lock.battery.map_or_else(String::new, |percent| format!("{percent} %"));
    [lock.name.clone(), state, battery, lock.free_slots.to_string(), lock.id.to_string()]
}

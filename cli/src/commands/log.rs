//! The log of what hubs saw, each entry verified under its hub's key.

use super::Run;
use crate::args::Log;
use crate::failure::{Exit, Failure, Result};
use crate::home::Home;
use latchkey_shared::event::{Event, EventTip};
use latchkey_shared::id::HubId;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// The most that the server gives at once.
const PAGE: usize = 200;
/// How often to look for more.
const LOOK: Duration = Duration::from_secs(2);

fn event_json(home: &Home<'_>, event: &Event) -> Value {
    let lock = event.body.lock();
    json!({
        "hub": event.hub.to_string(),
        "number": event.number,
        "at": event.at.0,
        "clock_unsure": event.clock_unsure,
        "kind": event.body.name(),
        "lock": lock.map(|lock| lock.to_string()),
        "sentence": event.sentence(home),
    })
}

fn event_text(home: &Home<'_>, event: &Event) -> String {
    let unsure = if event.clock_unsure { " (not earlier)" } else { "" };
    format!("{}{unsure}  {}", home.at(event.at), event.sentence(home))
}

/// The numbers up to which each hub's log was seen.
type Tips = BTreeMap<HubId, u64>;

fn note(tips: &mut Tips, event: &Event) {
    let tip = tips.entry(event.hub).or_default();
    *tip = (*tip).max(event.number);
}

/// Of each hub the numbers must run without a gap.
fn demand_whole(events: &[Event]) -> Result {
    let mut tips: BTreeMap<HubId, EventTip> = BTreeMap::new();
    for event in events {
        let tip = tips.get(&event.hub).copied();
        if tip.is_some_and(|tip| event.number != tip.number + 1) {
            let hint = "Entries of the log are missing or out of order.";
            return Err(Failure::new(Exit::Alarm, "event.gap", hint));
        }
        tips.insert(event.hub, EventTip { number: event.number, hash: None });
    }
    Ok(())
}

impl Run<'_> {
    pub(super) fn log(&self, args: &Log) -> Result {
        let client = self.client()?;
        let home = self.home(&client)?;
        let (mut events, mut before) = (Vec::new(), None);
        while events.len() < args.limit {
            let (page, next) = home.events(before, (args.limit - events.len()).min(PAGE))?;
            events.extend(page);
            before = next;
            if before.is_none() {
                break;
            }
        }
        events.reverse();
        demand_whole(&events)?;
        if !args.follow {
            let list: Vec<Value> = events.iter().map(|event| event_json(&home, event)).collect();
            return self.out.answer(&json!({ "events": list }), || match events.is_empty() {
                true => "Nothing has happened yet.".into(),
                false => events.iter().map(|e| event_text(&home, e)).collect::<Vec<_>>().join("\n"),
            });
        }
        let mut tips = Tips::new();
        self.print(&home, &events, &mut tips)?;
        let wanted = home.id.to_string();
        loop {
            std::thread::sleep(LOOK);
            match self.news(&client, &wanted, &mut tips) {
                // The network may come back.
                Err(e) if e.exit == Exit::Network => self.out.note(&e.hint),
                result => result?,
            }
        }
    }

    /// What came since, with names as they are now.
    fn news(&self, client: &crate::client::Client, home: &str, tips: &mut Tips) -> Result {
        let home = Home::find(client, Some(home))?;
        let (mut news, mut before) = (Vec::new(), None);
        loop {
            let (page, next) = home.events(before, PAGE)?;
            let new = |event: &&Event| tips.get(&event.hub).is_none_or(|tip| event.number > *tip);
            let all = page.iter().all(|event| new(&event));
            news.extend(page.iter().filter(new).cloned());
            before = next;
            if !all || before.is_none() {
                break;
            }
        }
        news.reverse();
        demand_whole(&news)?;
        self.print(&home, &news, tips)
    }

    /// One line for each.
    fn print(&self, home: &Home<'_>, events: &[Event], tips: &mut Tips) -> Result {
        for event in events {
            note(tips, event);
            self.out.answer(&event_json(home, event), || event_text(home, event))?;
        }
        Ok(())
    }
}

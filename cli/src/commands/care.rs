//! The review: what needs somebody's attention.

use super::Run;
use crate::failure::Result;
use latchkey_shared::care::{CareAction, CareInput, review};
use latchkey_shared::id::{GrantId, HubId};
use latchkey_shared::pin::{Broken, Context};
use latchkey_shared::report::Report;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// How to settle an item on the command line.
fn command(action: CareAction) -> String {
    match action {
        CareAction::LookAtLock(_) => "latchkey locks".into(),
        CareAction::ChangePin(grant) => format!("latchkey codes edit {grant} --new-pin"),
        CareAction::Revoke(grant) => format!("latchkey codes revoke {grant}"),
        CareAction::ChooseHolder(grant) => format!("latchkey codes edit {grant} --holder NAME"),
        CareAction::Rename(grant) => format!("latchkey codes edit {grant} --label NAME"),
    }
}

impl Run<'_> {
    pub(super) fn review(&self) -> Result {
        let client = self.client()?;
        let home = self.home(&client)?;
        let now = home.now();
        let mut weak: BTreeMap<GrantId, Broken> = BTreeMap::new();
        for entry in home.view.chain.grants().values() {
            let grant = &entry.grant;
            let Some(pin) = home.open_pin(grant)? else { continue };
            // Locks that have no length in common cannot have been chosen together; their rules say nothing.
            let Ok(rules) = home.pin_rules(&grant.locks) else { continue };
            if let Err(broken) = Context::new(&rules).check(&pin) {
                weak.extend(broken.first().map(|rule| (grant.id, *rule)));
            }
        }
        let reports: Vec<Report> = home.view.reports.values().cloned().collect();
        let input = CareInput {
            state: &home.view.chain,
            reports: &reports,
            hub: &|hub: &HubId| home.view.contact(hub, now),
            broken: &|grant: &GrantId| weak.get(grant).copied(),
            now,
            zone: &home.zone,
            style: home.style,
        };
        let items = review(&input);
        let list: Vec<Value> = items
            .iter()
            .map(|item| {
                json!({ "kind": item.name(), "code": item.grant().to_string(), "sentence": item.sentence(&input),
                    "action": item.action().name(), "command": command(item.action()) })
            })
            .collect();
        self.out.answer(&json!({ "items": list }), || match items.is_empty() {
            true => "Nothing needs attention.".into(),
            false => items
                .iter()
                .map(|item| format!("{}\n    {}\n", item.sentence(&input), command(item.action())))
                .collect(),
        })
    }
}

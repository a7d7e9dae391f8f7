//! Ops in words: who changed what.

use super::Home;
use super::activity::{Group, Line, Source};
use latchkey_shared::chain::Body;
use latchkey_shared::chain::op::Role;
use latchkey_shared::grant::Grant;
use latchkey_shared::id::{GrantId, HubId, KeyId, LockId};
use latchkey_shared::policy::Policy;
use latchkey_shared::schedule::format_instant;
use litemap::LiteMap;

/// What an op changed of a code, in words that follow the name of who signed it.
pub fn grant_changes(home: &Home, old: &Grant, new: &Grant) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut say = |changed: bool, text: String| {
        if changed {
            words.push(text);
        }
    };
    say(old.label != new.label, format!("renamed it from {}", old.label));
    say(old.suspended != new.suspended, (if new.suspended { "suspended it" } else { "let it go on" }).into());
    let end = new.expires.map_or("without an end".to_owned(), |end| {
        format!("to {}", format_instant(end, &*home.zone, &home.style))
    });
    say((old.expires, old.stay) != (new.expires, new.stay), format!("set its end {end}"));
    let times =
        |grant: &Grant| (grant.not_before, grant.schedule.clone(), grant.days_off.clone(), grant.buffers);
    say(times(old) != times(new), "changed its times".into());
    say(old.locks != new.locks, "changed its doors".into());
    say(old.pin_set != new.pin_set, "gave it a new PIN".into());
    say(old.uses != new.uses, "changed how often it opens".into());
    say(old.holder != new.holder, "changed whose it is".into());
    let link = |grant: &Grant| grant.link.as_ref().map(|link| link.id);
    say(
        link(old) != link(new),
        (if new.link.is_some() { "gave it a new link" } else { "took its link away" }).into(),
    );
    if words.is_empty() { "saved it again".into() } else { words.join(", ") }
}

fn policy_changes(old: Option<&Policy>, new: &Policy) -> String {
    let Some(old) = old else { return "set the home's rules".into() };
    let mut words: Vec<String> = Vec::new();
    if old.name != new.name {
        words.push(format!("renamed the home from {} to {}", old.name, new.name));
    }
    if old.zone != new.zone {
        words.push(format!("moved the home's clock from {} to {}", old.zone, new.zone));
    }
    if old.pin != new.pin {
        words.push("changed the rules for PINs".into());
    }
    if old.quiet_days != new.quiet_days {
        words.push("changed the quiet days".into());
    }
    if old.offline_grace != new.offline_grace {
        words.push("changed how long codes work offline".into());
    }
    if old.change_primary_after != new.change_primary_after {
        words.push("changed when owners' PINs are due".into());
    }
    if words.is_empty() { "saved the home's rules again".into() } else { words.join(" and ") }
}

fn role_words(role: &Role) -> &'static str {
    match role {
        Role::Owner => "as an owner",
        Role::Manager(_) => "as a manager",
        Role::Issuer(_) => "to issue guest codes",
        Role::Resident => "as a resident",
    }
}

/// What was there at the point that one has come to in the history.
struct Past {
    people: LiteMap<KeyId, String>,
    hubs: LiteMap<HubId, String>,
    grants: LiteMap<GrantId, Grant>,
    policy: Option<Policy>,
}

impl Past {
    fn name(&self, home: &Home, key: &KeyId) -> String {
        if *key == home.me {
            return "You".into();
        }
        self.people.get(key).cloned().unwrap_or_else(|| home.key_name(key))
    }

    fn label(&self, id: &GrantId) -> String {
        self.grants.get(id).map_or_else(|| "a code".into(), |grant| grant.label.clone())
    }

    /// (kind for programs, icon, what was done).
    fn tell(&self, home: &Home, body: &Body) -> (&'static str, &'static str, String) {
        let kind = body.kind();
        match body {
            Body::Genesis(genesis) => (kind, "home", format!("made this home, {}", genesis.policy.name)),
            Body::AddKey(add) if self.people.contains_key(&add.key.id()) => {
                (kind, "people", format!("changed what {} may do: {}", add.key.name, role_words(&add.role)))
            }
            Body::AddKey(add) => {
                (kind, "people", format!("added {} {}", add.key.name, role_words(&add.role)))
            }
            Body::RemoveKey(remove) => {
                let name = self.people.get(&remove.key).cloned().unwrap_or_else(|| "somebody".into());
                (kind, "people", format!("removed {name}"))
            }
            Body::SetPolicy(policy) => (kind, "settings", policy_changes(self.policy.as_ref(), policy)),
            Body::AddHub(add) if self.hubs.contains_key(&add.hub) => {
                (kind, "hub", format!("changed the hub {}", add.key.name))
            }
            Body::AddHub(add) => (kind, "hub", format!("added the hub {}", add.key.name)),
            Body::RemoveHub(hub) => {
                let name = self.hubs.get(hub).cloned().unwrap_or_else(|| "a hub".into());
                (kind, "hub", format!("removed {name}"))
            }
            Body::RotateIssuer(_) => (kind, "shield", "replaced the key of Latchkey's server".into()),
            Body::NewEpoch(_) => (kind, "shield", "replaced the home key".into()),
            Body::PutGrant(grant) => match self.grants.get(&grant.id) {
                None => (kind, "plus", format!("made {}", grant.label)),
                Some(old) => {
                    (kind, "pen", format!("changed {}: {}", grant.label, grant_changes(home, old, grant)))
                }
            },
            Body::RevokeGrant(id) => (kind, "x", format!("revoked {}", self.label(id))),
            Body::Checkpoint(_) => (kind, "shield", "confirmed the history".into()),
        }
    }

    fn pass(&mut self, body: &Body) {
        match body {
            Body::Genesis(genesis) => {
                self.people.insert(genesis.owner.id(), genesis.owner.name.clone());
                self.policy = Some(genesis.policy.clone());
            }
            Body::AddKey(add) => drop(self.people.insert(add.key.id(), add.key.name.clone())),
            Body::AddHub(add) => {
                self.hubs.insert(add.hub, add.key.name.clone());
                // A hub signs what is done at its panel.
                self.people.insert(add.key.id(), add.key.name.clone());
            }
            Body::SetPolicy(policy) => self.policy = Some(policy.clone()),
            Body::PutGrant(grant) => drop(self.grants.insert(grant.id, grant.clone())),
            _ => {}
        }
    }

    fn places(&self, body: &Body) -> (Option<GrantId>, Vec<LockId>, Option<KeyId>) {
        let of = |grant: &Grant| (Some(grant.id), grant.locks.clone(), grant.holder);
        match body {
            Body::PutGrant(grant) => of(grant),
            Body::RevokeGrant(id) => self.grants.get(id).map(of).unwrap_or_default(),
            Body::AddKey(add) => (None, vec![], Some(add.key.id())),
            Body::RemoveKey(remove) => (None, vec![], Some(remove.key)),
            _ => (None, vec![], None),
        }
    }
}

/// Every op as a line, oldest first.
pub fn lines(home: &Home) -> Vec<Line> {
    let mut past =
        Past { people: LiteMap::new(), hubs: LiteMap::new(), grants: LiteMap::new(), policy: None };
    let mut lines = Vec::new();
    for (signer, op) in home.history() {
        let (kind, icon, what) = past.tell(home, &op.body);
        let (grant, locks, about) = past.places(&op.body);
        past.pass(&op.body);
        lines.push(Line {
            source: Source::Op(op.seq),
            at: op.iat,
            kind,
            group: Group::Changes,
            icon,
            tone: if matches!(op.body, Body::RevokeGrant(_) | Body::RemoveKey(_) | Body::RemoveHub(_)) {
                "warn"
            } else {
                ""
            },
            text: format!("{} {what}.", past.name(home, &signer)),
            grant,
            locks,
            people: [Some(signer), about].into_iter().flatten().collect(),
            unsure: false,
        });
    }
    lines
}

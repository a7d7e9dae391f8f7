//! People: what their roles mean in words, since when they belong to the home, and what those who left had seen.

use super::{Home, Put};
use latchkey_shared::chain::Body;
use latchkey_shared::chain::op::{Manager, Role, Scope};
use latchkey_shared::grant::GrantKind;
use latchkey_shared::id::{GrantId, HubId, KeyId, LockId};
use latchkey_shared::time::{DAY, Timestamp};
use litemap::LiteMap;

/// A kind of code, before `codes`.
pub fn kind_words(kind: GrantKind) -> &'static str {
    match kind {
        GrantKind::Primary => "owner",
        GrantKind::Standard => "family",
        GrantKind::Guest => "guest",
        GrantKind::Duress => "duress",
    }
}

/// `a, b and c`.
pub fn listed(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [start @ .., last] => format!("{} and {last}", start.join(", ")),
    }
}

/// What a role is called.
pub fn role_title(role: &Role) -> &'static str {
    match role {
        Role::Owner => "Owner",
        Role::Manager(_) => "Manager",
        Role::Issuer(_) => "Latchkey’s server",
        Role::Resident => "Resident",
    }
}

/// A scope as the end of a sentence: `guest codes for every door, each for at most 7 days`. `name`: of a lock.
pub fn scope_words(scope: &Scope, name: impl Fn(&LockId) -> Option<String>) -> String {
    let kinds: Vec<String> = scope.kinds.iter().map(|kind| kind_words(*kind).to_owned()).collect();
    let doors = match &scope.locks {
        None => "every door".to_owned(),
        Some(locks) => match locks.iter().map(name).collect::<Option<Vec<String>>>() {
            Some(names) => listed(&names),
            None if locks.len() == 1 => "one door".to_owned(),
            None => format!("{} doors", locks.len()),
        },
    };
    let most = scope.max_length.map(|length| match length.0.div_euclid(DAY as u64) {
        1 => ", each for at most a day".to_owned(),
        days => format!(", each for at most {days} days"),
    });
    format!("{} codes for {doors}{}", listed(&kinds), most.unwrap_or_default())
}

/// What a role's holder may do, in a sentence.
pub fn role_words(role: &Role, name: impl Fn(&LockId) -> Option<String>) -> String {
    match role {
        Role::Owner => "Does everything: codes, doors, people and settings.".into(),
        Role::Resident => "Sees only their own code and their own entries.".into(),
        Role::Issuer(scope) => format!("Makes {} by itself.", scope_words(scope, name)),
        Role::Manager(Manager { scope, sees_pins }) => {
            let pins =
                if *sees_pins { "Sees every PIN." } else { "Sees the PINs of codes they make, no others." };
            format!("Makes {}. {pins}", scope_words(scope, name))
        }
    }
}

/// Somebody, or a hub, who could read PINs and no longer may.
#[derive(Clone, PartialEq, Debug)]
pub struct Left {
    /// What they were called.
    pub name: String,
    /// When that ended.
    pub at: Timestamp,
    key: KeyId,
    /// Whether they could read every PIN.
    all: bool,
}

/// A live code whose PIN is known to somebody who left.
#[derive(Clone, PartialEq, Debug)]
pub struct KnownPin {
    /// The code.
    pub grant: GrantId,
    /// What it is called.
    pub label: String,
    /// When its PIN was chosen.
    pub pin_set: Timestamp,
    /// Who knows it.
    pub by: Vec<String>,
}

/// The coming and going of people, from the chain's first op on.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Comings {
    /// Since when each member belongs to the home.
    pub since: LiteMap<KeyId, Timestamp>,
    /// Who lost sight of PINs, in order.
    pub left: Vec<Left>,
}

impl Comings {
    /// Reads a verified home's ops.
    pub fn of(home: &Home) -> Self {
        let mut roles: LiteMap<KeyId, (String, Role)> = LiteMap::new();
        let mut hubs: LiteMap<HubId, (String, KeyId)> = LiteMap::new();
        let mut comings = Self::default();
        for (_, op) in home.history() {
            match &op.body {
                Body::Genesis(genesis) => {
                    comings.since.insert(genesis.owner.id(), op.iat);
                    roles.insert(genesis.owner.id(), (genesis.owner.name.clone(), Role::Owner));
                }
                Body::AddKey(add) => {
                    let id = add.key.id();
                    let before = roles.insert(id, (add.key.name.clone(), add.role.clone()));
                    match before {
                        None => {
                            comings.since.insert(id, op.iat);
                        }
                        Some((_, role)) if role.has_home_key() && !add.role.has_home_key() => {
                            comings.left.push(Left {
                                name: add.key.name.clone(),
                                at: op.iat,
                                key: id,
                                all: true,
                            });
                        }
                        Some(_) => {}
                    }
                }
                Body::AddHub(add) => {
                    hubs.insert(add.hub, (add.key.name.clone(), add.key.id()));
                }
                Body::RemoveHub(hub) => {
                    let Some((name, key)) = hubs.remove(hub) else { continue };
                    comings.left.push(Left { name, at: op.iat, key, all: true });
                }
                Body::RemoveKey(remove) => {
                    let Some((name, role)) = roles.remove(&remove.key) else { continue };
                    if !matches!(role, Role::Issuer(_)) {
                        let all = role.has_home_key();
                        comings.left.push(Left { name, at: op.iat, key: remove.key, all });
                    }
                }
                _ => {}
            }
        }
        comings
    }

    /// Live codes whose PINs those who left had seen and that were not changed since.
    pub fn known_pins(&self, home: &Home, now: Timestamp) -> Vec<KnownPin> {
        let live =
            |put: &&std::rc::Rc<Put>| put.revoked.is_none() && put.grant.end().is_none_or(|end| end > now);
        let mut known = Vec::new();
        for put in home.grants.values().filter(live) {
            let grant = &put.grant;
            let saw = |left: &&Left| {
                let could = left.all || put.signer == left.key;
                could && grant.pin_set <= left.at || grant.self_seals.iter().any(|seal| seal.to == left.key)
            };
            // Who was let in again under another key is counted as gone: nobody can tell.
            let by: Vec<String> = self.left.iter().filter(saw).map(|left| left.name.clone()).collect();
            if !by.is_empty() {
                known.push(KnownPin {
                    grant: grant.id,
                    label: grant.label.clone(),
                    pin_set: grant.pin_set,
                    by,
                });
            }
        }
        known
    }
}

impl Home {
    /// The name of a lock that some hub reports on.
    pub fn known_lock(&self, lock: &LockId) -> Option<String> {
        self.reports.get(lock).map(|report| report.lock.name.clone())
    }

    /// Whether this member is an owner.
    pub fn is_owner(&self) -> bool {
        self.chain.members().get(&self.me).is_some_and(|member| member.role == Role::Owner)
    }
}

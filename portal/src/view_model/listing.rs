//! The list of codes: each with what it is found by, and which of them somebody wants to see, in which order.

use super::{CodeView, Home, Phase};
use latchkey_shared::care::{last_use, name_clash, outline};
use latchkey_shared::id::{GrantId, KeyId, LockId};
use latchkey_shared::report::Report;
use latchkey_shared::schedule::Moment;
use latchkey_shared::time::Timestamp;
use litemap::LiteMap;

/// A code in the list.
#[derive(Clone, PartialEq, Debug)]
pub struct Listed {
    /// The code.
    pub code: CodeView,
    /// Its kind as anybody may see it.
    pub kind: &'static str,
    /// The member whose code it is.
    pub holder: Option<KeyId>,
    /// Who made it.
    pub signer: KeyId,
    /// When it was made or last changed.
    pub made: Timestamp,
    /// When it was last used, as far as the locks tell.
    pub used: Option<Timestamp>,
    /// Another live code has a name that is easily taken for its own.
    pub same_name: bool,
    /// What a search looks in: names of code, people and doors, in small letters.
    text: String,
}

/// Which state.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StateIs {
    /// Something is wrong with it.
    Attention,
    /// Confirmed on a lock.
    OnLock,
    /// Not there yet.
    Waiting,
    /// Paused.
    Suspended,
    /// Over or revoked.
    Over,
}

impl StateIs {
    /// Every one, with its name for programs and in words.
    pub const ALL: [(Self, &str, &str); 5] = [
        (Self::Attention, "attention", "Needs attention"),
        (Self::OnLock, "on_lock", "On a lock"),
        (Self::Waiting, "waiting", "On its way"),
        (Self::Suspended, "suspended", "Suspended"),
        (Self::Over, "over", "Over"),
    ];

    fn fits(self, code: &CodeView) -> bool {
        let any = |names: &[&str]| code.locks.iter().any(|standing| names.contains(&standing.name()));
        match self {
            Self::Attention => code.locks.iter().any(|standing| standing.needs_attention()),
            Self::OnLock => any(&["on_lock", "written_unconfirmed"]),
            Self::Waiting => code.phase != Phase::Past && any(&["waiting_for_hub", "writing"]),
            Self::Suspended => code.phase != Phase::Past && code.moment == Moment::Suspended,
            Self::Over => code.phase == Phase::Past,
        }
    }
}

/// In which order.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Sort {
    /// What turns next comes first.
    #[default]
    Time,
    /// By name.
    Name,
    /// The newest first.
    Newest,
    /// What was not used for longest comes first.
    Idle,
}

impl Sort {
    /// Every one, with its name for programs and in words.
    pub const ALL: [(Self, &str, &str); 4] = [
        (Self::Time, "time", "What happens next"),
        (Self::Name, "name", "Name"),
        (Self::Newest, "newest", "Newest first"),
        (Self::Idle, "idle", "Longest unused first"),
    ];
}

/// Which codes somebody wants to see.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Filter {
    /// Every word must be in a name.
    pub text: String,
    /// Only in this state.
    pub state: Option<StateIs>,
    /// Only of this kind, as anybody may see it.
    pub kind: Option<&'static str>,
    /// Only at this door.
    pub door: Option<LockId>,
    /// Only this member's, or made by them.
    pub person: Option<KeyId>,
    /// The order.
    pub sort: Sort,
}

impl Filter {
    /// How many conditions there are beside the words.
    pub fn conditions(&self) -> usize {
        [self.state.is_some(), self.kind.is_some(), self.door.is_some(), self.person.is_some()]
            .into_iter()
            .filter(|set| *set)
            .count()
    }

    /// Whether it lets everything through.
    pub fn is_open(&self) -> bool {
        self.conditions() == 0 && self.text.trim().is_empty()
    }

    fn fits(&self, listed: &Listed, words: &[String]) -> bool {
        words.iter().all(|word| listed.text.contains(word))
            && self.state.is_none_or(|state| state.fits(&listed.code))
            && self.kind.is_none_or(|kind| kind == listed.kind)
            && self.door.is_none_or(|door| listed.code.locks.iter().any(|standing| standing.lock == door))
            && self.person.is_none_or(|person| listed.holder == Some(person) || listed.signer == person)
    }

    /// The codes that fit, in order. The list comes in the order of what happens next.
    pub fn apply<'a>(&self, all: &'a [Listed]) -> Vec<&'a Listed> {
        let words: Vec<String> = self.text.to_lowercase().split_whitespace().map(str::to_owned).collect();
        let mut found: Vec<&Listed> = all.iter().filter(|listed| self.fits(listed, &words)).collect();
        match self.sort {
            Sort::Time => {}
            Sort::Name => found.sort_by_cached_key(|listed| listed.code.label.to_lowercase()),
            Sort::Newest => found.sort_by_key(|listed| core::cmp::Reverse(listed.made)),
            Sort::Idle => found.sort_by_key(|listed| listed.used.unwrap_or_default()),
        }
        found
    }
}

/// Names of the same key are taken for each other.
fn name_key(label: &str) -> String {
    let outline = outline(label);
    if outline.is_empty() { label.to_lowercase() } else { outline }
}

impl Home {
    /// Every code as it is listed, in the order of what happens next.
    pub fn listing(&self, now: Timestamp) -> Vec<Listed> {
        let reports: Vec<Report> = self.reports.values().cloned().collect();
        let codes = self.codes(now);
        let mut names: LiteMap<String, usize> = LiteMap::new();
        for code in codes.iter().filter(|code| code.phase != Phase::Past) {
            let name = name_key(&code.label);
            let count = names.get(&name).copied().unwrap_or(0);
            names.insert(name, count + 1);
        }
        let listed = |code: CodeView| {
            let put = self.grants.get(&code.id)?;
            let holder = put.grant.holder;
            let mut text = code.label.to_lowercase();
            for name in holder.iter().map(|holder| self.member_name(holder)) {
                text += &format!("\n{}", name.to_lowercase());
            }
            for standing in &code.locks {
                text += &format!("\n{}", standing.lock_name.to_lowercase());
            }
            let twice = names.get(&name_key(&code.label)).is_some_and(|count| *count > 1);
            Some(Listed {
                kind: put.grant.kind.in_public(),
                holder,
                signer: put.signer,
                made: put.put.at,
                used: last_use(code.id, &reports),
                same_name: twice && code.phase != Phase::Past,
                text,
                code,
            })
        };
        codes.into_iter().filter_map(listed).collect()
    }

    /// A member's name, one's own too.
    pub fn member_name(&self, key: &KeyId) -> String {
        self.chain.members().get(key).map_or_else(|| self.key_name(key), |member| member.key.name.clone())
    }

    /// A live code whose name is easily taken for this one, but for one that is edited.
    pub fn name_like(&self, label: &str, except: Option<GrantId>) -> Option<String> {
        let (label, now) = (label.trim(), self.now());
        let live = self.chain.grants().values().map(|entry| &entry.grant);
        live.filter(|grant| Some(grant.id) != except && grant.end().is_none_or(|end| end > now))
            .find(|grant| name_clash(&grant.label, label).is_some())
            .map(|grant| grant.label.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(n: u8, label: &str, phase: Phase, used: u64) -> Listed {
        let moment = match phase {
            Phase::Now => Moment::Open { closes: None },
            Phase::Upcoming => Moment::Suspended,
            Phase::Past => Moment::Over { since: Timestamp(1) },
        };
        let code = CodeView {
            id: GrantId([n; 16]),
            label: label.into(),
            when: String::new(),
            moment,
            phase,
            revoked: None,
            locks: vec![],
        };
        Listed {
            kind: if n.is_multiple_of(2) { "Guest" } else { "Household" },
            holder: (n == 1).then_some(KeyId([9; 16])),
            signer: KeyId([n; 16]),
            made: Timestamp(u64::from(n)),
            used: Some(Timestamp(used)),
            same_name: false,
            text: format!("{}\nada\nfront door", label.to_lowercase()),
            code,
        }
    }

    #[test]
    fn finds_and_orders() {
        let all = [
            listed(0, "Zoë Guest", Phase::Now, 30),
            listed(1, "ada", Phase::Upcoming, 10),
            listed(2, "Bob Guest", Phase::Past, 20),
        ];
        let found = |filter: &Filter| -> Vec<u8> {
            filter.apply(&all).iter().map(|listed| listed.code.id.0[0]).collect()
        };
        let open = Filter::default();
        assert!(open.is_open());
        assert_eq!(found(&open), [0, 1, 2]);
        assert_eq!(found(&Filter { text: " GUEST zoë ".into(), ..open.clone() }), [0]);
        assert_eq!(found(&Filter { text: "front nobody".into(), ..open.clone() }), [0u8; 0]);
        assert_eq!(found(&Filter { state: Some(StateIs::Over), ..open.clone() }), [2]);
        assert_eq!(found(&Filter { state: Some(StateIs::Suspended), ..open.clone() }), [1]);
        assert_eq!(found(&Filter { kind: Some("Guest"), ..open.clone() }), [0, 2]);
        assert_eq!(found(&Filter { person: Some(KeyId([9; 16])), ..open.clone() }), [1]);
        assert_eq!(found(&Filter { person: Some(KeyId([2; 16])), ..open.clone() }), [2]);
        assert_eq!(found(&Filter { sort: Sort::Name, ..open.clone() }), [1, 2, 0]);
        assert_eq!(found(&Filter { sort: Sort::Newest, ..open.clone() }), [2, 1, 0]);
        assert_eq!(found(&Filter { sort: Sort::Idle, ..open.clone() }), [1, 2, 0]);
    }
}

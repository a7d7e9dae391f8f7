//! What needs somebody's attention in a home that has been lived in for a while: a review with one action each, and
//! what to remind people of.

mod names;
#[cfg(test)]
mod tests;

pub use names::{NameClash, name_clash, outline};

use crate::chain::{ChainState, GrantEntry};
use crate::explain::{Audience, Code, CodeState, Facts, HubContact, Seen, explain};
use crate::grant::GrantKind;
use crate::id::{GrantId, HubId, LockId};
use crate::pin::{Broken, Context, Pin, PinPolicy, PinRules};
use crate::report::{CodeReport, Report};
use crate::schedule::{Style, format_instant};
use crate::time::{Seconds, Timestamp};
use crate::zone::Zone;
use litemap::LiteMap;

/// A code that nobody used for so long should perhaps go.
pub const UNUSED_AFTER: Seconds = Seconds::days(90);

/// One thing to look at. The order is that of the review: the most pressing first.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum CareItem {
    /// Wanted off a lock and not confirmed off: ended guests above all.
    StillOnLock {
        /// The code.
        grant: GrantId,
        /// The lock.
        lock: LockId,
        /// Since when it is wanted off.
        since: Timestamp,
    },
    /// Its PIN breaks today's rules.
    WeakPin {
        /// The code.
        grant: GrantId,
        /// The first rule that it breaks.
        broken: Broken,
    },
    /// A primary code whose PIN is older than the policy wants.
    OldPrimary {
        /// The code.
        grant: GrantId,
        /// When the PIN was chosen.
        since: Timestamp,
    },
    /// Not used for [`UNUSED_AFTER`].
    Unused {
        /// The code.
        grant: GrantId,
        /// When it was last used, or else since when it could have been.
        since: Timestamp,
    },
    /// A code that belongs to nobody in particular: who used it cannot be told.
    Shared {
        /// The code.
        grant: GrantId,
    },
    /// A code with the name of an older one, or one that is easily taken for it.
    Name {
        /// The newer code, to be renamed.
        grant: GrantId,
        /// The older one.
        like: GrantId,
        /// How alike they are.
        clash: NameClash,
    },
}

/// The one action that settles an item.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CareAction {
    /// Go to the lock, or look after it.
    LookAtLock(LockId),
    /// Give the code another PIN.
    ChangePin(GrantId),
    /// Revoke the code.
    Revoke(GrantId),
    /// Say whose code it is.
    ChooseHolder(GrantId),
    /// Give the code another name.
    Rename(GrantId),
}

impl CareAction {
    /// Its name for programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::LookAtLock(_) => "look_at_lock",
            Self::ChangePin(_) => "change_pin",
            Self::Revoke(_) => "revoke",
            Self::ChooseHolder(_) => "choose_holder",
            Self::Rename(_) => "rename",
        }
    }

    /// What a button for it says.
    pub fn label(self) -> &'static str {
        match self {
            Self::LookAtLock(_) => "Look at the lock",
            Self::ChangePin(_) => "Change the PIN",
            Self::Revoke(_) => "Revoke",
            Self::ChooseHolder(_) => "Choose whose it is",
            Self::Rename(_) => "Rename",
        }
    }
}

impl CareItem {
    /// Its name for programs.
    pub fn name(&self) -> &'static str {
        match self {
            Self::StillOnLock { .. } => "still_on_lock",
            Self::WeakPin { .. } => "weak_pin",
            Self::OldPrimary { .. } => "old_primary",
            Self::Unused { .. } => "unused",
            Self::Shared { .. } => "shared",
            Self::Name { clash: NameClash::Same, .. } => "same_name",
            Self::Name { clash: NameClash::Alike, .. } => "alike_name",
        }
    }

    /// The code that it is about.
    pub fn grant(&self) -> GrantId {
        match self {
            Self::StillOnLock { grant, .. }
            | Self::WeakPin { grant, .. }
            | Self::OldPrimary { grant, .. }
            | Self::Unused { grant, .. }
            | Self::Shared { grant }
            | Self::Name { grant, .. } => *grant,
        }
    }

    /// What tells it from every other item, the same on every day: to remember when it was reminded of.
    pub fn key(&self) -> String {
        match self {
            Self::StillOnLock { grant, lock, .. } => format!("{}/{grant}/{lock}", self.name()),
            _ => format!("{}/{}", self.name(), self.grant()),
        }
    }

    /// The one action that settles it.
    pub fn action(&self) -> CareAction {
        match self {
            Self::StillOnLock { lock, .. } => CareAction::LookAtLock(*lock),
            Self::WeakPin { grant, .. } | Self::OldPrimary { grant, .. } => CareAction::ChangePin(*grant),
            Self::Unused { grant, .. } => CareAction::Revoke(*grant),
            Self::Shared { grant } => CareAction::ChooseHolder(*grant),
            Self::Name { grant, .. } => CareAction::Rename(*grant),
        }
    }

    /// What it is about, in a sentence.
    pub fn sentence(&self, input: &CareInput<'_>) -> String {
        let label = |id: &GrantId| {
            let entry = input.state.grants().get(id);
            entry.map_or_else(|| "A revoked code".to_owned(), |entry| entry.grant.label.clone())
        };
        let at = |t: &Timestamp| format_instant(*t, input.zone, &input.style);
        let name = label(&self.grant());
        match self {
            Self::StillOnLock { lock, since, .. } => {
                let report = input.reports.iter().find(|report| report.lock.id == *lock);
                let lock = report.map_or("a lock", |report| report.lock.name.as_str());
                format!("{name} may still open {lock}: wanted off since {}, not confirmed off.", at(since))
            }
            Self::WeakPin { broken, .. } => format!("The PIN of {name} is easy to guess. {}", broken.hint()),
            Self::OldPrimary { since, .. } => {
                format!("The PIN of {name} has not changed since {}.", at(since))
            }
            Self::Unused { since, .. } => format!("{name} has not been used since {}.", at(since)),
            Self::Shared { .. } => {
                format!("{name} is nobody's in particular: the log cannot tell who came in.")
            }
            Self::Name { like, clash: NameClash::Same, .. } => {
                format!("There are two codes called {name}: this one and one from {}.", at(&input.made(like)))
            }
            Self::Name { like, clash: NameClash::Alike, .. } => {
                format!("{name} is easily taken for {}.", label(like))
            }
        }
    }

    /// How often somebody may be reminded of it; `None`: it only stands in the review.
    fn remind_every(&self) -> Option<Seconds> {
        match self {
            Self::StillOnLock { .. } => Some(Seconds::days(1)),
            Self::WeakPin { .. } | Self::OldPrimary { .. } | Self::Unused { .. } => Some(Seconds::days(30)),
            Self::Shared { .. } => Some(Seconds::days(90)),
            Self::Name { .. } => None,
        }
    }
}

/// What [`review`] looks at.
pub struct CareInput<'a> {
    /// The home.
    pub state: &'a ChainState,
    /// The newest verified report of every lock.
    pub reports: &'a [Report],
    /// How well each hub is in touch.
    pub hub: &'a dyn Fn(&HubId) -> HubContact,
    /// What a code's PIN breaks of the rules that do not depend on other codes, for whoever can open it.
    pub broken: &'a dyn Fn(&GrantId) -> Option<Broken>,
    /// Now.
    pub now: Timestamp,
    /// The home's zone.
    pub zone: &'a dyn Zone,
    /// How times are written.
    pub style: Style,
}

impl CareInput<'_> {
    fn made(&self, grant: &GrantId) -> Timestamp {
        self.state.grants().get(grant).map_or(self.now, |entry| entry.iat)
    }
}

/// The first rule that a PIN breaks whatever other codes there are: what [`CareInput::broken`] says of a PIN that its
/// caller can open.
pub fn weakness(pin: &Pin, policy: &PinPolicy) -> Option<Broken> {
    let rules = PinRules::new(policy, &[]).ok()?;
    Context::new(&rules).check(pin).err()?.into_iter().next()
}

/// What needs attention, the most pressing first.
pub fn review(input: &CareInput<'_>) -> Vec<CareItem> {
    let mut items: Vec<CareItem> = input.reports.iter().flat_map(|report| still_on(report, input)).collect();
    // The oldest code of each name, and of each outline of one: comparing all with all would take long in a large home.
    let (mut same, mut alike) = (LiteMap::<String, GrantId>::new(), LiteMap::<String, GrantId>::new());
    for entry in live(input) {
        items.extend(about(entry, input));
        let grant = entry.grant.id;
        let (name, outline) = (entry.grant.label.to_lowercase(), outline(&entry.grant.label));
        let clash = match (same.get(&name), alike.get(&outline)) {
            (Some(like), _) => Some((*like, NameClash::Same)),
            (None, Some(like)) => Some((*like, NameClash::Alike)),
            (None, None) => None,
        };
        items.extend(clash.map(|(like, clash)| CareItem::Name { grant, like, clash }));
        if !same.contains_key(&name) {
            same.insert(name, grant);
        }
        if !outline.is_empty() && !alike.contains_key(&outline) {
            alike.insert(outline, grant);
        }
    }
    items.sort();
    items
}

/// Those of the items of which it is time to remind somebody. `reminded` says when that was last done, by
/// [`CareItem::key`].
pub fn due<'i>(
    items: &'i [CareItem],
    reminded: &'i dyn Fn(&str) -> Option<Timestamp>,
    now: Timestamp,
) -> impl Iterator<Item = &'i CareItem> {
    items.iter().filter(move |item| {
        item.remind_every()
            .is_some_and(|every| reminded(&item.key()).is_none_or(|last| now.since(last) >= every))
    })
}

/// Codes whose term is not over, in the order in which they were put.
fn live<'a>(input: &CareInput<'a>) -> Vec<&'a GrantEntry> {
    let over = |entry: &GrantEntry| entry.grant.end().is_some_and(|end| end <= input.now);
    let mut entries: Vec<_> =
        input.state.grants().values().map(|entry| &**entry).filter(|entry| !over(entry)).collect();
    entries.sort_by_key(|entry| entry.seq);
    entries
}

fn still_on(report: &Report, input: &CareInput<'_>) -> Vec<CareItem> {
    let item = |code: &CodeReport| {
        let facts = Facts {
            code: input.state.grants().get(&code.grant).map(|entry| Code::in_force(entry)),
            lock: report.lock.id,
            policy: input.state.policy(),
            seen: Some(Seen { code: Some(code), ..Seen::in_report(report, &code.grant) }),
            hub: (input.hub)(&report.hub),
            now: input.now,
            zone: input.zone,
            style: input.style,
        };
        match explain(&facts, input.now, Audience::Member).state {
            CodeState::StillOnLock { since, .. } => {
                Some(CareItem::StillOnLock { grant: code.grant, lock: report.lock.id, since })
            }
            _ => None,
        }
    };
    report.codes.iter().filter_map(item).collect()
}

fn about(entry: &GrantEntry, input: &CareInput<'_>) -> Vec<CareItem> {
    let grant = &entry.grant;
    let mut items = vec![];
    if let Some(broken) = (input.broken)(&grant.id) {
        items.push(CareItem::WeakPin { grant: grant.id, broken });
    }
    let due = input.state.policy().change_primary_after;
    if grant.kind == GrantKind::Primary && due.is_some_and(|due| input.now.since(grant.pin_set) >= due) {
        items.push(CareItem::OldPrimary { grant: grant.id, since: grant.pin_set });
    }
    let usable_since = grant.validity().term().0.max(entry.iat);
    let since = last_use(grant.id, input.reports).unwrap_or(usable_since).max(usable_since);
    // A duress code that was never used is as it should be. Some locks do not tell who came in.
    let counts = grant.kind != GrantKind::Duress && !grant.suspended && uses_are_told(entry, input.reports);
    if counts && input.now.since(since) >= UNUSED_AFTER {
        items.push(CareItem::Unused { grant: grant.id, since });
    }
    if matches!(grant.kind, GrantKind::Primary | GrantKind::Standard) && grant.holder.is_none() {
        items.push(CareItem::Shared { grant: grant.id });
    }
    items
}

/// When a code was last used on any lock.
pub fn last_use(grant: GrantId, reports: &[Report]) -> Option<Timestamp> {
    let codes = reports.iter().flat_map(|report: &Report| &report.codes);
    codes.filter(|code: &&CodeReport| code.grant == grant).filter_map(|code| code.last_used).max()
}

fn uses_are_told(entry: &GrantEntry, reports: &[Report]) -> bool {
    let mut locks = reports.iter().filter(|report| entry.grant.locks.contains(&report.lock.id));
    locks.all(|report| report.lock.abilities.tells_uses)
}

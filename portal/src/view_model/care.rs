//! What needs care, and what a person said about it. That is remembered in this browser, for this person and home.

use super::Home;
use crate::js;
use gloo_timers::future::TimeoutFuture;
use latchkey_shared::care::{CareInput, CareItem, review};
use latchkey_shared::id::GrantId;
use latchkey_shared::pin::{Broken, Context, PinRules};
use latchkey_shared::report::Report;
use latchkey_shared::time::{Seconds, Timestamp};
use litemap::LiteMap;
use std::rc::Rc;

/// One reminds of the same thing this rarely.
pub const REMIND_EVERY: Seconds = Seconds::days(30);
/// "Fine as it is" holds so long.
pub const FINE_FOR: Seconds = Seconds::days(180);
/// After so many seals were opened the page gets a breath.
const BREATH: usize = 16;

/// Which PINs break today's rules, and the first rule that each breaks.
pub type Weak = LiteMap<GrantId, Broken>;

/// What names an item from one visit to the next.
pub fn key(item: &CareItem) -> String {
    match item {
        CareItem::StillOnLock { grant, lock, .. } => format!("still:{grant}:{lock}"),
        CareItem::WeakPin { grant, broken } => format!("weak:{grant}:{}", broken.code()),
        CareItem::OldPrimary { grant, since } => format!("old:{grant}:{}", since.0),
        CareItem::Unused { grant, since } => format!("unused:{grant}:{}", since.0),
        CareItem::Shared { grant } => format!("shared:{grant}"),
        CareItem::SameName { grants } => {
            let ids: Vec<String> = grants.iter().map(ToString::to_string).collect();
            format!("name:{}", ids.join(","))
        }
    }
}

/// What a person said of one item.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Note {
    /// Not shown before.
    quiet_until: Timestamp,
    /// When it was last brought up on the first page.
    reminded: Timestamp,
}

/// What a person said of the items of a home.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Memory(Vec<(String, Note)>);

impl Memory {
    /// From text; what is damaged is forgotten.
    pub fn parse(text: &str) -> Self {
        let line = |line: &str| {
            let mut parts = line.split(' ');
            let key = parts.next().filter(|key| !key.is_empty())?.to_owned();
            let mut time = || parts.next()?.parse().ok().map(Timestamp);
            Some((key, Note { quiet_until: time()?, reminded: time()? }))
        };
        Self(text.lines().filter_map(line).collect())
    }

    /// As text.
    pub fn to_text(&self) -> String {
        let line =
            |(key, note): &(String, Note)| format!("{key} {} {}\n", note.quiet_until.0, note.reminded.0);
        self.0.iter().map(line).collect()
    }

    fn note(&self, key: &str) -> Note {
        self.0.iter().find(|(other, _)| other == key).map(|(_, note)| *note).unwrap_or_default()
    }

    fn note_mut(&mut self, key: &str) -> &mut Note {
        let at = self.0.iter().position(|(other, _)| other == key).unwrap_or_else(|| {
            self.0.push((key.to_owned(), Note::default()));
            self.0.len() - 1
        });
        &mut self.0[at].1
    }

    /// Whether an item is to be left alone for now.
    pub fn is_quiet(&self, key: &str, now: Timestamp) -> bool {
        self.note(key).quiet_until > now
    }

    /// Leaves an item alone until then.
    pub fn quiet(&mut self, key: &str, until: Timestamp) {
        self.note_mut(key).quiet_until = until;
    }

    /// Whether an item may be brought up again.
    pub fn is_due(&self, key: &str, now: Timestamp) -> bool {
        let note = self.note(key);
        note.quiet_until <= now && (note.reminded == Timestamp(0) || now.since(note.reminded) >= REMIND_EVERY)
    }

    /// The items were looked at. What is no longer an item is forgotten.
    pub fn seen(&mut self, keys: &[String], now: Timestamp) {
        self.0.retain(|(key, _)| keys.contains(key));
        for key in keys {
            let note = self.note_mut(key);
            if note.reminded == Timestamp(0) || now.since(note.reminded) >= REMIND_EVERY {
                note.reminded = now;
            }
        }
    }
}

impl Home {
    fn memory_name(&self) -> String {
        format!("care.{}.{}", self.id, self.me)
    }

    /// What this person said of the items, as this browser remembers it.
    pub fn care_memory(&self) -> Memory {
        Memory::parse(&js::remembered(&self.memory_name()).unwrap_or_default())
    }

    /// Remembers it.
    pub fn remember_care(&self, memory: &Memory) {
        js::remember(&self.memory_name(), &memory.to_text());
    }

    /// What needs care.
    pub fn review(&self, weak: &Weak) -> Vec<CareItem> {
        let reports: Vec<Report> = self.reports.values().cloned().collect();
        let broken = |id: &GrantId| weak.get(id).copied();
        review(&CareInput { state: &self.chain, reports: &reports, broken: &broken, now: self.now() })
    }
}

/// Judges every live PIN that this member can read by today's rules. Opening seals takes time, so the page goes on
/// meanwhile.
pub async fn weak_pins(home: Rc<Home>) -> Weak {
    let (now, mut weak) = (home.now(), Weak::new());
    let policy = &home.chain.policy().pin;
    let live = home.chain.grants().values().map(|entry| &entry.grant);
    for (n, grant) in live.filter(|grant| grant.end().is_none_or(|end| end > now)).enumerate() {
        if n % BREATH == BREATH - 1 {
            TimeoutFuture::new(0).await;
        }
        let Some(pin) = home.open_pin(grant) else { continue };
        let reports = grant.locks.iter().filter_map(|lock| home.reports.get(lock));
        let caps: Vec<_> = reports.map(|report| report.lock.abilities.pin_caps()).collect();
        let Ok(rules) = PinRules::new(policy, &caps) else { continue };
        if let Some(first) = Context::new(&rules).check(&pin).err().and_then(|all| all.first().copied()) {
            weak.insert(grant.id, first);
        }
    }
    weak
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 86_400;

    #[test]
    fn one_is_reminded_once_a_month_and_left_alone_when_all_is_fine() {
        let at = |day: u64| Timestamp(1_800_000_000 + day * DAY);
        let keys = ["unused:a:1".to_owned(), "shared:b".to_owned()];
        let mut memory = Memory::default();
        assert!(keys.iter().all(|key| memory.is_due(key, at(0))));
        memory.seen(&keys, at(0));
        assert!(!keys.iter().any(|key| memory.is_due(key, at(29))));
        // Looking again does not put the next reminder off.
        memory.seen(&keys, at(20));
        assert!(keys.iter().all(|key| memory.is_due(key, at(30))));
        memory.quiet(&keys[0], at(180));
        assert!(memory.is_quiet(&keys[0], at(179)) && !memory.is_quiet(&keys[0], at(180)));
        assert!(!memory.is_due(&keys[0], at(100)) && memory.is_due(&keys[1], at(100)));
        assert_eq!(Memory::parse(&memory.to_text()), memory);
        // What was mended is forgotten, and new when it comes again.
        memory.seen(&keys[1..], at(101));
        assert!(memory.is_due(&keys[0], at(102)));
    }

    #[test]
    fn damaged_notes_are_no_notes() {
        assert_eq!(Memory::parse("a\nb 1\n\nc x 2\n 1 2"), Memory::default());
        assert!(Memory::parse("a 5 0").is_quiet("a", Timestamp(4)));
    }
}

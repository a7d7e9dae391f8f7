//! What needs care, and what a person said about it. That is remembered in this browser, for this person and home.

use super::Home;
use crate::js;
use gloo_timers::future::TimeoutFuture;
use latchkey_shared::care::{CareInput, CareItem, due, review, weakness};
use latchkey_shared::explain::HubContact;
use latchkey_shared::id::GrantId;
use latchkey_shared::pin::Broken;
use latchkey_shared::report::Report;
use latchkey_shared::time::{Seconds, Timestamp};
use litemap::LiteMap;
use std::rc::Rc;

/// "Fine as it is" holds so long.
pub const FINE_FOR: Seconds = Seconds::days(180);
/// "In a month".
pub const LATER: Seconds = Seconds::days(30);
/// After so many seals were opened the page gets a breath.
const BREATH: usize = 16;

/// Which PINs break today's rules, and the first rule that each breaks.
pub type Weak = LiteMap<GrantId, Broken>;

/// Something to look at, in words.
#[derive(Clone, PartialEq)]
pub struct Care {
    /// What.
    pub item: CareItem,
    /// In a sentence.
    pub sentence: String,
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

    /// When an item was last brought up.
    pub fn reminded(&self, key: &str) -> Option<Timestamp> {
        Some(self.note(key).reminded).filter(|at| *at > Timestamp(0))
    }

    /// The items were looked at: nobody need be reminded of them for a while. What is no longer an item is forgotten.
    pub fn seen(&mut self, keys: &[String], now: Timestamp) {
        self.0.retain(|(key, _)| keys.contains(key));
        for key in keys {
            self.note_mut(key).reminded = now;
        }
    }

    /// How many items somebody may be reminded of now.
    pub fn due(&self, items: &[CareItem], now: Timestamp) -> usize {
        let reminded = |key: &str| self.reminded(key);
        due(items, &reminded, now).filter(|item| !self.is_quiet(&item.key(), now)).count()
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

    /// What needs care, in words.
    pub fn review(&self, weak: &Weak) -> Vec<Care> {
        let reports: Vec<Report> = self.reports.values().cloned().collect();
        let now = self.now();
        let input = CareInput {
            state: &self.chain,
            reports: &reports,
            hub: &|hub| self.hub_offline(hub).map_or(HubContact::online(now), HubContact::away),
            broken: &|id| weak.get(id).copied(),
            now,
            zone: &*self.zone,
            style: self.style,
        };
        let worded = |item: CareItem| Care { sentence: item.sentence(&input), item };
        review(&input).into_iter().map(worded).collect()
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
        if let Some(broken) = weakness(&pin, policy) {
            weak.insert(grant.id, broken);
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
        let unused = |n| CareItem::Unused { grant: GrantId([n; 16]), since: at(0) };
        let items = [unused(1), unused(2)];
        let keys = items.each_ref().map(CareItem::key);
        let mut memory = Memory::default();
        assert_eq!(memory.due(&items, at(0)), 2);
        memory.seen(&keys, at(0));
        assert_eq!((memory.due(&items, at(29)), memory.due(&items, at(30))), (0, 2));
        memory.quiet(&keys[0], at(180));
        assert!(memory.is_quiet(&keys[0], at(179)) && !memory.is_quiet(&keys[0], at(180)));
        assert_eq!((memory.due(&items, at(100)), memory.due(&items, at(180))), (1, 2));
        assert_eq!(Memory::parse(&memory.to_text()), memory);
        // What was mended is forgotten, and new when it comes again.
        memory.seen(&keys[1..], at(101));
        assert_eq!(memory.due(&items, at(102)), 1);
    }

    #[test]
    fn damaged_notes_are_no_notes() {
        assert_eq!(Memory::parse("a\nb 1\n\nc x 2\n 1 2"), Memory::default());
        assert!(Memory::parse("a 5 0").is_quiet("a", Timestamp(4)));
    }
}

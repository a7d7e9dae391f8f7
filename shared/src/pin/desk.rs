//! Everything that decides about a PIN in one place: the rules, the live codes and all PINs that there ever were.

use super::{Broken, Context, Exhausted, Left, Pin, PinRules};
use crate::chain::ChainState;
use crate::grant::Grant;
use crate::id::{GrantId, LockId};
use crate::time::Timestamp;
use core::cmp::Ordering;
use core::ops::Deref;
use rand_core::CryptoRng;
use std::collections::BTreeMap;

/// Where a known PIN is, or was, in use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PinUse {
    /// By a live code on at least one of the same locks.
    Here,
    /// By a live code on other locks of the home.
    Elsewhere,
    /// By a code that is over or revoked, or by an earlier revision of one.
    Past,
}

impl PinUse {
    /// By whether the code is over, or the PIN was replaced, and whether it is on one of the same locks.
    pub fn of(over: bool, here: bool) -> Self {
        match (over, here) {
            (true, _) => Self::Past,
            (false, true) => Self::Here,
            (false, false) => Self::Elsewhere,
        }
    }
}

/// A PIN in an order. Comparing takes longer the more is alike, which nobody can measure who may not know it.
#[derive(PartialEq, Eq)]
struct Known(Pin);

impl Ord for Known {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.expose().cmp(other.0.expose())
    }
}

impl PartialOrd for Known {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Judges and makes PINs for one code. Whoever can open PINs notes all of them first: those of every revision of
/// every other grant in the chain, for as long as the home exists, and those that the code itself had before the one
/// that it has: that one it may keep.
pub struct PinDesk {
    rules: PinRules,
    /// Whether a live code has it.
    known: BTreeMap<Known, bool>,
    /// What could be taken for it on the same locks.
    here: Vec<Pin>,
}

impl PinDesk {
    /// A desk that knows no other PIN yet.
    pub fn new(rules: PinRules) -> Self {
        Self { rules, known: BTreeMap::new(), here: vec![] }
    }

    /// Takes note of another code's PIN.
    pub fn note(&mut self, pin: Pin, used: PinUse) {
        if used == PinUse::Here {
            self.here.push(pin.clone());
        }
        *self.known.entry(Known(pin)).or_default() |= used != PinUse::Past;
    }

    /// Takes note of the PINs of a home: `history` is every grant that its ops ever put, in their order and revisions
    /// included, and `open` opens what its caller can open. The code on `locks` that the PIN is for is `except`.
    pub fn note_home<G: Deref<Target = Grant>>(
        &mut self,
        chain: &ChainState,
        history: impl IntoIterator<Item = G>,
        open: impl Fn(&Grant) -> Option<Pin>,
        locks: &[LockId],
        except: Option<GrantId>,
        now: Timestamp,
    ) {
        // An edit that keeps the PIN keeps when it was chosen: each PIN is opened once.
        let (mut own, mut chosen) = (Vec::new(), BTreeMap::<(GrantId, Timestamp), G>::new());
        for grant in history {
            match Some(grant.id) == except {
                true => own.push(grant),
                false => drop(chosen.insert((grant.id, grant.pin_set), grant)),
            }
        }
        let kept = own.last().and_then(|newest| open(newest));
        for pin in own.iter().filter_map(|grant| open(grant)).filter(|pin| Some(pin) != kept.as_ref()) {
            self.note(pin, PinUse::Past);
        }
        for grant in chosen.values() {
            let Some(pin) = open(grant) else { continue };
            let newest = chain.grants().get(&grant.id).is_some_and(|entry| entry.grant.rev == grant.rev);
            let over = !newest || grant.end().is_some_and(|end| end <= now);
            let here = grant.locks.iter().any(|lock| locks.contains(lock));
            self.note(pin, PinUse::of(over, here));
        }
    }

    /// The rules.
    pub fn rules(&self) -> &PinRules {
        &self.rules
    }

    /// Judges what was typed: the PIN, or every rule that it breaks.
    pub fn judge(&self, typed: &str) -> Result<Pin, Vec<Broken>> {
        let pin = self.rules.parse(typed).map_err(|broken| vec![broken])?;
        self.check(&pin).map(|()| pin)
    }

    /// Every rule that a PIN breaks, at least one if it is refused.
    pub fn check(&self, pin: &Pin) -> Result<(), Vec<Broken>> {
        let live = self.known.get(&Known(pin.clone())).is_some_and(|live| *live);
        let told = |broken| match broken {
            Broken::UsedBefore if live => Broken::InUse,
            other => other,
        };
        self.with(|ctx| ctx.check(pin)).map_err(|all| {
            // A PIN that is in use is not also said to have been used before.
            let mut told: Vec<Broken> = all.into_iter().map(told).collect();
            told.dedup();
            told
        })
    }

    /// A PIN of the default length, uniform over those that may be used.
    pub fn generate(&self, rng: &mut impl CryptoRng) -> Result<Pin, Exhausted> {
        self.with(|ctx| ctx.generate(rng))
    }

    /// How many PINs of the default length are left.
    pub fn left(&self) -> Left {
        let (_, _, len) = self.rules.lengths();
        let known = self.known.keys().filter(|known| known.0.digit_count() == len).count() as u64;
        Left::count(&self.rules, len, &self.here, known, |pin| self.knows(pin))
    }

    fn knows(&self, pin: &Pin) -> bool {
        self.known.contains_key(&Known(pin.clone()))
    }

    fn with<T>(&self, act: impl FnOnce(&Context<'_>) -> T) -> T {
        // Where no keypad has two digits to a key, what is known is all that counts.
        let live = if self.rules.paired_digits() { self.here.as_slice() } else { &[] };
        act(&Context { rules: &self.rules, live, used_before: Some(&|pin| self.knows(pin)) })
    }
}

//! Everything that decides about a PIN in one place: the rules, the live codes and all PINs that there ever were.

use super::{Broken, Context, Exhausted, Left, Pin, PinRules};
use rand_core::CryptoRng;

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

/// Judges and makes PINs for one code. Whoever can open PINs notes all of them first: those of every revision of
/// every other grant in the chain, for as long as the home exists. The code's own PINs are not noted: it may keep
/// its PIN.
pub struct PinDesk {
    rules: PinRules,
    here: Vec<Pin>,
    elsewhere: Vec<Pin>,
    past: Vec<Pin>,
}

impl PinDesk {
    /// A desk that knows no other PIN yet.
    pub fn new(rules: PinRules) -> Self {
        Self { rules, here: vec![], elsewhere: vec![], past: vec![] }
    }

    /// Takes note of another code's PIN.
    pub fn note(&mut self, pin: Pin, used: PinUse) {
        match used {
            PinUse::Here => self.here.push(pin),
            PinUse::Elsewhere => self.elsewhere.push(pin),
            PinUse::Past => self.past.push(pin),
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
        let elsewhere = |broken| match broken {
            Broken::UsedBefore if self.elsewhere.contains(pin) => Broken::InUse,
            other => other,
        };
        self.with(|ctx| ctx.check(pin)).map_err(|all| all.into_iter().map(elsewhere).collect())
    }

    /// A PIN of the default length, uniform over those that may be used.
    pub fn generate(&self, rng: &mut impl CryptoRng) -> Result<Pin, Exhausted> {
        self.with(|ctx| ctx.generate(rng))
    }

    /// How many PINs of the default length are left.
    pub fn left(&self) -> Left {
        let (_, _, len) = self.rules.lengths();
        let known: Vec<&Pin> = self.here.iter().chain(&self.elsewhere).chain(&self.past).collect();
        Left::count(&self.rules, len, &self.here, &known)
    }

    fn with<T>(&self, act: impl FnOnce(&Context<'_>) -> T) -> T {
        let used = |pin: &Pin| self.elsewhere.contains(pin) || self.past.contains(pin);
        act(&Context { rules: &self.rules, live: &self.here, used_before: Some(&used) })
    }
}

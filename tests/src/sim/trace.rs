//! What happened, step by step: numbers only, so that writing it down is cheap and no PIN can be in it.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;

/// How many steps a failure shows.
const LAST: usize = 400;

/// One step. What `a`, `b` and `c` mean is said by `what`, in words between them.
#[derive(Clone, Copy, Debug)]
struct Step {
    /// Milliseconds since 1970.
    at: u64,
    what: &'static str,
    n: [u64; 3],
}

/// The steps so far.
#[derive(Debug)]
pub(super) struct Trace {
    begin: u64,
    hash: u64,
    steps: u64,
    last: VecDeque<Step>,
    /// How often each kind of step was taken.
    counts: BTreeMap<&'static str, u64>,
    /// Every step is printed as it happens.
    loud: bool,
}

impl Trace {
    pub(super) fn new(begin: u64, loud: bool) -> Self {
        Self {
            begin,
            hash: 0xcbf2_9ce4_8422_2325,
            steps: 0,
            last: VecDeque::with_capacity(LAST),
            counts: BTreeMap::new(),
            loud,
        }
    }

    /// Writes a step down. Each `#` in `what` stands for the next number.
    pub(super) fn step(&mut self, at: u64, what: &'static str, n: [u64; 3]) {
        self.steps += 1;
        *self.counts.entry(what).or_default() += 1;
        for word in [at, n[0], n[1], n[2]] {
            self.mix(word);
        }
        what.bytes().for_each(|byte| self.mix(u64::from(byte)));
        if self.last.len() == LAST {
            self.last.pop_front();
        }
        let step = Step { at, what, n };
        if self.loud {
            super::say(&self.line(&step));
        }
        self.last.push_back(step);
    }

    fn mix(&mut self, word: u64) {
        self.hash = (self.hash ^ word).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(23);
    }

    /// How often each kind of step was taken.
    pub(super) fn counts(&self) -> &BTreeMap<&'static str, u64> {
        &self.counts
    }

    /// Tells one run from another.
    pub(super) fn hash(&self) -> u64 {
        self.hash
    }

    pub(super) fn steps(&self) -> u64 {
        self.steps
    }

    fn line(&self, step: &Step) -> String {
        let passed = step.at.saturating_sub(self.begin);
        let (days, rest) = (passed / 86_400_000, passed % 86_400_000);
        let (h, m, s, ms) = (rest / 3_600_000, rest / 60_000 % 60, rest / 1_000 % 60, rest % 1_000);
        let mut line = format!("day {days} {h:02}:{m:02}:{s:02}.{ms:03}  ");
        let mut numbers = step.n.iter();
        for c in step.what.chars() {
            match (c, c == '#') {
                (_, true) => drop(write!(line, "{}", numbers.next().copied().unwrap_or(0))),
                (c, false) => line.push(c),
            }
        }
        line
    }

    /// The last steps as text, oldest first.
    pub(super) fn text(&self, most: usize) -> String {
        let skip = self.last.len().saturating_sub(most);
        self.last.iter().skip(skip).map(|step| self.line(step) + "\n").collect()
    }
}

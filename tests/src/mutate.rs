//! Changes of inputs, such as a fuzzer makes.

use latchkey_shared::testing::{SeededRng, rng};
use rand_core::Rng;
use std::time::Instant;

/// Values at which lengths and numbers tend to break.
const EDGES: [u8; 12] = [0, 1, 0x17, 0x18, 0x1b, 0x1f, 0x7f, 0x80, 0x9f, 0xbf, 0xf6, 0xff];
/// The longest input that is made.
const MOST: usize = 64 * 1024;

/// Makes inputs of others.
pub struct Mutator {
    known: Vec<Vec<u8>>,
    dice: SeededRng,
}

impl Mutator {
    /// Of these; another sequence each time.
    pub fn new(known: Vec<Vec<u8>>, at: Instant) -> Self {
        let passed = std::collections::hash_map::RandomState::new();
        let seed = std::hash::BuildHasher::hash_one(&passed, at);
        Self { known, dice: rng(seed) }
    }

    /// Of these, the same sequence for the same seed.
    pub fn seeded(known: Vec<Vec<u8>>, seed: u64) -> Self {
        Self { known, dice: rng(seed) }
    }

    fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.dice.next_u64() >> 1).unwrap_or_default() % n.max(1)
    }

    fn one(&mut self) -> Vec<u8> {
        let at = self.below(self.known.len());
        self.known.get(at).cloned().unwrap_or_default()
    }

    /// The next input: one that is known, changed in one to eight places.
    #[expect(clippy::should_implement_trait, reason = "it never ends")]
    pub fn next(&mut self) -> Vec<u8> {
        let mut bytes = self.one();
        for _ in 0..=self.below(8) {
            let (at, byte) = (self.below(bytes.len() + 1), self.dice.next_u32().to_le_bytes()[0]);
            let edge = EDGES[self.below(EDGES.len())];
            match self.below(8) {
                0 => bytes.truncate(at),
                1 => bytes.insert(at, byte),
                2 => bytes.insert(at, edge),
                3 => bytes.iter_mut().skip(at).take(1).for_each(|old| *old ^= 1 << (byte % 8)),
                4 => bytes.iter_mut().skip(at).take(1).for_each(|old| *old = edge),
                5 if at < bytes.len() => drop(bytes.remove(at)),
                6 => {
                    // A stretch of another one, or of itself, once more.
                    let other = self.one();
                    let from = self.below(other.len() + 1);
                    let len = self.below((other.len() - from).min(200) + 1);
                    bytes.splice(at..at, other[from..from + len].iter().copied());
                }
                _ => bytes.iter_mut().skip(at).take(1).for_each(|old| *old = byte),
            }
        }
        bytes.truncate(MOST);
        bytes
    }
}

//! How long each promise may take. These are the bounds of `docs/threat-model.md`; the oracle grants no others.

/// One second, in milliseconds: the unit of everything here.
pub(super) const SECOND: u64 = 1_000;
pub(super) const MINUTE: u64 = 60 * SECOND;
pub(super) const HOUR: u64 = 60 * MINUTE;
pub(super) const DAY: u64 = 24 * HOUR;

/// From an op that the cloud took, or an instant at which a code starts or ends, to the locks, when nothing is in the
/// way: the slowest poll (40 s), and a minute for a queue of commands at a slow lock.
pub(super) const PROMPT: u64 = 100 * SECOND;
/// After anything was in the way: the longest back-off (a quarter of an hour and a quarter of that), twice the time that
/// one request or command may take, and then [`PROMPT`].
pub(super) const RECOVERY: u64 = 20 * MINUTE;
/// A hub that was told nothing, because the word was lost, looks by itself (and asks for proof of the time): every hour and a tenth, at the latest.
pub(super) const UNTOLD: u64 = 66 * MINUTE;
/// What was seen in a slot and kept a code off is looked at again after as long as it was in the way, this at the latest.
pub(super) const AGAIN: u64 = 6 * HOUR + RECOVERY;
/// After all faults are healed: everything as it should be.
pub(super) const CONVERGENCE: u64 = 95 * MINUTE;
/// A slot that somebody programs at the lock within this time before a write that relied on an older reading is lost:
/// how long a reading counts (60 s), and the time that a command takes.
pub(super) const HAND_RACE: u64 = 100 * SECOND;
/// A hub that is woken more often has something wrong with its timers.
pub(super) const WAKES_A_MINUTE: u32 = 5_000;
/// More commands than these to one lock in one hour are a loop.
pub(super) const COMMANDS_AN_HOUR: u32 = 900;

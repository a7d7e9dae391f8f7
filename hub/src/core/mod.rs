//! The hub's decisions, without I/O: no clock, no randomness, no network, no disk. Everything comes in, and what is
//! to be done comes out as effects, in the order in which it must be done.

pub mod clock;
pub mod lock;
pub mod reconcile;
pub mod retry;
pub mod slot_state;
pub mod trust;

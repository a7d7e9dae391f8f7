//! The hub's decisions, without I/O: no clock, no randomness, no network, no disk. Everything comes in, and what is
//! to be done comes out as effects, in the order in which it must be done.

pub mod change;
pub mod clock;
pub mod events;
pub mod health;
pub mod hub;
pub mod lock;
mod notices;
pub mod panel;
mod presented;
pub mod reconcile;
pub mod release;
mod reporting;
mod restored;
pub mod retry;
pub mod slot_state;
pub mod sync;
#[cfg(test)]
mod tests;
pub mod trust;
mod used_pins;
pub mod view;
mod work;

pub use hub::{Effect, HubCore, Input, Numbering, Presented};

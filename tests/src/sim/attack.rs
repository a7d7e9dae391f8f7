//! A Worker that means harm. It has the issuer's key and everything that the cloud stores, and a removed member's keys.

use super::cloud::{Ask, Reply};
use super::world::World;

impl World {
    pub(super) fn evil_begins(&mut self) {}

    pub(super) fn evil_ends(&mut self) {}

    /// What it answers a hub instead of the truth.
    pub(super) fn tampered(&mut self, _hub: usize, _ask: &Ask) -> Option<Reply> {
        None
    }

    pub(super) fn oracle_evil(&self) -> bool {
        false
    }

    pub(super) fn replace(&mut self) {}
}

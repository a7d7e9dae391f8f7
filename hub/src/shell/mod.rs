//! Everything that touches the world: disk, network, clocks. Decides nothing.

pub mod files;
pub mod ledger;

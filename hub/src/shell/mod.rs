//! Everything that touches the world: disk, network, clocks. Decides nothing.

pub mod bridges;
pub mod button;
pub mod clocks;
pub mod cloud;
pub mod fleet;
pub mod former;
pub mod http;
pub mod identity;
pub mod ledger;
pub mod log;
pub mod meter;
pub mod notify;
pub mod pairing;
pub mod run;
pub mod socket;
pub mod state_key;

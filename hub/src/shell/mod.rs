//! Everything that touches the world: disk, network, clocks. Decides nothing.

pub mod button;
pub mod clocks;
pub mod cloud;
pub mod files;
pub mod former;
pub mod http;
pub mod identity;
pub mod ledger;
pub mod origin;
pub mod pairing;
pub mod run;
pub mod socket;

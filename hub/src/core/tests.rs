//! The whole core against simulated locks and a home's chain, in simulated time, with faults from a seed.

mod cloud;
mod crash;
mod faults;
mod found;
mod hands;
mod health;
mod hubs;
mod lazy;
mod life;
mod outcomes;
mod panel;
mod panel_limits;
mod replaced;
mod robust;
mod simulated;
mod uses;
mod world;

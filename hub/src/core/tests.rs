//! The whole core against simulated locks and a home's chain, in simulated time, with faults from a seed.

mod cloud;
mod crash;
mod faults;
mod life;
mod panel;
mod world;

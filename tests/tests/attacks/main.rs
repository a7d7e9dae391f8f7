//! Attacks on the hub and on the Worker, each over their real cores. `cargo xtask attack` names every attack with
//! the tests that show it, and runs them.

mod bundles;
mod bytes;
mod cloud;
mod heads;
mod locks;
mod logs;
mod loot;
mod people;
mod time;
mod ways;

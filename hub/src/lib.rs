//! The hub: verifies every grant offline and keeps the locks of a home in step with them.
//!
//! [`core`] decides and does no I/O; [`shell`] does the I/O around it and decides nothing; [`drivers`] speak to
//! locks; [`panel`] shows it all on the machine itself. [`config`] is what a person decided; [`machine`] is below all.

// Input that could make it panic would stop it: nothing is taken for granted outside of tests.
#![cfg_attr(
    not(test),
    warn(
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::string_slice,
        clippy::unreachable,
        clippy::unwrap_used
    )
)]

pub mod config;
pub mod core;
pub mod drivers;
pub mod machine;
pub mod panel;
pub mod shell;

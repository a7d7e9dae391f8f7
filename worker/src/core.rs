//! Decisions without I/O: accounts, sessions, pairing, homes and links.

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

pub mod account;
pub mod api;
pub mod bytes;
pub mod config;
pub mod home;
pub mod json;
pub mod limits;
pub mod pair;
pub mod session;
pub mod ticket;

//! Decisions without I/O: accounts, sessions, pairing, homes and links.

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

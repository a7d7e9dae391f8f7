//! What the Worker offers, as functions.

pub mod account;
pub mod auth;
pub mod homes;
pub mod http;
pub mod people;
pub mod tokens;

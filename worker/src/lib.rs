//! The cloud part of Latchkey: a Cloudflare Worker with two kinds of Durable Object.
//!
//! `core` decides, purely: time, randomness and storage come in as arguments, so that it is tested natively.
//! What is around it (router, objects, KV) does I/O and nothing else, and exists for WebAssembly only.

pub mod core;
pub mod error;
pub mod store;

#[cfg(target_arch = "wasm32")]
mod account_do;
#[cfg(target_arch = "wasm32")]
mod auth;
#[cfg(target_arch = "wasm32")]
mod binding;
#[cfg(target_arch = "wasm32")]
mod cron;
#[cfg(target_arch = "wasm32")]
pub mod entry;
#[cfg(target_arch = "wasm32")]
mod env;
#[cfg(target_arch = "wasm32")]
mod home_do;
#[cfg(target_arch = "wasm32")]
mod host;
#[cfg(target_arch = "wasm32")]
mod http;
#[cfg(target_arch = "wasm32")]
mod obs;
#[cfg(target_arch = "wasm32")]
mod platform;
#[cfg(target_arch = "wasm32")]
mod router;

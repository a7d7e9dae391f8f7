//! Latchkey's domain: wire format, chain verification, schedules, PINs and planning.
//!
//! Pure by construction: no clock, no random numbers and no I/O in this crate. Time comes in as
//! [`time::Instant`]-like values and randomness as `&mut impl rand_core::CryptoRng`, so that the same code
//! decides in the browser, at the edge, on the hub and in the simulator.

extern crate alloc;

pub mod explain;
pub mod httpsig;
pub mod pin;
pub mod plan;
pub mod schedule;
pub mod slot;
pub mod time;
#[cfg(feature = "webauthn")]
pub mod webauthn;
pub mod zone;
#[cfg(feature = "intl")]
pub mod zone_intl;

//! Latchkey's domain: wire format, chain verification, schedules, PINs and planning.
//!
//! Pure by construction: no clock, no random numbers and no I/O in this crate. Time comes in as
//! [`time::Timestamp`]s and randomness as `&mut impl rand_core::CryptoRng`, so that the same code
//! decides in the browser, at the edge, on the hub and in the simulator.

// Input that could make it panic would stop it: nothing is taken for granted outside of tests and what serves
// them.
#![cfg_attr(
    not(any(test, feature = "testing")),
    warn(
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::string_slice,
        clippy::unreachable,
        clippy::unwrap_used
    )
)]

extern crate alloc;
// So that derived code finds this crate by its name, inside it as well.
extern crate self as latchkey_shared;

/// Whether a deliberate mistake is switched on. Only ever true in builds of the simulator that look for it.
#[cfg(feature = "defects")]
#[macro_export]
macro_rules! defect {
    ($name:ident) => {
        $crate::defects::on($crate::defects::Defect::$name)
    };
}

/// Whether a deliberate mistake is switched on. It is not.
#[cfg(not(feature = "defects"))]
#[macro_export]
macro_rules! defect {
    ($name:ident) => {
        false
    };
}

pub mod api;
pub mod care;
pub mod chain;
pub mod compose;
#[cfg(feature = "defects")]
pub mod defects;
pub mod error;
pub mod event;
pub mod exchange;
pub mod explain;
pub mod grant;
pub mod head;
pub mod httpsig;
pub mod id;
pub mod invite;
pub mod json;
pub mod keys;
pub mod limits;
pub mod link;
pub mod order;
pub mod origin;
pub mod pair;
pub mod pin;
pub mod plan;
pub mod policy;
pub mod report;
pub mod schedule;
pub mod sealed;
pub mod signin;
pub mod slot;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod text;
pub mod time;
pub mod token;
pub mod trouble;
pub mod view;
#[cfg(feature = "webauthn")]
pub mod webauthn;
pub mod wire;
pub mod zone;
#[cfg(feature = "intl")]
pub mod zone_intl;

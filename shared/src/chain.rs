//! A home's chain: every op that can open a door, each signed by a key that the chain itself trusts at that point.
//!
//! Rules of its evolution, all enforced by [`ChainState::extend`]:
//! - Op 0 is `Genesis` and is signed by the owner whom it names. Everything else follows from it.
//! - `seq` counts up by one; `prev` is the hash of the op before. There is no fork and no gap.
//! - An op counts if its signer is a live key of the home and the op lies within the signer's role.
//! - A home always has an owner. A removed key, a revoked grant and a removed hub never return.
//! - PINs are sealed to the newest epoch. After somebody who had the home key leaves, no grant is put until a
//!   `NewEpoch`.
//! - What is not understood is refused: an op of an unknown kind stops the chain for whoever does not know it.

mod apply;
pub mod op;
pub mod staged;
mod state;
pub mod verify;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod verify_tests;

pub(crate) use apply::{Signature, Touched};
pub use op::{Body, Op, SignedOp};
pub use state::{ChainError, ChainState, Epoch, GrantEntry, HubEntry, Member, Signer};

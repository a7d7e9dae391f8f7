//! A bundle that was written to a file: verified by itself, from its first op on.

use crate::chain::ChainState;
use crate::chain::verify::BundleError;
use crate::error::coded_error;
use crate::head::{Bundle, Head};
use crate::id::Hash32;
use crate::limits::MAX_BUNDLE_BYTES;
use crate::wire::cbor;

use super::archive::{Fault, Place};

coded_error! {
    /// Why a bundle alone is not good.
    pub enum BundleFileError {
        NoHub = "bundle.no_hub", "The head is for a hub that is not, or no longer, in the home.";
    }
}

/// A bundle that was found good but for the time.
#[derive(Clone, Debug)]
pub struct VerifiedBundle {
    /// The chain to its end.
    pub chain: ChainState,
    /// The head over it.
    pub head: Head,
}

/// Verifies every op, and that the head of the chain's issuer names their end. `genesis` pins the home.
pub fn verify(bytes: &[u8], genesis: Option<Hash32>) -> Result<VerifiedBundle, Fault> {
    let fault = |place, why: &dyn crate::error::Coded| Fault { place, code: why.code(), hint: why.hint() };
    let file = |why: &dyn crate::error::Coded| fault(Place::File, why);
    let bundle: Bundle = cbor::from_slice(bytes, MAX_BUNDLE_BYTES).map_err(|e| file(&e))?;
    let chain = super::archive::verify_ops(bundle.ops.iter(), None)?;
    let head = Head::verify(&bundle.head, chain.issuer()).map_err(|e| file(&e))?;
    head.check_audience(chain.home(), &head.hub).map_err(|e| file(&e))?;
    if genesis.is_some_and(|pinned| pinned != chain.genesis_hash()) {
        return Err(fault(Place::Op(0), &BundleError::WrongGenesis));
    }
    if (head.seq, head.head_hash) != (chain.seq(), chain.hash()) {
        return Err(fault(Place::Op(chain.seq()), &BundleError::Incomplete));
    }
    if !chain.hubs().contains_key(&head.hub) {
        return Err(file(&BundleFileError::NoHub));
    }
    Ok(VerifiedBundle { chain, head })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestHome;
    use crate::wire::cbor::to_vec;

    #[test]
    fn a_bundle_alone() {
        let home = TestHome::new(95);
        let good = to_vec(&home.bundle(0, TestHome::BEGINNING, None));
        let verified = verify(&good, Some(home.state.genesis_hash())).unwrap();
        assert_eq!((verified.chain.seq(), verified.head.hub), (1, home.hub));
        let code = |bytes: &[u8], genesis| verify(bytes, genesis).err().map(|fault| fault.code);
        assert_eq!(code(&good, Some(Hash32([0; 32]))), Some("bundle.wrong_genesis"));
        assert_eq!(code(&good[1..], None), Some("wire.malformed"));
        let later = to_vec(&home.bundle(1, TestHome::BEGINNING, None));
        assert_eq!(code(&later, None), Some("chain.bad_genesis"));
        let mut short = home.bundle(0, TestHome::BEGINNING, None);
        short.ops.pop();
        assert_eq!(code(&to_vec(&short), None), Some("bundle.incomplete"));
    }
}

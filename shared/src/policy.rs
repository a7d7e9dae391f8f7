//! A home's rules.

use crate::error::coded_error;
use crate::grant::name_ok;
use crate::limits;
use crate::pin::PinPolicy;
use crate::time::Seconds;
use crate::wire::derive::{Decode, Encode};
use crate::zone::ZoneName;

/// What an owner decides for the whole home.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct Policy {
    /// The home's name, at most [`limits::MAX_NAME`] bytes.
    #[n(1)]
    pub name: String,
    /// The IANA zone in which hours are meant.
    #[n(2)]
    pub zone: ZoneName,
    /// Rules for PINs.
    #[n(3)]
    pub pin: PinPolicy,
    /// How long guests' codes keep their word after the last fresh head; at most 90 days.
    #[n(4)]
    pub offline_grace: Seconds,
}

coded_error! {
    /// Why a policy is refused.
    pub enum PolicyError {
        Name = "policy.name", "Give the home a name of 1 to 64 characters, without line breaks.";
        Pin = "policy.pin", "The PIN rules contradict each other.";
        Grace = "policy.offline_grace", "Codes can keep working offline for 1 hour to 90 days.";
    }
}

impl Policy {
    /// The longest offline grace.
    pub const MAX_GRACE: Seconds = Seconds::days(90);

    /// What a new home starts with.
    pub fn new(name: &str, zone: ZoneName) -> Self {
        Self {
            name: name.to_owned(),
            zone,
            pin: PinPolicy::default(),
            offline_grace: limits::DEFAULT_OFFLINE_GRACE,
        }
    }

    /// Refuses rules that cannot be kept.
    pub fn validate(&self) -> Result<(), PolicyError> {
        if !name_ok(&self.name) {
            return Err(PolicyError::Name);
        }
        self.pin.validate().map_err(|_| PolicyError::Pin)?;
        if self.offline_grace < Seconds::hours(1) || self.offline_grace > Self::MAX_GRACE {
            return Err(PolicyError::Grace);
        }
        Ok(())
    }
}

//! A home's rules.

use crate::error::coded_error;
use crate::grant::{Grant, GrantKind, name_ok};
use crate::limits;
use crate::pin::PinPolicy;
use crate::schedule::{Date, Style, Validity, describe, describe_uses};
use crate::time::Seconds;
use crate::wire::derive::{Decode, Encode};
use crate::zone::{Zone, ZoneName};

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
    /// Days on which no guest code opens, ascending, at most [`Validity::MAX_DAYS_OFF`].
    #[n(5)]
    pub quiet_days: Vec<Date>,
    /// The age at which a primary code's PIN should be changed; absent: never.
    #[n(6)]
    pub change_primary_after: Option<Seconds>,
}

coded_error! {
    /// Why a policy is refused.
    pub enum PolicyError {
        Name = "policy.name", "Give the home a name of 1 to 64 characters, without line breaks.";
        Pin = "policy.pin", "The PIN rules contradict each other.";
        ChangeAfter = "policy.change_primary_after", "A primary code's PIN can be due for change after 30 days to 2 years.";
        QuietDays = "policy.quiet_days", "Name at most 64 quiet days, each once.";
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
            quiet_days: vec![],
            change_primary_after: Some(Seconds::days(365)),
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
        let due = Seconds::days(30)..=Seconds::days(730);
        if self.change_primary_after.is_some_and(|after| !due.contains(&after)) {
            return Err(PolicyError::ChangeAfter);
        }
        let days_ok = self.quiet_days.len() <= Validity::MAX_DAYS_OFF
            && self.quiet_days.is_sorted_by(|a, b| a < b)
            && self.quiet_days.iter().all(|day| *day <= Date::MAX);
        if days_ok { Ok(()) } else { Err(PolicyError::QuietDays) }
    }

    /// When a grant opens in this home, in a sentence: `Tuesdays 09:00–12:00, from 3 to 31 Dec 2026; up to 3 times`.
    pub fn describe(&self, grant: &Grant, zone: &dyn Zone, style: &Style) -> String {
        let text = describe(&self.validity(grant), zone, style);
        match describe_uses(grant.uses) {
            Some(uses) => format!("{text}; {uses}"),
            None => text,
        }
    }

    /// When a grant opens in this home: quiet days are days off for guests.
    pub fn validity(&self, grant: &Grant) -> Validity {
        match grant.kind {
            GrantKind::Guest if crate::defect!(QuietForgotten) => grant.validity(),
            GrantKind::Guest => grant.validity().without(&self.quiet_days),
            GrantKind::Primary | GrantKind::Standard | GrantKind::Duress => grant.validity(),
        }
    }
}

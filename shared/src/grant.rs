//! Grants: a signed statement of who may open which locks when.

use crate::error::coded_error;
use crate::id::{GrantId, KeyId, LinkId, LockId};
use crate::limits;
use crate::schedule::{Buffers, Date, Schedule, ScheduleError, Validity};
use crate::sealed::{SealedPin, SealedSecret, SelfSeal};
use crate::time::{Seconds, Timestamp};
use crate::wire::derive::{Decode, Encode};

/// What kind of code a grant is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Encode, Decode)]
#[cbor(index_only)]
pub enum GrantKind {
    /// An owner's: may disarm and use the hub's panel.
    #[n(0)]
    Primary,
    /// Family: may disarm.
    #[n(1)]
    Standard,
    /// Always has an end.
    #[n(2)]
    Guest,
    /// Works like a normal code and raises a silent alarm.
    #[n(3)]
    Duress,
}

impl GrantKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Primary, Self::Standard, Self::Guest, Self::Duress];

    /// Its name in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Primary => "primary",
            Self::Standard => "standard",
            Self::Guest => "guest",
            Self::Duress => "duress",
        }
    }

    /// As it may be seen by whoever looks over a shoulder: which of the household's codes raises a silent alarm is
    /// nowhere said without being asked for.
    pub fn in_public(self) -> &'static str {
        match self {
            Self::Guest => "Guest",
            Self::Primary | Self::Standard | Self::Duress => "Household",
        }
    }
}

/// A code, as the chain carries it. [`Grant::validate`] says what is well formed; whether it counts is for
/// [`crate::chain`] to say.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct Grant {
    /// Names it for good. An id that was revoked never returns.
    #[n(1)]
    pub id: GrantId,
    /// Revision, from 1; each change adds one.
    #[n(2)]
    pub rev: u32,
    /// What kind of code.
    #[n(3)]
    pub kind: GrantKind,
    /// The first instant at which it no longer opens.
    #[n(4)]
    pub expires: Option<Timestamp>,
    /// The first instant at which it may open.
    #[n(5)]
    pub not_before: Timestamp,
    /// What people call it, at most [`limits::MAX_NAME`] bytes. The cloud can read it.
    #[n(7)]
    pub label: String,
    /// The locks, in ascending order without repetition, at most [`limits::MAX_GRANT_LOCKS`].
    #[n(8)]
    pub locks: Vec<LockId>,
    /// The hours within the term.
    #[n(9)]
    pub schedule: Schedule,
    /// How often it opens at most; `None` for any number.
    #[n(10)]
    pub uses: Option<u32>,
    /// Whether it disarms the alarm.
    #[n(11)]
    pub may_disarm: bool,
    /// The PIN, for owners and hubs.
    #[n(12)]
    pub pin: SealedPin,
    /// The member whose code it is.
    #[n(13)]
    pub holder: Option<KeyId>,
    /// The guest link to it, if it was shared.
    #[n(14)]
    pub link: Option<LinkRef>,
    /// The PIN once more, for members without the home key: who made the code, and whose it is.
    #[n(15)]
    pub self_seals: Vec<SelfSeal>,
    /// Days on which it does not open, ascending, at most [`Validity::MAX_DAYS_OFF`].
    #[n(16)]
    pub days_off: Vec<Date>,
    /// Time added before and after the term and every window; absent: none.
    #[n(17)]
    pub buffers: Option<Buffers>,
    /// From its first use on it works only so long.
    #[n(18)]
    pub stay: Option<Seconds>,
    /// Whether it is paused.
    #[n(19)]
    pub suspended: bool,
    /// When its PIN was chosen: an edit that keeps the PIN keeps this.
    #[n(20)]
    pub pin_set: Timestamp,
}

/// A guest link to a grant.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct LinkRef {
    /// Its id.
    #[n(1)]
    pub id: LinkId,
    /// Its secret, for owners, so that the link can be shared again.
    #[n(2)]
    pub secret: SealedSecret,
}

coded_error! {
    /// Why a grant is not well formed.
    pub enum GrantError {
        Label = "grant.label", "Give the code a name of 1 to 64 characters, without line breaks.";
        Locks = "grant.locks", "Choose 1 to 32 doors, each once.";
        Revision = "grant.revision", "The code was changed elsewhere in the meantime. Look at it again.";
        Term = "grant.term", "The end must come after the start.";
        Hours = "grant.hours", "The weekly hours are not valid. Check days and times.";
        NeedsEnd = "grant.needs_end", "A guest code needs an end.";
        Disarm = "grant.disarm", "Only primary, standard and duress codes may disarm the alarm.";
        DaysOff = "grant.days_off", "Name at most 64 days off, each once.";
        Buffers = "grant.buffers", "Time before and after can be 1 minute to 4 hours.";
        Stay = "grant.stay", "A stay from the first use on lasts 1 hour to 365 days.";
        Uses = "grant.uses", "The number of uses must be 1 to 1000.";
        Sealed = "grant.sealed", "The sealed PIN is not well formed. Make the code again.";
        Holder = "grant.holder", "A guest code belongs to no member.";
    }
}

/// Whether text may be a name: not empty, not long, no surrounding blanks, and nothing that steers what shows it.
pub fn name_ok(name: &str) -> bool {
    !name.is_empty() && name.len() <= limits::MAX_NAME && name.trim() == name && !name.chars().any(steers)
}

/// A name from text that others wrote, such as a device's: without what no name has, cut so that it fits with `number`,
/// which tells namesakes apart. `None`: nothing is left of it.
pub fn name_from(text: &str, number: &str) -> Option<String> {
    let name: String = text.chars().filter(|c| !steers(*c)).collect();
    let name = name.trim();
    let fits = name.floor_char_boundary(limits::MAX_NAME.saturating_sub(number.len()));
    let name = name.get(..fits).unwrap_or_default().trim_end();
    (!name.is_empty()).then(|| format!("{name}{number}"))
}

/// Whether a character changes how those around it are shown, and is nothing itself: controls, line separators, and
/// what turns the direction of text around, so that a name reads as another.
pub fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{feff}')
}

impl Grant {
    /// Refuses what no grant can be, whoever signs it.
    pub fn validate(&self) -> Result<(), GrantError> {
        if !name_ok(&self.label) {
            return Err(GrantError::Label);
        }
        if self.locks.is_empty()
            || self.locks.len() > limits::MAX_GRANT_LOCKS
            || !self.locks.is_sorted_by(|a, b| a < b)
        {
            return Err(GrantError::Locks);
        }
        if self.pin_set.validate().is_err() {
            return Err(GrantError::Term);
        }
        if self.rev == 0 {
            return Err(GrantError::Revision);
        }
        let validity = self.validity();
        validity.schedule.validate().map_err(|_| GrantError::Hours)?;
        validity.validate().map_err(|e| match e {
            ScheduleError::BadDaysOff => GrantError::DaysOff,
            ScheduleError::BadBuffers => GrantError::Buffers,
            ScheduleError::BadStay => GrantError::Stay,
            _ => GrantError::Term,
        })?;
        if self.buffers == Some(Buffers::NONE) {
            // No buffers have one spelling.
            return Err(GrantError::Buffers);
        }
        if self.uses.is_some_and(|n| !(1..=1_000).contains(&n)) {
            return Err(GrantError::Uses);
        }
        let seals_ok = self.self_seals.len() <= limits::MAX_EXTRA_SEALS
            && self.self_seals.is_sorted_by(|a, b| a.to < b.to)
            && self.self_seals.iter().all(|seal| seal.sealed.len() <= limits::MAX_SEALED)
            && self.pin.sealed.len() <= limits::MAX_SEALED
            && self.link.as_ref().is_none_or(|link| link.secret.sealed.len() <= limits::MAX_SEALED);
        if !seals_ok {
            return Err(GrantError::Sealed);
        }
        match self.kind {
            GrantKind::Guest if self.expires.is_none() => Err(GrantError::NeedsEnd),
            GrantKind::Guest if self.may_disarm => Err(GrantError::Disarm),
            GrantKind::Guest if self.holder.is_some() => Err(GrantError::Holder),
            _ => Ok(()),
        }
    }

    /// Whether it needs a lock that tells who came in: for a number of uses, or a stay from the first one on.
    pub fn counts_uses(&self) -> bool {
        self.uses.is_some() || self.stay.is_some()
    }

    /// When it opens, but for the home's quiet days: see [`crate::policy::Policy::validity`].
    pub fn validity(&self) -> Validity {
        Validity {
            not_before: self.not_before,
            expires: self.expires,
            schedule: self.schedule.clone(),
            days_off: self.days_off.clone(),
            buffers: self.buffers.unwrap_or_default(),
            stay: self.stay,
            suspended: self.suspended,
        }
    }

    /// The first instant at which it no longer opens, buffers included; `None` without an end.
    pub fn end(&self) -> Option<Timestamp> {
        self.validity().term().1
    }

    /// How long it lasts, buffers included; `None` without an end.
    pub fn length(&self) -> Option<Seconds> {
        self.validity().length()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_shown_as_they_are() {
        for good in
            ["Zoë", "דנה", "أمينة", "می\u{200c}خواهم", "👩\u{200d}🔧 Plumber", "O’Brien & Söhne <2>", "=1+1"]
        {
            assert!(name_ok(good), "{good}");
        }
        for bad in
            ["", " a", "a ", "a\nb", "a\u{1b}[2Jb", "a\u{7f}b", "a\u{85}b", "a\u{9b}b", &"x".repeat(65)]
        {
            assert!(!name_ok(bad), "{bad:?}");
        }
        for c in [
            '\u{202a}', '\u{202b}', '\u{202c}', '\u{202d}', '\u{202e}', '\u{2066}', '\u{2067}', '\u{2068}',
            '\u{2069}', '\u{200e}', '\u{200f}', '\u{61c}', '\u{2028}', '\u{2029}', '\u{200b}', '\u{feff}',
        ] {
            assert!(!name_ok(&format!("Anna{c}gnilpmis")), "{c:?}");
        }
    }

    #[test]
    fn a_name_is_made_of_what_a_device_says() {
        let from = |text: &str, number| name_from(text, number);
        assert_eq!(from("\u{feff} Haus\ttür\n", "").as_deref(), Some("Haustür"));
        assert_eq!(from("Hall", " 2").as_deref(), Some("Hall 2"));
        for text in ["ü".repeat(64), "x ".repeat(40), format!("{}🔑", "x".repeat(60)), "門".repeat(22)] {
            for number in ["", " 7", " (65535)"] {
                let name = from(&text, number).unwrap();
                assert!(name_ok(&name) && name.ends_with(number), "{name:?}");
            }
        }
        assert_eq!(from(" \u{202e}\n", " 1"), None);
    }
}

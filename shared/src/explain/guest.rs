//! What a guest is told: no internals, no blame, and only what concerns them.

use super::decide::by_its_terms;
use super::facts::Facts;
use super::words::{Said, Words};
use super::{CodeState, Reason};
use crate::time::Timestamp;
use core::cmp::Ordering;

const ASK: &str = "Ask the person who gave you the code.";

/// Why a code that is still on the lock should not open, and the state that goes with it.
pub(super) fn shut_for_guest(facts: &Facts<'_>, at: Timestamp, since: Timestamp) -> (CodeState, Reason) {
    let reason = by_its_terms(facts, at).unwrap_or(Reason::Revoked { since });
    let state = match reason {
        Reason::NotYet { opens } => CodeState::Scheduled { opens: Some(opens) },
        Reason::OutsideHours { opens } => CodeState::OutsideHours { opens: Some(opens) },
        Reason::DayOff { opens } | Reason::QuietDay { opens } => CodeState::OutsideHours { opens },
        Reason::NeverAgain => CodeState::OutsideHours { opens: None },
        Reason::Suspended => CodeState::Suspended,
        Reason::Over { .. } | Reason::GraceOver { .. } | Reason::UsedUp => CodeState::Expired,
        _ => CodeState::Revoked,
    };
    (state, reason)
}

impl Words<'_> {
    pub(super) fn for_guest(&self, reason: &Reason) -> Said {
        let said = |text: &str, step: Option<&'static str>| (text.to_owned(), step);
        if self.when != Ordering::Equal {
            return self.for_guest_then(reason);
        }
        let opens = |opens: Option<Timestamp>, why: &str| match opens {
            Some(t) => (format!("{why}This code opens the door from {}.", self.at(t)), None),
            None => said("This code does not open the door any more.", Some(ASK)),
        };
        match *reason {
            Reason::Opens { verified_at, .. } if !self.facts.hub.online => (
                format!("This code was on the lock when last checked, {}.", self.at(verified_at)),
                Some("If the door stays shut, ask the person who gave you the code."),
            ),
            Reason::Opens { until, .. } => {
                (format!("This code opens the door now{}.", self.until(until)), None)
            }
            Reason::OpensUnconfirmed { .. } => said(
                "This code should open the door now. The lock cannot confirm it.",
                Some("If the door stays shut, ask the person who gave you the code."),
            ),
            Reason::NotYet { opens: t } | Reason::OutsideHours { opens: t } => opens(Some(t), ""),
            Reason::WaitingForHub { opens: Some(t) } if self.facts.hub.online => opens(Some(t), ""),
            Reason::DayOff { opens: t } | Reason::QuietDay { opens: t } => opens(t, "Not today. "),
            Reason::NeverAgain => opens(None, ""),
            Reason::Over { .. } | Reason::GraceOver { .. } => said("This code has ended.", Some(ASK)),
            Reason::UsedUp => said("This code was used as often as it could be.", Some(ASK)),
            Reason::Suspended => said("This code is paused.", Some(ASK)),
            Reason::Revoked { .. } => said("This code is no longer valid.", Some(ASK)),
            Reason::Failed { .. } => said("This code is not ready at the door.", Some(ASK)),
            _ => said("This code is being made ready.", Some("Look again in a few minutes.")),
        }
    }

    /// Of another moment than now.
    fn for_guest_then(&self, reason: &Reason) -> Said {
        let text = match (reason, self.when) {
            (Reason::WillOpen { until }, _) => {
                return (format!("This code opens the door then{}.", self.until(*until)), None);
            }
            (Reason::Failed { .. } | Reason::WaitingForHub { .. }, Ordering::Greater) => {
                "This code is not ready at the door."
            }
            (reason, Ordering::Less) if reason.opens() || matches!(reason, Reason::Unrecorded) => {
                "This code was valid then."
            }
            (Reason::ChangedSince { .. }, _) => "This code was changed since then.",
            (_, Ordering::Less) => "This code was not valid then.",
            _ => "This code does not open the door then.",
        };
        (text.to_owned(), Some(ASK))
    }
}

//! Reasons in sentences.

use super::decide::reason;
use super::facts::Facts;
use super::guest::shut_for_guest;
use super::{CodeState, FailWhy, Reason};
use crate::schedule::format_instant;
use crate::slot::{OwnEnd, Readback};
use crate::time::Timestamp;
use core::cmp::Ordering;

/// Who reads the explanation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Audience {
    /// Somebody who manages the home, or lives there and looks at their own code.
    Member,
    /// Somebody with a link: no internals, no blame.
    Guest,
}

/// Why a code does or does not open a door.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Explanation {
    /// The code's state now, the same whatever moment was asked about.
    pub state: CodeState,
    /// Since when it is in that state.
    pub since: Timestamp,
    /// Whether the reader should expect the door to open. For members also true of a code still on the lock.
    pub opens: bool,
    /// Why, for programs.
    pub reason: Reason,
    /// Why, for the reader.
    pub sentence: String,
    /// What the reader can do, where there is anything to do.
    pub next_step: Option<&'static str>,
}

/// Explains to this reader why the code does or does not open the door at `at`: now, in the past or to come.
pub fn explain(facts: &Facts<'_>, at: Timestamp, audience: Audience) -> Explanation {
    let (standing, reason) = reason(facts, at);
    let words = Words { facts, when: at.cmp(&facts.now) };
    let (state, since) = (standing.state, standing.since);
    match audience {
        Audience::Member => {
            let opens = reason.opens() || matches!(reason, Reason::StillOnLock { .. });
            let (sentence, next_step) = words.with_silence(&reason, words.for_member(&reason));
            Explanation { state, since, opens, reason, sentence, next_step }
        }
        Audience::Guest => {
            // That it could not be taken off yet is no guest's business: to them it is shut.
            let (state, reason) = match reason {
                Reason::StillOnLock { since, .. } => shut_for_guest(facts, at, since),
                reason => (state, reason),
            };
            let (sentence, next_step) = words.for_guest(&reason);
            Explanation { state, since, opens: reason.opens(), reason, sentence, next_step }
        }
    }
}

const CHECK_HUB: &str = "Check the hub's power and its internet.";

/// A sentence, and what to do.
pub(super) type Said = (String, Option<&'static str>);

pub(super) struct Words<'a> {
    pub(super) facts: &'a Facts<'a>,
    pub(super) when: Ordering,
}

impl Words<'_> {
    pub(super) fn at(&self, t: Timestamp) -> String {
        format_instant(t, self.facts.zone, &self.facts.style)
    }

    /// ` until Thu 3 Dec 2026 at 09:00`, if there is an end.
    pub(super) fn until(&self, end: Option<Timestamp>) -> String {
        end.map_or_else(String::new, |t| format!(" until {}", self.at(t)))
    }

    /// `has been offline since …`, to be said of the hub, if it is away.
    fn away(&self) -> Option<String> {
        match (self.facts.hub.online, self.facts.hub.heard) {
            (true, _) => None,
            (false, Some(t)) => Some(format!("has been offline since {}", self.at(t))),
            (false, None) => Some("is offline".to_owned()),
        }
    }

    fn for_member(&self, reason: &Reason) -> Said {
        match *reason {
            Reason::Opens { .. } | Reason::OpensUnconfirmed { .. } => self.on_lock(reason),
            Reason::WillOpen { until } => {
                (format!("Opens then{}, as it is now set.", self.until(until)), None)
            }
            Reason::Unrecorded => (
                "Its times let it open then. Whether it was on the lock is in the activity log.".into(),
                Some("Look at the activity of that time."),
            ),
            Reason::ChangedSince { at } => (
                format!("It was changed {}. What held before is in the activity log.", self.at(at)),
                Some("Look at the activity of that time."),
            ),
            Reason::NotMade { at } => (format!("It did not exist then: it was made {}.", self.at(at)), None),
            Reason::StillOnLock { since, why } => self.still_on_lock(since, why),
            Reason::WaitingForHub { opens } => self.waiting(opens),
            Reason::Due => match self.away() {
                Some(away) => (
                    format!(
                        "Its time has come. The hub puts it on the lock by itself, but {away}, so that this was not seen."
                    ),
                    Some(CHECK_HUB),
                ),
                None => ("Its time has come: it is being put on the lock.".into(), None),
            },
            Reason::Writing => ("Being written to the lock.".into(), None),
            Reason::Failed { why, next_try } => {
                let retry = next_try.map_or_else(String::new, |t| format!(" Next try {}.", self.at(t)));
                (format!("Not on the lock: {}.{retry}", why.wrong()), Some(why.remedy()))
            }
            _ => self.shut(reason),
        }
    }

    /// Tells as well of a lock that does not answer, where a code is to open it that is on it, or will be.
    fn with_silence(&self, reason: &Reason, (sentence, step): Said) -> Said {
        let concerned = match reason {
            Reason::Opens { .. } | Reason::OpensUnconfirmed { .. } => self.when != Ordering::Less,
            Reason::WillOpen { .. } | Reason::WaitingForHub { .. } | Reason::Due => true,
            Reason::NotYet { .. } | Reason::OutsideHours { .. } => self.when == Ordering::Equal,
            _ => false,
        };
        match self.facts.seen.and_then(|seen| seen.silent_since).filter(|_| concerned) {
            Some(since) => (
                format!("{sentence} The lock has not answered since {}.", self.at(since)),
                step.or(Some(FailWhy::Unreachable.remedy())),
            ),
            None => (sentence, step),
        }
    }

    /// When its term ends, if that is to come.
    fn end(&self) -> Option<Timestamp> {
        let end = self.facts.code.and_then(|code| self.facts.validity(&code).term().1);
        end.filter(|end| *end > self.facts.now)
    }

    /// Whether it was read back from the lock that it keeps what it was told of the code's times.
    fn lock_is_sure(&self) -> bool {
        self.facts.reported().is_some_and(|code| code.own_end == Some(OwnEnd::ReadBack))
    }

    /// Who ends a code that is on the lock.
    fn ends(&self) -> &'static str {
        if self.end().is_none() {
            return "";
        }
        match self.facts.reported().and_then(|code| code.own_end) {
            Some(OwnEnd::ReadBack) => " The lock ends it by itself.",
            Some(OwnEnd::Told) => " The hub ends it. The lock was told its end too, which was not read back.",
            None => " The hub ends it.",
        }
    }

    fn on_lock(&self, reason: &Reason) -> Said {
        let away = self.away();
        let ends = self.ends();
        let offline = away.as_ref().map_or_else(String::new, |away| format!(" The hub {away}."));
        match *reason {
            Reason::OpensUnconfirmed { at, .. } => (
                format!("Written {}; this lock cannot confirm it.{ends}{offline}", self.at(at)),
                Some("Try the code at the door once."),
            ),
            Reason::Opens { verified_at, .. } if self.when == Ordering::Less => {
                (format!("It was on the lock then, last read back {}.", self.at(verified_at)), None)
            }
            Reason::Opens { verified_at, .. } => (
                format!("On the lock, read back {}.{ends}{offline}", self.at(verified_at)),
                away.is_some().then_some(CHECK_HUB),
            ),
            _ => (String::new(), None),
        }
    }

    fn still_on_lock(&self, since: Timestamp, why: Option<FailWhy>) -> Said {
        let since = self.at(since);
        let may = if self.when == Ordering::Less { "May still have opened" } else { "May still open" };
        match (why, self.away()) {
            (Some(why), _) => (
                format!(
                    "{may} the door: wanted off since {since}, but {}.{}",
                    why.wrong(),
                    self.ends_though()
                ),
                Some(why.remedy()),
            ),
            (None, Some(away)) => (
                format!(
                    "{may} the door: wanted off since {since}, but the hub {away}.{}",
                    self.ends_though()
                ),
                Some(CHECK_HUB),
            ),
            (None, None) => (
                format!("{may} the door: wanted off since {since}, not yet confirmed off."),
                Some("Wait until the hub has cleared it. This takes a few seconds."),
            ),
        }
    }

    /// Until when a code that cannot be taken off may open at most, where the lock was read to see to that.
    fn ends_though(&self) -> String {
        match self.end().filter(|_| self.lock_is_sure()) {
            Some(end) => format!(" The lock ends it by itself {}.", self.at(end)),
            None => String::new(),
        }
    }

    fn waiting(&self, opens: Option<Timestamp>) -> Said {
        let then = opens.map_or_else(String::new, |t| format!(" It opens {}.", self.at(t)));
        match self.away() {
            Some(away) => (format!("Waiting for the hub, which {away}.{then}"), Some(CHECK_HUB)),
            None => (format!("Waiting for the hub.{then}"), Some("This takes a few seconds.")),
        }
    }

    /// Where its own terms say no. Of another moment than now the sentence says which way it goes.
    fn shut(&self, reason: &Reason) -> Said {
        let (now, then, step) = self.shut_clauses(reason);
        match self.when {
            Ordering::Equal => (now, step),
            Ordering::Less => (format!("Should not have opened then: {then}."), step),
            Ordering::Greater => (format!("Does not open then: {then}."), step),
        }
    }

    /// As a sentence about now, as a clause about another moment, and what to do.
    fn shut_clauses(&self, reason: &Reason) -> (String, String, Option<&'static str>) {
        let again = |opens: Option<Timestamp>| {
            opens.map_or_else(|| "never again".to_owned(), |t| format!("again {}", self.at(t)))
        };
        let keeps = self.facts.seen.and_then(|seen| seen.lock).is_some_and(|lock| lock.keeps_hours());
        let held = keeps && self.facts.reported().is_some_and(|code| code.state.may_open());
        match *reason {
            Reason::NotYet { opens } | Reason::OutsideHours { opens } => {
                let t = self.at(opens);
                let now = match held {
                    true if self.lock_is_sure() => format!("On the lock, which opens for it from {t}."),
                    true => {
                        format!(
                            "On the lock, which was told to open for it from {t}. That was not read back."
                        )
                    }
                    false => format!("Opens {t}."),
                };
                let clause = if matches!(reason, Reason::NotYet { .. }) {
                    format!("it first opens {t}")
                } else {
                    format!("outside its hours, which begin again {t}")
                };
                (now, clause, None)
            }
            Reason::DayOff { opens } => {
                let text = format!("one of its days off. It opens {}", again(opens));
                (format!("Today is {text}."), format!("that is {text}"), None)
            }
            Reason::QuietDay { opens } => {
                let text = format!("a quiet day of the home. It opens {}", again(opens));
                (format!("Today is {text}."), format!("that is {text}"), None)
            }
            Reason::NeverAgain => (
                "Its hours never come again in its term.".into(),
                "its hours never come again in its term".into(),
                Some("Change its hours or its end."),
            ),
            Reason::Over { since, confirmed } => {
                let since = self.at(since);
                let gone = if confirmed { format!(", and {}", self.gone()) } else { String::new() };
                (
                    format!("Ended {since}{gone}."),
                    format!(
                        "{} {since}",
                        if self.when == Ordering::Greater { "its end is" } else { "it ended" }
                    ),
                    Some("Extend it, or make a new code."),
                )
            }
            Reason::GraceOver { since } => {
                let text = format!(
                    "the hub had no word from the cloud for too long, so that guests' codes ended {}",
                    self.at(since)
                );
                (format!("Not valid: {text}."), text, Some("Connect the hub to the internet."))
            }
            Reason::UsedUp => (
                format!("Used up, and {}.", self.gone()),
                "it was used as often as it may be".into(),
                Some("Allow more uses, or make a new code."),
            ),
            Reason::Suspended => {
                ("Suspended.".into(), "it is suspended".into(), Some("Resume the code to let it open again."))
            }
            Reason::Revoked { since } => {
                let at = self.at(since);
                (format!("Revoked, and {}.", self.gone()), format!("it was revoked {at}"), None)
            }
            _ => (String::new(), String::new(), None),
        }
    }

    /// What is known of a code that was taken off.
    fn gone(&self) -> &'static str {
        match self.facts.seen.and_then(|seen| seen.lock).map(|lock| lock.readback) {
            Some(Readback::None) => "cleared, which this lock cannot confirm",
            _ => "off the lock",
        }
    }
}

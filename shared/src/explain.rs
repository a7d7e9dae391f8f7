//! Why a code does or does not open a door, in a sentence.

use crate::schedule::{Moment, Style, format_instant};
use crate::slot::{LockAbilities, Readback};
use crate::time::Timestamp;
use crate::wire::derive::{Decode, Encode};
use crate::zone::Zone;

/// Where a code stands on one lock, as the hub last observed it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
#[rustfmt::skip]
#[allow(missing_docs)]
pub enum CodeState {
    /// Its term has not begun.
    #[n(0)] #[cbor(map)] Scheduled { #[n(1)] opens: Option<Timestamp> },
    /// The hub has not taken it up yet.
    #[n(1)] WaitingForHub,
    /// On its way to the lock.
    #[n(2)] Writing,
    /// Read back from the lock.
    #[n(3)] #[cbor(map)] OnLock { #[n(1)] verified_at: Timestamp },
    /// Written to a lock that cannot be read back.
    #[n(4)] #[cbor(map)] WrittenUnconfirmed { #[n(1)] at: Timestamp },
    /// In its term, outside its hours.
    #[n(5)] #[cbor(map)] OutsideHours { #[n(1)] opens: Option<Timestamp> },
    /// Suspended by a member.
    #[n(6)] Suspended,
    /// Not on the lock, and why.
    #[n(7)] #[cbor(map)] Failed { #[n(1)] why: FailWhy, #[n(2)] next_try: Option<Timestamp> },
    /// Its term has ended and it is off the lock.
    #[n(8)] Expired,
    /// Withdrawn and off the lock.
    #[n(9)] Revoked,
    /// Wanted off, not yet confirmed off.
    #[n(10)] #[cbor(map)] StillOnLock { #[n(1)] since: Timestamp, #[n(2)] why: FailWhy },
}

/// What stood in the way at the lock.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(index_only)]
pub enum FailWhy {
    /// The lock does not answer.
    #[n(0)]
    Unreachable,
    /// No free slot.
    #[n(1)]
    Full,
    /// Another code has the PIN.
    #[n(2)]
    Duplicate,
    /// The lock refused it.
    #[n(3)]
    RejectedByLock,
    /// The hub does not know the time.
    #[n(4)]
    ClockUnknown,
    /// The PIN is not sealed so that the hub can open it.
    #[n(5)]
    NotSealedForHub,
}

impl CodeState {
    /// Its name for programs: on the hub's panel, in the portal's hooks, in the guest page's interface.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Scheduled { .. } => "scheduled",
            Self::WaitingForHub => "waiting_for_hub",
            Self::Writing => "writing",
            Self::OnLock { .. } => "on_lock",
            Self::WrittenUnconfirmed { .. } => "written_unconfirmed",
            Self::OutsideHours { .. } => "outside_hours",
            Self::Suspended => "suspended",
            Self::Failed { .. } => "failed",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::StillOnLock { .. } => "still_on_lock",
        }
    }
}

impl FailWhy {
    /// What is wrong and what a member can do.
    fn for_member(self) -> (&'static str, &'static str) {
        match self {
            Self::Unreachable => {
                ("the lock does not answer", "Check the lock's battery and its distance to the hub.")
            }
            Self::Full => ("the lock has no free slot", "Revoke a code that is no longer needed."),
            Self::Duplicate => ("another code has the same PIN", "Choose another PIN."),
            Self::RejectedByLock => ("the lock refused the PIN", "Choose a PIN that this lock accepts."),
            Self::ClockUnknown => ("the hub does not know the time", "Connect the hub to the internet."),
            Self::NotSealedForHub => ("the hub cannot open the sealed PIN", "Save the code again."),
        }
    }
}

/// What [`explain`] needs to know.
pub struct ExplainInput<'a> {
    /// The state that the hub last reported.
    pub state: CodeState,
    /// How the code's validity stands now.
    pub moment: Moment,
    /// What the lock can do, if that is known.
    pub lock: Option<&'a LockAbilities>,
    /// Whether it was used as often as it may be.
    pub used_up: bool,
    /// Since when the hub is not connected; `None` if it is, or if that is not known.
    pub hub_away_since: Option<Timestamp>,
    /// The home's zone.
    pub zone: &'a dyn Zone,
    /// How times are written.
    pub style: Style,
}

/// Who reads the explanation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Audience {
    /// Somebody who manages the home.
    Member,
    /// Somebody with a link: no internals, no blame.
    Guest,
}

/// Why a code does or does not open a door.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Explanation {
    /// Whether the reader should expect the door to open. For members also true of a code still on the lock.
    pub opens: bool,
    /// Why.
    pub sentence: String,
    /// What the reader can do.
    pub next_step: Option<String>,
}

const ASK: &str = "Ask the person who gave you the code.";

/// Explains the code's state at this moment to this reader.
pub fn explain(input: &ExplainInput<'_>, audience: Audience) -> Explanation {
    match audience {
        Audience::Member => for_member(input),
        Audience::Guest => for_guest(input),
    }
}

fn say(opens: bool, sentence: impl Into<String>, next_step: Option<&str>) -> Explanation {
    Explanation { opens, sentence: sentence.into(), next_step: next_step.map(Into::into) }
}

fn for_member(input: &ExplainInput<'_>) -> Explanation {
    let when = |t: Timestamp| format_instant(t, input.zone, &input.style);
    let open = matches!(input.moment, Moment::Open { .. });
    match (input.state, input.moment) {
        (CodeState::StillOnLock { since, why }, _) => {
            let (wrong, step) = why.for_member();
            let text = format!("May still open the door: wanted off since {}, but {wrong}.", when(since));
            say(true, text, Some(step))
        }
        (CodeState::Revoked, _) => say(false, format!("Revoked, and {}.", gone(input)), None),
        (CodeState::Expired, _) if input.used_up => {
            let text = format!("Used up, and {}.", gone(input));
            say(false, text, Some("Allow more uses, or make a new code."))
        }
        (CodeState::Expired, _) => say(false, format!("Ended, and {}.", gone(input)), None),
        (CodeState::OnLock { .. } | CodeState::WrittenUnconfirmed { .. }, Moment::Over { since }) => {
            let text = format!("Ended {}. Its removal is not confirmed yet.", when(since));
            say(true, text, Some("Check that the hub is online."))
        }
        (_, Moment::Over { since }) => say(false, format!("Ended {}.", when(since)), None),
        (CodeState::Suspended, _) | (_, Moment::Suspended) => {
            say(false, "Suspended.", Some("Resume the code to let it open again."))
        }
        (CodeState::Failed { why, next_try }, _) => {
            let (wrong, step) = why.for_member();
            let retry = next_try.map_or_else(String::new, |t| format!(" Next try {}.", when(t)));
            say(false, format!("Not on the lock: {wrong}.{retry}"), Some(step))
        }
        (
            CodeState::OnLock { .. } | CodeState::WrittenUnconfirmed { .. },
            Moment::NotYet { .. } | Moment::OutsideHours { .. },
        ) if !input.lock.is_some_and(|lock| lock.own_schedules) => say(
            true,
            "May still open the door: outside its hours, but not yet confirmed off the lock.",
            Some("Check that the hub is online."),
        ),
        (
            CodeState::OnLock { .. },
            Moment::NotYet { opens: Some(t) } | Moment::OutsideHours { opens: Some(t) },
        ) => say(false, format!("On the lock, which opens for it from {}.", when(t)), None),
        (_, Moment::NotYet { opens } | Moment::OutsideHours { opens }) => match opens {
            Some(t) => say(false, format!("Opens {}.", when(t)), None),
            None => {
                say(false, "Its hours never come again in its term.", Some("Change its hours or its end."))
            }
        },
        (CodeState::OnLock { verified_at }, _) => {
            say(open, format!("On the lock, read back {}.", when(verified_at)), None)
        }
        (CodeState::WrittenUnconfirmed { at }, _) => {
            let text = format!("Written {}; this lock cannot confirm it.", when(at));
            say(open, text, Some("Try the code at the door once."))
        }
        (CodeState::Writing, _) => say(false, "Being written to the lock.", None),
        _ => match input.hub_away_since {
            Some(t) => {
                let text = format!("Waiting for the hub, which is offline since {}.", when(t));
                say(false, text, Some("Check the hub's power and its internet."))
            }
            None => say(false, "Waiting for the hub.", Some("This takes a few seconds.")),
        },
    }
}

/// What is known of a code that was taken off.
fn gone(input: &ExplainInput<'_>) -> &'static str {
    match input.lock.map(|lock| lock.readback) {
        Some(Readback::None) => "cleared, which this lock cannot confirm",
        _ => "off the lock",
    }
}

fn for_guest(input: &ExplainInput<'_>) -> Explanation {
    let when = |t: Timestamp| format_instant(t, input.zone, &input.style);
    match (input.state, input.moment) {
        (CodeState::Revoked | CodeState::StillOnLock { .. }, _) => {
            say(false, "This code is no longer valid.", Some(ASK))
        }
        (CodeState::Expired, _) if input.used_up => {
            say(false, "This code was used as often as it could be.", Some(ASK))
        }
        (CodeState::Expired, _) | (_, Moment::Over { .. }) => say(false, "This code has ended.", Some(ASK)),
        (CodeState::Suspended, _) | (_, Moment::Suspended) => say(false, "This code is paused.", Some(ASK)),
        (_, Moment::NotYet { opens } | Moment::OutsideHours { opens }) => match opens {
            Some(t) => say(false, format!("This code opens the door from {}.", when(t)), None),
            None => say(false, "This code does not open the door any more.", Some(ASK)),
        },
        (CodeState::OnLock { verified_at }, Moment::Open { .. }) if input.hub_away_since.is_some() => {
            let text = format!("This code was on the lock when last checked, {}.", when(verified_at));
            say(true, text, Some("If the door stays shut, ask the person who gave you the code."))
        }
        (CodeState::OnLock { .. }, Moment::Open { closes }) => {
            let until = closes.map_or_else(String::new, |t| format!(" until {}", when(t)));
            say(true, format!("This code opens the door now{until}."), None)
        }
        (CodeState::WrittenUnconfirmed { .. }, _) => {
            say(true, "This code should open the door now. The lock cannot confirm it.", Some(ASK))
        }
        (CodeState::Failed { .. }, _) => say(false, "This code is not ready at the door.", Some(ASK)),
        _ => say(false, "This code is being made ready.", Some("Look again in a few minutes.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zone::FixedZone;

    const T: Timestamp = Timestamp(1_796_288_400);
    const WHY: FailWhy = FailWhy::Unreachable;
    static KEEPS_HOURS: LockAbilities = LockAbilities {
        slots: 10,
        reserved: vec![],
        pin_min: 4,
        pin_max: 8,
        readback: Readback::Full,
        own_schedules: true,
        one_length: None,
        paired_digits: false,
        toggles: false,
        tells_uses: true,
    };

    fn tell(state: CodeState, moment: Moment, audience: Audience) -> (bool, String) {
        let input = ExplainInput {
            state,
            moment,
            lock: Some(&KEEPS_HOURS),
            used_up: false,
            hub_away_since: None,
            zone: &FixedZone::UTC,
            style: Style::default(),
        };
        let e = explain(&input, audience);
        (e.opens, e.sentence)
    }

    const STATES: [CodeState; 11] = [
        CodeState::Scheduled { opens: Some(T) },
        CodeState::WaitingForHub,
        CodeState::Writing,
        CodeState::OnLock { verified_at: T },
        CodeState::WrittenUnconfirmed { at: T },
        CodeState::OutsideHours { opens: Some(T) },
        CodeState::Suspended,
        CodeState::Failed { why: WHY, next_try: Some(T) },
        CodeState::Expired,
        CodeState::Revoked,
        CodeState::StillOnLock { since: T, why: WHY },
    ];

    #[test]
    fn only_what_was_observed_opens() {
        for state in STATES {
            let (guest, _) = tell(state, Moment::Open { closes: None }, Audience::Guest);
            let on = matches!(state, CodeState::OnLock { .. } | CodeState::WrittenUnconfirmed { .. });
            assert_eq!(guest, on, "{state:?}");
            let (member, _) = tell(state, Moment::Open { closes: None }, Audience::Member);
            assert_eq!(member, on || matches!(state, CodeState::StillOnLock { .. }), "{state:?}");
            for moment in [Moment::NotYet { opens: Some(T) }, Moment::OutsideHours { opens: None }] {
                assert!(!tell(state, moment, Audience::Guest).0, "{state:?}");
            }
            assert!(!tell(state, Moment::Over { since: T }, Audience::Guest).0);
            let bytes = minicbor::to_vec(state).unwrap();
            assert_eq!(minicbor::decode::<CodeState>(&bytes).unwrap(), state);
        }
    }

    #[test]
    fn a_dead_hub_does_not_hide_an_open_door() {
        let state = CodeState::OnLock { verified_at: T };
        let moment = Moment::OutsideHours { opens: Some(T) };
        let input = ExplainInput {
            state,
            moment,
            lock: None,
            used_up: false,
            hub_away_since: None,
            zone: &FixedZone::UTC,
            style: Style::default(),
        };
        assert!(explain(&input, Audience::Member).opens);
        assert!(!explain(&input, Audience::Guest).opens);
        // "Off the lock" is said only of locks that can be read.
        let blind = LockAbilities { readback: Readback::None, ..KEEPS_HOURS.clone() };
        let revoked = ExplainInput { state: CodeState::Revoked, lock: Some(&blind), ..input };
        assert!(explain(&revoked, Audience::Member).sentence.contains("cannot confirm"));
        let revoked = ExplainInput { lock: Some(&KEEPS_HOURS), ..revoked };
        assert_eq!(explain(&revoked, Audience::Member).sentence, "Revoked, and off the lock.");
        let mut input = ExplainInput { state, lock: None, ..revoked };
        input.lock = Some(&KEEPS_HOURS);
        assert!(!explain(&input, Audience::Member).opens);
    }

    #[test]
    fn used_up_and_offline_are_said_so() {
        let mut input = ExplainInput {
            state: CodeState::Expired,
            moment: Moment::Open { closes: None },
            lock: Some(&KEEPS_HOURS),
            used_up: true,
            hub_away_since: Some(T),
            zone: &FixedZone::UTC,
            style: Style::default(),
        };
        assert!(explain(&input, Audience::Member).sentence.starts_with("Used up"));
        assert!(explain(&input, Audience::Guest).sentence.contains("as often as"));
        input.state = CodeState::WaitingForHub;
        let sentence = explain(&input, Audience::Member).sentence;
        assert_eq!(sentence, "Waiting for the hub, which is offline since Thu 3 Dec 2026 at 09:00.");
    }

    #[test]
    fn guests_are_told_no_internals() {
        let moments =
            [Moment::Open { closes: Some(T) }, Moment::Over { since: T }, Moment::NotYet { opens: Some(T) }];
        for (state, moment) in STATES.into_iter().flat_map(|s| moments.map(|m| (s, m))) {
            let (_, text) = tell(state, moment, Audience::Guest);
            for word in ["hub", "slot", "PIN", "grant", "revoke", "battery"] {
                assert!(!text.contains(word), "{text}");
            }
        }
    }

    #[test]
    fn sentences() {
        let open = Moment::Open { closes: Some(T) };
        let at = "Thu 3 Dec 2026 at 09:00";
        let guest = tell(CodeState::OnLock { verified_at: T }, open, Audience::Guest);
        assert_eq!(guest, (true, format!("This code opens the door now until {at}.")));
        let failed = tell(CodeState::Failed { why: WHY, next_try: Some(T) }, open, Audience::Member);
        assert_eq!(failed.1, format!("Not on the lock: the lock does not answer. Next try {at}."));
        let over = tell(CodeState::OnLock { verified_at: T }, Moment::Over { since: T }, Audience::Member);
        assert_eq!(over, (true, format!("Ended {at}. Its removal is not confirmed yet.")));
    }
}

//! States as chips: an icon, words, and since when.

use super::{Icon, Tone};
use crate::view_model::{CodeView, Home, Phase, Standing, short_time};
use latchkey_shared::explain::CodeState;
use latchkey_shared::schedule::Moment;
use latchkey_shared::time::Timestamp;
use std::rc::Rc;
use yew::prelude::*;

/// How a code stands on one lock.
#[derive(Properties, PartialEq)]
pub struct LockChipProps {
    /// The home.
    pub home: ByPtr<Home>,
    /// How the code stands.
    pub standing: Standing,
    /// Whether the lock is named too.
    #[prop_or_default]
    pub named: bool,
}

/// Compared by where it is, not by what it says.
#[derive(Clone)]
pub struct ByPtr<T>(pub Rc<T>);

impl<T> PartialEq for ByPtr<T> {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl<T> From<Rc<T>> for ByPtr<T> {
    fn from(value: Rc<T>) -> Self {
        Self(value)
    }
}

/// (icon, words, since when, tone). "On lock" is only said with the instant at which it was read back.
fn look(standing: &Standing) -> (&'static str, &'static str, Option<Timestamp>, Tone) {
    let since = standing.since;
    if standing.removing {
        return ("hourglass", "Being removed", since, Tone::Warn);
    }
    match standing.state {
        CodeState::Scheduled { opens } => ("calendar", "Scheduled", opens, Tone::Plain),
        CodeState::WaitingForHub if standing.hub_away.is_some() => {
            ("offline", "Waiting, hub offline", None, Tone::Warn)
        }
        CodeState::WaitingForHub => ("hourglass", "Waiting for hub", since, Tone::Wait),
        CodeState::Writing => ("pen", "Writing to lock", since, Tone::Wait),
        CodeState::OnLock { verified_at } => {
            ("check-circle", "On lock, verified", Some(verified_at), Tone::Good)
        }
        CodeState::WrittenUnconfirmed { at } => {
            ("check", "Written, lock cannot confirm", Some(at), Tone::Warn)
        }
        CodeState::OutsideHours { opens } => ("moon", "Outside its hours", opens, Tone::Plain),
        CodeState::Suspended => ("pause", "Suspended", since, Tone::Plain),
        CodeState::Failed { .. } => ("alert", "Not on lock", since, Tone::Bad),
        CodeState::Expired => ("check", "Ended, off the lock", since, Tone::Plain),
        CodeState::Revoked => ("check", "Revoked, off the lock", since, Tone::Plain),
        CodeState::StillOnLock { since, .. } => ("alert", "Still on lock", Some(since), Tone::Bad),
    }
}

/// The chip of a code on a lock.
#[component]
pub fn LockChip(props: &LockChipProps) -> Html {
    let (icon, words, when, tone) = look(&props.standing);
    let busy = matches!(tone, Tone::Wait).then_some("busy");
    let time = when.map(|t| short_time(&props.home.0, t));
    let opens = matches!(props.standing.state, CodeState::Scheduled { .. } | CodeState::OutsideHours { .. });
    html! {
        <span
            class={classes!("chip", tone.class(), busy)}
            data-testid={(!props.named).then_some("lock-state")}
            data-lock={props.standing.lock.to_string()}
            data-name={props.standing.lock_name.clone()}
            data-state={props.standing.name()}
        >
            <Icon name={icon} />
            <span>
                if props.named { { format!("{}: ", props.standing.lock_name) } }
                { words }
                if let Some(time) = time {
                    <span class="when num">{ if opens { format!(" · opens {time}") } else { format!(" · {time}") } }</span>
                }
            </span>
        </span>
    }
}

/// Where a code is in its life.
#[derive(Properties, PartialEq)]
pub struct PhaseChipProps {
    /// The home.
    pub home: ByPtr<Home>,
    /// The code.
    pub code: CodeView,
}

/// Whether the code is on, comes, or is over.
#[component]
pub fn PhaseChip(props: &PhaseChipProps) -> Html {
    let code = &props.code;
    let at = |t: Timestamp| short_time(&props.home.0, t);
    let (icon, words, tone) = match (code.revoked, code.moment, code.phase) {
        (Some(t), _, _) => ("x", format!("Revoked {}", at(t)), Tone::Plain),
        (_, Moment::Open { closes: Some(t) }, _) => ("clock", format!("On until {}", at(t)), Tone::Good),
        (_, Moment::Open { closes: None }, _) => ("clock", "On, without an end".into(), Tone::Good),
        (_, Moment::NotYet { opens: Some(t) } | Moment::OutsideHours { opens: Some(t) }, _) => {
            ("calendar", format!("Opens {}", at(t)), Tone::Plain)
        }
        (_, Moment::Over { since }, _) => ("check", format!("Ended {}", at(since)), Tone::Plain),
        (_, _, Phase::Now | Phase::Upcoming | Phase::Past) => {
            ("calendar", "Never opens again".into(), Tone::Warn)
        }
    };
    html! { <span class={classes!("chip", tone.class())}><Icon name={icon} /><span>{ words }</span></span> }
}

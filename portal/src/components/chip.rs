//! States as chips: an icon, words, and since when.

use super::{Tone, icon};
use crate::view_model::{CodeView, Home, Standing, short_time};
use latchkey_shared::explain::{CodeState, Explanation};
use latchkey_shared::schedule::Moment;
use latchkey_shared::time::Timestamp;
use yew::prelude::*;

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
        CodeState::Expired if standing.blind => ("check", "Ended, lock cannot confirm", since, Tone::Plain),
        CodeState::Revoked if standing.blind => ("check", "Revoked, lock cannot confirm", since, Tone::Plain),
        CodeState::Expired => ("check", "Ended, off the lock", since, Tone::Plain),
        CodeState::Revoked => ("check", "Revoked, off the lock", since, Tone::Plain),
        CodeState::StillOnLock { since, .. } => ("alert", "Still on lock", Some(since), Tone::Bad),
    }
}

/// How a code stands on one lock; with the lock's name where the chip stands alone.
pub fn lock_chip(home: &Home, standing: &Standing, named: bool) -> Html {
    chip(standing, named, |t| short_time(home, t))
}

/// The same for whoever has no home, with how times are written.
pub fn door_chip(standing: &Standing, time: impl Fn(Timestamp) -> String) -> Html {
    chip(standing, false, time)
}

fn chip(standing: &Standing, named: bool, time: impl Fn(Timestamp) -> String) -> Html {
    let (symbol, words, when, tone) = look(standing);
    let busy = (tone == Tone::Wait).then_some("busy");
    let opens = matches!(standing.state, CodeState::Scheduled { .. } | CodeState::OutsideHours { .. });
    let time = when.map(time);
    let time = time.map(|time| if opens { format!(" · opens {time}") } else { format!(" · {time}") });
    let name = named.then(|| format!("{}: ", standing.lock_name));
    html! {
        <span
            class={classes!("chip", tone.class(), busy)}
            data-testid={(!named).then_some("lock-state")}
            data-lock={standing.lock.to_string()}
            data-name={standing.lock_name.clone()}
            data-state={standing.name()}
        >
            { icon(symbol) }
            <span>{ name }{ words }<span class="when num">{ time }</span></span>
        </span>
    }
}

/// Whether the code is on, comes, or is over.
pub fn phase_chip(home: &Home, code: &CodeView) -> Html {
    let at = |t: Timestamp| short_time(home, t);
    let (symbol, words, tone) = match (code.revoked, code.moment) {
        (Some(t), _) => ("x", format!("Revoked {}", at(t)), Tone::Plain),
        (_, Moment::Open { closes: Some(t) }) => ("clock", format!("On until {}", at(t)), Tone::Good),
        (_, Moment::Open { closes: None }) => ("clock", "On, without an end".into(), Tone::Good),
        (_, Moment::NotYet { opens: Some(t) } | Moment::OutsideHours { opens: Some(t) }) => {
            ("calendar", format!("Opens {}", at(t)), Tone::Plain)
        }
        (_, Moment::Suspended) => ("pause", "Suspended".into(), Tone::Plain),
        (_, Moment::Over { since }) => ("check", format!("Ended {}", at(since)), Tone::Plain),
        _ => ("calendar", "Never opens again".into(), Tone::Warn),
    };
    html! { <span class={classes!("chip", tone.class())}>{ icon(symbol) }<span>{ words }</span></span> }
}

/// Why a code does or does not open, and what to do next. `testid`: test hook.
pub fn why(words: &Explanation, testid: Option<&'static str>) -> Html {
    html! {
        <p class="why" data-testid={testid}>
            { &words.sentence }
            if let Some(next) = &words.next_step { { format!(" {next}") } }
        </p>
    }
}

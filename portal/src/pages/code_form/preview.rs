//! What was chosen, as a sentence and as the next instants at which the code opens and closes.

use crate::view_model::Home;
use crate::view_model::form::{Form, uses_words};
use latchkey_shared::grant::GrantKind;
use latchkey_shared::schedule::{Validity, describe, duration, format_instant};
use yew::prelude::*;

/// When a code opens next, and closes again.
fn next(home: &Home, validity: &Validity) -> Option<String> {
    if validity.suspended {
        return Some("Suspended: it opens nothing until you resume it.".to_owned());
    }
    let now = home.now();
    let at = |t| format_instant(t, &*home.zone, &home.style);
    let span = validity.openings(now, &*home.zone).next()?;
    let begins =
        if span.start <= now { "Opens at once".to_owned() } else { format!("Opens {}", at(span.start)) };
    Some(match (span.end, validity.stay) {
        (_, Some(stay)) => format!("{begins}. It ends {} after the first use.", duration(stay)),
        (Some(end), None) => format!("{begins}, closes {}.", at(end)),
        (None, None) => format!("{begins}, and stays open."),
    })
}

/// The sentence, or what is missing for one.
pub fn preview(home: &Home, form: &Form) -> Html {
    let (sentence, next, uses) = match form.when.validity(home.now(), &*home.zone) {
        Err(problem) => (problem.text, None, None),
        Ok(validity) => {
            let sentence = describe(&validity, &*home.zone, &home.style);
            let quiet = match form.kind {
                GrantKind::Guest => home.chain.policy().quiet_days.as_slice(),
                GrantKind::Primary | GrantKind::Standard | GrantKind::Duress => &[],
            };
            let next = next(home, &validity.without(quiet));
            (sentence, next, form.when.uses().ok().flatten().map(uses_words))
        }
    };
    html! {
        <div role="status" class="stack tight">
            <p class="sentence" data-testid="code-preview">{ sentence }</p>
            if let Some(next) = next { <p class="small" data-testid="code-next">{ next }</p> }
            if let Some(uses) = uses { <p class="small" data-testid="code-uses">{ uses }</p> }
        </div>
    }
}

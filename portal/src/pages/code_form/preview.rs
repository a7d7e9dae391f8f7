//! What was chosen, as a sentence and as the next instants at which the code opens and closes.

use crate::view_model::Home;
use crate::view_model::form::Form;
use latchkey_shared::grant::GrantKind;
use latchkey_shared::schedule::{Validity, describe, describe_next, describe_uses, duration, format_instant};
use yew::prelude::*;

/// When a code opens next, and closes again.
fn next(home: &Home, validity: &Validity) -> Option<String> {
    if validity.suspended {
        return Some("Suspended: it opens nothing until you resume it.".to_owned());
    }
    let next = validity.next_times(home.now(), &*home.zone);
    let words = describe_next(&next, &*home.zone, &home.style)?;
    if let Some(stay) = validity.stay {
        let begins = match next.opens.filter(|_| !next.open) {
            Some(opens) => format!("Opens {}", format_instant(opens, &*home.zone, &home.style)),
            None => "Opens at once".to_owned(),
        };
        return Some(format!("{begins}. It ends {} after the first use.", duration(stay)));
    }
    Some(match (next.open, next.closes) {
        (true, None) => "Opens at once, without an end.".to_owned(),
        (true, Some(_)) => format!("Opens at once, {words}."),
        (false, _) => format!("{}.", words.replacen("opens", "Opens", 1)),
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
            (sentence, next, describe_uses(form.when.uses().ok().flatten()))
        }
    };
    html! {
        <div role="status" class="stack tight">
            <p class="sentence" data-testid="code-preview">{ sentence }</p>
            if let Some(next) = next { <p class="small" data-testid="code-next">{ next }</p> }
            if let Some(uses) = uses { <p class="small" data-testid="code-uses">{ format!("Opens {uses}.") }</p> }
        </div>
    }
}

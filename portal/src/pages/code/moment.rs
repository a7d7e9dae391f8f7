//! "Would it open then?": the code explained at any moment.

use crate::components::{Field, icon, why};
use crate::view_model::when::{date_time_text, parse_date_time};
use crate::view_model::{Home, Put};
use latchkey_shared::explain::Explanation;
use latchkey_shared::time::Local;
use latchkey_shared::zone::Zone;
use std::rc::Rc;
use yew::prelude::*;

/// Which code.
#[derive(Properties)]
pub struct MomentProps {
    /// The home.
    pub home: Rc<Home>,
    /// The code.
    pub put: Rc<Put>,
}

impl PartialEq for MomentProps {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.home, &other.home) && Rc::ptr_eq(&self.put, &other.put)
    }
}

/// Picks a moment and says for every door whether the code opens it then, and why.
#[component]
pub fn MomentCard(props: &MomentProps) -> Html {
    let (home, put) = (&props.home, &props.put);
    let at = use_state_eq(|| {
        // The next full hour: something to start from that is still to come.
        let local = home.zone.to_local(home.now());
        date_time_text(Local::from_seconds(local.to_seconds() / 3600 * 3600 + 3600))
    });
    let oninput = {
        let at = at.clone();
        Callback::from(move |text| at.set(text))
    };
    let moment = parse_date_time(&at).map(|local| home.zone.resolve(local).start());
    let error = moment.as_ref().err().map(|problem| AttrValue::from(problem.text.clone()));
    html! {
        <details class="card more">
            <summary data-testid="moment-open">{ "Would it open at another time?" }</summary>
            <div class="stack">
                <Field id="moment-at" label="At" kind="datetime-local" value={(*at).clone()} {oninput} {error} testid="moment-at"
                    help={format!("In the home’s zone, {}.", home.zone.name())} />
                if let Ok(moment) = moment {
                    <ul class="door-states" aria-live="polite">
                        { for put.grant.locks.iter().map(|lock| {
                            let name = home.lock_name(lock);
                            answer(&name, &lock.to_string(), &home.explain_at(put, *lock, moment))
                        }) }
                    </ul>
                }
            </div>
        </details>
    }
}

fn answer(door: &str, lock: &str, words: &Explanation) -> Html {
    let (symbol, tone, verdict) =
        if words.opens { ("check-circle", "good", "Opens") } else { ("x", "", "Does not open") };
    html! {
        <li key={lock.to_owned()} data-testid="moment-answer" data-lock={lock.to_owned()} data-opens={words.opens.to_string()} data-reason={words.reason.name()}>
            <p class="item-title">{ door.to_owned() }</p>
            <span class={classes!("chip", tone)}>{ icon(symbol) }{ verdict }</span>
            { why(words, None) }
        </li>
    }
}

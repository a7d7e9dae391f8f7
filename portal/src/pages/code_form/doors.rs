//! Which doors a code opens.

use super::Edits;
use crate::components::{Choice, Tone, icon};
use crate::view_model::Home;
use crate::view_model::form::{Edit, Form, scope};
use latchkey_shared::id::LockId;
use yew::prelude::*;

/// Which doors. One that the member may not give away is not offered.
pub fn doors(home: &Home, form: &Form, edits: &Edits) -> Html {
    let only = scope(home).and_then(|scope| scope.locks);
    let offered = home.reports.iter().filter(|(id, _)| only.as_ref().is_none_or(|only| only.contains(id)));
    let gone: Vec<&LockId> = form.locks.iter().filter(|lock| !home.reports.contains_key(lock)).collect();
    let toggle = |lock: LockId| {
        let edits = edits.clone();
        Callback::from(move |()| {
            edits.dispatch(Edit::new(move |form| match form.locks.binary_search(&lock) {
                Ok(i) => drop(form.locks.remove(i)),
                Err(i) => form.locks.insert(i, lock),
            }));
        })
    };
    let choice = |id: &LockId, title: String, sub: Option<&'static str>| {
        html! {
            <Choice key={id.to_string()} kind="checkbox" name="doors" title={title.clone()} sub={sub.map(AttrValue::from)}
                checked={form.locks.contains(id)} onchange={toggle(*id)} testid="code-lock"
                lock={Some((id.to_string().into(), title.into()))} />
        }
    };
    html! {
        <fieldset class="card">
            <legend class="visually-hidden">{ "Which doors?" }</legend>
            <p class="q" aria-hidden="true">{ "Which doors?" }</p>
            <div class="choices">
                { for offered.map(|(id, report)| {
                    let lock = &report.lock;
                    let sub = match (lock.unreachable_since, lock.free_slots) {
                        (Some(_), _) => Some("Does not answer right now"),
                        (None, 0) => Some("Full: revoke a code first"),
                        _ => None,
                    };
                    choice(id, lock.name.clone(), sub)
                }) }
                { for gone.into_iter().map(|id| choice(id, home.lock_name(id), Some("No hub reports it"))) }
            </div>
        </fieldset>
    }
}

/// The chosen doors as chips.
pub fn chosen(home: &Home, form: &Form) -> Html {
    if form.locks.is_empty() {
        return Html::default();
    }
    html! {
        <div class="chips">
            { for form.locks.iter().map(|lock| html! {
                <span class={classes!("chip", Tone::Plain.class())}>{ icon("door") }{ home.lock_name(lock) }</span>
            }) }
        </div>
    }
}

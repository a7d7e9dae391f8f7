//! What few codes need: how often, days off, time before and after, a stay that begins with the first use.

use super::{Edits, edit, text};
use crate::components::{Choice, DateList, Field, Segment, Select};
use crate::view_model::form::{Edit, Form};
use crate::view_model::when::Often;
use latchkey_shared::grant::GrantKind;
use latchkey_shared::schedule::{Buffers, Date, duration};
use latchkey_shared::time::Seconds;
use yew::prelude::*;

/// The lengths of buffers that are offered, in minutes.
const BUFFERS: [u16; 9] = [0, 5, 10, 15, 30, 60, 90, 120, 240];

/// Whether anything here is not as it is without being asked for.
pub fn used(form: &Form) -> bool {
    let when = &form.when;
    when.often != Often::Any
        || when.with_stay
        || !when.days_off.is_empty()
        || when.buffers != Buffers::NONE
        || form.may_disarm != (form.kind != GrantKind::Guest)
}

/// The rarer questions. `open`: whether they show from the start.
pub fn more(form: &Form, edits: &Edits, open: bool) -> Html {
    html! {
        <details class="card more" {open}>
            <summary data-testid="code-more">{ "More: how often, days off, first use, buffers" }</summary>
            <div class="stack">
                { often(form, edits) }
                { stay(form, edits) }
                { days_off(form, edits) }
                { buffers(form, edits) }
                if form.kind != GrantKind::Guest {
                    <Choice kind="checkbox" name="disarm" title="May disarm the alarm" checked={form.may_disarm}
                        onchange={edit(edits, |f: &mut Form| f.may_disarm = !f.may_disarm)} testid="code-disarm" />
                }
            </div>
        </details>
    }
}

fn often(form: &Form, edits: &Edits) -> Html {
    let choice = |often: Often, title: &'static str, hook: &'static str| {
        let choose = edit(edits, move |f: &mut Form| f.when.often = often);
        html! { <Segment name="often" {title} checked={form.when.often == often} onchange={choose} testid={hook} /> }
    };
    html! {
        <fieldset class="stack tight">
            <legend class="label">{ "How often?" }</legend>
            <div class="segmented wide">
                { choice(Often::Any, "No limit", "often-any") }
                { choice(Often::Once, "Once", "often-once") }
                { choice(Often::Times, "Number", "often-times") }
            </div>
            if form.when.often == Often::Times {
                <Field id="times" label="Times at most" kind="number" value={form.when.times.clone()} inputmode="numeric"
                    oninput={text(edits, |f, t| f.when.times = t)} maxlength={4} testid="uses-max" />
            }
        </fieldset>
    }
}

fn stay(form: &Form, edits: &Edits) -> Html {
    html! {
        <div class="stack tight">
            <Choice kind="checkbox" name="stay" title="The time begins with the first use" sub="For arrivals at an unknown hour" checked={form.when.with_stay}
                onchange={edit(edits, |f: &mut Form| f.when.with_stay = !f.when.with_stay)} testid="stay-on" />
            if form.when.with_stay {
                <Field id="stay" label="Hours from the first use on" kind="number" value={form.when.stay.clone()} inputmode="numeric"
                    oninput={text(edits, |f, t| f.when.stay = t)} maxlength={4} testid="stay-hours" help="It never lasts beyond the end above." />
            }
        </div>
    }
}

fn days_off(form: &Form, edits: &Edits) -> Html {
    let edits = edits.clone();
    let onchange = Callback::from(move |days: Vec<Date>| {
        edits.dispatch(Edit::new(move |form| form.when.days_off.clone_from(&days)));
    });
    html! {
        <DateList id="day-off" label="Days off" dates={form.when.days_off.clone()} {onchange} testid="day-off"
            help="On these days it does not open at all." />
    }
}

fn buffers(form: &Form, edits: &Edits) -> Html {
    let field = |id: &'static str, label: &'static str, now: u16, set: fn(&mut Buffers, u16)| {
        let mut lengths = BUFFERS.to_vec();
        if let Err(place) = lengths.binary_search(&now) {
            lengths.insert(place, now);
        }
        let words = |n: u16| match n {
            0 => "None".to_owned(),
            n => duration(Seconds::minutes(u32::from(n))),
        };
        let options = lengths.into_iter().map(|n| (n.to_string().into(), words(n).into())).collect();
        let edits = edits.clone();
        let onchange = Callback::from(move |value: String| {
            let minutes = value.parse().unwrap_or(0);
            edits.dispatch(Edit::new(move |form| set(&mut form.when.buffers, minutes)));
        });
        html! {
            <Select {id} {label} options={Vec::<(AttrValue, AttrValue)>::clone(&options)} value={now.to_string()} {onchange} testid={id} />
        }
    };
    let Buffers { before, after } = form.when.buffers;
    html! {
        <div class="two">
            { field("buffer-before", "Opens earlier by", before, |b, n| b.before = n) }
            { field("buffer-after", "Stays open longer by", after, |b, n| b.after = n) }
        </div>
    }
}

//! "When": ready-made answers, or dates and weekly hours.

use super::{Edits, edit, text};
use crate::components::{Button, Choice, Field, icon, input_value};
use crate::view_model::form::{Edit, Form};
use crate::view_model::when::{Preset, Row};
use latchkey_shared::grant::GrantKind;
use latchkey_shared::schedule::{Days, Schedule};
use latchkey_shared::time::Weekday;
use yew::prelude::*;

/// The choice of times.
pub fn when(form: &Form, edits: &Edits, zone: &str) -> Html {
    let when = &form.when;
    let preset = |preset: Preset, title: &'static str, sub: &'static str, hook: &'static str| {
        let choose = edit(edits, move |form: &mut Form| form.when.preset = preset);
        html! { <Choice kind="radio" name="when" {title} {sub} checked={when.preset == preset} onchange={choose} testid={hook} /> }
    };
    let guest = form.kind == GrantKind::Guest;
    html! {
        <fieldset class="card">
            <legend class="visually-hidden">{ "When?" }</legend>
            <p class="q" aria-hidden="true">{ "When?" }</p>
            <div class="choices">
                if !guest { { preset(Preset::Endless, "At any time", "Until you end it", "when-endless") } }
                { preset(Preset::Tonight, "Tonight", "Until 11:00 in the morning", "when-tonight") }
                { preset(Preset::Weekend, "This weekend", "Friday 16:00 to Sunday 20:00", "when-weekend") }
                { preset(Preset::Weekly, "Every week", "Like Tuesdays 9 to 12", "when-weekly") }
                { preset(Preset::Custom, "Other times", "Any dates, any hours", "when-custom") }
            </div>
            if when.preset == Preset::Weekly {
                { rows(form, edits, "weekly") }
                if !guest { { endless(form, edits) } }
                if guest || !when.endless {
                    <Field id="until" label="Until" kind="date" value={when.until.clone()} oninput={text(edits, |f, t| f.when.until = t)}
                        testid="weekly-until" help="The last day. You can make it longer later." />
                }
            }
            if when.preset == Preset::Custom { { custom(form, edits) } }
            <p class="help row tight nowrap">{ icon("clock") }{ format!("All times are in the home’s zone, {}.", zone) }</p>
        </fieldset>
    }
}

fn custom(form: &Form, edits: &Edits) -> Html {
    let when = &form.when;
    let guest = form.kind == GrantKind::Guest;
    html! {
        <>
            <div class="two">
                <Field id="from" label="From" kind="datetime-local" value={when.from.clone()} oninput={text(edits, |f, t| f.when.from = t)} testid="custom-from" />
                if guest || !when.endless {
                    <Field id="to" label="To" kind="datetime-local" value={when.to.clone()} oninput={text(edits, |f, t| f.when.to = t)} testid="custom-to" />
                }
            </div>
            if !guest { { endless(form, edits) } }
            <Choice kind="checkbox" name="hours" title="Only at certain hours" sub="Closed outside of them" checked={when.with_hours}
                onchange={edit(edits, |f: &mut Form| f.when.with_hours = !f.when.with_hours)} testid="custom-hours" />
            if when.with_hours { { rows(form, edits, "window") } }
        </>
    }
}

fn endless(form: &Form, edits: &Edits) -> Html {
    html! {
        <Choice kind="checkbox" name="endless" title="No end" sub="It works until you end it" checked={form.when.endless}
            onchange={edit(edits, |f: &mut Form| f.when.endless = !f.when.endless)} testid="when-no-end" />
    }
}

/// Weekly hours in any number of rows. The test hooks begin with `hooks`.
fn rows(form: &Form, edits: &Edits, hooks: &'static str) -> Html {
    let rows = &form.when.rows;
    let several = rows.len() > 1;
    let add = edit(edits, |f: &mut Form| {
        f.when.rows.push(Row { days: Days::WEEKEND, from: "10:00".into(), to: "18:00".into() });
    });
    html! {
        <>
            { for rows.iter().enumerate().map(|(i, row)| row_fields(row, i, several, hooks, edits)) }
            if rows.len() < Schedule::MAX_WINDOWS {
                <p><Button class="small" icon="plus" onclick={add} testid="more-hours">{ "More hours" }</Button></p>
            }
        </>
    }
}

/// Changes the row of that number.
fn at_row(edits: &Edits, i: usize, change: impl Fn(&mut Row) + 'static) {
    edits.dispatch(Edit::new(move |form| {
        if let Some(row) = form.when.rows.get_mut(i) {
            change(row);
        }
    }));
}

/// Days, from, to.
fn row_fields(row: &Row, i: usize, several: bool, hooks: &'static str, edits: &Edits) -> Html {
    let typed = |change: fn(&mut Row, String)| {
        let edits = edits.clone();
        Callback::from(move |e: InputEvent| {
            let text = input_value(&e);
            at_row(&edits, i, move |row| change(row, text.clone()));
        })
    };
    let toggle = |day: Weekday| {
        let edits = edits.clone();
        Callback::from(move |_: Event| {
            at_row(&edits, i, move |row| {
                let chosen: Vec<Weekday> =
                    Weekday::ALL.into_iter().filter(|d| row.days.contains(*d) != (*d == day)).collect();
                row.days = Days::of(&chosen);
            });
        })
    };
    let remove = edit(edits, move |form: &mut Form| {
        if i < form.when.rows.len() {
            form.when.rows.remove(i);
        }
    });
    html! {
        <div class="window-row" role="group" aria-label={format!("Hours {}", i + 1)} data-testid={format!("{hooks}-row")}>
            <div class="days">
                { for Weekday::ALL.into_iter().map(|day| html! {
                    <label class="day">
                        <input type="checkbox" checked={row.days.contains(day)} onchange={toggle(day)} aria-label={day.name()}
                            data-testid={format!("{hooks}-day")} data-day={day.index().to_string()} />
                        <span aria-hidden="true">{ day.name().get(..2) }</span>
                    </label>
                }) }
            </div>
            <div class="times">
                <input class="input" type="time" aria-label="From" value={row.from.clone()} oninput={typed(|r, t| r.from = t)} data-testid={format!("{hooks}-from")} />
                <span aria-hidden="true">{ "to" }</span>
                <input class="input" type="time" aria-label="To" value={row.to.clone()} oninput={typed(|r, t| r.to = t)} data-testid={format!("{hooks}-to")} />
                if several {
                    <Button class="icon-only ghost" label="Remove these hours" icon="trash" onclick={remove} testid={format!("{hooks}-remove")} />
                }
            </div>
            if row.to <= row.from { <p class="help">{ "Ends on the next day." }</p> }
        </div>
    }
}

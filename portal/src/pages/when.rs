//! "When": ready-made answers, or dates and weekly hours.

use crate::components::{Button, Choice, Field, icon};
use crate::view_model::draft::{Preset, Row, When};
use latchkey_shared::schedule::Days;
use latchkey_shared::time::Weekday;
use yew::prelude::*;

/// The choice of times.
pub fn when_fields(when: &When, onchange: &Callback<When>, zone: &str) -> Html {
    let with = |change: fn(&mut When, String)| {
        let (value, onchange) = (when.clone(), onchange.clone());
        Callback::from(move |text: String| {
            let mut value = value.clone();
            change(&mut value, text);
            onchange.emit(value);
        })
    };
    let preset = |preset: Preset, title: &'static str, sub: &'static str, hook: &'static str| {
        let (value, onchange) = (when.clone(), onchange.clone());
        let choose = Callback::from(move |()| onchange.emit(When { preset, ..value.clone() }));
        html! { <Choice kind="radio" name="when" {title} {sub} checked={when.preset == preset} onchange={choose} testid={hook} /> }
    };
    let weekly = {
        let (when, onchange) = (when.clone(), onchange.clone());
        Callback::from(move |weekly| onchange.emit(When { weekly, ..when.clone() }))
    };
    html! {
        <fieldset class="card">
            <legend class="visually-hidden">{ "When?" }</legend>
            <p class="q" aria-hidden="true">{ "When?" }</p>
            <div class="choices">
                { preset(Preset::Tonight, "Tonight", "Until 11:00 in the morning", "when-tonight") }
                { preset(Preset::Weekend, "This weekend", "Friday 16:00 to Sunday 20:00", "when-weekend") }
                { preset(Preset::Weekly, "Every week", "Like Tuesdays 9 to 12", "when-weekly") }
                { preset(Preset::Custom, "Other times", "Any dates, any hours", "when-custom") }
            </div>
            if when.preset == Preset::Weekly {
                { row_fields(&when.weekly, "weekly", &weekly, None) }
                <Field id="until" label="Until" kind="date" value={when.until.clone()} oninput={with(|w, t| w.until = t)} testid="weekly-until" help="The last day. You can make it longer later." />
            }
            if when.preset == Preset::Custom {
                <div class="two">
                    <Field id="from" label="From" kind="datetime-local" value={when.from.clone()} oninput={with(|w, t| w.from = t)} testid="custom-from" />
                    <Field id="to" label="To" kind="datetime-local" value={when.to.clone()} oninput={with(|w, t| w.to = t)} testid="custom-to" />
                </div>
                { hours(when, onchange) }
            }
            <p class="help row tight">{ icon("clock") }{ format!("All times are in the home’s zone, {}.", zone) }</p>
        </fieldset>
    }
}

/// Weekly hours within dates, in any number of rows.
fn hours(when: &When, onchange: &Callback<When>) -> Html {
    /// As many as a schedule may have.
    const MAX_ROWS: usize = latchkey_shared::schedule::Schedule::MAX_WINDOWS;
    let change = |edit: Box<dyn Fn(&mut When)>| {
        let (when, onchange) = (when.clone(), onchange.clone());
        Callback::from(move |()| {
            let mut when = when.clone();
            edit(&mut when);
            onchange.emit(when);
        })
    };
    let remove_row = |i: usize| {
        change(Box::new(move |when| {
            if i < when.rows.len() {
                when.rows.remove(i);
            }
        }))
    };
    let set_row = |i: usize| {
        let (when, onchange) = (when.clone(), onchange.clone());
        Callback::from(move |row| {
            let mut when = when.clone();
            if let Some(old) = when.rows.get_mut(i) {
                *old = row;
            }
            onchange.emit(when);
        })
    };
    let several = when.rows.len() > 1;
    html! {
        <>
            <Choice kind="checkbox" name="hours" title="Only at certain hours" sub="Closed outside of them" checked={when.with_hours}
                onchange={change(Box::new(|w| w.with_hours = !w.with_hours))} testid="custom-hours" />
            if when.with_hours {
                { for when.rows.iter().enumerate().map(|(i, row)| row_fields(row, "window", &set_row(i), several.then(|| remove_row(i)))) }
                if when.rows.len() < MAX_ROWS {
                    <p><Button class="small" icon="plus" onclick={change(Box::new(|w| w.rows.push(Row { days: Days::WEEKEND, from: "10:00".into(), to: "18:00".into() })))}>{ "More hours" }</Button></p>
                }
            }
        </>
    }
}

/// Days, from, to. The test hooks begin with `hooks`.
fn row_fields(
    row: &Row,
    hooks: &'static str,
    onchange: &Callback<Row>,
    onremove: Option<Callback<()>>,
) -> Html {
    let with = |change: fn(&mut Row, String)| {
        let (row, onchange) = (row.clone(), onchange.clone());
        Callback::from(move |e: InputEvent| {
            let mut row = row.clone();
            change(&mut row, crate::components::input_value(&e));
            onchange.emit(row);
        })
    };
    let toggle = |day: Weekday| {
        let (row, onchange) = (row.clone(), onchange.clone());
        Callback::from(move |_: Event| {
            let chosen: Vec<Weekday> =
                Weekday::ALL.into_iter().filter(|d| row.days.contains(*d) != (*d == day)).collect();
            onchange.emit(Row { days: Days::of(&chosen), ..row.clone() });
        })
    };
    let past_midnight = row.to <= row.from;
    html! {
        <div class="window-row" role="group" aria-label="Hours" data-testid={format!("{hooks}-row")}>
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
                <input class="input" type="time" aria-label="From" value={row.from.clone()} oninput={with(|r, t| r.from = t)} data-testid={format!("{hooks}-from")} />
                <span aria-hidden="true">{ "to" }</span>
                <input class="input" type="time" aria-label="To" value={row.to.clone()} oninput={with(|r, t| r.to = t)} data-testid={format!("{hooks}-to")} />
                if let Some(onremove) = onremove {
                    <Button class="icon-only ghost" label="Remove these hours" icon="trash" onclick={onremove} />
                }
            </div>
            if past_midnight { <p class="help">{ "Ends on the next day." }</p> }
        </div>
    }
}

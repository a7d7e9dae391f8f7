//! "When": ready-made answers, or dates and weekly hours.

use crate::components::{Button, Choice, Field, Icon};
use crate::view_model::draft::{Preset, Row, When};
use latchkey_shared::schedule::Days;
use latchkey_shared::time::Weekday;
use yew::prelude::*;

/// The choice of times.
#[derive(Properties, PartialEq)]
pub struct WhenProps {
    /// What is chosen.
    pub value: When,
    /// It changed.
    pub onchange: Callback<When>,
    /// The zone's name.
    pub zone: AttrValue,
}

/// The choice of times.
#[component]
pub fn WhenFields(props: &WhenProps) -> Html {
    let with = |change: fn(&mut When, String)| {
        let (value, onchange) = (props.value.clone(), props.onchange.clone());
        Callback::from(move |text: String| {
            let mut value = value.clone();
            change(&mut value, text);
            onchange.emit(value);
        })
    };
    let preset = |preset: Preset, title: &'static str, sub: &'static str, hook: &'static str| {
        let (value, onchange) = (props.value.clone(), props.onchange.clone());
        let choose = Callback::from(move |()| onchange.emit(When { preset, ..value.clone() }));
        html! { <Choice kind="radio" name="when" {title} {sub} checked={props.value.preset == preset} onchange={choose} testid={hook} /> }
    };
    let when = &props.value;
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
                <RowFields row={when.weekly.clone()} hooks="weekly" onchange={ {
                    let (value, onchange) = (when.clone(), props.onchange.clone());
                    Callback::from(move |weekly| onchange.emit(When { weekly, ..value.clone() }))
                } } />
                <Field id="until" label="Until" kind="date" value={when.until.clone()} oninput={with(|w, t| w.until = t)} testid="weekly-until" help="The last day. You can make it longer later." />
            }
            if when.preset == Preset::Custom {
                <div class="two">
                    <Field id="from" label="From" kind="datetime-local" value={when.from.clone()} oninput={with(|w, t| w.from = t)} testid="custom-from" />
                    <Field id="to" label="To" kind="datetime-local" value={when.to.clone()} oninput={with(|w, t| w.to = t)} testid="custom-to" />
                </div>
                <Hours value={when.clone()} onchange={props.onchange.clone()} />
            }
            <p class="help row tight"><Icon name="clock" />{ format!("All times are in the home’s zone, {}.", props.zone) }</p>
        </fieldset>
    }
}

#[derive(Properties, PartialEq)]
struct HoursProps {
    value: When,
    onchange: Callback<When>,
}

/// Weekly hours within dates, in any number of rows.
#[component]
fn Hours(props: &HoursProps) -> Html {
    /// As many as a schedule may have.
    const MAX_ROWS: usize = latchkey_shared::schedule::Schedule::MAX_WINDOWS;
    let change = |edit: Box<dyn Fn(&mut When)>| {
        let (value, onchange) = (props.value.clone(), props.onchange.clone());
        Callback::from(move |()| {
            let mut value = value.clone();
            edit(&mut value);
            onchange.emit(value);
        })
    };
    let when = &props.value;
    html! {
        <>
            <Choice kind="checkbox" name="hours" title="Only at certain hours" sub="Closed outside of them" checked={when.with_hours}
                onchange={change(Box::new(|w| w.with_hours = !w.with_hours))} testid="custom-hours" />
            if when.with_hours {
                { for when.rows.iter().enumerate().map(|(i, row)| html! {
                    <RowFields key={i} row={row.clone()} hooks="window" onremove={(when.rows.len() > 1).then(|| change(Box::new(move |w| { if i < w.rows.len() { w.rows.remove(i); } })))}
                        onchange={ {
                            let (value, onchange) = (props.value.clone(), props.onchange.clone());
                            Callback::from(move |row| {
                                let mut value = value.clone();
                                if let Some(old) = value.rows.get_mut(i) { *old = row; }
                                onchange.emit(value);
                            })
                        } } />
                }) }
                if when.rows.len() < MAX_ROWS {
                    <p><Button class="small" icon="plus" onclick={change(Box::new(|w| w.rows.push(Row { days: Days::WEEKEND, from: "10:00".into(), to: "18:00".into() })))}>{ "More hours" }</Button></p>
                }
            }
        </>
    }
}

#[derive(Properties, PartialEq)]
struct RowProps {
    row: Row,
    /// The beginning of the test hooks: `weekly` or `window`.
    hooks: &'static str,
    onchange: Callback<Row>,
    #[prop_or_default]
    onremove: Option<Callback<()>>,
}

/// Days, from, to.
#[component]
fn RowFields(props: &RowProps) -> Html {
    let with = |change: fn(&mut Row, String)| {
        let (row, onchange) = (props.row.clone(), props.onchange.clone());
        Callback::from(move |e: InputEvent| {
            let mut row = row.clone();
            change(&mut row, crate::components::input_value(&e));
            onchange.emit(row);
        })
    };
    let toggle = |day: Weekday| {
        let (row, onchange) = (props.row.clone(), props.onchange.clone());
        Callback::from(move |_: Event| {
            let chosen: Vec<Weekday> =
                Weekday::ALL.into_iter().filter(|d| row.days.contains(*d) != (*d == day)).collect();
            onchange.emit(Row { days: Days::of(&chosen), ..row.clone() });
        })
    };
    let hooks = props.hooks;
    let (past_midnight, row) = (props.row.to <= props.row.from, &props.row);
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
                if let Some(onremove) = props.onremove.clone() {
                    <Button class="icon-only ghost" label="Remove these hours" icon="trash" onclick={onremove} />
                }
            </div>
            if past_midnight { <p class="help">{ "Ends on the next day." }</p> }
        </div>
    }
}

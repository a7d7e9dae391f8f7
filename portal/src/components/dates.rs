//! A list of days.

use super::{Button, Field, icon};
use crate::view_model::when::parse_date;
use latchkey_shared::schedule::{Date, Style, Validity, format_instant};
use latchkey_shared::time::{DAY, Timestamp};
use latchkey_shared::zone::FixedZone;
use yew::prelude::*;

/// A list of days.
#[derive(Properties, PartialEq)]
pub struct DateListProps {
    /// The id of the input that adds one.
    pub id: AttrValue,
    /// The input's label.
    pub label: AttrValue,
    /// The days, ascending.
    pub dates: Vec<Date>,
    /// Days were added or removed.
    pub onchange: Callback<Vec<Date>>,
    /// What to know about it.
    #[prop_or_default]
    pub help: Option<AttrValue>,
    /// Test hook: of the input; `-add` and `-remove` are its buttons.
    pub testid: AttrValue,
}

/// `Thu 24 Dec 2026`.
fn date_words(date: Date) -> String {
    let noon = Timestamp(u64::from(date.0) * DAY.unsigned_abs() + 43_200);
    let text = format_instant(noon, &FixedZone::UTC, &Style::default());
    text.split(" at ").next().unwrap_or_default().to_owned()
}

/// The days as chips that can be taken away, and an input that adds one.
#[component]
pub fn DateList(props: &DateListProps) -> Html {
    let typed = use_state_eq(String::new);
    let oninput = {
        let typed = typed.clone();
        Callback::from(move |text| typed.set(text))
    };
    let date = parse_date(&typed).ok().and_then(|day| Date::from_civil(day.year, day.month, day.day));
    let room = props.dates.len() < Validity::MAX_DAYS_OFF;
    let add = {
        let (dates, onchange, typed) = (props.dates.clone(), props.onchange.clone(), typed.clone());
        Callback::from(move |()| {
            let Some(date) = date else { return };
            let mut dates = dates.clone();
            if let Err(place) = dates.binary_search(&date) {
                dates.insert(place, date);
            }
            typed.set(String::new());
            onchange.emit(dates);
        })
    };
    let remove = |date: Date| {
        let (dates, onchange) = (props.dates.clone(), props.onchange.clone());
        Callback::from(move |()| onchange.emit(dates.iter().copied().filter(|d| *d != date).collect()))
    };
    html! {
        <div class="stack tight">
            <div class="with-button lined">
                <Field id={props.id.clone()} label={props.label.clone()} kind="date" value={(*typed).clone()} {oninput}
                    help={props.help.clone()} testid={props.testid.clone()} />
                <Button icon="plus" onclick={add} disabled={date.is_none() || !room} testid={format!("{}-add", props.testid)}>{ "Add" }</Button>
            </div>
            if !room { <p class="help">{ format!("No more than {} days.", Validity::MAX_DAYS_OFF) }</p> }
            if !props.dates.is_empty() {
                <ul class="chips" aria-label={props.label.clone()}>
                    { for props.dates.iter().map(|date| {
                        let (words, remove) = (date_words(*date), remove(*date));
                        html! {
                            <li key={date.0} class="chip removable">
                                { icon("calendar") }{ words.clone() }
                                <button type="button" onclick={Callback::from(move |_| remove.emit(()))} aria-label={format!("Remove {words}")}
                                    data-testid={format!("{}-remove", props.testid)} data-date={date.to_string()}>{ icon("x") }</button>
                            </li>
                        }
                    }) }
                </ul>
            }
        </div>
    }
}

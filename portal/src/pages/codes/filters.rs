//! Search, conditions and order of the list.

use crate::components::{Select, icon, input_value};
use crate::view_model::Home;
use crate::view_model::listing::{Filter, Sort, StateIs};
use latchkey_shared::id::{KeyId, LockId};
use std::rc::Rc;
use yew::prelude::*;

/// Search, conditions and order.
#[derive(Properties)]
pub struct FiltersProps {
    /// The home.
    pub home: Rc<Home>,
    /// What is set.
    pub filter: Filter,
    /// It changed.
    pub onfilter: Callback<Filter>,
    /// How many codes fit.
    pub found: usize,
    /// How many there are.
    pub total: usize,
}

impl PartialEq for FiltersProps {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.home, &other.home)
            && (&self.filter, self.found, self.total) == (&other.filter, other.found, other.total)
    }
}

/// (value, words) of a choice.
pub type Choice = (AttrValue, AttrValue);

/// A list of conditions. `any` is what no condition is called.
pub fn select(
    label: &'static str,
    testid: &'static str,
    any: Option<&'static str>,
    choices: &[Choice],
    chosen: &str,
    onchange: Callback<String>,
) -> Html {
    let none = any.map(|any| (AttrValue::from(""), AttrValue::from(any)));
    let options: Vec<Choice> = none.into_iter().chain(choices.iter().cloned()).collect();
    html! { <Select id={testid} {label} {options} value={chosen.to_owned()} {onchange} {testid} /> }
}

/// The home's doors, by name.
pub fn doors(home: &Home) -> Vec<Choice> {
    let door = |(id, report): (&LockId, &latchkey_shared::report::Report)| {
        (id.to_string().into(), report.lock.name.clone().into())
    };
    let mut doors: Vec<Choice> = home.reports.iter().map(door).collect();
    doors.sort_by(|a, b| a.1.cmp(&b.1));
    doors
}

/// The home's people, by name.
pub fn people(home: &Home) -> Vec<Choice> {
    let member = |id: &KeyId| (id.to_string().into(), home.member_name(id).into());
    let mut people: Vec<Choice> = home.chain.members().keys().map(member).collect();
    people.sort_by(|a, b| a.1.cmp(&b.1));
    people
}

fn named<T: Copy + PartialEq>(all: &[(T, &str, &str)]) -> Vec<Choice> {
    all.iter().map(|(_, name, words)| ((*name).to_owned().into(), (*words).to_owned().into())).collect()
}

fn name_of<T: Copy + PartialEq>(all: &[(T, &'static str, &str)], value: Option<T>) -> &'static str {
    all.iter().find(|(one, ..)| Some(*one) == value).map(|(_, name, _)| *name).unwrap_or_default()
}

fn by_name<T: Copy + PartialEq>(all: &[(T, &str, &str)], name: &str) -> Option<T> {
    all.iter().find(|(_, other, _)| *other == name).map(|(one, ..)| *one)
}

const KINDS: [&str; 2] = ["Guest", "Household"];

/// Search, conditions and order.
#[component]
pub fn Filters(props: &FiltersProps) -> Html {
    let filter = &props.filter;
    let change = |change: fn(&mut Filter, String)| {
        let (filter, onfilter) = (props.filter.clone(), props.onfilter.clone());
        Callback::from(move |value: String| {
            let mut filter = filter.clone();
            change(&mut filter, value);
            onfilter.emit(filter);
        })
    };
    let kinds: Vec<Choice> =
        KINDS.iter().map(|kind| (AttrValue::from(*kind), AttrValue::from(*kind))).collect();
    let text = change(|filter, value| filter.text = value);
    let door = filter.door.map(|door| door.to_string()).unwrap_or_default();
    let person = filter.person.map(|person| person.to_string()).unwrap_or_default();
    let conditions = filter.conditions();
    html! {
        <search class="filters">
            <div class="search">
                { icon("search") }
                <input type="search" class="input" placeholder="Search names, people, doors" aria-label="Search codes" autocomplete="off" spellcheck="false"
                    maxlength="80" value={filter.text.clone()} oninput={text.reform(|e: InputEvent| input_value(&e))} data-testid="codes-search" />
            </div>
            <details class="conditions">
                <summary class="btn" data-testid="codes-filters">
                    { icon("settings") }{ "Filter" }
                    if conditions > 0 { <span class="count">{ conditions }<span class="visually-hidden">{ " set" }</span></span> }
                </summary>
                <div class="card pad-s filter-fields">
                    { select("State", "filter-state", Some("Any"), &named(&StateIs::ALL), name_of(&StateIs::ALL, filter.state), change(|f, v| f.state = by_name(&StateIs::ALL, &v))) }
                    { select("Kind", "filter-kind", Some("Any"), &kinds, filter.kind.unwrap_or_default(), change(|f, v| f.kind = KINDS.into_iter().find(|kind| *kind == v))) }
                    { select("Door", "filter-door", Some("Any"), &doors(&props.home), &door, change(|f, v| f.door = LockId::parse(&v).ok())) }
                    { select("Person", "filter-person", Some("Anybody"), &people(&props.home), &person, change(|f, v| f.person = KeyId::parse(&v).ok())) }
                    { select("Order", "filter-sort", None, &named(&Sort::ALL), name_of(&Sort::ALL, Some(filter.sort)), change(|f, v| f.sort = by_name(&Sort::ALL, &v).unwrap_or_default())) }
                </div>
            </details>
            <p class="quiet small" role="status" data-testid="codes-found">
                if !filter.is_open() { { format!("{} of {} codes", props.found, props.total) } }
            </p>
        </search>
    }
}

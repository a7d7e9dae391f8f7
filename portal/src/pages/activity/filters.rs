//! Search and conditions of the timeline.

use crate::components::{icon, input_value};
use crate::pages::codes::{Choice, doors, people, select};
use crate::view_model::Home;
use crate::view_model::activity::{Group, LineFilter};
use latchkey_shared::id::{GrantId, KeyId, LockId};
use std::rc::Rc;
use yew::prelude::*;

/// Search and conditions.
#[derive(Properties)]
pub struct FiltersProps {
    /// The home.
    pub home: Rc<Home>,
    /// What is set.
    pub filter: LineFilter,
    /// It changed.
    pub onfilter: Callback<LineFilter>,
    /// How many lines fit.
    pub found: usize,
}

impl PartialEq for FiltersProps {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.home, &other.home) && (&self.filter, self.found) == (&other.filter, other.found)
    }
}

/// Every code that there ever was, by name.
fn codes(home: &Home) -> Vec<Choice> {
    let mut codes: Vec<Choice> = home
        .grants
        .iter()
        .map(|(id, put)| {
            let over = if put.revoked.is_some() { " (revoked)" } else { "" };
            (id.to_string().into(), format!("{}{over}", put.grant.label).into())
        })
        .collect();
    codes.sort_by(|a, b| a.1.cmp(&b.1));
    codes
}

/// Search and conditions.
#[component]
pub fn Filters(props: &FiltersProps) -> Html {
    let filter = &props.filter;
    let change = |change: fn(&mut LineFilter, String)| {
        let (filter, onfilter) = (props.filter.clone(), props.onfilter.clone());
        Callback::from(move |value: String| {
            let mut filter = filter.clone();
            change(&mut filter, value);
            onfilter.emit(filter);
        })
    };
    let groups: Vec<Choice> =
        Group::ALL.iter().map(|(_, name, words)| ((*name).into(), (*words).into())).collect();
    let group =
        Group::ALL.iter().find(|(group, ..)| filter.group == Some(*group)).map_or("", |(_, name, _)| name);
    let text = change(|filter, value| filter.text = value);
    let id = |id: Option<String>| id.unwrap_or_default();
    let (door, code, person) = (
        id(filter.door.map(|id| id.to_string())),
        id(filter.code.map(|id| id.to_string())),
        id(filter.person.map(|id| id.to_string())),
    );
    let by_name = |f: &mut LineFilter, v: String| {
        f.group = Group::ALL.iter().find(|(_, name, _)| *name == v).map(|(group, ..)| *group);
    };
    html! {
        <search class="filters">
            <div class="search">
                { icon("search") }
                <input type="search" class="input" placeholder="Search" aria-label="Search the activity" autocomplete="off" spellcheck="false"
                    maxlength="80" value={filter.text.clone()} oninput={text.reform(|e: InputEvent| input_value(&e))} data-testid="activity-search" />
            </div>
            <details class="conditions">
                <summary class="btn" data-testid="activity-filters">
                    { icon("settings") }{ "Filter" }
                    if filter.conditions() > 0 { <span class="count">{ filter.conditions() }<span class="visually-hidden">{ " set" }</span></span> }
                </summary>
                <div class="card pad-s filter-fields">
                    { select("What", "activity-kind", Some("Everything"), &groups, group, change(by_name)) }
                    { select("Door", "activity-door", Some("Any"), &doors(&props.home), &door, change(|f, v| f.door = LockId::parse(&v).ok())) }
                    { select("Code", "activity-code", Some("Any"), &codes(&props.home), &code, change(|f, v| f.code = GrantId::parse(&v).ok())) }
                    { select("Person", "activity-person", Some("Anybody"), &people(&props.home), &person, change(|f, v| f.person = KeyId::parse(&v).ok())) }
                </div>
            </details>
            <p class="quiet small" role="status" data-testid="activity-found">
                if !filter.is_open() { { format!("{} found so far", props.found) } }
            </p>
        </search>
    }
}

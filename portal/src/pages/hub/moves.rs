//! Giving a hub's codes to another hub's doors, before it is removed.

use super::HubProps;
use crate::components::{Button, ErrorNote, Select, icon};
use crate::hooks::{HomeStore, use_home};
use crate::problem::Problem;
use crate::route::Route;
use crate::view_model::Home;
use crate::view_model::batch::Outcome;
use crate::view_model::moves::{Door, Doors, codes, codes_on, doors, likely, move_codes, remark};
use latchkey_shared::grant::Grant;
use latchkey_shared::id::{GrantId, LockId};
use std::rc::Rc;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;
use yew_router::prelude::*;

/// So many refused codes are listed by name.
const LISTED: usize = 20;

/// What became of the codes.
#[derive(Clone, PartialEq)]
struct Told {
    done: usize,
    /// Which the new doors do not take, and why.
    refused: Vec<(GrantId, String, Problem)>,
    /// Why the rest was not tried.
    stopped: Option<Problem>,
}

impl Told {
    fn of(outcome: Result<Outcome, Problem>, grants: &[Grant]) -> Self {
        let outcome =
            outcome.unwrap_or_else(|problem| Outcome { stopped: Some(problem), ..Outcome::default() });
        let named = |(at, problem): (usize, Problem)| {
            grants.get(at).map(|grant| (grant.id, grant.label.clone(), problem))
        };
        let refused = outcome.refused.into_iter().filter_map(named).collect();
        Self { done: outcome.done.len(), refused, stopped: outcome.stopped }
    }
}

/// Offered where codes are on the hub's doors.
#[component]
pub(super) fn MoveCodes(props: &HubProps) -> Html {
    let ctx = use_home();
    let home = &ctx.home;
    let (from, to) = (doors(home, &props.id, true), doors(home, &props.id, false));
    let chosen = use_state_eq(|| None::<Doors>);
    let busy = use_state_eq(|| None::<usize>);
    let told = use_state_eq(|| None::<Told>);
    let map = (*chosen).clone().unwrap_or_else(|| likely(&from, &to));
    let ids: Vec<LockId> = from.iter().map(|door| door.id).collect();
    let all = codes_on(home, &ids).len();
    let grants = codes_on(home, &map.keys().copied().collect::<Vec<_>>());
    if all == 0 && told.is_none() {
        return Html::default();
    }
    let go = {
        let (store, home, map, grants) = (ctx.store.clone(), home.clone(), map.clone(), grants.clone());
        let (busy, told) = (busy.clone(), told.clone());
        Callback::from(move |()| {
            busy.set(Some(0));
            told.set(None);
            spawn_local(run(
                store.clone(),
                home.clone(),
                map.clone(),
                grants.clone(),
                (busy.setter(), told.setter()),
            ));
        })
    };
    let choose = {
        let (chosen, map) = (chosen.clone(), map.clone());
        Callback::from(move |(door, to): (LockId, Option<LockId>)| {
            let mut map = map.clone();
            match to {
                Some(to) => map.insert(door, to),
                None => map.remove(&door),
            };
            chosen.set(Some(map));
        })
    };
    let body = if all == 0 {
        Html::default()
    } else if to.is_empty() {
        first(all)
    } else {
        html! {
            <>
                <p>{ format!("{}. For the new hub the same doors are others: say which is which, and the codes go along. PINs, hours and links stay.", on_its_doors(all)) }</p>
                <fieldset class="form" disabled={busy.is_some()}>
                    { for from.iter().map(|door| choice(home, door, &from, &to, &map, &choose)) }
                </fieldset>
                { advice(home.hub_offline(&props.id).is_some(), grants.iter().any(Grant::counts_uses)) }
            </>
        }
    };
    html! {
        <section class="section" aria-labelledby="moves">
            <h2 id="moves">{ "Replacing this hub" }</h2>
            <div class="card form">
                { body }
                <div aria-live="polite" class="form">
                    if busy.is_some() { <p class="help">{ "Keep this page open until all are moved." }</p> }
                    if let Some(told) = &*told { { result(home, told, all) } }
                </div>
                <ErrorNote problem={told.as_ref().and_then(|told| told.stopped.clone())} />
                if !to.is_empty() && !grants.is_empty() {
                    <p><Button class="primary" busy={busy.is_some()} onclick={go} testid="move-codes">{ html! { label(*busy, grants.len()) } }</Button></p>
                }
            </div>
        </section>
    }
}

async fn run(
    store: HomeStore,
    home: Rc<Home>,
    map: Doors,
    grants: Vec<Grant>,
    (busy, told): (UseStateSetter<Option<usize>>, UseStateSetter<Option<Told>>),
) {
    let progress = {
        let busy = busy.clone();
        Callback::from(move |done| busy.set(Some(done)))
    };
    let outcome = move_codes(&store, &home, &grants, &map, &progress).await;
    busy.set(None);
    told.set(Some(Told::of(outcome, &grants)));
}

fn on_its_doors(all: usize) -> String {
    if all == 1 { "1 code is on its doors".to_owned() } else { format!("{all} codes are on its doors") }
}

fn label(busy: Option<usize>, all: usize) -> String {
    match busy {
        None => format!("Move {}", codes(all)),
        Some(0) => format!("Moving {}", codes(all)),
        Some(done) => format!("{done} of {}", codes(all)),
    }
}

/// While no other hub has told of its doors.
fn first(all: usize) -> Html {
    html! {
        <div class="notice info" data-testid="move-first">
            { icon("hub") }
            <div>
                <p class="title">{ format!("{}. They can go along to another hub.", on_its_doors(all)) }</p>
                <ol class="todo">
                    <li>{ "Leave this hub in your home for now, also if it broke." }</li>
                    <li>{ "Add the new hub, with the same locks." }</li>
                    <li>{ "Come back to this page and move the codes. PINs, hours and links stay." }</li>
                    <li>{ "Remove this hub last." }</li>
                </ol>
                <p><a class="btn" href={Route::Pair.to_path()}>{ icon("plus") }{ "Add a hub" }</a></p>
            </div>
        </div>
    }
}

/// Which door takes a door's place.
fn choice(
    home: &Home,
    door: &Door,
    from: &[Door],
    to: &[Door],
    map: &Doors,
    choose: &Callback<(LockId, Option<LockId>)>,
) -> Html {
    let none = (AttrValue::from(""), AttrValue::from("No new door"));
    let there = to.iter().map(|door| {
        (AttrValue::from(door.id.to_string()), AttrValue::from(format!("{} ({})", door.name, door.hub)))
    });
    let options: Vec<_> = std::iter::once(none).chain(there).collect();
    let id = door.id;
    html! {
        <Select key={id.to_string()} id={format!("move-{id}")} label={format!("{} becomes", door.name)} {options}
            value={map.get(&id).map(ToString::to_string).unwrap_or_default()} help={remark(home, door, from, map).map(AttrValue::from)}
            onchange={choose.reform(move |to: String| (id, LockId::parse(&to).ok()))} testid="move-door" />
    }
}

/// What comes next, and what to expect of the locks.
fn advice(away: bool, counted: bool) -> Html {
    let said = [
        (!away).then_some("Then remove this hub below: it takes its codes off the locks."),
        away.then_some("Then remove this hub below. On locks that show their PINs the new hub keeps what you moved and takes off what else this one left."),
        away.then_some("On other locks, clear the old codes by hand at the lock: until then they may refuse the same PINs."),
        counted.then_some("Codes for a number of uses begin to count anew."),
    ];
    let line = |text| html! { <li>{ icon("check") }<span>{ text }</span></li> };
    html! { <ul class="rules">{ for said.into_iter().flatten().map(line) }</ul> }
}

fn result(home: &Home, told: &Told, all: usize) -> Html {
    let next = if all == 0 {
        "The locks get them now. Once Codes shows them there, remove this hub below."
    } else {
        "The locks get them now."
    };
    let edit = |id: &GrantId| Route::EditCode { home: home.id.to_string(), grant: id.to_string() }.to_path();
    let line = |(id, label, why): &(GrantId, String, Problem)| {
        html! { <li><a href={edit(id)} data-testid="move-refused" data-label={label.clone()}>{ label }</a>{ format!(": {}", why.text) }</li> }
    };
    let left = match told.refused.len() {
        1 => "1 code stayed as before. Open it, choose the new door and a new PIN.".to_owned(),
        n => format!("{n} codes stayed as before. Open each, choose the new door and a new PIN."),
    };
    let more = told.refused.len().saturating_sub(LISTED);
    html! {
        <>
            if told.done > 0 {
                <div class="notice good" data-testid="move-done">
                    { icon("check") }
                    <div><p class="title">{ format!("{} moved. PINs, hours and links are as they were.", codes(told.done)) }</p><p>{ next }</p></div>
                </div>
            }
            if !told.refused.is_empty() {
                <div class="notice warn" data-testid="move-left">
                    { icon("alert") }
                    <div>
                        <p class="title">{ left }</p>
                        <ul class="todo">
                            { for told.refused.iter().take(LISTED).map(line) }
                            if more > 0 { <li>{ format!("And {more} more.") }</li> }
                        </ul>
                    </div>
                </div>
            }
        </>
    }
}

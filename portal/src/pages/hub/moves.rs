//! Giving a hub's codes to another hub's doors, before it is removed.

use super::HubProps;
use crate::components::{Button, ErrorNote, Select, icon};
use crate::hooks::use_home;
use crate::problem::Problem;
use crate::state::use_app;
use crate::view_model::moves::{Doors, codes_on, doors, likely, move_codes};
use latchkey_shared::id::LockId;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

fn codes(n: usize) -> String {
    if n == 1 { "1 code".to_owned() } else { format!("{n} codes") }
}

/// Which codes did not go, and why the first of them.
#[derive(Clone, PartialEq)]
struct Left {
    how_many: usize,
    why: Problem,
}

/// Offered where codes are on the hub's doors and another hub has doors too.
#[component]
pub(super) fn MoveCodes(props: &HubProps) -> Html {
    let app = use_app();
    let ctx = use_home();
    let home = &ctx.home;
    let (from, to) = (doors(home, &props.id, true), doors(home, &props.id, false));
    let chosen = use_state_eq(|| None::<Doors>);
    let busy = use_state_eq(|| None::<usize>);
    let left = use_state_eq(|| None::<Left>);
    let map = (*chosen).clone().unwrap_or_else(|| likely(&from, &to));
    let ids: Vec<LockId> = from.iter().map(|door| door.id).collect();
    let all = codes_on(home, &ids).len();
    let grants = codes_on(home, &map.keys().copied().collect::<Vec<_>>());
    if to.is_empty() || (all == 0 && left.is_none()) {
        return Html::default();
    }
    let go = {
        let (store, home, map, grants) = (ctx.store.clone(), home.clone(), map.clone(), grants.clone());
        let (busy, left) = (busy.clone(), left.clone());
        Callback::from(move |()| {
            let (app, store, home, map, grants) =
                (app.clone(), store.clone(), home.clone(), map.clone(), grants.clone());
            let (busy, left) = (busy.clone(), left.clone());
            busy.set(Some(0));
            left.set(None);
            spawn_local(async move {
                let progress = {
                    let setter = busy.setter();
                    Callback::from(move |done| setter.set(Some(done)))
                };
                let outcome = move_codes(&store, &home, &grants, &map, &progress).await;
                busy.set(None);
                let (done, why) = match outcome {
                    Ok(outcome) => {
                        let refused = outcome.refused.into_iter().map(|(_, problem)| problem).next();
                        (outcome.done.len(), refused.or(outcome.stopped))
                    }
                    Err(problem) => (0, Some(problem)),
                };
                if done > 0 {
                    app.toast(format!("{} given to the new doors. PINs and links stay.", codes(done)));
                }
                let how_many = grants.len() - done;
                left.set(why.map(|why| Left { how_many, why }));
            });
        })
    };
    let choose = |door: LockId| {
        let (chosen, map) = (chosen.clone(), map.clone());
        Callback::from(move |to: String| {
            let mut map = map.clone();
            match LockId::parse(&to) {
                Ok(to) => drop(map.insert(door, to)),
                Err(_) => drop(map.remove(&door)),
            }
            chosen.set(Some(map));
        })
    };
    let options = || {
        let stays = (AttrValue::from(""), AttrValue::from("Stays here"));
        let there = to.iter().map(|door| {
            (AttrValue::from(door.id.to_string()), AttrValue::from(format!("{} ({})", door.name, door.hub)))
        });
        std::iter::once(stays).chain(there).collect::<Vec<_>>()
    };
    let label = match *busy {
        Some(done) if done > 0 => format!("{done} of {}", codes(grants.len())),
        _ => format!("Move {}", codes(grants.len())),
    };
    html! {
        <section class="section" aria-labelledby="moves">
            <h2 id="moves">{ "Replacing this hub" }</h2>
            <div class="card form">
                <p>{ format!("{} on its doors. A new hub gives the same doors new names of its own: say which is which, and the codes go along. PINs, hours and links stay.", if all == 1 { "1 code is".to_owned() } else { format!("{all} codes are") }) }</p>
                { for from.iter().map(|door| html! {
                    <Select key={door.id.to_string()} id={format!("move-{}", door.id)} label={format!("{} becomes", door.name)} options={options()}
                        value={map.get(&door.id).map(ToString::to_string).unwrap_or_default()} onchange={choose(door.id)} testid="move-door" />
                }) }
                <ul class="rules">
                    <li>{ icon("check") }<span>{ "Then remove this hub below. If it still runs it takes its codes off." }</span></li>
                    <li>{ icon("check") }<span>{ "If it broke, the new hub finds what it left, keeps what you moved and takes the rest off, on locks that show their PINs. On others, clear the old codes at the lock: until then the same PIN is refused there." }</span></li>
                    <li>{ icon("check") }<span>{ "How often a code was used so far the new hub does not know." }</span></li>
                </ul>
                if let Some(left) = &*left {
                    <p role="alert" data-testid="move-left">{ format!("{} could not be moved.", codes(left.how_many)) }</p>
                }
                <ErrorNote problem={left.as_ref().map(|left| left.why.clone())} />
                if !grants.is_empty() {
                    <p><Button class="primary" busy={busy.is_some()} onclick={go} testid="move-codes">{ html! { label } }</Button></p>
                }
            </div>
        </section>
    }
}

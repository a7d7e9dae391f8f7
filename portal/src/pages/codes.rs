//! Every code: what is on, what comes, what was; found by name, door, person and state; many changed at once.

mod bulk;
mod filters;

use super::today::new_code_link;
use crate::components::{Button, PageHead, badge, icon, row_content};
use crate::hooks::{use_home, use_tick};
use crate::js;
use crate::part::BulkBar;
use crate::route::Route;
use crate::view_model::listing::{Filter, Listed, Sort};
use crate::view_model::{Home, Phase};
pub use bulk::{Bulk, BulkProps};
use filters::Filters;
pub use filters::{Choice, doors, people, select};
use gloo_timers::future::TimeoutFuture;
use latchkey_shared::id::{GrantId, HomeId};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;
use yew_router::prelude::*;

/// Rows of a group until somebody asks for more: the page stays quick with hundreds of codes.
const ROWS: usize = 40;
/// Rows of a group in the first paint: about a screen of them.
const FIRST_ROWS: usize = 12;
/// After so long, in ms, the other rows follow.
const ROWS_AFTER_MS: u32 = 50;
/// The list is made anew so often, in seconds, while nothing else changes.
const FRESH: u64 = 10;

thread_local! {
    /// What was looked for last, so that coming back from a code finds the list as it was left.
    static LAST: RefCell<Option<(HomeId, Filter)>> = const { RefCell::new(None) };
}

fn last_filter(home: &HomeId) -> Filter {
    LAST.with_borrow(|last| match last {
        Some((of, filter)) if of == home => filter.clone(),
        _ => Filter::default(),
    })
}

/// Every code.
#[component]
pub fn Codes() -> Html {
    use_tick(FRESH as u32);
    let ctx = use_home();
    let home = ctx.home.clone();
    let filter = use_state_eq(|| last_filter(&home.id));
    let rows = use_state_eq(|| FIRST_ROWS);
    {
        let rows = rows.setter();
        use_effect_with((), move |()| {
            js::mark("listed");
            spawn_local(async move {
                TimeoutFuture::new(ROWS_AFTER_MS).await;
                rows.set(ROWS);
            });
        });
    }
    let picked = use_state_eq(|| None::<Rc<BTreeSet<GrantId>>>);
    // Counts up, so that what was chosen in the lists of conditions goes with the conditions.
    let resets = use_state_eq(|| 0u32);
    let now = home.now();
    let all = {
        let home = home.clone();
        // The home itself is part of the memory, so that its address names no other.
        use_memo((Rc::as_ptr(&home) as usize, now.0 / FRESH), move |_| (home.listing(now), home))
    };
    let set_filter = {
        let (filter, rows, id) = (filter.clone(), rows.clone(), home.id);
        Callback::from(move |new: Filter| {
            LAST.set(Some((id, new.clone())));
            rows.set(ROWS);
            filter.set(new);
        })
    };
    let reset = {
        let (set_filter, resets) = (set_filter.clone(), resets.clone());
        Callback::from(move |()| {
            resets.set(*resets + 1);
            set_filter.emit(Filter::default());
        })
    };
    let found = filter.apply(&all.0);
    let begin = {
        let picked = picked.clone();
        Callback::from(move |()| picked.set(Some(Rc::default())))
    };
    let on_picked = {
        let picked = picked.clone();
        Callback::from(move |new: Option<BTreeSet<GrantId>>| picked.set(new.map(Rc::new)))
    };
    let list = List { home: &home, rows: *rows, picked: (*picked).clone(), on_picked: on_picked.clone() };
    let more = {
        let rows = rows.clone();
        Callback::from(move |()| rows.set(*rows + 5 * ROWS))
    };
    let hidden = groups(&found, filter.sort).iter().any(|(_, codes)| codes.len() > ROWS.max(*rows));
    html! {
        <div class="page">
            <PageHead title="Codes">
                <a class="btn" href={Route::Schedule { home: home.id.to_string() }.to_path()} data-testid="codes-week">{ icon("calendar") }{ "Week" }</a>
                if !all.0.is_empty() && picked.is_none() {
                    <a class="btn" href={Route::Review { home: home.id.to_string() }.to_path()} data-testid="codes-review">{ icon("sparkle") }{ "Review" }</a>
                    <Button icon="check" onclick={begin} testid="codes-select">{ "Select" }</Button>
                }
                if !home.reports.is_empty() && picked.is_none() { { new_code_link(&home) } }
            </PageHead>
            if all.0.is_empty() {
                { nothing_yet(&home) }
            } else {
                <Filters key={resets.to_string()} home={home.clone()} filter={(*filter).clone()} onfilter={set_filter} found={found.len()} total={all.0.len()} />
                if found.is_empty() {
                    <div class="card empty" data-testid="codes-none">
                        { badge("key", "") }
                        <h2>{ "No code fits" }</h2>
                        <Button onclick={reset} testid="codes-reset">{ "Show all codes" }</Button>
                    </div>
                }
                { for groups(&found, filter.sort).into_iter().map(|(title, codes)| list.section(title, &codes)) }
                if hidden { <p><Button onclick={more} testid="codes-more">{ "Show more" }</Button></p> }
            }
            if let Some(chosen) = (*picked).clone() {
                <BulkBar store={ctx.store.clone()} home={home.clone()} {chosen} shown={Rc::new(found.iter().map(|listed| listed.code.id).collect::<BTreeSet<_>>())} onpicked={on_picked} />
            }
        </div>
    }
}

fn nothing_yet(home: &Home) -> Html {
    html! {
        <div class="card empty">
            { badge("key", "on") }
            <h2>{ "No codes yet" }</h2>
            if home.reports.is_empty() {
                <p>{ "Pair a hub first. Then you can make a code for a guest in ten seconds." }</p>
            } else {
                <p>{ "Make one for a guest, a cleaner or a neighbour. It ends by itself." }</p>
            }
        </div>
    }
}

/// Now, later and over; one list where the order is another.
fn groups<'a>(found: &[&'a Listed], sort: Sort) -> Vec<(&'static str, Vec<&'a Listed>)> {
    if sort != Sort::Time {
        return if found.is_empty() { vec![] } else { vec![("Codes", found.to_vec())] };
    }
    let of = |phase: Phase| found.iter().filter(|listed| listed.code.phase == phase).copied().collect();
    let all: [(&str, Vec<&Listed>); 3] =
        [("On now", of(Phase::Now)), ("Coming up", of(Phase::Upcoming)), ("Over", of(Phase::Past))];
    all.into_iter().filter(|(_, codes)| !codes.is_empty()).collect()
}

struct List<'a> {
    home: &'a Home,
    rows: usize,
    picked: Option<Rc<BTreeSet<GrantId>>>,
    on_picked: Callback<Option<BTreeSet<GrantId>>>,
}

impl List<'_> {
    fn section(&self, title: &'static str, codes: &[&Listed]) -> Html {
        html! {
            <section class="section" aria-label={title}>
                <h2>{ title }<span class="count">{ codes.len() }</span></h2>
                <ul class="card flush list">{ for codes.iter().take(self.rows).map(|listed| self.row(listed)) }</ul>
            </section>
        }
    }

    fn row(&self, listed: &Listed) -> Html {
        let code = &listed.code;
        let content = row_content(self.home, code, same_name(listed));
        let id = code.id.to_string();
        let Some(picked) = &self.picked else {
            let to = Route::Code { home: self.home.id.to_string(), grant: id.clone() };
            return html! {
                <li key={id.clone()}>
                    <a class="item" href={to.to_path()} data-testid="code-row" data-grant={id} data-label={code.label.clone()}>
                        { content }<span class="trail">{ icon("chevron") }</span>
                    </a>
                </li>
            };
        };
        let (chosen, on_picked, grant) = (picked.clone(), self.on_picked.clone(), code.id);
        let onchange = Callback::from(move |_: Event| {
            let mut new = (*chosen).clone();
            if !new.remove(&grant) {
                new.insert(grant);
            }
            on_picked.emit(Some(new));
        });
        html! {
            <li key={id.clone()}>
                <label class="item pick" data-testid="code-row" data-grant={id} data-label={code.label.clone()}>
                    { content }
                    <input type="checkbox" checked={picked.contains(&code.id)} {onchange} data-testid="code-pick" aria-label={format!("Select {}", code.label)} />
                </label>
            </li>
        }
    }
}

/// Warns that a name is easily taken for another.
fn same_name(listed: &Listed) -> Html {
    if !listed.same_name {
        return Html::default();
    }
    html! { <span class="chip warn" data-testid="same-name">{ icon("alert") }<span>{ "Name used twice" }</span></span> }
}

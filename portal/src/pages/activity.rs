//! What happened: what people changed and what the hubs saw, in one timeline, each verified here, with each event's
//! place in its log.

mod filters;

use crate::api::homes;
use crate::components::{Button, ErrorNote, PageHead, badge, icon, skeleton};
use crate::hooks::use_home;
use crate::js;
use crate::problem::Problem;
use crate::route::Route;
use crate::state::use_app;
use crate::view_model::Home;
use crate::view_model::activity::{Line, LineFilter, Source, timeline, to_csv};
use crate::view_model::log::Log;
use crate::view_model::ops;
use filters::Filters;
use latchkey_shared::schedule::format_instant;
use std::rc::Rc;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;
use yew_router::prelude::*;

/// Lines at first, and more by each click.
const LINES: usize = 120;
/// How many pages a search goes back at once.
const PAGES_AT_ONCE: usize = 5;
/// Events in a page of a file that is being saved.
const FILE_PAGE: u32 = 200;

/// What happened.
#[component]
pub fn Activity() -> Html {
    let ctx = use_home();
    let home = ctx.home.clone();
    let log = use_state(|| None::<Rc<Log>>);
    let problem = use_state_eq(|| None::<Problem>);
    let busy = use_state_eq(|| false);
    let filter = use_state_eq(LineFilter::default);
    let shown = use_state_eq(|| LINES);
    // The newest log, for callbacks that outlive a render.
    let latest = use_mut_ref(Log::default);
    let ops = {
        let home = home.clone();
        use_memo(home.chain.seq(), move |_| ops::lines(&home))
    };
    let fetch = {
        let (home, log, problem, busy, latest) =
            (home.clone(), log.clone(), problem.clone(), busy.clone(), latest.clone());
        Callback::from(move |pages: usize| {
            let (home, log, problem, busy, latest) =
                (home.clone(), log.clone(), problem.clone(), busy.clone(), latest.clone());
            busy.set(pages > 0);
            spawn_local(async move {
                // None: the newest page once more. Else so many older ones.
                for n in 0..pages.max(1) {
                    let before = if pages > 0 { latest.borrow().next } else { None };
                    if n > 0 && before.is_none() {
                        break;
                    }
                    match homes::events(&home.id, before).await {
                        Ok(page) => {
                            take(&mut latest.borrow_mut(), &home, &page, pages > 0);
                            problem.set(None);
                        }
                        Err(e) => {
                            problem.set(Some(e));
                            break;
                        }
                    }
                    log.set(Some(Rc::new(latest.borrow().clone())));
                }
                busy.set(false);
            });
        })
    };
    {
        let fetch = fetch.clone();
        use_effect_with(ctx.events, move |_| fetch.emit(0));
    }
    let retry = fetch.reform(|()| 0);
    let lines = {
        let (home, ops) = (home.clone(), ops.clone());
        let of = (*log).clone();
        let key = (of.as_ref().map(|log| Rc::as_ptr(log) as usize), Rc::as_ptr(&home) as usize);
        // Log and home are part of the memory, so that their addresses name no others.
        use_memo(key, move |_| (timeline(&home, &ops, &of.clone().unwrap_or_default()), of, home))
    };
    let found = filter.apply(&lines.0);
    let cut = found.get(..(*shown).min(found.len())).unwrap_or_default();
    let earlier = {
        let (fetch, shown, more_here) = (fetch.clone(), shown.clone(), found.len() > *shown);
        let pages = if filter.is_open() { 1 } else { PAGES_AT_ONCE };
        let more_there = log.as_ref().is_some_and(|log| log.next.is_some());
        Callback::from(move |()| {
            shown.set(*shown + LINES);
            if !more_here && more_there {
                fetch.emit(pages);
            }
        })
    };
    let on_filter = {
        let (filter, shown) = (filter.clone(), shown.clone());
        Callback::from(move |new| {
            shown.set(LINES);
            filter.set(new);
        })
    };
    let more = log.as_ref().is_some_and(|log| log.next.is_some()) || found.len() > *shown;
    html! {
        <div class="page">
            <PageHead title="Activity" lead="What people changed and what your hub saw, each signed, and checked here.">
                if log.is_some() { <Export filter={(*filter).clone()} /> }
            </PageHead>
            <ErrorNote problem={(*problem).clone()} />
            { match log.as_ref() {
                None if problem.is_some() => {
                    html! { <p><Button icon="refresh" onclick={retry}>{ "Try again" }</Button></p> }
                }
                None => html! { { skeleton() } },
                Some(log) => html! {
                    <>
                        { alarm(&home, log) }
                        <Filters home={home.clone()} filter={(*filter).clone()} onfilter={on_filter} found={found.len()} />
                        { log_view(&home, cut, filter.is_open()) }
                    </>
                },
            } }
            if log.is_some() && more {
                <div class="row">
                    <Button busy={*busy} onclick={earlier} testid="activity-more"><span>{ if filter.is_open() { "Earlier" } else { "Search further back" } }</span></Button>
                    if !filter.is_open() { <p class="quiet small">{ reach(&home, &lines.0) }</p> }
                </div>
            }
        </div>
    }
}

/// Takes a page in. Of newest pages the first that does not touch what is known begins anew, rather than show a gap
/// that is none; and looking again must not lose the place in older ones.
fn take(known: &mut Log, home: &Home, page: &latchkey_shared::api::EventsPage, older: bool) {
    let mut newest = Log::default();
    newest.take(home, &page.events);
    if !older && !newest.touches(known) {
        *known = Log::default();
    }
    if older || known.events.is_empty() {
        known.next = page.next;
    }
    known.take(home, &page.events);
}

/// How far back was looked.
fn reach(home: &Home, lines: &[Line]) -> String {
    let oldest = lines.last().map(|line| format_instant(line.at, &*home.zone, &home.style));
    oldest.map_or_else(String::new, |oldest| format!("Looked back to {oldest}."))
}

fn alarm(home: &Home, log: &Log) -> Html {
    let broken = log.broken();
    if broken.is_none() && log.refused == 0 {
        return Html::default();
    }
    let place =
        broken.map(|(hub, number)| format!("It breaks before entry {number} of {}. ", home.hub_name(&hub)));
    html! {
        <div class="notice bad" role="alert" data-testid="log-alarm">
            { icon("alert") }
            <div><p class="title">{ "This log has been tampered with, or is incomplete" }</p>
            <p>{ place }{ "An event is missing or does not carry the hub’s signature. Compare with the hub’s own page." }</p></div>
        </div>
    }
}

/// (`Tue 24 Nov 2026`, `09:00`).
fn day_and_time(home: &Home, line: &Line) -> (String, String) {
    let text = format_instant(line.at, &*home.zone, &home.style);
    match text.split_once(" at ") {
        Some((day, time)) => (day.to_owned(), time.to_owned()),
        None => (text, String::new()),
    }
}

/// The sentence, with the code's name as the way to its page.
fn sentence(home: &Home, line: &Line) -> Html {
    let put = line.grant.and_then(|id| home.grants.get(&id));
    let split = put.and_then(|put| Some((put, line.text.split_once(put.grant.label.as_str())?)));
    let Some((put, (before, after))) = split else { return html! { { &line.text } } };
    let to = Route::Code { home: home.id.to_string(), grant: put.grant.id.to_string() };
    html! { <>{ before }<a href={to.to_path()}>{ &put.grant.label }</a>{ after }</> }
}

fn row(home: &Home, line: &Line, time: String) -> Html {
    let (key, number) = match line.source {
        Source::Op(seq) => (format!("op-{seq}"), seq),
        Source::Event(hub, number) => (format!("{hub}-{number}"), number),
    };
    let hook = if matches!(line.source, Source::Op(_)) { "op-row" } else { "event-row" };
    html! {
        <li {key} data-testid={hook} data-kind={line.kind} data-number={number.to_string()}
            data-lock={line.locks.first().map(|id| id.to_string())} data-grant={line.grant.map(|id| id.to_string())}>
            <time>{ time }</time>
            { badge(line.icon, line.tone) }
            <p class="what">
                { sentence(home, line) }
                if line.unsure { <span class="quiet small" data-testid="clock-unsure">{ " The hub was not sure of the time." }</span> }
            </p>
        </li>
    }
}

fn log_view(home: &Home, lines: &[Line], all: bool) -> Html {
    if lines.is_empty() {
        let (title, text) = if all {
            ("Nothing yet", "Every entry, every change and every hiccup will be listed here.")
        } else {
            ("Nothing fits", "Look further back, or ask for less.")
        };
        return html! {
            <div class="card empty" data-testid="activity-none">
                { badge("activity", "on") }
                <h2>{ title }</h2>
                <p>{ text }</p>
            </div>
        };
    }
    let mut days: Vec<(String, Vec<Html>)> = Vec::new();
    for line in lines {
        let (day, time) = day_and_time(home, line);
        let row = row(home, line, time);
        match days.last_mut() {
            Some((last, rows)) if *last == day => rows.push(row),
            _ => days.push((day, vec![row])),
        }
    }
    html! {
        <>
            { for days.into_iter().map(|(day, rows)| html! {
                <section class="section" key={day.clone()} aria-label={day.clone()}>
                    <h2>{ day }</h2>
                    <ol class="card flush timeline">{ for rows }</ol>
                </section>
            }) }
        </>
    }
}

#[derive(Properties, PartialEq)]
struct ExportProps {
    filter: LineFilter,
}

/// Saves what fits, from the whole log, as CSV.
#[component]
fn Export(props: &ExportProps) -> Html {
    let (app, home) = (use_app(), use_home().home);
    let busy = use_state_eq(|| false);
    let onclick = {
        let (busy, filter) = (busy.clone(), props.filter.clone());
        Callback::from(move |()| {
            let (app, home, busy, filter) = (app.clone(), home.clone(), busy.clone(), filter.clone());
            busy.set(true);
            spawn_local(async move {
                match whole_log(&home).await {
                    Ok(log) => {
                        let lines = filter.apply(&timeline(&home, &ops::lines(&home), &log));
                        js::save_file("activity.csv", "text/csv", to_csv(&home, &lines).as_bytes());
                        app.toast(format!("{} lines were saved.", lines.len()));
                    }
                    Err(problem) => app.toast(problem.text),
                }
                busy.set(false);
            });
        })
    };
    html! { <Button icon="out" busy={*busy} {onclick} testid="activity-export">{ "Save as CSV" }</Button> }
}

async fn whole_log(home: &Home) -> Result<Log, Problem> {
    let mut log = Log::default();
    loop {
        let page = homes::events_page(&home.id, log.next, FILE_PAGE).await?;
        log.take(home, &page.events);
        log.next = page.next;
        if log.next.is_none() {
            return Ok(log);
        }
    }
}

//! What happened: the hubs' signed events, each verified here, and each one's place in its log.

use crate::api::homes;
use crate::components::{Button, ErrorNote, PageHead, badge, icon, skeleton};
use crate::hooks::use_home;
use crate::problem::Problem;
use crate::view_model::log::{Log, subject};
use crate::view_model::{Home, event_sentence, event_tone};
use latchkey_shared::event::Event;
use latchkey_shared::schedule::format_instant;
use std::rc::Rc;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

/// (`Tue 24 Nov 2026`, `09:00`).
fn day_and_time(home: &Home, event: &Event) -> (String, String) {
    let text = format_instant(event.at, &*home.zone, &home.style);
    match text.split_once(" at ") {
        Some((day, time)) => (day.to_owned(), time.to_owned()),
        None => (text, String::new()),
    }
}

fn row(home: &Home, event: &Event, time: String) -> Html {
    let (kind, icon, tone) = event_tone(&event.body);
    let (lock, grant) = subject(&event.body);
    html! {
        <li key={format!("{}-{}", event.hub, event.number)} data-testid="event-row" data-kind={kind}
            data-number={event.number.to_string()} data-lock={lock.map(|id| id.to_string())} data-grant={grant.map(|id| id.to_string())}>
            <time>{ time }</time>
            { badge(icon, tone) }
            <p class="what">
                { event_sentence(home, event) }
                if event.clock_unsure { <span class="quiet small">{ " The hub was not sure of the time." }</span> }
            </p>
        </li>
    }
}

/// What happened.
#[component]
pub fn Activity() -> Html {
    let ctx = use_home();
    let home = ctx.home.clone();
    let log = use_state(|| None::<Rc<Log>>);
    let problem = use_state_eq(|| None::<Problem>);
    let busy = use_state_eq(|| false);
    // The newest log, for callbacks that outlive a render.
    let latest = use_mut_ref(Log::default);
    let fetch = {
        let (home, log, problem, busy, latest) =
            (home.clone(), log.clone(), problem.clone(), busy.clone(), latest.clone());
        Callback::from(move |older: bool| {
            let (home, log, problem, busy, latest) =
                (home.clone(), log.clone(), problem.clone(), busy.clone(), latest.clone());
            let before = if older { latest.borrow().next } else { None };
            busy.set(older);
            spawn_local(async move {
                let page = homes::events(&home.id, before).await;
                busy.set(false);
                match page {
                    Ok(page) => {
                        let mut known = latest.borrow_mut();
                        let mut newest = Log::default();
                        newest.take(&home, &page.events);
                        if !older && !newest.touches(&known) {
                            // More came than a page holds: begin anew rather than show a gap that is none.
                            *known = Log::default();
                        }
                        // Looking again at the newest page must not lose the place in older ones.
                        if older || known.events.is_empty() {
                            known.next = page.next;
                        }
                        known.take(&home, &page.events);
                        log.set(Some(Rc::new(known.clone())));
                        problem.set(None);
                    }
                    Err(e) => problem.set(Some(e)),
                }
            });
        })
    };
    {
        let fetch = fetch.clone();
        use_effect_with(ctx.events, move |_| fetch.emit(false));
    }
    let more = fetch.reform(|()| true);
    let retry = {
        let problem = problem.clone();
        Callback::from(move |()| {
            problem.set(None);
            fetch.emit(false);
        })
    };
    html! {
        <div class="page">
            <PageHead title="Activity" lead="Signed by your hub as it happened, and checked here." />
            <ErrorNote problem={(*problem).clone()} />
            { match &*log {
                None if (*problem).is_some() => {
                    html! { <p><Button icon="refresh" onclick={retry}>{ "Try again" }</Button></p> }
                }
                None => html! { { skeleton() } },
                Some(log) => log_view(&home, log),
            } }
            if log.as_ref().is_some_and(|log| log.next.is_some()) {
                <p><Button busy={*busy} onclick={more} testid="activity-more">{ "Earlier" }</Button></p>
            }
        </div>
    }
}

fn log_view(home: &Home, log: &Log) -> Html {
    let events = log.newest_first();
    if events.is_empty() {
        return html! {
            <div class="card empty">
                { badge("activity", "on") }
                <h2>{ "Nothing yet" }</h2>
                <p>{ "Every entry, every change at a door and every hiccup will be listed here." }</p>
            </div>
        };
    }
    let mut days: Vec<(String, Vec<Html>)> = Vec::new();
    for event in events {
        let (day, time) = day_and_time(home, event);
        let row = row(home, event, time);
        match days.last_mut() {
            Some((last, rows)) if *last == day => rows.push(row),
            _ => days.push((day, vec![row])),
        }
    }
    html! {
        <>
            if log.broken() || log.refused > 0 {
                <div class="notice bad" role="alert">
                    { icon("alert") }
                    <div><p class="title">{ "This log has been tampered with, or is incomplete" }</p>
                    <p>{ "An event is missing or does not carry the hub’s signature. Compare with the hub’s own page." }</p></div>
                </div>
            }
            { for days.into_iter().map(|(day, rows)| html! {
                <section class="section" key={day.clone()} aria-label={day.clone()}>
                    <h2>{ day }</h2>
                    <ol class="card flush timeline">{ for rows }</ol>
                </section>
            }) }
        </>
    }
}

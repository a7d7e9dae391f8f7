//! The week: every door with the codes that open it, as bars on a time line or as a list.

use crate::components::{Button, PageHead, Segment, badge, icon};
use crate::hooks::{use_home, use_tick};
use crate::route::{Route, Tab};
use crate::view_model::week::{Bar, DoorWeek, Lane, Week};
use crate::view_model::{Home, clock_time};
use latchkey_shared::schedule::format_instant;
use latchkey_shared::time::Timestamp;
use yew::prelude::*;
use yew_router::prelude::*;

/// So many weeks back and ahead.
const REACH: i32 = 520;

/// The week.
#[component]
pub fn Schedule() -> Html {
    use_tick(60);
    let home = use_home().home;
    let later = use_state_eq(|| 0i32);
    let as_list = use_state_eq(|| false);
    let now = home.now();
    let week = Week::of(&home, now, *later);
    let go = |to: i32| {
        let later = later.clone();
        Callback::from(move |()| later.set(to.clamp(-REACH, REACH)))
    };
    let view = |list: bool| {
        let as_list = as_list.clone();
        Callback::from(move |()| as_list.set(list))
    };
    let back = html! {
        <a class="eyebrow" href={Tab::Codes.route(&home.id).to_path()}>{ icon("back") }{ "Codes" }</a>
    };
    let empty = week.doors.iter().all(|door| door.lanes.is_empty());
    html! {
        <div class="page">
            <PageHead title="Week" eyebrow={back}>
                <div class="segmented" role="group" aria-label="View">
                    <Segment name="week-view" title="Time line" checked={!*as_list} onchange={view(false)} testid="week-lines" />
                    <Segment name="week-view" title="List" checked={*as_list} onchange={view(true)} testid="week-list" />
                </div>
            </PageHead>
            <nav class="week-nav" aria-label="Weeks">
                <Button class="icon-only" icon="back" label="The week before" onclick={go(*later - 1)} testid="week-before" />
                <h2 aria-live="polite" data-testid="week-title">{ title(&home, &week) }</h2>
                <Button class="icon-only" icon="chevron" label="The week after" onclick={go(*later + 1)} testid="week-after" />
                if *later != 0 { <Button class="small" onclick={go(0)} testid="week-today">{ "This week" }</Button> }
            </nav>
            if empty {
                <div class="card empty">
                    { badge("calendar", "") }
                    <h3>{ "No code opens a door in this week" }</h3>
                </div>
            } else if *as_list {
                { list(&home, &week) }
            } else {
                { for week.doors.iter().filter(|door| !door.lanes.is_empty()).map(|door| lines(&home, &week, door, now)) }
            }
            <p class="help row tight nowrap">{ icon("clock") }{ format!("All times are in the home’s zone, {}.", home.zone.name()) }</p>
        </div>
    }
}

/// `Mon 23 Nov 2026`.
fn day(home: &Home, t: Timestamp) -> String {
    let text = format_instant(t, &*home.zone, &home.style);
    text.split(" at ").next().unwrap_or_default().to_owned()
}

fn title(home: &Home, week: &Week) -> String {
    format!("{} to {}", day(home, week.midnights[0]), day(home, week.midnights[6]))
}

/// `09:00 to 12:00`, `22:00 to Wed 25 Nov 2026, 06:00`, `all week`.
fn hours(home: &Home, week: &Week, bar: &Bar) -> String {
    let of = |t: Timestamp| week.midnights.iter().rposition(|midnight| *midnight <= t);
    let from = if bar.from_before { None } else { Some(clock_time(home, bar.start)) };
    let to = if bar.goes_on {
        None
    } else if of(bar.start) == of(Timestamp(bar.end.0.saturating_sub(1))) {
        Some(clock_time(home, bar.end))
    } else {
        Some(format!("{}, {}", day(home, bar.end), clock_time(home, bar.end)))
    };
    match (from, to) {
        (Some(from), Some(to)) => format!("{from} to {to}"),
        (Some(from), None) => format!("from {from} on"),
        (None, Some(to)) => format!("until {to}"),
        (None, None) => "all week".to_owned(),
    }
}

fn code_path(home: &Home, lane: &Lane) -> String {
    Route::Code { home: home.id.to_string(), grant: lane.grant.to_string() }.to_path()
}

/// A door's codes as bars. What the bars show stands in words for those who do not see them.
fn lines(home: &Home, week: &Week, door: &DoorWeek, now: Timestamp) -> Html {
    const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    let at = |t: Timestamp| format!("{:.3}%", week.percent(t));
    let width = |bar: &Bar| format!("{:.3}%", (week.percent(bar.end) - week.percent(bar.start)).max(0.4));
    let (from, to) = week.span();
    let this_week = (from..to).contains(&now);
    let row = |lane: &Lane| {
        let spoken: Vec<String> = lane
            .bars
            .iter()
            .map(|bar| {
                if bar.from_before {
                    hours(home, week, bar)
                } else {
                    format!("{}, {}", day(home, bar.start), hours(home, week, bar))
                }
            })
            .collect();
        html! {
            <li key={lane.grant.to_string()}>
                <a class="lane" href={code_path(home, lane)} data-testid="week-lane" data-label={lane.label.clone()} data-bars={lane.bars.len().to_string()}>
                    <span class="lane-label">{ &lane.label }{ lane.suspended.then(|| html! { <span class="quiet small">{ " · suspended" }</span> }) }</span>
                    <svg class={classes!("track", lane.suspended.then_some("paused"))} aria-hidden="true">
                        { for week.midnights[1..7].iter().map(|midnight| html! { <line x1={at(*midnight)} x2={at(*midnight)} y1="0" y2="100%" /> }) }
                        { for lane.bars.iter().map(|bar| html! { <rect x={at(bar.start)} width={width(bar)} y="15%" height="70%" rx="5" /> }) }
                        if this_week { <line class="now" x1={at(now)} x2={at(now)} y1="0" y2="100%" /> }
                    </svg>
                    <span class="visually-hidden">{ spoken.join("; ") }</span>
                </a>
            </li>
        }
    };
    html! {
        <section class="section" key={door.lock.to_string()} aria-label={door.name.clone()} data-testid="week-door" data-name={door.name.clone()}>
            <h3 class="row tight">{ icon("door") }{ &door.name }</h3>
            <div class="card flush week">
                <div class="week-days" aria-hidden="true">{ for DAYS.into_iter().map(|day| html! { <span>{ day }</span> }) }</div>
                <ul>{ for door.lanes.iter().map(row) }</ul>
            </div>
        </section>
    }
}

/// Day by day, in the order in which the doors open.
fn list(home: &Home, week: &Week) -> Html {
    let days = week.midnights.windows(2).filter_map(|pair| {
        let (from, to) = (*pair.first()?, *pair.get(1)?);
        let mut rows: Vec<(Timestamp, String, &Lane, &str)> = Vec::new();
        for door in &week.doors {
            for lane in &door.lanes {
                let begin = lane.bars.iter().filter(|bar| (from..to).contains(&bar.start));
                rows.extend(begin.map(|bar| (bar.start, hours(home, week, bar), lane, door.name.as_str())));
            }
        }
        rows.sort_by(|a, b| (a.0, &a.2.label, a.3).cmp(&(b.0, &b.2.label, b.3)));
        (!rows.is_empty()).then(|| {
            let title = day(home, from);
            html! {
                <section class="section" key={title.clone()} aria-label={title.clone()}>
                    <h3>{ title }</h3>
                    <ul class="card flush list">
                        { for rows.into_iter().map(|(_, hours, lane, door)| html! {
                            <li>
                                <a class="item" href={code_path(home, lane)} data-testid="week-row" data-label={lane.label.clone()}>
                                    { badge("clock", "") }
                                    <span>
                                        <span class="item-title">{ &lane.label }</span>
                                        <span class="item-sub">{ format!(" · {door}") }{ lane.suspended.then_some(" · suspended") }</span>
                                        <br /><span class="num">{ hours }</span>
                                    </span>
                                    <span class="trail">{ icon("chevron") }</span>
                                </a>
                            </li>
                        }) }
                    </ul>
                </section>
            }
        })
    });
    html! { { for days } }
}

//! One lock: how it is, what is wrong with it, how that is known and what to do, and the codes on it.

use crate::api::homes;
use crate::components::{Button, ErrorNote, PageHead, icon, lock_chip};
use crate::hooks::{use_home, use_tick};
use crate::problem::Problem;
use crate::route::{Route, Tab};
use crate::state::use_app;
use crate::view_model::{CodeView, Home, Phase, Standing, short_time, since_words};
use latchkey_shared::id::{GrantId, LockId};
use latchkey_shared::report::{Bolt, Link, Report, Resync};
use latchkey_shared::time::Timestamp;
use latchkey_shared::trouble::{Pressing, Trouble};
use std::rc::Rc;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;
use yew_router::prelude::*;

/// Props of [`Lock`] and its parts.
#[derive(Properties, PartialEq)]
pub struct LockProps {
    /// The lock.
    pub id: LockId,
}

/// One lock.
#[component]
pub fn Lock(props: &LockProps) -> Html {
    use_tick(5);
    let home = use_home().home;
    let now = home.now();
    let back = Tab::Doors.route(&home.id).to_path();
    let back = html! { <a class="eyebrow" href={back}>{ icon("back") }{ "Doors" }</a> };
    let Some(report) = home.reports.get(&props.id) else {
        let gone = html! { <p class="card quiet">{ "No hub reports this lock, or no longer." }</p> };
        return html! { <div class="page"><PageHead title="Not there" eyebrow={back} />{ gone }</div> };
    };
    html! {
        <div class="page">
            <PageHead title={report.lock.name.clone()} eyebrow={back} testid="lock-title" />
            <p class="lead num" data-testid="lock-as-of">
                { format!("As the hub {} told {}.", home.hub_name(&report.hub), since_words(report.at, now)) }
            </p>
            <div class="grid-2">
                <div class="stack">
                    { wrong(&home, report) }
                    { on_it(&home, report, now) }
                </div>
                <div class="stack">
                    { vitals(&home, report, now) }
                    { reading(report, home.hub_offline(&report.hub).is_some()) }
                </div>
            </div>
        </div>
    }
}

fn wrong(home: &Home, report: &Report) -> Html {
    let all = home.troubles(report);
    html! {
        <section class="section" aria-labelledby="wrong">
            <h2 id="wrong">{ "What needs attention" }</h2>
            if all.is_empty() {
                <div class="notice good" data-testid="lock-well">
                    { icon("check-circle") }
                    <div><p class="title">{ "Nothing, as far as its hub can tell." }</p></div>
                </div>
            }
            { for all.into_iter().map(|(trouble, what)| notice(&trouble, what, &report.lock.driver)) }
        </section>
    }
}

fn notice(trouble: &Trouble, what: String, driver: &str) -> Html {
    let (tone, symbol) = match trouble.pressing() {
        Pressing::Now => ("bad", "alert"),
        Pressing::Soon => ("warn", "alert"),
        Pressing::Note => ("", "eye-off"),
    };
    let steps = trouble.what_to_do(driver);
    html! {
        <div class={classes!("notice", tone)} data-testid="lock-trouble" data-trouble={trouble.name()}>
            { icon(symbol) }
            <div>
                <p class="title">{ what }</p>
                <p class="item-sub">{ trouble.known_by() }</p>
                if !steps.is_empty() {
                    <ol class="todo">{ for steps.into_iter().map(|step| html! { <li>{ step }</li> }) }</ol>
                }
            </div>
        </div>
    }
}

fn vitals(home: &Home, report: &Report, now: Timestamp) -> Html {
    let lock = &report.lock;
    let bolt = match lock.bolt {
        Some(Bolt::Locked) => "Locked",
        Some(Bolt::Unlocked) => "Unlocked",
        Some(Bolt::Jammed) => "Stuck",
        None => "It does not tell",
    };
    let battery = match (lock.battery, lock.days_left) {
        (Some(percent), Some(days)) => format!("{percent} %, about {days} days left"),
        (Some(percent), None) => format!("{percent} %"),
        (None, _) if lock.battery_low => "Low".to_owned(),
        (None, _) => "It does not tell".to_owned(),
    };
    let signal = match lock.link {
        Some(Link::Dbm(dbm)) => format!("{dbm} dBm"),
        Some(Link::Lqi(lqi)) => format!("{lqi} of 255"),
        None => "Its network does not tell".to_owned(),
    };
    let seen = match (lock.unreachable_since, lock.last_seen) {
        (Some(t), _) => format!("Silent since {}", short_time(home, t)),
        (None, Some(t)) => since_words(t, now),
        (None, None) => "Not since the hub started".to_owned(),
    };
    let fact = |name: &'static str, value: String, hook: &'static str| {
        html! { <div><dt>{ name }</dt><dd class="num" data-testid={hook}>{ value }</dd></div> }
    };
    html! {
        <section class="card" aria-label="How it is">
            <dl class="facts">
                { fact("Bolt", bolt.to_owned(), "lock-bolt") }
                { fact("Battery", battery, "lock-battery") }
                { fact("Signal", signal, "lock-signal") }
                { fact("Last sign of life", seen, "lock-seen") }
                { fact("Failed changes, 7 days", lock.failed_writes.to_string(), "lock-failed") }
                { fact("Free places", format!("{} of {}", lock.free_slots, lock.abilities.slots), "lock-free") }
                { fact("Reached by", driver(&lock.driver).to_owned(), "lock-driver") }
            </dl>
        </section>
    }
}

fn driver(name: &str) -> &str {
    match name {
        "sim" => "Simulation",
        "zwave_js" => "Z-Wave JS",
        "zigbee2mqtt" => "Zigbee2MQTT",
        "matter" => "Matter",
        other => other,
    }
}

/// Codes that are on the lock, should be, or may still be; those that are over and off are of no interest here.
fn on_it(home: &Home, report: &Report, now: Timestamp) -> Html {
    let id = report.lock.id;
    let codes = home.codes(now);
    let here = |code: &CodeView| -> Option<Standing> {
        let standing = code.locks.iter().find(|standing| standing.lock == id)?;
        (code.phase != Phase::Past || standing.removing || standing.words.opens).then(|| standing.clone())
    };
    let rows: Vec<_> = codes.iter().filter_map(|code| here(code).map(|standing| (code, standing))).collect();
    html! {
        <section class="section" aria-labelledby="codes-here">
            <h2 id="codes-here">{ "Codes" }</h2>
            if rows.is_empty() {
                <p class="card quiet">{ "No code is meant for this door." }</p>
            } else {
                <ul class="card flush door-states" aria-live="polite">
                    { for rows.iter().map(|(code, standing)| {
                        let to = Route::Code { home: home.id.to_string(), grant: code.id.to_string() };
                        html! {
                            <li key={code.id.to_string()}>
                                <p class="item-title"><a href={to.to_path()}>{ &code.label }</a></p>
                                { lock_chip(home, standing, false) }
                                <Again id={id} grant={code.id} label={code.label.clone()} />
                            </li>
                        }
                    }) }
                </ul>
            }
        </section>
    }
}

/// Props of [`Again`].
#[derive(Properties, PartialEq)]
struct AgainProps {
    id: LockId,
    /// One code; all of them without.
    #[prop_or_default]
    grant: Option<GrantId>,
    /// Whose it is, for those who do not see where the button stands.
    #[prop_or_default]
    label: Option<AttrValue>,
}

/// Has the hub read the lock's codes again, or one of them.
#[component]
fn Again(props: &AgainProps) -> Html {
    let app = use_app();
    let home: Rc<Home> = use_home().home;
    let busy = use_state_eq(|| false);
    let problem = use_state_eq(|| None::<Problem>);
    let Some(report) = home.reports.get(&props.id) else { return Html::default() };
    let away = home.hub_offline(&report.hub).is_some() || report.lock.resync.is_some();
    let onclick = {
        let (busy, problem) = (busy.clone(), problem.clone());
        let (home, hub, lock, grant) = (home.id, report.hub, props.id, props.grant);
        Callback::from(move |()| {
            let (busy, problem, app) = (busy.clone(), problem.clone(), app.clone());
            busy.set(true);
            problem.set(None);
            spawn_local(async move {
                match homes::resync(&home, &hub, &lock, grant.as_ref()).await {
                    Ok(()) => {
                        app.toast("The hub was asked. It reads a lock again at most every ten minutes.")
                    }
                    Err(e) => problem.set(Some(e)),
                }
                busy.set(false);
            });
        })
    };
    let (text, class) = match props.grant {
        None => ("Read this lock again", classes!()),
        Some(_) => ("Read again", classes!("ghost", "small")),
    };
    let label = props.label.as_ref().map(|of| AttrValue::from(format!("Read {of} again")));
    let testid = if props.grant.is_none() { "lock-resync-start" } else { "lock-resync-code" };
    html! {
        <>
            <Button {class} {label} icon="refresh" {testid} busy={*busy} disabled={away} {onclick}><span>{ text }</span></Button>
            if problem.is_some() { <ErrorNote problem={(*problem).clone()} /> }
        </>
    }
}

/// What reading again means, the button for all, and how far it is.
fn reading(report: &Report, hub_away: bool) -> Html {
    html! {
        <section class="card stack tight" aria-label="Read again">
            <p>{ "What is on the lock was read when it was written. If you doubt it, have it read again: that costs its battery one short message for each code." }</p>
            <p><Again id={report.lock.id} /></p>
            if hub_away { <p class="item-sub">{ "Its hub is offline." }</p> }
            if let Some(Resync { done, total }) = report.lock.resync {
                <p role="status" data-testid="lock-resync">
                    <progress max={total.to_string()} value={done.to_string()} aria-label="Read again" />
                    { format!(" {done} of {total} read") }
                </p>
            }
        </section>
    }
}

//! Doors and hubs, as the hubs report them.

use crate::components::{PageHead, badge, icon};
use crate::hooks::{use_home, use_tick};
use crate::route::Route;
use crate::view_model::{CodeView, Home, since_words};
use latchkey_shared::id::HubId;
use latchkey_shared::report::Report;
use latchkey_shared::slot::{OwnSchedules, Readback};
use latchkey_shared::time::Timestamp;
use yew::prelude::*;
use yew_router::prelude::*;

fn abilities(report: &Report) -> Vec<(&'static str, String)> {
    let able = &report.lock.abilities;
    let read = match able.readback {
        Readback::Full => ("check-circle", "Codes are confirmed by reading them back.".to_owned()),
        Readback::Masked => ("check", "Shows that a code is there, not which one.".to_owned()),
        Readback::None => ("eye-off", "Cannot be read back: codes are written, not confirmed.".to_owned()),
    };
    let mut list = vec![read];
    match able.own_schedules {
        OwnSchedules::Hours => {
            list.push(("clock", "Keeps schedules itself, even if the hub is off.".to_owned()))
        }
        OwnSchedules::Term => list.push(("clock", "Ends codes itself, even if the hub is off.".to_owned())),
        OwnSchedules::None => {}
    }
    let length = match able.one_length {
        Some(n) => format!("PINs of exactly {n} digits"),
        None if able.pin_min == able.pin_max => format!("PINs of {} digits", able.pin_min),
        None => format!("PINs of {} to {} digits", able.pin_min, able.pin_max),
    };
    list.push(("key", format!("{length}, {} of {} places free.", report.lock.free_slots, able.slots)));
    list
}

fn battery(percent: u8) -> Html {
    let width = u32::from(percent.min(100)) * 17 / 100;
    html! {
        <svg class="battery" viewBox="0 0 28 14" aria-hidden="true">
            <rect class="shell" x="1" y="1" width="22" height="12" rx="3" />
            <path class="level" d="M25 5h1.5v4H25z" />
            <rect class="level" x="3.5" y="3.5" width={width.to_string()} height="7" rx="1.2" />
        </svg>
    }
}

fn lock_card(home: &Home, codes: &[CodeView], report: &Report, now: Timestamp) -> Html {
    let lock = &report.lock;
    let to = Route::Lock { home: home.id.to_string(), lock: lock.id.to_string() };
    let opens =
        |code: &&CodeView| code.locks.iter().any(|standing| standing.lock == lock.id && standing.words.opens);
    let codes = codes.iter().filter(opens).count();
    let (tone, state) = match (lock.unreachable_since, lock.locked()) {
        (Some(since), _) => ("warn", format!("Does not answer, since {}", since_words(since, now))),
        (None, Some(true)) => ("on", "Locked".to_owned()),
        (None, Some(false)) => ("brass", "Unlocked".to_owned()),
        (None, None) => ("on", "Answers".to_owned()),
    };
    let symbol = match (lock.unreachable_since, lock.locked()) {
        (Some(_), _) => "offline",
        (None, Some(false)) => "unlock",
        (None, _) => "lock",
    };
    html! {
        <li class="card lock-card" key={lock.id.to_string()} data-testid="lock-card" data-lock={lock.id.to_string()} data-name={lock.name.clone()}>
            <div class="row nowrap">
                { badge(symbol, tone) }
                <div class="grow"><h2 class="h3"><a href={to.to_path()} data-testid="lock-open">{ &lock.name }</a></h2><p class="item-sub">{ state }</p></div>
            </div>
            <div class="meta">
                if let Some(percent) = lock.battery {
                    <span>{ battery(percent) }{ format!("{percent} %") }<span class="visually-hidden">{ "battery" }</span></span>
                }
                <span>{ icon("key") }{ format!("{codes} open now") }</span>
                <span class="num">{ format!("Heard {}", since_words(report.at, now)) }</span>
            </div>
            if let Some((trouble, what)) = home.trouble(report) {
                <p class="notice warn" data-testid="lock-trouble" data-trouble={trouble.name()}>{ icon("alert") }<a href={to.to_path()}>{ what }</a></p>
            }
            <ul class="ability-list">
                { for abilities(report).into_iter().map(|(symbol, text)| html! { <li>{ icon(symbol) }{ text }</li> }) }
            </ul>
        </li>
    }
}

fn hub_row(home: &Home, hub: &HubId, now: Timestamp) -> Html {
    let away = home.hub_offline(hub);
    let behind = home.hubs.get(hub).and_then(|seen| seen.seq).is_some_and(|seq| seq < home.chain.seq());
    let words = match away {
        None if behind => "Online, taking in changes".to_owned(),
        None => "Online, has every change".to_owned(),
        Some(None) => "Not seen yet".to_owned(),
        Some(Some(t)) => format!("Offline, last seen {}. Its codes keep working.", since_words(t, now)),
    };
    let tone = if away.is_some() { "warn" } else { "on" };
    let to = Route::Hub { home: home.id.to_string(), hub: hub.to_string() };
    html! {
        <li class="item" key={hub.to_string()} data-testid="hub-card" data-hub={hub.to_string()} data-online={if away.is_none() { "true" } else { "false" }}>
            { badge("hub", tone) }
            <div><p class="item-title"><a href={to.to_path()} data-testid="hub-open">{ home.hub_name(hub) }</a></p><p class="item-sub">{ words }</p></div>
            <span class={classes!("dot", if away.is_some() { "warn" } else { "good" })}></span>
        </li>
    }
}

/// Doors and hubs.
#[component]
pub fn Doors() -> Html {
    use_tick(10);
    let home = use_home().home;
    let now = home.now();
    let codes = home.codes(now);
    let has_hub = !home.chain.hubs().is_empty();
    html! {
        <div class="page">
            <PageHead title="Doors">
                <a class="btn" href={Route::Pair.to_path()}>{ icon("plus") }<span data-testid="add-hub">{ "Add a hub" }</span></a>
            </PageHead>
            if home.reports.is_empty() {
                <div class="card empty">
                    { badge("door", "on") }
                    <h2>{ if has_hub { "Waiting for the hub" } else { "No hub yet" } }</h2>
                    <p>{ if has_hub { "It reports its doors as soon as it has found them." } else { "The hub talks to your locks. Pair it, and its doors appear here." } }</p>
                </div>
            } else {
                <ul class="grid-cards">{ for home.reports.values().map(|report| lock_card(&home, &codes, report, now)) }</ul>
            }
            if has_hub {
                <section class="section" aria-labelledby="hubs">
                    <h2 id="hubs">{ "Hubs" }</h2>
                    <ul class="card flush list">{ for home.chain.hubs().keys().map(|hub| hub_row(&home, hub, now)) }</ul>
                </section>
            }
        </div>
    }
}

//! Today: what is on now, what comes, and what needs somebody.

use crate::components::{PageHead, badge, code_row, icon};
use crate::hooks::{HomeCtx, use_home, use_tick};
use crate::js;
use crate::part::MoreOfToday;
use crate::route::{Route, Tab};
use crate::state::{KIT_PENDING, use_app};
use crate::view_model::{CodeView, Home, Phase, since_words};
use latchkey_shared::time::{Seconds, Timestamp};
use latchkey_shared::trouble::BATTERY_LOW;
use latchkey_shared::zone::Zone;
use yew::prelude::*;
use yew_router::prelude::*;

/// Codes that open within this are upcoming here; the rest is on the Codes page.
const SOON: Seconds = Seconds::days(7);

/// A guest who comes within this is warned of: there is still time to mend what stands in the way.
const ARRIVAL: Seconds = Seconds::hours(24);
/// Rows of a group; the rest is on the Codes page.
const ROWS: usize = 12;

/// Something that needs somebody.
struct Attention {
    kind: &'static str,
    icon: &'static str,
    class: &'static str,
    title: String,
    text: String,
    to: Option<(Route, &'static str)>,
}

fn attention(home: &Home, codes: &[CodeView], now: Timestamp, kit: bool) -> Vec<Attention> {
    let mut list = Vec::new();
    if kit {
        let text = "You have not confirmed your recovery kit. Make one now, before you need it.".into();
        let to = Some((Tab::Settings.route(&home.id), "Make a kit"));
        list.push(Attention {
            kind: "kit",
            icon: "kit",
            class: "brass",
            title: "Recovery kit missing".into(),
            text,
            to,
        });
    }
    list.extend(codes.iter().filter_map(|code| arrival(home, code, now)));
    for (hub, entry) in home.chain.hubs() {
        if let Some(since) = home.hub_offline(hub) {
            let since = since.map_or_else(
                || "It has not been seen yet.".into(),
                |t| format!("Last seen {}.", since_words(t, now)),
            );
            let text = format!("{since} Codes that it has keep working; new ones and revocations wait.");
            let title = format!("{} is offline", entry.key.name);
            list.push(Attention {
                kind: "hub",
                icon: "offline",
                class: "warn",
                title,
                text,
                to: Some((Tab::Doors.route(&home.id), "Doors")),
            });
        }
    }
    for report in home.reports.values() {
        let lock = &report.lock;
        let doors = || Some((Tab::Doors.route(&home.id), "Doors"));
        if let Some(since) = lock.unreachable_since {
            let since = since_words(since, now);
            let text = format!("It fell silent {since}. Check its battery and its distance to the hub.");
            list.push(Attention {
                kind: "lock",
                icon: "offline",
                class: "warn",
                title: format!("{} does not answer", lock.name),
                text,
                to: doors(),
            });
        }
        if lock.battery_low || lock.battery.is_some_and(|percent| percent <= BATTERY_LOW) {
            let title = match lock.battery {
                Some(percent) => format!("{}: battery at {percent} %", lock.name),
                None => format!("{}: battery low", lock.name),
            };
            list.push(Attention {
                kind: "battery",
                icon: "alert",
                class: "warn",
                title,
                text: "Change it soon.".into(),
                to: doors(),
            });
        }
    }
    for code in codes {
        if let Some(standing) = code.locks.iter().find(|standing| standing.needs_attention()) {
            let to = Route::Code { home: home.id.to_string(), grant: code.id.to_string() };
            let title = format!("{} at {}", code.label, standing.lock_name);
            list.push(Attention {
                kind: "code",
                icon: "alert",
                class: "bad",
                title,
                text: standing.words.sentence.clone(),
                to: Some((to, "Look")),
            });
        }
    }
    list
}

/// A guest who comes soon, to a door that is not ready and cannot be made so right now.
fn arrival(home: &Home, code: &CodeView, now: Timestamp) -> Option<Attention> {
    let opens = code.turns_at().filter(|opens| {
        code.phase == Phase::Upcoming && *opens > now && *opens <= now.saturating_add(ARRIVAL)
    })?;
    let ready = |name: &str| matches!(name, "on_lock" | "written_unconfirmed");
    let silent = |lock| home.reports.get(lock).is_none_or(|report| report.lock.unreachable_since.is_some());
    let door = code
        .locks
        .iter()
        .find(|door| !ready(door.name()) && (door.hub_away.is_some() || silent(&door.lock)))?;
    let text = if door.hub_away.is_some() {
        format!(
            "The hub of {} is offline. With power it puts on by itself the codes that it has; without, this one will not work.",
            door.lock_name
        )
    } else {
        format!("{}: {}", door.lock_name, door.words.sentence)
    };
    Some(Attention {
        kind: "arrival",
        icon: "clock",
        class: "bad",
        title: format!("{} comes {}", code.label, crate::view_model::short_time(home, opens)),
        text,
        to: Some((Tab::Doors.route(&home.id), "Mend it")),
    })
}

fn greeting(hour: u8) -> &'static str {
    match hour {
        5..12 => "Good morning",
        12..18 => "Good afternoon",
        _ => "Good evening",
    }
}

/// Today.
#[component]
pub fn Today() -> Html {
    use_tick(10);
    let app = use_app();
    let HomeCtx { home, .. } = use_home();
    let now = home.now();
    let local = home.zone.to_local(now);
    let signed = app.signed();
    let kit = signed.as_ref().is_some_and(|signed| signed.account.kit_is(KIT_PENDING));
    let codes = home.codes(now);
    let attention = attention(&home, &codes, now, kit);
    let on: Vec<&CodeView> = codes.iter().filter(|code| code.phase == Phase::Now).collect();
    let soon = |code: &&CodeView| {
        code.phase == Phase::Upcoming && code.turns_at().is_some_and(|t| t <= now.saturating_add(SOON))
    };
    let next: Vec<&CodeView> = codes.iter().filter(soon).collect();
    let name =
        signed.map(|s| s.account.name.split(' ').next().unwrap_or_default().to_owned()).unwrap_or_default();
    let id = home.id.to_string();
    let shared = shared(&home, &codes);
    let setting_up = home.reports.is_empty() || home.grants.is_empty() || !shared;
    js::remember(&format!("name.{id}"), home.name());
    js::remember(&format!("role.{id}"), if home.is_owner() { "Owner" } else { "Manager" });
    let day = format!("{} {}", local.weekday().name(), crate::view_model::short_time(&home, now));
    html! {
        <div class="page">
            <PageHead title={format!("{}, {name}", greeting(local.hour))} eyebrow={html! { <p class="eyebrow">{ format!("{} · {day}", home.name()) }</p> }}>
                if !home.reports.is_empty() {
                    { new_code_link(&home) }
                }
            </PageHead>
            if setting_up { { checklist(&home, &codes, shared) } }
            if !attention.is_empty() {
                <section class="section" aria-labelledby="attention">
                    <h2 id="attention">{ "Needs you" }<span class="count">{ attention.len() }</span></h2>
                    <ul class="card flush attention">{ for attention.into_iter().map(attention_row) }</ul>
                </section>
            } else if !setting_up {
                // No more than was seen: a lock that cannot confirm its codes is no lock that has them.
                <p class="all-good">{ icon("check-circle") }{ "All doors answer, and nothing needs you." }</p>
            }
            { group("On now", &on, &home, (!setting_up).then_some("Nobody’s code is on right now.")) }
            { group("In the next days", &next, &home, None) }
            if !setting_up { <MoreOfToday /> }
        </div>
    }
}

/// Whether a link went to somebody: from this browser, as far as it remembers, or the codes show that it must have.
fn shared(home: &Home, codes: &[CodeView]) -> bool {
    let used = home.reports.values().flat_map(|report| &report.codes).any(|code| code.first_used.is_some());
    let established = used || codes.len() > 1 || codes.iter().any(|code| code.phase == Phase::Past);
    established
        || home.grants.values().any(|put| {
            put.grant
                .link
                .as_ref()
                .is_some_and(|link| js::remembered(&format!("shared.{}", link.id)).is_some())
        })
}

fn attention_row(item: Attention) -> Html {
    html! {
        <li data-testid="attention" data-kind={item.kind}>
            { badge(item.icon, item.class) }
            <div><p class="item-title">{ item.title }</p><p class="item-sub">{ item.text }</p></div>
            if let Some((to, words)) = item.to {
                <a class="btn small" href={to.to_path()}>{ words }</a>
            }
        </li>
    }
}

/// The way to a new code; at the thumb on narrow screens.
pub fn new_code_link(home: &Home) -> Html {
    let to = Route::NewCode { home: home.id.to_string() }.to_path();
    html! {
        <>
            <a class="btn primary only-wide" href={to.clone()} data-testid="new-code">{ icon("plus") }{ "New code" }</a>
            <a class="btn primary fab" href={to}>{ icon("plus") }{ "New code" }</a>
        </>
    }
}

/// Codes under a heading; nothing, or `empty`, if there are none.
fn group(title: &'static str, codes: &[&CodeView], home: &Home, empty: Option<&'static str>) -> Html {
    if codes.is_empty() && empty.is_none() {
        return Html::default();
    }
    html! {
        <section class="section" aria-label={title}>
            <h2>{ title }<span class="count">{ (!codes.is_empty()).then_some(codes.len()) }</span></h2>
            if codes.is_empty() {
                <p class="card quiet">{ empty }</p>
            } else {
                <ul class="card flush list">{ for codes.iter().take(ROWS).map(|code| code_row(home, code)) }</ul>
                if codes.len() > ROWS {
                    <p><a class="btn small" href={Tab::Codes.route(&home.id).to_path()}>{ format!("All {} in Codes", codes.len()) }</a></p>
                }
            }
        </section>
    }
}

/// The first three steps.
fn checklist(home: &Home, codes: &[CodeView], shared: bool) -> Html {
    let id = home.id.to_string();
    let paired = !home.chain.hubs().is_empty();
    let (has_locks, has_code) = (!home.reports.is_empty(), !home.grants.is_empty());
    let newest = codes
        .iter()
        .filter(|code| code.phase != Phase::Past)
        .filter_map(|code| home.grants.get(&code.id))
        .max_by_key(|put| put.put.seq)
        .map(|put| put.grant.id.to_string());
    let to_share = newest.map(|grant| Route::Code { home: id.clone(), grant });
    let hub_text = match (paired, has_locks) {
        (false, _) => "Plug it in, open its page, and scan the code.".to_owned(),
        (true, false) => "Paired. Waiting for it to report its doors.".to_owned(),
        (true, true) => {
            format!("{} door{} found.", home.reports.len(), if home.reports.len() == 1 { "" } else { "s" })
        }
    };
    let steps = [
        ("step-hub", "Pair your hub", hub_text, has_locks, (!paired).then_some((Route::Pair, "Pair"))),
        (
            "step-code",
            "Make a guest code",
            "Who, which doors, when. The PIN is made to fit.".into(),
            has_code,
            has_locks.then(|| (Route::NewCode { home: id.clone() }, "Make one")),
        ),
        (
            "step-share",
            "Share the link",
            "Your guest sees the code, and whether it works right now.".into(),
            shared,
            to_share.map(|to| (to, "Share")),
        ),
    ];
    let current = steps.iter().position(|step| !step.3);
    html! {
        <section class="section" aria-labelledby="start">
            <h2 id="start">{ "Three steps to the first open door" }</h2>
            <ol class="card flush steps" data-testid="checklist">
                { for steps.into_iter().enumerate().map(|(i, (hook, title, text, done, to))| html! {
                    <li data-testid={hook} data-done={if done { "true" } else { "false" }}>
                        <span class={classes!("mark", done.then_some("done"), (current == Some(i)).then_some("now"))}>
                            if done { { icon("check") }<span class="visually-hidden">{ "Done" }</span> } else { { i + 1 } }
                        </span>
                        <div class={classes!(done.then_some("done-text"))}><p class="item-title">{ title }</p><p class="item-sub">{ text }</p></div>
                        if let Some((to, words)) = to.filter(|_| !done && current == Some(i)) {
                            <a class="btn primary" href={to.to_path()}>{ words }</a>
                        }
                    </li>
                }) }
            </ol>
        </section>
    }
}

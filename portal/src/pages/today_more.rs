//! What Today shows after the rest: what the hubs' panels could not keep, and that the review has something new.

use crate::api::homes;
use crate::components::{badge, icon};
use crate::hooks::use_home;
use crate::js;
use crate::route::Route;
use crate::view_model::care::{Weak, weak_pins};
use crate::view_model::log::Log;
use crate::view_model::{event_sentence, since_words};
use latchkey_shared::care::CareItem;
use latchkey_shared::event::{Event, EventBody};
use latchkey_shared::id::HubId;
use latchkey_shared::time::{Seconds, Timestamp};
use std::rc::Rc;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;
use yew_router::prelude::*;

/// A conflict is news for so long.
const NEWS: Seconds = Seconds::days(7);

/// What names a conflict in this browser's memory, once somebody has read it.
fn read_mark((hub, number): (HubId, u64)) -> String {
    format!("conflict.{hub}.{number}")
}

/// What Today shows after the rest.
#[component]
pub fn More() -> Html {
    let ctx = use_home();
    let home = ctx.home.clone();
    let weak = use_state(|| None::<Rc<Weak>>);
    let log = use_state(|| Rc::new(Log::default()));
    let update = use_force_update();
    {
        let (home, weak) = (home.clone(), weak.setter());
        use_effect_with(home.chain.seq(), move |_| {
            spawn_local(async move { weak.set(Some(Rc::new(weak_pins(home).await))) });
        });
    }
    {
        let (home, log) = (home.clone(), log.setter());
        use_effect_with(ctx.events, move |_| {
            spawn_local(async move {
                // Without a connection the conflicts of before stay in the activity.
                if let Ok(page) = homes::events(&home.id, None).await {
                    let mut new = Log::default();
                    new.take(&home, &page.events);
                    log.set(Rc::new(new));
                }
            });
        });
    }
    let now = home.now();
    let items = {
        let (home, weak) = (home.clone(), (*weak).clone());
        let key = (Rc::as_ptr(&home) as usize, weak.as_ref().map(|weak| Rc::as_ptr(weak) as usize));
        // Both are part of the memory, so that their addresses name no others.
        use_memo(key, move |_| {
            let items: Vec<CareItem> = weak
                .as_ref()
                .map(|weak| home.review(weak).into_iter().map(|care| care.item).collect())
                .unwrap_or_default();
            (items, home, weak)
        })
    };
    let due = home.care_memory().due(&items.0, now);
    let conflicts: Vec<&Event> = log
        .newest_first()
        .into_iter()
        .filter(|event| matches!(event.body, EventBody::PanelDropped(..)) && is_news(event, now))
        .collect();
    let read = |event: &Event| {
        let (mark, update) = (read_mark((event.hub, event.number)), update.clone());
        Callback::from(move |_: MouseEvent| {
            js::remember(&mark, "1");
            update.force_update();
        })
    };
    let review = Route::Review { home: home.id.to_string() }.to_path();
    html! {
        <>
            if !conflicts.is_empty() {
                <section class="section" aria-label="Changes at the hub’s panel that were dropped">
                    <ul class="card flush attention" data-testid="today-conflicts">
                        { for conflicts.iter().map(|event| html! {
                            <li key={event.number.to_string()}>
                                { badge("alert", "warn") }
                                <div><p class="item-title">{ event_sentence(&home, event) }</p><p class="item-sub">{ since_words(event.at, now) }</p></div>
                                <button type="button" class="btn small" onclick={read(event)}>{ "Understood" }</button>
                            </li>
                        }) }
                    </ul>
                </section>
            }
            if due > 0 {
                <a class="care-line" href={review} data-testid="care-line" data-due={due.to_string()}>
                    { icon("sparkle") }
                    <span class="grow">{ if due == 1 { "One thing in this home could use a look.".to_owned() } else { format!("{due} things in this home could use a look.") } }</span>
                    { icon("chevron") }
                </a>
            }
        </>
    }
}

fn is_news(event: &Event, now: Timestamp) -> bool {
    now.since(event.at) < NEWS && js::remembered(&read_mark((event.hub, event.number))).is_none()
}

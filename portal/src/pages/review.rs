//! What needs care in a home that has been lived in for a while: each thing with one action that settles it.

mod ask;

use crate::components::{Button, PageHead, badge, icon, skeleton};
use crate::hooks::use_home;
use crate::route::{Route, Tab};
use crate::view_model::Home;
use crate::view_model::care::{Care, FINE_FOR, LATER, Weak, weak_pins};
use ask::{Ask, Asking};
use latchkey_shared::care::{CareAction, CareItem};
use latchkey_shared::id::GrantId;
use latchkey_shared::time::Seconds;
use std::rc::Rc;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;
use yew_router::prelude::*;

fn label(home: &Home, grant: &GrantId) -> String {
    home.grants.get(grant).map_or_else(|| "A code".into(), |put| put.grant.label.clone())
}

/// (icon, tone) of an item.
fn look(item: &CareItem) -> (&'static str, &'static str) {
    match item {
        CareItem::StillOnLock { .. } => ("alert", "bad"),
        CareItem::WeakPin { .. } => ("key", "warn"),
        CareItem::OldPrimary { .. } => ("clock", "warn"),
        CareItem::Unused { .. } => ("moon", ""),
        CareItem::Shared { .. } => ("people", ""),
        CareItem::Name { .. } => ("pen", ""),
    }
}

/// What needs care.
#[component]
pub fn Review() -> Html {
    let ctx = use_home();
    let home = ctx.home.clone();
    let weak = use_state(|| None::<Rc<Weak>>);
    let asking = use_state_eq(|| None::<Asking>);
    let memory = use_state_eq(|| home.care_memory());
    {
        let (home, weak) = (home.clone(), weak.setter());
        use_effect_with(home.chain.seq(), move |_| {
            spawn_local(async move { weak.set(Some(Rc::new(weak_pins(home).await))) });
        });
    }
    let now = home.now();
    let items = weak.as_ref().map(|weak| home.review(weak));
    {
        // Whoever looks at them here is not reminded of them for a month.
        let (home, keys) = (
            home.clone(),
            items.as_ref().map(|items| items.iter().map(|care| care.item.key()).collect::<Vec<_>>()),
        );
        use_effect_with(keys, move |keys| {
            if let Some(keys) = keys {
                let mut memory = home.care_memory();
                memory.seen(keys, home.now());
                home.remember_care(&memory);
            }
        });
    }
    let quiet = {
        let (home, memory) = (home.clone(), memory.clone());
        Callback::from(move |(key, span): (String, Seconds)| {
            let mut new = home.care_memory();
            new.quiet(&key, home.now().saturating_add(span));
            home.remember_care(&new);
            memory.set(new);
        })
    };
    let close = {
        let asking = asking.clone();
        Callback::from(move |()| asking.set(None))
    };
    let ask = {
        let asking = asking.clone();
        Callback::from(move |what: Asking| asking.set(Some(what)))
    };
    let (shown, left_alone) = match &items {
        None => (vec![], 0),
        Some(items) => {
            let settled = |care: &&Care| memory.is_quiet(&care.item.key(), now);
            let quiet = items.iter().filter(settled).count();
            (items.iter().filter(|care| !settled(care)).cloned().collect::<Vec<_>>(), quiet)
        }
    };
    let again = {
        let (home, memory) = (home.clone(), memory.clone());
        Callback::from(move |()| {
            home.remember_care(&Default::default());
            memory.set(Default::default());
        })
    };
    html! {
        <div class="page">
            <PageHead title="Review" lead="What could use a look, and one step that settles each." eyebrow={html! {
                <a class="eyebrow" href={Tab::Codes.route(&home.id).to_path()}>{ icon("back") }{ "Codes" }</a>
            }} />
            if items.is_none() {
                { skeleton() }
            } else if shown.is_empty() {
                <p class="all-good" data-testid="review-clear">{ icon("check-circle") }{ "Nothing needs your care." }</p>
            } else {
                <ul class="card flush attention care" data-testid="review-list">
                    { for shown.iter().map(|care| row(&home, care, &ask, &quiet)) }
                </ul>
            }
            if left_alone > 0 {
                <p class="quiet small">
                    { format!("{left_alone} more left alone, as you said in this browser. ") }
                    <button type="button" class="link-btn" onclick={again.reform(|_: MouseEvent| ())} data-testid="review-all">{ "Show everything" }</button>
                </p>
            }
            <Ask store={ctx.store.clone()} home={home.clone()} asking={(*asking).clone()} onclose={close} />
        </div>
    }
}

fn row(home: &Home, care: &Care, ask: &Callback<Asking>, quiet: &Callback<(String, Seconds)>) -> Html {
    let item = &care.item;
    let (symbol, tone) = look(item);
    let code = Route::Code { home: home.id.to_string(), grant: item.grant().to_string() }.to_path();
    let button = |what: Asking| {
        html! { <Button class="small primary" onclick={ask.reform(move |()| what.clone())} testid="review-act"><span>{ item.action().label() }</span></Button> }
    };
    let act = match item.action() {
        // The code's page says what stands in the way at the lock, and what to do about it.
        CareAction::LookAtLock(_) => {
            html! { <a class="btn small primary" href={code.clone()} data-testid="review-act">{ "See why" }</a> }
        }
        CareAction::ChangePin(grant) => button(Asking::Pin(grant)),
        CareAction::Revoke(grant) => button(Asking::Revoke(grant)),
        CareAction::ChooseHolder(grant) => button(Asking::Holder(grant)),
        CareAction::Rename(grant) => button(Asking::Name(grant)),
    };
    let (fine, later) = (item.key(), item.key());
    html! {
        <li key={item.key()} data-testid="review-item" data-kind={item.name()} data-grant={item.grant().to_string()}>
            { badge(symbol, tone) }
            <div class="stack tight">
                <p class="item-title"><a class="plain" href={code}>{ label(home, &item.grant()) }</a></p>
                <p class="item-sub">{ &care.sentence }</p>
                <div class="row tight">
                    { act }
                    if !matches!(item, CareItem::StillOnLock { .. }) {
                        <Button class="small ghost" onclick={quiet.reform(move |()| (fine.clone(), FINE_FOR))} testid="review-fine">{ "Fine as it is" }</Button>
                        <Button class="small ghost" onclick={quiet.reform(move |()| (later.clone(), LATER))} testid="review-later">{ "In a month" }</Button>
                    }
                </div>
            </div>
        </li>
    }
}

//! Which codes raise a silent alarm, and which alarms there were: for owners, after their passkey. Everywhere else a
//! duress code looks like any other of the household, and this card looks the same whether there are any or not.

use crate::api::{auth, homes};
use crate::components::{Button, Dialog, ErrorNote, badge, icon};
use crate::hooks::use_home;
use crate::problem::Problem;
use crate::route::Route;
use crate::view_model::log::Log;
use crate::view_model::{Home, short_time};
use latchkey_shared::chain::op::Role;
use latchkey_shared::event::{Event, EventBody};
use latchkey_shared::grant::GrantKind;
use std::rc::Rc;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;
use yew_router::prelude::*;

/// How many pages of the log are looked through.
const PAGES: u8 = 10;

async fn alarms(home: &Home) -> Result<Log, Problem> {
    let mut log = Log::default();
    for _ in 0..PAGES {
        let page = homes::events(&home.id, log.next).await?;
        log.take(home, &page.events);
        log.next = page.next;
        if log.next.is_none() {
            break;
        }
    }
    Ok(log)
}

/// Duress codes and silent alarms.
#[component]
pub fn Duress() -> Html {
    let home = use_home().home;
    let asking = use_state_eq(|| false);
    let busy = use_state_eq(|| false);
    let problem = use_state_eq(|| None::<Problem>);
    // Gone as soon as the page is left.
    let shown = use_state(|| None::<Rc<Log>>);
    if !matches!(home.composer().role(), Some(Role::Owner)) {
        return Html::default();
    }
    let ask = {
        let asking = asking.clone();
        Callback::from(move |()| asking.set(true))
    };
    let close = {
        let (asking, problem) = (asking.clone(), problem.clone());
        Callback::from(move |()| {
            problem.set(None);
            asking.set(false);
        })
    };
    let hide = {
        let shown = shown.clone();
        Callback::from(move |()| shown.set(None))
    };
    let confirm = {
        let (home, shown, busy, problem, close) =
            (home.clone(), shown.clone(), busy.clone(), problem.clone(), close.clone());
        Callback::from(move |()| {
            let (home, shown, busy, problem, close) =
                (home.clone(), shown.clone(), busy.clone(), problem.clone(), close.clone());
            busy.set(true);
            spawn_local(async move {
                let told = match auth::step_up().await {
                    Ok(()) => alarms(&home).await,
                    Err(e) => Err(e),
                };
                busy.set(false);
                match told {
                    Ok(log) => {
                        shown.set(Some(Rc::new(log)));
                        close.emit(());
                    }
                    Err(e) => problem.set(Some(e)),
                }
            });
        })
    };
    let actions = html! {
        <>
            <Button class="ghost" onclick={close.clone()}>{ "Not now" }</Button>
            <Button class="primary" icon="passkey" busy={*busy} onclick={confirm} testid="duress-confirm">{ "Confirm with passkey" }</Button>
        </>
    };
    html! {
        <section class="section" aria-labelledby="duress">
            <h2 id="duress">{ "Duress" }</h2>
            <div class="card">
                <div class="row apart">
                    <p class="grow">{ "Which codes raise a silent alarm, and when one was raised. Shown to owners only, and only when nobody looks over their shoulder." }</p>
                    if shown.is_some() {
                        <Button icon="eye-off" onclick={hide} testid="duress-hide">{ "Hide" }</Button>
                    } else {
                        <Button icon="eye" onclick={ask} testid="duress-show">{ "Show" }</Button>
                    }
                </div>
                if let Some(log) = &*shown { { told(&home, log) } }
            </div>
            <Dialog open={*asking} title="Are you alone?" onclose={close} {actions}>
                <p>{ "This shows which codes are duress codes. Whoever stands beside you then knows which PIN not to accept." }</p>
                <ErrorNote problem={(*problem).clone()} />
            </Dialog>
        </section>
    }
}

fn told(home: &Home, log: &Log) -> Html {
    let codes: Vec<_> = home
        .grants
        .values()
        .filter(|put| put.grant.kind == GrantKind::Duress && put.revoked.is_none())
        .collect();
    let raised = |event: &&Event| matches!(event.body, EventBody::Duress(..) | EventBody::PanelDuress(_));
    let alarms: Vec<&Event> = log.newest_first().into_iter().filter(raised).collect();
    let name = |event: &Event| {
        let put = event.body.grant().and_then(|id| home.grants.get(&id));
        put.map_or_else(|| "A code".to_owned(), |put| put.grant.label.clone())
    };
    let place = |event: &Event| match event.body {
        EventBody::Duress(lock, _) => home.lock_name(&lock),
        _ => format!("the panel of {}", home.hub_name(&event.hub)),
    };
    html! {
        <div class="stack" data-testid="duress-told">
            <h3>{ "Codes" }</h3>
            if codes.is_empty() { <p class="quiet">{ "No duress code is live." }</p> }
            <ul class="list">
                { for codes.iter().map(|put| {
                    let to = Route::Code { home: home.id.to_string(), grant: put.grant.id.to_string() };
                    html! { <li key={put.grant.id.to_string()}><a href={to.to_path()} data-testid="duress-code" data-label={put.grant.label.clone()}>{ &put.grant.label }</a></li> }
                }) }
            </ul>
            <h3>{ "Silent alarms" }</h3>
            if alarms.is_empty() { <p class="quiet">{ "None was raised." }</p> }
            <ol class="timeline">
                { for alarms.into_iter().map(|event| html! {
                    <li data-testid="duress-alarm">
                        <time>{ short_time(home, event.at) }</time>
                        { badge("alert", "bad") }
                        <p class="what">{ format!("{} opened {}.", name(event), place(event)) }</p>
                    </li>
                }) }
            </ol>
            if log.next.is_some() { <p class="help row tight nowrap">{ icon("clock") }{ "Only the newest part of the log was looked through." }</p> }
        </div>
    }
}

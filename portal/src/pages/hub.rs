//! One hub: its name, what its panel may do, and taking it out of the home.

mod moves;

use self::moves::MoveCodes;
use super::people::{ScopeDraft, ScopeFields};
use crate::components::{Button, Choice, Dialog, ErrorNote, Field, PageHead, icon};
use crate::hooks::use_home;
use crate::js;
use crate::problem::Problem;
use crate::route::Tab;
use crate::state::use_app;
use crate::view_model::moves::{codes_on, doors};
use crate::view_model::people::listed;
use crate::view_model::short_time;
use latchkey_shared::id::HubId;
use latchkey_shared::time::Seconds;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;
use yew_router::prelude::*;

/// Props of [`Hub`] and its parts.
#[derive(Properties, PartialEq)]
pub struct HubProps {
    /// The hub.
    pub id: HubId,
}

/// One hub.
#[component]
pub fn Hub(props: &HubProps) -> Html {
    let ctx = use_home();
    let home = &ctx.home;
    let back = Tab::Doors.route(&home.id).to_path();
    let back = html! { <a class="eyebrow" href={back}>{ icon("back") }{ "Doors" }</a> };
    if !home.chain.hubs().contains_key(&props.id) {
        let gone = html! { <p class="card quiet">{ "This hub is not, or no longer, part of the home." }</p> };
        return html! { <div class="page"><PageHead title="Not there" eyebrow={back} />{ gone }</div> };
    }
    let names: Vec<String> = home
        .reports
        .values()
        .filter(|report| report.hub == props.id)
        .map(|report| report.lock.name.clone())
        .collect();
    let away = home.hub_offline(&props.id);
    let mut parts = vec![
        html! { <Panel key="panel" id={props.id} /> },
        html! { <MoveCodes key="moves" id={props.id} /> },
    ];
    // Whose hub is silent may be looking for how to replace it.
    if away.is_some() {
        parts.swap(0, 1);
    }
    let seen = match away {
        None => "Online".to_owned(),
        Some(Some(at)) => format!("Offline, last seen {}", short_time(home, at)),
        Some(None) => "Not seen yet".to_owned(),
    };
    html! {
        <div class="page">
            <PageHead title={home.hub_name(&props.id)} eyebrow={back} testid="hub-title" />
            <section class="card">
                <dl class="facts">
                    <div><dt>{ "Connection" }</dt><dd>{ seen }</dd></div>
                    <div><dt>{ "Doors" }</dt><dd>{ if names.is_empty() { "None yet".to_owned() } else { listed(&names) } }</dd></div>
                </dl>
            </section>
            if home.is_owner() {
                { for parts }
                <RemoveHub id={props.id} doors={names} />
            }
        </div>
    }
}

/// What was typed about a hub.
#[derive(Clone, PartialEq)]
struct PanelDraft {
    name: String,
    on: bool,
    scope: ScopeDraft,
}

/// Its name, and codes made at its panel.
#[component]
fn Panel(props: &HubProps) -> Html {
    let app = use_app();
    let ctx = use_home();
    let entry = ctx.home.chain.hubs().get(&props.id).cloned();
    let before = entry.as_ref().map(|entry| PanelDraft {
        name: entry.key.name.clone(),
        on: entry.panel.is_some(),
        scope: entry.panel.as_ref().map_or_else(ScopeDraft::guests, ScopeDraft::of),
    });
    let draft = {
        let before = before.clone();
        use_state_eq(move || before)
    };
    let busy = use_state_eq(|| false);
    let problem = use_state_eq(|| None::<Problem>);
    let (Some(value), Some(before)) = ((*draft).clone(), before) else { return Html::default() };
    let changed = value != before;
    let set = |value: PanelDraft| {
        let draft = draft.clone();
        Callback::from(move |()| draft.set(Some(value.clone())))
    };
    let name = {
        let (draft, value) = (draft.clone(), value.clone());
        Callback::from(move |name| draft.set(Some(PanelDraft { name, ..value.clone() })))
    };
    let scope = {
        let (draft, value) = (draft.clone(), value.clone());
        Callback::from(move |scope| draft.set(Some(PanelDraft { scope, ..value.clone() })))
    };
    let onsubmit = {
        let (store, id, value) = (ctx.store.clone(), props.id, value.clone());
        let (busy, problem) = (busy.clone(), problem.clone());
        Callback::from(move |e: SubmitEvent| {
            e.prevent_default();
            let panel = match value.on.then(|| value.scope.scope()).transpose() {
                Ok(panel) if !*busy => panel,
                Ok(_) => return,
                Err(e) => return problem.set(Some(e)),
            };
            let (app, store, name) = (app.clone(), store.clone(), value.name.trim().to_owned());
            let (busy, problem) = (busy.clone(), problem.clone());
            busy.set(true);
            problem.set(None);
            spawn_local(async move {
                let done = store
                    .change(|composer| {
                        let change = composer.change_hub(id, &name, panel.clone());
                        change.map(|change| (change, ())).map_err(|e| Problem::coded(&e))
                    })
                    .await;
                busy.set(false);
                match done {
                    Ok(()) => app.toast("Saved."),
                    Err(e) => problem.set(Some(e)),
                }
            });
        })
    };
    html! {
        <section class="section" aria-labelledby="panel">
            <h2 id="panel">{ "Name and panel" }</h2>
            <form class="form card" {onsubmit}>
                <Field id="hub-name" label="Name" value={value.name.clone()} oninput={name} maxlength={64} testid="hub-name" />
                <Choice kind="checkbox" name="panel" title="Codes can be made at the hub’s panel" checked={value.on} testid="panel-on"
                    sub="After somebody typed an owner’s PIN there, also without the internet. It shows in your log."
                    onchange={set(PanelDraft { on: !value.on, ..value.clone() })} />
                if value.on { <ScopeFields value={value.scope.clone()} onchange={scope} /> }
                <ErrorNote problem={(*problem).clone()} />
                if changed {
                    <p><Button submit={true} class="primary" busy={*busy} testid="hub-save">{ "Save" }</Button></p>
                }
            </form>
        </section>
    }
}

#[derive(Properties, PartialEq)]
struct RemoveHubProps {
    id: HubId,
    doors: Vec<String>,
}

/// Takes the hub out of the home.
#[component]
fn RemoveHub(props: &RemoveHubProps) -> Html {
    let app = use_app();
    let navigator = use_navigator();
    let ctx = use_home();
    let asking = use_state_eq(|| false);
    let busy = use_state_eq(|| false);
    let problem = use_state_eq(|| None::<Problem>);
    let name = ctx.home.hub_name(&props.id);
    let away = ctx.home.hub_offline(&props.id).is_some();
    let show = |open: bool| {
        let asking = asking.clone();
        Callback::from(move |()| asking.set(open))
    };
    let remove = {
        let (store, id, home, name) = (ctx.store.clone(), props.id, ctx.home.id, name.clone());
        let (asking, busy, problem) = (asking.clone(), busy.clone(), problem.clone());
        Callback::from(move |()| {
            let (app, store, navigator, name) = (app.clone(), store.clone(), navigator.clone(), name.clone());
            let (asking, busy, problem) = (asking.clone(), busy.clone(), problem.clone());
            busy.set(true);
            problem.set(None);
            spawn_local(async move {
                let done = store
                    .change(|composer| {
                        let change = composer.remove_hub(id, &mut js::rng());
                        change.map(|removal| (removal.change, ())).map_err(|e| Problem::coded(&e))
                    })
                    .await;
                busy.set(false);
                if let Err(e) = done {
                    return problem.set(Some(e));
                }
                asking.set(false);
                app.toast(format!("{name} no longer belongs to this home."));
                if let Some(navigator) = navigator {
                    navigator.replace(&Tab::Doors.route(&home));
                }
            });
        })
    };
    let grace = ctx.home.chain.policy().offline_grace.0.div_ceil(Seconds::days(1).0);
    let ids: Vec<_> = doors(&ctx.home, &props.id, true).iter().map(|door| door.id).collect();
    let left = match codes_on(&ctx.home, &ids).len() {
        0 => None,
        1 => Some("1 code is for its doors".to_owned()),
        n => Some(format!("{n} codes are for its doors")),
    };
    let left = left.map(|left| {
        format!("{left}. If another hub takes its place, move them first, as “Replacing this hub” says: afterwards each is to be changed by hand.")
    });
    let said = [
        match props.doors.as_slice() {
            [] => "It has no doors, so no code is lost.".to_owned(),
            doors if away => format!("Should it come back, it takes every code off {} and then leaves them alone.", listed(doors)),
            doors => format!("It takes every code off {} and then leaves them alone.", listed(doors)),
        },
        if away {
            format!("It is offline: until it hears of this, codes on its doors go on working, guests’ for at most {grace} days, others without an end. If it will not come back: another hub with the same doors takes them off, where the lock shows PINs. Otherwise clear them at the lock.")
        } else {
            "It is online, so that this happens at once.".to_owned()
        },
        "The home’s key is replaced: it reads no PIN that is chosen from now on. It could read every PIN until now: if it was stolen, change those that People lists.".to_owned(),
        "To bring it back, start it over and pair it again.".to_owned(),
    ];
    let said = left.map(|left| ("alert", left)).into_iter().chain(said.map(|text| ("check", text)));
    let actions = html! {
        <>
            <Button class="ghost" onclick={show(false)}>{ "Keep it" }</Button>
            <Button class="danger solid" busy={*busy} onclick={remove} testid="hub-remove-confirm">{ "Remove" }</Button>
        </>
    };
    html! {
        <section class="section" aria-labelledby="end">
            <h2 id="end">{ "Removing" }</h2>
            <p><Button class="danger" icon="out" onclick={show(true)} testid="hub-remove">{ "Remove this hub" }</Button></p>
            <Dialog open={*asking} title={format!("Remove {name}?")} onclose={show(false)} {actions}>
                <ul class="rules">
                    { for said.map(|(sign, text)| html! { <li>{ icon(sign) }<span>{ text }</span></li> }) }
                </ul>
                <ErrorNote problem={(*problem).clone()} />
            </Dialog>
        </section>
    }
}

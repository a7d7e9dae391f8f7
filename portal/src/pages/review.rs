//! What needs care in a home that has been lived in for a while: each thing with one action that settles it.

use crate::components::{Button, Dialog, ErrorNote, Field, PageHead, badge, icon, skeleton};
use crate::hooks::{HomeStore, use_home};
use crate::problem::Problem;
use crate::route::{Route, Tab};
use crate::state::{Action, App, ToastAction, use_app};
use crate::view_model::Home;
use crate::view_model::care::{Care, FINE_FOR, LATER, Weak, weak_pins};
use crate::view_model::mend::{self, Again};
use latchkey_shared::care::{CareAction, CareItem};
use latchkey_shared::id::{GrantId, KeyId};
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

/// What is asked before something is done.
#[derive(Clone, PartialEq)]
enum Asking {
    Pin(GrantId),
    Revoke(GrantId),
    Holder(GrantId),
    Name(GrantId),
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

#[derive(Properties)]
struct AskProps {
    store: HomeStore,
    home: Rc<Home>,
    asking: Option<Asking>,
    onclose: Callback<()>,
}

impl PartialEq for AskProps {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.home, &other.home) && self.asking == other.asking
    }
}

/// Asks for what an action needs, and does it.
#[component]
fn Ask(props: &AskProps) -> Html {
    let app = use_app();
    let busy = use_state_eq(|| false);
    let problem = use_state_eq(|| None::<Problem>);
    let name = use_state_eq(String::new);
    let holder = use_state_eq(|| None::<KeyId>);
    {
        let (name, holder, problem, home) =
            (name.setter(), holder.setter(), problem.setter(), props.home.clone());
        use_effect_with(props.asking.clone(), move |asking| {
            problem.set(None);
            holder.set(None);
            if let Some(Asking::Name(id)) = asking {
                name.set(label(&home, id));
            }
        });
    }
    let go = {
        let (app, store, home, asking) =
            (app.clone(), props.store.clone(), props.home.clone(), props.asking.clone());
        let (busy, problem, name, holder) = (busy.clone(), problem.clone(), name.clone(), holder.clone());
        let onclose = props.onclose.clone();
        Callback::from(move |()| {
            let Some(asked) = asking.clone() else { return };
            let (app, store, home) = (app.clone(), store.clone(), home.clone());
            let (busy, problem, onclose) = (busy.clone(), problem.clone(), onclose.clone());
            let (name, holder) = ((*name).clone(), *holder);
            busy.set(true);
            problem.set(None);
            spawn_local(async move {
                let done = settle(&app, &store, home, asked, &name, holder).await;
                busy.set(false);
                match done {
                    Ok(()) => onclose.emit(()),
                    Err(e) => problem.set(Some(e)),
                }
            });
        })
    };
    let Some(asked) = props.asking.clone() else {
        return html! { <Dialog open={false} title="" onclose={props.onclose.clone()} /> };
    };
    let (title, verb, tone) = match &asked {
        Asking::Pin(id) => {
            (format!("A new PIN for {}?", label(&props.home, id)), "Change the PIN", "primary")
        }
        Asking::Revoke(id) => (format!("Revoke {}?", label(&props.home, id)), "Revoke", "danger solid"),
        Asking::Holder(id) => (format!("Whose code is {}?", label(&props.home, id)), "Save", "primary"),
        Asking::Name(id) => (format!("Another name for {}", label(&props.home, id)), "Rename", "primary"),
    };
    let actions = html! {
        <>
            <Button class="ghost" onclick={props.onclose.clone()}>{ "Not now" }</Button>
            <Button class={classes!(tone)} busy={*busy} onclick={go} testid="review-confirm"><span>{ verb }</span></Button>
        </>
    };
    html! {
        <Dialog open={true} {title} onclose={props.onclose.clone()} {actions}>
            { match asked {
                Asking::Pin(_) => html! { <p>{ "A new one is made to fit its doors. The old one ends as soon as the locks have the new one; a guest’s link shows it by itself. Tell everybody else who uses the code." }</p> },
                Asking::Revoke(_) => html! { <p>{ "It comes off the doors at once. You can undo this; it then gets a new PIN." }</p> },
                Asking::Holder(_) => whose(&props.home, &holder),
                Asking::Name(id) => new_name(&props.home, id, &name),
            } }
            <ErrorNote problem={(*problem).clone()} />
        </Dialog>
    }
}

fn whose(home: &Home, holder: &UseStateHandle<Option<KeyId>>) -> Html {
    html! {
        <div class="choices" role="radiogroup" aria-label="People">
            { for home.chain.members().iter().map(|(id, member)| {
                let (set, id) = (holder.setter(), *id);
                html! {
                    <crate::components::Choice key={id.to_string()} kind="radio" name="holder" title={member.key.name.clone()} checked={**holder == Some(id)}
                        onchange={Callback::from(move |()| set.set(Some(id)))} testid="review-holder" />
                }
            }) }
        </div>
    }
}

fn new_name(home: &Home, id: GrantId, name: &UseStateHandle<String>) -> Html {
    let setter = name.setter();
    let clash = home.name_like(name, Some(id)).map(|other| format!("Still easily taken for {other}."));
    html! {
        <Field id="new-name" label="Name" value={(**name).clone()} oninput={Callback::from(move |text| setter.set(text))} help={clash} maxlength={64} autofocus={true} testid="review-name" />
    }
}

/// Does what was asked for.
async fn settle(
    app: &App,
    store: &HomeStore,
    home: Rc<Home>,
    asked: Asking,
    name: &str,
    holder: Option<KeyId>,
) -> Result<(), Problem> {
    match asked {
        Asking::Pin(id) => {
            mend::change_pin(store, &home, id).await?;
            app.toast(format!("{} has a new PIN. You see it on its page.", label(&home, &id)));
        }
        Asking::Revoke(id) => {
            store.change(|composer| Ok((mend::revoke(composer, &id)?, ()))).await?;
            offer_undo(app, store.clone(), home, id);
        }
        Asking::Holder(id) => {
            let choose = || Problem::new("care.holder".into(), "Choose a person.".into(), String::new());
            mend::give_to(store, &home, id, holder.ok_or_else(choose)?).await?;
            app.toast("Saved.");
        }
        Asking::Name(id) => {
            mend::rename(store, &home, id, name).await?;
            app.toast("Saved.");
        }
    }
    Ok(())
}

fn offer_undo(app: &App, store: HomeStore, home: Rc<Home>, id: GrantId) {
    let (undo_app, text) = (app.clone(), format!("{} is revoked.", label(&home, &id)));
    let run = Callback::from(move |()| {
        let (app, store, home) = (undo_app.clone(), store.clone(), home.clone());
        spawn_local(async move {
            let old = home.grants.get(&id).map(|put| put.grant.clone());
            let again = match Again::of(&home, old.into_iter().collect()).await {
                Ok(again) => again,
                Err(problem) => return app.toast(problem.text),
            };
            let Some(again) = again.first() else { return app.toast("The code has ended in the meantime.") };
            match store.change(|composer| Ok((again.issue(composer)?, ()))).await {
                Ok(()) => app.toast("Issued again, with a new PIN."),
                Err(problem) => app.toast(problem.text),
            }
        });
    });
    let action = ToastAction { label: "Undo".into(), testid: "revoke-undo".into(), run };
    app.0.dispatch(Action::Toast(text.into(), Some(action)));
}

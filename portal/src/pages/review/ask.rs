//! What an action of the review asks for, and its doing.

use super::label;
use crate::components::{Button, Dialog, ErrorNote, Field};
use crate::hooks::HomeStore;
use crate::problem::Problem;
use crate::state::{Action, App, ToastAction, use_app};
use crate::view_model::Home;
use crate::view_model::mend::{self, Again};
use latchkey_shared::id::{GrantId, KeyId};
use std::rc::Rc;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

/// What is asked before something is done.
#[derive(Clone, PartialEq)]
pub enum Asking {
    /// Another PIN.
    Pin(GrantId),
    /// The end.
    Revoke(GrantId),
    /// Whose it is.
    Holder(GrantId),
    /// Another name.
    Name(GrantId),
}

/// Asks for what an action needs, and does it.
#[derive(Properties)]
pub struct AskProps {
    /// What changes the home.
    pub store: HomeStore,
    /// The home.
    pub home: Rc<Home>,
    /// What is asked about, if anything.
    pub asking: Option<Asking>,
    /// It is done, or put off.
    pub onclose: Callback<()>,
}

impl PartialEq for AskProps {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.home, &other.home) && self.asking == other.asking
    }
}

/// Asks for what an action needs, and does it.
#[component]
pub fn Ask(props: &AskProps) -> Html {
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

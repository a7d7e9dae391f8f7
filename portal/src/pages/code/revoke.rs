//! Revoking a code for good, with a way back: the same code once more, with a new PIN and link.

use super::again;
use crate::components::{Button, Dialog, ErrorNote};
use crate::hooks::{HomeStore, use_home};
use crate::js;
use crate::problem::Problem;
use crate::state::{Action, ToastAction, use_app};
use latchkey_shared::error::Coded;
use latchkey_shared::id::GrantId;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;
use yew_router::prelude::*;

/// What is revoked.
#[derive(Properties, PartialEq)]
pub struct RevokeProps {
    /// What changes the home.
    pub store: HomeStore,
    /// The code.
    pub grant: GrantId,
    /// Its name.
    pub label: String,
    /// Whether it is not over.
    pub live: bool,
    /// Told whether the dialog is there.
    pub open: UseStateSetter<bool>,
}

async fn revoke(store: &HomeStore, grant: GrantId) -> Result<(), Problem> {
    store
        .change(|composer| Ok((composer.revoke(&[grant]).map_err(|e| Problem::coded(&e as &dyn Coded))?, ())))
        .await
}

/// Ends a code at once and for good.
#[component]
pub fn Revoke(props: &RevokeProps) -> Html {
    let app = use_app();
    let home = use_home().home;
    let navigator = use_navigator();
    let asking = use_state_eq(|| false);
    let busy = use_state_eq(|| false);
    let problem = use_state_eq(|| None::<Problem>);
    let ask = {
        let (asking, open) = (asking.clone(), props.open.clone());
        Callback::from(move |()| {
            open.set(true);
            asking.set(true);
        })
    };
    let closed = {
        let (asking, open, live) = (asking.clone(), props.open.clone(), props.live);
        Callback::from(move |()| {
            asking.set(false);
            open.set(false);
            // The button to which the focus went goes too.
            if !live {
                js::focus_heading();
            }
        })
    };
    let cancel = {
        let asking = asking.clone();
        Callback::from(move |()| asking.set(false))
    };
    let confirm = {
        let (store, grant, label) = (props.store.clone(), props.grant, props.label.clone());
        let (asking, busy, problem) = (asking.clone(), busy.clone(), problem.clone());
        Callback::from(move |()| {
            let (app, home, store, navigator, label) =
                (app.clone(), home.clone(), store.clone(), navigator.clone(), label.clone());
            let (asking, busy, problem) = (asking.clone(), busy.clone(), problem.clone());
            busy.set(true);
            problem.set(None);
            spawn_local(async move {
                let done = revoke(&store, grant).await;
                busy.set(false);
                match done {
                    Ok(()) => {
                        asking.set(false);
                        let (undo_app, home) = (app.clone(), home.clone());
                        let run = Callback::from(move |()| {
                            let (app, store) = (undo_app.clone(), store.clone());
                            spawn_local(again(app, store, home.clone(), grant, navigator.clone()));
                        });
                        let action = ToastAction { label: "Undo".into(), testid: "revoke-undo".into(), run };
                        app.0.dispatch(Action::Toast(format!("{label} is revoked.").into(), Some(action)));
                    }
                    Err(e) => problem.set(Some(e)),
                }
            });
        })
    };
    let actions = html! {
        <>
            <Button class="ghost" onclick={cancel}>{ "Keep it" }</Button>
            <Button class="danger solid" busy={*busy} onclick={confirm} testid="code-revoke-confirm">{ "Revoke" }</Button>
        </>
    };
    html! {
        <>
            <Button class="danger block" icon="x" onclick={ask} testid="code-revoke">{ "Revoke this code" }</Button>
            <Dialog open={*asking} title={format!("Revoke {}?", props.label)} onclose={closed} {actions}>
                <p>{ "The hub takes it off the doors at once, and the link stops working, for good. If the hub is offline, the code works until the hub is back, or until the code ends." }</p>
                <ErrorNote problem={(*problem).clone()} />
            </Dialog>
        </>
    }
}

//! Native dialogs.

use super::{Button, ErrorNote, icon};
use crate::api::auth;
use crate::problem::Problem;
use crate::state::use_app;
use wasm_bindgen_futures::spawn_local;
use web_sys::HtmlDialogElement;
use yew::prelude::*;

/// A modal dialog.
#[derive(Properties, PartialEq)]
pub struct DialogProps {
    /// Whether it is open.
    pub open: bool,
    /// Its heading.
    pub title: AttrValue,
    /// It was closed by Escape or its backdrop.
    pub onclose: Callback<()>,
    /// Text above the buttons.
    #[prop_or_default]
    pub children: Children,
    /// The buttons.
    #[prop_or_default]
    pub actions: Html,
}

/// A `<dialog>`: the browser keeps the focus in it and gives it back.
#[component]
pub fn Dialog(props: &DialogProps) -> Html {
    let node = use_node_ref();
    {
        let node = node.clone();
        use_effect_with(props.open, move |open| {
            if let Some(dialog) = node.cast::<HtmlDialogElement>() {
                match (*open, dialog.open()) {
                    (true, false) => drop(dialog.show_modal()),
                    (false, true) => dialog.close(),
                    _ => {}
                }
            }
        });
    }
    let onclose = props.onclose.clone();
    html! {
        <dialog ref={node} aria-label={props.title.clone()} onclose={Callback::from(move |_: Event| onclose.emit(()))}>
            if props.open {
                <div class="dialog-body">
                    <h2>{ &props.title }</h2>
                    { for props.children.iter() }
                    <div class="dialog-actions">{ props.actions.clone() }</div>
                </div>
            }
        </dialog>
    }
}

/// Asks for the passkey again, when the server wants to be sure.
#[component]
pub fn StepUpDialog() -> Html {
    let app = use_app();
    let busy = use_state_eq(|| false);
    let problem = use_state_eq(|| None::<Problem>);
    let waiting = app.0.confirming.clone();
    let onclose = {
        let (waiting, problem) = (waiting.clone(), problem.clone());
        Callback::from(move |()| {
            problem.set(None);
            if let Some(waiting) = &waiting {
                waiting.settle(false);
            }
        })
    };
    let confirm = {
        let (waiting, busy, problem) = (waiting.clone(), busy.clone(), problem.clone());
        Callback::from(move |()| {
            let (waiting, busy, problem) = (waiting.clone(), busy.clone(), problem.clone());
            busy.set(true);
            spawn_local(async move {
                let done = auth::step_up().await;
                busy.set(false);
                match (done, waiting) {
                    (Ok(()), Some(waiting)) => {
                        problem.set(None);
                        waiting.settle(true);
                    }
                    (Ok(()), None) => {}
                    (Err(e), _) => problem.set(Some(e)),
                }
            });
        })
    };
    let actions = html! {
        <>
            <Button class="ghost" onclick={onclose.clone()}>{ "Not now" }</Button>
            <Button class="primary" icon="passkey" busy={*busy} onclick={confirm} testid="stepup-confirm">{ "Confirm with passkey" }</Button>
        </>
    };
    html! {
        <Dialog open={waiting.is_some()} title="Is it you?" {onclose} {actions}>
            <span class="passkey-art">{ icon("passkey") }</span>
            <p>{ "This changes who or what has power over the home, so Latchkey asks for your passkey once more." }</p>
            <ErrorNote problem={(*problem).clone()} />
        </Dialog>
    }
}

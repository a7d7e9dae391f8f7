//! Passing messages, read out by screen readers.

use super::{Button, icon};
use crate::state::{Action, Toast, use_app};
use gloo_timers::callback::Timeout;
use yew::prelude::*;

/// How long a message stays, in ms; twice as long if it offers something, and for as long as somebody is at it.
const STAYS: u32 = 6_000;

/// All passing messages.
#[component]
pub fn Toasts() -> Html {
    let app = use_app();
    html! {
        <div class="toasts no-print" role="status" aria-live="polite">
            { for app.0.toasts.iter().map(|toast| html! { <ToastView key={toast.id} toast={toast.clone()} /> }) }
        </div>
    }
}

#[derive(Properties, PartialEq)]
struct ToastProps {
    toast: Toast,
}

#[component]
fn ToastView(props: &ToastProps) -> Html {
    let app = use_app();
    let toast = props.toast.clone();
    let (hovered, focused) = (use_state_eq(|| false), use_state_eq(|| false));
    {
        let app = app.clone();
        let (id, stays) = (toast.id, if toast.action.is_some() { 2 * STAYS } else { STAYS });
        use_effect_with((id, *hovered || *focused), move |(_, held)| {
            let timeout = (!held).then(|| Timeout::new(stays, move || app.0.dispatch(Action::Dismiss(id))));
            move || drop(timeout)
        });
    }
    let dismiss = {
        let (app, id) = (app.clone(), toast.id);
        Callback::from(move |()| app.0.dispatch(Action::Dismiss(id)))
    };
    let (over, out) = (hovered.setter(), hovered.setter());
    let (focus, blur) = (focused.setter(), focused.setter());
    html! {
        <div class="toast" data-testid="toast"
            onmouseover={move |_| over.set(true)} onmouseout={move |_| out.set(false)}
            onfocusin={move |_| focus.set(true)} onfocusout={move |_| blur.set(false)}>
            <p class="grow">{ &toast.text }</p>
            if let Some(action) = toast.action.clone() {
                <Button class="small" testid={action.testid.clone()} onclick={ {
                    let (dismiss, run) = (dismiss.clone(), action.run.clone());
                    Callback::from(move |()| { run.emit(()); dismiss.emit(()); })
                } }>{ action.label.clone() }</Button>
            }
            <button type="button" class="btn small icon-only" aria-label="Dismiss" onclick={Callback::from(move |_| dismiss.emit(()))}>
                { icon("x") }
            </button>
        </div>
    }
}

//! A link that lets somebody in: copy, share sheet, QR code.

use super::{Button, Dialog, Qr, Text};
use crate::js;
use crate::state::use_app;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

/// A link with a secret in its fragment.
#[derive(Properties, PartialEq)]
pub struct LinkBoxProps {
    /// The link.
    pub url: Text,
    /// What it is, for those who do not see it.
    pub label: AttrValue,
    /// The heading of what is shared.
    pub title: AttrValue,
    /// The line that goes with it.
    pub text: AttrValue,
    /// What whoever has it can do.
    pub warning: AttrValue,
}

/// A link with a secret in its fragment.
#[component]
pub fn LinkBox(props: &LinkBoxProps) -> Html {
    let app = use_app();
    let showing = use_state_eq(|| false);
    let copy = {
        let url = props.url.clone();
        Callback::from(move |()| {
            let (app, url) = (app.clone(), url.clone());
            spawn_local(async move {
                app.toast(match js::copy(&url.0).await {
                    true => "Link copied.",
                    false => "The browser did not allow copying. Select the link and copy it.",
                });
            });
        })
    };
    let share = {
        let (url, title, text) = (props.url.clone(), props.title.clone(), props.text.clone());
        Callback::from(move |()| {
            let (url, title, text) = (url.clone(), title.clone(), text.clone());
            // Whether it was shared is between the person and the share sheet.
            spawn_local(async move {
                let _ = js::share(&title, &text, &url.0).await;
            });
        })
    };
    let show = |open: bool| {
        let showing = showing.clone();
        Callback::from(move |()| showing.set(open))
    };
    html! {
        <div class="stack tight sharing">
            <input class="url" readonly={true} value={props.url.0.as_str().to_owned()} aria-label={props.label.clone()} data-testid="link-url" />
            <div class="row">
                <Button class="primary grow" icon="copy" onclick={copy} testid="link-copy">{ "Copy link" }</Button>
                if js::can_share() { <Button icon="share" onclick={share} testid="link-share">{ "Share" }</Button> }
                <Button icon="qr" onclick={show(true)} testid="link-qr" label="Show QR code">{ "QR" }</Button>
            </div>
            <Dialog open={*showing} title={props.title.clone()} onclose={show(false)}
                actions={html! { <Button class="primary" onclick={show(false)}>{ "Done" }</Button> }}>
                <p class="quiet">{ &props.warning }</p>
                <Qr text={props.url.clone()} label={props.label.clone()} />
            </Dialog>
        </div>
    }
}

//! The guest link: copy, share sheet, QR code.

use crate::components::{Button, Dialog, Qr, Text};
use crate::hooks::use_home;
use crate::js;
use crate::state::use_app;
use latchkey_shared::id::GrantId;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

/// The guest link of a code.
#[derive(Properties, PartialEq)]
pub struct SharingProps {
    /// The code.
    pub grant: GrantId,
}

/// The guest link of a code.
#[component]
pub fn Sharing(props: &SharingProps) -> Html {
    let app = use_app();
    let home = &use_home().home;
    let showing = use_state_eq(|| false);
    let url = {
        let home = home.clone();
        use_memo((home.chain.seq(), props.grant), move |(_, grant)| {
            home.grants.get(grant).and_then(|put| home.link_url(&put.grant)).map(Text)
        })
    };
    let grant = home.grants.get(&props.grant).map(|put| put.grant.clone());
    let (Some(url), Some(grant)) = ((*url).clone(), grant) else {
        return html! { <p class="card quiet">{ "This code has no link that you can share." }</p> };
    };
    let shared = {
        let id = grant.link.as_ref().map(|link| link.id.to_string()).unwrap_or_default();
        move || js::remember(&format!("shared.{id}"), "1")
    };
    let copy = {
        let (app, url, shared) = (app.clone(), url.clone(), shared.clone());
        Callback::from(move |()| {
            let (app, url, shared) = (app.clone(), url.clone(), shared.clone());
            spawn_local(async move {
                if js::copy(&url.0).await {
                    shared();
                    app.toast("Link copied. Send it to your guest only.");
                } else {
                    app.toast("The browser did not allow copying. Select the link and copy it.");
                }
            });
        })
    };
    let share = {
        let (url, shared, title) = (url.clone(), shared.clone(), home.name().to_owned());
        Callback::from(move |()| {
            let (url, shared, title) = (url.clone(), shared.clone(), title.clone());
            spawn_local(async move {
                if js::share(&title, "Your door code:", &url.0).await {
                    shared();
                }
            });
        })
    };
    let show = {
        let showing = showing.clone();
        Callback::from(move |()| {
            shared();
            showing.set(true);
        })
    };
    let close = {
        let showing = showing.clone();
        Callback::from(move |()| showing.set(false))
    };
    html! {
        <section class="card sharing" aria-labelledby="share">
            <h2 id="share">{ "Share with your guest" }</h2>
            <p class="quiet small">{ "They need no account. The link shows the PIN after a tap, where and when it works, and whether it is on the door right now." }</p>
            <input class="url" readonly={true} value={url.0.as_str().to_owned()} aria-label="Guest link" data-testid="link-url" />
            <div class="row">
                <Button class="primary grow" icon="copy" onclick={copy} testid="link-copy">{ "Copy link" }</Button>
                if js::can_share() { <Button icon="share" onclick={share} testid="link-share">{ "Share" }</Button> }
                <Button icon="qr" onclick={show} testid="link-qr" label="Show QR code">{ "QR" }</Button>
            </div>
            <Dialog open={*showing} title={format!("For {}", grant.label)} onclose={close.clone()}
                actions={html! { <Button class="primary" onclick={close}>{ "Done" }</Button> }}>
                <p class="quiet">{ "Let your guest scan this. Whoever scans it can see the PIN." }</p>
                <Qr text={url.clone()} label="QR code of the guest link" />
            </Dialog>
        </section>
    }
}

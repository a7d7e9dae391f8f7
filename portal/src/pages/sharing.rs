//! The guest link: copy, share sheet, QR code.

use crate::api::homes;
use crate::components::{Button, Dialog, ErrorNote, Qr, Text};
use crate::hooks::{HomeCtx, use_home};
use crate::js;
use crate::problem::Problem;
use crate::state::use_app;
use latchkey_shared::compose::{Draft, ForGuest, LinkWish, PinWish};
use latchkey_shared::id::GrantId;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

/// The guest link of a code.
#[derive(Properties, PartialEq)]
pub struct SharingProps {
    /// The code.
    pub grant: GrantId,
    /// Whether the member may make it a link.
    pub may_change: bool,
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
        if props.may_change {
            return html! { <MakeLink grant={props.grant} renew={false} /> };
        }
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
            if props.may_change { <MakeLink grant={props.grant} renew={true} /> }
            <Dialog open={*showing} title={format!("For {}", grant.label)} onclose={close.clone()}
                actions={html! { <Button class="primary" onclick={close}>{ "Done" }</Button> }}>
                <p class="quiet">{ "Let your guest scan this. Whoever scans it can see the PIN." }</p>
                <Qr text={url.clone()} label="QR code of the guest link" />
            </Dialog>
        </section>
    }
}

/// The link of a code, made or replaced: its PIN stays.
#[derive(Properties, PartialEq)]
struct MakeLinkProps {
    grant: GrantId,
    /// Whether it replaces one.
    renew: bool,
}

async fn make_link(ctx: &HomeCtx, id: GrantId, renew: bool) -> Result<(), Problem> {
    let home = &ctx.home;
    let old = home.grants.get(&id).map(|put| put.grant.clone()).ok_or_else(Problem::bug)?;
    let note = match home.composer().open_link(&old) {
        // What cannot be read back is not worth keeping a link that should go.
        Some(secret) => homes::link_note(&secret).await.unwrap_or_default(),
        None => String::new(),
    };
    let doors = old.locks.iter().map(|lock| home.lock_name(lock)).collect();
    let words = ForGuest { doors, note };
    ctx.store
        .change(|composer| {
            let newest = composer.chain.grants().get(&id).map_or(&old, |entry| &entry.grant);
            let wish = if renew { LinkWish::Renew(&words) } else { LinkWish::Show(&words) };
            let made = composer.edit(&id, &Draft::of(newest), PinWish::Keep, wish, &mut js::rng());
            made.map(|made| (made.change, ())).map_err(|e| Problem::coded(&e))
        })
        .await
}

#[component]
fn MakeLink(props: &MakeLinkProps) -> Html {
    let (app, ctx) = (use_app(), use_home());
    let busy = use_state_eq(|| false);
    let problem = use_state_eq(|| None::<Problem>);
    let (id, renew) = (props.grant, props.renew);
    let onclick = {
        let (busy, problem) = (busy.clone(), problem.clone());
        Callback::from(move |()| {
            let (app, ctx, busy, problem) = (app.clone(), ctx.clone(), busy.clone(), problem.clone());
            busy.set(true);
            problem.set(None);
            spawn_local(async move {
                match make_link(&ctx, id, renew).await {
                    Ok(()) => app.toast(if renew {
                        "The old link is dead. Share this one."
                    } else {
                        "It has a link now."
                    }),
                    Err(e) => problem.set(Some(e)),
                }
                busy.set(false);
            });
        })
    };
    if renew {
        return html! {
            <>
                <p class="row apart small quiet">
                    <span>{ "In the wrong hands?" }</span>
                    <Button class="small ghost" icon="refresh" busy={*busy} {onclick} testid="link-renew">{ "Replace the link" }</Button>
                </p>
                <ErrorNote problem={(*problem).clone()} />
            </>
        };
    }
    html! {
        <section class="card" aria-labelledby="share">
            <h2 id="share">{ "Share it" }</h2>
            <p class="quiet small">{ "Without an account, a person can see the PIN and when it works behind a link." }</p>
            <p><Button icon="share" busy={*busy} {onclick} testid="link-make">{ "Make a link" }</Button></p>
            <ErrorNote problem={(*problem).clone()} />
        </section>
    }
}

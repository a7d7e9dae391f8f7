//! Invitations that count: who was asked, who answered.

use super::tend::let_in;
use crate::api::people;
use crate::components::{Button, Dialog, ErrorNote, LinkBox, Text, badge};
use crate::hooks::{HomeStore, use_home};
use crate::js;
use crate::problem::Problem;
use crate::state::use_app;
use crate::view_model::Home;
use crate::view_model::people::role_title;
use crate::view_model::short_time;
use latchkey_shared::api::InviteEntry;
use latchkey_shared::id::InviteId;
use latchkey_shared::invite::InviteSecret;
use std::rc::Rc;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

/// The invitation's secret again, for an owner with the home key of its time.
fn secret(home: &Home, entry: &InviteEntry) -> Option<InviteSecret> {
    let composer = home.composer();
    entry.invite.open(&home.id, composer.home_key(entry.invite.epoch)?).ok()
}

/// How it stands, in a sentence.
fn state(home: &Home, entry: &InviteEntry) -> (String, Option<Problem>) {
    let role = role_title(&entry.invite.role);
    match &entry.acceptance {
        None => {
            (format!("{role} · not answered yet · until {}", short_time(home, entry.invite.expires)), None)
        }
        Some(answer) => {
            let checked = home.composer().check_acceptance(&entry.invite, answer);
            (format!("{role} · {} accepted", answer.key.name), checked.err().map(|e| Problem::coded(&e)))
        }
    }
}

#[derive(Properties, PartialEq)]
struct RowProps {
    entry: Rc<InviteEntry>,
    changed: Callback<()>,
}

/// One invitation.
#[component]
fn Row(props: &RowProps) -> Html {
    let app = use_app();
    let ctx = use_home();
    let busy = use_state_eq(|| false);
    let showing = use_state_eq(|| false);
    let problem = use_state_eq(|| None::<Problem>);
    let entry = &props.entry;
    let (words, forged) = state(&ctx.home, entry);
    let answered = entry.acceptance.is_some();
    let run = |work: fn(HomeStore, Rc<InviteEntry>) -> Work| {
        let (app, store, entry, changed) =
            (app.clone(), ctx.store.clone(), entry.clone(), props.changed.clone());
        let (busy, problem) = (busy.clone(), problem.clone());
        Callback::from(move |()| {
            let (app, changed, busy, problem) = (app.clone(), changed.clone(), busy.clone(), problem.clone());
            let work = work(store.clone(), entry.clone());
            busy.set(true);
            problem.set(None);
            spawn_local(async move {
                let done = work.await;
                busy.set(false);
                match done {
                    Ok(text) => app.toast(text),
                    Err(e) => problem.set(Some(e)),
                }
                changed.emit(());
            });
        })
    };
    let add = run(|store, entry| Box::pin(async move { let_in(&store, &entry, true).await }));
    let withdraw = run(|store, entry| {
        Box::pin(async move {
            let home = store.home().ok_or_else(Problem::network)?;
            people::withdraw(&home.id, &entry.invite.id).await?;
            Ok("The invitation is withdrawn. Its link no longer works.".into())
        })
    });
    let show = |open: bool| {
        let showing = showing.clone();
        Callback::from(move |()| showing.set(open))
    };
    let url = secret(&ctx.home, entry).map(|secret| Text(secret.url(&js::origin())));
    html! {
        <li class="item" data-testid="invite-row" data-name={entry.invite.name.clone()} data-answered={if answered { "true" } else { "false" }}>
            { badge(if answered { "check" } else { "hourglass" }, if forged.is_some() { "bad" } else { "" }) }
            <div class="stack tight">
                <p class="item-title">{ &entry.invite.name }</p>
                <p class="item-sub">{ words }</p>
                <ErrorNote problem={forged.clone().or_else(|| (*problem).clone())} />
                <div class="row tight">
                    if answered && forged.is_none() {
                        <Button class="primary small" icon="check" busy={*busy} onclick={add} testid="invite-add">{ "Let in" }</Button>
                    } else if url.is_some() && !answered {
                        <Button class="small" icon="share" onclick={show(true)} testid="invite-show">{ "Show the link" }</Button>
                    }
                    <Button class="small ghost" icon="x" busy={*busy} onclick={withdraw} testid="invite-withdraw"
                        label={format!("Withdraw the invitation for {}", entry.invite.name)}>{ "Withdraw" }</Button>
                </div>
                if let Some(url) = url {
                    <Dialog open={*showing} title={format!("Invitation for {}", entry.invite.name)} onclose={show(false)}
                        actions={html! { <Button class="ghost" onclick={show(false)}>{ "Done" }</Button> }}>
                        <LinkBox {url} label="Invitation link" title={format!("Invitation for {}", entry.invite.name)}
                            text="Join our home on Latchkey:" warning="Let them scan this. Whoever scans it first can join." />
                    </Dialog>
                }
            </div>
            <span></span>
        </li>
    }
}

type Work = std::pin::Pin<Box<dyn Future<Output = Result<String, Problem>>>>;

/// The invitations that count, for owners.
#[component]
pub fn Pending() -> Html {
    let ctx = use_home();
    let list = use_state_eq(Vec::<Rc<InviteEntry>>::new);
    let problem = use_state_eq(|| None::<Problem>);
    let asked = use_state_eq(|| 0u32);
    {
        let (list, problem, id) = (list.clone(), problem.clone(), ctx.home.id);
        let trigger = (ctx.invites, ctx.events, ctx.home.chain.members().len(), *asked);
        use_effect_with(trigger, move |_| {
            spawn_local(async move {
                match people::invites(&id).await {
                    Ok(found) => {
                        list.set(found.into_iter().map(Rc::new).collect());
                        problem.set(None);
                    }
                    Err(e) => problem.set(Some(e)),
                }
            });
        });
    }
    let changed = {
        let asked = asked.clone();
        Callback::from(move |()| asked.set(*asked + 1))
    };
    if list.is_empty() && problem.is_none() {
        return Html::default();
    }
    let key = |id: &InviteId| id.to_string();
    html! {
        <section class="section" aria-labelledby="pending">
            <h2 id="pending">{ "Invitations" }</h2>
            <ErrorNote problem={(*problem).clone()} />
            if !list.is_empty() {
                <ul class="card flush list">
                    { for list.iter().map(|entry| html! {
                        <Row key={key(&entry.invite.id)} entry={entry.clone()} changed={changed.clone()} />
                    }) }
                </ul>
            }
        </section>
    }
}

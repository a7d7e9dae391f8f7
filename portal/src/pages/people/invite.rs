//! Inviting somebody: a link whose secret only they and this home's owners have.

use super::{RoleDraft, RoleForm};
use crate::api::people;
use crate::components::{Button, ErrorNote, Field, LinkBox, PageHead, Segment, Text, icon};
use crate::hooks::{HomeStore, use_home};
use crate::js;
use crate::problem::Problem;
use crate::route::Route;
use crate::view_model::people::role_words;
use latchkey_shared::time::Seconds;
use std::rc::Rc;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;
use yew_router::prelude::*;

/// How many days an invitation counts, to choose from.
const TERMS: [(u32, &str); 3] = [(1, "1 day"), (7, "7 days"), (30, "30 days")];

/// An invitation that was made.
struct Made {
    name: String,
    url: Text,
    words: String,
    next: &'static str,
}

async fn invite(store: &HomeStore, name: &str, draft: &RoleDraft, days: u32) -> Result<Made, Problem> {
    let home = store.home().ok_or_else(Problem::network)?;
    let role = draft.role()?;
    let words = role_words(&role, |lock| home.known_lock(lock));
    let next = match role.has_home_key() {
        true => "When they accept, Latchkey asks you to let them in: compare the name first.",
        false => {
            "When they accept, your portal lets them in by itself if it is open, or the next time you open it."
        }
    };
    let expires = home.now().saturating_add(Seconds::days(days));
    let composed = home.composer().invite(name, role, expires, &mut js::rng());
    let (invite, secret) = composed.map_err(|e| Problem::coded(&e))?;
    people::invite(&home.id, &invite).await?;
    Ok(Made { name: name.to_owned(), url: Text(secret.url(&js::origin())), words, next })
}

/// Inviting somebody.
#[component]
pub fn Inviting() -> Html {
    let ctx = use_home();
    let name = use_state_eq(String::new);
    let draft = use_state_eq(RoleDraft::new);
    let days = use_state_eq(|| 7u32);
    let busy = use_state_eq(|| false);
    let problem = use_state_eq(|| None::<Problem>);
    let made = use_state(|| None::<Rc<Made>>);
    let back = Route::People { home: ctx.home.id.to_string() }.to_path();
    if !ctx.home.is_owner() {
        return html! { <div class="page"><PageHead title="Invite somebody" lead="Only owners of the home invite people." /></div> };
    }
    if let Some(made) = &*made {
        return html! {
            <div class="page">
                <PageHead title={format!("Invitation for {}", made.name)} testid="invite-made" />
                <div class="card stack">
                    <p>{ "Send this link to them, and to nobody else. It works once." }</p>
                    <LinkBox url={made.url.clone()} label="Invitation link" title={format!("Invitation for {}", made.name)}
                        text="Join our home on Latchkey:" warning="Let them scan this. Whoever scans it first can join." />
                    <p class="quiet small">{ &made.words }</p>
                    <p class="quiet small">{ made.next }</p>
                </div>
                <p><a class="btn" href={back}><span data-testid="invite-done">{ "Done" }</span></a></p>
            </div>
        };
    }
    let onsubmit = {
        let (store, name, draft, days) = (ctx.store.clone(), name.clone(), draft.clone(), days.clone());
        let (busy, problem, made) = (busy.clone(), problem.clone(), made.clone());
        Callback::from(move |e: SubmitEvent| {
            e.prevent_default();
            if *busy {
                return;
            }
            let (store, name, draft, days) = (store.clone(), name.trim().to_owned(), (*draft).clone(), *days);
            let (busy, problem, made) = (busy.clone(), problem.clone(), made.clone());
            if name.is_empty() {
                let text = "Say whom you invite.".into();
                return problem.set(Some(Problem::new("invite.name".into(), text, String::new())));
            }
            busy.set(true);
            problem.set(None);
            spawn_local(async move {
                let done = invite(&store, &name, &draft, days).await;
                busy.set(false);
                match done {
                    Ok(new) => made.set(Some(Rc::new(new))),
                    Err(e) => problem.set(Some(e)),
                }
            });
        })
    };
    let set_name = {
        let name = name.clone();
        Callback::from(move |text| name.set(text))
    };
    let set_draft = {
        let draft = draft.clone();
        Callback::from(move |value| draft.set(value))
    };
    html! {
        <div class="page">
            <PageHead title="Invite somebody" eyebrow={html! { <a class="eyebrow" href={back}>{ icon("back") }{ "People" }</a> }}
                lead="They get a link, make an account of their own, and you decide what they may do." />
            <form class="form card" {onsubmit}>
                <Field id="invite-name" label="Their name" value={(*name).clone()} oninput={set_name} maxlength={64} testid="invite-name"
                    help="So that you recognise the invitation. They choose their own name." />
                <RoleForm value={(*draft).clone()} onchange={set_draft} />
                <fieldset class="field">
                    <legend class="label">{ "The link works for" }</legend>
                    <div class="segmented">
                        { for TERMS.iter().map(|(term, title)| {
                            let set = { let days = days.clone(); Callback::from(move |()| days.set(*term)) };
                            html! { <Segment name="invite-days" title={*title} checked={*days == *term} onchange={set} /> }
                        }) }
                    </div>
                </fieldset>
                <ErrorNote problem={(*problem).clone()} />
                <p><Button submit={true} class="primary" icon="plus" busy={*busy} testid="invite-save">{ "Make the invitation" }</Button></p>
            </form>
        </div>
    }
}

//! What only an owner's open portal can do: let in who answered, and replace a home key that somebody took along.

use crate::api::people;
use crate::hooks::HomeStore;
use crate::js;
use crate::problem::Problem;
use crate::state::{Action, App, ToastAction};
use latchkey_shared::api::InviteEntry;
use latchkey_shared::chain::op::Role;
use latchkey_shared::compose::Composer;
use latchkey_shared::invite::Acceptance;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

/// What is said of somebody who was let in.
fn joined(answer: &Acceptance, role: &Role) -> String {
    format!("{} belongs to the home now, as {}.", answer.key.name, with_article(role))
}

fn with_article(role: &Role) -> &'static str {
    match role {
        Role::Owner => "an owner",
        Role::Manager(manager) if manager.sees_pins => "a manager who sees every PIN",
        Role::Manager(_) => "a manager",
        _ => "a resident",
    }
}

/// Adds who answered an invitation. `ask`: for the passkey, if the server wants it.
pub async fn let_in(store: &HomeStore, entry: &InviteEntry, ask: bool) -> Result<String, Problem> {
    let answer = entry.acceptance.as_ref().ok_or_else(Problem::bug)?;
    let compose = |composer: &Composer<'_>| {
        let change = composer.add_member(&entry.invite, answer, &mut js::rng());
        change.map(|change| (change, ())).map_err(|e| Problem::coded(&e))
    };
    let done = if ask { store.change(compose).await } else { store.change_quietly(compose).await };
    done.map(|()| joined(answer, &entry.invite.role))
}

/// Lets in who answered an invitation of this member whose answer verifies; where the role reads every PIN, or the server
/// wants the passkey first, asks. An answer that does not verify waits on the people page, with the reason.
pub async fn tend(app: App, store: HomeStore) {
    let Some(home) = store.home() else { return };
    if home.chain.epoch().stale && home.composer().home_key(home.chain.epoch().number).is_some() {
        let rotate = |composer: &Composer<'_>| {
            let change = composer.rotate_epoch(&mut js::rng());
            change.map(|change| (change, ())).map_err(|e| Problem::coded(&e))
        };
        if store.change_quietly(rotate).await.is_err_and(|e| e.code == "auth.stepup_required") {
            let again = store.clone();
            let run = Callback::from(move |()| {
                let store = again.clone();
                // If it fails, the next visit asks again.
                spawn_local(async move { drop(store.change(rotate).await) });
            });
            let action = ToastAction { label: "Renew".into(), testid: "renew-key".into(), run };
            let text = "Somebody with the home’s key has left. Renew it before new codes can be made.";
            app.0.dispatch(Action::Toast(text.into(), Some(action)));
        }
    }
    let Ok(list) = people::invites(&home.id).await else { return };
    for entry in list.into_iter().filter(|entry| entry.invite.signer() == Some(home.me)) {
        let Some(answer) = &entry.acceptance else { continue };
        if home.composer().check_acceptance(&entry.invite, answer).is_err() {
            continue;
        }
        // Whoever is to read every PIN is looked at by a person first: a link can end up with somebody else.
        if entry.invite.role.has_home_key() {
            ask(&app, &store, entry.clone());
            continue;
        }
        match let_in(&store, &entry, false).await {
            Ok(text) => app.toast(text),
            Err(e) if e.code == "auth.stepup_required" => ask(&app, &store, entry.clone()),
            // Another window of this member may have been faster.
            Err(_) => {}
        }
    }
}

fn ask(app: &App, store: &HomeStore, entry: InviteEntry) {
    let name = entry.acceptance.as_ref().map(|answer| answer.key.name.clone()).unwrap_or_default();
    let (entry_name, role) = (entry.invite.name.clone(), with_article(&entry.invite.role));
    let run = {
        let (app, store) = (app.clone(), store.clone());
        Callback::from(move |()| {
            let (app, store, entry) = (app.clone(), store.clone(), entry.clone());
            spawn_local(async move {
                match let_in(&store, &entry, true).await {
                    Ok(text) => app.toast(text),
                    Err(e) => app.toast(e.text),
                }
            });
        })
    };
    let action = ToastAction { label: "Let in".into(), testid: "let-in".into(), run };
    app.0.dispatch(Action::Toast(
        format!("{name} accepted the invitation for {entry_name}, to become {role}.").into(),
        Some(action),
    ));
}

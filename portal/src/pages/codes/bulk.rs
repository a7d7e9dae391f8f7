//! Many codes at once: revoke, with a way back; suspend and resume. What went through and what did not is said.

use crate::components::{Button, Dialog, ErrorNote, icon};
use crate::hooks::HomeStore;
use crate::problem::Problem;
use crate::state::{Action, App, ToastAction, use_app};
use crate::view_model::Home;
use crate::view_model::batch::{Outcome, in_portions};
use crate::view_model::mend::{self, Again};
use latchkey_shared::grant::Grant;
use latchkey_shared::id::GrantId;
use std::collections::BTreeSet;
use std::rc::Rc;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

/// What is done to all of them.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Act {
    Revoke,
    Suspend,
    Resume,
}

impl Act {
    /// `3 codes are revoked`.
    fn done(self) -> &'static str {
        match self {
            Self::Revoke => "revoked",
            Self::Suspend => "suspended",
            Self::Resume => "resumed",
        }
    }
}

fn codes(n: usize) -> String {
    format!("{n} code{}", if n == 1 { "" } else { "s" })
}

/// The bar below the list while codes are being selected.
#[derive(Properties, Clone)]
pub struct BulkProps {
    /// What changes the home.
    pub store: HomeStore,
    /// The home.
    pub home: Rc<Home>,
    /// What is selected.
    pub chosen: Rc<BTreeSet<GrantId>>,
    /// What the list shows.
    pub shown: Rc<BTreeSet<GrantId>>,
    /// The selection changed; `None` ends it.
    pub onpicked: Callback<Option<BTreeSet<GrantId>>>,
}

impl PartialEq for BulkProps {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.home, &other.home) && self.chosen == other.chosen && self.shown == other.shown
    }
}

/// What did not go through, and why: (label, problem).
type Failed = Vec<(String, Problem)>;

/// The bar below the list while codes are being selected.
#[component]
pub fn Bulk(props: &BulkProps) -> Html {
    let app = use_app();
    let asking = use_state_eq(|| false);
    let progress = use_state_eq(|| None::<(usize, usize)>);
    let failed = use_state_eq(|| None::<Rc<Failed>>);
    let run = {
        let (app, props_store, home, onpicked) =
            (app.clone(), props.store.clone(), props.home.clone(), props.onpicked.clone());
        let (asking, progress, failed) = (asking.clone(), progress.clone(), failed.clone());
        let grants = live(&props.home, &props.chosen);
        Callback::from(move |act: Act| {
            let (app, store, home, onpicked) =
                (app.clone(), props_store.clone(), home.clone(), onpicked.clone());
            let (asking, progress, failed, grants) =
                (asking.clone(), progress.clone(), failed.clone(), grants.clone());
            failed.set(None);
            progress.set(Some((0, grants.len())));
            spawn_local(async move {
                let outcome = act_on(act, &store, &grants, &progress).await;
                progress.set(None);
                asking.set(false);
                let done: Vec<Grant> =
                    outcome.done.iter().filter_map(|at| grants.get(*at).cloned()).collect();
                told(act, &app, store, home, done);
                let left = left_over(&grants, &outcome);
                // What did not go through stays selected, to be tried again.
                onpicked.emit((!left.is_empty()).then(|| left.iter().map(|(id, ..)| *id).collect()));
                let why: Failed = left.into_iter().map(|(_, label, problem)| (label, problem)).collect();
                failed.set((!why.is_empty()).then(|| Rc::new(why)));
            });
        })
    };
    let ask = {
        let asking = asking.clone();
        Callback::from(move |()| asking.set(true))
    };
    let close = {
        let asking = asking.clone();
        Callback::from(move |()| asking.set(false))
    };
    let all = {
        let (onpicked, shown) = (props.onpicked.clone(), props.shown.clone());
        Callback::from(move |()| onpicked.emit(Some((*shown).clone())))
    };
    let end = props.onpicked.reform(|()| None);
    let count = live(&props.home, &props.chosen).len();
    let busy = progress.is_some();
    let (revoke, suspend, resume) =
        (run.reform(|()| Act::Revoke), run.reform(|()| Act::Suspend), run.reform(|()| Act::Resume));
    let actions = html! {
        <>
            <Button class="ghost" onclick={close.clone()}>{ "Keep them" }</Button>
            <Button class="danger solid" {busy} onclick={revoke} testid="bulk-revoke-confirm"><span>{ format!("Revoke {}", codes(count)) }</span></Button>
        </>
    };
    html! {
        <>
            <div class="bulk-bar" role="region" aria-label="Selected codes">
                { failures(failed.as_deref()) }
                <p class="grow" role="status" data-testid="bulk-count">{ format!("{} selected", codes(count)) }</p>
                { bar(*progress) }
                <div class="row">
                    <Button class="small ghost" onclick={all} testid="bulk-all">{ "All shown" }</Button>
                    <Button class="small" icon="pause" disabled={count == 0} {busy} onclick={suspend} testid="bulk-suspend">{ "Suspend" }</Button>
                    <Button class="small" disabled={count == 0} {busy} onclick={resume} testid="bulk-resume">{ "Resume" }</Button>
                    <Button class="small danger" icon="x" disabled={count == 0} {busy} onclick={ask} testid="bulk-revoke">{ "Revoke" }</Button>
                    <Button class="small primary" onclick={end} testid="bulk-done">{ "Done" }</Button>
                </div>
            </div>
            <Dialog open={*asking} title={format!("Revoke {}?", codes(count))} onclose={close} {actions}>
                <p>{ "They come off the doors at once, and their links stop working. Where the hub is offline they work until it is back, or until they end." }</p>
                { bar(*progress) }
            </Dialog>
        </>
    }
}

/// How far it is.
fn bar(progress: Option<(usize, usize)>) -> Html {
    let Some((done, total)) = progress else { return Html::default() };
    html! {
        <progress max={total.to_string()} value={done.to_string()} aria-label="Progress">{ format!("{done} of {total}") }</progress>
    }
}

fn failures(failed: Option<&Failed>) -> Html {
    let Some(failed) = failed else { return html! { <ErrorNote problem={None::<Problem>} /> } };
    html! {
        <div class="notice bad" role="alert" data-testid="bulk-failed">
            { icon("alert") }
            <div>
                <p class="title">{ format!("{} could not be changed and stay selected.", codes(failed.len())) }</p>
                <ul class="small">
                    { for failed.iter().take(12).map(|(label, problem)| html! {
                        <li data-code={problem.code.clone()}><strong>{ label }</strong>{ format!(": {} {}", problem.text, problem.next) }</li>
                    }) }
                </ul>
                if failed.len() > 12 { <p class="small">{ format!("And {} more.", failed.len() - 12) }</p> }
            </div>
        </div>
    }
}

/// The selected codes that are not revoked.
fn live(home: &Home, chosen: &BTreeSet<GrantId>) -> Rc<Vec<Grant>> {
    let entry = |id: &GrantId| home.chain.grants().get(id).map(|entry| entry.grant.clone());
    Rc::new(chosen.iter().filter_map(entry).collect())
}

async fn act_on(
    act: Act,
    store: &HomeStore,
    grants: &[Grant],
    progress: &UseStateHandle<Option<(usize, usize)>>,
) -> Outcome {
    let (setter, total) = (progress.setter(), grants.len());
    let so_far = Callback::from(move |done| setter.set(Some((done, total))));
    match act {
        Act::Revoke => in_portions(store, grants, |c, grant| mend::revoke(c, &grant.id), &so_far).await,
        Act::Suspend => {
            in_portions(store, grants, |c, grant| mend::suspend(c, &grant.id, true), &so_far).await
        }
        Act::Resume => {
            in_portions(store, grants, |c, grant| mend::suspend(c, &grant.id, false), &so_far).await
        }
    }
}

/// What is left to do: what was refused, but for what is already so, and what was not tried.
fn left_over(grants: &[Grant], outcome: &Outcome) -> Vec<(GrantId, String, Problem)> {
    let already = |problem: &Problem| ["compose.unchanged", "compose.gone"].contains(&problem.code.as_str());
    let refused = outcome.refused.iter().filter(|(_, problem)| !already(problem)).cloned();
    let mut left: Vec<(usize, Problem)> = refused.collect();
    if let Some(stopped) = &outcome.stopped {
        let tried = |at: usize| outcome.done.contains(&at) || outcome.refused.iter().any(|(n, _)| *n == at);
        left.extend((0..grants.len()).filter(|at| !tried(*at)).map(|at| (at, stopped.clone())));
    }
    let named = |(at, problem): (usize, Problem)| {
        grants.get(at).map(|grant| (grant.id, grant.label.clone(), problem))
    };
    left.into_iter().filter_map(named).collect()
}

/// Says what was done, and offers the way back from a revocation.
fn told(act: Act, app: &App, store: HomeStore, home: Rc<Home>, done: Vec<Grant>) {
    if done.is_empty() {
        return;
    }
    let words = format!("{} {}.", codes(done.len()), act.done());
    if act != Act::Revoke {
        return app.toast(words);
    }
    let (undo_app, done) = (app.clone(), Rc::new(done));
    let run = Callback::from(move |()| {
        spawn_local(undo(undo_app.clone(), store.clone(), home.clone(), (*done).clone()));
    });
    let action = ToastAction { label: "Undo".into(), testid: "bulk-undo".into(), run };
    app.0.dispatch(Action::Toast(words.into(), Some(action)));
}

/// Issues revoked codes once more. A revoked code never returns, so each gets a new PIN, and guests a new link.
async fn undo(app: App, store: HomeStore, home: Rc<Home>, old: Vec<Grant>) {
    let again = match Again::of(&home, old).await {
        Ok(again) => again,
        Err(problem) => return app.toast(problem.text),
    };
    let outcome = in_portions(&store, &again, |c, again| again.issue(c), &Callback::noop()).await;
    let first = outcome.refused.first().map(|(_, problem)| problem).or(outcome.stopped.as_ref());
    match first {
        None => app
            .toast(format!("{} issued again, with new PINs. Share the links once more.", codes(again.len()))),
        Some(problem) => app.toast(format!(
            "{} of {} issued again. {}",
            outcome.done.len(),
            codes(again.len()),
            problem.text
        )),
    }
}

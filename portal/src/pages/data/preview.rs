//! What a file would make: shown before anything is made, and what became of it after.

use crate::components::{Button, ErrorNote, icon};
use crate::hooks::use_home;
use crate::problem::Problem;
use crate::view_model::Home;
use crate::view_model::exchange::{Planned, make_planned};
use std::rc::Rc;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

/// Rows that are shown; all of them are made.
const ROWS: usize = 100;

/// What a file would make.
#[derive(Properties)]
pub struct PreviewProps {
    /// The codes.
    pub planned: Rc<Vec<Planned>>,
    /// What cannot be made: (label, why).
    #[prop_or_default]
    pub left: Rc<Vec<(String, String)>>,
    /// It is over, or put off.
    pub onclose: Callback<()>,
}

impl PartialEq for PreviewProps {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.planned, &other.planned) && Rc::ptr_eq(&self.left, &other.left)
    }
}

/// How it went.
#[derive(Clone, PartialEq)]
struct Went {
    made: usize,
    refused: Vec<(String, Problem)>,
    stopped: Option<Problem>,
}

fn codes(n: usize) -> String {
    format!("{n} code{}", if n == 1 { "" } else { "s" })
}

/// What a file would make, and the button that makes it.
#[component]
pub fn Preview(props: &PreviewProps) -> Html {
    let ctx = use_home();
    let progress = use_state_eq(|| None::<usize>);
    let problem = use_state_eq(|| None::<Problem>);
    let result = use_state_eq(|| None::<Went>);
    // What is still to be made; less after a part of it was.
    let open =
        use_state_eq(|| props.planned.iter().filter(|planned| !planned.there).cloned().collect::<Vec<_>>());
    let there = props.planned.iter().filter(|planned| planned.there).count();
    let make = {
        let (store, home) = (ctx.store.clone(), ctx.home.clone());
        let (progress, problem, result, open) =
            (progress.clone(), problem.clone(), result.clone(), open.clone());
        Callback::from(move |()| {
            let (store, home, planned) = (store.clone(), home.clone(), (*open).clone());
            let (progress, problem, result, open) =
                (progress.clone(), problem.clone(), result.clone(), open.clone());
            progress.set(Some(0));
            problem.set(None);
            spawn_local(async move {
                let setter = progress.setter();
                let so_far = Callback::from(move |n| setter.set(Some(n)));
                match make_planned(&store, &home, &planned, &so_far).await {
                    Ok(outcome) => {
                        let label =
                            |at: &usize| planned.get(*at).map(|p| p.draft.label.clone()).unwrap_or_default();
                        result.set(Some(Went {
                            made: outcome.done.len(),
                            refused: outcome.refused.iter().map(|(at, e)| (label(at), e.clone())).collect(),
                            stopped: outcome.stopped.clone(),
                        }));
                        let left = planned.iter().enumerate().filter(|(at, _)| !outcome.done.contains(at));
                        open.set(left.map(|(_, planned)| planned.clone()).collect());
                    }
                    Err(e) => problem.set(Some(e)),
                }
                progress.set(None);
            });
        })
    };
    let total = open.len();
    let verb = if result.is_some() {
        format!("Try {} again", codes(total))
    } else {
        format!("Make {}", codes(total))
    };
    html! {
        <div class="stack" data-testid="preview">
            { result.as_ref().map(outcome).unwrap_or_default() }
            if result.is_none() || total > 0 {
                <p class="item-title" role="status">{ format!("{} to make.", codes(total)) }{ (there > 0).then(|| format!(" {} are in this home already and are left as they are.", codes(there))) }</p>
                { table(&ctx.home, &open) }
            }
            if !props.left.is_empty() && result.is_none() {
                <div class="notice warn" data-testid="preview-left">
                    { icon("alert") }
                    <div>
                        <p class="title">{ format!("{} cannot come back.", codes(props.left.len())) }</p>
                        <ul class="small">{ for props.left.iter().map(|(label, why)| html! { <li><strong>{ label }</strong>{ format!(": {why}") }</li> }) }</ul>
                    </div>
                </div>
            }
            if let Some(done) = *progress {
                <progress max={total.to_string()} value={done.to_string()} aria-label="Progress">{ format!("{done} of {total}") }</progress>
            }
            <ErrorNote problem={(*problem).clone()} />
            <div class="row">
                if total > 0 {
                    <Button class="primary" busy={progress.is_some()} onclick={make} testid="preview-make"><span>{ verb }</span></Button>
                }
                <Button class="ghost" disabled={progress.is_some()} onclick={props.onclose.clone()} testid="preview-close">{ if result.is_some() && total == 0 { html! { "Done" } } else { html! { "Leave it" } } }</Button>
            </div>
        </div>
    }
}

fn table(home: &Home, planned: &[Planned]) -> Html {
    if planned.is_empty() {
        return Html::default();
    }
    html! {
        <div class="scroll" tabindex="0" role="region" aria-label="What will be made">
            <table class="preview">
                <thead><tr><th scope="col">{ "Name" }</th><th scope="col">{ "Kind" }</th><th scope="col">{ "Doors" }</th><th scope="col">{ "When" }</th></tr></thead>
                <tbody>
                    { for planned.iter().take(ROWS).map(|planned| {
                        let doors: Vec<String> = planned.draft.locks.iter().map(|lock| home.lock_name(lock)).collect();
                        html! {
                            <tr data-testid="preview-row" data-label={planned.draft.label.clone()} data-row={planned.row.map(|row| row.to_string())}>
                                <th scope="row">{ &planned.draft.label }</th>
                                <td>{ planned.draft.kind.in_public() }</td>
                                <td>{ doors.join(", ") }</td>
                                <td>{ &planned.when }{ for planned.notes.iter().map(|note| html! { <p class="small warn-text">{ note }</p> }) }</td>
                            </tr>
                        }
                    }) }
                </tbody>
            </table>
            if planned.len() > ROWS { <p class="quiet small">{ format!("And {} more.", planned.len() - ROWS) }</p> }
        </div>
    }
}

fn outcome(result: &Went) -> Html {
    let whole = result.refused.is_empty() && result.stopped.is_none();
    html! {
        <div class={classes!("notice", if whole { "good" } else { "bad" })} role="alert" data-testid="preview-outcome" data-made={result.made.to_string()}>
            { icon(if whole { "check-circle" } else { "alert" }) }
            <div>
                <p class="title">{ format!("{} made.", codes(result.made)) }</p>
                if let Some(stopped) = &result.stopped {
                    <p>{ format!("Then it stopped: {} {} Nothing is made twice if you try again.", stopped.text, stopped.next) }</p>
                }
                if !result.refused.is_empty() {
                    <ul class="small">{ for result.refused.iter().map(|(label, problem)| html! {
                        <li data-code={problem.code.clone()}><strong>{ label }</strong>{ format!(": {} {}", problem.text, problem.next) }</li>
                    }) }</ul>
                }
            </div>
        </div>
    }
}

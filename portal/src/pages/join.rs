//! Answering an invitation.

use crate::api::people;
use crate::app::{JOINING, entrance, unreachable_page};
use crate::components::{Button, ErrorNote, Field, Gate, PageHead, icon, skeleton};
use crate::js;
use crate::problem::Problem;
use crate::route::{Route, Tab};
use crate::state::{Action, App, Auth, Signed, use_app};
use crate::view_model::people::role_words;
use gloo_timers::future::TimeoutFuture;
use latchkey_shared::api::InviteShown;
use latchkey_shared::chain::op::Role;
use latchkey_shared::id::HomeId;
use latchkey_shared::invite::InviteSecret;
use std::cell::Cell;
use std::rc::Rc;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;
use yew_router::prelude::*;

/// Between looks at whether an owner has let one in, in ms: first and longest.
const LOOK_MS: (u32, u32) = (2_000, 15_000);

/// What is known of the invitation.
#[derive(Clone, PartialEq)]
enum Step {
    /// Being asked.
    Opening,
    /// It cannot be answered.
    Refused(Problem),
    /// It can be answered.
    Shown(Rc<InviteShown>),
    /// It was answered; an owner has yet to add the key.
    Waiting(HomeId),
}

/// The home that this browser waits for.
fn waited_for() -> Option<HomeId> {
    js::remembered(JOINING).and_then(|id| HomeId::parse(&id).ok())
}

/// What comes after opening, by whom it was answered.
fn opened(shown: InviteShown, signed: Option<&Signed>) -> Step {
    match (shown.accepted, signed) {
        (Some(key), Some(signed)) if key == signed.keys.id() => Step::Waiting(shown.home),
        (Some(_), Some(_)) => Step::Refused(Problem::of("invite.taken")),
        _ => Step::Shown(Rc::new(shown)),
    }
}

/// Fetches the home as a member for the first time, which lists it in the account.
async fn enter(app: &App, home: &HomeId) -> Result<Route, Problem> {
    let mine = people::mine(home, None).await?;
    js::forget(JOINING);
    js::remember("last_home", &home.to_string());
    js::remember(&format!("name.{home}"), &mine.home_name);
    app.refresh().await?;
    Ok(match mine.role {
        Role::Resident => Route::Mine { home: home.to_string() },
        _ => Tab::Today.route(home),
    })
}

/// Waits until an owner has added the key.
async fn wait(
    app: App,
    home: HomeId,
    secret: Option<Rc<InviteSecret>>,
    open: Rc<Cell<bool>>,
) -> Option<Result<Route, Problem>> {
    let mut pause = LOOK_MS.0;
    while open.get() {
        match &secret {
            Some(secret) => match people::open(secret).await {
                Err(e) if e.code == "invite.used" => return Some(enter(&app, &home).await),
                Err(e) if e.code == "invite.not_found" => {
                    js::forget(JOINING);
                    return Some(Err(e));
                }
                _ => {}
            },
            None => match enter(&app, &home).await {
                Err(e) if e.code == "home.not_found" || e.unanswered() => {}
                done => return Some(done),
            },
        }
        TimeoutFuture::new(pause).await;
        pause = (pause * 3 / 2).min(LOOK_MS.1);
    }
    None
}

/// Answering an invitation.
#[component]
pub fn Join() -> Html {
    let app = use_app();
    let navigator = use_navigator();
    let step = use_state_eq(|| Step::Opening);
    let busy = use_state_eq(|| false);
    let problem = use_state_eq(|| None::<Problem>);
    let secret = app.0.joining.clone();
    let signed = app.signed();
    let me = signed.as_ref().map(|signed| signed.keys.id());
    {
        let (step, secret, signed) = (step.clone(), secret.clone(), signed.clone());
        let id = secret.as_ref().map(|secret| secret.id());
        use_effect_with((id, me), move |_| match (secret, waited_for()) {
            (Some(secret), _) => spawn_local(async move {
                step.set(match people::open(&secret).await {
                    Ok(shown) => opened(shown, signed.as_deref()),
                    Err(e) => Step::Refused(e),
                });
            }),
            (None, Some(home)) if signed.is_some() => step.set(Step::Waiting(home)),
            (None, _) => step.set(Step::Refused(Problem::of("invite.no_link"))),
        });
    }
    {
        let waiting = if let Step::Waiting(home) = *step { Some(home) } else { None };
        let (app, secret, step) = (app.clone(), secret.clone(), step.clone());
        use_effect_with(waiting, move |waiting| {
            let open = Rc::new(Cell::new(true));
            if let Some(home) = *waiting {
                let open = open.clone();
                spawn_local(async move {
                    match (wait(app.clone(), home, secret, open).await, navigator) {
                        (Some(Ok(route)), Some(navigator)) => {
                            navigator.replace(&route);
                            app.0.dispatch(Action::Joining(None));
                        }
                        (Some(Err(e)), _) => step.set(Step::Refused(e)),
                        _ => {}
                    }
                });
            }
            move || open.set(false)
        });
    }
    let accept = {
        let (signed, secret) = (signed.clone(), secret.clone());
        let (step, busy, problem) = (step.clone(), busy.clone(), problem.clone());
        Callback::from(move |()| {
            let (Step::Shown(shown), Some(signed), Some(secret)) =
                ((*step).clone(), signed.clone(), secret.clone())
            else {
                return;
            };
            let (step, busy, problem) = (step.clone(), busy.clone(), problem.clone());
            busy.set(true);
            problem.set(None);
            spawn_local(async move {
                let answer = secret.accept(&shown.home, signed.keys.record(signed.account.name.trim()));
                let done = people::accept(&secret, answer).await;
                busy.set(false);
                match done {
                    Ok(shown) => {
                        js::remember(JOINING, &shown.home.to_string());
                        js::remember(&format!("name.{}", shown.home), &shown.home_name);
                        step.set(Step::Waiting(shown.home));
                    }
                    Err(e) => problem.set(Some(e)),
                }
            });
        })
    };
    if let (Step::Refused(_), Auth::Unreachable(problem)) = (&*step, &app.0.auth) {
        return unreachable_page(&app, problem);
    }
    let content = match &*step {
        Step::Opening => skeleton(),
        _ if matches!(app.0.auth, Auth::Restoring) => skeleton(),
        Step::Refused(problem) => html! { <Refused problem={problem.clone()} /> },
        Step::Waiting(home) => waiting(home),
        Step::Shown(shown) => asked(shown, signed.as_deref(), accept, *busy, (*problem).clone()),
    };
    html! { <Gate>{ content }</Gate> }
}

fn asked(
    shown: &InviteShown,
    signed: Option<&Signed>,
    accept: Callback<()>,
    busy: bool,
    problem: Option<Problem>,
) -> Html {
    let role = match &shown.role {
        Role::Owner => "as an owner",
        Role::Manager(_) => "as a manager",
        _ => "as a resident",
    };
    html! {
        <div class="form">
            <span class="verify-mark">{ icon("home") }</span>
            <PageHead title={format!("{} invites you to {}", shown.by, shown.home_name)} testid="join-title" />
            <section class="card stack tight">
                <p class="item-title">{ format!("For {}, {role}", shown.name) }</p>
                <p class="quiet">{ role_words(&shown.role, |_| None) }</p>
            </section>
            if let Some(signed) = signed {
                <p class="quiet">{ format!("You join as {}, with the account you are signed in to.", signed.account.name) }</p>
                <ErrorNote {problem} />
                <Button class="primary big block" icon="check" {busy} onclick={accept} testid="join-accept">{ "Accept" }</Button>
                <p class="center"><a class="btn ghost" href={Route::Landing.to_path()} data-testid="join-later">{ "Not now" }</a></p>
            } else {
                <p class="quiet">{ "You need an account of your own. It takes a minute and no password." }</p>
                <a class="btn primary big block" href={Route::SignUp.to_path()}><span data-testid="join-signup">{ "Create an account" }</span></a>
                <a class="btn big block" href={Route::SignIn.to_path()}><span data-testid="join-signin">{ "I have an account" }</span></a>
            }
        </div>
    }
}

fn waiting(home: &HomeId) -> Html {
    let name = js::remembered(&format!("name.{home}")).unwrap_or_else(|| "the home".into());
    html! {
        <div class="form center" role="status">
            <span class="verify-mark">{ icon("hourglass") }</span>
            <PageHead title="Accepted" testid="join-waiting" lead={format!("As soon as an owner of {name} is online, you are let in. This page then goes on by itself; you can also close it and come back.")} />
            <p class="center"><span class="spinner" aria-hidden="true"></span></p>
        </div>
    }
}

#[derive(Properties, PartialEq)]
struct RefusedProps {
    problem: Problem,
}

/// The link does not work, or there is none: another can be typed.
#[component]
fn Refused(props: &RefusedProps) -> Html {
    let app = use_app();
    let text = use_state_eq(String::new);
    let problem = use_state_eq(|| None::<Problem>);
    let onsubmit = {
        let (app, text, problem) = (app.clone(), text.clone(), problem.clone());
        Callback::from(move |e: SubmitEvent| {
            e.prevent_default();
            match InviteSecret::parse(text.trim().rsplit('#').next().unwrap_or_default()) {
                Ok(secret) => app.0.dispatch(Action::Joining(Some(Rc::new(secret)))),
                Err(e) => problem.set(Some(Problem::coded(&e))),
            }
        })
    };
    let set = {
        let text = text.clone();
        Callback::from(move |value| text.set(value))
    };
    let shown = (*problem).clone().unwrap_or_else(|| props.problem.clone());
    let onward =
        if app.signed().is_some() && app.0.joining.is_none() { entrance(&app) } else { Route::Landing };
    html! {
        <form class="form" {onsubmit}>
            <PageHead title="Open your invitation" />
            <ErrorNote problem={shown} />
            <Field id="join-link" label="Invitation link" value={(*text).clone()} oninput={set} testid="join-link"
                help="The whole link that you were sent." />
            <Button submit={true} class="primary big block" testid="join-open">{ "Open" }</Button>
            <p class="center"><a class="btn ghost" href={onward.to_path()}>{ "Not now" }</a></p>
        </form>
    }
}

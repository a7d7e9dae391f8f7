//! Signing in: one ceremony signs in and unlocks the keys.

use crate::api::account::{Account, open_with_passphrase};
use crate::app::entrance;
use crate::components::{Button, ErrorNote, Field, Gate, PageHead, icon};
use crate::problem::Problem;
use crate::route::Route;
use crate::state::{Auth, use_app};
use gloo_timers::future::TimeoutFuture;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;
use yew_router::prelude::*;

/// Signing in. Also shown in place of a page that needs it: then that page comes next.
#[component]
pub fn SignIn() -> Html {
    let app = use_app();
    let route = use_route::<Route>();
    let busy = use_state_eq(|| false);
    let problem = use_state_eq(|| None::<Problem>);
    let passphrase = use_state_eq(String::new);
    // Signed in, but the keys are still locked.
    let locked = use_state(|| None::<Account>);
    if matches!(app.0.auth, Auth::In(_)) && matches!(route, None | Some(Route::SignIn)) {
        return html! { <Redirect<Route> to={entrance(&app)} /> };
    }
    let sign_in = {
        let (app, busy, problem, locked) = (app.clone(), busy.clone(), problem.clone(), locked.clone());
        Callback::from(move |()| {
            let (app, busy, problem, locked) = (app.clone(), busy.clone(), problem.clone(), locked.clone());
            busy.set(true);
            problem.set(None);
            spawn_local(async move {
                let done = app.sign_in().await;
                busy.set(false);
                match done {
                    Ok(None) => {}
                    Ok(Some(account)) => locked.set(Some(account)),
                    Err(e) => problem.set(Some(e)),
                }
            });
        })
    };
    let unlock = {
        let (app, busy, problem, passphrase, locked) =
            (app.clone(), busy.clone(), problem.clone(), passphrase.clone(), locked.clone());
        Callback::from(move |e: SubmitEvent| {
            e.prevent_default();
            let Some(account) = (*locked).clone() else { return };
            let (app, busy, problem, passphrase) =
                (app.clone(), busy.clone(), problem.clone(), (*passphrase).clone());
            busy.set(true);
            problem.set(None);
            spawn_local(async move {
                // Lets the spinner show before a second of hard work.
                TimeoutFuture::new(50).await;
                match open_with_passphrase(&account, &passphrase) {
                    Ok(seed) => app.enter(account, seed).await,
                    Err(e) => problem.set(Some(e)),
                }
                busy.set(false);
            });
        })
    };
    let set = {
        let passphrase = passphrase.clone();
        Callback::from(move |text| passphrase.set(text))
    };
    html! {
        <Gate>
            <form class="form" onsubmit={unlock}>
                <span class="passkey-art">{ icon("passkey") }</span>
                if let Some(account) = &*locked {
                    if account.has_passphrase() {
                        <PageHead title="Unlock your keys" lead="You are signed in. This passkey cannot unlock your keys, so your passphrase does." />
                        <Field id="passphrase" label="Passphrase" kind="password" value={(*passphrase).clone()} oninput={set}
                            testid="signin-passphrase" autocomplete="current-password" autofocus={true} />
                    } else {
                        <PageHead title="Unlock your keys" lead="You are signed in, but this passkey cannot unlock your keys." />
                    }
                    <ErrorNote problem={(*problem).clone()} />
                    if account.has_passphrase() {
                        <Button submit={true} class="primary big block" busy={*busy} testid="signin-passphrase-submit">{ "Unlock" }</Button>
                    }
                    <Button class="block" icon="passkey" busy={*busy} onclick={sign_in} testid="signin-other">{ "Try another passkey" }</Button>
                    <a class="btn block" href={Route::Recover.to_path()}>{ "Use your recovery kit" }</a>
                } else {
                    <PageHead title="Welcome back" lead="One touch signs you in and unlocks your codes." />
                    <ErrorNote problem={(*problem).clone()} />
                    <Button class="primary big block" icon="passkey" busy={*busy} onclick={sign_in} testid="signin-submit">{ "Sign in with a passkey" }</Button>
                    <p class="quiet center">
                        { "Lost your devices? " }<a href={Route::Recover.to_path()}>{ "Use your recovery kit" }</a>
                        <br />
                        { "New here? " }<a href={Route::SignUp.to_path()}>{ "Create an account" }</a>
                    </p>
                }
            </form>
        </Gate>
    }
}

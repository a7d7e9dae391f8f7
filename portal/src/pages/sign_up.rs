//! Signing up: a name, a passkey, and a key that only this person has.

use crate::api::auth::{self, NewPasskey};
use crate::app::{Route, entrance};
use crate::components::{Button, ErrorNote, Field, Gate, PageHead, icon};
use crate::js;
use crate::problem::Problem;
use crate::state::{Action, App, Auth, KIT_PENDING, use_app};
use gloo_timers::future::TimeoutFuture;
use latchkey_shared::keys::{Kit, Seed};
use std::rc::Rc;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;
use yew_router::prelude::*;

/// The shortest passphrase that is taken, in characters.
const MIN_PASSPHRASE: usize = 12;

async fn finish(app: &App, new: &NewPasskey, passphrase: Option<&str>) -> Result<(), Problem> {
    let mut rng = js::rng();
    let (seed, kit) = (Seed::generate(&mut rng), Kit::generate(&mut rng));
    let account = auth::finish_sign_up(new, &seed, &kit, passphrase).await?;
    js::remember(KIT_PENDING, &account.account);
    app.0.dispatch(Action::Kit(Some(Rc::new(kit))));
    app.enter(account, seed).await;
    Ok(())
}

/// Signing up.
#[component]
pub fn SignUp() -> Html {
    let app = use_app();
    let name = use_state_eq(String::new);
    let passphrase = use_state_eq(String::new);
    let busy = use_state_eq(|| false);
    let problem = use_state_eq(|| None::<Problem>);
    // A passkey without PRF that waits for a passphrase.
    let made = use_mut_ref(|| None::<Rc<NewPasskey>>);
    let asks = use_state_eq(|| false);
    if matches!(app.0.auth, Auth::In(_)) {
        return html! { <Redirect<Route> to={entrance(&app)} /> };
    }
    let onsubmit = {
        let (app, name, passphrase) = (app.clone(), name.clone(), passphrase.clone());
        let (busy, problem, made, asks) = (busy.clone(), problem.clone(), made.clone(), asks.clone());
        Callback::from(move |e: SubmitEvent| {
            e.prevent_default();
            let (app, name, passphrase) = (app.clone(), name.trim().to_owned(), (*passphrase).clone());
            let (busy, problem, made, asks) = (busy.clone(), problem.clone(), made.clone(), asks.clone());
            if name.is_empty() {
                problem.set(Some(Problem::new(
                    "account.name".into(),
                    "Tell us what to call you.".into(),
                    String::new(),
                )));
                return;
            }
            let waiting = made.borrow().clone();
            if waiting.is_some() && passphrase.chars().count() < MIN_PASSPHRASE {
                let text =
                    format!("Use at least {MIN_PASSPHRASE} characters. Four or five random words are good.");
                problem.set(Some(Problem::new("passphrase.short".into(), text, String::new())));
                return;
            }
            busy.set(true);
            problem.set(None);
            spawn_local(async move {
                let done = match waiting {
                    Some(new) => {
                        // Lets the spinner show before a second of hard work.
                        TimeoutFuture::new(50).await;
                        finish(&app, &new, Some(&passphrase)).await
                    }
                    None => match auth::begin_sign_up(&name).await {
                        Ok(new) if new.has_prf() => finish(&app, &new, None).await,
                        Ok(new) => {
                            *made.borrow_mut() = Some(Rc::new(new));
                            asks.set(true);
                            Ok(())
                        }
                        Err(e) => Err(e),
                    },
                };
                busy.set(false);
                problem.set(done.err());
            });
        })
    };
    let set_name = {
        let name = name.clone();
        Callback::from(move |text| name.set(text))
    };
    let set_passphrase = {
        let passphrase = passphrase.clone();
        Callback::from(move |text| passphrase.set(text))
    };
    html! {
        <Gate>
            <form class="form" {onsubmit}>
                <span class="passkey-art">{ icon("passkey") }</span>
                if *asks {
                    <PageHead title="Add a passphrase" lead="This passkey can sign you in, but cannot unlock your keys. A passphrase does that part." />
                    <Field id="passphrase" label="Passphrase" kind="password" value={(*passphrase).clone()} oninput={set_passphrase}
                        testid="signup-passphrase" autocomplete="new-password" autofocus={true}
                        help="At least 12 characters. It never leaves this browser, so nobody can reset it." />
                    <ErrorNote problem={(*problem).clone()} />
                    <Button submit={true} class="primary big block" busy={*busy} testid="signup-passphrase-submit">{ "Create account" }</Button>
                } else {
                    <PageHead title="Create your account" lead="No password. You sign in with your fingerprint, face or screen lock." />
                    <Field id="name" label="Your name" value={(*name).clone()} oninput={set_name} class="big" maxlength={64}
                        testid="signup-name" autocomplete="name" help="The people you share a home with see it." />
                    <ErrorNote problem={(*problem).clone()} />
                    <Button submit={true} class="primary big block" icon="passkey" busy={*busy} testid="signup-submit">{ "Continue with a passkey" }</Button>
                    <p class="quiet center">
                        { "Already here? " }<a href={Route::SignIn.to_path()}>{ "Sign in" }</a>
                    </p>
                }
            </form>
        </Gate>
    }
}

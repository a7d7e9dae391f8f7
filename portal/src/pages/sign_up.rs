//! Signing up: a name, a passkey, and a key that only this person has.

use crate::api::auth::{self, NewPasskey};
use crate::app::entrance;
use crate::components::{Button, ErrorNote, Field, Gate, NewPassphrase, PageHead, icon};
use crate::js;
use crate::problem::Problem;
use crate::route::Route;
use crate::state::{Action, App, Auth, KIT_PENDING, use_app};
use latchkey_shared::keys::{Kit, Seed};
use std::rc::Rc;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;
use yew_router::prelude::*;

async fn finish(app: &App, new: &NewPasskey, passphrase: Option<&str>) -> Result<(), Problem> {
    let mut rng = js::rng();
    let (seed, kit) = (Seed::generate(&mut rng), Kit::generate(&mut rng));
    let account = auth::finish_sign_up(new, &seed, &kit, passphrase).await?;
    js::remember(KIT_PENDING, &account.kit_mark().unwrap_or_default());
    app.0.dispatch(Action::Kit(Some(Rc::new(kit))));
    app.enter(account, seed).await;
    Ok(())
}

/// Signing up.
#[component]
pub fn SignUp() -> Html {
    let app = use_app();
    let name = use_state_eq(String::new);
    let busy = use_state_eq(|| false);
    let problem = use_state_eq(|| None::<Problem>);
    // A passkey without PRF that waits for a passphrase.
    let made = use_state(|| None::<Rc<NewPasskey>>);
    if matches!(app.0.auth, Auth::In(_)) {
        return html! { <Redirect<Route> to={entrance(&app)} /> };
    }
    let onsubmit = {
        let (app, name, busy, problem, made) =
            (app.clone(), name.clone(), busy.clone(), problem.clone(), made.clone());
        Callback::from(move |e: SubmitEvent| {
            e.prevent_default();
            let (app, name) = (app.clone(), name.trim().to_owned());
            let (busy, problem, made) = (busy.clone(), problem.clone(), made.clone());
            if name.is_empty() {
                problem.set(Some(Problem::new(
                    "account.name".into(),
                    "Tell us what to call you.".into(),
                    String::new(),
                )));
                return;
            }
            busy.set(true);
            problem.set(None);
            spawn_local(async move {
                let done = match auth::begin_sign_up(&name).await {
                    Ok(new) if new.has_prf() => finish(&app, &new, None).await,
                    Ok(new) => {
                        made.set(Some(Rc::new(new)));
                        Ok(())
                    }
                    Err(e) => Err(e),
                };
                busy.set(false);
                problem.set(done.err());
            });
        })
    };
    if let Some(new) = &*made {
        let (app, busy, problem, new) = (app.clone(), busy.clone(), problem.clone(), new.clone());
        let (is_busy, shown) = (*busy, (*problem).clone());
        let onpassphrase = Callback::from(move |passphrase: String| {
            let (app, busy, problem, new) = (app.clone(), busy.clone(), problem.clone(), new.clone());
            busy.set(true);
            problem.set(None);
            spawn_local(async move {
                let done = finish(&app, &new, Some(&passphrase)).await;
                busy.set(false);
                problem.set(done.err());
            });
        });
        return html! {
            <Gate>
                <div class="stack loose">
                    <PageHead title="Add a passphrase" />
                    <NewPassphrase action="Create account" busy={is_busy} problem={shown} {onpassphrase} />
                </div>
            </Gate>
        };
    }
    let set_name = {
        let name = name.clone();
        Callback::from(move |text| name.set(text))
    };
    html! {
        <Gate>
            <form class="form" {onsubmit}>
                <span class="passkey-art">{ icon("passkey") }</span>
                <PageHead title="Create your account" lead="No password. You sign in with your fingerprint, face or screen lock." />
                <Field id="name" label="Your name" value={(*name).clone()} oninput={set_name} class="big" maxlength={64}
                    testid="signup-name" autocomplete="name" help="The people you share a home with see it." />
                <ErrorNote problem={(*problem).clone()} />
                <Button submit={true} class="primary big block" icon="passkey" busy={*busy} testid="signup-submit">{ "Continue with a passkey" }</Button>
                <p class="quiet center">
                    { "Already here? " }<a href={Route::SignIn.to_path()}>{ "Sign in" }</a>
                </p>
            </form>
        </Gate>
    }
}

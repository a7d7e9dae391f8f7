//! Back in with the printed kit.

use crate::api::auth::{self, NewPasskey};
use crate::app::entrance;
use crate::components::{Button, ErrorNote, Field, Gate, NewPassphrase, PageHead, icon};
use crate::problem::Problem;
use crate::route::Route;
use crate::state::{App, Auth, use_app};
use latchkey_shared::keys::{Kit, Seed};
use std::rc::Rc;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;
use yew_router::prelude::*;

/// What the kit opened, and the passkey that was made for it.
struct Opened {
    kit: Kit,
    new: NewPasskey,
    seed: Seed,
}

async fn open(text: &str) -> Result<Opened, Problem> {
    let kit = Kit::parse(text).map_err(|e| Problem::coded(&e))?;
    let (new, seed) = auth::begin_recovery(&kit).await?;
    Ok(Opened { kit, new, seed })
}

async fn finish(app: &App, opened: &Opened, passphrase: Option<&str>) -> Result<(), Problem> {
    let account = auth::finish_recovery(&opened.new, &opened.seed, &opened.kit, passphrase).await?;
    app.enter(account, opened.seed.clone()).await;
    app.toast("You are back. This device has a new passkey.");
    Ok(())
}

/// Back in with the printed kit.
#[component]
pub fn Recover() -> Html {
    let app = use_app();
    let text = use_state_eq(String::new);
    let busy = use_state_eq(|| false);
    let problem = use_state_eq(|| None::<Problem>);
    // With a passkey without PRF, it waits for a passphrase.
    let opened = use_state(|| None::<Rc<Opened>>);
    if matches!(app.0.auth, Auth::In(_)) {
        return html! { <Redirect<Route> to={entrance(&app)} /> };
    }
    let onsubmit = {
        let (app, text, busy, problem, opened) =
            (app.clone(), text.clone(), busy.clone(), problem.clone(), opened.clone());
        Callback::from(move |e: SubmitEvent| {
            e.prevent_default();
            let (app, text, opened) = (app.clone(), (*text).clone(), opened.clone());
            let (busy, problem) = (busy.clone(), problem.clone());
            busy.set(true);
            problem.set(None);
            spawn_local(async move {
                let done = match open(&text).await {
                    Ok(found) if found.new.has_prf() => finish(&app, &found, None).await,
                    Ok(found) => {
                        opened.set(Some(Rc::new(found)));
                        Ok(())
                    }
                    Err(e) => Err(e),
                };
                busy.set(false);
                problem.set(done.err());
            });
        })
    };
    if let Some(found) = &*opened {
        let (app, busy, problem, found) = (app.clone(), busy.clone(), problem.clone(), found.clone());
        let (is_busy, shown) = (*busy, (*problem).clone());
        let onpassphrase = Callback::from(move |passphrase: String| {
            let (app, busy, problem, found) = (app.clone(), busy.clone(), problem.clone(), found.clone());
            busy.set(true);
            problem.set(None);
            spawn_local(async move {
                let done = finish(&app, &found, Some(&passphrase)).await;
                busy.set(false);
                problem.set(done.err());
            });
        });
        return html! {
            <Gate>
                <div class="stack loose">
                    <PageHead title="Add a passphrase" />
                    <NewPassphrase action="Recover your account" busy={is_busy} problem={shown} {onpassphrase} />
                </div>
            </Gate>
        };
    }
    let set = {
        let text = text.clone();
        Callback::from(move |value| text.set(value))
    };
    html! {
        <Gate>
            <form class="form" {onsubmit}>
                <span class="passkey-art">{ icon("kit") }</span>
                <PageHead title="Recover your account" lead="Type the seven groups from your recovery kit. Then this device gets a new passkey." />
                <Field id="kit" label="Recovery kit" value={(*text).clone()} oninput={set} class="code" testid="recover-kit"
                    placeholder="XXXX-XXXX-XXXX-XXXX-XXXX-XXXX-XXXX" maxlength={60} autofocus={true}
                    help="Capitals and dashes do not matter. 0 is read as O, 1 as L, 8 as B." />
                <ErrorNote problem={(*problem).clone()} />
                <Button submit={true} class="primary big block" icon="passkey" busy={*busy} testid="recover-submit">{ "Recover and make a passkey" }</Button>
                <details class="card">
                    <summary>{ "I have neither a passkey nor the kit" }</summary>
                    <div class="stack tight" data-testid="recover-last">
                        <p>{ "First look for a passkey: on another device, or in the account that syncs yours, such as Apple, Google or your password manager. If somebody else is an owner of the home, ask them to invite you again." }</p>
                        <p>{ "Otherwise nobody can open this account any more, Latchkey included: your keys were made in your browser. The home can still be yours. Go to the hub and have it start over there: it takes its codes off the doors and lets itself be paired again, with a new account and a new home." }</p>
                        <p>{ "The guide for running a hub says how: “Start a hub over”." }</p>
                    </div>
                </details>
                <p class="quiet center">{ "Signed in elsewhere? Those sessions end. " }<a href={Route::SignIn.to_path()}>{ "Back to sign in" }</a></p>
            </form>
        </Gate>
    }
}

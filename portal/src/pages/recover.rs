//! Back in with the printed kit.

use crate::api::auth;
use crate::app::{Route, entrance};
use crate::components::{Button, ErrorNote, Field, Gate, PageHead, icon};
use crate::problem::Problem;
use crate::state::{App, Auth, use_app};
use latchkey_shared::keys::Kit;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;
use yew_router::prelude::*;

async fn recover(app: &App, text: &str) -> Result<(), Problem> {
    let kit = Kit::parse(text).map_err(|e| Problem::coded(&e))?;
    let (account, seed) = auth::recover(&kit).await?;
    app.enter(account, seed).await;
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
    if matches!(app.0.auth, Auth::In(_)) {
        return html! { <Redirect<Route> to={entrance(&app)} /> };
    }
    let onsubmit = {
        let (app, text, busy, problem) = (app.clone(), text.clone(), busy.clone(), problem.clone());
        Callback::from(move |e: SubmitEvent| {
            e.prevent_default();
            let (app, text, busy, problem) = (app.clone(), (*text).clone(), busy.clone(), problem.clone());
            busy.set(true);
            problem.set(None);
            spawn_local(async move {
                let done = recover(&app, &text).await;
                busy.set(false);
                problem.set(done.err());
            });
        })
    };
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
                <p class="quiet center">{ "Signed in elsewhere? Those sessions end. " }<a href={Route::SignIn.to_path()}>{ "Back to sign in" }</a></p>
            </form>
        </Gate>
    }
}

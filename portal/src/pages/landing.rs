//! The front door.

use crate::app::{entrance, unreachable_page};
use crate::components::{Gate, PageHead, icon, initial};
use crate::route::Route;
use crate::state::{Auth, use_app};
use yew::prelude::*;
use yew_router::prelude::*;

/// What Latchkey is, and the way in. Whoever is signed in goes straight on.
#[component]
pub fn Landing() -> Html {
    let app = use_app();
    if matches!(app.0.auth, Auth::In(_)) {
        return html! { <Redirect<Route> to={entrance(&app)} /> };
    }
    if let Auth::Unreachable(problem) = &app.0.auth {
        return unreachable_page(&app, problem);
    }
    let aside = html! { <a class="btn ghost" href={Route::SignIn.to_path()}>{ "Sign in" }</a> };
    html! {
        <Gate wide={true} {aside}>
            <div class="hero">
                <div class="hero-text">
                    <PageHead title="Door codes that keep their word." />
                    <p class="lead">
                        { "Make a code for a guest in ten seconds. It starts and ends on time, even when the internet is down, and “on the lock” means the lock itself said so." }
                    </p>
                    <div class="hero-actions">
                        <a class="btn primary big" href={Route::SignUp.to_path()}><span data-testid="go-signup">{ "Get started" }</span></a>
                        <a class="btn big" href={Route::SignIn.to_path()}><span data-testid="go-signin">{ "I have an account" }</span></a>
                    </div>
                </div>
                { specimen() }
            </div>
            <ul class="points">
                { point("shield", "Nobody else can read your codes", "PINs are sealed in your browser. Our servers carry them and cannot open them.") }
                { point("check-circle", "Confirmed, not assumed", "Every state on screen was read back from a lock. What could not be confirmed says so.") }
                { point("offline", "Works without the internet", "The hub in your home starts and ends codes on time by itself.") }
            </ul>
        </Gate>
    }
}

fn point(symbol: &'static str, title: &'static str, text: &'static str) -> Html {
    html! { <li>{ icon(symbol) }<h2>{ title }</h2><p class="quiet">{ text }</p></li> }
}

/// A code as the product shows one.
fn specimen() -> Html {
    html! {
        <div class="specimen" aria-hidden="true">
            <p class="who">{ initial("Maya", "") }<span>{ "Maya and Jonas" }<small>{ "Tonight, until 11:00 tomorrow" }</small></span></p>
            <p class="pin">{ "4826 193" }</p>
            <ul class="doors">
                <li>{ "Front door" }<span>{ icon("check-circle") }{ "On lock, verified 18:02" }</span></li>
                <li>{ "Garden gate" }<span>{ icon("check-circle") }{ "On lock, verified 18:02" }</span></li>
            </ul>
        </div>
    }
}

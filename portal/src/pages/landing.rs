//! The front door.

use crate::app::{Route, entrance};
use crate::components::{Avatar, Gate, Icon, PageHead};
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
    let aside = html! { <Link<Route> classes="btn ghost" to={Route::SignIn}>{ "Sign in" }</Link<Route>> };
    html! {
        <Gate wide={true} {aside}>
            <div class="hero">
                <div class="hero-text">
                    <PageHead title="Door codes that keep their word." />
                    <p class="lead">
                        { "Make a code for a guest in ten seconds. It starts and ends on time, even when the internet is down, and “on the lock” means the lock itself said so." }
                    </p>
                    <div class="hero-actions">
                        <Link<Route> classes="btn primary big" to={Route::SignUp}><span data-testid="go-signup">{ "Get started" }</span></Link<Route>>
                        <Link<Route> classes="btn big" to={Route::SignIn}><span data-testid="go-signin">{ "I have an account" }</span></Link<Route>>
                    </div>
                </div>
                { specimen() }
            </div>
            <ul class="points">
                <Point icon="shield" title="Nobody else can read your codes">
                    { "PINs are sealed in your browser. Our servers carry them and cannot open them." }
                </Point>
                <Point icon="check-circle" title="Confirmed, not assumed">
                    { "Every state on screen was read back from a lock. What could not be confirmed says so." }
                </Point>
                <Point icon="offline" title="Works without the internet">
                    { "The hub in your home starts and ends codes on time by itself." }
                </Point>
            </ul>
        </Gate>
    }
}

#[derive(Properties, PartialEq)]
struct PointProps {
    icon: &'static str,
    title: &'static str,
    children: Children,
}

#[component]
fn Point(props: &PointProps) -> Html {
    html! {
        <li>
            <Icon name={props.icon} />
            <h2>{ props.title }</h2>
            <p class="quiet">{ for props.children.iter() }</p>
        </li>
    }
}

/// A code as the product shows one.
fn specimen() -> Html {
    html! {
        <div class="specimen" aria-hidden="true">
            <p class="who"><Avatar of="Maya" /><span>{ "Maya and Jonas" }<small>{ "Tonight, until 11:00 tomorrow" }</small></span></p>
            <p class="pin">{ "4826 193" }</p>
            <ul class="doors">
                <li>{ "Front door" }<span><Icon name="check-circle" />{ "On lock, verified 18:02" }</span></li>
                <li>{ "Garden gate" }<span><Icon name="check-circle" />{ "On lock, verified 18:02" }</span></li>
            </ul>
        </div>
    }
}

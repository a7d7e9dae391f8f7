//! Programs: the cloud's own issuing, and tokens.

mod issuer;
mod issuing;
mod tokens;

use crate::components::{PageHead, icon};
use crate::hooks::use_home;
use crate::route::Tab;
use issuer::NewIssuer;
use issuing::Issuing;
use tokens::Tokens;
use yew::prelude::*;
use yew_router::prelude::*;

/// Programs that work with this home.
#[component]
pub fn Integrations() -> Html {
    let home = use_home().home;
    let back = Tab::Settings.route(&home.id).to_path();
    html! {
        <div class="page">
            <PageHead title="Programs" eyebrow={html! { <a class="eyebrow" href={back}>{ icon("back") }{ "Settings" }</a> }}
                lead="Let a booking system make codes, or a program of yours read the home." testid="integrations-title" />
            if home.is_owner() {
                <NewIssuer />
                <Issuing />
                <Tokens />
            } else {
                <p class="card quiet">{ "Only owners of the home let programs in." }</p>
            }
        </div>
    }
}

//! Nothing here.

use crate::app::Route;
use crate::components::{Gate, PageHead};
use yew::prelude::*;
use yew_router::prelude::*;

/// Nothing here.
#[component]
pub fn NotFound() -> Html {
    html! {
        <Gate>
            <div class="stack">
                <PageHead title="Nothing here" lead="This address leads nowhere. It may be an old link." />
                <p><Link<Route> classes="btn primary" to={Route::Landing}>{ "Go to the start" }</Link<Route>></p>
            </div>
        </Gate>
    }
}

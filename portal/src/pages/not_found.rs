//! Nothing here.

use crate::components::{Gate, PageHead};
use crate::route::Route;
use yew::prelude::*;
use yew_router::prelude::*;

/// Nothing here.
#[component]
pub fn NotFound() -> Html {
    html! {
        <Gate>
            <div class="stack">
                <PageHead title="Nothing here" lead="This address leads nowhere. It may be an old link." />
                <p><a class="btn primary" href={Route::Landing.to_path()}>{ "Go to the start" }</a></p>
            </div>
        </Gate>
    }
}

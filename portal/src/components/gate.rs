//! The frame of pages outside a home.

use super::{StepUpDialog, Toasts};
use crate::route::Route;
use yew::prelude::*;
use yew_router::prelude::*;

/// The frame of pages outside a home.
#[derive(Properties, PartialEq)]
pub struct GateProps {
    /// Whether the page is wider than a form.
    #[prop_or_default]
    pub wide: bool,
    /// What stands at the right of the header.
    #[prop_or_default]
    pub aside: Html,
    /// The page.
    pub children: Children,
}

/// A calm column below the brand.
#[component]
pub fn Gate(props: &GateProps) -> Html {
    html! {
        <div class="gate">
            <header>
                <a class="brand" href={Route::Landing.to_path()}>
                    <svg aria-hidden="true"><use href="#i-brand" /></svg>{ "Latchkey" }
                </a>
                { props.aside.clone() }
            </header>
            <main class={classes!(props.wide.then_some("wide"))} id="main">{ for props.children.iter() }</main>
            <Toasts />
            <StepUpDialog />
        </div>
    }
}

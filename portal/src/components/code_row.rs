//! A code in a list.

use super::chip::ByPtr;
use super::{Avatar, Icon, LockChip, PhaseChip};
use crate::app::Route;
use crate::view_model::{CodeView, Home, Phase};
use yew::prelude::*;
use yew_router::prelude::*;

/// A code in a list.
#[derive(Properties, PartialEq)]
pub struct CodeRowProps {
    /// The home.
    pub home: ByPtr<Home>,
    /// The code.
    pub code: CodeView,
}

/// The whole row opens the code's page.
#[component]
pub fn CodeRow(props: &CodeRowProps) -> Html {
    let code = &props.code;
    let to = Route::Code { home: props.home.0.id.to_string(), grant: code.id.to_string() };
    let navigator = use_navigator();
    let onclick = {
        let to = to.clone();
        Callback::from(move |e: MouseEvent| {
            // A new tab is the browser's business.
            if let Some(navigator) =
                navigator.as_ref().filter(|_| !e.ctrl_key() && !e.meta_key() && e.button() == 0)
            {
                e.prevent_default();
                navigator.push(&to);
            }
        })
    };
    let tone = (code.phase == Phase::Now).then_some("on");
    let doors: Vec<&str> = code.locks.iter().map(|standing| standing.lock_name.as_str()).collect();
    let shown = code
        .headline()
        .filter(|_| code.phase != Phase::Past || code.locks.iter().any(|s| s.name() == "still_on_lock"));
    html! {
        <li>
            <a class="item" href={to.to_path()} {onclick} data-testid="code-row" data-grant={code.id.to_string()} data-label={code.label.clone()}>
                <Avatar of={code.label.clone()} class={classes!(tone)} />
                <span class="stack tight">
                    <span>
                        <span class="item-title">{ &code.label }</span>
                        <span class="item-sub">{ format!(" · {}", doors.join(", ")) }</span>
                    </span>
                    <span class="chips">
                        <PhaseChip home={props.home.clone()} code={code.clone()} />
                        if let Some(standing) = shown {
                            <LockChip home={props.home.clone()} standing={standing.clone()} named={true} />
                        }
                    </span>
                </span>
                <span class="trail"><Icon name="chevron" /></span>
            </a>
        </li>
    }
}

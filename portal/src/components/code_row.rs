//! A code in a list.

use super::{icon, initial, lock_chip, phase_chip};
use crate::route::Route;
use crate::view_model::{CodeView, Home, Phase};
use yew::prelude::*;
use yew_router::prelude::*;

/// A code in a list. The whole row opens the code's page.
pub fn code_row(home: &Home, code: &CodeView) -> Html {
    let to = Route::Code { home: home.id.to_string(), grant: code.id.to_string() };
    html! {
        <li key={code.id.to_string()}>
            <a class="item" href={to.to_path()} data-testid="code-row" data-grant={code.id.to_string()} data-label={code.label.clone()}>
                { row_content(home, code, Html::default()) }
                <span class="trail">{ icon("chevron") }</span>
            </a>
        </li>
    }
}

/// A code's name, doors and chips, with more chips after them.
pub fn row_content(home: &Home, code: &CodeView, more: Html) -> Html {
    let tone = if code.phase == Phase::Now { "on" } else { "" };
    let doors: Vec<&str> = code.locks.iter().map(|standing| standing.lock_name.as_str()).collect();
    let still_there = || code.locks.iter().any(|standing| standing.name() == "still_on_lock");
    let shown = code.headline().filter(|_| code.phase != Phase::Past || still_there());
    html! {
        <>
            { initial(&code.label, tone) }
            <span class="stack tight">
                <span>
                    <span class="item-title">{ &code.label }</span>
                    <span class="item-sub">{ format!(" · {}", doors.join(", ")) }</span>
                </span>
                <span class="chips">
                    { phase_chip(home, code) }
                    { shown.map(|standing| lock_chip(home, standing, true)) }
                    { more }
                </span>
            </span>
        </>
    }
}

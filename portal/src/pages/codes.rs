//! Every code: what is on, what comes, what was.

use super::today::new_code_link;
use crate::components::{PageHead, badge, code_row, icon};
use crate::hooks::{use_home, use_tick};
use crate::route::Route;
use crate::view_model::{CodeView, Phase};
use yew::prelude::*;
use yew_router::prelude::*;

/// Every code.
#[component]
pub fn Codes() -> Html {
    use_tick(10);
    let ctx = use_home();
    let home = ctx.home;
    let all_past = use_state_eq(|| false);
    let codes = home.codes(home.now());
    let of =
        |phase: Phase| codes.iter().filter(|code| code.phase == phase).cloned().collect::<Vec<CodeView>>();
    let (on, next, past) = (of(Phase::Now), of(Phase::Upcoming), of(Phase::Past));
    let cut = if *all_past { past.len() } else { 8 };
    let list = |title: &'static str, codes: &[CodeView], total: usize| {
        html! {
            <section class="section" aria-label={title}>
                <h2>{ title }<span class="count">{ total }</span></h2>
                <ul class="card flush list">
                    { for codes.iter().map(|code| code_row(&home, code)) }
                </ul>
            </section>
        }
    };
    html! {
        <div class="page">
            <PageHead title="Codes">
                <a class="btn" href={Route::Schedule { home: home.id.to_string() }.to_path()} data-testid="codes-week">{ icon("calendar") }{ "Week" }</a>
                if !home.reports.is_empty() { { new_code_link(&home) } }
            </PageHead>
            if codes.is_empty() {
                <div class="card empty">
                    { badge("key", "on") }
                    <h2>{ "No codes yet" }</h2>
                    if home.reports.is_empty() {
                        <p>{ "Pair a hub first. Then you can make a code for a guest in ten seconds." }</p>
                    } else {
                        <p>{ "Make one for a guest, a cleaner or a neighbour. It ends by itself." }</p>
                    }
                </div>
            }
            if !on.is_empty() { { list("On now", &on, on.len()) } }
            if !next.is_empty() { { list("Coming up", &next, next.len()) } }
            if !past.is_empty() {
                { list("Over", past.get(..cut.min(past.len())).unwrap_or_default(), past.len()) }
                if past.len() > cut {
                    <button type="button" class="btn" onclick={Callback::from(move |_| all_past.set(true))}>{ "Show all" }</button>
                }
            }
        </div>
    }
}

//! What happened to a code: the ops that made and changed it, and what the hubs saw of it, newest first.

use crate::api::homes;
use crate::components::{Button, ErrorNote, badge};
use crate::hooks::use_home;
use crate::problem::Problem;
use crate::view_model::log::Log;
use crate::view_model::ops::grant_changes;
use crate::view_model::{Home, Put, event_sentence, event_tone, short_time};
use latchkey_shared::chain::Body;
use latchkey_shared::grant::Grant;
use latchkey_shared::time::Timestamp;
use std::rc::Rc;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

/// How many pages of the log are looked through at once.
const PAGES: u8 = 3;

/// Which code.
#[derive(Properties)]
pub struct HistoryProps {
    /// The home.
    pub home: Rc<Home>,
    /// The code.
    pub put: Rc<Put>,
}

impl PartialEq for HistoryProps {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.home, &other.home) && Rc::ptr_eq(&self.put, &other.put)
    }
}

struct Line {
    at: Timestamp,
    kind: &'static str,
    icon: &'static str,
    tone: &'static str,
    text: String,
}

/// The ops about a code, oldest first.
fn ops(home: &Home, newest: &Rc<Put>) -> Vec<Line> {
    let id = newest.grant.id;
    let revoked = newest.revoked.map(|place| place.seq);
    let mut lines = Vec::new();
    let mut before: Option<Grant> = None;
    for (signer, op) in home.history() {
        let who = home.key_name(&signer);
        let mut line = |kind, icon, tone, what: &str| {
            lines.push(Line { at: op.iat, kind, icon, tone, text: format!("{who} {what}.") });
        };
        match (&op.body, &before) {
            // Also when its holder or its maker was removed.
            _ if Some(op.seq) == revoked => line("revoked", "x", "warn", "revoked it"),
            (Body::PutGrant(grant), None) if grant.id == id => line("made", "plus", "", "made it"),
            (Body::PutGrant(grant), Some(old)) if grant.id == id => {
                line("changed", "pen", "", &grant_changes(home, old, grant));
            }
            _ => {}
        }
        if let Body::PutGrant(grant) = op.body
            && grant.id == id
        {
            before = Some(grant);
        }
    }
    lines
}

fn lines(home: &Home, put: &Rc<Put>, log: &Log) -> Vec<Line> {
    let about = |event: &&latchkey_shared::event::Event| event.body.grant() == Some(put.grant.id);
    let seen = log.newest_first().into_iter().filter(about).map(|event| {
        let (kind, icon, tone) = event_tone(&event.body);
        Line { at: event.at, kind, icon, tone, text: event_sentence(home, event) }
    });
    // Within the same second an op comes before what followed from it.
    let mut lines: Vec<Line> = seen.chain(ops(home, put).into_iter().rev()).collect();
    lines.sort_by_key(|line| core::cmp::Reverse(line.at));
    lines
}

async fn fetch(home: &Home, put: &Put, log: &mut Log) -> Result<(), Problem> {
    for _ in 0..PAGES {
        let page = homes::events(&home.id, log.next).await?;
        log.take(home, &page.events);
        log.next = page.next;
        // Before it was made there is nothing about it.
        let oldest = log.newest_first().last().map(|event| event.at);
        if log.next.is_none() || (put.grant.rev == 1 && oldest.is_some_and(|oldest| oldest < put.put.at)) {
            log.next = None;
            break;
        }
    }
    Ok(())
}

/// What happened to a code.
#[component]
pub fn History(props: &HistoryProps) -> Html {
    let events = use_home().events;
    let log = use_state(|| Rc::new(Log::default()));
    let problem = use_state_eq(|| None::<Problem>);
    let busy = use_state_eq(|| false);
    let load = {
        let (home, put) = (props.home.clone(), props.put.clone());
        let (log, problem, busy) = (log.clone(), problem.clone(), busy.clone());
        Callback::from(move |older: bool| {
            let (home, put, log, problem, busy) =
                (home.clone(), put.clone(), log.clone(), problem.clone(), busy.clone());
            busy.set(true);
            spawn_local(async move {
                let mut known = if older { (**log).clone() } else { Log::default() };
                problem.set(fetch(&home, &put, &mut known).await.err());
                log.set(Rc::new(known));
                busy.set(false);
            });
        })
    };
    {
        let load = load.clone();
        use_effect_with(events, move |_| load.emit(false));
    }
    let lines = lines(&props.home, &props.put, &log);
    html! {
        <section class="section" aria-labelledby="history">
            <h2 id="history">{ "What happened" }</h2>
            <ErrorNote problem={(*problem).clone()} />
            <ol class="card flush timeline">
                { for lines.into_iter().map(|line| html! {
                    <li data-testid="history-row" data-kind={line.kind}>
                        <time>{ short_time(&props.home, line.at) }</time>
                        { badge(line.icon, line.tone) }
                        <p class="what">{ line.text }</p>
                    </li>
                }) }
            </ol>
            if log.next.is_some() {
                <p><Button busy={*busy} onclick={load.reform(|()| true)} testid="history-more">{ "Earlier" }</Button></p>
            }
        </section>
    }
}

//! The end of a membership: what happens is said before.

use super::{PersonProps, afterwards};
use crate::api::people;
use crate::components::{Button, Choice, Dialog, ErrorNote, Field, icon};
use crate::hooks::use_home;
use crate::js;
use crate::problem::Problem;
use crate::route::Route;
use crate::state::use_app;
use crate::view_model::Home;
use crate::view_model::people::listed;
use latchkey_shared::chain::op::Role;
use latchkey_shared::chain::{Body, Member};
use latchkey_shared::compose::{Composer, Removal};
use latchkey_shared::exchange::typed::{Edge, parse_instant};
use latchkey_shared::id::KeyId;
use latchkey_shared::time::Timestamp;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;
use yew_router::prelude::*;

/// The first op that may have been signed at `from` or later. The clock of the person whose codes are to end is not
/// asked, only that of everybody else: so it is rather too early than too late, and what ends is said by name.
fn seq_since(home: &Home, whose: KeyId, from: Timestamp) -> u64 {
    let others = home.history().filter(|(kid, _)| *kid != whose);
    others.take_while(|(_, op)| op.iat < from).last().map_or(0, |(_, op)| op.seq + 1)
}

/// What happens if they go, said before.
fn consequences(home: &Home, member: &Member, removal: &Removal, me: bool) -> Vec<String> {
    let ends = removal.change.bodies.iter().filter_map(|body| match body {
        Body::RevokeGrant(id) => home.chain.grants().get(id).map(|entry| entry.grant.label.clone()),
        _ => None,
    });
    let ends: Vec<String> = ends.collect();
    let mut said = Vec::new();
    said.push(match ends.as_slice() {
        [] if me => "No code is yours.".into(),
        [] => "No code is theirs.".into(),
        [one] => format!("Their code “{one}” ends at once."),
        many => format!("Their codes end at once: {}.", listed(many)),
    });
    if member.role.has_home_key() {
        said.push(if me {
            "Another owner’s portal replaces the home’s key; until then no new code can be made.".into()
        } else {
            "The home’s key is replaced: they read no PIN that is chosen from now on.".into()
        });
    }
    if !me {
        said.extend(afterwards(removal));
    }
    let id = member.key.id();
    if home.chain.grants().values().any(|e| e.signer == id && e.grant.holder != Some(id)) {
        said.push(
            if me { "Codes that you made go on." } else { "Codes that they made for others go on." }.into(),
        );
    }
    said
}

/// The end of a membership.
#[component]
pub fn Remove(props: &PersonProps) -> Html {
    let app = use_app();
    let navigator = use_navigator();
    let ctx = use_home();
    let home = ctx.home.clone();
    let asking = use_state_eq(|| false);
    let distrusted = use_state_eq(|| None::<String>);
    let busy = use_state_eq(|| false);
    let problem = use_state_eq(|| None::<Problem>);
    let me = props.id == home.me;
    let Some(member) = home.chain.members().get(&props.id).cloned() else { return Html::default() };
    let owners = home.chain.members().values().filter(|other| other.role == Role::Owner).count();
    if member.role == Role::Owner && owners == 1 {
        return html! {
            <p class="notice" data-testid="last-owner">{ icon("shield") }<span>{ "The last owner cannot leave: a home without an owner could never be changed again. Make somebody else an owner first." }</span></p>
        };
    }
    let since = match (*distrusted).as_deref() {
        None => Ok(None),
        Some(text) => parse_instant(text, &*home.zone, Edge::Start).map(Some),
    };
    let seq = match since {
        Ok(from) => from.map(|from| seq_since(&home, props.id, from)),
        Err(_) => None,
    };
    let removal = home.composer().remove_member(props.id, seq, &mut js::rng());
    let ends = seq.map(|seq| {
        let theirs = home.chain.grants().values().filter(|e| e.signer == props.id && e.seq >= seq);
        let names: Vec<String> = theirs.map(|e| e.grant.label.clone()).collect();
        if names.is_empty() { "No code ends.".to_owned() } else { format!("These end: {}.", listed(&names)) }
    });
    let show = |open: bool| {
        let (asking, problem) = (asking.clone(), problem.clone());
        Callback::from(move |()| {
            problem.set(None);
            asking.set(open);
        })
    };
    let remove = {
        let (store, id, home, name) = (ctx.store.clone(), props.id, home.clone(), member.key.name.clone());
        let (asking, busy, problem, bad) = (asking.clone(), busy.clone(), problem.clone(), since.is_err());
        Callback::from(move |()| {
            if bad {
                let text = "Choose the day and the time from which on their codes are to end.".into();
                return problem.set(Some(Problem::new("time.malformed".into(), text, String::new())));
            }
            let (app, store, home, name) = (app.clone(), store.clone(), home.clone(), name.clone());
            let (asking, busy, problem, navigator) =
                (asking.clone(), busy.clone(), problem.clone(), navigator.clone());
            busy.set(true);
            problem.set(None);
            spawn_local(async move {
                let compose = |composer: &Composer<'_>| {
                    let removal = composer.remove_member(id, seq, &mut js::rng());
                    removal.map(|removal| (removal.change, ())).map_err(|e| Problem::coded(&e))
                };
                let done = store.change(compose).await;
                busy.set(false);
                if let Err(e) = done {
                    return problem.set(Some(e));
                }
                asking.set(false);
                let to = if me {
                    // It is over for this account: the list can be cleared later too.
                    let _ = people::unlist(&home.id).await;
                    let _ = app.refresh().await;
                    app.toast(format!("You have left {}.", home.name()));
                    Route::Landing
                } else {
                    app.toast(format!("{name} no longer belongs to this home."));
                    Route::People { home: home.id.to_string() }
                };
                if let Some(navigator) = navigator {
                    navigator.replace(&to);
                }
            });
        })
    };
    let toggle = {
        let distrusted = distrusted.clone();
        Callback::from(move |()| {
            distrusted.set(if distrusted.is_some() { None } else { Some(String::new()) })
        })
    };
    let set = {
        let distrusted = distrusted.clone();
        Callback::from(move |text| distrusted.set(Some(text)))
    };
    let title = if me { format!("Leave {}?", home.name()) } else { format!("Remove {}?", member.key.name) };
    let actions = html! {
        <>
            <Button class="ghost" onclick={show(false)}><span>{ if me { "Stay" } else { "Keep them" } }</span></Button>
            <Button class="danger solid" busy={*busy} onclick={remove} testid="person-remove-confirm"><span>{ if me { "Leave" } else { "Remove" } }</span></Button>
        </>
    };
    html! {
        <section class="section" aria-labelledby="end">
            <h2 id="end">{ if me { "Leaving" } else { "Removing" } }</h2>
            <p><Button class="danger" icon="out" onclick={show(true)} testid="person-remove"><span>{ if me { "Leave this home" } else { "Remove from this home" } }</span></Button></p>
            <Dialog open={*asking} {title} onclose={show(false)} {actions}>
                if let Ok(removal) = &removal {
                    <ul class="rules" data-testid="remove-consequences" data-seen={removal.seen.len().to_string()}>
                        { for consequences(&home, &member, removal, me).into_iter().map(|text| html! { <li>{ icon("check") }<span>{ text }</span></li> }) }
                    </ul>
                }
                if !me && !matches!(member.role, Role::Resident) {
                    <Choice kind="checkbox" name="distrust" title="End codes they made since…" sub="If their device or their judgement was in doubt."
                        checked={distrusted.is_some()} onchange={toggle} testid="distrust" />
                    if let Some(text) = &*distrusted {
                        <Field id="distrust-since" kind="datetime-local" label="Since" value={text.clone()} oninput={set} testid="distrust-since"
                            help={ends} />
                    }
                }
                <ErrorNote problem={(*problem).clone().or_else(|| removal.as_ref().err().map(|e| Problem::coded(e)))} />
            </Dialog>
        </section>
    }
}

//! One person: what they may do, their codes, and the end of it.

use super::{RoleDraft, RoleForm};
use crate::api::people;
use crate::components::{Button, Choice, Dialog, ErrorNote, Field, PageHead, badge, icon, initial};
use crate::hooks::use_home;
use crate::js;
use crate::problem::Problem;
use crate::route::Route;
use crate::state::use_app;
use crate::view_model::people::{Comings, listed, role_title, role_words};
use crate::view_model::{Home, short_time};
use latchkey_shared::chain::op::Role;
use latchkey_shared::chain::{Body, Member};
use latchkey_shared::compose::{Composer, Removal};
use latchkey_shared::exchange::typed::{Edge, parse_instant};
use latchkey_shared::id::KeyId;
use latchkey_shared::time::Timestamp;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;
use yew_router::prelude::*;

/// Props of [`Person`].
#[derive(Properties, PartialEq)]
pub struct PersonProps {
    /// The member.
    pub id: KeyId,
}

fn codes(home: &Home, id: &KeyId) -> Html {
    let theirs: Vec<_> = home.chain.grants().values().filter(|e| e.grant.holder == Some(*id)).collect();
    if theirs.is_empty() {
        return html! { <p class="card quiet">{ "No code is theirs. When you make a family code, say whose it is: they then see it here." }</p> };
    }
    html! {
        <ul class="card flush list">
            { for theirs.into_iter().map(|entry| {
                let to = Route::Code { home: home.id.to_string(), grant: entry.grant.id.to_string() };
                html! {
                    <li key={entry.grant.id.to_string()}>
                        <a class="item" href={to.to_path()} data-testid="person-code">
                            { badge("key", "") }
                            <div><p class="item-title">{ &entry.grant.label }</p></div>
                            <span class="trail">{ icon("chevron") }</span>
                        </a>
                    </li>
                }
            }) }
        </ul>
    }
}

/// One person.
#[component]
pub fn Person(props: &PersonProps) -> Html {
    let ctx = use_home();
    let home = ctx.home.clone();
    let comings = {
        let home = home.clone();
        use_memo(home.chain.seq(), move |_| Comings::of(&home))
    };
    let back = Route::People { home: home.id.to_string() }.to_path();
    let back = html! { <a class="eyebrow" href={back}>{ icon("back") }{ "People" }</a> };
    let Some(member) = home.chain.members().get(&props.id).cloned() else {
        let left = html! { <p class="card quiet">{ "They are not, or no longer, part of this home." }</p> };
        return html! { <div class="page"><PageHead title="Not there" eyebrow={back} />{ left }</div> };
    };
    let since = comings.since.get(&props.id).map(|at| short_time(&home, *at));
    let me = props.id == home.me;
    html! {
        <div class="page">
            <PageHead title={member.key.name.clone()} eyebrow={back} testid="person-title" />
            <section class="card">
                <div class="row nowrap">
                    { initial(&member.key.name, if me { "on" } else { "" }) }
                    <div>
                        <p class="item-title" data-testid="person-role" data-role={member.role.as_str()}>{ role_title(&member.role) }{ me.then_some(" (you)") }</p>
                        <p class="item-sub">{ role_words(&member.role, |lock| home.known_lock(lock)) }</p>
                        if let Some(since) = since { <p class="item-sub num">{ format!("Since {since}") }</p> }
                    </div>
                </div>
            </section>
            <section class="section" aria-labelledby="codes">
                <h2 id="codes">{ if me { "Your codes" } else { "Their codes" } }</h2>
                { codes(&home, &props.id) }
            </section>
            if home.is_owner() {
                if !me { <ChangeRole id={props.id} /> }
                <Remove id={props.id} />
            } else if me {
                <p class="quiet">{ "To leave this home, ask an owner to remove you." }</p>
            }
        </div>
    }
}

#[derive(Properties, PartialEq)]
struct OneProps {
    id: KeyId,
}

/// What a removal, of a member or of what they may do, leaves to do, in a sentence.
fn afterwards(removal: &Removal) -> Option<String> {
    match removal.seen.len() {
        0 => None,
        1 => Some("One PIN that they have seen stays on the doors. You can change it afterwards, on the People page.".into()),
        n => Some(format!("{n} PINs that they have seen stay on the doors. You can change them afterwards, on the People page.")),
    }
}

/// Another role.
#[component]
fn ChangeRole(props: &OneProps) -> Html {
    let app = use_app();
    let ctx = use_home();
    let open = use_state_eq(|| false);
    let member = ctx.home.chain.members().get(&props.id).cloned();
    let draft = {
        let role = member.as_ref().map(|member| member.role.clone());
        use_state_eq(move || role.as_ref().map_or_else(RoleDraft::new, RoleDraft::of))
    };
    let busy = use_state_eq(|| false);
    let problem = use_state_eq(|| None::<Problem>);
    let Some(member) = member else { return Html::default() };
    let toggle = {
        let (open, draft, role) = (open.clone(), draft.clone(), member.role.clone());
        Callback::from(move |()| {
            draft.set(RoleDraft::of(&role));
            open.set(!*open);
        })
    };
    let change = |composer: &Composer<'_>, id: KeyId, role: Role| {
        composer.change_role(id, role, &mut js::rng()).map_err(|e| Problem::coded(&e))
    };
    let preview = draft.role().ok().and_then(|role| change(&ctx.home.composer(), props.id, role).ok());
    let onsubmit = {
        let (store, id, draft) = (ctx.store.clone(), props.id, draft.clone());
        let (open, busy, problem, name) =
            (open.clone(), busy.clone(), problem.clone(), member.key.name.clone());
        Callback::from(move |e: SubmitEvent| {
            e.prevent_default();
            let role = match draft.role() {
                Ok(role) if !*busy => role,
                Ok(_) => return,
                Err(e) => return problem.set(Some(e)),
            };
            let (app, store, name) = (app.clone(), store.clone(), name.clone());
            let (open, busy, problem) = (open.clone(), busy.clone(), problem.clone());
            busy.set(true);
            problem.set(None);
            spawn_local(async move {
                let title = role_title(&role).to_lowercase();
                let done =
                    store.change(|c| change(c, id, role.clone()).map(|removal| (removal.change, ()))).await;
                busy.set(false);
                match done {
                    Ok(()) => {
                        open.set(false);
                        app.toast(format!(
                            "{name} is {} {title} now.",
                            if title == "owner" { "an" } else { "a" }
                        ));
                    }
                    Err(e) => problem.set(Some(e)),
                }
            });
        })
    };
    let set = {
        let draft = draft.clone();
        Callback::from(move |value| draft.set(value))
    };
    html! {
        <section class="section" aria-labelledby="role">
            <h2 id="role">{ "What they may do" }</h2>
            if *open {
                <form class="form card" {onsubmit}>
                    <RoleForm value={(*draft).clone()} onchange={set} />
                    if let Some(text) = preview.as_ref().and_then(afterwards) {
                        <p class="notice warn">{ icon("key") }<span>{ "They lose sight of the home’s PINs, and the home’s key is replaced. " }{ text }</span></p>
                    }
                    <ErrorNote problem={(*problem).clone()} />
                    <div class="row">
                        <Button submit={true} class="primary" busy={*busy} testid="role-save">{ "Save" }</Button>
                        <Button class="ghost" onclick={toggle}>{ "Keep it as it is" }</Button>
                    </div>
                </form>
            } else {
                <p><Button icon="pen" onclick={toggle} testid="role-change">{ "Change the role" }</Button></p>
            }
        </section>
    }
}

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
fn Remove(props: &OneProps) -> Html {
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

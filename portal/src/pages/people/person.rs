//! One person: what they may do, their codes, and the end of it.

mod change_role;
mod remove;

use crate::components::{PageHead, badge, icon, initial};
use crate::hooks::use_home;
use crate::route::Route;
use crate::view_model::people::{Comings, role_title, role_words};
use crate::view_model::{Home, short_time};
use change_role::ChangeRole;
use latchkey_shared::compose::Removal;
use latchkey_shared::id::KeyId;
use remove::Remove;
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

/// What a removal, of a member or of what they may do, leaves to do, in a sentence.
fn afterwards(removal: &Removal) -> Option<String> {
    match removal.seen.len() {
        0 => None,
        1 => Some("One PIN that they have seen stays on the doors. You can change it afterwards, on the People page.".into()),
        n => Some(format!("{n} PINs that they have seen stay on the doors. You can change them afterwards, on the People page.")),
    }
}

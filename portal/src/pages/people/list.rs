//! Who belongs to the home, as what, since when.

use super::known::KnownPins;
use super::pending::Pending;
use crate::components::{PageHead, icon, initial};
use crate::hooks::use_home;
use crate::route::{Route, Tab};
use crate::view_model::people::{Comings, role_title, role_words};
use crate::view_model::{Home, short_time};
use latchkey_shared::chain::Member;
use latchkey_shared::chain::op::Role;
use latchkey_shared::id::KeyId;
use latchkey_shared::time::Timestamp;
use yew::prelude::*;
use yew_router::prelude::*;

/// How many live codes are theirs, in words.
fn codes_words(home: &Home, id: &KeyId, now: Timestamp) -> Option<String> {
    let live = |end: Option<Timestamp>| end.is_none_or(|end| end > now);
    let theirs = home.chain.grants().values().filter(|e| e.grant.holder == Some(*id) && live(e.grant.end()));
    match theirs.count() {
        0 => None,
        1 => Some("one code".into()),
        n => Some(format!("{n} codes")),
    }
}

fn row(home: &Home, id: &KeyId, member: &Member, since: Option<&Timestamp>) -> Html {
    let to = Route::Person { home: home.id.to_string(), key: id.to_string() };
    let mut about = vec![role_title(&member.role).to_owned()];
    about.extend(codes_words(home, id, home.now()));
    about.extend(since.map(|at| format!("since {}", short_time(home, *at))));
    let role = member.role.as_str();
    html! {
        <li key={id.to_string()}>
            <a class="item" href={to.to_path()} data-testid="person-row" data-key={id.to_string()} data-role={role} data-name={member.key.name.clone()}>
                { initial(&member.key.name, if *id == home.me { "on" } else { "" }) }
                <div>
                    <p class="item-title">{ &member.key.name }{ (*id == home.me).then_some(" (you)") }</p>
                    <p class="item-sub">{ about.join(" · ") }</p>
                    if matches!(member.role, Role::Manager(_)) {
                        <p class="item-sub">{ role_words(&member.role, |lock| home.known_lock(lock)) }</p>
                    }
                </div>
                <span class="trail">{ icon("chevron") }</span>
            </a>
        </li>
    }
}

/// Who belongs to the home.
#[component]
pub fn People() -> Html {
    let ctx = use_home();
    let home = ctx.home.clone();
    let comings = {
        let home = home.clone();
        use_memo(home.chain.seq(), move |_| Comings::of(&home))
    };
    let owner = home.is_owner();
    let invite = Route::Invite { home: home.id.to_string() }.to_path();
    let settings = Tab::Settings.route(&home.id).to_path();
    let people = home.chain.members().iter().filter(|(_, member)| !matches!(member.role, Role::Issuer(_)));
    html! {
        <div class="page">
            <PageHead title="People" testid="people-title" eyebrow={html! { <a class="eyebrow" href={settings}>{ icon("back") }{ "Settings" }</a> }}>
                if owner {
                    <a class="btn primary" href={invite}>{ icon("plus") }<span data-testid="invite-new">{ "Invite somebody" }</span></a>
                }
            </PageHead>
            <ul class="card flush list">
                { for people.map(|(id, member)| row(&home, id, member, comings.since.get(id))) }
            </ul>
            if owner {
                <KnownPins comings={(*comings).clone()} />
                <Pending />
            }
        </div>
    }
}

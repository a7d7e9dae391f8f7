//! Settings: the home, its people, passkeys, the recovery kit.

use super::kit::new_kit;
use crate::api::account::Passkey;
use crate::api::auth::{self, NewPasskey};
use crate::components::{Button, Dialog, ErrorNote, Field, NewPassphrase, PageHead, badge, icon, initial};
use crate::hooks::use_home;
use crate::js;
use crate::problem::Problem;
use crate::route::Route;
use crate::state::{Action, App, KIT_CONFIRMED, KIT_PENDING, use_app};
use crate::view_model::people::listed;
use crate::view_model::since_words;
use latchkey_shared::chain::Body;
use latchkey_shared::chain::op::Role;
use latchkey_shared::time::Timestamp;
use latchkey_shared::zone::ZoneName;
use latchkey_shared::zone_intl::IntlZone;
use std::rc::Rc;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;
use yew_router::prelude::*;

/// Settings.
#[component]
pub fn Settings() -> Html {
    let app = use_app();
    let sign_out = {
        let app = app.clone();
        Callback::from(move |()| {
            let app = app.clone();
            spawn_local(async move { app.sign_out().await });
        })
    };
    let name = app.signed().map(|signed| signed.account.name.clone()).unwrap_or_default();
    html! {
        <div class="page">
            <PageHead title="Settings" />
            <HomeSettings />
            <super::home_rules::HomeRules />
            <super::duress::Duress />
            <People />
            <Passkeys />
            <Recovery />
            <Files />
            <section class="section" aria-labelledby="you">
                <h2 id="you">{ "You" }</h2>
                <div class="card">
                    <div class="row apart">
                        <div class="row nowrap">{ initial(&name, "on") }<p class="item-title">{ name }</p></div>
                        <Button icon="out" onclick={sign_out} testid="sign-out">{ "Sign out" }</Button>
                    </div>
                    <p class="help">{ "Signing out also removes your keys from this browser." }</p>
                </div>
            </section>
        </div>
    }
}

/// Name, zone and house number of the home.
#[component]
fn HomeSettings() -> Html {
    let app = use_app();
    let ctx = use_home();
    let policy = ctx.home.chain.policy().clone();
    let name = use_state_eq(|| policy.name.clone());
    let zone = use_state_eq(|| policy.zone.to_string());
    let number = use_state_eq(|| policy.pin.house_number.clone().unwrap_or_default());
    let busy = use_state_eq(|| false);
    let problem = use_state_eq(|| None::<Problem>);
    let zones = use_memo((), |()| js::all_zones());
    let number_before = policy.pin.house_number.clone().unwrap_or_default();
    let changed = *name != policy.name || *zone != policy.zone.as_str() || *number != number_before;
    let onsubmit = {
        let (store, policy) = (ctx.store.clone(), policy.clone());
        let (name, zone, number) = (name.clone(), zone.clone(), number.clone());
        let (busy, problem) = (busy.clone(), problem.clone());
        Callback::from(move |e: SubmitEvent| {
            e.prevent_default();
            let mut policy = policy.clone();
            policy.name = name.trim().to_owned();
            policy.pin.house_number = Some(number.trim().to_owned()).filter(|n| !n.is_empty());
            let zone = ZoneName::parse(zone.trim()).and_then(|zone| IntlZone::new(&zone).map(|_| zone));
            match zone {
                Ok(zone) => policy.zone = zone,
                Err(e) => {
                    return problem.set(Some(Problem::new(e.code().into(), e.hint().into(), String::new())));
                }
            }
            if let Err(e) = policy.validate() {
                return problem.set(Some(Problem::coded(&e)));
            }
            let (app, store, busy, problem) = (app.clone(), store.clone(), busy.clone(), problem.clone());
            busy.set(true);
            problem.set(None);
            spawn_local(async move {
                let done = store.submit(Body::SetPolicy(policy), Vec::new()).await;
                busy.set(false);
                match done {
                    Ok(()) => app.toast("Saved."),
                    Err(e) => problem.set(Some(e)),
                }
            });
        })
    };
    let set = |state: &UseStateHandle<String>| {
        let state = state.clone();
        Callback::from(move |text| state.set(text))
    };
    html! {
        <section class="section" aria-labelledby="home">
            <h2 id="home">{ "This home" }</h2>
            <form class="card" {onsubmit}>
                <div class="two">
                    <Field id="home-name" label="Name" value={(*name).clone()} oninput={set(&name)} maxlength={64} testid="settings-name" />
                    <Field id="home-zone" label="Time zone" value={(*zone).clone()} oninput={set(&zone)} list="zones" maxlength={64} testid="settings-zone" />
                    <Field id="home-number" label="House number" value={(*number).clone()} oninput={set(&number)} optional={true} maxlength={16} testid="settings-number" />
                </div>
                <datalist id="zones">{ for zones.iter().map(|zone| html! { <option value={zone.clone()} /> }) }</datalist>
                if *zone != policy.zone.as_str() {
                    <p class="notice warn">{ icon("clock") }<span>{ "Weekly hours of existing codes will follow the new zone." }</span></p>
                }
                <ErrorNote problem={(*problem).clone()} />
                if changed {
                    <p><Button submit={true} class="primary" busy={*busy} testid="settings-save">{ "Save" }</Button></p>
                }
            </form>
        </section>
    }
}

/// The way to the people of this home.
#[component]
fn People() -> Html {
    let home = use_home().home;
    let names = home.chain.members().values().filter(|member| !matches!(member.role, Role::Issuer(_)));
    let names: Vec<String> = names.map(|member| member.key.name.clone()).collect();
    let to = Route::People { home: home.id.to_string() }.to_path();
    let programs = Route::Integrations { home: home.id.to_string() }.to_path();
    html! {
        <section class="section" aria-labelledby="people">
            <h2 id="people">{ "People" }</h2>
            <div class="card flush">
                <a class="item" href={to} data-testid="settings-people">
                    { badge("people", "on") }
                    <div><p class="item-title">{ "Who belongs to this home" }</p><p class="item-sub">{ listed(&names) }</p></div>
                    <span class="trail">{ icon("chevron") }</span>
                </a>
                <a class="item" href={programs} data-testid="settings-programs">
                    { badge("sparkle", "") }
                    <div><p class="item-title">{ "Programs" }</p><p class="item-sub">{ "Booking systems, tokens, codes made by the server" }</p></div>
                    <span class="trail">{ icon("chevron") }</span>
                </a>
            </div>
        </section>
    }
}

/// Something that needs the passkey, with its progress and its problem.
fn run<F>(app: App, busy: UseStateHandle<bool>, problem: UseStateHandle<Option<Problem>>, work: F)
where
    F: Future<Output = Result<(), Problem>> + 'static,
{
    busy.set(true);
    problem.set(None);
    spawn_local(async move {
        let done = work.await;
        busy.set(false);
        match done {
            Err(e) if e.signed_out() => app.0.dispatch(Action::SignedOut),
            done => problem.set(done.err()),
        }
    });
}

async fn finish_passkey(app: &App, new: &NewPasskey, passphrase: Option<&str>) -> Result<(), Problem> {
    let signed = app.signed().ok_or_else(|| Problem::of("auth.no_session"))?;
    let account = auth::finish_passkey(new, &signed.seed, passphrase).await?;
    app.update(account, signed.seed.clone());
    app.toast("This device’s passkey was added.");
    Ok(())
}

/// The account's passkeys.
#[component]
pub fn Passkeys() -> Html {
    let app = use_app();
    let busy = use_state_eq(|| false);
    let problem = use_state_eq(|| None::<Problem>);
    let removing = use_state_eq(|| None::<(String, String)>);
    // A passkey without PRF that waits for a passphrase.
    let made = use_state(|| None::<Rc<NewPasskey>>);
    let Some(signed) = app.signed() else { return Html::default() };
    let add = {
        let (app, busy, problem, made) = (app.clone(), busy.clone(), problem.clone(), made.clone());
        Callback::from(move |()| {
            let (work_app, made) = (app.clone(), made.clone());
            run(app.clone(), busy.clone(), problem.clone(), async move {
                let new = work_app.with_step_up(auth::begin_passkey).await?;
                if new.has_prf() || auth::account().await?.has_passphrase() {
                    return finish_passkey(&work_app, &new, None).await;
                }
                made.set(Some(Rc::new(new)));
                Ok(())
            });
        })
    };
    let with_passphrase = {
        let (app, busy, problem, made) = (app.clone(), busy.clone(), problem.clone(), made.clone());
        Callback::from(move |passphrase: String| {
            let Some(new) = (*made).clone() else { return };
            let (work_app, made) = (app.clone(), made.clone());
            run(app.clone(), busy.clone(), problem.clone(), async move {
                finish_passkey(&work_app, &new, Some(&passphrase)).await?;
                made.set(None);
                Ok(())
            });
        })
    };
    let forget_made = {
        let made = made.clone();
        Callback::from(move |()| made.set(None))
    };
    let close = {
        let removing = removing.clone();
        Callback::from(move |()| removing.set(None))
    };
    let remove = {
        let (app, busy, problem, signed, removing) =
            (app.clone(), busy.clone(), problem.clone(), signed.clone(), removing.clone());
        Callback::from(move |()| {
            let Some((id, _)) = (*removing).clone() else { return };
            let (app, signed) = (app.clone(), signed.clone());
            removing.set(None);
            run(app.clone(), busy.clone(), problem.clone(), async move {
                let account = app.with_step_up(|| auth::remove_passkey(&id)).await?;
                app.update(account, signed.seed.clone());
                app.toast("The passkey is gone. Remove it from your device’s settings too.");
                Ok(())
            });
        })
    };
    let only = signed.account.passkeys.len() < 2;
    let row = |passkey: &Passkey| {
        let (removing, name, id) = (removing.clone(), passkey.name.clone(), passkey.id.clone());
        let ask = Callback::from(move |()| removing.set(Some((id.clone(), name.clone()))));
        let used = passkey.last_used.unwrap_or(passkey.created);
        let synced = if passkey.backed_up { "Synced" } else { "On one device" };
        html! {
            <li class="item" key={passkey.id.clone()} data-testid="passkey-row" data-name={passkey.name.clone()}>
                { badge("passkey", "on") }
                <div>
                    <p class="item-title">{ &passkey.name }</p>
                    <p class="item-sub">{ format!("{synced} · used {}", since_words(Timestamp(used), js::now())) }</p>
                </div>
                if !only { <Button class="icon-only ghost" icon="trash" label={format!("Remove {}", passkey.name)} onclick={ask} testid="passkey-remove" /> }
            </li>
        }
    };
    let asked = (*removing).clone();
    let actions = html! {
        <>
            <Button class="ghost" onclick={close.clone()}>{ "Keep it" }</Button>
            <Button class="danger solid" onclick={remove} testid="passkey-remove-confirm">{ "Remove" }</Button>
        </>
    };
    html! {
        <section class="section" aria-labelledby="passkeys">
            <h2 id="passkeys">{ "Passkeys" }</h2>
            <ul class="card flush list">{ for signed.account.passkeys.iter().map(row) }</ul>
            <ErrorNote problem={(*problem).clone()} />
            <p><Button icon="plus" busy={*busy} onclick={add} testid="passkey-add">{ "Add a passkey" }</Button></p>
            <Dialog open={made.is_some()} title="Add a passphrase" onclose={forget_made.clone()}
                actions={html! { <Button class="ghost" onclick={forget_made}>{ "Not now" }</Button> }}>
                <NewPassphrase action="Add the passkey" busy={*busy} problem={(*problem).clone()} onpassphrase={with_passphrase} />
            </Dialog>
            <Dialog open={asked.is_some()} title="Remove this passkey?" onclose={close} {actions}>
                <p>{ format!("“{}” will no longer sign you in.", asked.map(|(_, name)| name).unwrap_or_default()) }</p>
            </Dialog>
        </section>
    }
}

/// The way to files.
#[component]
fn Files() -> Html {
    let home = use_home().home;
    let to = Route::Data { home: home.id.to_string() };
    html! {
        <section class="section" aria-labelledby="data">
            <h2 id="data">{ "Data" }</h2>
            <ul class="card flush list">
                <li><a class="item" href={to.to_path()} data-testid="settings-data">
                    { badge("out", "on") }
                    <span><span class="item-title">{ "Import, export, backup" }</span><br /><span class="item-sub">{ "Codes as a table, an encrypted backup, the signed archive." }</span></span>
                    <span class="trail">{ icon("chevron") }</span>
                </a></li>
            </ul>
        </section>
    }
}

/// The recovery kit.
#[component]
pub fn Recovery() -> Html {
    let app = use_app();
    let navigator = use_navigator();
    let busy = use_state_eq(|| false);
    let problem = use_state_eq(|| None::<Problem>);
    let Some(signed) = app.signed() else { return Html::default() };
    let confirmed = signed.account.kit_is(KIT_CONFIRMED);
    let hint = if confirmed { "" } else { " If you do not have it on paper, make a new one." };
    let renew = {
        let (app, busy, problem) = (app.clone(), busy.clone(), problem.clone());
        Callback::from(move |()| {
            let (app, signed, navigator) = (app.clone(), signed.clone(), navigator.clone());
            run(app.clone(), busy.clone(), problem.clone(), async move {
                let kit = Rc::new(new_kit());
                let account = app.with_step_up(|| auth::replace_kit(&signed.seed, &kit)).await?;
                js::remember(KIT_PENDING, &account.kit_mark().unwrap_or_default());
                app.update(account, signed.seed.clone());
                app.0.dispatch(Action::Kit(Some(kit)));
                if let Some(navigator) = navigator {
                    navigator.push(&Route::Kit);
                }
                Ok(())
            });
        })
    };
    html! {
        <section class="section" aria-labelledby="kit">
            <h2 id="kit">{ "Recovery kit" }</h2>
            <div class="card">
                <div class="row nowrap">
                    { badge("kit", if confirmed { "on" } else { "brass" }) }
                    <div>
                        <p class="item-title">{ if confirmed { "On paper" } else { "Not confirmed on this device" } }</p>
                        <p class="item-sub">{ "The way back in if you lose every device. A new kit replaces the old one at once." }{ hint }</p>
                    </div>
                </div>
                <ErrorNote problem={(*problem).clone()} />
                <p><Button icon="refresh" busy={*busy} onclick={renew} testid="kit-renew">{ "Make a new kit" }</Button></p>
            </div>
        </section>
    }
}

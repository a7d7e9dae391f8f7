//! The recovery kit: shown once, printed, and checked to be on paper.

use crate::app::{JOINING, entrance};
use crate::components::{Button, ErrorNote, Field, Gate, PageHead, Text, icon};
use crate::js;
use crate::problem::Problem;
use crate::route::Route;
use crate::state::{Action, KIT_CONFIRMED, KIT_PENDING, use_app};
use latchkey_shared::keys::Kit;
use rand_core::Rng;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;
use yew_router::prelude::*;
use zeroize::Zeroizing;

/// The printed kit.
#[component]
pub fn KitPage() -> Html {
    let app = use_app();
    let checking = use_state_eq(|| false);
    let Some(kit) = app.0.kit.clone() else {
        return html! { <Redirect<Route> to={entrance(&app)} /> };
    };
    let name = app.signed().map(|signed| signed.account.name.clone()).unwrap_or_default();
    let text = Text(kit.to_text());
    if *checking {
        let back = {
            let checking = checking.clone();
            Callback::from(move |()| checking.set(false))
        };
        return html! { <Gate><Check {text} {back} /></Gate> };
    }
    let on = {
        let checking = checking.clone();
        Callback::from(move |()| checking.set(true))
    };
    html! { <Gate><Show kit={text} {name} {on} /></Gate> }
}

#[derive(Properties, PartialEq)]
struct ShowProps {
    kit: Text,
    name: String,
    on: Callback<()>,
}

#[component]
fn Show(props: &ShowProps) -> Html {
    let app = use_app();
    let copy = {
        let (app, kit) = (app.clone(), props.kit.clone());
        Callback::from(move |()| {
            let (app, kit) = (app.clone(), kit.clone());
            spawn_local(async move {
                let done = js::copy(&kit.0).await;
                app.toast(if done {
                    "Copied. Put it somewhere safe, then clear the clipboard."
                } else {
                    "The browser did not allow copying. Write it down instead."
                });
            });
        })
    };
    html! {
        <div class="stack loose">
            <div class="no-print">
                <PageHead title="Your recovery kit" lead="The only way back in if you lose every device. Print it or write it down, and keep it with your passport." />
            </div>
            <div class="kit">
                <p class="row tight">{ icon("kit") }<strong>{ "Latchkey recovery kit" }</strong></p>
                <p class="kit-text" data-testid="kit-text" data-kit={props.kit.0.as_str().to_owned()} translate="no">
                    { for props.kit.0.split('-').map(|group| html! { <span>{ group }</span> }) }
                </p>
                <p class="small quiet">{ format!("For {} at {}", props.name, js::origin()) }</p>
                <p class="print-only">{ "To use it, open the address above, choose “Recover”, and type the seven groups. Whoever has this paper can open your homes: keep it like a key." }</p>
            </div>
            <div class="row no-print">
                <Button icon="printer" testid="kit-print" onclick={Callback::from(|()| js::print())}>{ "Print" }</Button>
                <Button icon="copy" testid="kit-copy" onclick={copy}>{ "Copy" }</Button>
            </div>
            <div class="notice no-print">
                { icon("shield") }
                <div><p class="title">{ "We cannot send you another one" }</p>
                <p>{ "Your keys are made here and we never see them. That is why nobody can read your codes, and why you need this paper." }</p></div>
            </div>
            <Button class="primary big block no-print" testid="kit-saved" onclick={props.on.clone()}>{ "I have it on paper" }</Button>
        </div>
    }
}

#[derive(Properties, PartialEq)]
struct CheckProps {
    text: Text,
    back: Callback<()>,
}

/// Asks for one of the groups.
#[component]
fn Check(props: &CheckProps) -> Html {
    let app = use_app();
    let navigator = use_navigator();
    let groups: Vec<Zeroizing<String>> =
        props.text.0.split('-').map(|group| Zeroizing::new(group.into())).collect();
    let count = groups.len().max(1) as u32;
    let which = *use_state_eq(|| (js::rng().next_u32() % count) as usize);
    let typed = use_state_eq(String::new);
    let problem = use_state_eq(|| None::<Problem>);
    let onsubmit = {
        let (typed, problem) = (typed.clone(), problem.clone());
        let wanted = groups.get(which).cloned().unwrap_or_default();
        Callback::from(move |e: SubmitEvent| {
            e.prevent_default();
            if typed.trim().eq_ignore_ascii_case(&wanted) {
                js::forget(KIT_PENDING);
                if let Some(mark) = app.signed().and_then(|signed| signed.account.kit_mark()) {
                    js::remember(KIT_CONFIRMED, &mark);
                }
                app.0.dispatch(Action::Kit(None));
                if let (Some(navigator), Some(signed)) = (&navigator, app.signed()) {
                    let joining = app.0.joining.is_some();
                    let first = signed.account.home_ids().next();
                    navigator.replace(&match first {
                        _ if app.0.pairing.is_some() => Route::Pair,
                        _ if joining || first.is_none() && js::remembered(JOINING).is_some() => Route::Join,
                        None => Route::NewHome,
                        Some(home) => crate::route::Tab::Settings.route(&home),
                    });
                }
            } else {
                let text = "That is not what the kit says. Compare it with the paper.".into();
                problem.set(Some(Problem::new("kit.mistyped".into(), text, String::new())));
            }
        })
    };
    let set = {
        let typed = typed.clone();
        Callback::from(move |text| typed.set(text))
    };
    html! {
        <form class="form" {onsubmit}>
            <PageHead title="Quick check" lead="Look at the paper, so that we both know it is there." />
            <Field id="group" label={format!("Type group {} of {}", which + 1, groups.len())} value={(*typed).clone()} oninput={set}
                class="code big" maxlength={8} testid="kit-confirm-input" group={(which + 1).to_string()} autofocus={true} />
            <ErrorNote problem={(*problem).clone()} />
            <Button submit={true} class="primary big block" testid="kit-confirm-submit">{ "Done" }</Button>
            <Button class="ghost" icon="back" onclick={props.back.clone()}>{ "Show the kit again" }</Button>
        </form>
    }
}

/// A new kit.
pub fn new_kit() -> Kit {
    Kit::generate(&mut js::rng())
}

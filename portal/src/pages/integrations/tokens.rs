//! Tokens by which programs use the API.

use crate::api::tokens::{self, Token};
use crate::components::{Button, Choice, Dialog, ErrorNote, Field, Segment, Text, badge};
use crate::hooks::use_home;
use crate::js;
use crate::problem::Problem;
use crate::state::use_app;
use crate::view_model::{short_time, since_words};
use latchkey_shared::time::Seconds;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

/// What a token may do: the API's name, and in words.
const SCOPES: [(&str, &str, &str); 5] = [
    ("codes:read", "Read codes", "Names, times and states. Never PINs."),
    ("codes:write", "Make and end guest codes", "Only while the server may make codes, within its limits."),
    ("locks:read", "Read doors and hubs", "Names, batteries, whether they answer."),
    ("log:read", "Read the log", "Who opened which door when."),
    ("home:read", "Read the home", "Its name, zone and people."),
];

/// How long a token counts, in days; 0: without an end.
const TERMS: [(u32, &str); 4] = [(30, "30 days"), (90, "90 days"), (365, "1 year"), (0, "No end")];

fn words(scopes: &[String]) -> String {
    let word = |scope: &String| SCOPES.iter().find(|(name, ..)| name == scope).map(|(_, title, _)| *title);
    scopes.iter().map(|scope| word(scope).unwrap_or("something newer")).collect::<Vec<_>>().join(", ")
}

/// The tokens, and making one.
#[component]
pub fn Tokens() -> Html {
    let app = use_app();
    let home = use_home().home;
    let list = use_state_eq(Vec::<Token>::new);
    let asked = use_state_eq(|| 0u32);
    let making = use_state_eq(|| false);
    let ending = use_state_eq(|| None::<Token>);
    let busy = use_state_eq(|| false);
    let problem = use_state_eq(|| None::<Problem>);
    {
        let (list, problem, id) = (list.clone(), problem.clone(), home.id);
        use_effect_with(*asked, move |_| {
            spawn_local(async move {
                match tokens::tokens(&id).await {
                    Ok(found) => list.set(found),
                    Err(e) => problem.set(Some(e)),
                }
            });
        });
    }
    let again = {
        let (asked, making) = (asked.clone(), making.clone());
        Callback::from(move |()| {
            making.set(false);
            asked.set(*asked + 1);
        })
    };
    let open = {
        let making = making.clone();
        Callback::from(move |()| making.set(true))
    };
    let keep = {
        let ending = ending.clone();
        Callback::from(move |()| ending.set(None))
    };
    let revoke = {
        let (ending, busy, problem, asked, id) =
            (ending.clone(), busy.clone(), problem.clone(), asked.clone(), home.id);
        Callback::from(move |()| {
            let Some(token) = (*ending).clone() else { return };
            let (app, ending, busy, problem, asked) =
                (app.clone(), ending.clone(), busy.clone(), problem.clone(), asked.clone());
            busy.set(true);
            spawn_local(async move {
                let done = tokens::revoke(&id, &token.id).await;
                busy.set(false);
                ending.set(None);
                match done {
                    Ok(()) => app.toast(format!("{} no longer gets in.", token.name)),
                    Err(e) => problem.set(Some(e)),
                }
                asked.set(*asked + 1);
            });
        })
    };
    let now = home.now();
    let row = |token: &Token| {
        let (ending, one) = (ending.clone(), token.clone());
        let ask = Callback::from(move |()| ending.set(Some(one.clone())));
        let used = token
            .last_used
            .map_or_else(|| "never used".into(), |at| format!("used {}", since_words(at, now)));
        let end =
            token.expires.map_or_else(|| "no end".into(), |at| format!("until {}", short_time(&home, at)));
        html! {
            <li class="item" key={token.id.clone()} data-testid="token-row" data-name={token.name.clone()}>
                { badge("key", "") }
                <div>
                    <p class="item-title">{ &token.name }</p>
                    <p class="item-sub">{ words(&token.scopes) }</p>
                    <p class="item-sub num">{ format!("{used} · {end}") }</p>
                </div>
                <Button class="icon-only ghost" icon="trash" label={format!("Revoke {}", token.name)} onclick={ask} testid="token-revoke" />
            </li>
        }
    };
    let actions = html! {
        <>
            <Button class="ghost" onclick={keep.clone()}>{ "Keep it" }</Button>
            <Button class="danger solid" busy={*busy} onclick={revoke} testid="token-revoke-confirm">{ "Revoke" }</Button>
        </>
    };
    html! {
        <section class="section" aria-labelledby="tokens">
            <h2 id="tokens">{ "Tokens" }</h2>
            if list.is_empty() {
                <p class="card quiet">{ "No program has a token." }</p>
            } else {
                <ul class="card flush list">{ for list.iter().map(row) }</ul>
            }
            <ErrorNote problem={(*problem).clone()} />
            if *making { <NewToken done={again} /> } else {
                <p><Button icon="plus" onclick={open} testid="token-new">{ "Make a token" }</Button></p>
            }
            <Dialog open={ending.is_some()} title="Revoke this token?" onclose={keep} {actions}>
                <p>{ "The program that has it is shut out at once. Codes that it made stay." }</p>
            </Dialog>
        </section>
    }
}

#[derive(Properties, PartialEq)]
struct NewTokenProps {
    done: Callback<()>,
}

/// Makes a token and shows it once.
#[component]
fn NewToken(props: &NewTokenProps) -> Html {
    let app = use_app();
    let home = use_home().home;
    let name = use_state_eq(String::new);
    let scopes = use_state_eq(|| vec!["codes:read"]);
    let days = use_state_eq(|| 365u32);
    let busy = use_state_eq(|| false);
    let problem = use_state_eq(|| None::<Problem>);
    let made = use_state_eq(|| None::<Text>);
    if let Some(text) = &*made {
        let copy = {
            let text = text.clone();
            Callback::from(move |()| {
                let (app, text) = (app.clone(), text.clone());
                spawn_local(async move {
                    let copied = js::copy(&text.0).await;
                    app.toast(if copied {
                        "Token copied."
                    } else {
                        "The browser did not allow copying. Select the token and copy it."
                    });
                });
            })
        };
        return html! {
            <div class="card stack sharing">
                <p class="item-title">{ "Copy the token now: it is shown this once." }</p>
                <input class="url" readonly={true} value={text.0.as_str().to_owned()} aria-label="Token" data-testid="token-text" />
                <div class="row">
                    <Button class="primary" icon="copy" onclick={copy} testid="token-copy">{ "Copy" }</Button>
                    <Button onclick={props.done.clone()} testid="token-done">{ "I have it" }</Button>
                </div>
            </div>
        };
    }
    let onsubmit = {
        let (name, scopes, days) = (name.clone(), scopes.clone(), days.clone());
        let (busy, problem, made, home) = (busy.clone(), problem.clone(), made.clone(), home.clone());
        Callback::from(move |e: SubmitEvent| {
            e.prevent_default();
            if *busy {
                return;
            }
            let (app, home, name, scopes) =
                (app.clone(), home.clone(), name.trim().to_owned(), (*scopes).clone());
            let expires = (*days > 0).then(|| home.now().saturating_add(Seconds::days(*days)));
            let (busy, problem, made) = (busy.clone(), problem.clone(), made.clone());
            let refused = match () {
                () if name.is_empty() => Some("Say which program it is for."),
                () if scopes.is_empty() => Some("Choose what it may do."),
                () => None,
            };
            if let Some(text) = refused {
                return problem.set(Some(Problem::new("token.form".into(), text.into(), String::new())));
            }
            busy.set(true);
            problem.set(None);
            spawn_local(async move {
                let done = app.with_step_up(|| tokens::make(&home.id, &name, &scopes, expires)).await;
                busy.set(false);
                match done {
                    Ok(text) => made.set(Some(Text(text))),
                    Err(e) => problem.set(Some(e)),
                }
            });
        })
    };
    let set = {
        let name = name.clone();
        Callback::from(move |text| name.set(text))
    };
    let choice = |(scope, title, sub): &(&'static str, &'static str, &'static str)| {
        let (scopes, scope) = (scopes.clone(), *scope);
        let checked = scopes.contains(&scope);
        let toggle = Callback::from(move |()| {
            let mut next: Vec<&'static str> =
                scopes.iter().copied().filter(|other| *other != scope).collect();
            if !checked {
                next.push(scope);
            }
            scopes.set(next);
        });
        html! {
            <Choice kind="checkbox" name="token-scope" title={*title} sub={*sub} {checked} onchange={toggle} testid={format!("token-scope-{}", scope.replace(':', "-"))} />
        }
    };
    html! {
        <form class="form card" {onsubmit}>
            <Field id="token-name" label="Which program is it for?" value={(*name).clone()} oninput={set} maxlength={64} testid="token-name" autofocus={true} />
            <fieldset class="field">
                <legend class="label">{ "It may" }</legend>
                <div class="choices">{ for SCOPES.iter().map(choice) }</div>
            </fieldset>
            <fieldset class="field">
                <legend class="label">{ "It works for" }</legend>
                <div class="segmented">
                    { for TERMS.iter().map(|(term, title)| {
                        let set = { let days = days.clone(); Callback::from(move |()| days.set(*term)) };
                        html! { <Segment name="token-days" title={*title} checked={*days == *term} onchange={set} /> }
                    }) }
                </div>
            </fieldset>
            <ErrorNote problem={(*problem).clone()} />
            <div class="row">
                <Button submit={true} class="primary" busy={*busy} testid="token-save">{ "Make the token" }</Button>
                <Button class="ghost" onclick={props.done.clone()}>{ "Not now" }</Button>
            </div>
        </form>
    }
}

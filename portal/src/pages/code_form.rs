//! A new code on one screen: who, which doors, when. The PIN is made to fit.

use super::when::when_fields;
use crate::components::{Button, Choice, ErrorNote, Field, PageHead, Segment, badge, icon};
use crate::hooks::{use_home, use_tick};
use crate::problem::Problem;
use crate::route::Route;
use crate::state::use_app;
use crate::view_model::Home;
use crate::view_model::draft::{Draft, PinDesk, When};
use latchkey_shared::grant::name_ok;
use latchkey_shared::id::LockId;
use latchkey_shared::limits::MAX_LINK_BYTES;
use latchkey_shared::pin::Pin;
use latchkey_shared::schedule::{Validity, describe};
use std::rc::Rc;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;
use yew_router::prelude::*;

/// The longest note, in characters; it travels in the link's ciphertext.
const MAX_NOTE: u32 = 500;

fn bad(code: &str, text: &str) -> Problem {
    Problem::new(code.into(), text.into(), String::new())
}

struct Choices<'a> {
    label: &'a str,
    note: &'a str,
    locks: &'a [LockId],
    validity: Result<Validity, Problem>,
    pin: Option<&'a str>,
}

fn draft(home: &Home, choices: Choices<'_>) -> Result<Draft, Problem> {
    let label = choices.label.trim();
    if !name_ok(label) {
        return Err(bad("grant.label", "Say who the code is for, in 1 to 64 characters."));
    }
    if choices.locks.is_empty() {
        return Err(bad("grant.locks", "Choose at least one door."));
    }
    if !home.has_key() {
        return Err(Problem::of("sealed.no_key"));
    }
    let validity = choices.validity?;
    let locks = choices.locks.to_vec();
    let desk = PinDesk::new(home, &locks, home.now())?;
    let pin: Pin = match choices.pin {
        None => desk.generate()?,
        Some(text) => desk.check(text).map_err(|why| bad("pin.refused", &why.join(" ")))?,
    };
    let note = choices.note.trim();
    if note.len() > MAX_LINK_BYTES / 4 {
        return Err(bad("link.note", "The note is too long."));
    }
    Ok(Draft { label: label.into(), note: note.into(), locks, validity, pin })
}

/// A new code.
#[component]
pub fn NewCode() -> Html {
    use_tick(30);
    let app = use_app();
    let ctx = use_home();
    let home = ctx.home.clone();
    let navigator = use_navigator();
    let now = home.now();
    let label = use_state_eq(String::new);
    let note = use_state_eq(String::new);
    let locks = use_state_eq(|| {
        // One door needs no choice.
        if home.reports.len() == 1 { home.reports.keys().copied().collect() } else { Vec::new() }
    });
    let when = use_state_eq(|| When::new(now, &*home.zone));
    let typed = use_state_eq(|| false);
    let pin = use_state_eq(String::new);
    let busy = use_state_eq(|| false);
    let problem = use_state_eq(|| None::<Problem>);
    let validity = when.validity(now, &*home.zone);
    let sentence = validity.as_ref().map(|v| describe(v, &*home.zone, &home.style)).map_err(Clone::clone);
    let onsubmit = {
        let (app, home, store, navigator) = (app.clone(), home.clone(), ctx.store.clone(), navigator.clone());
        let (label, note, locks, typed, pin) =
            (label.clone(), note.clone(), locks.clone(), typed.clone(), pin.clone());
        let (busy, problem, validity) = (busy.clone(), problem.clone(), validity.clone());
        Callback::from(move |e: SubmitEvent| {
            e.prevent_default();
            if *busy {
                return;
            }
            let pin = typed.then(|| pin.as_str());
            let choices =
                Choices { label: &label, note: &note, locks: &locks, validity: validity.clone(), pin };
            let draft = match draft(&home, choices) {
                Ok(draft) => draft,
                Err(e) => return problem.set(Some(e)),
            };
            let (app, id, store, navigator) = (app.clone(), home.id, store.clone(), navigator.clone());
            let (busy, problem) = (busy.clone(), problem.clone());
            busy.set(true);
            problem.set(None);
            spawn_local(async move {
                let made = store.make(&draft).await;
                busy.set(false);
                match (made, navigator) {
                    (Ok(grant), Some(navigator)) => {
                        app.toast("Saved. The hub puts it on the doors.");
                        navigator.push(&Route::Code { home: id.to_string(), grant: grant.to_string() });
                    }
                    (Ok(_), None) => {}
                    (Err(e), _) => problem.set(Some(e)),
                }
            });
        })
    };
    if home.reports.is_empty() {
        return no_doors();
    }
    let set = |state: &UseStateHandle<String>| {
        let state = state.clone();
        Callback::from(move |text| state.set(text))
    };
    let set_locks = {
        let locks = locks.clone();
        Callback::from(move |set| locks.set(set))
    };
    let set_when = {
        let when = when.clone();
        Callback::from(move |value| when.set(value))
    };
    let chosen: Vec<String> = locks.iter().map(|lock| home.lock_name(lock)).collect();
    html! {
        <div class="page">
            <PageHead title="New code" />
            <form class="maker" {onsubmit}>
                <div class="stack">
                    <div class="card">
                        <Field id="label" label="Who is it for?" value={(*label).clone()} oninput={set(&label)} class="big" maxlength={64}
                            placeholder="Maya and Jonas" testid="code-label" autofocus={true} />
                        <Field id="note" label="Note to them" value={(*note).clone()} oninput={set(&note)} optional={true} maxlength={MAX_NOTE}
                            placeholder="The light switch is behind the door." testid="code-note" help="Only they can read it." />
                    </div>
                    { doors(&home, &locks, &set_locks) }
                    { when_fields(&when, &set_when, home.zone.name().as_str()) }
                    <PinFields home={home.clone()} locks={(*locks).clone()} typed={*typed} text={(*pin).clone()}
                        ontyped={ { let typed = typed.clone(); Callback::from(move |value| typed.set(value)) } } ontext={set(&pin)} />
                </div>
                <aside class="summary" aria-label="Summary">
                    <div class="stack tight">
                        <p class="sentence" data-testid="code-preview" role="status">
                            { match &sentence { Ok(sentence) => sentence.clone(), Err(problem) => problem.text.clone() } }
                        </p>
                        if !chosen.is_empty() {
                            <div class="chips">{ for chosen.iter().map(|name| html! { <span class="chip">{ icon("door") }{ name }</span> }) }</div>
                        }
                    </div>
                    <ErrorNote problem={(*problem).clone()} />
                    <Button submit={true} class="primary big block" busy={*busy} testid="code-save">{ "Save code" }</Button>
                </aside>
            </form>
        </div>
    }
}

fn no_doors() -> Html {
    html! {
        <div class="page">
            <PageHead title="New code" />
            <div class="card empty">
                { badge("door", "") }
                <h2>{ "No doors yet" }</h2>
                <p>{ "Pair a hub first, and wait until it has reported its doors." }</p>
                <a class="btn primary" href={Route::Pair.to_path()}>{ "Pair a hub" }</a>
            </div>
        </div>
    }
}

fn doors(home: &Home, chosen: &[LockId], onchange: &Callback<Vec<LockId>>) -> Html {
    let toggle = |lock: LockId| {
        let (chosen, onchange) = (chosen.to_vec(), onchange.clone());
        Callback::from(move |()| {
            let mut chosen = chosen.clone();
            match chosen.binary_search(&lock) {
                Ok(i) => drop(chosen.remove(i)),
                Err(i) => chosen.insert(i, lock),
            }
            onchange.emit(chosen);
        })
    };
    html! {
        <fieldset class="card">
            <legend class="visually-hidden">{ "Which doors?" }</legend>
            <p class="q" aria-hidden="true">{ "Which doors?" }</p>
            <div class="choices">
                { for home.reports.iter().map(|(id, report)| {
                    let lock = &report.lock;
                    let sub = match (lock.unreachable_since, lock.free_slots) {
                        (Some(_), _) => Some("Does not answer right now"),
                        (None, 0) => Some("Full: revoke a code first"),
                        _ => None,
                    };
                    html! {
                        <Choice key={id.to_string()} kind="checkbox" name="doors" title={lock.name.clone()} sub={sub.map(AttrValue::from)}
                            checked={chosen.contains(id)} onchange={toggle(*id)} testid="code-lock"
                            lock={Some((id.to_string().into(), lock.name.clone().into()))} />
                    }
                }) }
            </div>
        </fieldset>
    }
}

#[derive(Properties)]
struct PinProps {
    home: Rc<Home>,
    locks: Vec<LockId>,
    typed: bool,
    text: String,
    ontyped: Callback<bool>,
    ontext: Callback<String>,
}

impl PartialEq for PinProps {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.home, &other.home)
            && self.locks == other.locks
            && self.typed == other.typed
            && self.text == other.text
    }
}

/// The PIN: made, or typed with the broken rules said as one types.
#[component]
fn PinFields(props: &PinProps) -> Html {
    let key = (Rc::as_ptr(&props.home) as usize, props.locks.clone(), props.typed);
    let desk = {
        let home = props.home.clone();
        use_memo(key, move |(_, locks, typed)| typed.then(|| PinDesk::new(&home, locks, home.now())))
    };
    let choose = |typed: bool| props.ontyped.reform(move |()| typed);
    let digits = props.ontext.reform(|text: String| text.chars().filter(char::is_ascii_digit).collect());
    html! {
        <fieldset class="card">
            <legend class="visually-hidden">{ "PIN" }</legend>
            <div class="row apart">
                <p class="q" aria-hidden="true">{ "PIN" }</p>
                <div class="segmented">
                    <Segment name="pin" title="Make one" checked={!props.typed} onchange={choose(false)} testid="pin-generated" />
                    <Segment name="pin" title="Type one" checked={props.typed} onchange={choose(true)} testid="pin-typed" />
                </div>
            </div>
            { match &*desk {
                None => html! { <p class="quiet">{ "Hard to guess, easy on the keypad, not used by anybody else, and right for the doors you chose. You see it after saving." }</p> },
                Some(Err(problem)) => html! { <ErrorNote problem={problem.clone()} /> },
                Some(Ok(desk)) => typed_pin(desk, &props.text, digits),
            } }
        </fieldset>
    }
}

fn typed_pin(desk: &PinDesk, text: &str, oninput: Callback<String>) -> Html {
    let (min, max) = desk.lengths();
    let length = if min == max { format!("{min} digits") } else { format!("{min} to {max} digits") };
    html! {
        <>
            <Field id="pin" label="PIN" value={text.to_owned()} {oninput} class="code big" inputmode="numeric" maxlength={10} testid="pin-input" help={length} />
            <ul class="rules" data-testid="pin-rules" aria-live="polite">
                { match desk.check(text) {
                    _ if text.is_empty() => Html::default(),
                    Ok(_) => html! { <li class="kept">{ icon("check-circle") }{ "A good PIN: hard to guess, and nobody else has it." }</li> },
                    Err(rules) => rules.into_iter().map(|rule| html! { <li class="broken">{ icon("x") }{ rule }</li> }).collect(),
                } }
            </ul>
        </>
    }
}

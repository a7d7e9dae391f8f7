//! The PIN: kept, made, or typed with the broken rules said as one types.

use super::{Edits, edit, text};
use crate::components::{ErrorNote, Field, Segment, icon};
use crate::view_model::Home;
use crate::view_model::form::{Form, PinChoice};
use crate::view_model::pin_desk::PinDesk;
use latchkey_shared::id::{GrantId, LockId};
use std::rc::Rc;
use yew::prelude::*;

#[derive(Properties)]
pub struct PinProps {
    /// The home.
    pub home: Rc<Home>,
    /// The code that is edited.
    pub edited: Option<GrantId>,
    /// Whether it has a PIN that can be kept.
    pub keepable: bool,
    /// The doors.
    pub locks: Vec<LockId>,
    /// Where it comes from.
    pub choice: PinChoice,
    /// What was typed.
    pub typed: String,
    /// Takes changes.
    pub edits: Edits,
}

impl PartialEq for PinProps {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.home, &other.home)
            && (&self.locks, self.choice, &self.typed, self.keepable)
                == (&other.locks, other.choice, &other.typed, other.keepable)
    }
}

/// The PIN.
#[component]
pub fn PinFields(props: &PinProps) -> Html {
    // Other people's PINs change with the chain, the rules with what the locks report.
    let abilities = |lock: &LockId| props.home.reports.get(lock).map(|report| report.lock.abilities.clone());
    let locks: Vec<_> = props.locks.iter().map(|lock| (*lock, abilities(lock))).collect();
    let desk = {
        let (home, edited, needed) = (props.home.clone(), props.edited, props.choice != PinChoice::Keep);
        use_memo((home.chain.seq(), locks, needed), move |(_, locks, needed)| {
            let locks: Vec<LockId> = locks.iter().map(|(lock, _)| *lock).collect();
            // It opens every PIN of the home, which takes its time.
            needed.then(|| PinDesk::new(&home, &locks, edited).map(|desk| (desk.left(), desk)))
        })
    };
    let choose = |choice: PinChoice| edit(&props.edits, move |f: &mut Form| f.pin = choice);
    let choice = props.choice;
    html! {
        <fieldset class="card">
            <legend class="visually-hidden">{ "PIN" }</legend>
            <div class="row apart">
                <p class="q" aria-hidden="true">{ "PIN" }</p>
                <div class="segmented">
                    if props.keepable { <Segment name="pin" title="Keep it" checked={choice == PinChoice::Keep} onchange={choose(PinChoice::Keep)} testid="pin-keep" /> }
                    <Segment name="pin" title={if props.edited.is_some() { "New one" } else { "Make one" }} checked={choice == PinChoice::Make} onchange={choose(PinChoice::Make)} testid="pin-generated" />
                    <Segment name="pin" title="Type one" checked={choice == PinChoice::Type} onchange={choose(PinChoice::Type)} testid="pin-typed" />
                </div>
            </div>
            { match (&*desk, choice) {
                (None, _) | (_, PinChoice::Keep) => html! { <p class="quiet">{ "The PIN and the guest’s link stay as they are." }</p> },
                (Some(Err(problem)), _) => html! { <ErrorNote problem={problem.clone()} /> },
                (Some(Ok((left, _))), PinChoice::Make) => html! {
                    <>
                        <p class="quiet">{ "Hard to guess, easy on the keypad, not used by anybody else, and right for the doors you chose. You see it after saving." }</p>
                        <p class="help" data-testid="pin-left">{ left }</p>
                    </>
                },
                (Some(Ok((left, desk))), PinChoice::Type) => typed_pin(desk, left, &props.typed, &props.edits),
            } }
        </fieldset>
    }
}

fn typed_pin(desk: &PinDesk, left: &str, typed: &str, edits: &Edits) -> Html {
    let (min, max) = desk.lengths();
    let length = if min == max { format!("{min} digits") } else { format!("{min} to {max} digits") };
    let oninput = text(edits, |f, t| f.typed = t.chars().filter(char::is_ascii_digit).collect());
    html! {
        <>
            <Field id="pin" label="PIN" value={typed.to_owned()} {oninput} class="code big" inputmode="numeric" maxlength={10} testid="pin-input" help={length} />
            <ul class="rules" data-testid="pin-rules" aria-live="polite">
                { match desk.check(typed) {
                    _ if typed.is_empty() => Html::default(),
                    Ok(_) => html! { <li class="kept">{ icon("check-circle") }{ "A good PIN: hard to guess, and nobody else has it." }</li> },
                    Err(rules) => rules.into_iter().map(|rule| html! { <li class="broken">{ icon("x") }{ rule }</li> }).collect(),
                } }
            </ul>
            <p class="help" data-testid="pin-left">{ left.to_owned() }</p>
        </>
    }
}

//! A passphrase for somebody whose passkey cannot unlock the keys.

use super::{Button, ErrorNote, Field};
use crate::problem::Problem;
use yew::prelude::*;

/// The shortest passphrase that is taken, in characters.
const MIN: usize = 12;

/// Asks for a new passphrase.
#[derive(Properties, PartialEq)]
pub struct NewPassphraseProps {
    /// The button's text.
    pub action: AttrValue,
    /// Whether it is being used.
    pub busy: bool,
    /// What went wrong with it.
    pub problem: Option<Problem>,
    /// It was given, and is long enough.
    pub onpassphrase: Callback<String>,
}

/// Asks for a new passphrase: a form of its own.
#[component]
pub fn NewPassphrase(props: &NewPassphraseProps) -> Html {
    let text = use_state_eq(String::new);
    let short = use_state_eq(|| false);
    let onsubmit = {
        let (text, short, given, busy) =
            (text.clone(), short.clone(), props.onpassphrase.clone(), props.busy);
        Callback::from(move |e: SubmitEvent| {
            e.prevent_default();
            short.set(text.chars().count() < MIN);
            if !busy && text.chars().count() >= MIN {
                given.emit((*text).clone());
            }
        })
    };
    let set = {
        let text = text.clone();
        Callback::from(move |value| text.set(value))
    };
    let error: Option<AttrValue> =
        short.then(|| format!("Use at least {MIN} characters. Four or five random words are good.").into());
    html! {
        <form class="form" {onsubmit}>
            <p class="quiet">{ "This passkey can sign you in, but cannot unlock your keys. A passphrase does that part." }</p>
            <Field id="passphrase" label="Passphrase" kind="password" value={(*text).clone()} oninput={set} {error}
                testid="signup-passphrase" autocomplete="new-password" autofocus={true}
                help="At least 12 characters. It never leaves this browser, so nobody can reset it." />
            <ErrorNote problem={props.problem.clone()} />
            <Button submit={true} class="primary big block" busy={props.busy} testid="signup-passphrase-submit">{ props.action.clone() }</Button>
        </form>
    }
}

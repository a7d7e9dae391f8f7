//! Who a code is for: its kind, its name, whose it is, and a note to the guest.

use super::{Edits, text};
use crate::components::{Field, Segment, Select, icon};
use crate::view_model::Home;
use crate::view_model::form::{Edit, Form, kind_words, scope};
use latchkey_shared::chain::op::Role;
use latchkey_shared::grant::GrantKind;
use latchkey_shared::id::KeyId;
use yew::prelude::*;

/// The longest note, in characters; it travels in the link's ciphertext.
const MAX_NOTE: u32 = 500;

/// Who it is for. An existing code keeps its kind.
pub fn who(home: &Home, form: &Form, edits: &Edits, existing: bool) -> Html {
    let guest = form.kind == GrantKind::Guest;
    let note_help = if form.note_lost {
        "The note could not be read back. If there was one, write it again: saving may replace it."
    } else {
        "Only they can read it."
    };
    let placeholder = if guest { "Maya and Jonas" } else { "Ada" };
    html! {
        <div class="card">
            if !existing { { kinds(home, form, edits) } }
            <Field id="label" label="Who is it for?" value={form.label.clone()} oninput={text(edits, |f, t| f.label = t)} class="big" maxlength={64}
                {placeholder} testid="code-label" autofocus={!existing} />
            { same_name(home, form) }
            if guest {
                <Field id="note" label="Note to them" value={form.note.clone()} oninput={text(edits, |f, t| f.note = t)} optional={true} maxlength={MAX_NOTE}
                    placeholder="The light switch is behind the door." testid="code-note" help={note_help} />
            } else {
                { holder(home, form, edits) }
            }
        </div>
    }
}

fn kinds(home: &Home, form: &Form, edits: &Edits) -> Html {
    let allowed = scope(home).map(|scope| scope.kinds).unwrap_or_default();
    if allowed.len() < 2 {
        return Html::default();
    }
    let order = [GrantKind::Guest, GrantKind::Standard, GrantKind::Primary, GrantKind::Duress];
    let choose = |kind: GrantKind| {
        let edits = edits.clone();
        Callback::from(move |()| edits.dispatch(Edit::new(move |form| form.set_kind(kind))))
    };
    html! {
        <fieldset class="stack tight">
            <legend class="visually-hidden">{ "What kind of code?" }</legend>
            <div class="segmented wide">
                { for order.into_iter().filter(|kind| allowed.contains(kind)).map(|kind| html! {
                    <Segment name="kind" title={kind_words(kind).0} checked={form.kind == kind} onchange={choose(kind)} testid={format!("kind-{}", kind.as_str())} />
                }) }
            </div>
            <p class="help" data-testid="kind-help" aria-live="polite">{ kind_words(form.kind).1 }</p>
            if form.kind == GrantKind::Duress { { about_duress() } }
        </fieldset>
    }
}

fn about_duress() -> Html {
    html! {
        <div class="notice warn" data-testid="duress-note">
            { icon("alert") }
            <div>
                <p class="title">{ "For when somebody forces you to open" }</p>
                <p>{ "At the door and at the hub’s panel it does what an owner’s code does, and nothing there or in the lists here gives it away. Using it raises a silent alarm in the home’s log." }</p>
                <p>{ "Give it a name that looks like any other, and a PIN that you remember under stress. Owners find the alarms under Settings, after confirming with their passkey. No one is called by itself until a monitoring centre is connected." }</p>
            </div>
        </div>
    }
}

/// Names that are clear: another live code of the same name is pointed out.
fn same_name(home: &Home, form: &Form) -> Html {
    let name = form.label.trim().to_lowercase();
    let other = |put: &&std::rc::Rc<crate::view_model::Put>| {
        let over = put.grant.end().is_some_and(|end| end <= home.now());
        put.revoked.is_none()
            && !over
            && put.grant.label.to_lowercase() == name
            && Some(put.grant.id) != form.id
    };
    if name.is_empty() || home.grants.values().find(other).is_none() {
        return Html::default();
    }
    html! {
        <p class="notice warn" role="status" data-testid="same-name">{ icon("alert") }
            <span>{ "Another code has this name. Tell them apart, such as by “garden” or a surname." }</span></p>
    }
}

fn holder(home: &Home, form: &Form, edits: &Edits) -> Html {
    let people = home.chain.members().iter().filter(|(_, member)| !matches!(member.role, Role::Issuer(_)));
    let mut options: Vec<(AttrValue, AttrValue)> = vec![("".into(), "Nobody in particular".into())];
    options.extend(people.map(|(id, member)| (id.to_string().into(), member.key.name.clone().into())));
    let edits = edits.clone();
    let onchange = Callback::from(move |id: String| {
        let holder = KeyId::parse(&id).ok();
        edits.dispatch(Edit::new(move |form| form.holder = holder));
    });
    let value = form.holder.map(|id| id.to_string()).unwrap_or_default();
    html! {
        <Select id="holder" label="Whose code is it?" {options} {value} {onchange} testid="code-holder"
            help="They see it and its entries, and it ends when they leave the home. Every person gets a code of their own, so that entries have a name." />
    }
}

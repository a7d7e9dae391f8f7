//! Inputs.

use super::icon;
use wasm_bindgen::JsCast;
use web_sys::{HtmlInputElement, HtmlTextAreaElement};
use yew::prelude::*;

/// What stands in the input or text area that an event came from.
pub fn input_value(e: &InputEvent) -> String {
    let Some(target) = e.target() else { return String::new() };
    match target.dyn_into::<HtmlInputElement>() {
        Ok(input) => input.value(),
        Err(other) => other.dyn_into::<HtmlTextAreaElement>().map(|area| area.value()).unwrap_or_default(),
    }
}

/// A labelled input.
#[derive(Properties, PartialEq)]
pub struct FieldProps {
    /// Unique on the page.
    pub id: AttrValue,
    /// What it asks.
    pub label: AttrValue,
    /// What stands in it.
    pub value: AttrValue,
    /// It changed.
    pub oninput: Callback<String>,
    /// `text`, `datetime-local`, …
    #[prop_or(AttrValue::Static("text"))]
    pub kind: AttrValue,
    /// Test hook.
    #[prop_or_default]
    pub testid: Option<AttrValue>,
    /// More about it.
    #[prop_or_default]
    pub help: Option<AttrValue>,
    /// What is wrong with it.
    #[prop_or_default]
    pub error: Option<AttrValue>,
    /// Whether it may stay empty, and is marked so.
    #[prop_or_default]
    pub optional: bool,
    /// More classes of the input.
    #[prop_or_default]
    pub class: Classes,
    /// An example.
    #[prop_or_default]
    pub placeholder: Option<AttrValue>,
    /// For the browser's memory: `name`, `off`.
    #[prop_or(AttrValue::Static("off"))]
    pub autocomplete: AttrValue,
    /// `numeric` for digits.
    #[prop_or_default]
    pub inputmode: Option<AttrValue>,
    /// A `<datalist>` of suggestions.
    #[prop_or_default]
    pub list: Option<AttrValue>,
    /// The most characters.
    #[prop_or(200)]
    pub maxlength: u32,
    /// The number of a group, for tests.
    #[prop_or_default]
    pub group: Option<AttrValue>,
    /// Takes the focus when it appears.
    #[prop_or_default]
    pub autofocus: bool,
}

/// A labelled input. What is wrong with it is said next to it and to screen readers.
#[component]
pub fn Field(props: &FieldProps) -> Html {
    let id = props.id.clone();
    let (help_id, error_id) = (format!("{id}-help"), format!("{id}-error"));
    let described = match (&props.help, &props.error) {
        (_, Some(_)) => Some(error_id.clone()),
        (Some(_), None) => Some(help_id.clone()),
        (None, None) => None,
    };
    let node = use_node_ref();
    {
        let node = node.clone();
        use_effect_with(props.autofocus, move |autofocus| {
            if let Some(input) = node.cast::<HtmlInputElement>().filter(|_| *autofocus) {
                let _ = input.focus();
            }
        });
    }
    let oninput = props.oninput.reform(|e: InputEvent| input_value(&e));
    html! {
        <div class="field">
            <label for={id.clone()}>
                { &props.label }
                if props.optional { <span class="optional">{ " (optional)" }</span> }
            </label>
            <input
                ref={node}
                {id}
                class={classes!("input", props.class.clone())}
                type={props.kind.clone()}
                value={props.value.clone()}
                {oninput}
                data-testid={props.testid.clone()}
                data-group={props.group.clone()}
                placeholder={props.placeholder.clone()}
                autocomplete={props.autocomplete.clone()}
                inputmode={props.inputmode.clone()}
                list={props.list.clone()}
                maxlength={props.maxlength.to_string()}
                spellcheck="false"
                aria-describedby={described}
                aria-invalid={props.error.is_some().then_some("true")}
            />
            if let Some(error) = &props.error {
                <p class="err" id={error_id}>{ icon("alert") }{ error }</p>
            } else if let Some(help) = &props.help {
                <p class="help" id={help_id}>{ help }</p>
            }
        </div>
    }
}

/// A radio button or check box as a card.
#[derive(Properties, PartialEq)]
pub struct ChoiceProps {
    /// `radio` or `checkbox`.
    pub kind: AttrValue,
    /// The group.
    pub name: AttrValue,
    /// Its heading.
    pub title: AttrValue,
    /// A line below.
    #[prop_or_default]
    pub sub: Option<AttrValue>,
    /// Whether it is chosen.
    pub checked: bool,
    /// It was clicked.
    pub onchange: Callback<()>,
    /// Test hook.
    #[prop_or_default]
    pub testid: Option<AttrValue>,
    /// A lock's id and name, for tests.
    #[prop_or_default]
    pub lock: Option<(AttrValue, AttrValue)>,
}

/// A radio button or check box as a card.
#[component]
pub fn Choice(props: &ChoiceProps) -> Html {
    let onchange = props.onchange.reform(|_: Event| ());
    let (lock, lock_name) = props.lock.clone().unzip();
    html! {
        <label class="choice">
            <input
                type={props.kind.clone()}
                name={props.name.clone()}
                checked={props.checked}
                {onchange}
                data-testid={props.testid.clone()}
                data-lock={lock}
                data-name={lock_name}
            />
            <span class="title">{ &props.title }</span>
            if let Some(sub) = &props.sub {
                <span class="sub">{ sub }</span>
            }
        </label>
    }
}

/// One of two or three alternatives in a pill.
#[derive(Properties, PartialEq)]
pub struct SegmentProps {
    /// The group.
    pub name: AttrValue,
    /// Its text.
    pub title: AttrValue,
    /// Whether it is chosen.
    pub checked: bool,
    /// It was clicked.
    pub onchange: Callback<()>,
    /// Test hook.
    #[prop_or_default]
    pub testid: Option<AttrValue>,
}

/// One of two or three alternatives in a pill.
#[component]
pub fn Segment(props: &SegmentProps) -> Html {
    let onchange = props.onchange.reform(|_: Event| ());
    html! {
        <label>
            <input type="radio" name={props.name.clone()} checked={props.checked} {onchange} data-testid={props.testid.clone()} />
            <span>{ &props.title }</span>
        </label>
    }
}

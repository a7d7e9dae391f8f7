//! A labelled choice of one of many.

use wasm_bindgen::JsCast;
use web_sys::HtmlSelectElement;
use yew::prelude::*;

/// A labelled choice of one of many.
#[derive(Properties, PartialEq)]
pub struct SelectProps {
    /// The element's id.
    pub id: AttrValue,
    /// The label.
    pub label: AttrValue,
    /// (value, text) of every option.
    pub options: Vec<(AttrValue, AttrValue)>,
    /// The value that is chosen.
    pub value: AttrValue,
    /// Another one was chosen.
    pub onchange: Callback<String>,
    /// What to know about it.
    #[prop_or_default]
    pub help: Option<AttrValue>,
    /// Test hook.
    #[prop_or_default]
    pub testid: Option<AttrValue>,
}

/// A labelled choice of one of many.
#[component]
pub fn Select(props: &SelectProps) -> Html {
    let help_id = format!("{}-help", props.id);
    let onchange = props.onchange.reform(|e: Event| {
        let select = e.target().and_then(|target| target.dyn_into::<HtmlSelectElement>().ok());
        select.map(|select| select.value()).unwrap_or_default()
    });
    html! {
        <div class="field">
            <label for={props.id.clone()}>{ &props.label }</label>
            <select id={props.id.clone()} class="select" {onchange} data-testid={props.testid.clone()}
                aria-describedby={props.help.as_ref().map(|_| help_id.clone())}>
                { for props.options.iter().map(|(value, text)| html! {
                    <option value={value.clone()} selected={*value == props.value}>{ text }</option>
                }) }
            </select>
            if let Some(help) = &props.help { <p class="help" id={help_id}>{ help }</p> }
        </div>
    }
}

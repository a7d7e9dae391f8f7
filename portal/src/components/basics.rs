//! Icons, buttons, notes, headings.

use crate::problem::Problem;
use web_sys::HtmlElement;
use yew::prelude::*;

/// A symbol of the page's sprite. Decoration: the words beside it say what it means.
pub fn icon(name: &'static str) -> Html {
    html! { <svg class="icon" aria-hidden="true"><use href={format!("#i-{name}")} /></svg> }
}

/// A button.
#[derive(Properties, PartialEq)]
pub struct ButtonProps {
    /// Looks: `primary`, `soft`, `danger`, `ghost`, `big`, `small`, `block`.
    #[prop_or_default]
    pub class: Classes,
    /// An icon before the text.
    #[prop_or_default]
    pub icon: Option<&'static str>,
    /// Whether its work is being done.
    #[prop_or_default]
    pub busy: bool,
    /// Whether it cannot be used.
    #[prop_or_default]
    pub disabled: bool,
    /// Whether it submits its form.
    #[prop_or_default]
    pub submit: bool,
    /// Test hook.
    #[prop_or_default]
    pub testid: Option<AttrValue>,
    /// A name for those who do not see it, where the text alone does not say enough.
    #[prop_or_default]
    pub label: Option<AttrValue>,
    /// Whether what it shows is shown.
    #[prop_or_default]
    pub pressed: Option<bool>,
    /// What it does.
    #[prop_or_default]
    pub onclick: Callback<()>,
    /// The text.
    #[prop_or_default]
    pub children: Children,
}

/// A button that says when it is busy and then takes no second click.
#[component]
pub fn Button(props: &ButtonProps) -> Html {
    let (busy, idle) = (props.busy, !props.busy && !props.disabled);
    let (work, submit) = (props.onclick.clone(), props.submit);
    let onclick = Callback::from(move |e: MouseEvent| {
        if !idle {
            e.prevent_default();
        } else if !submit {
            work.emit(());
        }
    });
    html! {
        <button
            type={if submit { "submit" } else { "button" }}
            class={classes!("btn", props.class.clone())}
            aria-disabled={(!idle).then_some("true")}
            aria-busy={busy.then_some("true")}
            aria-label={props.label.clone()}
            aria-pressed={props.pressed.map(|pressed| if pressed { "true" } else { "false" })}
            data-testid={props.testid.clone()}
            {onclick}
        >
            if busy {
                <span class="spinner" aria-hidden="true"></span>
            } else if let Some(name) = props.icon {
                { icon(name) }
            }
            { for props.children.iter() }
        </button>
    }
}

/// A problem.
#[derive(Properties, PartialEq)]
pub struct ErrorNoteProps {
    /// What went wrong, if anything.
    pub problem: Option<Problem>,
}

/// Says what went wrong and what to do. Always in the page, so that a screen reader hears when it fills.
#[component]
pub fn ErrorNote(props: &ErrorNoteProps) -> Html {
    html! {
        <div aria-live="assertive">
            if let Some(problem) = &props.problem {
                <div class={classes!("notice", if problem.cancelled() { "info" } else { "bad" })} data-testid="error" data-code={problem.code.clone()}>
                    { icon("alert") }
                    <div>
                        <p class="title">{ &problem.text }</p>
                        if !problem.next.is_empty() {
                            <p>{ &problem.next }</p>
                        }
                    </div>
                </div>
            }
        </div>
    }
}

/// How something stands, for its colour.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Tone {
    /// Nothing special.
    #[default]
    Plain,
    /// As it should be.
    Good,
    /// Something is on its way.
    Wait,
    /// Look at it.
    Warn,
    /// Wrong.
    Bad,
}

impl Tone {
    /// The class of chips and notices.
    pub fn class(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Good => "good",
            Self::Wait => "wait",
            Self::Warn => "warn",
            Self::Bad => "bad",
        }
    }
}

/// A square with an icon. Classes: `on`, `warn`, `bad`, `brass`.
pub fn badge(name: &'static str, class: &'static str) -> Html {
    html! { <span class={classes!("avatar", class)} aria-hidden="true">{ icon(name) }</span> }
}

/// A square with a name's first letter.
pub fn initial(name: &str, class: &'static str) -> Html {
    let letter = name.chars().find(|c| c.is_alphanumeric());
    let letter = letter.map(|c| c.to_uppercase().to_string());
    html! { <span class={classes!("avatar", class)} aria-hidden="true">{ letter }</span> }
}

/// A page's heading.
#[derive(Properties, PartialEq)]
pub struct PageHeadProps {
    /// The heading, and the window's title.
    pub title: AttrValue,
    /// A line above.
    #[prop_or_default]
    pub eyebrow: Html,
    /// A line below.
    #[prop_or_default]
    pub lead: Option<AttrValue>,
    /// Test hook of the heading.
    #[prop_or_default]
    pub testid: Option<AttrValue>,
    /// Buttons.
    #[prop_or_default]
    pub children: Children,
}

/// The heading. Takes the focus when the page opens, so that keyboards and screen readers start there.
#[component]
pub fn PageHead(props: &PageHeadProps) -> Html {
    let heading = use_node_ref();
    {
        let heading = heading.clone();
        use_effect_with((), move |()| {
            if let Some(element) = heading.cast::<HtmlElement>() {
                // A heading that cannot take the focus is still read.
                let _ = element.focus();
                if let Some(window) = web_sys::window() {
                    window.scroll_to_with_x_and_y(0.0, 0.0);
                }
            }
        });
    }
    use_effect_with(props.title.clone(), |title| {
        if let Some(document) = web_sys::window().and_then(|w| w.document()) {
            document.set_title(&format!("{title} · Latchkey"));
        }
    });
    html! {
        <header class="page-head">
            <div>
                { props.eyebrow.clone() }
                <h1 ref={heading} tabindex="-1" data-testid={props.testid.clone()}>{ &props.title }</h1>
                if let Some(lead) = &props.lead {
                    <p class="lead">{ lead }</p>
                }
            </div>
            if !props.children.is_empty() {
                <div class="row">{ for props.children.iter() }</div>
            }
        </header>
    }
}

/// Something is being fetched.
pub fn skeleton() -> Html {
    html! {
        <div class="stack" aria-busy="true">
            <p class="visually-hidden" role="status">{ "Loading." }</p>
            <div class="skeleton title"></div>
            <div class="skeleton tall"></div>
            <div class="skeleton tall"></div>
        </div>
    }
}

//! The app's parts: what loads at once, and what loads when an address needs it.
//!
//! The build divides the module at the functions marked here. Whatever only a part's pages reach is in that part's
//! file; what several parts reach is in a file of its own that loads with the first of them. The first visit loads
//! none of them. A part that was loaded stays.

use crate::components::{Button, ErrorNote, Gate, PageHead, skeleton};
use crate::hooks::HomeStore;
use crate::pages::{self, BulkProps};
use crate::problem::Problem;
use crate::route::Route;
use crate::state::App;
use core::future::Future;
use gloo_timers::future::TimeoutFuture;
use std::cell::RefCell;
use wasm_bindgen_futures::spawn_local;
use wasm_split_helpers::{SplitLoaderError, wasm_split};
use yew::prelude::*;

/// What shows a part's addresses.
type Pages = fn(&Route) -> Html;

/// A part.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// Signing up and in, recovery, a new home, pairing.
    Entry,
    /// A home's frame and its first page.
    Home,
    /// The list of codes.
    Codes,
    /// A home's other pages.
    Manage,
    /// Files: import, export, backup.
    Exchange,
    /// A home's people: inviting, joining, residents; hubs, locks; programs.
    People,
}

#[wasm_split(entry, fallible)]
fn entry() -> Result<Pages, Problem> {
    Ok(pages::entry)
}

#[wasm_split(home, fallible)]
fn home() -> Result<Pages, Problem> {
    Ok(pages::home)
}

#[wasm_split(codes, fallible)]
fn codes() -> Result<Pages, Problem> {
    Ok(pages::codes)
}

#[wasm_split(manage, fallible)]
fn manage() -> Result<Pages, Problem> {
    Ok(pages::manage)
}

#[wasm_split(exchange, fallible)]
fn exchange() -> Result<Pages, Problem> {
    Ok(pages::exchange)
}

#[wasm_split(manage, fallible)]
fn today_more() -> Result<fn() -> Html, Problem> {
    Ok(pages::today_more)
}

/// After so long, in ms, Today asks for what it can do without at first.
const MORE_AFTER_MS: u32 = 700;

/// What another part offers, once it is loaded.
#[hook]
fn use_later<T, F>(load: impl FnOnce() -> F + 'static) -> Option<Result<T, Problem>>
where
    T: Clone + 'static,
    F: Future<Output = Result<T, Problem>> + 'static,
{
    let loaded = use_state(|| None);
    let setter = loaded.setter();
    use_effect_with((), move |()| spawn_local(async move { setter.set(Some(load().await)) }));
    (*loaded).clone()
}

/// What Today shows once it stands: what takes the rules of the other pages to say. Those are fetched for it.
#[component]
pub fn MoreOfToday() -> Html {
    let more = use_later(|| async {
        TimeoutFuture::new(MORE_AFTER_MS).await;
        today_more().await
    });
    // Without it the page is as it was.
    more.and_then(Result::ok).map(|more| more()).unwrap_or_default()
}

#[wasm_split(manage, fallible)]
fn bulk() -> Result<fn(&BulkProps) -> Html, Problem> {
    Ok(pages::bulk)
}

/// What changes many codes at once.
#[component]
pub fn BulkBar(props: &BulkProps) -> Html {
    match use_later(bulk) {
        Some(Ok(bar)) => bar(props),
        Some(Err(problem)) => html! { <ErrorNote {problem} /> },
        None => Html::default(),
    }
}

#[wasm_split(people, fallible)]
fn people() -> Result<Pages, Problem> {
    Ok(pages::people)
}

/// Lets in who answered an invitation of this member, and replaces a home key that somebody took along.
#[wasm_split(people, fallible)]
fn tend_home(app: App, store: HomeStore) -> Result<(), Problem> {
    wasm_bindgen_futures::spawn_local(pages::tend(app, store));
    Ok(())
}

/// Does what only a member's open portal can do for the home. A failure is nothing: the next visit tries again.
pub async fn tend(app: App, store: HomeStore) {
    drop(tend_home(app, store).await);
}

impl From<SplitLoaderError> for Problem {
    fn from(_: SplitLoaderError) -> Self {
        Self::of("network.offline")
    }
}

thread_local! {
    static LOADED: RefCell<[Option<Pages>; 6]> = const { RefCell::new([None; 6]) };
}

impl Part {
    /// What shows its addresses, if it is loaded.
    fn loaded(self) -> Option<Pages> {
        LOADED.with_borrow(|loaded| loaded[self as usize])
    }

    /// Loads it.
    ///
    /// # Errors
    /// When its file cannot be fetched. Another try may succeed.
    pub async fn load(self) -> Result<(), Problem> {
        let pages = match self {
            Self::Entry => entry().await,
            Self::Home => home().await,
            Self::Codes => codes().await,
            Self::Manage => manage().await,
            Self::Exchange => exchange().await,
            Self::People => people().await,
        }?;
        LOADED.with_borrow_mut(|loaded| loaded[self as usize] = Some(pages));
        Ok(())
    }
}

/// An address within a part.
#[derive(Properties, PartialEq)]
pub struct InPartProps {
    /// The part.
    pub part: Part,
    /// The address.
    pub route: Route,
}

/// Shows an address as soon as its part is there.
#[component]
pub fn InPart(props: &InPartProps) -> Html {
    let problem = use_state(|| None::<Problem>);
    {
        let problem = problem.clone();
        use_effect_with(props.part, move |part| {
            let part = *part;
            if part.loaded().is_none() {
                spawn_local(async move {
                    match part.load().await {
                        Ok(()) => problem.set(None),
                        Err(e) => problem.set(Some(e)),
                    }
                });
            }
        });
    }
    match (props.part.loaded(), &*problem) {
        (Some(pages), _) => pages(&props.route),
        (None, Some(problem)) => {
            // A page that was open while a new release came out asks for files that are gone: it needs the new ones.
            let again = Callback::from(|()| crate::js::reload());
            html! {
                <div class="page stack loose">
                    <PageHead title="No connection" />
                    <ErrorNote problem={problem.clone()} />
                    <p><Button class="primary" icon="refresh" onclick={again}>{ "Try again" }</Button></p>
                </div>
            }
        }
        (None, None) if props.part != Part::Home && props.route.place().is_some() => {
            html! { <div class="page">{ skeleton() }</div> }
        }
        (None, None) => html! { <Gate>{ skeleton() }</Gate> },
    }
}

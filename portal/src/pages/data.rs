//! Files: codes as CSV, the encrypted backup, the archive that can be verified without a network.

mod backup;
mod preview;
mod sheet;

use crate::components::{Button, ErrorNote, PageHead, icon};
use crate::hooks::use_home;
use crate::js;
use crate::problem::Problem;
use crate::route::Tab;
use crate::view_model::{Home, exchange};
use backup::{MakeBackup, Restore};
use sheet::{Import, SaveSheet};
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;
use yew_router::prelude::*;

/// Files of this home.
#[component]
pub fn Data() -> Html {
    let home = use_home().home;
    let back = html! {
        <a class="eyebrow" href={Tab::Settings.route(&home.id).to_path()}>{ icon("back") }{ "Settings" }</a>
    };
    html! {
        <div class="page">
            <PageHead title="Data" eyebrow={back} lead="Your codes as files, out and in again." />
            <SaveSheet />
            <Import />
            <MakeBackup />
            <Restore />
            <Archive />
        </div>
    }
}

/// A file's name: the home's, the day's, and what it is.
fn file_name(home: &Home, what: &str) -> String {
    let safe: String =
        home.name().chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).take(40).collect();
    let day = latchkey_shared::exchange::typed::write_instant(home.now(), &*home.zone);
    format!("{safe}-{}-{what}", day.get(..10).unwrap_or_default())
}

/// A section of the page.
fn section(id: &'static str, title: &'static str, text: &'static str, content: Html) -> Html {
    html! {
        <section class="section" aria-labelledby={id}>
            <h2 {id}>{ title }</h2>
            <div class="card"><p class="quiet">{ text }</p>{ content }</div>
        </section>
    }
}

/// Saves the archive.
#[component]
fn Archive() -> Html {
    let home = use_home().home;
    let busy = use_state_eq(|| false);
    let problem = use_state_eq(|| None::<Problem>);
    let onclick = {
        let (busy, problem) = (busy.clone(), problem.clone());
        Callback::from(move |()| {
            let (home, busy, problem) = (home.clone(), busy.clone(), problem.clone());
            busy.set(true);
            problem.set(None);
            spawn_local(async move {
                match exchange::archive(&home).await {
                    Ok(file) => js::save_file(
                        &file_name(&home, "archive.latchkey"),
                        "application/octet-stream",
                        &file,
                    ),
                    Err(e) => problem.set(Some(e)),
                }
                busy.set(false);
            });
        })
    };
    section(
        "archive",
        "Archive",
        "Every change that anybody made and everything that the hubs reported, as it was signed. Whoever has the file can check with the command line that nothing is missing or edited. PINs are in it only sealed.",
        html! {
            <>
                <ErrorNote problem={(*problem).clone()} />
                <p><Button icon="shield" busy={*busy} {onclick} testid="archive-save">{ "Save the archive" }</Button></p>
            </>
        },
    )
}

//! Codes as CSV: saved without PINs, and read with everything that is wrong said before anything is made.

use super::preview::Preview;
use super::{file_name, section};
use crate::components::{Button, ErrorNote, icon};
use crate::hooks::use_home;
use crate::js;
use crate::problem::Problem;
use crate::view_model::exchange::{Planned, plan_import};
use latchkey_shared::exchange::csv::{CsvFault, MAX_CSV_BYTES};
use std::rc::Rc;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

/// Saves live codes as CSV.
#[component]
pub fn SaveSheet() -> Html {
    let home = use_home().home;
    let onclick = Callback::from(move |()| {
        js::save_file(&file_name(&home, "codes.csv"), "text/csv", home.codes_csv().as_bytes());
    });
    section(
        "save",
        "Codes as a table",
        "Names, doors and times of the codes that are not over, for a spreadsheet. No PINs, no links, no notes, no duress codes.",
        html! { <p><Button icon="out" {onclick} testid="csv-save">{ "Save as CSV" }</Button></p> },
    )
}

/// What was read of a file.
#[derive(Clone, PartialEq)]
enum Read {
    Plan(Rc<Vec<Planned>>),
    Faults(Rc<Vec<CsvFault>>),
}

/// Makes codes from a CSV file.
#[component]
pub fn Import() -> Html {
    let home = use_home().home;
    let input = use_node_ref();
    let read = use_state_eq(|| None::<Read>);
    let problem = use_state_eq(|| None::<Problem>);
    let onchange = {
        let (input, read, problem) = (input.clone(), read.clone(), problem.clone());
        Callback::from(move |_: Event| {
            let (home, input, read, problem) = (home.clone(), input.clone(), read.clone(), problem.clone());
            problem.set(None);
            read.set(None);
            spawn_local(async move {
                let Some(node) = input.get() else { return };
                match js::chosen_file(&node, MAX_CSV_BYTES).await {
                    Ok(Some(bytes)) => read.set(Some(match plan_import(&home, &bytes) {
                        Ok(planned) => Read::Plan(Rc::new(planned)),
                        Err(faults) => Read::Faults(Rc::new(faults)),
                    })),
                    Ok(None) => {}
                    Err(e) => problem.set(Some(e)),
                }
                // A file that was mended and is chosen again is news to the browser only then.
                clear(&input);
            });
        })
    };
    let close = {
        let (input, read) = (input.clone(), read.clone());
        Callback::from(move |()| {
            clear(&input);
            read.set(None);
        })
    };
    let content = html! {
        <>
            <div class="field">
                <label for="csv-file">{ "CSV file" }</label>
                <input ref={input} id="csv-file" class="input" type="file" accept=".csv,text/csv" {onchange} data-testid="csv-file" />
                <p class="help">{ "At most 256 codes. The headings of a saved table show what it can hold; only label and doors must be there." }</p>
            </div>
            <ErrorNote problem={(*problem).clone()} />
            { match &*read {
                None => Html::default(),
                Some(Read::Plan(planned)) => html! { <Preview planned={planned.clone()} onclose={close} /> },
                Some(Read::Faults(faults)) => fault_list(faults),
            } }
        </>
    };
    section(
        "import",
        "Codes from a table",
        "Nothing is made before you have seen it. New PINs are made for all of them.",
        content,
    )
}

fn clear(input: &NodeRef) {
    if let Some(input) = input.cast::<web_sys::HtmlInputElement>() {
        input.set_value("");
    }
}

fn fault_list(faults: &[CsvFault]) -> Html {
    html! {
        <div class="notice bad" role="alert" data-testid="csv-faults">
            { icon("alert") }
            <div>
                <p class="title">{ "Nothing was imported. Mend this and choose the file again:" }</p>
                <ul class="small">
                    { for faults.iter().map(|fault| html! {
                        <li data-testid="csv-fault" data-row={fault.row.to_string()} data-code={fault.code}>{ fault.to_string() }</li>
                    }) }
                </ul>
            </div>
        </div>
    }
}

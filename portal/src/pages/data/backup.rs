//! The encrypted backup: made under the recovery kit, and brought back into this home.

use super::preview::Preview;
use super::{file_name, section};
use crate::components::{Button, ErrorNote, Field, icon};
use crate::hooks::use_home;
use crate::js;
use crate::problem::Problem;
use crate::state::use_app;
use crate::view_model::exchange::{self, Planned};
use latchkey_shared::exchange::backup::MAX_BACKUP_BYTES;
use std::rc::Rc;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

/// Saves a backup.
#[component]
pub fn MakeBackup() -> Html {
    let (app, home) = (use_app(), use_home().home);
    let kit = use_state_eq(String::new);
    let busy = use_state_eq(|| false);
    let problem = use_state_eq(|| None::<Problem>);
    let lacks = use_state_eq(|| None::<usize>);
    let onsubmit = {
        let (kit, busy, problem, lacks) = (kit.clone(), busy.clone(), problem.clone(), lacks.clone());
        Callback::from(move |e: SubmitEvent| {
            e.prevent_default();
            let Some(signed) = app.signed() else { return };
            let (home, kit, busy, problem, lacks) =
                (home.clone(), kit.clone(), busy.clone(), problem.clone(), lacks.clone());
            busy.set(true);
            problem.set(None);
            spawn_local(async move {
                match exchange::back_up(&home, &signed.account, &kit).await {
                    Ok((file, closed)) => {
                        js::save_file(
                            &file_name(&home, "backup.latchkey"),
                            "application/octet-stream",
                            &file,
                        );
                        kit.set(String::new());
                        lacks.set(Some(closed));
                    }
                    Err(e) => problem.set(Some(e)),
                }
                busy.set(false);
            });
        })
    };
    let content = html! {
        <form class="stack" {onsubmit}>
            { kit_field("backup-kit", &kit, "The file opens with this kit alone, also after you made a newer one: keep its paper as long as the file.") }
            <ErrorNote problem={(*problem).clone()} />
            if let Some(closed) = *lacks {
                <div class="notice good" role="status" data-testid="backup-saved">
                    { icon("check-circle") }
                    <p>{ if closed == 0 { "Saved, with every code that is not over.".to_owned() } else { format!("Saved. {closed} codes are not in it, because you cannot read their PINs.") } }</p>
                </div>
            }
            <p><Button submit={true} icon="kit" busy={*busy} testid="backup-save">{ "Save a backup" }</Button></p>
        </form>
    };
    section(
        "backup",
        "Backup with PINs",
        "All codes with their PINs, encrypted with your recovery kit on this device. Nobody else can open it, Latchkey’s server included.",
        content,
    )
}

/// Brings a backup back.
#[component]
pub fn Restore() -> Html {
    let home = use_home().home;
    let input = use_node_ref();
    let kit = use_state_eq(String::new);
    let busy = use_state_eq(|| false);
    let problem = use_state_eq(|| None::<Problem>);
    let plan = use_state_eq(|| None::<(Rc<Vec<Planned>>, Rc<Vec<(String, String)>>)>);
    let onsubmit = {
        let (input, kit, busy, problem, plan) =
            (input.clone(), kit.clone(), busy.clone(), problem.clone(), plan.clone());
        Callback::from(move |e: SubmitEvent| {
            e.prevent_default();
            let (home, input, kit) = (home.clone(), input.clone(), kit.clone());
            let (busy, problem, plan) = (busy.clone(), problem.clone(), plan.clone());
            busy.set(true);
            problem.set(None);
            plan.set(None);
            spawn_local(async move {
                let Some(node) = input.get() else { return };
                let planned = async {
                    let missing = || {
                        Problem::new("file.none".into(), "Choose the backup’s file.".into(), String::new())
                    };
                    let file = js::chosen_file(&node, MAX_BACKUP_BYTES).await?.ok_or_else(missing)?;
                    exchange::plan_restore(&home, &file, &kit).await
                };
                match planned.await {
                    Ok((planned, left)) => plan.set(Some((Rc::new(planned), Rc::new(left)))),
                    Err(e) => problem.set(Some(e)),
                }
                busy.set(false);
            });
        })
    };
    let close = {
        let (plan, kit) = (plan.clone(), kit.clone());
        Callback::from(move |()| {
            kit.set(String::new());
            plan.set(None);
        })
    };
    let content = html! {
        <>
            <form class="stack" {onsubmit}>
                <div class="field">
                    <label for="restore-file">{ "Backup file" }</label>
                    <input ref={input} id="restore-file" class="input" type="file" accept=".latchkey" data-testid="restore-file" />
                </div>
                { kit_field("restore-kit", &kit, "The kit that was yours when the backup was made. It may be another account’s.") }
                <ErrorNote problem={(*problem).clone()} />
                <p><Button submit={true} busy={*busy} testid="restore-open">{ "See what is in it" }</Button></p>
            </form>
            if let Some((planned, left)) = (*plan).clone() {
                <Preview {planned} {left} onclose={close} />
            }
        </>
    };
    section(
        "restore",
        "Bring a backup back",
        "Into this home, also if it is a new one: codes come back on the doors of the same names, with their PINs. Nothing is made before you have seen it.",
        content,
    )
}

fn kit_field(id: &'static str, kit: &UseStateHandle<String>, help: &'static str) -> Html {
    let setter = kit.setter();
    html! {
        <Field {id} label="Recovery kit" value={(**kit).clone()} oninput={Callback::from(move |text| setter.set(text))} {help} class="code" maxlength={64} testid={id} />
    }
}

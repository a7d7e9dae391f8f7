//! Another role for a member.

use super::{PersonProps, afterwards};
use crate::components::{Button, ErrorNote, icon};
use crate::hooks::use_home;
use crate::js;
use crate::pages::people::{RoleDraft, RoleForm};
use crate::problem::Problem;
use crate::state::use_app;
use crate::view_model::people::role_title;
use latchkey_shared::chain::op::Role;
use latchkey_shared::compose::Composer;
use latchkey_shared::id::KeyId;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

/// Another role.
#[component]
pub fn ChangeRole(props: &PersonProps) -> Html {
    let app = use_app();
    let ctx = use_home();
    let open = use_state_eq(|| false);
    let member = ctx.home.chain.members().get(&props.id).cloned();
    let draft = {
        let role = member.as_ref().map(|member| member.role.clone());
        use_state_eq(move || role.as_ref().map_or_else(RoleDraft::new, RoleDraft::of))
    };
    let busy = use_state_eq(|| false);
    let problem = use_state_eq(|| None::<Problem>);
    let Some(member) = member else { return Html::default() };
    let toggle = {
        let (open, draft, role) = (open.clone(), draft.clone(), member.role.clone());
        Callback::from(move |()| {
            draft.set(RoleDraft::of(&role));
            open.set(!*open);
        })
    };
    let change = |composer: &Composer<'_>, id: KeyId, role: Role| {
        composer.change_role(id, role, &mut js::rng()).map_err(|e| Problem::coded(&e))
    };
    let preview = draft.role().ok().and_then(|role| change(&ctx.home.composer(), props.id, role).ok());
    let onsubmit = {
        let (store, id, draft) = (ctx.store.clone(), props.id, draft.clone());
        let (open, busy, problem, name) =
            (open.clone(), busy.clone(), problem.clone(), member.key.name.clone());
        Callback::from(move |e: SubmitEvent| {
            e.prevent_default();
            let role = match draft.role() {
                Ok(role) if !*busy => role,
                Ok(_) => return,
                Err(e) => return problem.set(Some(e)),
            };
            let (app, store, name) = (app.clone(), store.clone(), name.clone());
            let (open, busy, problem) = (open.clone(), busy.clone(), problem.clone());
            busy.set(true);
            problem.set(None);
            spawn_local(async move {
                let title = role_title(&role).to_lowercase();
                let done =
                    store.change(|c| change(c, id, role.clone()).map(|removal| (removal.change, ()))).await;
                busy.set(false);
                match done {
                    Ok(()) => {
                        open.set(false);
                        app.toast(format!(
                            "{name} is {} {title} now.",
                            if title == "owner" { "an" } else { "a" }
                        ));
                    }
                    Err(e) => problem.set(Some(e)),
                }
            });
        })
    };
    let set = {
        let draft = draft.clone();
        Callback::from(move |value| draft.set(value))
    };
    html! {
        <section class="section" aria-labelledby="role">
            <h2 id="role">{ "What they may do" }</h2>
            if *open {
                <form class="form card" {onsubmit}>
                    <RoleForm value={(*draft).clone()} onchange={set} />
                    if let Some(text) = preview.as_ref().and_then(afterwards) {
                        <p class="notice warn">{ icon("key") }<span>{ "They lose sight of the home’s PINs, and the home’s key is replaced. " }{ text }</span></p>
                    }
                    <ErrorNote problem={(*problem).clone()} />
                    <div class="row">
                        <Button submit={true} class="primary" busy={*busy} testid="role-save">{ "Save" }</Button>
                        <Button class="ghost" onclick={toggle}>{ "Keep it as it is" }</Button>
                    </div>
                </form>
            } else {
                <p><Button icon="pen" onclick={toggle} testid="role-change">{ "Change the role" }</Button></p>
            }
        </section>
    }
}

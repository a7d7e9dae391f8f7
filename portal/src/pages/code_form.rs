//! Making and editing a code on one screen: who, which doors, when. The PIN is made to fit, or stays.

mod doors;
mod more;
mod pin;
mod preview;
mod when;
mod who;

use crate::api::homes;
use crate::components::{Button, ErrorNote, PageHead, badge, icon};
use crate::hooks::{HomeCtx, use_home, use_tick};
use crate::problem::Problem;
use crate::route::{Route, Tab};
use crate::state::{App, use_app};
use crate::view_model::form::{Base, Edit, Form, Saved};
use crate::view_model::{Home, short_time};
use latchkey_shared::id::GrantId;
use latchkey_shared::schedule::describe;
use std::rc::Rc;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;
use yew_router::prelude::*;

/// What the form's fields give their changes to.
type Edits = UseReducerDispatcher<Form>;

/// A callback that changes the form.
fn edit(edits: &Edits, change: impl Fn(&mut Form) + Clone + 'static) -> Callback<()> {
    let edits = edits.clone();
    Callback::from(move |()| edits.dispatch(Edit::new(change.clone())))
}

/// A callback that puts text into the form.
fn text(edits: &Edits, change: fn(&mut Form, String)) -> Callback<String> {
    let edits = edits.clone();
    Callback::from(move |text: String| {
        edits.dispatch(Edit::new(move |form| change(form, text.clone())));
    })
}

/// A new code.
#[component]
pub fn NewCode() -> Html {
    let home = use_home().home;
    if home.reports.is_empty() {
        return no_doors();
    }
    html! { <CodeForm /> }
}

fn no_doors() -> Html {
    html! {
        <div class="page">
            <PageHead title="New code" />
            <div class="card empty">
                { badge("door", "") }
                <h2>{ "No doors yet" }</h2>
                <p>{ "Pair a hub first, and wait until it has reported its doors." }</p>
                <a class="btn primary" href={Route::Pair.to_path()}>{ "Pair a hub" }</a>
            </div>
        </div>
    }
}

/// Which code is edited.
#[derive(Properties, PartialEq)]
pub struct EditProps {
    /// Its id.
    pub grant: GrantId,
}

/// A code that exists.
#[component]
pub fn EditCode(props: &EditProps) -> Html {
    let home = use_home().home;
    // What was typed outlives a revocation by somebody else.
    let known = use_memo(props.grant, |id| home.grants.get(id).is_some_and(|put| put.revoked.is_none()));
    if !*known {
        return html! {
            <div class="page">
                <PageHead title="No such code" lead="It is revoked, or belongs to another home. A revoked code never returns: make a new one." />
                <p><a class="btn" href={Tab::Codes.route(&home.id).to_path()}>{ "All codes" }</a></p>
            </div>
        };
    }
    html! { <CodeForm grant={props.grant} /> }
}

#[derive(Properties, PartialEq)]
struct FormProps {
    /// The code that is edited; none: a new one.
    #[prop_or_default]
    grant: Option<GrantId>,
}

/// Reads back the note of a code's link: only its guest and this member can.
async fn read_note(home: &Home, id: GrantId) -> Option<String> {
    let secret = home.composer().open_link(&home.grants.get(&id)?.grant)?;
    homes::link_note(&secret).await.ok()
}

async fn save(ctx: &HomeCtx, form: &Form, base: Option<&Base>) -> Result<Option<Saved>, Problem> {
    let home = &ctx.home;
    match base {
        None => ctx.store.change(form.make(home)?).await.map(Some),
        Some(base) => match form.edit(home, base)? {
            Some(compose) => ctx.store.change(compose).await.map(Some),
            None => Ok(None),
        },
    }
}

fn tell(app: &App, saved: Option<&Saved>, existing: bool) {
    app.toast(match (saved, existing) {
        (None, _) => "Nothing was changed.",
        (Some(Saved { new_link: true, .. }), true) => "Saved. It has a new link: share it once more.",
        (Some(_), true) => "Saved. The hub brings the doors up to date.",
        (Some(_), false) => "Saved. The hub puts it on the doors.",
    });
}

#[component]
fn CodeForm(props: &FormProps) -> Html {
    use_tick(30);
    let app = use_app();
    let ctx = use_home();
    let home = ctx.home.clone();
    let navigator = use_navigator();
    let newest = props.grant.and_then(|id| home.grants.get(&id).cloned());
    let base = use_state_eq(|| newest.as_ref().map(|put| Base { grant: put.grant.clone(), note: None }));
    let form = use_reducer(|| match &*base {
        Some(base) => Form::of(&home, &base.grant),
        None => Form::new(&home),
    });
    let more_open = use_state_eq(|| more::used(&form));
    let busy = use_state_eq(|| false);
    let problem = use_state_eq(|| None::<Problem>);
    let edits = form.dispatcher();
    use_note(props.grant, &home, &base, &edits);
    let onsubmit = {
        let (app, ctx, navigator) = (app.clone(), ctx.clone(), navigator.clone());
        let (form, base, busy, problem) = (form.clone(), base.clone(), busy.clone(), problem.clone());
        Callback::from(move |e: SubmitEvent| {
            e.prevent_default();
            if *busy {
                return;
            }
            let (app, ctx, navigator) = (app.clone(), ctx.clone(), navigator.clone());
            let (form, base, busy, problem) = (form.clone(), base.clone(), busy.clone(), problem.clone());
            busy.set(true);
            problem.set(None);
            spawn_local(async move {
                match save(&ctx, &form, (*base).as_ref()).await {
                    Ok(saved) => {
                        tell(&app, saved.as_ref(), base.is_some());
                        let id = saved.map(|saved| saved.id).or(base.as_ref().map(|base| base.grant.id));
                        if let Some((navigator, id)) = navigator.zip(id) {
                            let home = ctx.home.id.to_string();
                            navigator.push(&Route::Code { home, grant: id.to_string() });
                        }
                    }
                    Err(e) => {
                        busy.set(false);
                        problem.set(Some(e));
                    }
                }
            });
        })
    };
    let existing = base.is_some();
    let title = if existing { "Edit code" } else { "New code" };
    let back = (*base).as_ref().map(|base| {
        let to = Route::Code { home: home.id.to_string(), grant: base.grant.id.to_string() };
        html! { <a class="eyebrow" href={to.to_path()}>{ icon("back") }{ base.grant.label.clone() }</a> }
    });
    let keepable = (*base).as_ref().is_some_and(|base| home.open_pin(&base.grant).is_some());
    html! {
        <div class="page">
            <PageHead {title} eyebrow={back.unwrap_or_default()} />
            if !*busy { { changed_meanwhile(&home, &base, &edits) } }
            <form class="maker" {onsubmit}>
                <div class="stack">
                    { who::who(&home, &form, &edits, existing) }
                    { doors::doors(&home, &form, &edits) }
                    { when::when(&form, &edits, home.zone.name().as_str()) }
                    { more::more(&form, &edits, *more_open) }
                    <pin::PinFields home={home.clone()} edited={props.grant} {keepable} locks={form.locks.clone()} choice={form.pin} typed={form.typed.clone()} {edits} />
                </div>
                <aside class="summary" aria-label="Summary">
                    <div class="stack tight">
                        { preview::preview(&home, &form) }
                        { doors::chosen(&home, &form) }
                    </div>
                    <ErrorNote problem={(*problem).clone()} />
                    <Button submit={true} class="primary big block" busy={*busy} testid="code-save"><span>{ if existing { "Save changes" } else { "Save code" } }</span></Button>
                </aside>
            </form>
        </div>
    }
}

/// Fills in the note as soon as it is read, unless one was typed by then.
#[hook]
fn use_note(grant: Option<GrantId>, home: &Rc<Home>, base: &UseStateHandle<Option<Base>>, edits: &Edits) {
    let (home, base, edits) = (home.clone(), base.clone(), edits.clone());
    use_effect_with(grant, move |grant| {
        let Some(id) = *grant else { return };
        if home.grants.get(&id).is_none_or(|put| put.grant.link.is_none()) {
            return;
        }
        spawn_local(async move {
            let Some(note) = read_note(&home, id).await else {
                return edits.dispatch(Edit::new(|form| form.note_lost = true));
            };
            base.set((*base).clone().map(|base| Base { note: Some(note.clone()), ..base }));
            edits.dispatch(Edit::new(move |form| {
                if form.note.is_empty() {
                    form.note.clone_from(&note);
                }
            }));
        });
    });
}

/// Says that somebody else changed the code since the form was filled, and lets one decide. What was typed stays.
fn changed_meanwhile(home: &Rc<Home>, base: &UseStateHandle<Option<Base>>, edits: &Edits) -> Html {
    let Some(old) = (**base).clone() else { return Html::default() };
    let Some(newest) = home.grants.get(&old.grant.id).cloned() else { return Html::default() };
    if let Some(at) = newest.revoked.map(|place| place.at) {
        return html! {
            <div class="notice bad" role="alert" data-testid="edit-revoked">
                { icon("alert") }
                <div><p class="title">{ format!("This code was revoked {}", short_time(home, at)) }</p>
                <p>{ "It never returns. What you typed can only go into a new code." }</p></div>
            </div>
        };
    }
    if newest.grant.rev == old.grant.rev {
        return Html::default();
    }
    let (by, at) = (home.key_name(&newest.signer), short_time(home, newest.put.at));
    let theirs = describe(&newest.grant.validity(), &*home.zone, &home.style);
    let newer = Base { grant: newest.grant.clone(), note: old.note.clone() };
    let keep = {
        let (base, newer) = (base.clone(), newer.clone());
        Callback::from(move |()| base.set(Some(newer.clone())))
    };
    let take = {
        let (base, edits, home) = (base.clone(), edits.clone(), home.clone());
        Callback::from(move |()| {
            let filled = Form::of(&home, &newer.grant);
            let note = newer.note.clone().unwrap_or_default();
            edits.dispatch(Edit::new(move |form| *form = Form { note: note.clone(), ..filled.clone() }));
            base.set(Some(newer.clone()));
        })
    };
    html! {
        <div class="notice warn" role="alert" data-testid="edit-conflict">
            { icon("alert") }
            <div>
                <p class="title">{ format!("{by} changed this code {at}") }</p>
                <p>{ format!("Their version: {}. {theirs}.", newest.grant.label) }</p>
                <div class="row">
                    <Button class="small" onclick={keep} testid="conflict-mine">{ "Go on with mine" }</Button>
                    <Button class="small" onclick={take} testid="conflict-theirs">{ "Start from theirs" }</Button>
                </div>
            </div>
        </div>
    }
}

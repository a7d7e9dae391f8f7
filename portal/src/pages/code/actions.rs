//! What can be done with a code without leaving its page: another end, a pause, the end now.

use crate::components::{Button, Dialog, ErrorNote, Field};
use crate::hooks::{HomeStore, use_home};
use crate::js;
use crate::problem::Problem;
use crate::route::Route;
use crate::state::{App, use_app};
use crate::view_model::when::{date_time_text, parse_date_time};
use crate::view_model::{Home, Put};
use latchkey_shared::compose::{Change, Composer, ForGuest, NewEnd};
use latchkey_shared::grant::{Grant, GrantKind};
use latchkey_shared::id::GrantId;
use latchkey_shared::schedule::{Moment, format_instant};
use latchkey_shared::time::{Seconds, Timestamp};
use latchkey_shared::zone::Zone;
use std::rc::Rc;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;
use yew_router::prelude::*;

/// Which work is being done.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Work {
    Hour,
    Day,
    Until,
    Endless,
    Pause,
    End,
}

/// Which code.
#[derive(Properties, PartialEq)]
pub struct ActionsProps {
    /// Its id.
    pub grant: GrantId,
}

/// What gives a code another end with the same PIN, as long as it is what the page showed.
fn another_end(
    home: &Home,
    shown: &Grant,
    end: NewEnd,
) -> impl Fn(&Composer<'_>) -> Result<Change, Problem> + use<> {
    let doors = shown.locks.iter().map(|lock| home.lock_name(lock)).collect();
    let words = ForGuest { doors, note: String::new() };
    let (id, rev) = (shown.id, shown.rev);
    move |composer| {
        // Somebody else ended or changed it in between: whoever pressed this is to see that first.
        if composer.chain.grants().get(&id).is_some_and(|entry| entry.grant.rev != rev) {
            return Err(changed_meanwhile());
        }
        let made = composer.extend(&id, end, Some(&words), &mut js::rng()).map_err(|e| Problem::coded(&e))?;
        Ok(made.change)
    }
}

fn changed_meanwhile() -> Problem {
    Problem::new(
        "code.changed".into(),
        "Somebody else changed this code just now. Look at it, then choose again.".into(),
        String::new(),
    )
}

#[derive(Clone)]
struct Desk {
    app: App,
    store: HomeStore,
    home: Rc<Home>,
    busy: UseStateHandle<Option<Work>>,
    problem: UseStateHandle<Option<Problem>>,
}

impl Desk {
    fn run(
        &self,
        work: Work,
        done: String,
        compose: impl Fn(&Composer<'_>) -> Result<Change, Problem> + 'static,
        after: Callback<()>,
    ) {
        if self.busy.is_some() {
            return;
        }
        let desk = self.clone();
        desk.busy.set(Some(work));
        desk.problem.set(None);
        spawn_local(async move {
            let compose = |composer: &Composer<'_>| compose(composer).map(|change| (change, ()));
            let result = desk.store.change(compose).await;
            desk.busy.set(None);
            match result {
                Ok(()) => {
                    desk.app.toast(done);
                    after.emit(());
                }
                Err(e) => desk.problem.set(Some(e)),
            }
        });
    }

    fn set_end(&self, work: Work, grant: &Grant, end: Option<Timestamp>, after: Callback<()>) {
        let home = &self.home;
        let over = grant.end().is_some_and(|end| end <= home.now());
        let new_link = over && grant.link.is_some();
        let ends = end.map_or("has no end".to_owned(), |end| {
            format!("ends {}", format_instant(end, &*home.zone, &home.style))
        });
        let link = if new_link { " It has a new link: share it once more." } else { "" };
        let done = format!("{} now {ends}.{link}", grant.label);
        let end = NewEnd { to: end, first_used: home.first_used(&grant.id) };
        self.run(work, done, another_end(home, grant, end), after);
    }
}

/// What can be done with a code.
#[component]
pub fn Actions(props: &ActionsProps) -> Html {
    let (app, ctx) = (use_app(), use_home());
    let home = ctx.home.clone();
    let busy = use_state_eq(|| None::<Work>);
    let problem = use_state_eq(|| None::<Problem>);
    let until = use_state_eq(|| None::<String>);
    let ending = use_state_eq(|| false);
    let Some(put) = home.grants.get(&props.grant).filter(|put| put.revoked.is_none()).cloned() else {
        return Html::default();
    };
    let (grant, now) = (&put.grant, home.now());
    let over = home.validity(grant).term().1.is_some_and(|end| end <= now);
    let desk = Desk { app, store: ctx.store.clone(), home: home.clone(), busy, problem };
    let edit = Route::EditCode { home: home.id.to_string(), grant: grant.id.to_string() };
    html! {
        <section class="card" aria-labelledby="change">
            <div class="row apart">
                <h2 id="change">{ if over { "It is over" } else { "Change it" } }</h2>
                <a class="btn small" href={edit.to_path()} data-testid="code-edit">{ crate::components::icon("pen") }{ "Edit" }</a>
            </div>
            { end_buttons(&desk, &put, &until) }
            if !over {
                <div class="row">
                    { pause_button(&desk, grant) }
                    if !matches!(home.validity(grant).state_at(now, &*home.zone), Moment::NotYet { .. }) {
                        <Button onclick={ { let ending = ending.clone(); Callback::from(move |()| ending.set(true)) } } icon="out" testid="code-end">{ "End now" }</Button>
                    }
                </div>
            }
            <ErrorNote problem={(*desk.problem).clone().filter(|_| until.is_none() && !*ending)} />
            { until_dialog(&desk, &put, &until) }
            { end_dialog(&desk, grant, &ending) }
        </section>
    }
}

/// An hour more, a day more, or until a moment, with the same PIN.
fn end_buttons(desk: &Desk, put: &Rc<Put>, until: &UseStateHandle<Option<String>>) -> Html {
    let (home, grant) = (&desk.home, &put.grant);
    let now = home.now();
    let ends = home.validity(grant).expires;
    let longer = |work: Work, by: Seconds| {
        let (desk, put) = (desk.clone(), put.clone());
        Callback::from(move |()| {
            let end = ends.unwrap_or(now).max(desk.home.now()).saturating_add(by);
            desk.set_end(work, &put.grant, Some(end), Callback::noop());
        })
    };
    let open = {
        let (until, home) = (until.clone(), home.clone());
        let shown = ends.filter(|end| *end > now).unwrap_or(now.saturating_add(Seconds::days(1)));
        Callback::from(move |()| until.set(Some(date_time_text(home.zone.to_local(shown)))))
    };
    let endless = {
        let (desk, put) = (desk.clone(), put.clone());
        Callback::from(move |()| desk.set_end(Work::Endless, &put.grant, None, Callback::noop()))
    };
    let end = match ends {
        None => "It has no end.".to_owned(),
        Some(end) => {
            let verb = if end <= now { "It ended" } else { "It ends" };
            format!("{verb} {}. Another end keeps the PIN.", format_instant(end, &*home.zone, &home.style))
        }
    };
    let busy = *desk.busy;
    html! {
        <div class="stack tight">
            <p class="quiet small" data-testid="code-ends" data-ends={ends.map(|end| end.0.to_string())}>{ end }</p>
            <div class="row">
                if ends.is_some() {
                    <Button icon="plus" busy={busy == Some(Work::Hour)} onclick={longer(Work::Hour, Seconds::hours(1))} testid="extend-hour" label="One hour more">{ "1 hour" }</Button>
                    <Button icon="plus" busy={busy == Some(Work::Day)} onclick={longer(Work::Day, Seconds::days(1))} testid="extend-day" label="One day more">{ "1 day" }</Button>
                }
                <Button onclick={open} testid="extend-until">{ "Until…" }</Button>
                if ends.is_some() && grant.kind != GrantKind::Guest {
                    <Button busy={busy == Some(Work::Endless)} onclick={endless} testid="extend-endless">{ "No end" }</Button>
                }
            </div>
        </div>
    }
}

fn pause_button(desk: &Desk, grant: &Grant) -> Html {
    let suspend = !grant.suspended;
    let (desk, label, id) = (desk.clone(), grant.label.clone(), grant.id);
    let busy = *desk.busy == Some(Work::Pause);
    let onclick = Callback::from(move |()| {
        let done = if suspend { "is suspended. It keeps its PIN." } else { "goes on." };
        let compose = move |composer: &Composer<'_>| {
            let made = composer.suspend(&id, suspend, &mut js::rng());
            made.map(|made| made.change).map_err(|e| Problem::coded(&e))
        };
        desk.run(Work::Pause, format!("{label} {done}"), compose, Callback::noop());
    });
    let (icon, text, hook) =
        if suspend { ("pause", "Suspend", "code-suspend") } else { ("unlock", "Resume", "code-resume") };
    html! { <Button {icon} {busy} {onclick} testid={hook}><span>{ text }</span></Button> }
}

fn until_dialog(desk: &Desk, put: &Rc<Put>, until: &UseStateHandle<Option<String>>) -> Html {
    let close = {
        let (until, problem) = (until.clone(), desk.problem.clone());
        Callback::from(move |()| {
            problem.set(None);
            until.set(None);
        })
    };
    let oninput = {
        let until = until.clone();
        Callback::from(move |text| until.set(Some(text)))
    };
    let save = {
        let (desk, put, until, close) = (desk.clone(), put.clone(), until.clone(), close.clone());
        Callback::from(move |()| {
            let home = &desk.home;
            let typed = parse_date_time(until.as_deref().unwrap_or_default());
            let end = typed.map(|local| home.zone.resolve(local).end());
            let past = || {
                Problem::new(
                    "schedule.past".into(),
                    "Choose an end that is still to come.".into(),
                    String::new(),
                )
            };
            match end.and_then(|end| if end > home.now() { Ok(end) } else { Err(past()) }) {
                Ok(end) => desk.set_end(Work::Until, &put.grant, Some(end), close.clone()),
                Err(e) => desk.problem.set(Some(e)),
            }
        })
    };
    let actions = html! {
        <>
            <Button class="ghost" onclick={close.clone()}>{ "Cancel" }</Button>
            <Button class="primary" busy={*desk.busy == Some(Work::Until)} onclick={save} testid="until-save">{ "Save" }</Button>
        </>
    };
    html! {
        <Dialog open={until.is_some()} title={format!("Until when, {}?", put.grant.label)} onclose={close} {actions}>
            <Field id="until-at" label="Until" kind="datetime-local" value={(**until).clone().unwrap_or_default()} {oninput} testid="until-at"
                help={format!("Earlier or later than now set, in the home’s zone, {}. The PIN stays.", desk.home.zone.name())} />
            <ErrorNote problem={(*desk.problem).clone()} />
        </Dialog>
    }
}

fn end_dialog(desk: &Desk, grant: &Grant, ending: &UseStateHandle<bool>) -> Html {
    let close = {
        let (ending, problem) = (ending.clone(), desk.problem.clone());
        Callback::from(move |()| {
            problem.set(None);
            ending.set(false);
        })
    };
    let end = {
        let (desk, label, id, close) = (desk.clone(), grant.label.clone(), grant.id, close.clone());
        Callback::from(move |()| {
            let compose = move |composer: &Composer<'_>| {
                composer.end_now(&id, &mut js::rng()).map_err(|e| Problem::coded(&e))
            };
            desk.run(Work::End, format!("{label} has ended."), compose, close.clone());
        })
    };
    let actions = html! {
        <>
            <Button class="ghost" onclick={close.clone()}>{ "Keep it" }</Button>
            <Button class="danger solid" busy={*desk.busy == Some(Work::End)} onclick={end} testid="code-end-confirm">{ "End now" }</Button>
        </>
    };
    html! {
        <Dialog open={**ending} title={format!("End {} now?", grant.label)} onclose={close} {actions}>
            <p>{ "The hub takes it off the doors at once. Later you can give it another end, with the same PIN; a guest then needs a new link." }</p>
            <ErrorNote problem={(*desk.problem).clone()} />
        </Dialog>
    }
}

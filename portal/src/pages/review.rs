//! What needs care in a home that has been lived in for a while: each thing with one action that settles it.

use crate::components::{Button, Dialog, ErrorNote, Field, PageHead, badge, icon, skeleton};
use crate::hooks::{HomeStore, use_home};
use crate::problem::Problem;
use crate::route::{Route, Tab};
use crate::state::{Action, App, ToastAction, use_app};
use crate::view_model::care::{FINE_FOR, REMIND_EVERY, Weak, key, weak_pins};
use crate::view_model::mend::{self, Again};
use crate::view_model::{Home, since_words};
use latchkey_shared::care::CareItem;
use latchkey_shared::grant::name_ok;
use latchkey_shared::id::{GrantId, KeyId};
use latchkey_shared::time::{Seconds, Timestamp};
use std::rc::Rc;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;
use yew_router::prelude::*;

/// What the review says of an item.
struct Words {
    icon: &'static str,
    tone: &'static str,
    kind: &'static str,
    title: String,
    text: String,
}

fn label(home: &Home, grant: &GrantId) -> String {
    home.grants.get(grant).map_or_else(|| "A code".into(), |put| put.grant.label.clone())
}

fn words(home: &Home, item: &CareItem) -> Words {
    let now = home.now();
    let since = |t: Timestamp| since_words(t, now);
    let say = |icon, tone, kind, title: String, text: String| Words { icon, tone, kind, title, text };
    match item {
        CareItem::StillOnLock { grant, lock, since: t } => say(
            "alert",
            "bad",
            "still",
            format!("{} may still open {}", label(home, grant), home.lock_name(lock)),
            format!("It is wanted off since {}, and the lock has not confirmed that it is.", since(*t)),
        ),
        CareItem::WeakPin { grant, broken } => say(
            "key",
            "warn",
            "weak",
            format!("{}: the PIN is easy to guess", label(home, grant)),
            // The rule's own hint speaks to somebody who chooses a PIN.
            format!("It breaks a rule that holds today. {}", broken.hint()),
        ),
        CareItem::OldPrimary { grant, since: t } => say(
            "clock",
            "warn",
            "old",
            format!("{}: the same PIN for long", label(home, grant)),
            format!("It was chosen {}, and it opens everything.", since(*t)),
        ),
        CareItem::Unused { grant, since: t } => say(
            "moon",
            "",
            "unused",
            format!("{} is not used", label(home, grant)),
            format!("Nobody typed it since {}. A code that nobody needs is best gone.", since(*t)),
        ),
        CareItem::Shared { grant } => say(
            "people",
            "",
            "shared",
            format!("{} is nobody’s in particular", label(home, grant)),
            "Say whose it is, so that the activity tells who came.".into(),
        ),
        CareItem::SameName { grants } => say(
            "pen",
            "",
            "name",
            format!("{} codes are called {}", grants.len(), grants.first().map(|id| label(home, id)).unwrap_or_default()),
            "Nobody can tell them apart in a list. Give them clear names.".into(),
        ),
    }
}

/// What is asked before something is done.
#[derive(Clone, PartialEq)]
enum Asking {
    Pin(GrantId),
    Revoke(GrantId),
    Holder(GrantId),
    Names(Vec<GrantId>),
}

/// What needs care.
#[component]
pub fn Review() -> Html {
    let ctx = use_home();
    let home = ctx.home.clone();
    let weak = use_state(|| None::<Rc<Weak>>);
    let asking = use_state_eq(|| None::<Asking>);
    let memory = use_state_eq(|| home.care_memory());
    {
        let (home, weak) = (home.clone(), weak.setter());
        use_effect_with(home.chain.seq(), move |_| {
            spawn_local(async move { weak.set(Some(Rc::new(weak_pins(home).await))) });
        });
    }
    let now = home.now();
    let items = weak.as_ref().map(|weak| home.review(weak));
    {
        // Whoever looks at them here is not reminded of them for a month.
        let (home, keys) = (home.clone(), items.as_ref().map(|items| items.iter().map(key).collect::<Vec<_>>()));
        use_effect_with(keys, move |keys| {
            if let Some(keys) = keys {
                let mut memory = home.care_memory();
                memory.seen(keys, home.now());
                home.remember_care(&memory);
            }
        });
    }
    let quiet = {
        let (home, memory) = (home.clone(), memory.clone());
        Callback::from(move |(key, span): (String, Seconds)| {
            let mut new = home.care_memory();
            new.quiet(&key, home.now().saturating_add(span));
            home.remember_care(&new);
            memory.set(new);
        })
    };
    let close = {
        let asking = asking.clone();
        Callback::from(move |()| asking.set(None))
    };
    let ask = {
        let asking = asking.clone();
        Callback::from(move |what: Asking| asking.set(Some(what)))
    };
    let (shown, left_alone) = match &items {
        None => (vec![], 0),
        Some(items) => {
            let settled = |item: &&CareItem| {
                !matches!(item, CareItem::StillOnLock { .. }) && memory.is_quiet(&key(item), now)
            };
            let quiet = items.iter().filter(settled).count();
            (items.iter().filter(|item| !settled(item)).cloned().collect::<Vec<_>>(), quiet)
        }
    };
    let again = {
        let (home, memory) = (home.clone(), memory.clone());
        Callback::from(move |()| {
            home.remember_care(&Default::default());
            memory.set(Default::default());
        })
    };
    html! {
        <div class="page">
            <PageHead title="Review" lead="What could use a look, and one step that settles each." eyebrow={html! {
                <a class="eyebrow" href={Tab::Codes.route(&home.id).to_path()}>{ icon("back") }{ "Codes" }</a>
            }} />
            if items.is_none() {
                { skeleton() }
            } else if shown.is_empty() {
                <p class="all-good" data-testid="review-clear">{ icon("check-circle") }{ "Nothing needs your care." }</p>
            } else {
                <ul class="card flush attention" data-testid="review-list">
                    { for shown.iter().map(|item| row(&home, item, &ask, &quiet)) }
                </ul>
            }
            if left_alone > 0 {
                <p class="quiet small">
                    { format!("{left_alone} more left alone, as you said in this browser. ") }
                    <button type="button" class="link-btn" onclick={again.reform(|_: MouseEvent| ())} data-testid="review-all">{ "Show everything" }</button>
                </p>
            }
            <Ask store={ctx.store.clone()} home={home.clone()} asking={(*asking).clone()} onclose={close} />
        </div>
    }
}

fn row(home: &Home, item: &CareItem, ask: &Callback<Asking>, quiet: &Callback<(String, Seconds)>) -> Html {
    let Words { icon, tone, kind, title, text } = words(home, item);
    let of = |grant: &GrantId| Route::Code { home: home.id.to_string(), grant: grant.to_string() }.to_path();
    let button = |text: &'static str, what: Asking| {
        html! { <Button class="small primary" onclick={ask.reform(move |()| what.clone())} testid="review-act">{ text }</Button> }
    };
    let act = match item {
        CareItem::StillOnLock { grant, .. } => {
            html! { <a class="btn small primary" href={of(grant)} data-testid="review-act">{ "See why" }</a> }
        }
        CareItem::WeakPin { grant, .. } | CareItem::OldPrimary { grant, .. } => {
            button("Change PIN", Asking::Pin(*grant))
        }
        CareItem::Unused { grant, .. } => button("Revoke", Asking::Revoke(*grant)),
        CareItem::Shared { grant } => button("Say whose", Asking::Holder(*grant)),
        CareItem::SameName { grants } => button("Rename", Asking::Names(grants.clone())),
    };
    let name = key(item);
    let (fine, later) = (name.clone(), name.clone());
    let grant = match item {
        CareItem::SameName { grants } => grants.first().copied(),
        CareItem::StillOnLock { grant, .. }
        | CareItem::WeakPin { grant, .. }
        | CareItem::OldPrimary { grant, .. }
        | CareItem::Unused { grant, .. }
        | CareItem::Shared { grant } => Some(*grant),
    };
    html! {
        <li key={name} data-testid="review-item" data-kind={kind} data-grant={grant.map(|id| id.to_string())}>
            { badge(icon, tone) }
            <div class="stack tight">
                <p class="item-title">{ title }</p>
                <p class="item-sub">{ text }</p>
                <div class="row">
                    { act }
                    if kind != "still" {
                        <Button class="small ghost" onclick={quiet.reform(move |()| (fine.clone(), FINE_FOR))} testid="review-fine">{ "Fine as it is" }</Button>
                        <Button class="small ghost" onclick={quiet.reform(move |()| (later.clone(), REMIND_EVERY))} testid="review-later">{ "In a month" }</Button>
                    }
                </div>
            </div>
        </li>
    }
}

#[derive(Properties)]
struct AskProps {
    store: HomeStore,
    home: Rc<Home>,
    asking: Option<Asking>,
    onclose: Callback<()>,
}

impl PartialEq for AskProps {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.home, &other.home) && self.asking == other.asking
    }
}

/// Asks for what an action needs, and does it.
#[component]
fn Ask(props: &AskProps) -> Html {
    let app = use_app();
    let busy = use_state_eq(|| false);
    let problem = use_state_eq(|| None::<Problem>);
    // By code: the new name; of one code: the holder.
    let names = use_state_eq(Vec::<(GrantId, String)>::new);
    let holder = use_state_eq(|| None::<KeyId>);
    {
        let (names, holder, problem, home) =
            (names.setter(), holder.setter(), problem.setter(), props.home.clone());
        use_effect_with(props.asking.clone(), move |asking| {
            problem.set(None);
            holder.set(None);
            if let Some(Asking::Names(ids)) = asking {
                names.set(ids.iter().map(|id| (*id, label(&home, id))).collect());
            }
        });
    }
    let go = {
        let (app, store, home, asking) =
            (app.clone(), props.store.clone(), props.home.clone(), props.asking.clone());
        let (busy, problem, names, holder) = (busy.clone(), problem.clone(), names.clone(), holder.clone());
        let onclose = props.onclose.clone();
        Callback::from(move |()| {
            let Some(asked) = asking.clone() else { return };
            let (app, store, home) = (app.clone(), store.clone(), home.clone());
            let (busy, problem, onclose) = (busy.clone(), problem.clone(), onclose.clone());
            let (names, holder) = ((*names).clone(), *holder);
            busy.set(true);
            problem.set(None);
            spawn_local(async move {
                let done = settle(&app, &store, home, asked, names, holder).await;
                busy.set(false);
                match done {
                    Ok(()) => onclose.emit(()),
                    Err(e) => problem.set(Some(e)),
                }
            });
        })
    };
    let Some(asked) = props.asking.clone() else {
        return html! { <Dialog open={false} title="" onclose={props.onclose.clone()} /> };
    };
    let (title, verb, tone) = match &asked {
        Asking::Pin(id) => (format!("A new PIN for {}?", label(&props.home, id)), "Change the PIN", "primary"),
        Asking::Revoke(id) => (format!("Revoke {}?", label(&props.home, id)), "Revoke", "danger solid"),
        Asking::Holder(id) => (format!("Whose code is {}?", label(&props.home, id)), "Save", "primary"),
        Asking::Names(_) => ("Clear names".to_owned(), "Save names", "primary"),
    };
    let actions = html! {
        <>
            <Button class="ghost" onclick={props.onclose.clone()}>{ "Not now" }</Button>
            <Button class={classes!(tone)} busy={*busy} onclick={go} testid="review-confirm">{ verb }</Button>
        </>
    };
    html! {
        <Dialog open={true} {title} onclose={props.onclose.clone()} {actions}>
            { match asked {
                Asking::Pin(_) => html! { <p>{ "A new one is made to fit its doors. The old one ends as soon as the locks have the new one; a guest’s link shows it by itself. Tell everybody else who uses the code." }</p> },
                Asking::Revoke(_) => html! { <p>{ "It comes off the doors at once. You can undo this; it then gets a new PIN." }</p> },
                Asking::Holder(_) => whose(&props.home, &holder),
                Asking::Names(_) => new_names(&names),
            } }
            <ErrorNote problem={(*problem).clone()} />
        </Dialog>
    }
}

fn whose(home: &Home, holder: &UseStateHandle<Option<KeyId>>) -> Html {
    html! {
        <div class="choices" role="radiogroup" aria-label="People">
            { for home.chain.members().iter().map(|(id, member)| {
                let (set, id) = (holder.setter(), *id);
                html! {
                    <crate::components::Choice key={id.to_string()} kind="radio" name="holder" title={member.key.name.clone()} checked={**holder == Some(id)}
                        onchange={Callback::from(move |()| set.set(Some(id)))} testid="review-holder" />
                }
            }) }
        </div>
    }
}

fn new_names(names: &UseStateHandle<Vec<(GrantId, String)>>) -> Html {
    html! {
        <div class="stack">
            { for names.iter().enumerate().map(|(n, (id, name))| {
                let names = names.clone();
                let oninput = Callback::from(move |text: String| {
                    let mut new = (*names).clone();
                    if let Some(entry) = new.get_mut(n) { entry.1 = text; }
                    names.set(new);
                });
                html! { <Field key={id.to_string()} id={format!("name-{n}")} label={format!("Code {}", n + 1)} value={name.clone()} {oninput} maxlength={64} testid="review-name" /> }
            }) }
        </div>
    }
}

/// Does what was asked for.
async fn settle(
    app: &App,
    store: &HomeStore,
    home: Rc<Home>,
    asked: Asking,
    names: Vec<(GrantId, String)>,
    holder: Option<KeyId>,
) -> Result<(), Problem> {
    match asked {
        Asking::Pin(id) => {
            mend::change_pin(store, &home, id).await?;
            app.toast(format!("{} has a new PIN. You see it on its page.", label(&home, &id)));
        }
        Asking::Revoke(id) => {
            store.change(|composer| Ok((mend::revoke(composer, &id)?, ()))).await?;
            offer_undo(app, store.clone(), home, id);
        }
        Asking::Holder(id) => {
            let choose = || Problem::new("care.holder".into(), "Choose a person.".into(), String::new());
            mend::give_to(store, &home, id, holder.ok_or_else(choose)?).await?;
            app.toast("Saved.");
        }
        Asking::Names(_) => {
            let changed = names.iter().filter(|(id, name)| name.trim() != label(&home, id));
            for (id, name) in changed {
                if !name_ok(name.trim()) {
                    let text = "Give each code a name of 1 to 64 characters, without line breaks.";
                    return Err(Problem::new("grant.label".into(), text.into(), String::new()));
                }
                mend::rename(store, &home, *id, name).await?;
            }
            app.toast("Saved.");
        }
    }
    Ok(())
}

fn offer_undo(app: &App, store: HomeStore, home: Rc<Home>, id: GrantId) {
    let (undo_app, text) = (app.clone(), format!("{} is revoked.", label(&home, &id)));
    let run = Callback::from(move |()| {
        let (app, store, home) = (undo_app.clone(), store.clone(), home.clone());
        spawn_local(async move {
            let old = home.grants.get(&id).map(|put| put.grant.clone());
            let again = match Again::of(&home, old.into_iter().collect()).await {
                Ok(again) => again,
                Err(problem) => return app.toast(problem.text),
            };
            let Some(again) = again.first() else { return app.toast("The code has ended in the meantime.") };
            match store.change(|composer| Ok((again.issue(composer)?, ()))).await {
                Ok(()) => app.toast("Issued again, with a new PIN."),
                Err(problem) => app.toast(problem.text),
            }
        });
    });
    let action = ToastAction { label: "Undo".into(), testid: "revoke-undo".into(), run };
    app.0.dispatch(Action::Toast(text.into(), Some(action)));
}

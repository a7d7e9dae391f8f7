//! Taking a hub in: its code is read, its keys are checked under it, and the chain gets an `AddHub`.

use crate::api::homes;
use crate::app::entrance;
use crate::components::{Button, ErrorNote, Gate, PageHead, badge, icon, input_value};
use crate::problem::Problem;
use crate::route::{Route, Tab};
use crate::state::{Action, App, use_app};
use crate::view_model::{Home, LoadError, alarm_problem};
use latchkey_shared::id::HomeId;
use latchkey_shared::pair::{PairOffer, PairSecret};
use std::rc::Rc;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::spawn_local;
use web_sys::HtmlSelectElement;
use yew::prelude::*;
use yew_router::prelude::*;
use zeroize::Zeroizing;

async fn load(app: &App, id: HomeId) -> Result<Home, Problem> {
    let signed = app.signed().ok_or_else(|| Problem::of("auth.no_session"))?;
    Home::fetch(id, &signed).await.map_err(|e| match e {
        LoadError::Problem(problem) => problem,
        LoadError::Alarm(alarm) => alarm_problem(alarm),
    })
}

/// The pairing secret in a link or in text.
fn parse(text: &str) -> Result<PairSecret, Problem> {
    let code = text.rsplit('#').next().unwrap_or_default();
    PairSecret::parse(code).map_err(|e| Problem::coded(&e))
}

async fn add(app: &App, id: HomeId, offer: &PairOffer) -> Result<Home, Problem> {
    let signed = app.signed().ok_or_else(|| Problem::of("auth.no_session"))?;
    let home = load(app, id).await?;
    // Paired before, and the answer was lost: only the answer is missing.
    if home.chain.hubs().get(&offer.hub).is_some_and(|hub| hub.key == offer.key) {
        return Ok(home);
    }
    let change =
        home.composer().add_hub(offer, None, &mut crate::js::rng()).map_err(|e| Problem::coded(&e))?;
    let signed = change.sign(&home.chain, &signed.keys, home.now()).map_err(|e| Problem::coded(&e))?;
    let ops = signed.submit;
    app.with_step_up(|| homes::submit(&id, &ops)).await?;
    Ok(home)
}

async fn take_in(app: &App, id: HomeId, secret: &PairSecret, offer: &PairOffer) -> Result<(), Problem> {
    let home = match add(app, id, offer).await {
        // Somebody else was faster: look again, once.
        Err(problem) if problem.code == "chain.conflict" => add(app, id, offer).await?,
        result => result?,
    };
    homes::answer(secret, &secret.answer(id, home.chain.genesis_hash(), &offer.hub)).await
}

#[derive(Clone)]
enum Step {
    Code,
    Offer(Rc<PairSecret>, Rc<PairOffer>),
    Done(HomeId),
}

/// Taking a hub in.
#[component]
pub fn Pair() -> Html {
    let app = use_app();
    let given = app.0.pairing.clone();
    let text = use_state(|| given.as_ref().map(|code| (**code).clone()).unwrap_or_default());
    let step = use_state(|| Step::Code);
    let busy = use_state_eq(|| false);
    let problem = use_state_eq(|| None::<Problem>);
    let homes_known: Vec<HomeId> = app.signed().map(|s| s.account.home_ids().collect()).unwrap_or_default();
    let chosen = use_state_eq(|| None::<HomeId>);
    let check = {
        let (text, step, busy, problem) = (text.clone(), step.clone(), busy.clone(), problem.clone());
        Callback::from(move |()| {
            let (step, busy, problem) = (step.clone(), busy.clone(), problem.clone());
            let secret = match parse(&text) {
                Ok(secret) => Rc::new(secret),
                Err(e) => return problem.set(Some(e)),
            };
            busy.set(true);
            problem.set(None);
            spawn_local(async move {
                let offer = homes::offer(&secret).await;
                busy.set(false);
                match offer {
                    Ok(offer) => step.set(Step::Offer(secret, Rc::new(offer))),
                    Err(e) => problem.set(Some(e)),
                }
            });
        })
    };
    {
        // Opened by the hub's link: nothing is left to type.
        let (app, check) = (app.clone(), check.clone());
        let (given, ready) = (given.is_some(), !homes_known.is_empty());
        use_effect_with((), move |()| {
            if given && ready {
                // The form has it now. Without a home yet, it waits for the way back here.
                app.0.dispatch(Action::Pairing(None));
                check.emit(());
            }
        });
    }
    if homes_known.is_empty() {
        return html! { <Redirect<Route> to={Route::NewHome} /> };
    }
    let confirm = {
        let (app, step, busy, problem) = (app.clone(), step.clone(), busy.clone(), problem.clone());
        let target = (*chosen).or_else(|| homes_known.first().copied());
        Callback::from(move |()| {
            let (Step::Offer(secret, offer), Some(id)) = ((*step).clone(), target) else { return };
            let (app, step, busy, problem) = (app.clone(), step.clone(), busy.clone(), problem.clone());
            busy.set(true);
            problem.set(None);
            spawn_local(async move {
                let done = take_in(&app, id, &secret, &offer).await;
                busy.set(false);
                match done {
                    Ok(()) => step.set(Step::Done(id)),
                    Err(e) => problem.set(Some(e)),
                }
            });
        })
    };
    let set = {
        let text = text.clone();
        Callback::from(move |e: InputEvent| text.set(Zeroizing::new(input_value(&e))))
    };
    let choose = {
        let chosen = chosen.clone();
        Callback::from(move |id| chosen.set(Some(id)))
    };
    let content = match &*step {
        Step::Code => code_form(&text, set, check, *busy, (*problem).clone()),
        Step::Offer(_, offer) => html! {
            <div class="form">
                <PageHead title="Is this your hub?" />
                <section class="card center">
                    <span class="verify-mark">{ icon("shield") }</span>
                    <p class="item-title" data-testid="pair-hub-name">{ &offer.key.name }</p>
                    <p class="quiet">{ "It proved that it is the hub that shows your pairing code." }</p>
                </section>
                { home_choice(&homes_known, (*chosen).or_else(|| homes_known.first().copied()), choose) }
                <p class="quiet">{ "The hub gets the key that opens your PINs, so that it can put them on the locks. It stays in your home." }</p>
                <ErrorNote problem={(*problem).clone()} />
                <Button class="primary big block" icon="plus" busy={*busy} onclick={confirm} testid="pair-confirm">{ "Add this hub" }</Button>
            </div>
        },
        Step::Done(home) => html! {
            <div class="form center">
                <span class="verify-mark">{ icon("check") }</span>
                <PageHead title="The hub is yours" lead="It is fetching its first instructions. Your doors appear in a moment." testid="pair-done" />
                <a class="btn primary big" href={Tab::Today.route(home).to_path()}><span data-testid="pair-continue">{ "See your doors" }</span></a>
            </div>
        },
    };
    html! {
        <Gate>
            { content }
            if !matches!(*step, Step::Done(_)) {
                <p class="center"><a class="btn ghost" href={entrance(&app).to_path()} data-testid="pair-later">{ "Not now" }</a></p>
            }
        </Gate>
    }
}

fn code_form(
    text: &str,
    set: Callback<InputEvent>,
    check: Callback<()>,
    busy: bool,
    problem: Option<Problem>,
) -> Html {
    html! {
        <form class="form" onsubmit={Callback::from(move |e: SubmitEvent| { e.prevent_default(); check.emit(()); })}>
            { badge("hub", "brass") }
            <PageHead title="Pair your hub" lead="Scan the QR code on the hub’s page with this device, or type the text below it." />
            <div class="field">
                <label for="pair-text">{ "Pairing code" }</label>
                <textarea id="pair-text" class="input pair-words" value={text.to_owned()} oninput={set} rows="3"
                    autocomplete="off" autocapitalize="characters" spellcheck="false" data-testid="pair-text"
                    aria-describedby="pair-help" />
                <p class="help" id="pair-help">{ "26 letters and digits in groups of four, or the whole link. It works for ten minutes." }</p>
            </div>
            <ErrorNote {problem} />
            <Button submit={true} class="primary big block" {busy} testid="pair-check">{ "Find the hub" }</Button>
        </form>
    }
}

fn home_choice(homes: &[HomeId], chosen: Option<HomeId>, choose: Callback<HomeId>) -> Html {
    if homes.len() < 2 {
        return Html::default();
    }
    let onchange = Callback::from(move |e: Event| {
        let select = e.target().and_then(|t| t.dyn_into::<HtmlSelectElement>().ok());
        if let Some(id) = select.and_then(|select| HomeId::parse(&select.value()).ok()) {
            choose.emit(id);
        }
    });
    let name =
        |id: &HomeId| crate::js::remembered(&format!("name.{id}")).unwrap_or_else(|| format!("Home {id}"));
    html! {
        <div class="field">
            <label for="pair-home">{ "Add it to" }</label>
            <select id="pair-home" class="select" {onchange} data-testid="pair-home">
                { for homes.iter().map(|id| html! {
                    <option value={id.to_string()} selected={chosen == Some(*id)}>{ name(id) }</option>
                }) }
            </select>
        </div>
    }
}

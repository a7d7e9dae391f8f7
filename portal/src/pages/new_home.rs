//! A new home: a name, a zone, and the first op of its chain.

use crate::api::homes;
use crate::components::{Button, ErrorNote, Field, Gate, PageHead};
use crate::js;
use crate::problem::Problem;
use crate::route::{Route, Tab};
use crate::state::{App, use_app};
use latchkey_shared::compose::genesis;
use latchkey_shared::id::HomeId;
use latchkey_shared::policy::Policy;
use latchkey_shared::zone::ZoneName;
use latchkey_shared::zone_intl::IntlZone;
use std::cell::RefCell;
use std::rc::Rc;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;
use yew_router::prelude::*;

/// A genesis that was made, and for which policy.
type Made = Rc<RefCell<Option<(Policy, HomeId, Vec<u8>)>>>;

/// Makes the home. The same form sent again sends the same genesis, which the server takes once: a lost answer makes
/// no second home.
async fn create(app: &App, made: &Made, name: &str, zone: &str, number: &str) -> Result<HomeId, Problem> {
    let signed = app.signed().ok_or_else(|| Problem::of("auth.no_session"))?;
    let bad_zone =
        |e: latchkey_shared::zone::ZoneError| Problem::new(e.code().into(), e.hint().into(), String::new());
    let zone = ZoneName::parse(zone.trim()).map_err(bad_zone)?;
    IntlZone::new(&zone).map_err(bad_zone)?;
    let mut policy = Policy::new(name.trim(), zone);
    policy.pin.house_number = Some(number.trim().to_owned()).filter(|number| !number.is_empty());
    policy.validate().map_err(|e| Problem::coded(&e))?;
    let again =
        made.borrow().as_ref().filter(|(p, ..)| *p == policy).map(|(_, home, bytes)| (*home, bytes.clone()));
    let (home, bytes) = match again {
        Some(again) => again,
        None => {
            let (home, bytes) = {
                let (name, issuer) = (signed.account.name.trim(), homes::issuer().await?);
                genesis(policy.clone(), &signed.keys, name, issuer, js::now(), &mut js::rng())
                    .map_err(|e| Problem::coded(&e))?
            };
            *made.borrow_mut() = Some((policy, home, bytes.clone()));
            (home, bytes)
        }
    };
    homes::create(bytes).await?;
    app.refresh().await?;
    Ok(home)
}

/// A new home.
#[component]
pub fn NewHome() -> Html {
    let app = use_app();
    let navigator = use_navigator();
    let name = use_state_eq(String::new);
    let zone = use_state_eq(js::browser_zone);
    let number = use_state_eq(String::new);
    let busy = use_state_eq(|| false);
    let problem = use_state_eq(|| None::<Problem>);
    let zones = use_memo((), |()| js::all_zones());
    let made: Made = use_mut_ref(|| None);
    let onsubmit = {
        let (app, navigator) = (app.clone(), navigator.clone());
        let (name, zone, number) = (name.clone(), zone.clone(), number.clone());
        let (busy, problem) = (busy.clone(), problem.clone());
        Callback::from(move |e: SubmitEvent| {
            e.prevent_default();
            let (app, navigator) = (app.clone(), navigator.clone());
            let (name, zone, number) = ((*name).clone(), (*zone).clone(), (*number).clone());
            let (busy, problem, made) = (busy.clone(), problem.clone(), made.clone());
            busy.set(true);
            problem.set(None);
            spawn_local(async move {
                let done = create(&app, &made, &name, &zone, &number).await;
                busy.set(false);
                match (done, navigator) {
                    (Ok(home), Some(navigator)) => {
                        js::remember("last_home", &home.to_string());
                        js::remember(&format!("name.{home}"), name.trim());
                        let pairing = app.0.pairing.is_some();
                        navigator.push(&if pairing { Route::Pair } else { Tab::Today.route(&home) });
                    }
                    (Ok(_), None) => {}
                    (Err(e), _) => problem.set(Some(e)),
                }
            });
        })
    };
    let set = |state: &UseStateHandle<String>| {
        let state = state.clone();
        Callback::from(move |text| state.set(text))
    };
    let signed = app.signed();
    let first = signed.as_ref().is_none_or(|signed| signed.account.homes.is_empty());
    let hello =
        signed.map(|signed| format!("Hello {}. ", signed.account.name)).filter(|_| first).unwrap_or_default();
    html! {
        <Gate>
            <form class="form" {onsubmit}>
                <PageHead title={if first { "Your first home" } else { "Add a home" }} lead={format!("{hello}A home is one place with its doors, its hub and the people who look after it.")} />
                <Field id="home-name" label="What do you call it?" value={(*name).clone()} oninput={set(&name)} class="big" maxlength={64}
                    placeholder="Lake house" testid="home-name" autofocus={true} help="Guests see this name on their page." />
                <Field id="home-zone" label="Time zone" value={(*zone).clone()} oninput={set(&zone)} list="zones" maxlength={64}
                    testid="home-zone" help="Codes start and end by the clock at the home, wherever you are." />
                <datalist id="zones">{ for zones.iter().map(|zone| html! { <option value={zone.clone()} /> }) }</datalist>
                <Field id="home-number" label="House number" value={(*number).clone()} oninput={set(&number)} optional={true} maxlength={16}
                    testid="home-number" help="So that no PIN contains it: it is among the first things people try." />
                <ErrorNote problem={(*problem).clone()} />
                <Button submit={true} class="primary big block" busy={*busy} testid="home-create">{ "Create home" }</Button>
            </form>
        </Gate>
    }
}

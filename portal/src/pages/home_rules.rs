//! Rules of the home: quiet days, PINs, and how long codes keep their word without a network. For owners.

use crate::components::{Button, DateList, ErrorNote, Select};
use crate::hooks::use_home;
use crate::problem::Problem;
use crate::state::use_app;
use latchkey_shared::chain::Body;
use latchkey_shared::chain::op::Role;
use latchkey_shared::pin::Pin;
use latchkey_shared::policy::Policy;
use latchkey_shared::schedule::Date;
use latchkey_shared::time::Seconds;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

type Options = Vec<(AttrValue, AttrValue)>;

/// Seconds as the value of an option; nothing for none.
fn value(length: Option<Seconds>) -> String {
    length.map(|length| length.0.to_string()).unwrap_or_default()
}

/// Lengths in days, and the one that is set if it is another.
fn day_options(days: &[u32], now: Option<Seconds>, never: Option<&'static str>) -> Options {
    let mut lengths: Vec<Seconds> = days.iter().map(|n| Seconds::days(*n)).collect();
    lengths.extend(now);
    lengths.sort_unstable();
    lengths.dedup();
    let words = |length: Seconds| match length.0 / 86_400 {
        180 => "6 months".to_owned(),
        365 => "12 months".to_owned(),
        730 => "2 years".to_owned(),
        _ => latchkey_shared::schedule::duration(length),
    };
    let never = never.map(|text| (AttrValue::from(""), AttrValue::from(text)));
    lengths.into_iter().map(|n| (value(Some(n)).into(), words(n).into())).chain(never).collect()
}

/// Rules of the home.
#[component]
pub fn HomeRules() -> Html {
    let (app, ctx) = (use_app(), use_home());
    let now = ctx.home.chain.policy().clone();
    let draft = use_state_eq(|| None::<Policy>);
    let busy = use_state_eq(|| false);
    let problem = use_state_eq(|| None::<Problem>);
    if !matches!(ctx.home.composer().role(), Some(Role::Owner)) {
        return Html::default();
    }
    let policy = (*draft).clone().unwrap_or_else(|| now.clone());
    let change = |change: fn(&mut Policy, String)| {
        let (draft, policy) = (draft.clone(), policy.clone());
        Callback::from(move |value: String| {
            let mut policy = policy.clone();
            change(&mut policy, value);
            draft.set(Some(policy));
        })
    };
    let quiet = {
        let (draft, policy) = (draft.clone(), policy.clone());
        Callback::from(move |quiet_days: Vec<Date>| draft.set(Some(Policy { quiet_days, ..policy.clone() })))
    };
    // What was changed elsewhere in the meantime stays: only what was touched here is put on top of it.
    let wanted = Policy { name: now.name.clone(), zone: now.zone.clone(), ..policy.clone() };
    let wanted = Policy {
        pin: latchkey_shared::pin::PinPolicy {
            house_number: now.pin.house_number.clone(),
            ..wanted.pin.clone()
        },
        ..wanted
    };
    let changed = wanted != now;
    let onsubmit = {
        let (store, busy, problem, draft) = (ctx.store.clone(), busy.clone(), problem.clone(), draft.clone());
        Callback::from(move |e: SubmitEvent| {
            e.prevent_default();
            if let Err(e) = wanted.validate() {
                return problem.set(Some(Problem::coded(&e)));
            }
            let (app, store, wanted) = (app.clone(), store.clone(), wanted.clone());
            let (busy, problem, draft) = (busy.clone(), problem.clone(), draft.clone());
            busy.set(true);
            problem.set(None);
            spawn_local(async move {
                let done = store.submit(Body::SetPolicy(wanted), Vec::new()).await;
                busy.set(false);
                match done {
                    Ok(()) => {
                        draft.set(None);
                        app.toast("Saved. It holds for new PINs and for every guest from now on.");
                    }
                    Err(e) => problem.set(Some(e)),
                }
            });
        })
    };
    html! {
        <section class="section" aria-labelledby="rules">
            <h2 id="rules">{ "Rules of the home" }</h2>
            <form class="card" {onsubmit}>
                <DateList id="quiet-day" label="Quiet days" dates={policy.quiet_days.clone()} onchange={quiet} testid="quiet-day"
                    help="On these days no guest’s code opens. Those of the household do." />
                { pins(&policy, change) }
                { ages(&policy, change) }
                <ErrorNote problem={(*problem).clone()} />
                if changed {
                    <p><Button submit={true} class="primary" busy={*busy} testid="rules-save">{ "Save rules" }</Button></p>
                }
            </form>
        </section>
    }
}

fn pins(policy: &Policy, change: impl Fn(fn(&mut Policy, String)) -> Callback<String>) -> Html {
    let lengths =
        || (Pin::MIN_LEN..=Pin::MAX_LEN).map(|n| (n.to_string().into(), format!("{n} digits").into()));
    let mut made: Options = vec![("".into(), "As long as the locks take, 6 to 8".into())];
    made.extend(lengths());
    let of_made = policy.pin.default_len.map(|n| n.to_string()).unwrap_or_default();
    html! {
        <div class="two">
            <Select id="pin-made" label="PINs that are made" options={made} value={of_made} testid="rules-pin-made"
                onchange={change(|p, v| p.pin.default_len = v.parse().ok())} />
            <Select id="pin-min" label="Shortest PIN" options={lengths().collect::<Options>()} value={policy.pin.min_len.to_string()} testid="rules-pin-min"
                onchange={change(|p, v| p.pin.min_len = v.parse().unwrap_or(p.pin.min_len))} />
            <Select id="pin-max" label="Longest PIN" options={lengths().collect::<Options>()} value={policy.pin.max_len.to_string()} testid="rules-pin-max"
                onchange={change(|p, v| p.pin.max_len = v.parse().unwrap_or(p.pin.max_len))} />
        </div>
    }
}

fn ages(policy: &Policy, change: impl Fn(fn(&mut Policy, String)) -> Callback<String>) -> Html {
    let due = day_options(&[180, 365, 730], policy.change_primary_after, Some("Never"));
    let grace = day_options(&[1, 3, 7, 14, 30, 90], Some(policy.offline_grace), None);
    html! {
        <div class="two">
            <Select id="primary-age" label="Change owners’ PINs after" options={due} value={value(policy.change_primary_after)} testid="rules-primary-age"
                onchange={change(|p, v| p.change_primary_after = v.parse().ok().map(Seconds))} help="You are reminded then." />
            <Select id="grace" label="Guests’ codes without a network" options={grace} value={value(Some(policy.offline_grace))} testid="rules-grace"
                onchange={change(|p, v| p.offline_grace = v.parse().map_or(p.offline_grace, Seconds))} help="How long they go on at a hub that hears nothing." />
        </div>
    }
}

//! Many codes at once: PINs for all of them, and changes sent in portions, so that it is known what went through.

use super::Home;
use crate::hooks::HomeStore;
use crate::js;
use crate::problem::Problem;
use gloo_timers::future::TimeoutFuture;
use latchkey_shared::chain::Body;
use latchkey_shared::compose::{Change, Composer};
use latchkey_shared::id::LockId;
use latchkey_shared::pin::{Broken, Pin, PinDesk, PinRules, PinUse};
use std::cell::RefCell;
use yew::Callback;

/// Codes that are changed together: all or none of them.
const PORTION: usize = 24;
/// After so many seals were opened the page gets a breath.
const BREATH: usize = 16;

/// Every PIN that this member can read, opened once for many codes.
pub struct KnownPins(Vec<Known>);

struct Known {
    pin: Pin,
    locks: Vec<LockId>,
    over: bool,
}

impl KnownPins {
    /// Opens them. Takes a while where there are many, so the page goes on meanwhile.
    pub async fn read(home: &Home) -> Self {
        let (now, mut known) = (home.now(), Vec::new());
        for (n, (_, op)) in home.history().enumerate() {
            if n % BREATH == BREATH - 1 {
                TimeoutFuture::new(0).await;
            }
            let Body::PutGrant(grant) = op.body else { continue };
            let Some(pin) = home.open_pin(&grant) else { continue };
            let newest = home.chain.grants().get(&grant.id).is_some_and(|entry| entry.grant.rev == grant.rev);
            let over = !newest || grant.end().is_some_and(|end| end <= now);
            known.push(Known { pin, locks: grant.locks.clone(), over });
        }
        Self(known)
    }

    fn desk(&self, home: &Home, locks: &[LockId]) -> Result<PinDesk, Problem> {
        let reports = locks.iter().filter_map(|lock| home.reports.get(lock));
        let caps: Vec<_> = reports.map(|report| report.lock.abilities.pin_caps()).collect();
        let rules = PinRules::new(&home.chain.policy().pin, &caps)
            .map_err(|e| Problem::new(e.code().into(), e.hint().into(), String::new()))?;
        let mut desk = PinDesk::new(rules);
        for known in &self.0 {
            let here = known.locks.iter().any(|lock| locks.contains(lock));
            desk.note(known.pin.clone(), PinUse::of(known.over, here));
        }
        Ok(desk)
    }

    /// A new PIN for a code on these doors, unlike every other from then on.
    pub fn make(&mut self, home: &Home, locks: &[LockId]) -> Result<Pin, Problem> {
        let pin = self
            .desk(home, locks)?
            .generate(&mut js::rng())
            .map_err(|e| Problem::new(e.code().into(), e.hint().into(), String::new()))?;
        self.note(&pin, locks);
        Ok(pin)
    }

    /// Why a PIN that a code is to have cannot be its: the first rule that it breaks.
    pub fn objection(&self, home: &Home, pin: &Pin, locks: &[LockId]) -> Result<Option<Broken>, Problem> {
        Ok(self.desk(home, locks)?.check(pin).err().and_then(|all| all.first().copied()))
    }

    /// A code on these doors has this PIN from now on.
    pub fn note(&mut self, pin: &Pin, locks: &[LockId]) {
        self.0.push(Known { pin: pin.clone(), locks: locks.to_vec(), over: false });
    }
}

/// What became of many changes, each named by its position.
#[derive(Clone, PartialEq, Default)]
pub struct Outcome {
    /// These are in the chain.
    pub done: Vec<usize>,
    /// These were refused, each for its own reason.
    pub refused: Vec<(usize, Problem)>,
    /// Why the rest was not tried.
    pub stopped: Option<Problem>,
}

/// Makes a change of each item and sends them in portions. What is refused alone is left out and told; without a
/// connection it stops, and what was done so far is told, so that the rest can be tried again.
pub async fn in_portions<T>(
    store: &HomeStore,
    items: &[T],
    compose: impl Fn(&Composer<'_>, &T) -> Result<Change, Problem>,
    progress: &Callback<usize>,
) -> Outcome {
    let mut outcome = Outcome::default();
    let all: Vec<usize> = (0..items.len()).collect();
    for portion in all.chunks(PORTION) {
        let mut again = Vec::new();
        match send(store, items, portion, &compose, &mut outcome).await {
            Ok(()) => {}
            // Somebody's limits, say, forbid one of them: the others need not suffer for it.
            Err(problem) if !problem.unanswered() && !problem.signed_out() && portion.len() > 1 => {
                again.extend_from_slice(portion);
            }
            Err(problem) => {
                refuse(&mut outcome, portion, problem);
            }
        }
        for one in again {
            if let Err(problem) = send(store, items, &[one], &compose, &mut outcome).await {
                refuse(&mut outcome, &[one], problem);
            }
            if outcome.stopped.is_some() {
                break;
            }
        }
        if outcome.stopped.is_some() {
            break;
        }
        progress.emit(outcome.done.len() + outcome.refused.len());
    }
    outcome
}

/// One item's refusal is its own; without an answer nothing further is tried.
fn refuse(outcome: &mut Outcome, portion: &[usize], problem: Problem) {
    match portion {
        [one] if !problem.unanswered() && !problem.signed_out() => outcome.refused.push((*one, problem)),
        _ => outcome.stopped = Some(problem),
    }
}

async fn send<T>(
    store: &HomeStore,
    items: &[T],
    portion: &[usize],
    compose: &impl Fn(&Composer<'_>, &T) -> Result<Change, Problem>,
    outcome: &mut Outcome,
) -> Result<(), Problem> {
    const NOTHING: &str = "batch.nothing";
    let refused = RefCell::new(Vec::new());
    let sent = store
        .change(|composer| {
            // Composed once more if somebody else was faster.
            let (mut whole, mut done) = (Change::default(), Vec::new());
            refused.borrow_mut().clear();
            for (at, item) in portion.iter().filter_map(|at| Some((*at, items.get(*at)?))) {
                match compose(composer, item) {
                    Ok(change) => {
                        whole.bodies.extend(change.bodies);
                        whole.links.extend(change.links);
                        done.push(at);
                    }
                    Err(problem) => refused.borrow_mut().push((at, problem)),
                }
            }
            if done.is_empty() { Err(Problem::of(NOTHING)) } else { Ok((whole, done)) }
        })
        .await;
    match sent {
        Ok(done) => outcome.done.extend(done),
        Err(problem) if problem.code == NOTHING => {}
        Err(problem) => return Err(problem),
    }
    outcome.refused.extend(refused.into_inner());
    Ok(())
}

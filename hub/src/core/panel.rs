//! The panel's door: who may change codes here, and the changes that wait for the cloud.
//!
//! A primary PIN opens the panel, and so does a duress PIN: in every respect that can be seen it is the same, and it
//! raises the silent alarm. Wrong PINs cost a growing wait, over restarts too. What was opened closes after ten idle
//! minutes, and when the code that opened it ends or gets another PIN.

mod acts;
mod doors;
mod error;
mod gate;
mod show;

pub use acts::{Acted, Add, Edit, Judged, PanelAct, When};
pub use doors::DoorAct;
pub use error::PanelError;
use gate::Asked;
pub use gate::Gate;
pub use show::{Door, PanelCode, PanelView};

use super::change::Change;
use super::clock::Now;
use super::hub::HubCore;
use super::slot_state::Standing;
use latchkey_shared::chain::Body;
use latchkey_shared::chain::op::Scope;
use latchkey_shared::chain::staged::{Conflict, StagedChange};
use latchkey_shared::event::{EventBody, PanelChange};
use latchkey_shared::grant::GrantKind;
use latchkey_shared::id::GrantId;
use latchkey_shared::pin::Pin;
use latchkey_shared::schedule::Moment;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

/// How long the panel stays open without a change, in milliseconds.
pub const IDLE_MS: u64 = 10 * 60_000;
/// How many may have it open at once; the one that was idle longest gives way.
const MAX_SESSIONS: usize = 8;

/// What a browser shows to prove that it opened the panel.
pub type Token = [u8; 32];

/// The panel's state. But for the count of wrong PINs it is in memory only.
#[derive(Debug)]
pub struct Panel {
    gate: Gate,
    asked: Asked,
    /// By the token's hash.
    sessions: BTreeMap<[u8; 32], Session>,
    /// Why the cloud does not take what was changed here, if it said so last time.
    pub(super) refused: Option<String>,
}

#[derive(Clone, Copy, Debug)]
struct Session {
    by: GrantId,
    /// The revision whose PIN was typed: another PIN closes what it opened.
    rev: u32,
    last_ms: u64,
}

/// Why the panel stays shut.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ShutWhy {
    /// After wrong PINs: to be tried again in so many milliseconds.
    Wait(u64),
    /// The PIN opens no panel; the next may be tried in so many milliseconds.
    Wrong(u64),
    /// No code of this home could open it at present.
    NobodyCould,
}

impl Panel {
    pub(super) fn start(failures: u32, now_ms: u64) -> Self {
        let gate = Gate::start(failures, now_ms);
        Self { gate, asked: Asked::default(), sessions: BTreeMap::new(), refused: None }
    }
}

fn hash(token: &Token) -> [u8; 32] {
    Sha256::digest(token).into()
}

impl HubCore {
    /// A PIN was typed at the panel. `token` is 32 random bytes, by which its browser is known from now on.
    pub fn panel_open(&mut self, pin: &Pin, token: &Token, now: &Now) -> Result<(), ShutWhy> {
        self.clock.observe(now);
        let wait = self.panel.gate.wait_ms(now.boot_ms);
        if wait > 0 {
            return Err(ShutWhy::Wait(wait));
        }
        let openers = self.openers(now);
        if openers.is_empty() {
            return Err(ShutWhy::NobodyCould);
        }
        // Every code is looked at, whichever it is: the time tells nothing.
        let (mut found, mut at) = (Choice::from(0), 0u64);
        for (i, (_, theirs)) in (0u64..).zip(&openers) {
            let same = theirs.ct_eq(pin);
            at.conditional_assign(&i, same);
            found |= same;
        }
        let opener = openers.get(at as usize).filter(|_| found.into()).map(|(grant, _)| *grant);
        let result = match opener {
            Some(by) => {
                self.opened(by, token, now);
                Ok(())
            }
            None => {
                self.panel.gate.failed(now.boot_ms);
                self.log(EventBody::PanelRefused, now);
                Err(ShutWhy::Wrong(self.panel.gate.wait_ms(now.boot_ms)))
            }
        };
        self.change(Change::PanelFailures(self.panel.gate.failures()));
        self.run(now);
        result
    }

    fn opened(&mut self, by: GrantId, token: &Token, now: &Now) {
        self.panel.gate.passed(now.boot_ms);
        let rev = self.trust.pin(by).map_or(0, |(rev, _)| rev);
        let duress = self.trust.grant(by).is_some_and(|grant| grant.kind == GrantKind::Duress);
        let event = if duress { EventBody::PanelDuress(by) } else { EventBody::PanelOpened(by) };
        self.log(event, now);
        let sessions = &mut self.panel.sessions;
        sessions.retain(|_, session| now.boot_ms.saturating_sub(session.last_ms) < IDLE_MS);
        if sessions.len() >= MAX_SESSIONS
            && let Some(oldest) =
                sessions.iter().min_by_key(|(_, session)| session.last_ms).map(|(tag, _)| *tag)
        {
            sessions.remove(&oldest);
        }
        sessions.insert(hash(token), Session { by, rev, last_ms: now.boot_ms });
    }

    /// The codes that open the panel now, with their PINs.
    fn openers(&self, now: &Now) -> Vec<(GrantId, Pin)> {
        let Some(state) = self.trust.effective() else { return vec![] };
        let kinds = [GrantKind::Primary, GrantKind::Duress];
        let grants = state.grants().values().map(|entry| &entry.grant).filter(|g| kinds.contains(&g.kind));
        grants
            .filter(|grant| self.opens_panel(grant.id, now))
            .filter_map(|grant| self.trust.pin(grant.id).map(|(_, pin)| (grant.id, pin)))
            .collect()
    }

    fn opens_panel(&self, grant: GrantId, now: &Now) -> bool {
        let (t, uses) = (self.clock.view(now).latest, self.uses.get(&grant).copied());
        matches!(self.trust.standing(grant, uses, t, t), Standing::Live(Moment::Open { .. }))
    }

    /// Whether this browser has the panel open, and for how many milliseconds still.
    pub fn panel_is_open(&self, token: &Token, now: &Now) -> Option<u64> {
        let session = self.panel.sessions.get(&hash(token))?;
        let idle = now.boot_ms.saturating_sub(session.last_ms);
        let same = self.trust.same_pin_since(session.by, session.rev);
        (idle < IDLE_MS && same && self.opens_panel(session.by, now)).then(|| IDLE_MS - idle)
    }

    /// Who opened the panel in this browser. It stays open for another while.
    pub fn panel_touch(&mut self, token: &Token, now: &Now) -> Option<GrantId> {
        self.panel_is_open(token, now)?;
        let session = self.panel.sessions.get_mut(&hash(token))?;
        session.last_ms = now.boot_ms;
        Some(session.by)
    }

    /// Closes the panel in this browser.
    pub fn panel_close(&mut self, token: &Token) {
        self.panel.sessions.remove(&hash(token));
    }

    /// How long the next PIN has to wait, in milliseconds.
    pub fn panel_wait(&self, now: &Now) -> u64 {
        self.panel.gate.wait_ms(now.boot_ms)
    }

    /// What an owner lets this hub's panel change; `None`: nothing.
    pub fn panel_scope(&self) -> Option<&Scope> {
        self.trust.state()?.hubs().get(&self.belonging.hub)?.panel.as_ref()
    }

    /// Puts what was changed here on top of a new end of the chain. What does not fit is dropped, and said.
    pub(super) fn restage(&mut self, before: &[StagedChange], changes: Vec<StagedChange>, now: &Now) {
        if before.is_empty() {
            return;
        }
        let conflicts = self.trust.stage(changes, &mut self.entropy);
        for Conflict { change, why } in &conflicts {
            if let Some((grant, what)) = self.what_it_was(change) {
                self.log(EventBody::PanelDropped(grant, what, why.code().to_owned()), now);
            }
        }
        let staged = self.trust.staged().to_vec();
        if staged != before {
            self.change(Change::Staged(staged));
        }
        self.version += 1;
    }

    /// A change in the log's words.
    fn what_it_was(&self, change: &StagedChange) -> Option<(GrantId, PanelChange)> {
        match &change.body {
            Body::PutGrant(grant) if grant.rev == 1 => Some((grant.id, PanelChange::Added)),
            Body::PutGrant(grant) => {
                let was = self.trust.grant(grant.id).map_or(grant.suspended, |now| now.suspended);
                let what = match (was, grant.suspended) {
                    (false, true) => PanelChange::Suspended,
                    (true, false) => PanelChange::Resumed,
                    _ => PanelChange::Edited,
                };
                Some((grant.id, what))
            }
            Body::RevokeGrant(grant) => Some((*grant, PanelChange::Ended)),
            _ => None,
        }
    }
}

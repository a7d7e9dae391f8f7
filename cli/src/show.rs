//! Codes as they are shown: one shape for programs, sentences for people.

use crate::failure::Result;
use crate::home::Home;
use crate::out::table;
use latchkey_shared::exchange::typed;
use latchkey_shared::explain::{Audience, Explanation, explain};
use latchkey_shared::id::GrantId;
use latchkey_shared::report::Report;
use latchkey_shared::schedule::{Moment, Validity, describe, format_instant};
use latchkey_shared::time::Timestamp;
use latchkey_shared::view::Put;
use serde_json::{Value, json};

/// Where a code is in its life.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Phase {
    Now,
    Upcoming,
    Past,
}

impl Phase {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Now => "now",
            Self::Upcoming => "upcoming",
            Self::Past => "past",
        }
    }
}

/// How a code stands on one lock.
pub(crate) struct Standing {
    pub(crate) lock: latchkey_shared::id::LockId,
    pub(crate) name: String,
    pub(crate) told: Explanation,
}

impl Home<'_> {
    /// An instant in words, by the home's clock.
    pub(crate) fn at(&self, t: Timestamp) -> String {
        format_instant(t, &self.zone, &self.style)
    }

    /// When a code opens, its first use included.
    pub(crate) fn validity(&self, put: &Put) -> Validity {
        let validity = self.view.chain.policy().validity(&put.grant);
        match self.first_used(&put.grant.id) {
            Some(at) => validity.first_used(at),
            None => validity,
        }
    }

    /// When a code was first used, as the hubs tell.
    pub(crate) fn first_used(&self, grant: &GrantId) -> Option<Timestamp> {
        Report::first_used(self.view.reports.values(), grant)
    }

    pub(crate) fn phase(&self, put: &Put) -> Phase {
        match self.validity(put).state_at(self.now(), &self.zone) {
            _ if put.revoked.is_some() => Phase::Past,
            Moment::Over { .. } => Phase::Past,
            Moment::Open { .. } => Phase::Now,
            Moment::NotYet { .. } | Moment::OutsideHours { .. } | Moment::Suspended => Phase::Upcoming,
        }
    }

    /// How a code stands on each of its locks, at a moment.
    pub(crate) fn standings(&self, put: &Put, at: Timestamp) -> Vec<Standing> {
        let standing = |lock: &latchkey_shared::id::LockId| {
            let facts = self.view.facts(put, *lock, self.now(), &self.zone, self.style);
            let name = latchkey_shared::event::EventNames::lock(self, lock);
            Standing { lock: *lock, name, told: explain(&facts, at, Audience::Member) }
        };
        put.grant.locks.iter().map(standing).collect()
    }

    /// A code as programs get it. The PIN only if it is given.
    pub(crate) fn code_json(&self, put: &Put, pin: Option<&str>) -> Value {
        let grant = &put.grant;
        let validity = self.validity(put);
        let instant = |t: Timestamp| typed::write_instant(t, &self.zone);
        let mut code = json!({
            "id": grant.id.to_string(),
            "rev": grant.rev,
            "kind": grant.kind.as_str(),
            "label": grant.label,
            "phase": self.phase(put).as_str(),
            "when": describe(&validity, &self.zone, &self.style),
            "not_before": grant.not_before.0,
            "expires": grant.expires.map(|t| t.0),
            "from": instant(grant.not_before),
            "until": grant.expires.map(instant),
            "hours": typed::write_hours(&grant.schedule),
            "days_off": grant.days_off.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "minutes_before": grant.buffers.unwrap_or_default().before,
            "minutes_after": grant.buffers.unwrap_or_default().after,
            "uses": grant.uses,
            "stay_seconds": grant.stay.map(|stay| stay.0),
            "suspended": grant.suspended,
            "may_disarm": grant.may_disarm,
            "holder": grant.holder.map(|key| key.to_string()),
            "made_by": put.signer.to_string(),
            "pin_set": grant.pin_set.0,
            "has_link": grant.link.is_some(),
            "revoked": put.revoked.map(|place| place.at.0),
            "locks": self.standings(put, self.now()).iter().map(Standing::to_json).collect::<Vec<_>>(),
        });
        if let (Some(pin), Some(fields)) = (pin, code.as_object_mut()) {
            fields.insert("pin".into(), pin.into());
        }
        code
    }

    /// The codes in a table.
    pub(crate) fn codes_table(&self, puts: &[&Put]) -> String {
        let rows: Vec<[String; 5]> = puts.iter().map(|put| self.code_row(put)).collect();
        if rows.is_empty() {
            "No codes.".into()
        } else {
            table(["code", "kind", "when", "doors", "id"], &rows)
        }
    }

    fn code_row(&self, put: &Put) -> [String; 5] {
        let doors: Vec<String> = self
            .standings(put, self.now())
            .iter()
            .map(|standing| format!("{} ({})", standing.name, words(standing.told.state.name())))
            .collect();
        let when = match put.revoked {
            Some(place) => format!("revoked {}", self.at(place.at)),
            None => describe(&self.validity(put), &self.zone, &self.style),
        };
        let id: String = put.grant.id.to_string().chars().take(8).collect();
        [put.grant.label.clone(), kind(put), when, doors.join(", "), id]
    }

    /// One code in full, for people.
    pub(crate) fn code_text(&self, put: &Put, pin: Option<&str>) -> String {
        let grant = &put.grant;
        let mut text = format!("{} ({})\n", grant.label, kind(put));
        let mut line = |name: &str, value: String| text += &format!("  {name:<8}{value}\n");
        line("id", grant.id.to_string());
        line("when", describe(&self.validity(put), &self.zone, &self.style));
        if let Some(uses) = grant.uses {
            line("uses", format!("{uses} at most"));
        }
        if let Some(holder) = grant.holder {
            line("whose", self.key_name(&holder));
        }
        line("made by", self.key_name(&put.signer));
        if let Some(place) = put.revoked {
            line("revoked", self.at(place.at));
        }
        if let Some(pin) = pin {
            line("PIN", pin.to_owned());
        }
        for standing in self.standings(put, self.now()) {
            text += &format!("  {}: {}\n", standing.name, standing.said());
        }
        text
    }

    /// The PIN as text, if it was asked for and opens.
    pub(crate) fn shown_pin(&self, put: &Put, wanted: bool) -> Result<Option<String>> {
        if !wanted {
            return Ok(None);
        }
        let none = || crate::failure::Failure::coded(&latchkey_shared::compose::Refusal::NoPin);
        let pin = self.open_pin(&put.grant)?.ok_or_else(none)?;
        Ok(Some(pin.expose().to_owned()))
    }
}

impl Standing {
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "id": self.lock.to_string(),
            "name": self.name,
            "state": self.told.state.name(),
            "since": self.told.since.0,
            "opens": self.told.opens,
            "sentence": self.told.sentence,
            "next_step": self.told.next_step,
        })
    }

    /// The sentence, and what to do.
    pub(crate) fn said(&self) -> String {
        match self.told.next_step {
            Some(step) => format!("{} {step}", self.told.sentence),
            None => self.told.sentence.clone(),
        }
    }
}

/// A code's kind for people: somebody may be looking over a shoulder.
fn kind(put: &Put) -> String {
    put.grant.kind.in_public().to_lowercase()
}

/// A state's name for people.
pub(crate) fn words(name: &str) -> String {
    name.replace('_', " ")
}

//! What was said about a code on the command line, as a draft.

use crate::args::Terms;
use crate::failure::{Failure, Result, Told};
use crate::home::Home;
use crate::secret::Source;
use latchkey_shared::compose::{Draft, ForGuest, LinkWish, PinWish};
use latchkey_shared::exchange::typed::{self, Edge};
use latchkey_shared::grant::{Grant, GrantKind};
use latchkey_shared::id::{GrantId, LockId};
use latchkey_shared::link::LinkSecret;
use latchkey_shared::pin::Pin;
use latchkey_shared::schedule::{Schedule, Validity};
use latchkey_shared::text::{b64url, unb64url};
use latchkey_shared::time::{Seconds, Timestamp};
use serde_json::{Value, json};

/// `+3d`, `+12h`, `+90m`; `-1h` is as good.
fn relative(text: &str, base: Timestamp) -> Option<Timestamp> {
    let (sign, rest) = text.split_at_checked(1)?;
    let (number, unit) = rest.split_at_checked(rest.len().checked_sub(1)?)?;
    let unit = match unit {
        "d" => 86_400,
        "h" => 3_600,
        "m" => 60,
        _ => return None,
    };
    let digits = number.len() <= 6 && number.bytes().all(|b| b.is_ascii_digit());
    let length = Seconds(number.parse::<u64>().ok().filter(|_| digits)? * unit);
    match sign {
        "+" => Some(base.saturating_add(length)),
        "-" => Some(base.saturating_sub(length)),
        _ => None,
    }
}

impl Home<'_> {
    /// An end as it was said; `base` is what `+3d` is counted from. `None`: no end.
    pub(super) fn end_of(&self, text: &str, base: Timestamp) -> Result<Option<Timestamp>> {
        match text.trim() {
            "never" => Ok(None),
            text => match relative(text, base) {
                Some(end) => Ok(Some(end)),
                None => typed::parse_instant(text, &self.zone, Edge::End).map(Some).told(),
            },
        }
    }

    /// A code's times with what was said about them. `first_used` is when it was first used, if it was.
    fn validity_of(&self, terms: &Terms, old: Validity, first_used: Option<Timestamp>) -> Result<Validity> {
        let mut validity = old;
        if let Some(from) = &terms.from {
            validity.not_before = match relative(from, self.now()) {
                Some(start) => start,
                None => typed::parse_instant(from, &self.zone, Edge::Start).told()?,
            };
        }
        if let Some(until) = &terms.until {
            let to = self.end_of(until, validity.not_before.max(self.now()))?;
            validity = validity.ending_at(first_used, to);
        }
        if let Some(hours) = &terms.hours {
            validity.schedule = typed::parse_hours(hours).told()?;
        }
        if let Some(dates) = &terms.days_off {
            validity.days_off = typed::parse_dates(dates).told()?;
        }
        validity.buffers.before = terms.before.unwrap_or(validity.buffers.before);
        validity.buffers.after = terms.after.unwrap_or(validity.buffers.after);
        if let Some(hours) = terms.stay {
            validity.stay = Some(Seconds::hours(hours)).filter(|_| hours > 0);
        }
        Ok(validity)
    }

    /// A new code.
    pub(super) fn draft(&self, label: &str, terms: &Terms) -> Result<Draft> {
        let kind: GrantKind = terms.kind.map_or(GrantKind::Guest, Into::into);
        let validity = self.validity_of(terms, Validity::new(self.now(), None, Schedule::Always), None)?;
        if kind == GrantKind::Guest && validity.expires.is_none() {
            return Err(Failure::coded(&latchkey_shared::grant::GrantError::NeedsEnd));
        }
        let validity =
            validity.from_now(self.now(), &self.zone).map_err(|e| Failure::refused(e.code(), e.hint()))?;
        let locks = match terms.doors.is_empty() {
            true => self.only_door()?,
            false => self.pick_doors(&terms.doors)?,
        };
        let mut draft = Draft { kind, ..Draft::guest(label.trim(), locks, validity) };
        draft.uses = terms.uses.filter(|uses| *uses > 0);
        draft.may_disarm = terms.disarm.unwrap_or(kind != GrantKind::Guest);
        draft.holder = self.holder(terms)?.flatten();
        draft.validate().told()?;
        draft.fits(self.abilities(&draft.locks)).told()?;
        Ok(draft)
    }

    /// Where there is one door it need not be named.
    fn only_door(&self) -> Result<Vec<LockId>> {
        match self.doors().as_slice() {
            [(only, _)] => Ok(vec![*only]),
            [] => Err(Failure::refused("door.none", "No hub has reported a lock yet: latchkey hubs pair.")),
            _ => Err(Failure::usage("door.which", "Say which doors: --door NAME, once for each.")),
        }
    }

    /// Whose code it is to be, if anything was said about that.
    fn holder(&self, terms: &Terms) -> Result<Option<Option<latchkey_shared::id::KeyId>>> {
        match terms.holder.as_deref() {
            None => Ok(None),
            Some("") => Ok(Some(None)),
            Some(member) => self.pick_member(member).map(|key| Some(Some(key))),
        }
    }

    /// An existing code with what was said.
    pub(super) fn edited(&self, old: &Grant, label: Option<&str>, terms: &Terms) -> Result<Draft> {
        let mut draft = Draft::of(old);
        draft.validity = self.validity_of(terms, draft.validity, self.first_used(&old.id))?;
        if let Some(label) = label {
            draft.label = label.trim().to_owned();
        }
        if let Some(kind) = terms.kind {
            draft.kind = kind.into();
            draft.may_disarm = draft.kind != GrantKind::Guest;
        }
        if !terms.doors.is_empty() {
            draft.locks = self.pick_doors(&terms.doors)?;
            draft.locks.sort_unstable();
            draft.locks.dedup();
        }
        if let Some(uses) = terms.uses {
            draft.uses = Some(uses).filter(|uses| *uses > 0);
        }
        draft.may_disarm = terms.disarm.unwrap_or(draft.may_disarm);
        if let Some(holder) = self.holder(terms)? {
            draft.holder = holder;
        }
        if draft.validity != old.validity() {
            let checked = draft.validity.check_from(self.now(), &self.zone);
            checked.map_err(|e| Failure::refused(e.code(), e.hint()))?;
        }
        draft.validate().told()?;
        draft.fits(self.abilities(&draft.locks)).told()?;
        Ok(draft)
    }

    /// The PIN that was given in a file, if one was; judged.
    pub(super) fn given_pin(
        &self,
        terms: &Terms,
        locks: &[LockId],
        except: Option<GrantId>,
    ) -> Result<Option<Pin>> {
        let source = Source { what: "PIN", file: terms.pin_file.as_ref(), variable: "LATCHKEY_PIN" };
        let Some(typed) = source.given()? else { return Ok(None) };
        let desk = self.desk(locks, except, &[])?;
        desk.judge(&typed).map(Some).map_err(|broken| {
            let rules: Vec<Value> =
                broken.iter().map(|rule| json!({ "code": rule.code(), "hint": rule.hint() })).collect();
            let hints: Vec<String> = broken.iter().map(|rule| rule.hint()).collect();
            let code = broken.first().map_or("pin.refused", |rule| rule.code());
            Failure::refused(code, hints.join(" ")).with(json!(rules))
        })
    }

    /// What a guest's page says of these doors.
    pub(super) fn for_guest(&self, locks: &[LockId], note: &str) -> ForGuest {
        let name = |lock: &LockId| latchkey_shared::event::EventNames::lock(self, lock);
        ForGuest { doors: locks.iter().map(name).collect(), note: note.to_owned() }
    }

    /// The note that a code's link shows now. Only whoever can open the link's secret can tell.
    pub(super) fn note_of(&self, old: &Grant) -> Result<Option<String>> {
        let Some(secret) = self.composer()?.open_link(old) else { return Ok(None) };
        let body = json!({ "auth": b64url(&*secret.auth()) });
        let reply = self.client.post_json(&format!("/api/v1/links/{}/reveal", secret.id()), &body)?;
        let ct = reply.json()?["ct"].as_str().and_then(unb64url);
        let plain = ct.and_then(|ct| secret.decrypt(&ct).ok());
        let content: Option<Value> = plain.and_then(|plain| serde_json::from_slice(&plain).ok());
        Ok(content.and_then(|content| content["note"].as_str().map(str::to_owned)))
    }

    /// What becomes of a code's link when the code becomes this.
    pub(super) fn link_words(
        &self,
        old: &Grant,
        draft: &Draft,
        new_pin: bool,
        note: Option<&str>,
    ) -> Result<Option<ForGuest>> {
        let shows_else = new_pin || draft.label != old.label || draft.locks != old.locks || note.is_some();
        if old.link.is_none() || !shows_else {
            return Ok(None);
        }
        let note = match note {
            Some(note) => note.to_owned(),
            // A link that has ended shows nothing any more, and one that does not open is replaced.
            None if old.end().is_some_and(|end| end <= self.now()) => String::new(),
            None => self.note_of(old).map_err(|_| unread())?.ok_or_else(unread)?,
        };
        Ok(Some(self.for_guest(&draft.locks, &note)))
    }

    /// The link's address, if there is a link and its secret is at hand.
    pub(super) fn link_url(&self, link: Option<&LinkSecret>) -> Option<String> {
        link.map(|secret| secret.url(&self.client.origin()).as_str().to_owned())
    }
}

/// What the guest's link says cannot be read now: it is not to be lost in passing.
fn unread() -> Failure {
    Failure::refused(
        "link.unread",
        "The note that the guest’s link shows could not be read. Try again, or say what it is to be: --note TEXT.",
    )
}

/// A wish for a link: what it shows, or none.
pub(super) fn wish(words: Option<&ForGuest>) -> LinkWish<'_> {
    words.map_or(LinkWish::Keep, LinkWish::Show)
}

/// A wish for a PIN.
pub(super) fn pin_wish(pin: Option<Pin>) -> PinWish {
    pin.map_or(PinWish::Keep, PinWish::Change)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_times() {
        let base = Timestamp(1_000_000);
        for (text, seconds) in [("+3d", 259_200_i64), ("+12h", 43_200), ("+90m", 5_400), ("-1h", -3_600)] {
            assert_eq!(relative(text, base), Some(Timestamp((1_000_000 + seconds) as u64)), "{text}");
        }
        for bad in ["", "+", "d", "+d", "3d", "+3", "+3y", "+-3d", "+9999999d", "+é"] {
            assert_eq!(relative(bad, base), None, "{bad}");
        }
    }
}

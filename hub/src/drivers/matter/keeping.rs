//! Terms that a lock keeps by itself. A year-day schedule alone restricts nobody: the user must be of the type that is
//! bound to schedules, and the lock must know what time it is.

use super::clock;
use super::lock::{SCHEDULED, TERM, UNRESTRICTED, YEAR_DAY, YearDay};
use super::memory::Place;
use super::port::{MatterPort, Outcome, refused};
use super::term::Term;
use super::wire::{Failure, status};
use crate::core::lock::Refusal;
use crate::drivers::Applied;
use latchkey_shared::schedule::Validity;
use latchkey_shared::slot::SlotNo;
use latchkey_shared::time::Timestamp;
use latchkey_shared::zone::{TzZone, ZoneName};
use serde_json::json;

impl MatterPort {
    pub(super) async fn set_term(
        &self,
        slot: SlotNo,
        validity: &Validity,
        zone: &ZoneName,
        now: Timestamp,
    ) -> Outcome {
        let Some(zone) = TzZone::by_name(zone).filter(|_| self.lock.keeps_terms()) else {
            return refused(Refusal::Unsupported);
        };
        let there = self.lock.record(slot).await?;
        let Some(term) = Term::of(validity, &zone) else {
            return match there {
                Some((index, user)) if user.user_type != Some(UNRESTRICTED) => self.lift_term(index).await,
                _ => Ok(Applied::Acknowledged),
            };
        };
        if !clock::put_right(&self.lock.wire, now, &zone).await? {
            // Its term would keep people out, or in. From now on the hub alone ends codes at this lock.
            self.lock.memory.distrust_clock();
            let _ = self.again.send(self.lock.wire.node);
            return refused(Refusal::NotDone);
        }
        let (index, kind) = match there {
            Some((index, user)) => (index, user.user_type),
            None => match self.lock.reserve(slot, YEAR_DAY).await? {
                Some(index) => (index, Some(YEAR_DAY)),
                None => return refused(Refusal::Full),
            },
        };
        let payload = json!({
            "yearDayIndex": TERM, "userIndex": index, "localStartTime": term.start, "localEndTime": term.end,
        });
        self.lock.change("SetYearDaySchedule", payload, &[Place::User(index)]).await?;
        if !matches!(kind, Some(YEAR_DAY | SCHEDULED)) {
            self.lock.modify_user(index, None, Some(YEAR_DAY)).await?;
        }
        self.term_is_kept(index, term).await
    }

    async fn lift_term(&self, index: u16) -> Outcome {
        self.lock.modify_user(index, None, Some(UNRESTRICTED)).await?;
        let payload = json!({ "yearDayIndex": TERM, "userIndex": index });
        self.lock.change("ClearYearDaySchedule", payload, &[Place::User(index)]).await?;
        let user = self.lock.get_user(index).await?;
        if user.user_type == Some(UNRESTRICTED) {
            Ok(Applied::Acknowledged)
        } else {
            refused(Refusal::NotDone)
        }
    }

    /// Reads back schedule and record: a schedule alone restricts nobody.
    async fn term_is_kept(&self, index: u16, term: Term) -> Outcome {
        let payload = json!({ "yearDayIndex": TERM, "userIndex": index });
        let read: Option<YearDay> = self.lock.wire.command("GetYearDaySchedule", payload, false).await?;
        let read = read.ok_or(Failure::Silent)?;
        let same = read.status == status::SUCCESS
            && (read.local_start_time, read.local_end_time) == (Some(term.start), Some(term.end));
        let kind = self.lock.get_user(index).await?.user_type;
        if same && matches!(kind, Some(YEAR_DAY | SCHEDULED)) {
            Ok(Applied::Kept)
        } else {
            refused(Refusal::NotDone)
        }
    }
}

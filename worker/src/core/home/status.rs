//! What a guest with a link is told: from the grant and from what the locks were last seen to hold, nothing else.

use latchkey_shared::chain::GrantEntry;
use latchkey_shared::explain::{Audience, Code, CodeState, Facts, HubContact, Seen, explain};
use latchkey_shared::id::{GrantId, HubId, LinkId, LockId};
use latchkey_shared::json::{ToValue, Value, json};
use latchkey_shared::policy::Policy;
use latchkey_shared::report::Report;
use latchkey_shared::schedule::{Schedule, Style, Validity, describe};
use latchkey_shared::time::Timestamp;
use latchkey_shared::zone::{FixedZone, Zone};

use super::Home;
use crate::core::bytes::b64;
use crate::error::{LINK_CHANGED, NO_LINK, Result};
use crate::store::{HomeStore, LinkRow};

/// How a link stands. An ended one tells that and the time, nothing more.
#[derive(Debug, PartialEq, Eq)]
pub struct LinkStatus {
    /// `live`, `revoked` or `over`.
    pub state: &'static str,
    /// The rest of a live one.
    pub live: Option<LiveLink>,
    /// The Worker's clock.
    pub checked_at: u64,
}

/// A live link.
#[derive(Debug, PartialEq, Eq)]
pub struct LiveLink {
    label: String,
    not_before: u64,
    expires: Option<u64>,
    zone: String,
    schedule_text: String,
    /// Stretches of every week in minutes from Monday 00:00; none: at any time.
    week: Vec<(u16, u16)>,
    days_off: Vec<String>,
    /// In seconds, for as long as it has not begun.
    stay: Option<u64>,
    uses_left: Option<u32>,
    doors: Vec<DoorStatus>,
}

/// How the code stands at one door.
#[derive(Debug, PartialEq, Eq)]
pub struct DoorStatus {
    name: String,
    state: &'static str,
    opens: bool,
    sentence: String,
    next_step: Option<&'static str>,
    verified_at: Option<u64>,
}

/// What a guest gets for asking to see the code.
#[derive(Debug)]
pub struct Revealed {
    status: LinkStatus,
    ct: Option<String>,
}

/// Adds a field if there is something to add.
fn add(object: &mut Value, name: &str, value: Option<impl Into<Value>>) {
    if let (Some(value), Some(fields)) = (value, object.as_object_mut()) {
        fields.insert(name.into(), value.into());
    }
}

impl LinkStatus {
    /// The JSON that the guest page reads.
    pub fn to_json(&self) -> Value {
        let mut out = json!({ "state": self.state, "checked_at": self.checked_at });
        let Some(live) = &self.live else { return out };
        add(&mut out, "label", Some(live.label.as_str()));
        add(&mut out, "not_before", Some(live.not_before));
        add(&mut out, "expires", live.expires);
        add(&mut out, "zone", Some(live.zone.as_str()));
        add(&mut out, "schedule_text", Some(live.schedule_text.as_str()));
        // What few codes have is told of them alone.
        add(&mut out, "week", Some(&live.week).filter(|week| !week.is_empty()).map(ToValue::to_value));
        add(
            &mut out,
            "days_off",
            Some(&live.days_off).filter(|days| !days.is_empty()).map(ToValue::to_value),
        );
        add(&mut out, "stay", live.stay);
        add(&mut out, "uses_left", live.uses_left);
        add(&mut out, "doors", Some(live.doors.iter().map(DoorStatus::to_json).collect::<Vec<_>>()));
        out
    }
}

impl DoorStatus {
    fn to_json(&self) -> Value {
        let mut out =
            json!({ "name": self.name, "state": self.state, "opens": self.opens, "sentence": self.sentence });
        add(&mut out, "next_step", self.next_step);
        add(&mut out, "verified_at", self.verified_at);
        out
    }
}

impl Revealed {
    /// The JSON that the guest page reads.
    pub fn to_json(&self) -> Value {
        let mut out = json!({ "status": self.status.to_json() });
        add(&mut out, "ct", self.ct.as_deref());
        out
    }
}

impl<S: HomeStore> Home<S> {
    /// The zone's name, so that the caller can bring its rules.
    pub fn zone_name(&self) -> Result<&latchkey_shared::zone::ZoneName> {
        Ok(&self.chain().map_err(|_| NO_LINK)?.policy().zone)
    }

    /// How the link stands, for who proves to know its secret. Without the zone's rules it is told in UTC, and says so.
    pub fn link_status(
        &self,
        id: &LinkId,
        auth: &[u8; 32],
        zone: Option<&dyn Zone>,
        now: u64,
    ) -> Result<LinkStatus> {
        let row = self.open_link(id, auth)?;
        self.status_of(&row, zone, now)
    }

    /// The same with the ciphertext, while the link lives.
    pub fn reveal(
        &self,
        id: &LinkId,
        auth: &[u8; 32],
        zone: Option<&dyn Zone>,
        now: u64,
    ) -> Result<Revealed> {
        let row = self.open_link(id, auth)?;
        let status = self.status_of(&row, zone, now)?;
        if status.live.is_none() {
            return Ok(Revealed { status, ct: None });
        }
        let rev = self.chain()?.grants().get(&row.grant).map(|entry| entry.grant.rev);
        if rev != Some(row.rev) {
            // The content may hold a PIN that the locks no longer have.
            return Err(LINK_CHANGED);
        }
        Ok(Revealed { status, ct: row.content.map(|content| b64(&content)) })
    }

    fn status_of(&self, row: &LinkRow, zone: Option<&dyn Zone>, now: u64) -> Result<LinkStatus> {
        let name = match zone {
            Some(_) => self.zone_name()?.as_str(),
            None => "UTC",
        };
        let zone = zone.unwrap_or(&FixedZone::UTC);
        let ended = |state| Ok(LinkStatus { state, live: None, checked_at: now });
        let chain = self.chain()?;
        let Some(entry) = chain.grants().get(&row.grant) else { return ended("revoked") };
        let grant = &entry.grant;
        if grant.end().is_some_and(|end| end.0 <= now) {
            return ended("over");
        }
        if row.ended.is_some() {
            return ended("revoked");
        }
        let reports = self.latest_reports()?;
        let door = |lock: &LockId| {
            let report = reports.iter().filter(|r| r.lock.id == *lock).max_by_key(|r| r.at);
            let heard = match report {
                Some(report) => self.store.hub(&report.hub)?.map(|row| Timestamp(row.last_seen)),
                None => None,
            };
            Ok(door_status(chain.policy(), entry, *lock, report, heard, zone, now))
        };
        let doors: Result<Vec<DoorStatus>> = grant.locks.iter().map(door).collect();
        let (used, first) = uses(&reports, &grant.id);
        let validity = chain.policy().validity(grant);
        let shown = match first {
            Some(at) => validity.first_used(at).as_shown(zone),
            None => validity.as_shown(zone),
        };
        // Who pauses it, and why, is between the guest and whoever gave it.
        let shown = Validity { suspended: false, ..shown };
        let plain = shown.schedule == Schedule::Always && shown.days_off.is_empty();
        let text = || describe(&Validity { stay: None, ..shown.clone() }, zone, &Style::default());
        let live = LiveLink {
            label: grant.label.clone(),
            not_before: shown.term().0.0,
            expires: shown.term().1.map(|t| t.0),
            zone: name.to_owned(),
            schedule_text: if plain { String::new() } else { text() },
            week: shown.week(),
            days_off: shown.days_off.iter().map(ToString::to_string).collect(),
            stay: shown.stay.filter(|_| first.is_none()).map(|stay| stay.0),
            uses_left: grant.uses.map(|most| most.saturating_sub(used)),
            doors: doors?,
        };
        Ok(LinkStatus { state: "live", live: Some(live), checked_at: now })
    }

    /// The stored reports of hubs that still belong to the home.
    pub(super) fn latest_reports(&self) -> Result<Vec<Report>> {
        let chain = self.chain()?;
        let read = |(hub, bytes): (HubId, Vec<u8>)| {
            let key = &chain.hubs().get(&hub)?.key.sign;
            Report::verify(&bytes, chain.home(), &hub, key).ok()
        };
        let reports: Vec<Report> = self.store.reports()?.into_iter().filter_map(read).collect();
        Ok(reports.into_iter().filter(|report| !report.gone).collect())
    }
}

/// How often a code was used, each hub counting for all of its locks, and when first.
fn uses(reports: &[Report], grant: &GrantId) -> (u32, Option<Timestamp>) {
    let mut hubs: Vec<(HubId, u32)> = Vec::new();
    let mut first: Option<Timestamp> = None;
    for report in reports {
        for code in report.codes.iter().filter(|code| code.grant == *grant) {
            first = [first, code.first_used].into_iter().flatten().min();
            match hubs.iter_mut().find(|(hub, _)| *hub == report.hub) {
                Some((_, most)) => *most = code.uses.max(*most),
                None => hubs.push((report.hub, code.uses)),
            }
        }
    }
    (hubs.iter().map(|(_, uses)| uses).sum(), first)
}

fn door_status(
    policy: &Policy,
    entry: &GrantEntry,
    lock: LockId,
    report: Option<&Report>,
    heard: Option<Timestamp>,
    zone: &dyn Zone,
    now: u64,
) -> DoorStatus {
    let now = Timestamp(now);
    let facts = Facts {
        code: Some(Code::in_force(entry)),
        lock,
        policy,
        seen: report.map(|report| Seen::in_report(report, &entry.grant.id)),
        hub: HubContact::last_heard(heard, now),
        now,
        zone,
        style: Style::default(),
    };
    let told = explain(&facts, now, Audience::Guest);
    DoorStatus {
        name: report.map_or_else(|| "Door".to_owned(), |r| r.lock.name.clone()),
        state: told.state.name(),
        opens: told.opens,
        sentence: told.sentence,
        next_step: told.next_step,
        verified_at: match told.state {
            CodeState::OnLock { verified_at } => Some(verified_at.0),
            _ => None,
        },
    }
}

//! What programs read of a home, in JSON. Nothing here is more than members see, and nothing of it opens a door.

use std::sync::Arc;

use latchkey_shared::chain::op::Role;
use latchkey_shared::chain::{Body, GrantEntry, SignedOp};
use latchkey_shared::event::{Event, EventBody};
use latchkey_shared::exchange::typed::write_hours;
use latchkey_shared::explain::{Audience, Code, CodeState, Facts, HubContact, Place, Seen, explain};
use latchkey_shared::grant::GrantKind;
use latchkey_shared::id::{GrantId, HubId, KeyId, LockId};
use latchkey_shared::report::Report;
use latchkey_shared::schedule::{Schedule, Style};
use latchkey_shared::slot::Readback;
use latchkey_shared::time::Timestamp;
use latchkey_shared::zone::{FixedZone, Zone};

use super::Home;
use crate::core::api::json::{Object, array, page};
use crate::core::api::{ApiContext, Query, Reply};
use crate::error::{INTERNAL, MALFORMED, NO_CODE, Result};
use crate::store::HomeStore;

/// A code with what is known of it.
pub(super) struct Seat {
    pub(super) entry: Arc<GrantEntry>,
    revoked: Option<Place>,
}

/// What is needed to tell how codes stand.
pub(super) struct View<'a> {
    reports: Vec<Report>,
    zone: &'a dyn Zone,
    online: &'a [HubId],
    now: Timestamp,
}

/// The version of a code: its content, not how it stands at the locks.
pub(super) fn etag(entry: &GrantEntry) -> String {
    format!("\"r{}\"", entry.grant.rev)
}

/// The states that a page of codes can be filtered by.
pub const STATES: [&str; 11] = [
    "scheduled",
    "waiting_for_hub",
    "writing",
    "on_lock",
    "written_unconfirmed",
    "outside_hours",
    "suspended",
    "failed",
    "expired",
    "revoked",
    "still_on_lock",
];

impl<S: HomeStore> Home<S> {
    /// What is known now.
    pub(super) fn view<'a, R>(&self, ctx: &ApiContext<'a, R>) -> Result<View<'a>> {
        let reports = self.latest_reports()?;
        let zone = ctx.zone.unwrap_or(&FixedZone::UTC);
        Ok(View { reports, zone, online: ctx.online, now: Timestamp(ctx.now) })
    }

    /// The home.
    pub(super) fn home_view(&self) -> Result<Reply> {
        let chain = self.chain()?;
        let issuer = chain.members().get(&chain.issuer().id());
        let issuing = match issuer.map(|member| &member.role) {
            Some(Role::Issuer(scope)) => {
                let locks = scope.locks.iter().flatten().map(|lock| format!("\"{lock}\""));
                let locks = if scope.locks.is_some() { array(locks) } else { "null".to_owned() };
                let longest = scope.max_length.map(|length| length.0);
                Object::new().raw("locks", &locks).number("max_seconds", longest).done()
            }
            _ => "null".to_owned(),
        };
        let object = Object::new()
            .text("id", chain.home().to_string().as_str())
            .text("name", chain.policy().name.as_str())
            .text("zone", chain.policy().zone.as_str())
            .number("seq", chain.seq())
            .number("offline_grace_seconds", chain.policy().offline_grace.0)
            .raw("issuing", &issuing);
        Ok(Reply::ok(object.done()))
    }

    /// The members, without the Worker's own key.
    pub(super) fn people_view(&self) -> Result<Reply> {
        let members = self.chain()?.members().iter();
        let people = members.filter(|(_, member)| !matches!(member.role, Role::Issuer(_)));
        let items = people.map(|(id, member)| {
            let id = id.to_string();
            let object = Object::new().text("id", id.as_str()).text("name", member.key.name.as_str());
            object.text("role", member.role.as_str()).done()
        });
        Ok(Reply::ok(page(items, None)))
    }

    /// The hubs.
    pub(super) fn hubs_view(&self, online: &[HubId]) -> Result<Reply> {
        let mut items = Vec::new();
        for (id, hub) in self.chain()?.hubs().iter() {
            let seen = self.hub_seen(id, online.contains(id))?;
            let object =
                Object::new().text("id", id.to_string().as_str()).text("name", hub.key.name.as_str());
            let object = object.flag("online", seen.online).time("last_seen", seen.last_seen);
            items.push(object.number("seq", seen.seq).done());
        }
        Ok(Reply::ok(page(items, None)))
    }

    /// The locks.
    pub(super) fn locks_view(&self) -> Result<Reply> {
        let reports = self.latest_reports()?;
        Ok(Reply::ok(page(reports.iter().map(lock_json), None)))
    }

    /// A page of the codes that are not revoked, by ascending id.
    pub(super) fn codes_view<R>(&self, ctx: &ApiContext<'_, R>, query: Query<'_>) -> Result<Reply> {
        let (limit, after) = (query.limit()?, query.cursor(|text| GrantId::parse(text).ok())?);
        let kind = query.text("kind")?;
        let kinds = GrantKind::ALL.map(GrantKind::as_str);
        let state = query.text("state")?;
        let known = |list: &[&str], value: &Option<String>| {
            value.as_deref().is_none_or(|value| list.contains(&value))
        };
        if !known(&kinds, &kind) || !known(&STATES, &state) {
            return Err(MALFORMED);
        }
        let label = query.text("label")?.map(|text| text.to_ascii_lowercase());
        let (view, mut items, mut last) = (self.view(ctx)?, Vec::new(), None);
        for (id, entry) in self.chain()?.grants().iter() {
            let grant = &entry.grant;
            let wanted = after.is_none_or(|after| *id > after)
                && kind.as_deref().is_none_or(|kind| kind == grant.kind.as_str())
                && label.as_deref().is_none_or(|part| grant.label.to_ascii_lowercase().contains(part));
            if !wanted {
                continue;
            }
            let seat = Seat { entry: entry.clone(), revoked: None };
            let (object, states) = self.code_json(&view, &seat)?;
            if state.as_deref().is_some_and(|state| !states.contains(&state)) {
                continue;
            }
            if items.len() == limit {
                return Ok(Reply::ok(page(items, last.map(|id: GrantId| id.to_string()).as_deref())));
            }
            items.push(object.done());
            last = Some(*id);
        }
        Ok(Reply::ok(page(items, None)))
    }

    /// A code, revoked or not.
    pub(super) fn code_view<R>(&self, ctx: &ApiContext<'_, R>, id: &GrantId) -> Result<Reply> {
        let seat = self.seat(id)?;
        let (object, _) = self.code_json(&self.view(ctx)?, &seat)?;
        Ok(Reply { etag: Some(etag(&seat.entry)), ..Reply::ok(object.done()) })
    }

    /// A code by its id. What a revoked one was is in the op that put it.
    pub(super) fn seat(&self, id: &GrantId) -> Result<Seat> {
        let chain = self.chain()?;
        if let Some(entry) = chain.grants().get(id) {
            return Ok(Seat { entry: entry.clone(), revoked: None });
        }
        let by = *chain.revoked().get(id).ok_or(NO_CODE)?;
        let (seq, _) = self.put_of(id)?.ok_or(NO_CODE)?;
        let read = |seq| SignedOp::parse(&self.store.op(seq)?.ok_or(INTERNAL)?).map_err(|_| INTERNAL);
        let (put, revoked) = (read(seq)?, read(by)?);
        let Body::PutGrant(grant) = put.claimed().body.clone() else { return Err(INTERNAL) };
        let entry = GrantEntry { grant, seq, signer: put.kid(), iat: put.claimed().iat };
        Ok(Seat { entry: Arc::new(entry), revoked: Some(Place { at: revoked.claimed().iat, seq: by }) })
    }

    /// A code as JSON, to be added to, and the names of its states.
    pub(super) fn code_json(&self, view: &View<'_>, seat: &Seat) -> Result<(Object, Vec<&'static str>)> {
        let (chain, grant) = (self.chain()?, &seat.entry.grant);
        let (mut locks, mut states) = (Vec::new(), Vec::new());
        for lock in &grant.locks {
            let (json, state) = self.at_lock(view, seat, *lock)?;
            locks.push(json);
            states.push(state);
        }
        let hours = Some(write_hours(&grant.schedule)).filter(|_| grant.schedule != Schedule::Always);
        let name = |id: &KeyId| chain.key_record(*id).map(|key| key.name.clone());
        let object = Object::new()
            .text("id", grant.id.to_string().as_str())
            .number("rev", u64::from(grant.rev))
            .text("kind", grant.kind.as_str())
            .text("label", grant.label.as_str())
            .time("not_before", grant.not_before)
            .time("expires", grant.expires)
            .text("hours", hours.as_deref())
            .number("uses", grant.uses.map(u64::from))
            .flag("suspended", grant.suspended)
            .text("holder", grant.holder.as_ref().and_then(name).as_deref())
            .text("made_by", name(&seat.entry.signer).as_deref())
            .time("revoked", seat.revoked.map(|place| place.at))
            .flag("shared", grant.link.is_some())
            .raw("locks", &array(locks));
        Ok((object, states))
    }

    /// How a code stands at one lock, in the words that members read.
    fn at_lock(&self, view: &View<'_>, seat: &Seat, lock: LockId) -> Result<(String, &'static str)> {
        let report = view.reports.iter().filter(|r| r.lock.id == lock).max_by_key(|r| r.at);
        let hub = match report {
            Some(report) if view.online.contains(&report.hub) => HubContact::online(view.now),
            Some(report) => {
                HubContact::away(self.store.hub(&report.hub)?.map(|row| Timestamp(row.last_seen)))
            }
            None => HubContact::last_heard(None, view.now),
        };
        let code = Code { revoked: seat.revoked, ..Code::in_force(&seat.entry) };
        let facts = Facts {
            code: Some(code),
            lock,
            policy: self.chain()?.policy(),
            seen: report.map(|report| Seen::in_report(report, &seat.entry.grant.id)),
            hub,
            now: view.now,
            zone: view.zone,
            style: Style::default(),
        };
        let told = explain(&facts, view.now, Audience::Member);
        let seen = facts.seen.and_then(|seen| seen.code);
        let object = Object::new()
            .text("lock", lock.to_string().as_str())
            .text("name", report.map(|report| report.lock.name.as_str()))
            .text("state", told.state.name())
            .time("since", told.since)
            .text("reason", told.reason.name())
            .flag("opens", told.opens)
            .text("sentence", told.sentence.as_str())
            .text("next_step", told.next_step)
            .time(
                "verified_at",
                match told.state {
                    CodeState::OnLock { verified_at } => Some(verified_at),
                    _ => None,
                },
            )
            .number("used", seen.map_or(0, |code| u64::from(code.uses)))
            .time("last_used", seen.and_then(|code| code.last_used));
        Ok((object.done(), told.state.name()))
    }

    /// A page of the log, newest first.
    pub(super) fn log_view(&self, query: Query<'_>) -> Result<Reply> {
        let limit = query.limit()?;
        // Beyond 2^53 storage has no integers.
        let before = query.cursor(|text| text.parse().ok().filter(|n: &u64| *n < 1 << 53))?;
        let mut rows = self.store.events_before(before, limit + 1)?;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| more).map(|(cursor, _)| cursor.to_string());
        let reports = self.latest_reports()?;
        let items: Result<Vec<String>> =
            rows.iter().map(|(_, bytes)| self.entry_json(bytes, &reports)).collect();
        Ok(Reply::ok(page(items?, next.as_deref())))
    }

    fn entry_json(&self, bytes: &[u8], reports: &[Report]) -> Result<String> {
        // It was verified when it was taken.
        let event = Event::claimed(bytes).ok_or(INTERNAL)?;
        let (lock, code) = (event.body.lock(), event.body.grant());
        let lock_name = reports.iter().find(|r| Some(r.lock.id) == lock).map(|r| r.lock.name.as_str());
        let label = match code {
            Some(id) => self.seat(&id).ok().map(|seat| seat.entry.grant.label.clone()),
            None => None,
        };
        let object = Object::new()
            .text("hub", event.hub.to_string().as_str())
            .number("number", event.number)
            .time("at", event.at)
            .flag("clock_unsure", event.clock_unsure)
            .text("event", event.body.name())
            .text("lock", lock.map(|id| id.to_string()).as_deref())
            .text("lock_name", lock_name)
            .text("code", code.map(|id| id.to_string()).as_deref())
            .text("label", label.as_deref())
            .text("detail", detail(&event.body).as_deref());
        Ok(object.done())
    }
}

/// What else an event says.
fn detail(body: &EventBody) -> Option<String> {
    match body {
        EventBody::Started(text)
        | EventBody::LockFound(_, text)
        | EventBody::ChainAlarm(text)
        | EventBody::PanelDropped(_, _, text)
        | EventBody::ZoneUnknown(text) => Some(text.clone()),
        EventBody::CodeTaken(_, _, why, _) => Some(why.name().to_owned()),
        EventBody::CodeFailed(_, _, why) => Some(why.name().to_owned()),
        EventBody::UnmanagedUsed(_, slot) | EventBody::ChangedByHand(_, slot) => {
            Some(format!("slot {}", slot.0))
        }
        EventBody::ClockMoved(seconds) => Some(format!("{seconds} s")),
        EventBody::EntriesLost(_, count) => Some(count.to_string()),
        _ => None,
    }
}

fn lock_json(report: &Report) -> String {
    let (lock, abilities) = (&report.lock, &report.lock.abilities);
    let confirms = match abilities.readback {
        Readback::Full => "pin",
        Readback::Masked => "presence",
        Readback::None => "nothing",
    };
    Object::new()
        .text("id", lock.id.to_string().as_str())
        .text("name", lock.name.as_str())
        .text("hub", report.hub.to_string().as_str())
        .text("driver", lock.driver.as_str())
        .flag("reachable", lock.unreachable_since.is_none())
        .time("unreachable_since", lock.unreachable_since)
        .number("battery", lock.battery.map(u64::from))
        .flag("locked", lock.locked())
        .number("free_slots", u64::from(lock.free_slots))
        .number("pin_min", u64::from(abilities.pin_min))
        .number("pin_max", u64::from(abilities.pin_max))
        .text("confirms", confirms)
        .time("reported", report.at)
        .done()
}

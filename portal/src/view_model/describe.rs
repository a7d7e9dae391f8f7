//! Events and times in words.

use super::Home;
use latchkey_shared::event::{Event, EventBody, EventNames, span_words};
use latchkey_shared::id::{GrantId, HubId, LockId};
use latchkey_shared::schedule::{HourStyle, Style, format_instant};
use latchkey_shared::time::{Local, Seconds, Timestamp};
use latchkey_shared::zone::Zone;

impl EventNames for Home {
    fn lock(&self, id: &LockId) -> String {
        self.lock_name(id)
    }

    fn has_lock(&self, id: &LockId) -> bool {
        self.reports.contains_key(id)
    }

    fn code(&self, id: &GrantId) -> String {
        self.grants.get(id).map_or_else(|| "A code".into(), |put| put.grant.label.clone())
    }

    fn hub(&self, id: &HubId) -> String {
        self.hub_name(id)
    }
}

/// What happened, in a sentence.
pub fn event_sentence(home: &Home, event: &Event) -> String {
    event.sentence(home)
}

/// How an event looks: (kind for programs, icon, tone).
pub fn event_tone(body: &EventBody) -> (&'static str, &'static str, &'static str) {
    match body {
        EventBody::Started(_) => ("Started", "hub", ""),
        EventBody::CodeUsed(..) | EventBody::Duress(..) => ("CodeUsed", "unlock", "on"),
        EventBody::EntryRefused(_) => ("EntryRefused", "x", "warn"),
        EventBody::UnmanagedUsed(..) => ("UnmanagedUsed", "unlock", "warn"),
        EventBody::CodePut(..) => ("CodePut", "check", ""),
        EventBody::CodeTaken(..) => ("CodeTaken", "out", ""),
        EventBody::CodeFailed(..) => ("CodeFailed", "alert", "bad"),
        EventBody::LockFound(..) => ("LockFound", "door", ""),
        EventBody::LockReachable(_, true) => ("LockReachable", "refresh", ""),
        EventBody::LockReachable(_, false) => ("LockReachable", "offline", "warn"),
        EventBody::ChangedByHand(..) => ("ChangedByHand", "pen", "warn"),
        EventBody::ClockMoved(_) => ("ClockMoved", "clock", ""),
        EventBody::ChainAlarm(_) => ("ChainAlarm", "alert", "bad"),
        EventBody::Online(true) => ("Online", "hub", ""),
        EventBody::Online(false) => ("Online", "offline", "warn"),
        EventBody::LockGone(_) => ("LockGone", "door", "warn"),
        EventBody::PanelOpened(_) | EventBody::PanelDuress(_) => ("PanelOpened", "unlock", ""),
        EventBody::PanelRefused => ("PanelRefused", "x", "warn"),
        EventBody::PanelChanged(..) => ("PanelChanged", "pen", ""),
        EventBody::PanelDropped(..) => ("PanelDropped", "alert", "bad"),
        EventBody::EntriesLost(..) => ("EntriesLost", "alert", "warn"),
        EventBody::ZoneUnknown(_) => ("ZoneUnknown", "alert", "bad"),
        EventBody::Restored(_) => ("Restored", "alert", "bad"),
        EventBody::StartedOver => ("StartedOver", "alert", "bad"),
        EventBody::Jammed(_) => ("Jammed", "alert", "bad"),
        EventBody::Tampered(_) => ("Tampered", "alert", "bad"),
        EventBody::BatteryLow(_) => ("BatteryLow", "alert", "warn"),
        EventBody::Operated(_, _, _, true) => ("Operated", "unlock", "on"),
        EventBody::Operated(..) => ("Operated", "alert", "warn"),
    }
}

/// `just now`, `4 minutes ago`.
pub fn since_words(t: Timestamp, now: Timestamp) -> String {
    match now.since(t) {
        Seconds(0..10) => "just now".into(),
        span => format!("{} ago", span_words(span)),
    }
}

/// The time of day, in the home's zone.
pub fn clock_time(home: &Home, t: Timestamp) -> String {
    clock(home.zone.to_local(t), home.style)
}

fn clock(local: Local, style: Style) -> String {
    let (h, m) = (local.hour, local.minute);
    match style.hours {
        HourStyle::H24 => format!("{h:02}:{m:02}"),
        HourStyle::H12 => {
            format!("{}:{m:02} {}", (h + 11) % 12 + 1, if h < 12 { "am" } else { "pm" })
        }
    }
}

/// The time of day today, else day and time, in the home's zone.
pub fn short_time(home: &Home, t: Timestamp) -> String {
    short_instant(t, home.now(), &*home.zone, home.style)
}

/// The same without a home.
pub fn short_instant(t: Timestamp, now: Timestamp, zone: &dyn Zone, style: Style) -> String {
    let (then, today) = (zone.to_local(t), zone.to_local(now));
    if (then.year, then.month, then.day) == (today.year, today.month, today.day) {
        return clock(then, style);
    }
    let full = format_instant(t, zone, &style);
    // The year is only worth its place where it is another.
    if then.year == today.year {
        full.replacen(&format!(" {} at", then.year), ",", 1)
    } else {
        full.replacen(" at", ",", 1)
    }
}

/// A PIN in threes or twos, as people read numbers aloud.
pub fn grouped(digits: &str) -> String {
    let size = match digits.len() {
        4 | 8 => 4,
        _ => 3,
    };
    let mut out = String::with_capacity(digits.len() + 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && i % size == 0 && digits.len() - i > 1 {
            out.push(' ');
        }
        out.push(digit);
    }
    out
}

//! Events and times in words.

use super::Home;
use latchkey_shared::chain::ChainError;
use latchkey_shared::event::{Event, EventBody, PanelChange, TakenWhy};
use latchkey_shared::id::GrantId;
use latchkey_shared::schedule::{HourStyle, format_instant};
use latchkey_shared::time::{Seconds, Timestamp};
use latchkey_shared::zone::Zone;

fn code_name(home: &Home, grant: &GrantId) -> String {
    home.grants.get(grant).map_or_else(|| "A code".into(), |put| put.grant.label.clone())
}

fn why_taken(why: TakenWhy) -> &'static str {
    match why {
        TakenWhy::Expired => "it ended",
        TakenWhy::Revoked => "it was revoked",
        TakenWhy::OutsideHours => "its hours are over",
        TakenWhy::Suspended => "it was suspended",
        TakenWhy::Changed => "it was changed",
        TakenWhy::OfflineGrace => "the hub was offline for too long",
        TakenWhy::GaveWay => "a nearer code needed the slot",
    }
}

/// What happened, in a sentence.
pub fn event_sentence(home: &Home, event: &Event) -> String {
    let lock = |id| home.lock_name(id);
    let code = |id| code_name(home, id);
    match &event.body {
        EventBody::Started(version) => format!("{} started (version {version}).", home.hub_name(&event.hub)),
        EventBody::CodeUsed(l, g) => format!("{} opened {}.", code(g), lock(l)),
        EventBody::EntryRefused(l) => format!("Somebody typed a wrong PIN at {}.", lock(l)),
        EventBody::UnmanagedUsed(l, slot) => {
            format!("A code that Latchkey does not manage (slot {}) opened {}.", slot.0, lock(l))
        }
        EventBody::CodePut(l, g, true) => format!("{} is on {}, read back.", code(g), lock(l)),
        EventBody::CodePut(l, g, false) => {
            format!("{} was written to {}; the lock cannot confirm it.", code(g), lock(l))
        }
        EventBody::CodeTaken(l, g, why, read_back) => {
            let (code, lock, why) = (code(g), lock(l), why_taken(*why));
            match read_back {
                true => format!("{code} is off {lock}, read back: {why}."),
                false => format!("{code} was cleared from {lock}, which cannot confirm it: {why}."),
            }
        }
        EventBody::CodeFailed(l, g, why) => {
            format!("{} could not be put on {}: {}.", code(g), lock(l), why.wrong())
        }
        EventBody::LockFound(l, name) => {
            if home.reports.contains_key(l) {
                format!("{name} was found.")
            } else {
                format!("{name} was found; it is gone now.")
            }
        }
        EventBody::LockReachable(l, true) => format!("{} answers again.", lock(l)),
        EventBody::LockReachable(l, false) => format!("{} stopped answering.", lock(l)),
        EventBody::ChangedByHand(l, slot) => {
            format!("Somebody changed slot {} at {} by hand.", slot.0, lock(l))
        }
        EventBody::ClockMoved(by) => {
            let way = if *by < 0 { "back" } else { "forward" };
            format!("The hub's clock went {way} by {}.", span_words(Seconds(by.unsigned_abs())))
        }
        EventBody::ChainAlarm(code) => {
            format!("The server showed the hub another history of this home ({code}).")
        }
        EventBody::Online(true) => format!("{} is online.", home.hub_name(&event.hub)),
        EventBody::Online(false) => {
            format!("{} lost its connection. Codes keep working.", home.hub_name(&event.hub))
        }
        EventBody::LockGone(_) => "A lock was taken away.".into(),
        EventBody::Duress(l, g) => format!("Silent alarm: {} opened {} under duress.", code(g), lock(l)),
        EventBody::PanelDuress(g) => {
            format!(
                "Silent alarm: {} opened the panel of {} under duress.",
                code(g),
                home.hub_name(&event.hub)
            )
        }
        EventBody::PanelOpened(g) => {
            format!("{} opened the panel of {}.", code(g), home.hub_name(&event.hub))
        }
        EventBody::PanelRefused => format!("The panel of {} refused a PIN.", home.hub_name(&event.hub)),
        EventBody::PanelChanged(g, what, by) => {
            format!("{} {} at the hub's panel, opened with {}.", code(g), panel_change(*what), code(by))
        }
        EventBody::PanelDropped(g, what, why) => {
            let why = ChainError::ALL.iter().find(|e| e.code() == why).map_or(why.as_str(), |e| e.hint());
            let what = panel_change(*what);
            format!(
                "{} {what} at the hub's panel, but that did not fit what others did meanwhile and was dropped. {why}",
                code(g)
            )
        }
        EventBody::EntriesLost(l, count) => {
            format!("{} forgot {count} entries of its log before the hub could read them.", lock(l))
        }
        EventBody::ZoneUnknown(zone) => {
            format!(
                "The hub does not know the time zone {zone}: codes with hours do not open. Update the hub."
            )
        }
        EventBody::Restored(last) => {
            format!("{} was set back to a backup that ends with its event {last}.", home.hub_name(&event.hub))
        }
        EventBody::StartedOver => format!(
            "Somebody at {} took it out of this home. Its codes are off its locks.",
            home.hub_name(&event.hub)
        ),
    }
}

fn panel_change(what: PanelChange) -> &'static str {
    match what {
        PanelChange::Added => "was made",
        PanelChange::Edited => "was changed",
        PanelChange::Suspended => "was paused",
        PanelChange::Resumed => "was resumed",
        PanelChange::Ended => "was ended",
    }
}

/// How an event looks: (kind for programs, icon, tone).
pub fn event_tone(body: &EventBody) -> (&'static str, &'static str, &'static str) {
    match body {
        EventBody::Started(_) => ("Started", "hub", ""),
        EventBody::CodeUsed(..) => ("CodeUsed", "unlock", "on"),
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
        EventBody::Duress(..) => ("Duress", "alert", "bad"),
        EventBody::PanelDuress(_) => ("PanelDuress", "alert", "bad"),
        EventBody::PanelOpened(_) => ("PanelOpened", "unlock", ""),
        EventBody::PanelRefused => ("PanelRefused", "x", "warn"),
        EventBody::PanelChanged(..) => ("PanelChanged", "pen", ""),
        EventBody::PanelDropped(..) => ("PanelDropped", "alert", "bad"),
        EventBody::EntriesLost(..) => ("EntriesLost", "alert", "warn"),
        EventBody::ZoneUnknown(_) => ("ZoneUnknown", "alert", "bad"),
        EventBody::Restored(_) => ("Restored", "alert", "bad"),
        EventBody::StartedOver => ("StartedOver", "alert", "bad"),
    }
}

/// `4 minutes`.
fn span_words(span: Seconds) -> String {
    let unit = |n: u64, name: &str| format!("{n} {name}{}", if n == 1 { "" } else { "s" });
    match span.0 {
        s @ 0..60 => unit(s, "second"),
        s @ 60..3_600 => unit(s / 60, "minute"),
        s @ 3_600..86_400 => unit(s / 3_600, "hour"),
        s => unit(s / 86_400, "day"),
    }
}

/// `just now`, `4 minutes ago`.
pub fn since_words(t: Timestamp, now: Timestamp) -> String {
    match now.since(t) {
        Seconds(0..10) => "just now".into(),
        span => format!("{} ago", span_words(span)),
    }
}

/// The time of day today, else day and time, in the home's zone.
pub fn short_time(home: &Home, t: Timestamp) -> String {
    let (then, today) = (home.zone.to_local(t), home.zone.to_local(home.now()));
    if (then.year, then.month, then.day) == (today.year, today.month, today.day) {
        let (h, m) = (then.hour, then.minute);
        return match home.style.hours {
            HourStyle::H24 => format!("{h:02}:{m:02}"),
            HourStyle::H12 => {
                format!("{}:{m:02} {}", (h + 11) % 12 + 1, if h < 12 { "am" } else { "pm" })
            }
        };
    }
    let full = format_instant(t, &*home.zone, &home.style);
    // The year is only worth its place where it is another.
    if then.year == today.year {
        full.replacen(&format!(" {} at", then.year), ",", 1)
    } else {
        full.replacen(" at", ",", 1)
    }
}

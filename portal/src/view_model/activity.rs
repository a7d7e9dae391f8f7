//! What happened, in one timeline: who changed what, by the chain, and what the hubs saw, by their logs.

use super::log::Log;
use super::{Home, event_sentence, event_tone};
use latchkey_shared::event::{Event, EventBody};
use latchkey_shared::exchange::csv::write_row;
use latchkey_shared::exchange::typed::write_instant;
use latchkey_shared::id::{GrantId, HubId, KeyId, LockId};
use latchkey_shared::time::Timestamp;
use latchkey_shared::zone::FixedZone;

/// What sort of thing happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Group {
    /// Somebody came in, or tried to.
    Entries,
    /// Somebody changed the home.
    Changes,
    /// Codes went on and off locks.
    Codes,
    /// Locks and hubs.
    Devices,
    /// Something is wrong.
    Alarms,
}

impl Group {
    /// Every one, with its name for programs and in words.
    pub const ALL: [(Self, &str, &str); 5] = [
        (Self::Entries, "entries", "Entries"),
        (Self::Changes, "changes", "Changes by people"),
        (Self::Codes, "codes", "Codes on locks"),
        (Self::Devices, "devices", "Locks and hubs"),
        (Self::Alarms, "alarms", "Alarms"),
    ];

    fn of(body: &EventBody) -> Self {
        match body {
            EventBody::CodeUsed(..)
            | EventBody::Duress(..)
            | EventBody::EntryRefused(_)
            | EventBody::UnmanagedUsed(..)
            | EventBody::PanelOpened(_)
            | EventBody::PanelDuress(_)
            | EventBody::PanelRefused
            | EventBody::Operated(..) => Self::Entries,
            EventBody::PanelChanged(..) | EventBody::PanelDropped(..) => Self::Changes,
            EventBody::CodePut(..) | EventBody::CodeTaken(..) | EventBody::CodeFailed(..) => Self::Codes,
            EventBody::Started(_)
            | EventBody::LockFound(..)
            | EventBody::LockReachable(..)
            | EventBody::ClockMoved(_)
            | EventBody::Online(_)
            | EventBody::LockGone(_)
            | EventBody::BatteryLow(_) => Self::Devices,
            EventBody::ChangedByHand(..)
            | EventBody::ChainAlarm(_)
            | EventBody::EntriesLost(..)
            | EventBody::ZoneUnknown(_)
            | EventBody::Restored(_)
            | EventBody::StartedOver
            | EventBody::Jammed(_)
            | EventBody::Tampered(_) => Self::Alarms,
        }
    }
}

/// Where a line comes from.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Source {
    /// The op of this number.
    Op(u64),
    /// A hub's event of this number.
    Event(HubId, u64),
}

/// One thing that happened.
#[derive(Clone, PartialEq, Debug)]
pub struct Line {
    /// Where it comes from.
    pub source: Source,
    /// When.
    pub at: Timestamp,
    /// Its name for programs.
    pub kind: &'static str,
    /// What sort of thing.
    pub group: Group,
    /// Its icon.
    pub icon: &'static str,
    /// Its tone.
    pub tone: &'static str,
    /// What happened, in a sentence.
    pub text: String,
    /// The code that it is about.
    pub grant: Option<GrantId>,
    /// The doors that it is about.
    pub locks: Vec<LockId>,
    /// Who did it and to whom.
    pub people: Vec<KeyId>,
    /// The hub did not know the time.
    pub unsure: bool,
}

fn event_line(home: &Home, event: &Event) -> Line {
    let (kind, icon, tone) = event_tone(&event.body);
    let (lock, grant) = (event.body.lock(), event.body.grant());
    let holder = grant.and_then(|id| home.grants.get(&id)).and_then(|put| put.grant.holder);
    Line {
        source: Source::Event(event.hub, event.number),
        at: event.at,
        kind,
        group: Group::of(&event.body),
        icon,
        tone,
        text: event_sentence(home, event),
        grant,
        locks: lock.into_iter().collect(),
        people: holder.into_iter().collect(),
        unsure: event.clock_unsure,
    }
}

/// The timeline, newest first. As far back as the hubs' logs were fetched: beyond that, it would look as if nobody had
/// come in.
pub fn timeline(home: &Home, ops: &[Line], log: &Log) -> Vec<Line> {
    let events = log.newest_first();
    let reach = log.next.and(events.last().map(|event| event.at)).unwrap_or_default();
    let mut lines: Vec<Line> = events.into_iter().map(|event| event_line(home, event)).collect();
    lines.extend(ops.iter().filter(|line| line.at >= reach).cloned());
    lines.sort_by_key(|line| core::cmp::Reverse((line.at, line.source)));
    lines
}

/// Which lines somebody wants to see.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct LineFilter {
    /// Every word must be in the sentence.
    pub text: String,
    /// Only this sort of thing.
    pub group: Option<Group>,
    /// Only at this door.
    pub door: Option<LockId>,
    /// Only about this code.
    pub code: Option<GrantId>,
    /// Only by or about this person.
    pub person: Option<KeyId>,
}

impl LineFilter {
    /// How many conditions there are beside the words.
    pub fn conditions(&self) -> usize {
        [self.group.is_some(), self.door.is_some(), self.code.is_some(), self.person.is_some()]
            .into_iter()
            .filter(|set| *set)
            .count()
    }

    /// Whether it lets everything through.
    pub fn is_open(&self) -> bool {
        self.conditions() == 0 && self.text.trim().is_empty()
    }

    /// The lines that fit.
    pub fn apply(&self, lines: &[Line]) -> Vec<Line> {
        let words: Vec<String> = self.text.to_lowercase().split_whitespace().map(str::to_owned).collect();
        let fits = |line: &&Line| {
            let text = if words.is_empty() { String::new() } else { line.text.to_lowercase() };
            words.iter().all(|word| text.contains(word))
                && self.group.is_none_or(|group| line.group == group)
                && self.door.is_none_or(|door| line.locks.contains(&door))
                && self.code.is_none_or(|code| line.grant == Some(code))
                && self.person.is_none_or(|person| line.people.contains(&person))
        };
        lines.iter().filter(fits).cloned().collect()
    }
}

/// Lines as CSV, oldest first. No cell can act as a formula.
pub fn to_csv(home: &Home, lines: &[Line]) -> String {
    let mut out = String::from("\u{feff}");
    let heads = ["time", "time_utc", "clock_unsure", "kind", "what", "code", "doors", "source"];
    write_row(&mut out, heads.into_iter().map(str::to_owned));
    for line in lines.iter().rev() {
        let doors: Vec<String> = line.locks.iter().map(|lock| home.lock_name(lock)).collect();
        let code = line.grant.and_then(|id| home.grants.get(&id)).map(|put| put.grant.label.clone());
        let source = match line.source {
            Source::Op(seq) => format!("change {seq}"),
            Source::Event(hub, number) => format!("{} {number}", home.hub_name(&hub)),
        };
        let cells = [
            write_instant(line.at, &*home.zone),
            write_instant(line.at, &FixedZone::UTC),
            if line.unsure { "yes" } else { "" }.to_owned(),
            line.kind.to_owned(),
            line.text.clone(),
            code.unwrap_or_default(),
            doors.join("; "),
            source,
        ];
        write_row(&mut out, cells.into_iter());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(n: u8, group: Group, text: &str) -> Line {
        Line {
            source: Source::Op(n.into()),
            at: Timestamp(n.into()),
            kind: "PutGrant",
            group,
            icon: "pen",
            tone: "",
            text: text.into(),
            grant: Some(GrantId([n; 16])),
            locks: vec![LockId([n % 2; 16])],
            people: vec![KeyId([n; 16])],
            unsure: false,
        }
    }

    #[test]
    fn finds_by_every_condition() {
        let lines = [
            line(1, Group::Entries, "Anna opened Front door."),
            line(2, Group::Changes, "You made Anna."),
            line(3, Group::Entries, "Bob opened Back door."),
        ];
        let found =
            |filter: LineFilter| -> Vec<u64> { filter.apply(&lines).iter().map(|line| line.at.0).collect() };
        let open = LineFilter::default;
        assert_eq!(found(open()), [1, 2, 3]);
        assert_eq!(found(LineFilter { text: "DOOR opened".into(), ..open() }), [1, 3]);
        assert_eq!(found(LineFilter { group: Some(Group::Changes), ..open() }), [2]);
        assert_eq!(found(LineFilter { door: Some(LockId([1; 16])), ..open() }), [1, 3]);
        assert_eq!(
            found(LineFilter { code: Some(GrantId([3; 16])), text: "anna".into(), ..open() }),
            [0u64; 0]
        );
        assert_eq!(found(LineFilter { person: Some(KeyId([2; 16])), ..open() }), [2]);
    }
}

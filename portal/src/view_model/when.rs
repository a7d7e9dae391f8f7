//! "When", as it is chosen on the screen, and the term and hours that it amounts to.

use crate::problem::Problem;
use latchkey_shared::grant::{Grant, GrantError, GrantKind};
use latchkey_shared::schedule::{
    Buffers, Date, Days, MinuteOfDay, Preset as Term, Schedule, ScheduleError, Validity, WeeklyWindow,
};
use latchkey_shared::time::{DAY, Local, Seconds, TimeError, Timestamp, Weekday};
use latchkey_shared::zone::Zone;

/// The ready-made answers to "when".
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Preset {
    /// From now until 11:00 in the morning.
    Tonight,
    /// Friday afternoon to Sunday evening.
    Weekend,
    /// The same hours every week.
    Weekly,
    /// At any time, without an end.
    Endless,
    /// From and to as typed.
    Custom,
}

/// Hours on some days of the week, as typed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Row {
    /// Which days.
    pub days: Days,
    /// `HH:MM`.
    pub from: String,
    /// `HH:MM`.
    pub to: String,
}

/// How often the code opens.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Often {
    /// As often as one likes.
    Any,
    /// Once.
    Once,
    /// As often as typed.
    Times,
}

/// What was chosen about the time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct When {
    /// Which answer.
    pub preset: Preset,
    /// The first instant of other times, `YYYY-MM-DDTHH:MM`.
    pub from: String,
    /// Their end, `YYYY-MM-DDTHH:MM`.
    pub to: String,
    /// The last day of weekly hours, `YYYY-MM-DD`.
    pub until: String,
    /// Whether weekly hours and other times have no end.
    pub endless: bool,
    /// Whether other times have hours too.
    pub with_hours: bool,
    /// The weekly hours.
    pub rows: Vec<Row>,
    /// Days on which it does not open, ascending.
    pub days_off: Vec<Date>,
    /// Minutes added before and after.
    pub buffers: Buffers,
    /// Whether it lasts only so long from its first use on.
    pub with_stay: bool,
    /// How long, in hours.
    pub stay: String,
    /// How often.
    pub often: Often,
    /// How often at most, if it is a number.
    pub times: String,
    /// What an existing code has. What is not touched stays as it is to the second.
    kept: Option<Kept>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Kept {
    from: (String, Timestamp),
    to: Option<(String, Timestamp)>,
    suspended: bool,
}

fn date_text(local: Local) -> String {
    format!("{:04}-{:02}-{:02}", local.year, local.month, local.day)
}

/// An instant for a `datetime-local` input.
pub fn date_time_text(local: Local) -> String {
    format!("{}T{:02}:{:02}", date_text(local), local.hour, local.minute)
}

/// The same clock so many days later.
fn days_later(local: Local, days: i64) -> Local {
    Local::from_seconds(local.to_seconds() + days * DAY)
}

fn midnight(local: Local) -> bool {
    (local.hour, local.minute, local.second) == (0, 0, 0)
}

fn time_text(time: MinuteOfDay) -> String {
    format!("{:02}:{:02}", time.minutes() / 60, time.minutes() % 60)
}

fn refused(e: ScheduleError) -> Problem {
    Problem::new(e.code().into(), e.hint().into(), String::new())
}

fn no_such_time(e: TimeError) -> Problem {
    Problem::new(e.code().into(), "Fill in a date and a time that exist.".into(), String::new())
}

/// `HH:MM`, with seconds or without.
fn parse_time(text: &str) -> Result<MinuteOfDay, Problem> {
    let local = parse_date_time(&format!("1970-01-01T{text}"))?;
    MinuteOfDay::hm(local.hour, local.minute).map_err(refused)
}

/// `YYYY-MM-DD`.
pub fn parse_date(text: &str) -> Result<Local, Problem> {
    parse_date_time(&format!("{text}T00:00"))
}

/// `YYYY-MM-DDTHH:MM`.
pub fn parse_date_time(text: &str) -> Result<Local, Problem> {
    Local::parse(text).map_err(no_such_time)
}

impl When {
    /// What the screen starts with for a code of this kind.
    pub fn new(kind: GrantKind, now: Timestamp, zone: &dyn Zone) -> Self {
        let local = zone.to_local(now);
        let next_hour = Local::from_seconds(local.to_seconds() / 3600 * 3600 + 3600);
        Self {
            preset: if kind == GrantKind::Guest { Preset::Tonight } else { Preset::Endless },
            from: date_time_text(next_hour),
            to: date_time_text(days_later(next_hour, 1)),
            until: date_text(days_later(local, 90)),
            endless: kind != GrantKind::Guest,
            with_hours: false,
            rows: vec![Row { days: Days::of(&[Weekday::Tue]), from: "09:00".into(), to: "12:00".into() }],
            days_off: Vec::new(),
            buffers: Buffers::NONE,
            with_stay: false,
            stay: "24".into(),
            often: Often::Any,
            times: "5".into(),
            kept: None,
        }
    }

    /// What an existing code says.
    pub fn of(grant: &Grant, now: Timestamp, zone: &dyn Zone) -> Self {
        let (start, end) = (zone.to_local(grant.not_before), grant.expires.map(|end| zone.to_local(end)));
        let begun = grant.not_before <= now;
        let mut when = Self::new(grant.kind, now, zone);
        when.from = date_time_text(start);
        if let Some(end) = end {
            when.to = date_time_text(end);
            when.until = date_text(Local::from_seconds(end.to_seconds() - 1));
        }
        when.endless = end.is_none();
        if let Schedule::Weekly(windows) = &grant.schedule {
            when.with_hours = true;
            when.rows = windows.iter().map(Row::of).collect();
        }
        when.preset = match (&grant.schedule, end) {
            (Schedule::Always, None) if begun => Preset::Endless,
            (Schedule::Weekly(_), end) if begun && end.is_none_or(midnight) => Preset::Weekly,
            _ => Preset::Custom,
        };
        when.days_off.clone_from(&grant.days_off);
        when.buffers = grant.buffers.unwrap_or_default();
        if let Some(stay) = grant.stay {
            when.with_stay = true;
            when.stay = (stay.0 / 3600).to_string();
        }
        (when.often, when.times) = match grant.uses {
            None => (Often::Any, when.times),
            Some(1) => (Often::Once, when.times),
            Some(n) => (Often::Times, n.to_string()),
        };
        when.kept = Some(Kept {
            from: (when.from.clone(), grant.not_before),
            to: grant.expires.map(|end| (when.to.clone(), end)),
            suspended: grant.suspended,
        });
        when
    }

    /// The same for another kind of code: only guests' codes must end.
    pub fn for_kind(mut self, kind: GrantKind) -> Self {
        let guest = kind == GrantKind::Guest;
        self.preset = match self.preset {
            Preset::Tonight if !guest => Preset::Endless,
            Preset::Endless if guest => Preset::Tonight,
            preset => preset,
        };
        self.endless = !guest;
        self
    }

    /// How often it opens at most.
    pub fn uses(&self) -> Result<Option<u32>, Problem> {
        match self.often {
            Often::Any => Ok(None),
            Often::Once => Ok(Some(1)),
            Often::Times => {
                let times = self.times.trim().parse().ok().filter(|n| (1..=1_000).contains(n));
                times.map(Some).ok_or_else(|| Problem::coded(&GrantError::Uses))
            }
        }
    }

    /// The term and hours that it amounts to.
    pub fn validity(&self, now: Timestamp, zone: &dyn Zone) -> Result<Validity, Problem> {
        let (start, expires) = self.term(now, zone)?;
        let hours = match self.preset {
            Preset::Weekly => true,
            Preset::Custom => self.with_hours,
            Preset::Tonight | Preset::Weekend | Preset::Endless => false,
        };
        let rows = || self.rows.iter().map(Row::window).collect::<Result<Vec<_>, _>>();
        let schedule = if hours { Schedule::Weekly(rows()?) } else { Schedule::Always };
        let stay = if self.with_stay {
            let hours = self.stay.trim().parse().map_err(|_| refused(ScheduleError::BadStay))?;
            Some(Seconds::hours(hours))
        } else {
            None
        };
        let validity = Validity {
            days_off: self.days_off.clone(),
            buffers: self.buffers,
            stay,
            suspended: self.kept.as_ref().is_some_and(|kept| kept.suspended),
            ..Validity::new(start, expires, schedule)
        };
        validity.check_from(now, zone).map_err(refused)?;
        Ok(validity)
    }

    /// Start and end. What would begin in the past begins now.
    fn term(&self, now: Timestamp, zone: &dyn Zone) -> Result<(Timestamp, Option<Timestamp>), Problem> {
        let named = |preset: Term| {
            let (from, to) = preset.term(now, zone);
            (from, Some(to))
        };
        let begun = self.kept.as_ref().map(|kept| kept.from.1).filter(|start| *start <= now).unwrap_or(now);
        Ok(match self.preset {
            Preset::Tonight => named(Term::Tonight),
            Preset::Weekend => named(Term::Weekend),
            Preset::Endless => (begun, None),
            Preset::Weekly if self.endless => (begun, None),
            Preset::Weekly => {
                let last = parse_date(&self.until)?;
                (begun, Some(zone.resolve(days_later(last, 1)).start()))
            }
            Preset::Custom => {
                let start = match self.kept.as_ref().filter(|kept| kept.from.0 == self.from) {
                    Some(kept) => kept.from.1,
                    None => zone.resolve(parse_date_time(&self.from)?).start().max(now),
                };
                (start, if self.endless { None } else { Some(self.typed_end(zone)?) })
            }
        })
    }

    fn typed_end(&self, zone: &dyn Zone) -> Result<Timestamp, Problem> {
        match self.kept.as_ref().and_then(|kept| kept.to.as_ref()).filter(|(text, _)| *text == self.to) {
            Some((_, end)) => Ok(*end),
            None => Ok(zone.resolve(parse_date_time(&self.to)?).end()),
        }
    }
}

impl Row {
    fn of(window: &WeeklyWindow) -> Self {
        Self { days: window.days, from: time_text(window.from), to: time_text(window.to) }
    }

    fn window(&self) -> Result<WeeklyWindow, Problem> {
        if self.days.is_empty() {
            return Err(refused(ScheduleError::NoDays));
        }
        Ok(WeeklyWindow { days: self.days, from: parse_time(&self.from)?, to: parse_time(&self.to)? })
    }
}

#[cfg(test)]
mod tests;

//! A code in the making: what was chosen on the screen, and the grant that comes of it.

use super::Home;
use crate::js;
use crate::problem::Problem;
use latchkey_shared::api::LinkUpload;
use latchkey_shared::chain::{Body, Epoch};
use latchkey_shared::grant::{Grant, GrantKind, LinkRef};
use latchkey_shared::id::{GrantId, LockId};
use latchkey_shared::link::{LinkContent, LinkSecret};
use latchkey_shared::pin::{self, LockPinCaps, Pin, PinRules};
use latchkey_shared::schedule::{
    Buffers, Days, MinuteOfDay, Preset as Term, Schedule, Validity, WeeklyWindow,
};
use latchkey_shared::sealed::{Binding, SealedPin, SealedSecret};
use latchkey_shared::time::{DAY, Local, Seconds, Timestamp, Weekday};
use latchkey_shared::wire::cbor::Blob;
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

/// What was chosen about the time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct When {
    /// Which answer.
    pub preset: Preset,
    /// Weekly hours.
    pub weekly: Row,
    /// The last day of weekly hours, `YYYY-MM-DD`.
    pub until: String,
    /// `YYYY-MM-DDTHH:MM`.
    pub from: String,
    /// `YYYY-MM-DDTHH:MM`.
    pub to: String,
    /// Whether custom times have hours too.
    pub with_hours: bool,
    /// Those hours.
    pub rows: Vec<Row>,
}

fn date_text(local: Local) -> String {
    format!("{:04}-{:02}-{:02}", local.year, local.month, local.day)
}

fn date_time_text(local: Local) -> String {
    format!("{}T{:02}:{:02}", date_text(local), local.hour, local.minute)
}

/// The same clock so many days later.
fn days_later(local: Local, days: i64) -> Local {
    Local::from_seconds(local.to_seconds() + days * DAY)
}

fn at(local: Local, hour: u8) -> Local {
    Local { hour, minute: 0, second: 0, ..local }
}

impl When {
    /// What the screen starts with.
    pub fn new(now: Timestamp, zone: &dyn Zone) -> Self {
        let local = zone.to_local(now);
        let next_hour = Local::from_seconds(local.to_seconds() / 3600 * 3600 + 3600);
        Self {
            preset: Preset::Tonight,
            weekly: Row { days: Days::of(&[Weekday::Tue]), from: "09:00".into(), to: "12:00".into() },
            until: date_text(days_later(local, 90)),
            from: date_time_text(next_hour),
            to: date_time_text(days_later(next_hour, 1)),
            with_hours: false,
            rows: vec![Row { days: Days::ALL, from: "08:00".into(), to: "20:00".into() }],
        }
    }

    /// The term and hours that it amounts to.
    pub fn validity(&self, now: Timestamp, zone: &dyn Zone) -> Result<Validity, Problem> {
        let named = |preset: Term| {
            let (from, to) = preset.term(now, zone);
            (from, to, Schedule::Always)
        };
        let (not_before, expires, schedule) = match self.preset {
            Preset::Tonight => named(Term::Tonight),
            Preset::Weekend => named(Term::Weekend),
            Preset::Weekly => {
                let last = parse_date(&self.until)?;
                let end = zone.resolve(at(days_later(last, 1), 0)).start();
                (now, end, Schedule::Weekly(vec![self.weekly.window()?]))
            }
            Preset::Custom => {
                let rows = || self.rows.iter().map(Row::window).collect::<Result<Vec<_>, _>>();
                let schedule = if self.with_hours { Schedule::Weekly(rows()?) } else { Schedule::Always };
                let start = zone.resolve(parse_date_time(&self.from)?).start();
                (start, zone.resolve(parse_date_time(&self.to)?).end(), schedule)
            }
        };
        // What begins in the past begins now.
        let validity = Validity::new(not_before.max(now), Some(expires), schedule);
        if expires <= now {
            return Err(Problem::new(
                "schedule.past".into(),
                "Choose an end that is still to come.".into(),
                String::new(),
            ));
        }
        let refused = |code: &str, hint: &str| Problem::new(code.into(), hint.into(), String::new());
        validity.validate().map_err(|e| refused(e.code(), e.hint()))?;
        if validity.state_at(now, zone).never_opens() {
            return Err(refused("schedule.never", "These hours never fall between the start and the end."));
        }
        Ok(validity)
    }
}

trait NeverOpens {
    fn never_opens(&self) -> bool;
}

impl NeverOpens for latchkey_shared::schedule::Moment {
    fn never_opens(&self) -> bool {
        matches!(self, Self::NotYet { opens: None } | Self::OutsideHours { opens: None })
    }
}

impl Row {
    fn window(&self) -> Result<WeeklyWindow, Problem> {
        if self.days.is_empty() {
            return Err(Problem::new(
                "schedule.no_days".into(),
                "Choose at least one day.".into(),
                String::new(),
            ));
        }
        Ok(WeeklyWindow { days: self.days, from: parse_time(&self.from)?, to: parse_time(&self.to)? })
    }
}

fn no_such_time() -> Problem {
    Problem::new("time.no_such_time".into(), "Fill in a date and a time that exist.".into(), String::new())
}

fn parse_time(text: &str) -> Result<MinuteOfDay, Problem> {
    let (hour, rest) = text.split_once(':').ok_or_else(no_such_time)?;
    let minute = rest.split(':').next().unwrap_or_default();
    let number = |part: &str| part.parse::<u8>().map_err(|_| no_such_time());
    MinuteOfDay::hm(number(hour)?, number(minute)?).map_err(|_| no_such_time())
}

fn parse_date(text: &str) -> Result<Local, Problem> {
    let mut parts = text.split('-');
    let mut number = || parts.next().and_then(|part| part.parse::<i32>().ok()).ok_or_else(no_such_time);
    let (year, month, day) = (number()?, number()?, number()?);
    let small = |n: i32| u8::try_from(n).map_err(|_| no_such_time());
    Local::new(year, small(month)?, small(day)?, 0, 0, 0).map_err(|_| no_such_time())
}

fn parse_date_time(text: &str) -> Result<Local, Problem> {
    Local::parse(text).map_err(|_| no_such_time())
}

/// What is known of other PINs, and the rules for a new one.
pub struct PinDesk(pub pin::PinDesk);

impl PinDesk {
    /// For a new code on these locks.
    pub fn new(home: &Home, locks: &[LockId], now: Timestamp) -> Result<Self, Problem> {
        Self::for_code(home, locks, None, now)
    }

    /// For a code on these locks, which may keep its PIN if it is there already.
    pub fn for_code(
        home: &Home,
        locks: &[LockId],
        except: Option<GrantId>,
        now: Timestamp,
    ) -> Result<Self, Problem> {
        let abilities = locks.iter().filter_map(|lock| home.reports.get(lock));
        let caps: Vec<LockPinCaps> = abilities.map(|report| report.lock.abilities.pin_caps()).collect();
        let rules = PinRules::new(&home.chain.policy().pin, &caps)
            .map_err(|e| Problem::new(e.code().into(), e.hint().into(), String::new()))?;
        let mut desk = pin::PinDesk::new(rules);
        let history = home.history().filter_map(|(_, op)| match op.body {
            Body::PutGrant(grant) => Some(Box::new(grant)),
            _ => None,
        });
        desk.note_home(&home.chain, history, |grant| home.open_pin(grant), locks, except, now);
        Ok(Self(desk))
    }

    /// A new PIN, uniform over what is allowed.
    pub fn generate(&self) -> Result<Pin, Problem> {
        self.0
            .generate(&mut js::rng())
            .map_err(|e| Problem::new(e.code().into(), e.hint().into(), String::new()))
    }

    /// What is wrong with a typed PIN: one sentence for each broken rule. While it is too short to judge, only that.
    pub fn check(&self, text: &str) -> Result<Pin, Vec<String>> {
        self.0.judge(text).map_err(|broken| broken.into_iter().map(|rule| rule.hint()).collect())
    }

    /// The fewest and the most digits.
    pub fn lengths(&self) -> (u8, u8) {
        let (min, max, _) = self.0.rules().lengths();
        (min, max)
    }
}

/// A code that is ready to be sealed and signed.
#[derive(Clone)]
pub struct Draft {
    /// Whom it is for.
    pub label: String,
    /// A note to the guest; may be empty.
    pub note: String,
    /// The locks, ascending.
    pub locks: Vec<LockId>,
    /// When it works.
    pub validity: Validity,
    /// The PIN.
    pub pin: Pin,
}

impl Draft {
    /// The grant with its guest link. Nothing in it is readable without the home's or the link's key.
    pub fn seal(&self, home: &Home) -> Result<(Grant, LinkUpload), Problem> {
        let mut rng = js::rng();
        let Epoch { number, public, .. } = home.chain.epoch();
        let id = GrantId::generate(&mut rng);
        let binding = Binding { home: &home.id, grant: &id, rev: 1, locks: &self.locks };
        let pin = SealedPin::seal(&self.pin, &binding, number, &public, &mut rng)
            .map_err(|e| Problem::coded(&e))?;
        let secret = LinkSecret::generate(&mut rng);
        let sealed = SealedSecret::seal(&secret, &home.id, &id, number, &public, &mut rng)
            .map_err(|e| Problem::coded(&e))?;
        let names: Vec<String> = self.locks.iter().map(|lock| home.lock_name(lock)).collect();
        let doors: Vec<&str> = names.iter().map(String::as_str).collect();
        let content = LinkContent {
            pin: &self.pin,
            home: &home.id,
            home_name: home.name(),
            doors: &doors,
            label: &self.label,
            note: &self.note,
        };
        let content = Blob(secret.encrypt(&content, &mut rng));
        let upload = LinkUpload { id: secret.id(), grant: id, auth_hash: secret.auth_hash(), content };
        let grant = Grant {
            id,
            rev: 1,
            kind: GrantKind::Guest,
            label: self.label.clone(),
            locks: self.locks.clone(),
            not_before: self.validity.not_before,
            expires: self.validity.expires,
            schedule: self.validity.schedule.clone(),
            uses: None,
            may_disarm: false,
            pin,
            holder: None,
            link: Some(LinkRef { id: secret.id(), secret: sealed }),
            self_seals: Vec::new(),
            days_off: self.validity.days_off.clone(),
            buffers: Some(self.validity.buffers).filter(|buffers| *buffers != Buffers::NONE),
            stay: self.validity.stay,
            suspended: self.validity.suspended,
            pin_set: home.now(),
        };
        grant.validate().map_err(|e| Problem::coded(&e))?;
        Ok((grant, upload))
    }

    /// The same code once more, to undo a revocation. A revoked id never returns and a used PIN is never used again,
    /// so it gets a new id, PIN and link.
    pub fn again(home: &Home, grant: &Grant) -> Result<Self, Problem> {
        let pin = PinDesk::new(home, &grant.locks, home.now())?.generate()?;
        let over = grant.end().is_some_and(|end| end <= home.now().saturating_add(Seconds(1)));
        if over {
            return Err(Problem::new(
                "schedule.past".into(),
                "The code has ended in the meantime.".into(),
                String::new(),
            ));
        }
        Ok(Self {
            label: grant.label.clone(),
            note: String::new(),
            locks: grant.locks.clone(),
            validity: grant.validity(),
            pin,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use latchkey_shared::schedule::Moment;
    use latchkey_shared::zone::{TzZone, ZoneName};

    fn berlin() -> TzZone {
        TzZone::by_name(&ZoneName::parse("Europe/Berlin").unwrap()).unwrap()
    }

    fn instant(zone: &TzZone, day: u8, hour: u8, minute: u8) -> Timestamp {
        zone.resolve(Local::new(2026, 11, day, hour, minute, 0).unwrap()).start()
    }

    /// The term of a preset, chosen at this time of November 2026 (the 24th is a Tuesday).
    fn term(preset: Preset, day: u8, hour: u8) -> (Local, Local) {
        let zone = berlin();
        let now = instant(&zone, day, hour, 30);
        let when = When { preset, ..When::new(now, &zone) };
        let validity = when.validity(now, &zone).unwrap();
        (zone.to_local(validity.not_before), zone.to_local(validity.expires.unwrap()))
    }

    fn at(day: u8, hour: u8, minute: u8) -> Local {
        Local::new(2026, 11, day, hour, minute, 0).unwrap()
    }

    #[test]
    fn tonight_ends_in_the_morning_also_after_midnight() {
        assert_eq!(term(Preset::Tonight, 24, 18), (at(24, 18, 30), at(25, 11, 0)));
        assert_eq!(term(Preset::Tonight, 25, 1), (at(25, 1, 30), at(25, 11, 0)));
        assert_eq!(term(Preset::Tonight, 25, 9), (at(25, 9, 30), at(26, 11, 0)));
    }

    #[test]
    fn the_weekend_is_this_one_while_it_lasts() {
        let weekend = (at(27, 16, 0), at(29, 20, 0));
        assert_eq!(term(Preset::Weekend, 24, 10), weekend);
        assert_eq!(term(Preset::Weekend, 27, 8), weekend);
        assert_eq!(term(Preset::Weekend, 28, 10), (at(28, 10, 30), at(29, 20, 0)));
        let sunday_night = term(Preset::Weekend, 22, 21);
        assert_eq!(sunday_night, weekend, "the next one, once this one is over");
    }

    #[test]
    fn custom_times_are_the_homes_and_a_start_in_the_past_is_now() {
        let zone = berlin();
        let now = instant(&zone, 24, 10, 30);
        let mut when = When::new(now, &zone);
        when.preset = Preset::Custom;
        (when.from, when.to) = ("2026-11-24T09:00".into(), "2026-11-24T12:00".into());
        let validity = when.validity(now, &zone).unwrap();
        assert_eq!((validity.not_before, validity.expires), (now, Some(instant(&zone, 24, 12, 0))));
        when.to = "2026-11-24T10:00".into();
        assert_eq!(when.validity(now, &zone).unwrap_err().code, "schedule.past");
        when.to = "2026-11-31T10:00".into();
        assert_eq!(when.validity(now, &zone).unwrap_err().code, "time.no_such_time");
        when.to = String::new();
        assert_eq!(when.validity(now, &zone).unwrap_err().code, "time.no_such_time");
    }

    #[test]
    fn hours_that_never_come_are_refused() {
        let zone = berlin();
        let now = instant(&zone, 24, 10, 30);
        let mut when = When::new(now, &zone);
        when.preset = Preset::Custom;
        when.with_hours = true;
        (when.from, when.to) = ("2026-11-24T11:00".into(), "2026-11-24T20:00".into());
        when.rows = vec![Row { days: Days::of(&[Weekday::Sun]), from: "09:00".into(), to: "12:00".into() }];
        assert_eq!(when.validity(now, &zone).unwrap_err().code, "schedule.never");
        when.rows = vec![Row { days: Days::default(), from: "09:00".into(), to: "12:00".into() }];
        assert_eq!(when.validity(now, &zone).unwrap_err().code, "schedule.no_days");
    }

    #[test]
    fn every_week_runs_through_the_last_day() {
        let zone = berlin();
        let now = instant(&zone, 24, 13, 0);
        let mut when = When::new(now, &zone);
        when.preset = Preset::Weekly;
        when.until = "2026-12-08".into();
        let validity = when.validity(now, &zone).unwrap();
        let last = zone.resolve(Local::new(2026, 12, 8, 10, 0, 0).unwrap()).start();
        assert!(matches!(validity.state_at(last, &zone), Moment::Open { .. }));
        assert!(matches!(validity.state_at(now, &zone), Moment::OutsideHours { .. }), "noon has passed");
        assert_eq!(zone.to_local(validity.expires.unwrap()), Local::new(2026, 12, 9, 0, 0, 0).unwrap());
    }
}

//! What is wrong with a lock: what, how that is known, and what to do, the most pressing first. Pure, from the newest
//! report and from how well its hub is in touch; portal, command line and panel all show this.

use crate::explain::{CodeState, FailWhy, HubContact};
use crate::report::{Bolt, Link, LockInfo, Report};
use crate::schedule::{Style, format_instant};
use crate::slot::Readback;
use crate::time::{Seconds, Timestamp};
use crate::zone::Zone;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

/// From here on a battery is about to fail, in percent.
pub const BATTERY_EMPTY: u8 = 5;
/// At or below this a battery is low and should be changed, in percent, whatever the lock itself calls low.
pub const BATTERY_LOW: u8 = 20;
/// A battery that will not last so long is worth a word, in days.
pub const DAYS_SOON: u16 = 14;
/// Signals weaker than this lose messages, in dBm.
pub const WEAK_DBM: i8 = -85;
/// Zigbee links worse than this lose messages.
pub const WEAK_LQI: u8 = 50;
/// So many failed changes in a week are no accident.
pub const MANY_FAILED: u16 = 5;
/// How long tampering is shown as news.
pub const TAMPER_NEWS: Seconds = Seconds::days(7);

/// How pressing something is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Pressing {
    /// Somebody may stand before a shut door, or get in who should not.
    Now,
    /// It will be, before long.
    Soon,
    /// Good to know.
    Note,
}

impl Pressing {
    /// Its name for programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Now => "now",
            Self::Soon => "soon",
            Self::Note => "note",
        }
    }
}

/// One thing that is wrong.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Trouble {
    /// Its hub is not in touch, so nothing newer is known.
    HubAway(Option<Timestamp>),
    /// It does not answer the hub.
    Unreachable(Timestamp),
    /// Codes that should be off may still open it: how many.
    StillOn(u16),
    /// The bolt is stuck.
    Jammed,
    /// The battery is about to fail, or the lock says that it is low.
    Battery {
        /// Percent, if it tells.
        percent: Option<u8>,
        /// Days, if there is an estimate.
        days: Option<u16>,
        /// Whether it may fail any moment.
        empty: bool,
    },
    /// Somebody tampered with it.
    Tampered(Timestamp),
    /// Codes that it refused: how many, and the reason of the first.
    Refused(u16, FailWhy),
    /// Codes for which it has no room: how many.
    Full(u16),
    /// Changes often fail: how many in a week.
    FailedWrites(u16),
    /// It is hardly heard.
    WeakLink(Link),
    /// What is on it cannot be read: nothing here is confirmed.
    CannotConfirm,
    /// It shows that a slot is taken, not the PIN.
    Masked,
}

/// What [`troubles`] looks at.
pub struct TroubleInput<'a> {
    /// The newest report of the lock.
    pub report: &'a Report,
    /// How well its hub is in touch.
    pub hub: HubContact,
    /// Now.
    pub now: Timestamp,
    /// The home's zone.
    pub zone: &'a dyn Zone,
    /// How times are written.
    pub style: Style,
}

/// Everything that is wrong with a lock, the most pressing first.
pub fn troubles(input: &TroubleInput<'_>) -> Vec<Trouble> {
    let Report { lock, codes, .. } = input.report;
    let mut found = vec![];
    found.extend((!input.hub.online).then_some(Trouble::HubAway(input.hub.heard)));
    found.extend(lock.unreachable_since.map(Trouble::Unreachable));
    let count = |wanted: &dyn Fn(&CodeState) -> bool| {
        u16::try_from(codes.iter().filter(|code| wanted(&code.state)).count()).unwrap_or(u16::MAX)
    };
    let still = count(&|state| matches!(state, CodeState::StillOnLock { .. }));
    found.extend((still > 0).then_some(Trouble::StillOn(still)));
    found.extend((lock.bolt == Some(Bolt::Jammed)).then_some(Trouble::Jammed));
    found.extend(battery(lock));
    let news = |at: &Timestamp| input.now.since(*at) < TAMPER_NEWS;
    found.extend(lock.tampered_at.filter(news).map(Trouble::Tampered));
    let why = codes.iter().find_map(|code| match code.state {
        CodeState::Failed { why, .. } if refusal(why) => Some(why),
        _ => None,
    });
    let refused = count(&|state| matches!(state, CodeState::Failed { why, .. } if refusal(*why)));
    found.extend(why.map(|why| Trouble::Refused(refused, why)));
    let full = count(&|state| matches!(state, CodeState::Failed { why: FailWhy::Full, .. }));
    found.extend((full > 0).then_some(Trouble::Full(full)));
    found.extend((lock.failed_writes >= MANY_FAILED).then_some(Trouble::FailedWrites(lock.failed_writes)));
    found.extend(lock.link.filter(weak).map(Trouble::WeakLink));
    match lock.abilities.readback {
        Readback::Full => {}
        Readback::Masked => found.push(Trouble::Masked),
        Readback::None => found.push(Trouble::CannotConfirm),
    }
    found.sort_by_key(Trouble::pressing);
    found
}

/// Whether a code is kept off by the lock's own rules, and not by silence or want of room.
fn refusal(why: FailWhy) -> bool {
    matches!(why, FailWhy::RejectedByLock | FailWhy::NotKept | FailWhy::Duplicate | FailWhy::DuplicateByHand)
}

fn weak(link: &Link) -> bool {
    match link {
        Link::Dbm(dbm) => *dbm < WEAK_DBM,
        Link::Lqi(lqi) => *lqi < WEAK_LQI,
    }
}

fn battery(lock: &LockInfo) -> Option<Trouble> {
    let low = lock.battery_low
        || lock.battery.is_some_and(|percent| percent <= BATTERY_LOW)
        || lock.days_left.is_some_and(|days| days <= DAYS_SOON);
    let empty = lock.battery.is_some_and(|percent| percent <= BATTERY_EMPTY);
    low.then_some(Trouble::Battery { percent: lock.battery, days: lock.days_left, empty })
}

fn codes(n: u16) -> String {
    if n == 1 { "One code".to_string() } else { format!("{n} codes") }
}

impl Trouble {
    /// Its name for programs.
    pub fn name(&self) -> &'static str {
        match self {
            Self::HubAway(_) => "hub_away",
            Self::Unreachable(_) => "unreachable",
            Self::StillOn(_) => "still_on_lock",
            Self::Jammed => "jammed",
            Self::Battery { .. } => "battery",
            Self::Tampered(_) => "tampered",
            Self::Refused(..) => "refused",
            Self::Full(_) => "full",
            Self::FailedWrites(_) => "failed_writes",
            Self::WeakLink(_) => "weak_link",
            Self::CannotConfirm => "cannot_confirm",
            Self::Masked => "masked",
        }
    }

    /// How pressing it is.
    pub fn pressing(&self) -> Pressing {
        match self {
            Self::Unreachable(_) | Self::StillOn(_) | Self::Jammed | Self::Tampered(_) => Pressing::Now,
            Self::Battery { empty: true, .. } => Pressing::Now,
            Self::HubAway(_) | Self::Battery { .. } | Self::Refused(..) | Self::Full(_) => Pressing::Soon,
            Self::FailedWrites(_) | Self::WeakLink(_) => Pressing::Soon,
            Self::CannotConfirm | Self::Masked => Pressing::Note,
        }
    }

    /// What is wrong, in a sentence.
    pub fn what(&self, input: &TroubleInput<'_>) -> String {
        let at = |t: &Timestamp| format_instant(*t, input.zone, &input.style);
        match self {
            Self::HubAway(Some(t)) => format!("Its hub has not been heard since {}.", at(t)),
            Self::HubAway(None) => "Its hub has not been heard yet.".to_string(),
            Self::Unreachable(t) => format!("It has not answered since {}.", at(t)),
            Self::StillOn(n) => format!("{} that should be off may still open it.", codes(*n)),
            Self::Jammed => "The bolt is stuck.".to_string(),
            Self::Battery { empty: true, .. } => "The battery may fail any moment.".to_string(),
            Self::Battery { days: Some(days), .. } => format!("The battery lasts about {days} more days."),
            Self::Battery { percent: Some(percent), .. } => format!("The battery is at {percent} %."),
            Self::Battery { .. } => "The battery is low.".to_string(),
            Self::Tampered(t) => format!("Somebody tampered with it on {}.", at(t)),
            Self::Refused(n, FailWhy::RejectedByLock) => format!("It refused {}.", codes(*n).to_lowercase()),
            Self::Refused(n, FailWhy::NotKept) => {
                format!("It does not keep {} as written.", codes(*n).to_lowercase())
            }
            Self::Refused(n, _) => format!("{} have a PIN that is on it already.", codes(*n)),
            Self::Full(n) => format!("It is full: {} found no place.", codes(*n).to_lowercase()),
            Self::FailedWrites(n) => format!("{n} changes failed in the last seven days."),
            Self::WeakLink(_) => "It is hardly heard: messages get lost.".to_string(),
            Self::CannotConfirm => "Nobody can read what is on it.".to_string(),
            Self::Masked => "It does not show its PINs.".to_string(),
        }
    }

    /// How that is known.
    pub fn known_by(&self) -> String {
        match self {
            Self::HubAway(_) => "The hub has no connection to the server, or is off.".into(),
            Self::Unreachable(_) => "The hub asked it several times, or its bridge says so.".into(),
            Self::StillOn(_) => {
                "The hub asked it to take them off and has not read back that they are.".into()
            }
            Self::Jammed => "The lock said so itself.".into(),
            Self::Battery { days: Some(_), percent: Some(percent), .. } => {
                format!("It is at {percent} % and went down steadily over the last weeks.")
            }
            Self::Battery { .. } => "The lock reports it.".into(),
            Self::Tampered(_) => "The lock's own sensor said so.".into(),
            Self::Refused(..) => "The lock's answer to the hub, which read it back afterwards.".into(),
            Self::Full(_) => "The hub knows every slot that it may use, and all are taken.".into(),
            Self::FailedWrites(_) => {
                "The hub counts changes that were refused, not done or not answered.".into()
            }
            Self::WeakLink(Link::Dbm(dbm)) => {
                format!("Its signal arrives with {dbm} dBm; below {WEAK_DBM} is weak.")
            }
            Self::WeakLink(Link::Lqi(lqi)) => {
                format!("Its link quality is {lqi} of 255; below {WEAK_LQI} is weak.")
            }
            Self::CannotConfirm => {
                "Locks of this make only acknowledge. The hub repeats what was not acknowledged.".into()
            }
            Self::Masked => {
                "It says that a slot is taken, not by what. The hub counts a code as written, not confirmed."
                    .into()
            }
        }
    }

    /// What to do, in the order in which to try it.
    pub fn what_to_do(&self, driver: &str) -> Vec<&'static str> {
        match self {
            Self::HubAway(_) => vec![
                "See that the hub has power and that its network works. Its codes go on working meanwhile.",
                "At the hub, open its panel or run latchkey-hub status.",
            ],
            Self::Unreachable(_) => vec![
                "Change the batteries, or see that they sit well.",
                bridge(driver),
                "Wake the lock at its keypad, then read it again here.",
            ],
            Self::StillOn(_) => vec![
                "Read the lock again here. The hub goes on trying by itself.",
                "If the lock does not answer, take the code off at its own keypad.",
            ],
            Self::Jammed => {
                vec!["Go to the door and see what is in the way of the bolt.", "Lock it once by hand."]
            }
            Self::Battery { .. } => {
                vec!["Change all its batteries at once, for the kind that its maker names."]
            }
            Self::Tampered(_) => {
                vec!["Look at the lock. If nobody of you was at it, change the codes that open it."]
            }
            Self::Refused(_, FailWhy::RejectedByLock) => {
                vec!["Give these codes a PIN of another length. The lock may want one length for all."]
            }
            Self::Refused(_, FailWhy::NotKept) => {
                vec![
                    "See whether something else, such as another hub or app, writes codes to this lock. Only one may.",
                ]
            }
            Self::Refused(..) => {
                vec!["Give one of the codes another PIN, or clear the PIN that was set at the lock."]
            }
            Self::Full(_) => {
                vec!["End codes that nobody needs, or clear slots that were set at the lock by hand."]
            }
            Self::FailedWrites(_) => vec![
                "Change the batteries first: weak ones fail at writing before they fail at opening.",
                bridge(driver),
            ],
            Self::WeakLink(_) => vec![
                "Put a repeater, a mains-powered device of the same network, between hub and lock.",
                "Move the hub's radio away from metal, routers and USB 3 sockets.",
            ],
            Self::CannotConfirm => vec!["Try new codes once at the door."],
            Self::Masked => vec![],
        }
    }
}

/// What stands between hub and lock, by driver.
fn bridge(driver: &str) -> &'static str {
    match driver {
        "zwave_js" => "See in Z-Wave JS whether the node is alive, and heal or ping it there.",
        "zigbee2mqtt" => "See that the broker and Zigbee2MQTT run, and whether the lock is online there.",
        "matter" => "See that the Matter server runs, and whether the lock is reachable there.",
        _ => "See that whatever stands between hub and lock is running.",
    }
}

#[cfg(test)]
mod tests;

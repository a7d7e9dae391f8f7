//! Reports: what a hub says of one lock and of the codes on it, signed, newest wins.

use crate::error::coded_error;
use crate::explain::CodeState;
use crate::grant::name_ok;
use crate::id::{GrantId, HomeId, HubId, LockId, SignPublic};
use crate::limits;
use crate::slot::{LockAbilities, OwnEnd};
use crate::time::Timestamp;
use crate::wire::cbor;
use crate::wire::cose::{self, Kind, Unverified};
use crate::wire::derive::{Decode, Encode};
use ed25519_dalek::SigningKey;

/// What is known of a lock at one time.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct Report {
    /// The home.
    #[n(1)]
    pub home: HomeId,
    /// The hub that says so.
    #[n(2)]
    pub hub: HubId,
    /// Counts up over all reports of the hub: of two about a lock the higher one holds.
    #[n(3)]
    pub number: u64,
    /// When.
    #[n(6)]
    pub at: Timestamp,
    /// The lock.
    #[n(7)]
    pub lock: LockInfo,
    /// The newest op that the hub had taken.
    #[n(8)]
    pub seq: u64,
    /// Generation of the lock's desired state.
    #[n(9)]
    pub generation: u64,
    /// The codes that are, or should be, or were on it; ascending by grant.
    #[n(10)]
    pub codes: Vec<CodeReport>,
    /// Whether the lock is no longer there.
    #[n(11)]
    pub gone: bool,
}

/// A lock.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct LockInfo {
    /// Its id.
    #[n(1)]
    pub id: LockId,
    /// Its name.
    #[n(2)]
    pub name: String,
    /// Which driver speaks to it: `sim`, `zwave_js`, `zigbee2mqtt`, `matter`.
    #[n(3)]
    pub driver: String,
    /// What it can do.
    #[n(4)]
    pub abilities: LockAbilities,
    /// Since when it does not answer; absent: it does.
    #[n(5)]
    pub unreachable_since: Option<Timestamp>,
    /// Battery in percent, if it has one and tells.
    #[n(6)]
    pub battery: Option<u8>,
    /// Free slots.
    #[n(7)]
    pub free_slots: u16,
    /// Where its bolt is, if it tells.
    #[n(8)]
    pub bolt: Option<Bolt>,
    /// Whether it says itself, or its percentage says, that the battery is low.
    #[n(9)]
    pub battery_low: bool,
    /// In how many days the battery will be empty if it goes on as in the last weeks; absent: too early to tell.
    #[n(10)]
    pub days_left: Option<u16>,
    /// How well it is heard, if its network tells.
    #[n(11)]
    pub link: Option<Link>,
    /// When it last gave a sign of life, to the minute; absent: not since the hub started.
    #[n(12)]
    pub last_seen: Option<Timestamp>,
    /// Changes that it refused, did not do or did not answer, in the last seven days.
    #[n(13)]
    pub failed_writes: u16,
    /// When somebody last tampered with it, as far as it tells.
    #[n(14)]
    pub tampered_at: Option<Timestamp>,
    /// How far it is being read anew on request; absent: it is not.
    #[n(15)]
    pub resync: Option<Resync>,
}

impl LockInfo {
    /// A lock that has told nothing of how it is.
    pub fn silent(id: LockId, name: String, driver: String, abilities: LockAbilities) -> Self {
        Self {
            id,
            name,
            driver,
            abilities,
            unreachable_since: None,
            battery: None,
            free_slots: 0,
            bolt: None,
            battery_low: false,
            days_left: None,
            link: None,
            last_seen: None,
            failed_writes: 0,
            tampered_at: None,
            resync: None,
        }
    }

    /// Whether it is locked; `None`: it does not tell. One that is stuck is not.
    pub fn locked(&self) -> Option<bool> {
        self.bolt.map(|bolt| bolt == Bolt::Locked)
    }
}

/// Where a bolt is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(index_only)]
pub enum Bolt {
    /// Locked.
    #[n(0)]
    Locked,
    /// Unlocked.
    #[n(1)]
    Unlocked,
    /// Neither: it is stuck.
    #[n(2)]
    Jammed,
}

/// How well a lock is heard.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(flat)]
pub enum Link {
    /// Signal strength in dBm: -50 is good, -90 is nearly nothing.
    #[n(0)]
    Dbm(#[n(0)] i8),
    /// Zigbee's link quality: 0 to 255, more is better.
    #[n(1)]
    Lqi(#[n(0)] u8),
}

/// Slots that are read anew on request.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct Resync {
    /// Read so far.
    #[n(1)]
    pub done: u16,
    /// Of so many.
    #[n(2)]
    pub total: u16,
}

/// A code on a lock.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct CodeReport {
    /// The grant.
    #[n(1)]
    pub grant: GrantId,
    /// Its revision of which the hub speaks.
    #[n(2)]
    pub rev: u32,
    /// How it stands.
    #[n(3)]
    pub state: CodeState,
    /// Since when.
    #[n(4)]
    pub since: Timestamp,
    /// How often it was used on this hub's locks.
    #[n(5)]
    pub uses: u32,
    /// When it was first used on this hub's locks.
    #[n(6)]
    pub first_used: Option<Timestamp>,
    /// When it was last used on this hub's locks.
    #[n(7)]
    pub last_used: Option<Timestamp>,
    /// Whether the lock itself ends it; absent: the hub alone does, or nobody has to.
    #[n(8)]
    pub own_end: Option<OwnEnd>,
}

coded_error! {
    /// Why a report is refused.
    pub enum ReportError {
        Malformed = "report.malformed", "The hub's report is damaged, or from a newer version.";
        BadSignature = "report.bad_signature", "The report is not signed by the hub of which it speaks.";
        WrongHub = "report.wrong_hub", "The report is another hub's or another home's.";
    }
}

impl Report {
    /// Signs it.
    pub fn sign(&self, hub: &SigningKey) -> Vec<u8> {
        cose::sign(Kind::Report, cbor::to_vec(self), hub)
    }

    /// Reads a report that this hub of this home signed.
    pub fn verify(bytes: &[u8], home: &HomeId, hub: &HubId, key: &SignPublic) -> Result<Self, ReportError> {
        let message = Unverified::parse(Kind::Report, bytes, limits::MAX_REPORT_BYTES)
            .map_err(|_| ReportError::Malformed)?;
        let payload = message.verify(key).map_err(|_| ReportError::BadSignature)?;
        let report: Self =
            cbor::from_slice(payload, limits::MAX_REPORT_BYTES).map_err(|_| ReportError::Malformed)?;
        if report.home != *home || report.hub != *hub {
            return Err(ReportError::WrongHub);
        }
        report.validate()?;
        Ok(report)
    }

    /// When a code was first used, of all that these reports tell.
    pub fn first_used<'r>(reports: impl IntoIterator<Item = &'r Self>, grant: &GrantId) -> Option<Timestamp> {
        let codes = reports.into_iter().flat_map(|report| &report.codes);
        codes.filter(|code| code.grant == *grant).filter_map(|code| code.first_used).min()
    }

    /// Which hub and home a report is said to be of, to find the key. Only a claim.
    pub fn claimed_source(bytes: &[u8]) -> Option<(HomeId, HubId)> {
        let message = Unverified::parse(Kind::Report, bytes, limits::MAX_REPORT_BYTES).ok()?;
        let report: Self = cbor::from_slice(message.claimed_payload(), limits::MAX_REPORT_BYTES).ok()?;
        Some((report.home, report.hub))
    }

    fn validate(&self) -> Result<(), ReportError> {
        let ok = name_ok(&self.lock.name)
            && name_ok(&self.lock.driver)
            && self.lock.abilities.validate().is_ok()
            && self.lock.battery.is_none_or(|percent| percent <= 100)
            && [self.lock.last_seen, self.lock.tampered_at].iter().flatten().all(|t| t.validate().is_ok())
            && self.at.validate().is_ok()
            && self.codes.len() <= limits::MAX_REPORT_CODES
            && self.codes.is_sorted_by(|a, b| a.grant < b.grant);
        if ok { Ok(()) } else { Err(ReportError::Malformed) }
    }
}

//! What a lock can do, from what the server remembers of its interview: no lock is woken for it.

use super::lock::{Facts, Kind, Learned};
use super::talk::Talk;
use super::wire::{Node, cc, number};
use latchkey_shared::pin::{Digits, Pin};
use latchkey_shared::slot::{LockAbilities, OwnSchedules, Readback};
use serde_json::{Value, json};

/// The master code of locks with User Code version 1.
const MASTER_SLOT: u16 = 251;
/// "Keypad unlock operation".
pub(super) const KEYPAD_UNLOCK: u64 = 6;
/// "New user code added".
const CODE_ADDED: u64 = 14;
/// The status of a user who is there and cannot enter.
const DISABLED: u64 = 2;

/// What a lock said in its interview, beyond what every list of nodes has.
#[derive(Clone, PartialEq, Eq, Default)]
pub(super) struct Interview {
    pub(super) slots: u16,
    lengths: (u8, u8),
    digits: Option<Digits>,
    /// It can switch a user off.
    disables: bool,
    /// How many spans of dates it keeps for each user.
    pub(super) year_days: u16,
    /// Notifications of access control; `None`: it never said which.
    events: Option<Vec<u64>>,
}

impl Interview {
    /// Asks the server. `None`: it knows too little of the lock yet, or is gone.
    pub(super) async fn of(talk: &Talk, facts: &Facts) -> Option<Self> {
        let mut told = match facts.kind {
            Kind::Code { .. } => Self::of_codes(talk).await?,
            Kind::Credential => Self::of_credentials(talk).await?,
        };
        if facts.schedules {
            let days = talk.remembered(cc::SCHEDULE_ENTRY_LOCK, "numYearDaySlots", None).await?;
            told.year_days = number(&days).unwrap_or(0);
        }
        let events = talk.remembered(cc::NOTIFICATION, "supportedNotificationEvents", Some(6)).await?;
        told.events = events.as_array().map(|list| list.iter().filter_map(Value::as_u64).collect());
        Some(told)
    }

    async fn of_codes(talk: &Talk) -> Option<Self> {
        let users = number(&talk.remembered(cc::USER_CODE, "supportedUsers", None).await?)?;
        let statuses = talk.remembered(cc::USER_CODE, "supportedUserIDStatuses", None).await?;
        let chars = talk.remembered(cc::USER_CODE, "supportedASCIIChars", None).await?;
        let disables =
            statuses.as_array().is_some_and(|list| list.iter().any(|s| s.as_u64() == Some(DISABLED)));
        let digits = chars.as_str().and_then(digits);
        Some(Self { slots: users, lengths: (4, 10), digits, disables, ..Self::default() })
    }

    async fn of_credentials(talk: &Talk) -> Option<Self> {
        let users = talk.access("get_user_capabilities_cached", json!({})).await.ok()?.capabilities;
        let able = talk.access("get_credential_capabilities_cached", json!({})).await.ok()?.capabilities;
        let pins = able.get("supportedCredentialTypes")?.get("1")?;
        let slots: u16 = number(pins.get("numberOfCredentialSlots")?)?;
        let users: u16 = number(users.get("maxUsers")?)?;
        let length = |key| pins.get(key).and_then(number::<u8>);
        let lengths = (length("minCredentialLength")?, length("maxCredentialLength")?);
        Some(Self { slots: slots.min(users), lengths, disables: true, ..Self::default() })
    }

    fn has_event(&self, event: u64) -> bool {
        self.events.as_ref().is_some_and(|events| events.contains(&event))
    }

    /// Whether the lock tells when a code is changed at it.
    pub(super) fn tells_changes(&self, facts: &Facts) -> bool {
        // A User Credential lock has to, by its specification.
        facts.kind == Kind::Credential || self.has_event(CODE_ADDED)
    }

    /// As the hub has it.
    pub(super) fn abilities(&self, facts: &Facts, learned: &Learned) -> LockAbilities {
        let slots = self.slots.min(LockAbilities::MAX_SLOTS);
        let old = facts.kind == Kind::Code { version: 1 };
        let reserved = if old && slots >= MASTER_SLOT { vec![MASTER_SLOT] } else { vec![] };
        let (shortest, longest) =
            (self.lengths.0.max(Pin::MIN_LEN as u8), self.lengths.1.min(Pin::MAX_LEN as u8));
        let readback = if learned.masks { Readback::Masked } else { Readback::Full };
        LockAbilities {
            slots,
            reserved,
            pin_min: shortest.min(longest),
            pin_max: longest,
            readback,
            own_schedules: if self.year_days > 0 { OwnSchedules::Term } else { OwnSchedules::None },
            one_length: facts.one_length.filter(|n| (shortest..=longest).contains(n)),
            paired_digits: false,
            // User Code wants the PIN again with every change of status, so it has to be readable.
            toggles: self.disables && (facts.kind == Kind::Credential || readback == Readback::Full),
            tells_uses: self.has_event(KEYPAD_UNLOCK) || learned.told_uses,
            digits: self.digits,
        }
    }
}

/// The digits among the characters that a keypad has; `None`: all ten.
fn digits(chars: &str) -> Option<Digits> {
    let bits = chars.bytes().filter(u8::is_ascii_digit).fold(0, |bits, b| bits | 1 << (b - b'0'));
    Digits::from_bits(bits).filter(|digits| *digits != Digits::ALL)
}

/// The one length that a parameter gives all PINs, by what the server's list of models calls the parameter.
pub(super) fn one_length(node: &Node) -> Option<u8> {
    let is_length = |label: &str| {
        let label = label.to_ascii_lowercase();
        label.contains("length") && (label.contains("user code") || label.contains("pin"))
    };
    let known = node.values.iter().find(|known| {
        known.command_class == cc::CONFIGURATION
            && known.metadata.as_ref().and_then(|m| m.label.as_deref()).is_some_and(is_length)
    });
    known.and_then(|known| number(&known.value))
}

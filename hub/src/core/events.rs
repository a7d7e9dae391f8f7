//! The event log: numbered without a gap, hash-chained, signed. An event is appended in the same transaction as the
//! change that it tells of, so that after a crash both are there or neither is.

use super::change::Change;
use super::trust::Belonging;
use ed25519_dalek::SigningKey;
use latchkey_shared::event::{Event, EventBody, EventTip};
use latchkey_shared::time::Timestamp;

/// The log's end and what of it the cloud has.
#[derive(Debug)]
pub struct EventLog {
    tip: EventTip,
    acked: u64,
}

impl EventLog {
    /// As the ledger has it.
    pub fn new(tip: EventTip, acked: u64) -> Self {
        Self { tip, acked: acked.min(tip.number) }
    }

    /// Appends an event. The change is to be written with whatever it tells of.
    pub fn append(
        &mut self,
        body: EventBody,
        belonging: &Belonging,
        at: Timestamp,
        clock_unsure: bool,
        key: &SigningKey,
    ) -> Change {
        let event = Event {
            home: belonging.home,
            hub: belonging.hub,
            number: self.tip.number + 1,
            at,
            body,
            prev: self.tip.hash,
            clock_unsure,
        };
        let (bytes, hash) = event.sign(key);
        self.tip = EventTip { number: event.number, hash: Some(hash) };
        Change::Event(self.tip, bytes)
    }

    /// The cloud has every event up to `through`, and no more: one that was set back is told again. What it cannot
    /// have is not believed.
    pub fn acknowledge(&mut self, through: u64) -> Option<Change> {
        let through = through.min(self.tip.number);
        if through == self.acked {
            return None;
        }
        self.acked = through;
        Some(Change::Acked(through))
    }

    /// Goes on after an event of this hub that only the cloud has.
    pub fn move_to(&mut self, tip: EventTip) -> Change {
        (self.tip, self.acked) = (tip, tip.number);
        Change::LogMoved(tip)
    }

    /// Up to which number the cloud has the events.
    pub fn acked(&self) -> u64 {
        self.acked
    }

    /// The first event that the cloud does not have, if there is one.
    pub fn first_unsent(&self) -> Option<u64> {
        (self.acked < self.tip.number).then_some(self.acked + 1)
    }

    /// The last event's number.
    pub fn last(&self) -> u64 {
        self.tip.number
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use latchkey_shared::id::{Hash32, HomeId, HubId};

    #[test]
    fn numbered_chained_and_signed() {
        let key = SigningKey::from_bytes(&[4; 32]);
        let public = key.verifying_key().into();
        let belonging = Belonging { home: HomeId([1; 16]), hub: HubId([2; 16]), genesis: Hash32([3; 32]) };
        let mut log = EventLog::new(EventTip::default(), 0);
        let mut tip = EventTip::default();
        for n in 1..5 {
            let change = log.append(EventBody::Online(n % 2 == 0), &belonging, Timestamp(9), false, &key);
            let Change::Event(stored, bytes) = change else { panic!() };
            let (event, hash) = Event::verify(&bytes, &belonging.home, &belonging.hub, &public).unwrap();
            event.follows(&tip).unwrap();
            tip = EventTip { number: event.number, hash: Some(hash) };
            assert_eq!(stored, tip);
        }
        assert_eq!(log.first_unsent(), Some(1));
        assert_eq!(log.acknowledge(2), Some(Change::Acked(2)));
        assert_eq!(log.acknowledge(2), None);
        assert_eq!(log.acknowledge(900), Some(Change::Acked(4)), "nobody has what was never written");
        assert_eq!(log.first_unsent(), None);
        assert_eq!(log.acknowledge(1), Some(Change::Acked(1)), "it lost some");
        assert_eq!(log.first_unsent(), Some(2));
    }
}

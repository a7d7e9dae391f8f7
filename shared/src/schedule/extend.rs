//! Another end for a code that exists.

use super::Validity;
use crate::time::{Seconds, Timestamp};

impl Validity {
    /// The same times with the end at `to`; `None` for no end. `first_used` is when it was first used, if it was: where
    /// its stay runs, the stay gets longer or shorter, as far as a stay can.
    pub fn ending_at(mut self, first_used: Option<Timestamp>, to: Option<Timestamp>) -> Self {
        let ends = first_used.map_or(self.expires, |at| self.clone().first_used(at).expires);
        let in_stay = ends != self.expires;
        match (self.stay, ends, to) {
            (Some(stay), Some(ends), Some(to)) if in_stay => {
                let length = stay.0.saturating_add(to.0).saturating_sub(ends.0);
                self.stay = Some(Seconds(length).clamp(Seconds::hours(1), Self::MAX_STAY));
                self.expires = self.expires.map(|last| last.max(to));
            }
            (_, _, None) => (self.stay, self.expires) = (None, None),
            (_, _, Some(to)) => self.expires = Some(to),
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::{Buffers, Schedule};

    const T: u64 = 1_796_288_400;

    #[test]
    fn a_stay_that_has_begun_is_made_longer_and_anything_else_ends_then() {
        let term = Validity::new(Timestamp(T), Some(Timestamp(T + 900_000)), Schedule::Always);
        let buffered = Validity { buffers: Buffers { before: 5, after: 10 }, ..term.clone() };
        let to = Some(Timestamp(T + 500_000));
        assert_eq!(term.clone().ending_at(Some(Timestamp(T + 60)), to).expires, to);
        assert_eq!(term.clone().ending_at(None, None).expires, None);
        let waiting = Validity { stay: Some(Seconds::hours(48)), ..buffered };
        assert_eq!(waiting.clone().ending_at(None, to).stay, waiting.stay, "it has not begun");
        // From the first use on: an hour more is an hour more, also beyond the booked end.
        let used = Timestamp(T + 3_600);
        let ends = |validity: &Validity| validity.clone().first_used(used).expires;
        for more in [3_600, 86_400, 2_000_000] {
            let to = ends(&waiting).unwrap().saturating_add(Seconds(more));
            let longer = waiting.clone().ending_at(Some(used), Some(to));
            assert_eq!(ends(&longer), Some(to), "{more}");
            assert_eq!(longer.validate(), Ok(()));
        }
        let shorter = waiting.clone().ending_at(Some(used), Some(Timestamp(T)));
        assert_eq!(shorter.stay, Some(Seconds::hours(1)), "the shortest there is");
        let endless = waiting.clone().ending_at(Some(used), None);
        assert_eq!((endless.stay, endless.expires), (None, None));
    }
}

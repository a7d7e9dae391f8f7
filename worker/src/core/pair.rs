//! The meeting point of a hub and a browser: two byte strings under a random name, for ten minutes.
//!
//! The Worker understands neither: both are authenticated under a secret that it never sees.

use latchkey_shared::json::json;
use latchkey_shared::wire::cbor::Blob;

use super::bytes::b64;
use super::json::Fields;
use super::limits::{MAX_PAIR_BYTES, PAIR_SECS};
use crate::error::{INTERNAL, NO_PAIR, PAIR_TAKEN, Problem, Result, TOO_LARGE};

/// What has been left there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PairRecord {
    /// From the hub.
    pub offer: Blob,
    /// From the browser.
    pub answer: Option<Blob>,
    /// When it ends, in Unix seconds.
    pub expires: u64,
}

impl PairRecord {
    /// As it is stored.
    pub fn to_stored(&self) -> Vec<u8> {
        let answer = self.answer.as_ref().map(|answer| b64(answer));
        json!({ "offer": b64(&self.offer), "answer": answer, "expires": self.expires })
            .to_string()
            .into_bytes()
    }

    /// From what is stored.
    pub fn from_stored(bytes: &[u8]) -> Result<Self> {
        let read = || {
            let mut fields = Fields::parse(bytes)?;
            Ok(PairRecord {
                offer: fields.blob("offer")?.into(),
                answer: fields.blob_if("answer")?.map(Into::into),
                expires: fields.number("expires")?,
            })
        };
        read().map_err(|_: Problem| INTERNAL)
    }
}

/// What is left of it at this time.
pub fn live(record: Option<PairRecord>, now: u64) -> Option<PairRecord> {
    record.filter(|r| now < r.expires)
}

/// Leaves the hub's offer. The same one again changes nothing, so that a lost reply can be retried.
pub fn put_offer(record: Option<PairRecord>, bytes: &[u8], now: u64) -> Result<PairRecord> {
    sized(bytes)?;
    match live(record, now) {
        Some(record) if *record.offer == *bytes => Ok(record),
        Some(_) => Err(PAIR_TAKEN),
        None => Ok(PairRecord {
            offer: bytes.to_vec().into(),
            answer: None,
            expires: now.saturating_add(PAIR_SECS),
        }),
    }
}

/// Leaves the browser's answer, once.
pub fn put_answer(record: Option<PairRecord>, bytes: &[u8], now: u64) -> Result<PairRecord> {
    sized(bytes)?;
    let mut record = live(record, now).ok_or(NO_PAIR)?;
    match &record.answer {
        Some(answer) if **answer != *bytes => return Err(PAIR_TAKEN),
        _ => record.answer = Some(bytes.to_vec().into()),
    }
    Ok(record)
}

/// What the browser reads.
pub fn offer(record: Option<PairRecord>, now: u64) -> Result<Vec<u8>> {
    live(record, now).map(|r| r.offer.0).ok_or(NO_PAIR)
}

/// What the hub waits for.
pub fn answer(record: Option<PairRecord>, now: u64) -> Result<Vec<u8>> {
    live(record, now).and_then(|r| r.answer).map(|a| a.0).ok_or(NO_PAIR)
}

fn sized(bytes: &[u8]) -> Result<()> {
    if bytes.is_empty() || bytes.len() > MAX_PAIR_BYTES { Err(TOO_LARGE) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_come_and_ten_minutes() {
        let now = 1000;
        let record = put_offer(None, b"offer", now).unwrap();
        assert_eq!(put_offer(Some(record.clone()), b"offer", now + 1).unwrap(), record);
        assert_eq!(put_offer(Some(record.clone()), b"other", now + 1), Err(PAIR_TAKEN));
        assert_eq!(answer(Some(record.clone()), now), Err(NO_PAIR));
        let answered = put_answer(Some(record.clone()), b"answer", now).unwrap();
        for stored in [&record, &answered] {
            assert_eq!(PairRecord::from_stored(&stored.to_stored()).as_ref(), Ok(stored));
        }
        assert_eq!(put_answer(Some(answered.clone()), b"answer", now).unwrap(), answered);
        assert_eq!(put_answer(Some(answered.clone()), b"other", now), Err(PAIR_TAKEN));
        assert_eq!(answer(Some(answered.clone()), now).unwrap(), b"answer");
        assert_eq!(offer(Some(answered.clone()), now + PAIR_SECS - 1).unwrap(), b"offer");
        assert_eq!(offer(Some(answered.clone()), now + PAIR_SECS), Err(NO_PAIR));
        assert_eq!(put_answer(Some(answered.clone()), b"answer", now + PAIR_SECS), Err(NO_PAIR));
        assert!(put_offer(Some(answered), b"other", now + PAIR_SECS).is_ok());
        assert_eq!(put_offer(None, b"", now), Err(TOO_LARGE));
        assert_eq!(put_offer(None, &vec![0; MAX_PAIR_BYTES + 1], now), Err(TOO_LARGE));
    }
}

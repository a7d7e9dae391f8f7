//! When to ask the cloud and when to tell it: push where there is a socket, polling with jitter where there is none.

use super::retry::wait_ms;
use latchkey_shared::id::Nonce;

/// Between polls without a socket, in milliseconds.
const POLL_MS: u64 = 20_000;
/// The age of a head at which a fresh one is asked for although nothing changed, in milliseconds.
const REFRESH_MS: u64 = 60 * 60_000;
/// The first wait after a failure, in milliseconds.
const RETRY_MS: u64 = 1_000;
/// Without any answer for so long the hub calls itself offline, in milliseconds.
const OFFLINE_MS: u64 = 120_000;

/// The state of the connection.
#[derive(Debug, Default)]
pub struct Sync {
    fetching: Option<Option<Nonce>>,
    /// There was news while a question was on its way: the answer may be from before.
    again: bool,
    fetch_at: u64,
    fetch_failures: u32,
    refresh_at: u64,
    socket: bool,
    pushing: bool,
    push_at: u64,
    push_failures: u32,
    submitting: bool,
    submit_at: u64,
    submit_failures: u32,
    /// What was submitted, or why it was not taken, shows only in the next bundle.
    submit_held: bool,
    last_contact: u64,
    offline: bool,
    rest: Rest,
}

/// What is still asked or told.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
enum Rest {
    /// Everything.
    #[default]
    No,
    /// The hub was removed: nothing that could come concerns it. It has things to tell.
    Asks,
    /// Nor are these taken any more.
    All,
}

impl Sync {
    /// At program start: fetch at once.
    pub fn start(now_ms: u64) -> Self {
        Self { last_contact: now_ms, ..Self::default() }
    }

    /// The next instant at which something is due, in milliseconds since boot.
    pub fn wake(&self) -> Option<u64> {
        let fetch = (self.fetching.is_none() && self.rest == Rest::No)
            .then_some(self.fetch_at.min(self.refresh_at.max(self.retry_floor())));
        let push =
            (!self.pushing && self.rest != Rest::All && self.push_failures > 0).then_some(self.push_at);
        let offline = (!self.offline && self.rest == Rest::No && self.fetch_failures > 0)
            .then_some(self.last_contact + OFFLINE_MS);
        [fetch, push, offline].into_iter().flatten().min()
    }

    fn retry_floor(&self) -> u64 {
        if self.fetch_failures > 0 { self.fetch_at } else { 0 }
    }

    /// Whether to fetch now; `Some(true)`: with a nonce, to get a head that proves it is fresh.
    pub fn fetch_due(&self, now_ms: u64, proof_wanted: bool) -> Option<bool> {
        if self.fetching.is_some() || self.rest != Rest::No {
            return None;
        }
        let refresh = self.refresh_at <= now_ms;
        let due = self.fetch_at <= now_ms || (refresh && self.retry_floor() <= now_ms);
        due.then_some(refresh || proof_wanted)
    }

    /// A fetch goes out.
    pub fn fetch_started(&mut self, nonce: Option<Nonce>) {
        self.fetching = Some(nonce);
    }

    /// Its answer is in; the nonce that was sent, if any. `None`: there was no question.
    pub fn fetch_ended(&mut self) -> Option<Option<Nonce>> {
        self.fetching.take()
    }

    /// The answer was good. `fresh`: it brought a head just issued.
    pub fn fetched(&mut self, now_ms: u64, fresh: bool, jitter: u64) {
        self.fetch_failures = 0;
        self.submit_held = false;
        self.last_contact = now_ms;
        if fresh {
            self.refresh_at = now_ms + REFRESH_MS + jitter % (REFRESH_MS / 10);
        }
        // With a socket nothing is asked before something is said, or the head gets old.
        self.fetch_at = match (std::mem::take(&mut self.again), self.socket) {
            (true, _) => now_ms,
            (false, true) => u64::MAX,
            (false, false) => now_ms + POLL_MS + jitter % POLL_MS,
        };
    }

    /// There was none, or it was refused.
    pub fn fetch_failed(&mut self, now_ms: u64, jitter: u64) {
        self.again = false;
        self.fetch_at = now_ms + wait_ms(RETRY_MS, self.fetch_failures, jitter);
        self.fetch_failures = self.fetch_failures.saturating_add(1);
    }

    /// The answer was good and does not have what was announced: it is old. To be asked again, but not in a hurry.
    pub fn fetch_missed(&mut self, now_ms: u64, fresh: bool, jitter: u64) {
        self.last_contact = now_ms;
        if fresh {
            self.refresh_at = now_ms + REFRESH_MS + jitter % (REFRESH_MS / 10);
        }
        self.fetch_failed(now_ms, jitter);
    }

    /// Something is there to be fetched.
    pub fn fetch_soon(&mut self, now_ms: u64) {
        self.again |= self.fetching.is_some();
        self.fetch_at = self.fetch_at.min(now_ms);
    }

    /// The network is there again: no reason to wait longer.
    pub fn network_up(&mut self, now_ms: u64) {
        self.fetch_failures = 0;
        self.push_failures = 0;
        self.submit_failures = 0;
        self.fetch_at = now_ms;
        self.push_at = now_ms;
        self.submit_at = now_ms;
    }

    /// The socket came or went. Either way something may have been missed.
    pub fn socket(&mut self, up: bool, now_ms: u64, jitter: u64) {
        self.socket = up;
        if up {
            self.push_at = now_ms;
        }
        self.fetch_at = if up { now_ms } else { self.fetch_at.min(now_ms + 1 + jitter % RETRY_MS) };
    }

    /// Whether a push may go out.
    pub fn may_push(&self, now_ms: u64) -> bool {
        !self.pushing && self.push_at <= now_ms && self.rest != Rest::All
    }

    /// The chain says that the hub was removed: from now on it asks nothing.
    pub fn ask_no_more(&mut self) {
        self.rest = self.rest.max(Rest::Asks);
        self.offline = false;
        self.fetch_failures = 0;
    }

    /// The cloud takes nothing more of a hub that was removed. It is tried once more when the program starts again.
    pub fn tell_no_more(&mut self) {
        self.pushing = false;
        self.rest = Rest::All;
    }

    /// Whether the hub was removed.
    pub fn rests(&self) -> bool {
        self.rest != Rest::No
    }

    /// A push goes out.
    pub fn push_started(&mut self) {
        self.pushing = true;
    }

    /// It was taken.
    pub fn pushed(&mut self, now_ms: u64) {
        self.pushing = false;
        self.push_failures = 0;
        self.last_contact = now_ms;
    }

    /// It was not.
    pub fn push_failed(&mut self, now_ms: u64, jitter: u64) {
        self.pushing = false;
        self.push_at = now_ms + wait_ms(RETRY_MS, self.push_failures, jitter);
        self.push_failures = self.push_failures.saturating_add(1);
    }

    /// There is nothing to be pushed: nobody waits for another try.
    pub fn push_idle(&mut self) {
        self.push_failures = 0;
    }

    /// From when on changes made at the panel may be submitted; `None`: not before the next answer. They lie on the
    /// newest bundle, so one must be in.
    pub fn submit_from(&self) -> Option<u64> {
        let idle = !self.submitting && !self.submit_held && self.fetching.is_none();
        (idle && self.connected()).then_some(self.submit_at)
    }

    /// Changes go out.
    pub fn submit_started(&mut self) {
        self.submitting = true;
    }

    /// They were taken, or others were faster: the next bundle says which.
    pub fn submit_answered(&mut self, now_ms: u64) {
        self.submitting = false;
        self.submit_failures = 0;
        self.submit_held = true;
        self.last_contact = now_ms;
        self.fetch_soon(now_ms);
    }

    /// They were not taken. `refused`: the cloud said why, so that a bundle may show what changed.
    pub fn submit_failed(&mut self, refused: bool, now_ms: u64, jitter: u64) {
        self.submitting = false;
        self.submit_at = now_ms + wait_ms(RETRY_MS, self.submit_failures, jitter);
        self.submit_failures = self.submit_failures.saturating_add(1);
        if refused {
            self.submit_held = true;
            self.fetch_soon(now_ms);
        }
    }

    /// What was in the way of a push is settled.
    pub fn push_soon(&mut self, now_ms: u64) {
        self.push_failures = 0;
        self.push_at = now_ms;
    }

    /// Whether the hub has just found itself on- or offline.
    pub fn online_changed(&mut self, now_ms: u64) -> Option<bool> {
        let silent = now_ms.saturating_sub(self.last_contact) >= OFFLINE_MS && self.fetch_failures > 0;
        let back = self.fetch_failures == 0;
        match (self.offline, silent, back) {
            (false, true, _) => {
                self.offline = true;
                Some(false)
            }
            (true, _, true) => {
                self.offline = false;
                Some(true)
            }
            _ => None,
        }
    }

    /// Whether the last question was answered.
    pub fn connected(&self) -> bool {
        self.fetch_failures == 0
    }

    /// Whether the cloud can reach the hub by itself.
    pub fn has_socket(&self) -> bool {
        self.socket
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn news_during_a_fetch_is_not_lost() {
        let mut sync = Sync::start(0);
        sync.socket(true, 0, 0);
        assert_eq!(sync.fetch_due(0, true), Some(true));
        sync.fetch_started(None);
        sync.fetch_soon(5);
        assert_eq!(sync.fetch_due(5, false), None, "one question at a time");
        sync.fetch_ended();
        sync.fetched(10, true, 0);
        assert_eq!(sync.fetch_due(10, false), Some(false));
        sync.fetch_started(None);
        sync.fetch_ended();
        sync.fetched(20, true, 0);
        assert_eq!(sync.fetch_due(20, false), None, "and that is all");
        assert_eq!(sync.fetch_due(2 * REFRESH_MS, false), Some(true), "but for a head that got old");
    }

    #[test]
    fn without_a_socket_it_polls_and_failures_slow_it_down() {
        let mut sync = Sync::start(0);
        sync.fetch_started(None);
        sync.fetch_ended();
        sync.fetched(0, true, 0);
        assert_eq!(sync.wake(), Some(POLL_MS));
        let mut now = POLL_MS;
        let mut waits = vec![];
        for _ in 0..14 {
            assert!(sync.fetch_due(now, false).is_some());
            sync.fetch_started(None);
            sync.fetch_ended();
            sync.fetch_failed(now, 0);
            assert_eq!(sync.fetch_due(now, false), None);
            let next = sync.fetch_at;
            waits.push(next - now);
            now = next;
        }
        assert!(waits.is_sorted() && waits[0] == RETRY_MS && waits[13] == 15 * 60_000, "{waits:?}");
        sync.network_up(now - 5);
        assert!(sync.fetch_due(now - 5, false).is_some());
    }

    #[test]
    fn a_push_that_is_wanted_no_more_wakes_nobody() {
        let mut sync = Sync::start(0);
        sync.socket(true, 0, 0);
        sync.fetch_started(None);
        sync.fetch_ended();
        sync.fetched(0, true, 0);
        sync.push_started();
        sync.push_failed(5, 0);
        assert_eq!(sync.wake(), Some(5 + RETRY_MS));
        sync.push_idle();
        assert_eq!(sync.wake(), Some(REFRESH_MS));
    }

    #[test]
    fn offline_is_said_once_and_back_once() {
        let mut sync = Sync::start(0);
        sync.fetch_failed(1, 0);
        assert_eq!(sync.online_changed(1), None, "a hiccup is not worth a word");
        assert_eq!(sync.online_changed(OFFLINE_MS), Some(false));
        assert_eq!(sync.online_changed(OFFLINE_MS + 1), None);
        sync.fetched(OFFLINE_MS + 2, true, 0);
        assert_eq!(sync.online_changed(OFFLINE_MS + 2), Some(true));
        assert_eq!(sync.online_changed(OFFLINE_MS + 3), None);
    }
}

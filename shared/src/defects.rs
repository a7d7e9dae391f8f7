//! Deliberate mistakes, to show that the simulator finds them. They exist under the feature `defects` only, which no
//! shipped build has (`tests/tests/layering.rs` looks); without it `defect!` is the word `false`.

use core::cell::Cell;

macro_rules! defects {
    ($($(#[$meta:meta])* $name:ident,)+) => {
        /// A mistake that can be switched on.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Defect {
            $($(#[$meta])* $name,)+
        }

        impl Defect {
            /// Every one.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];
        }
    };
}

defects! {
    /// The hub speaks to a lock before it has written down that it will.
    ActBeforePersist,
    /// A lock's word counts although the slot was read and shows something else.
    TrustWriteStatus,
    /// A code that was revoked can be put again.
    ForgetTombstone,
    /// A hub takes any head for one of its issuer.
    SkipHeadCheck,
    /// A hub takes an older history for the newest.
    AcceptRollback,
    /// A code that may be used three times opens a fourth time.
    UsesOffByOne,
    /// A code ends five minutes late.
    EndsLate,
    /// Hours go by the offset of an hour ago: wrong around every change of the clocks.
    ClockChangeLate,
    /// A clear that nobody confirmed counts as done.
    ClearAssumed,
    /// What a lock's journal says is taken in at every start anew.
    DoubleEvent,
    /// Every event counts as acknowledged once a push was taken.
    AckLosesEvents,
    /// The time that had passed is not kept over a reboot.
    FloorForgotten,
    /// Two codes may have one PIN.
    DuplicateAccepted,
    /// KV alone says that nothing has changed.
    StaleKvBelieved,
    /// Guests' codes outlast the offline grace.
    GraceForgotten,
    /// Who was removed may still sign.
    RemovedMaySign,
    /// What a wrong wall clock once added to the time stays.
    LeadKept,
    /// A suspended code stays on the lock.
    SuspendIgnored,
    /// A code that comes back after its hours takes the lowest free slot and not its own.
    Renumbered,
    /// Slots that are somebody else's count as free.
    ForeignTaken,
    /// A ledger that cannot be verified is put aside without a word, and the hub begins anew.
    DamageAccepted,
    /// A hub that was removed goes on as if it had not been.
    RemovalIgnored,
    /// The cloud takes a hub's request a second time.
    ReplayTaken,
    /// The body of a hub's request is not held against its digest.
    BodyUnchecked,
    /// The home's quiet days are forgotten.
    QuietForgotten,
    /// A stay does not end.
    StayForgotten,
    /// Time that is added after a code's hours is added twice.
    BufferTwice,
    /// A masked slot is written over without being emptied first.
    MaskedOverwritten,
    /// That a hub was set back to a backup is forgotten when its program dies.
    RestoredForgotten,
    /// Nobody looks for what a removed hub had put on the locks.
    ReplacedForgotten,
    /// What was changed at the panel is not written down.
    StagedForgotten,
    /// What another hub of the home has put into a slot is written over with what this one had there, again and again.
    HeldTaken,
    /// Residents are shown everybody's codes.
    ResidentSeesAll,
}

std::thread_local! {
    static ON: Cell<Option<Defect>> = const { Cell::new(None) };
}

/// Switches one on in this thread, or all off.
pub fn switch(defect: Option<Defect>) {
    ON.set(defect);
}

/// Whether it is on.
pub fn on(defect: Defect) -> bool {
    ON.get() == Some(defect)
}

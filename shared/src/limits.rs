//! Every bound of the wire format in one place. A message beyond one of them is refused before it costs anything.

use crate::time::Seconds;

/// CBOR items in one message, those of lists and maps within it counted alike.
pub const MAX_ITEMS: usize = 64 * 1024;
/// One signed op, in bytes.
pub const MAX_OP_BYTES: usize = 64 * 1024;
/// One bundle, in bytes.
pub const MAX_BUNDLE_BYTES: usize = 8 * 1024 * 1024;
/// Ops in one bundle.
pub const MAX_BUNDLE_OPS: usize = 16_384;
/// Ops that a member submits at once.
pub const MAX_SUBMIT_OPS: usize = 256;
/// One signed head, in bytes.
pub const MAX_HEAD_BYTES: usize = 512;
/// One signed report about one lock, in bytes.
pub const MAX_REPORT_BYTES: usize = 128 * 1024;
/// One signed event, in bytes.
pub const MAX_EVENT_BYTES: usize = 2 * 1024;
/// One proof for signing in with the member key, in bytes.
pub const MAX_SIGN_IN_BYTES: usize = 512;
/// Reports in one push.
pub const MAX_PUSH_REPORTS: usize = 64;
/// Events in one push.
pub const MAX_PUSH_EVENTS: usize = 256;
/// Body of any request of a hub, in bytes.
pub const MAX_PUSH_BYTES: usize = 4 * 1024 * 1024;
/// Body of any JSON request, in bytes.
pub const MAX_JSON_BYTES: usize = 32 * 1024;

/// Names and labels, in bytes of UTF-8.
pub const MAX_NAME: usize = 64;
/// Locks that one grant or scope names.
pub const MAX_GRANT_LOCKS: usize = 32;
/// Live grants of one home.
pub const MAX_GRANTS: usize = 4_096;
/// Members of one home.
pub const MAX_MEMBERS: usize = 64;
/// Hubs of one home.
pub const MAX_HUBS: usize = 8;
/// Wrapped home keys in one op.
pub const MAX_WRAPS: usize = 1_024;
/// One HPKE-sealed value, in bytes.
pub const MAX_SEALED: usize = 256;
/// The signed part of one invitation, in bytes.
pub const MAX_INVITE_STATEMENT: usize = 2 * 1024;
/// Second seals of one grant's PIN.
pub const MAX_EXTRA_SEALS: usize = 4;
/// Codes in one report.
pub const MAX_REPORT_CODES: usize = 1_000;
/// The ciphertext behind a guest link, in bytes.
pub const MAX_LINK_BYTES: usize = 4 * 1024;

/// The longest that a head may be valid.
pub const MAX_HEAD_LIFE: Seconds = Seconds::hours(72);
/// How far a head's `iat` may lie ahead of a hub's clock.
pub const MAX_CLOCK_SKEW: Seconds = Seconds::minutes(5);
/// How long guests' codes keep their word without a fresh head, where the policy says nothing else.
pub const DEFAULT_OFFLINE_GRACE: Seconds = Seconds::days(14);

//! The Worker's own bounds. Those of the wire format are in `latchkey_shared::limits`.

/// How long a challenge can be answered, in seconds.
pub const TICKET_SECS: u64 = 600;
/// How long after a passkey ceremony sensitive actions are allowed, in seconds.
pub const FRESH_SECS: u64 = 600;
/// A session ends after this long without use, in seconds.
pub const SESSION_IDLE_SECS: u64 = 12 * 3600;
/// A session ends this long after signing in, in seconds.
pub const SESSION_MAX_SECS: u64 = 7 * 24 * 3600;
/// Use of a session is written down at most this often, in seconds.
pub const SESSION_TOUCH_SECS: u64 = 300;
/// Sessions of one account; the longest unused gives way.
pub const MAX_SESSIONS: usize = 16;
/// Passkeys of one account.
pub const MAX_PASSKEYS: usize = 16;
/// Wrapped copies of the member key.
pub const MAX_WRAPS: usize = 24;
/// Homes that one account lists.
pub const MAX_HOMES: usize = 32;
/// Challenges remembered as used until they end.
pub const MAX_USED: usize = 128;
/// How long a pairing can be answered, in seconds.
pub const PAIR_SECS: u64 = 600;
/// Largest offer or answer of a pairing, in bytes.
pub const MAX_PAIR_BYTES: usize = 4 * 1024;
/// Life of a head, in seconds: hubs refuse more than 72 h.
pub const HEAD_LIFE_SECS: u64 = 24 * 3600;
/// Until this age a head answers from KV, in seconds.
pub const HEAD_CACHED_SECS: u64 = 3600;
/// Largest ops request: the ops and their links, in bytes.
pub const MAX_OPS_BYTES: usize = 1024 * 1024;
/// Largest request that creates a home, in bytes.
pub const MAX_CREATE_BYTES: usize = 96 * 1024;
/// Events on one page.
pub const MAX_EVENTS_PAGE: usize = 200;
/// Events kept per home; the oldest go first.
pub const MAX_EVENTS: u64 = 50_000;
/// For so many seconds after its removal the rest of a hub's log is taken.
pub const FAREWELL_SECS: u64 = 90 * 24 * 3600;
/// At most so many events of it, so that a stolen hub cannot push the rest of the log out.
pub const FAREWELL_EVENTS: u64 = 2_000;
/// Links of one home.
pub const MAX_LINKS: usize = 4_096;
/// How long a link that is over still says so, in seconds.
pub const LINK_TOMBSTONE_SECS: u64 = 30 * 24 * 3600;
/// Open WebSockets of one home.
pub const MAX_SOCKETS: usize = 256;
/// Locks that one hub reports on.
pub const MAX_LOCKS_PER_HUB: usize = 256;
/// Invitations of one home that count.
pub const MAX_INVITES: usize = 32;
/// Largest invitation or answer to one, in bytes.
pub const MAX_INVITE_BYTES: usize = 4 * 1024;
/// Tokens of one home.
pub const MAX_TOKENS: usize = 32;
/// Use of a token is written down at most this often, in seconds.
pub const TOKEN_TOUCH_SECS: u64 = 300;
/// How long an answer is kept for a caller who repeats a request, in seconds.
pub const ANSWER_SECS: u64 = 24 * 3600;
/// Answers kept of one home.
pub const MAX_ANSWERS: usize = 1_024;
/// A note to a guest, in bytes.
pub const MAX_NOTE: usize = 1_000;
/// Ops or events on one page of an archive.
pub const EXPORT_ENTRIES: usize = 1_000;
/// What they have together, in bytes, if it is more than one.
pub const EXPORT_BYTES: usize = 1024 * 1024;

//! Refusals as problem documents (RFC 9457) with stable codes.
//!
//! Every text here is fixed at compile time, so no refusal can carry a secret, an id or any input.

mod shared;

use core::ops::Deref;

use latchkey_shared::json::json;

/// What a refusal says.
#[derive(Clone, Copy, Debug)]
pub struct Text {
    /// HTTP status, 400 to 599.
    pub status: u16,
    /// Stable code, `area.reason`.
    pub code: &'static str,
    /// What went wrong, in a sentence.
    pub detail: &'static str,
    /// What to do about it; empty when `detail` says it.
    pub hint: &'static str,
}

/// Why a request is refused. No larger than a pointer: it is in the result of nearly every function.
#[derive(Clone, Copy, Debug)]
pub struct Problem(&'static Text);

impl Deref for Problem {
    type Target = Text;

    fn deref(&self) -> &Text {
        self.0
    }
}

/// The same code is the same problem.
impl PartialEq for Problem {
    fn eq(&self, other: &Self) -> bool {
        self.code == other.code
    }
}

impl Eq for Problem {}

impl Text {
    /// A refusal without a separate hint.
    const fn new(status: u16, code: &'static str, detail: &'static str) -> Self {
        Text { status, code, detail, hint: "" }
    }

    /// The same with what to do about it.
    const fn hint(mut self, hint: &'static str) -> Self {
        self.hint = hint;
        self
    }

    /// The status' own name.
    fn title(&self) -> &'static str {
        match self.status {
            400 => "Bad request",
            401 => "Not signed in",
            403 => "Not allowed",
            404 => "Not found",
            405 => "Method not allowed",
            409 => "Conflict",
            410 => "Gone",
            412 => "Changed",
            413 => "Too large",
            422 => "Refused",
            426 => "Upgrade required",
            428 => "Version required",
            429 => "Too many requests",
            _ => "Something broke",
        }
    }

    /// The document, as `application/problem+json`.
    pub fn to_json(&self) -> String {
        let mut document = json!({
            "type": format!("urn:latchkey:problem:{}", self.code),
            "title": self.title(),
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
        });
        if let (false, Some(fields)) = (self.hint.is_empty(), document.as_object_mut()) {
            fields.insert("hint".into(), self.hint.into());
        }
        document.to_string()
    }
}

/// What every route gives.
pub type Result<T, E = Problem> = core::result::Result<T, E>;

macro_rules! problems {
    ($($(#[$meta:meta])* $name:ident = $status:literal, $code:literal, $detail:literal $(, $hint:literal)?;)+) => {
        $($(#[$meta])* #[doc = $detail] pub const $name: Problem = Problem(&Text::new($status, $code, $detail)$(.hint($hint))?);)+
        #[cfg(test)]
        pub(crate) const ALL: &[Problem] = &[$($name),+];
    };
}

problems! {
    MALFORMED = 400, "request.malformed", "The request is not in the form that this route takes.";
    TOO_LARGE = 413, "request.too_large", "The request's body is larger than this route takes.";
    NO_ROUTE = 404, "request.no_such_route", "There is nothing at this address.";
    METHOD = 405, "request.method", "This address does not take this method.";
    ORIGIN = 403, "request.origin", "The request comes from another site.", "Use Latchkey's own page.";
    REPLAYED = 401, "request.signature_replayed", "This signed request was already made.", "Sign a new request.";
    UPGRADE = 426, "request.upgrade_required", "This address takes WebSocket connections only.";
    RATE = 429, "rate.limited", "Too many requests.", "Wait a minute and try again.";
    INTERNAL = 500, "server.internal", "Something broke on our side.", "Try again; nothing was changed by this request.";
    CONFIG = 500, "server.config", "The server lacks a setting or a secret.", "See docs/operations.md.";

    UNKNOWN_FIELD = 400, "request.unknown_field", "The request has a field that this route does not take.", "Check the spelling of the fields.";
    IF_MATCH = 428, "request.if_match", "A change names the version that it changes.", "Send If-Match with the ETag of the code.";
    CHANGED = 412, "request.changed", "It was changed since you read it.", "Read it again.";
    ONCE = 400, "request.idempotency_key", "An Idempotency-Key has 1 to 128 printable characters.";
    REUSED = 422, "request.idempotency_key_reused", "This Idempotency-Key was used for another request.", "Use a new key for each request.";

    NO_SESSION = 401, "auth.no_session", "You are not signed in.", "Sign in.";
    STEP_UP = 403, "auth.stepup_required", "This needs a fresh confirmation with your passkey.", "Confirm with your passkey and try again.";
    TOKEN = 401, "auth.token_invalid", "The token is not valid here, or no longer.", "Ask an owner of the home for a new one.";
    TOKEN_SCOPE = 403, "auth.token_scope", "The token's scopes do not allow this.", "Ask an owner for a token with the scope.";
    TOKEN_ONLY = 403, "auth.token_only", "This is for programs with a token: members sign their changes themselves.", "Use the portal or the command line.";
    TICKET = 400, "auth.ticket_invalid", "This sign-in attempt has ended or was already used.", "Start again.";
    UNKNOWN_PASSKEY = 401, "auth.unknown_passkey", "This passkey does not belong to an account here.", "Use another passkey, or recover with your kit.";
    UNKNOWN_KEY = 401, "auth.unknown_key", "The proof is not good, or no account here has this member key.", "Sign in on the server where the account is.";
    KIT = 401, "auth.kit_invalid", "This recovery kit does not open an account.", "Check the characters of the kit.";
    NAME = 422, "account.name", "A name has 1 to 64 bytes and no control characters.", "Choose a shorter name.";
    KEY_TAKEN = 409, "account.key_taken", "This member key already belongs to an account.", "Sign in to that account.";
    MEMBER_KEY = 422, "account.member_key", "The member key is not a usable key.";
    WRAPS = 422, "account.wraps", "The wrapped copies of the member key are not complete or not well formed.", "There must be a copy for the recovery kit and at least one more.";
    LAST_PASSKEY = 409, "account.last_passkey", "The last passkey cannot be removed.", "Add another passkey first.";
    NO_PASSKEY = 404, "account.no_such_passkey", "There is no such passkey.";
    PASSKEY_KNOWN = 409, "account.passkey_known", "This passkey is already registered.";
    ACCOUNT_LIMIT = 409, "account.limit", "The account has as many of these as it can have.", "Remove one first.";

    NO_HOME = 404, "home.not_found", "There is no such home, or you are not a member of it.";
    RESIDENT = 403, "home.resident", "Residents see their own codes and entries only.", "Ask an owner of the home.";
    NOT_OWNER = 403, "home.not_owner", "Only owners of the home may do this.", "Ask an owner.";
    FULL = 409, "home.limit", "The home has as many of these as it can have.", "Remove one first.";
    NO_TOKEN = 404, "token.not_found", "There is no such token.";
    TOKEN_FORM = 422, "token.invalid", "A token has a name of 1 to 64 bytes, at least one scope, and an end that is to come or none.";
    ISSUING_OFF = 403, "issuing.off", "This home does not let the server make codes.", "An owner can turn it on.";
    NO_CODE = 404, "code.not_found", "There is no such code.";
    NO_LOCK = 422, "code.lock", "No hub of the home reports such a lock.", "List the locks.";
    ZONE = 503, "zone.unknown", "The server does not know the rules of this home's time zone.", "Make or change the code in the portal.";
    NOT_ISSUED = 403, "code.not_issued", "A person made or changed this code: the server is never shown its PIN.", "Change it in the portal.";
    CODE_OVER = 422, "code.over", "The code has ended, or would end before now.", "Choose a later end, or make a new code.";
    NOTE = 422, "code.note", "A note has at most 1,000 bytes.";
    NO_INVITE = 404, "invite.not_found", "This invitation does not count, or no longer.", "Ask the person who sent it for a new one.";
    INVITE_USED = 410, "invite.used", "This invitation has done its work: who answered it belongs to the home.", "Open the home.";
    INVITE_TAKEN = 409, "invite.taken", "Somebody else has answered this invitation already.", "Ask the person who sent it for a new one.";
    INVITE_KEY = 422, "invite.key", "The answer's key is not that of the account that is signed in, or its name is not usable.", "Sign in and open the invitation again.";
    INVITE_TERM = 422, "invite.term", "An invitation counts for at most 30 days from now.", "Choose another end.";
    ALREADY_MEMBER = 409, "invite.already_member", "This account belongs to the home already, or was removed from it for good.", "Use another account.";
    HOME_TAKEN = 409, "home.exists", "A home with this id already exists.", "Create the home again.";
    NOT_SIGNER = 403, "home.not_signer", "The op is signed by another member's key than yours.";
    CONFLICT = 409, "chain.conflict", "Somebody else changed the home at the same time.", "Look at the change and try again.";
    ISSUER = 422, "home.issuer", "The home names another issuer than this server's.", "Fetch the issuer's key again.";
    WIRE = 400, "wire.malformed", "The message is damaged, too large, or not in its one form.", "Update and try again.";
    NO_HUB = 401, "hub.unknown", "The hub does not belong to this home.", "Pair the hub again.";
    HUB_REMOVED = 410, "hub.removed", "The hub was removed from this home, and what it had to say is taken no more.", "Start it over to pair it again.";
    HUB_AWAY = 409, "hub.away", "The hub is not connected.", "Try again when it is online.";
    AHEAD = 409, "hub.ahead", "The hub has changes that this server does not know.", "Do not trust this server before an owner has looked at it.";
    REPORT = 422, "hub.report_refused", "A report or event is not well formed or not signed by the hub.";
    EVENT_FORK = 409, "hub.event_fork", "An event contradicts one that is already stored.";

    PAIR_TAKEN = 409, "pair.taken", "This pairing has already begun with other content.", "Start pairing again on the hub.";
    NO_PAIR = 404, "pair.not_found", "There is no such pairing, or it has ended.", "Start pairing again on the hub.";
    NO_LINK = 404, "link.not_found", "This link does not work.", "Ask the person who sent it for a new one.";
    LINK_CHANGED = 409, "link.changed", "The code was changed after this link was sent.", "Ask the person who sent it for a new one.";
    LINK = 422, "link.invalid", "The link does not fit the code it is for.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_well_formed() {
        let mut codes: Vec<_> = ALL.iter().map(|p| p.code).collect();
        for code in &codes {
            let (area, reason) = code.split_once('.').unwrap();
            assert!(
                [area, reason].iter().all(|s| s.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')),
                "{code}"
            );
        }
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), ALL.len());
    }

    #[test]
    fn document() {
        assert_eq!(
            NO_SESSION.to_json(),
            "{\"type\":\"urn:latchkey:problem:auth.no_session\",\"title\":\"Not signed in\",\"status\":401,\
             \"code\":\"auth.no_session\",\"detail\":\"You are not signed in.\",\"hint\":\"Sign in.\"}"
        );
        assert!(!METHOD.to_json().contains("hint"));
    }
}

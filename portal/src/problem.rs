//! What went wrong, for a person: a stable code, a sentence, and what to do next. Never a secret.

use latchkey_shared::error::Coded;

/// Something that did not work.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    /// Stable, in the form `area.reason`.
    pub code: String,
    /// What went wrong.
    pub text: String,
    /// What to do about it; may be empty.
    pub next: String,
}

impl Problem {
    /// From a problem document. What this app knows better than the server stands in [`known`].
    pub fn new(code: String, text: String, next: String) -> Self {
        match known(&code) {
            Some((text, next)) => Self { code, text: text.into(), next: next.into() },
            None => Self { code, text, next },
        }
    }

    /// From one of our own codes.
    pub fn of(code: &str) -> Self {
        Self::new(code.into(), "Something did not work.".into(), "Try again.".into())
    }

    /// From an error of the domain.
    pub fn coded(e: &dyn Coded) -> Self {
        Self::new(e.code().into(), e.hint().into(), String::new())
    }

    /// The request did not reach the server.
    pub fn network() -> Self {
        Self::of("network.offline")
    }

    /// The answer is not what was asked for.
    pub fn answer() -> Self {
        Self::of("network.answer")
    }

    /// Cannot happen, and yet.
    pub fn bug() -> Self {
        Self::of("app.bug")
    }

    /// An answer that is no problem document.
    pub fn http(status: u16) -> Self {
        Self::of(match status {
            401 => "auth.no_session",
            404 => "network.not_found",
            429 => "rate.limited",
            _ => "network.answer",
        })
    }

    /// Whether one has to sign in.
    pub fn signed_out(&self) -> bool {
        self.code == "auth.no_session"
    }

    /// Whether the server may have done what was asked all the same.
    pub fn unanswered(&self) -> bool {
        self.code.starts_with("network.")
    }

    /// Whether it is nobody's fault: the person closed the passkey dialog.
    pub fn cancelled(&self) -> bool {
        self.code == "passkey.cancelled"
    }
}

/// Sentences for codes that people meet here.
fn known(code: &str) -> Option<(&'static str, &'static str)> {
    Some(match code {
        "network.offline" => (
            "Latchkey cannot be reached right now.",
            "Check your connection, then try again. Codes on the locks keep working.",
        ),
        "network.answer" => (
            "The server gave an answer that makes no sense here.",
            "Try again in a moment. If it stays, reload the page.",
        ),
        "network.not_found" => ("That is not there.", "Go back and look again."),
        "file.too_large" => ("This file is too large.", "Choose another one."),
        "file.unreadable" => ("This file cannot be read.", "Choose another one."),
        "app.bug" => ("The app made a mistake.", "Reload the page and try again."),
        "rate.limited" => ("That was a lot of tries in a short time.", "Wait a minute, then try again."),
        "auth.no_session" => ("You have been signed out.", "Sign in again to go on."),
        "auth.stepup_required" => {
            ("This needs your passkey once more.", "Confirm with your passkey, then try again.")
        }
        "passkey.cancelled" => {
            ("No passkey was used.", "Try again when you are ready. The dialog may also have timed out.")
        }
        "passkey.exists" => {
            ("This device already has a passkey for your account.", "Sign in with it, or use another device.")
        }
        "passkey.unsupported" => (
            "This browser has no passkeys.",
            "Use a current version of Chrome, Edge, Firefox or Safari over a secure connection.",
        ),
        "passkey.failed" => ("The passkey did not work.", "Try again, or use another passkey."),
        "vault.blocked" => (
            "This browser does not let the site store data.",
            "Allow site data, or you will have to sign in after every reload.",
        ),
        "wrap.wrong" => ("That does not unlock your keys.", "Try another passkey, or your recovery kit."),
        "wrap.none" => {
            ("This passkey cannot unlock your keys.", "Enter your passphrase, or use the recovery kit.")
        }
        "account.kit" | "auth.kit" => (
            "This recovery kit does not open an account.",
            "Compare it with the paper once more. A newer kit replaces an older one.",
        ),
        "chain.conflict" => {
            ("Somebody else changed the home at the same moment.", "Look at what changed, then try again.")
        }
        "invite.no_link" => (
            "An invitation is a link, and none was opened here.",
            "Open the link that you were sent, or paste it below.",
        ),
        "invite.taken" => (
            "Somebody else has answered this invitation.",
            "If that was not you, tell whoever invited you, and ask for a new one.",
        ),
        "chain.late" => (
            "Your last change was saved after all: only the answer got lost.",
            "Look at your codes before you make this change.",
        ),
        "code.changed_meanwhile" => (
            "Somebody else changed this code while you were editing it. Yours was not saved.",
            "What you typed is still here. Compare it with their version above, then decide.",
        ),
        "code.revoked_meanwhile" => (
            "Somebody else revoked this code while you were editing it.",
            "A revoked code never returns. Make a new one.",
        ),
        "pair.not_found" => (
            "No hub is waiting with this pairing code.",
            "Codes last ten minutes. Restart pairing at the hub and use the new code.",
        ),
        "pair.taken" => {
            ("This pairing code was used already.", "Restart pairing at the hub and use the new code.")
        }
        "pair.forged" => (
            "The answer does not come from your hub.",
            "Stop here. Restart pairing at the hub, and check that you are on the right site.",
        ),
        "home.rollback" => (
            "The server shows an older history of this home than this browser has seen.",
            "Change nothing and share no codes. Compare with another device before you go on.",
        ),
        "home.fork" => (
            "The server shows another history of this home than this browser has seen.",
            "Change nothing and share no codes. Compare with another device before you go on.",
        ),
        _ => return None,
    })
}

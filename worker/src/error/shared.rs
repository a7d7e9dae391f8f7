//! What the shared library refuses, as problems: each with its own code and, mostly, its own sentence.

use latchkey_shared::chain::ChainError;
use latchkey_shared::compose::{ComposeError, Refusal};
use latchkey_shared::event::EventError;
use latchkey_shared::exchange::typed::TypedError;
use latchkey_shared::grant::GrantError;
use latchkey_shared::httpsig::HttpSigError;
use latchkey_shared::invite::InviteError;
use latchkey_shared::pin::{Exhausted, RulesError};
use latchkey_shared::report::ReportError;
use latchkey_shared::schedule::ScheduleError;
use latchkey_shared::signin::SignInError;
use latchkey_shared::webauthn::WebauthnError;
use latchkey_shared::wire::hpke::SealError;

use super::{CONFLICT, Problem, Text, UNKNOWN_KEY};

/// Makes a table of every error's text at compile time.
macro_rules! problems_of {
    ($(|$error:ident: $errors:ty| $text:expr;)+) => {$(
        impl From<$errors> for Problem {
            fn from(error: $errors) -> Self {
                const fn text($error: $errors) -> Text {
                    $text
                }
                const COUNT: usize = <$errors>::ALL.len();
                static TEXTS: [Text; COUNT] = {
                    let mut texts = [text(<$errors>::ALL[0]); COUNT];
                    let mut i = 1;
                    while i < COUNT {
                        texts[i] = text(<$errors>::ALL[i]);
                        i += 1;
                    }
                    texts
                };
                Problem(&TEXTS[error as usize])
            }
        }
    )+};
}

problems_of! {
    |error: ChainError| match error {
        // Somebody else was faster: the one case in which the same change can be made again.
        ChainError::Gap | ChainError::Fork => *CONFLICT.0,
        ChainError::Malformed => Text::new(400, error.code(), error.hint()),
        ChainError::NotTrusted | ChainError::NotAllowed | ChainError::BadSignature => {
            Text::new(403, error.code(), error.hint())
        }
        _ => Text::new(422, error.code(), error.hint()),
    };
    |error: SignInError| match error {
        // Who does not have the key is told the same whether an account has it or not.
        SignInError::Malformed | SignInError::BadSignature => *UNKNOWN_KEY.0,
        _ => Text::new(401, error.code(), error.hint()),
    };
    |error: WebauthnError| Text::new(400, error.code(), "The passkey's answer was refused.")
        .hint("Try again with the same passkey.");
    |error: HttpSigError| Text::new(401, error.code(), "The request's signature was refused.");
    |error: EventError| Text::new(422, error.code(), error.hint());
    |error: GrantError| Text::new(422, error.code(), error.hint());
    |error: InviteError| Text::new(422, error.code(), error.hint());
    |error: Refusal| Text::new(422, error.code(), error.hint());
    |error: ReportError| Text::new(422, error.code(), error.hint());
    |error: RulesError| Text::new(422, error.code(), error.hint());
    |error: ScheduleError| Text::new(422, error.code(), error.hint());
    |error: SealError| Text::new(422, error.code(), error.hint());
    |error: TypedError| Text::new(422, error.code(), error.hint());
}

impl From<Exhausted> for Problem {
    fn from(_: Exhausted) -> Self {
        Problem(&const { Text::new(422, Exhausted.code(), Exhausted.hint()) })
    }
}

impl From<ComposeError> for Problem {
    fn from(error: ComposeError) -> Self {
        match error {
            ComposeError::Refused(error) => error.into(),
            ComposeError::Grant(error) => error.into(),
            ComposeError::Chain(error) => error.into(),
            ComposeError::Invite(error) => error.into(),
            ComposeError::Seal(error) => error.into(),
        }
    }
}

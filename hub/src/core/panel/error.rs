//! Why something is not done at the panel.

use latchkey_shared::chain::ChainError;
use latchkey_shared::compose::{ComposeError, Refusal};
use latchkey_shared::error::Coded;
use latchkey_shared::pin::RulesError;
use std::fmt;

/// Why it was not done. Nothing changed.
#[derive(Debug)]
pub enum PanelError {
    /// The panel is not open in this browser.
    Shut,
    /// No owner lets this hub's panel change codes.
    NoScope,
    /// The lock is not this hub's.
    NotHere,
    /// The hub does not know the time, or the home's zone.
    NoTime,
    /// Too many changes wait for the cloud.
    Full,
    /// Too many PINs were asked about.
    TooFast,
    /// The lock was read anew not long ago.
    ReadJustNow,
    /// The lock cannot be read, or no code of the home is on it.
    NothingToRead,
    /// The end is past.
    Past,
    /// The PIN breaks these rules: stable code and sentence.
    Pin(Vec<(&'static str, String)>),
    /// No PIN is left.
    Exhausted,
    /// No PIN can be on all of these locks.
    Rules(RulesError),
    /// The code cannot be so.
    Compose(ComposeError),
    /// The chain does not allow it.
    Chain(ChainError),
}

impl PanelError {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Shut => "panel.shut",
            Self::NoScope => "panel.no_scope",
            Self::NotHere => "panel.not_here",
            Self::NoTime => "panel.no_time",
            Self::Full => "panel.full",
            Self::TooFast => "panel.too_fast",
            Self::ReadJustNow => "panel.read_just_now",
            Self::NothingToRead => "panel.nothing_to_read",
            Self::Past => "panel.past",
            Self::Pin(broken) => broken.first().map_or("panel.pin", |(code, _)| code),
            Self::Exhausted => "pin.exhausted",
            Self::Rules(e) => e.code(),
            Self::Compose(e) => e.code(),
            Self::Chain(e) => e.code(),
        }
    }

    /// What it means and what to do.
    pub fn hint(&self) -> String {
        let text = match self {
            Self::Shut => "Type a primary PIN to open the panel.",
            Self::NoScope => {
                "An owner has to allow changes at this panel: in the portal, under Doors, at this hub."
            }
            Self::NotHere => "Choose doors of this hub.",
            Self::NoTime => {
                "The hub does not know the time. Connect it to the internet; codes can be ended meanwhile."
            }
            Self::Full => "Too many changes wait for the internet. Connect the hub first.",
            Self::TooFast => {
                "Too many PINs were tried. Wait a little, or let the hub make one: clear what you typed."
            }
            Self::ReadJustNow => {
                "It was read not long ago. Each look costs battery: try again in ten minutes."
            }
            Self::NothingToRead => {
                "There is nothing to read: this lock does not tell, or has no code of this home."
            }
            Self::Past => "Choose an end that is still to come.",
            Self::Pin(broken) => {
                return broken.iter().map(|(_, hint)| hint.as_str()).collect::<Vec<_>>().join(" ");
            }
            Self::Exhausted => "No unused PIN of this length is left. Type a longer one.",
            Self::Rules(e) => e.hint(),
            Self::Compose(ComposeError::Refused(Refusal::StaleLink)) => {
                "A guest link shows this code. Rename it in the portal, which makes the link anew."
            }
            Self::Compose(e) => e.hint(),
            Self::Chain(ChainError::NotAllowed) => {
                "That goes beyond what an owner lets this panel do. Use the portal for it."
            }
            Self::Chain(e) => e.hint(),
        };
        text.to_owned()
    }
}

impl fmt::Display for PanelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl std::error::Error for PanelError {}

impl From<ComposeError> for PanelError {
    fn from(e: ComposeError) -> Self {
        match e {
            ComposeError::Chain(e) => Self::Chain(e),
            e => Self::Compose(e),
        }
    }
}

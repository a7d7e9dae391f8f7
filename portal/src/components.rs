//! Building blocks of the pages.

mod basics;
mod chip;
mod code_row;
mod dates;
mod dialog;
mod field;
mod frame;
mod gate;
mod link_box;
mod passphrase;
mod qr;
mod select;
mod toasts;

pub use basics::{Button, ErrorNote, PageHead, Tone, badge, icon, initial, skeleton};
pub use chip::{door_chip, lock_chip, phase_chip, why};
pub use code_row::{code_row, row_content};
pub use dates::DateList;
pub use dialog::{Dialog, StepUpDialog};
pub use field::{Choice, Field, Segment, input_value};
pub use frame::{Frame, Unlist, switcher};
pub use gate::Gate;
pub use link_box::LinkBox;
pub use passphrase::NewPassphrase;
pub use qr::{Qr, Text};
pub use select::Select;
pub use toasts::Toasts;

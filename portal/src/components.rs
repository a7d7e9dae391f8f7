//! Building blocks of the pages.

mod basics;
mod chip;
mod code_row;
mod dialog;
mod field;
mod frame;
mod gate;
mod qr;
mod toasts;

pub use basics::{Avatar, Button, ErrorNote, Icon, PageHead, Skeleton, Tone};
pub use chip::{ByPtr, LockChip, PhaseChip};
pub use code_row::CodeRow;
pub use dialog::{Dialog, StepUpDialog};
pub use field::{Choice, Field, Segment, input_value};
pub use frame::Frame;
pub use gate::Gate;
pub use qr::{Qr, Text};
pub use toasts::Toasts;

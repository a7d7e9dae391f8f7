//! Hooks: the home that a page shows, kept fresh, and the time.

mod home;
mod mine;
mod now;

pub use home::{HomeCtx, HomeState, HomeStore, Live, use_home, use_home_store};
pub use mine::use_mine;
pub use now::use_tick;

//! Matter locks, through a Matter server.

mod settings;

pub use settings::Settings;

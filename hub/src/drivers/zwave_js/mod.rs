//! Z-Wave locks, through a Z-Wave JS server.

mod settings;

pub use settings::Settings;

//! What the commands do.

mod daemon;
mod offline;

use crate::cli::{Command, USAGE};
use latchkey_hub::config::Config;
use latchkey_hub::shell::origin::Origin;
use std::error::Error;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Carries a command out.
pub(crate) fn run(command: Command) -> ExitCode {
    let done = match command {
        Command::Help => say(USAGE),
        Command::Version => say(concat!("latchkey-hub ", env!("CARGO_PKG_VERSION"))),
        Command::Pair { state, origin, name } => {
            with_origin(&state, origin, name).and_then(|()| daemon::pair(&config(&state)?))
        }
        Command::Run { state } => config(&state).and_then(daemon::run),
        Command::StartOver { state, leave_behind } => {
            config(&state).and_then(|config| daemon::start_over(config, leave_behind))
        }
        Command::Status { state } => config(&state).and_then(|config| offline::status(&config)),
        Command::ExportBundle { state, file } => {
            config(&state).and_then(|config| offline::export_bundle(&config, &file))
        }
        Command::VerifyBundle { file, genesis } => offline::verify_bundle(&file, genesis.as_deref()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("latchkey-hub: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Writes a line to standard output. A reader that went away is no error.
fn say(text: &str) -> Result<()> {
    let _ = writeln!(std::io::stdout(), "{text}");
    Ok(())
}

fn config(state: &Path) -> Result<Config> {
    let panel = std::env::var("LATCHKEY_PANEL").ok();
    Ok(Config::load(state, panel.as_deref())?)
}

fn with_origin(state: &Path, origin: Option<String>, name: Option<String>) -> Result<()> {
    match origin {
        Some(origin) => Ok(Config::set(state, &Origin::parse(&origin)?, name.as_deref())?),
        None => Ok(()),
    }
}

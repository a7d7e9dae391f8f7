//! What the commands do.

mod daemon;
mod live;
mod offline;

use crate::cli::{Command, Options, USAGE};
use latchkey_hub::config::{Config, Environment, Source};
use latchkey_hub::machine::files;
use latchkey_shared::origin::Origin;
use std::error::Error;
use std::io::Write;
use std::process::ExitCode;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Carries a command out.
pub(crate) fn run(options: Options, command: Command) -> ExitCode {
    match carry_out(options, command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("latchkey-hub: {error}");
            ExitCode::FAILURE
        }
    }
}

fn carry_out(options: Options, command: Command) -> Result<()> {
    let Options { config, state, allow_root } = options;
    let source = Source::find(config, state, Environment::of_process());
    // Diagnostics are what one asks for when nothing else works; they look at less then.
    let opens = !matches!(
        command,
        Command::Help
            | Command::Version
            | Command::CheckConfig
            | Command::VerifyBundle { .. }
            | Command::Diagnostics { .. }
    );
    if opens {
        refuse_root(allow_root)?;
    }
    match command {
        Command::Help => say(USAGE),
        Command::Version => say(concat!("latchkey-hub ", env!("CARGO_PKG_VERSION"))),
        Command::Pair { origin, name } => {
            if let Some(origin) = origin {
                source.set(&Origin::parse(&origin)?, name.as_deref())?;
            }
            daemon::pair(&prepared(&source)?)
        }
        Command::Run => {
            let config = prepared(&source)?;
            daemon::run(source, config)
        }
        Command::StartOver { leave_behind } => {
            let config = prepared(&source)?;
            daemon::start_over(source, config, leave_behind)
        }
        Command::CheckConfig => offline::check_config(&source),
        Command::Status => offline::status(&source.load()?),
        Command::Ledger => offline::ledger(&source.load()?),
        Command::Diagnostics { file } => {
            offline::diagnostics(&source, &file, refuse_root(allow_root).is_ok())
        }
        Command::ExportBundle { file } => offline::export_bundle(&source.load()?, &file),
        Command::VerifyBundle { file, genesis } => offline::verify_bundle(&file, genesis.as_deref()),
    }
}

/// Nothing that the hub does needs root, and what root has written the hub's own user cannot open later.
fn refuse_root(allowed: bool) -> Result<()> {
    let allowed = allowed || std::env::var_os("LATCHKEY_ALLOW_ROOT").is_some_and(|word| word == "1");
    if rustix::process::geteuid().is_root() && !allowed {
        return Err("hub.root: the hub does not run as root. Use its own user (sudo -u latchkey latchkey-hub …), or say \
                    --allow-root where there is no other, as in a container"
            .into());
    }
    Ok(())
}

/// The configuration, with its state directory made.
fn prepared(source: &Source) -> Result<Config> {
    let config = source.load()?;
    files::private_dir(&config.dir)?;
    Ok(config)
}

/// Writes a line to standard output. A reader that went away is no error.
fn say(text: &str) -> Result<()> {
    let _ = writeln!(std::io::stdout(), "{text}");
    Ok(())
}

//! `latchkey-hub`: pairs with a home and keeps its locks in step.

mod cli;
mod commands;

use std::process::ExitCode;

fn main() -> ExitCode {
    match cli::parse(std::env::args_os().skip(1)) {
        Ok((options, command)) => commands::run(options, command),
        Err(error) => {
            eprintln!("{error}\n\n{}", cli::USAGE);
            ExitCode::from(2)
        }
    }
}

//! `latchkey`: a home's codes from the command line. It signs every change itself and trusts no server: what it is shown
//! is verified from the home's first op on, and held against what it saw before.

mod args;
mod client;
mod commands;
mod failure;
mod home;
mod net;
mod out;
mod pick;
mod secret;
mod show;
mod state;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = args::Cli::parse();
    let out = out::Out { json: cli.json };
    match commands::run(&cli, out) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            out.failure(&failure);
            ExitCode::from(failure.exit as u8)
        }
    }
}

//! What the commands do. Each fetches, verifies, acts, and answers once.

mod auth;
mod care;
mod codes;
mod edit;
mod homes;
mod hubs;
mod link;
mod log;
mod mine;
mod people;
mod transfer;
mod verify;

use crate::args::{Cli, Command};
use crate::client::Client;
use crate::failure::Result;
use crate::home::Home;
use crate::out::Out;
use crate::state::State;
use clap::CommandFactory;

/// What every command may need.
pub(crate) struct Run<'a> {
    cli: &'a Cli,
    out: Out,
    state: State,
}

impl Run<'_> {
    fn client(&self) -> Result<Client> {
        Client::open(self.state.clone(), self.cli.passphrase_file.clone())
    }

    fn home<'c>(&self, client: &'c Client) -> Result<Home<'c>> {
        Home::find(client, self.cli.home.as_deref())
    }
}

/// Carries a command out.
pub(crate) fn run(cli: &Cli, out: Out) -> Result {
    let run = Run { cli, out, state: State::new(cli.state.clone())? };
    match &cli.command {
        Command::Login(args) => run.login(args),
        Command::Logout => run.logout(),
        Command::Whoami => run.whoami(),
        Command::Homes => run.homes(),
        Command::Home(command) => run.home_command(command),
        Command::Codes(command) => run.codes(command),
        Command::Link(command) => run.link(command),
        Command::Mine { show_pin } => run.mine(*show_pin),
        Command::Log(args) => run.log(args),
        Command::People(command) => run.people(command),
        Command::Hubs(command) => run.hubs(command),
        Command::Locks(args) => run.locks(args),
        Command::Review => run.review(),
        Command::Export(command) => run.export(command),
        Command::Import(command) => run.import(command),
        Command::Restore(command) => run.restore(command),
        Command::Verify(command) => run.verify(command),
        Command::Completion { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "latchkey", &mut script);
            out.bytes(&script)
        }
        Command::Man { dir: Some(dir) } => Ok(clap_mangen::generate_to(Cli::command(), dir)?),
        Command::Man { dir: None } => {
            let mut page = Vec::new();
            clap_mangen::Man::new(Cli::command()).render(&mut page)?;
            out.bytes(&page)
        }
    }
}

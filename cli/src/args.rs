//! The command line. The manual and the completions are made of this.

use clap::{Args, Parser, Subcommand, ValueEnum};
use latchkey_shared::grant::GrantKind;
use std::path::PathBuf;

/// Codes for smart locks, from the command line.
///
/// Does what the portal does, with keys that stay on this machine: every change is signed here. Times are by the clock
/// of the home. Secrets are typed, or come from a file, standard input or the environment; never from arguments.
#[derive(Parser, Debug)]
#[command(
    name = "latchkey",
    version,
    max_term_width = 100,
    subcommand_required = true,
    arg_required_else_help = true
)]
pub(crate) struct Cli {
    /// Where sessions, keys and what was seen of homes are kept.
    #[arg(long, global = true, env = "LATCHKEY_STATE", value_name = "DIR")]
    pub(crate) state: Option<PathBuf>,
    /// Answer in JSON, one document; failures go to standard error in JSON too.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// The home: its name, its id or the beginning of it. Not needed if there is only one.
    #[arg(long, global = true, env = "LATCHKEY_HOME", value_name = "HOME")]
    pub(crate) home: Option<String>,
    /// A file with the passphrase; "-" is standard input. Else LATCHKEY_PASSPHRASE, else it is asked for.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What is to be done.
#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Sign in with the recovery kit. The kit is not used up.
    Login(Login),
    /// Forget the keys and end the session. What was seen of homes is kept, so that a rollback still shows.
    Logout,
    /// Say who is signed in.
    Whoami,
    /// List the homes of this account.
    Homes,
    /// Make a home, or change its name and rules.
    #[command(subcommand)]
    Home(HomeCommand),
    /// Codes: list, make, change, end.
    #[command(subcommand)]
    Codes(CodesCommand),
    /// A code's guest link.
    #[command(subcommand)]
    Link(LinkCommand),
    /// Your own codes: what residents see of a home.
    Mine {
        /// Show the PINs.
        #[arg(long)]
        show_pin: bool,
    },
    /// What happened, newest last.
    Log(Log),
    /// The home's people.
    #[command(subcommand)]
    People(PeopleCommand),
    /// The home's hubs.
    #[command(subcommand)]
    Hubs(HubsCommand),
    /// The home's locks, as their hubs last saw them, and what is wrong with them.
    Locks(LocksArgs),
    /// What needs somebody's attention, with one action each.
    Review,
    /// Write codes or the whole record to a file.
    #[command(subcommand)]
    Export(ExportCommand),
    /// Make codes from a file.
    #[command(subcommand)]
    Import(ImportCommand),
    /// Make the codes of a backup anew.
    #[command(subcommand)]
    Restore(RestoreCommand),
    /// Verify a file, offline.
    #[command(subcommand)]
    Verify(VerifyCommand),
    /// Print a completion script.
    Completion {
        /// For this shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual (roff), or write one page per command.
    Man {
        /// Write the pages into this directory.
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
    },
}

/// Signing in.
#[derive(Args, Debug)]
pub(crate) struct Login {
    /// The server, such as <https://keys.example>.
    #[arg(long, env = "LATCHKEY_ORIGIN", value_name = "URL")]
    pub(crate) origin: String,
    /// A file with the recovery kit; "-" is standard input. Else LATCHKEY_KIT, else it is asked for.
    #[arg(long, value_name = "FILE")]
    pub(crate) kit_file: Option<PathBuf>,
    /// Store the keys without a passphrase: whoever reads the file is you.
    #[arg(long)]
    pub(crate) no_passphrase: bool,
}

/// A home's own commands.
#[derive(Subcommand, Debug)]
pub(crate) enum HomeCommand {
    /// Make a home.
    Create {
        /// Its name. Guests see it.
        name: String,
        /// Its time zone, such as Europe/Lisbon.
        #[arg(long)]
        zone: String,
        /// The house number, so that no PIN contains it.
        #[arg(long)]
        house_number: Option<String>,
    },
    /// Rename the home.
    Rename {
        /// The new name.
        name: String,
    },
    /// Show the home's rules, or change those that are given.
    Policy(PolicyArgs),
    /// Let the server make guest codes by itself, for its HTTP API, within these limits, or no longer.
    Issuing {
        /// Whether it may.
        #[arg(value_enum)]
        switch: Switch,
        #[command(flatten)]
        scope: ScopeArgs,
    },
}

/// Rules to be changed.
#[derive(Args, Debug, Default)]
pub(crate) struct PolicyArgs {
    /// The time zone.
    #[arg(long)]
    pub(crate) zone: Option<String>,
    /// The fewest digits of a PIN.
    #[arg(long, value_name = "DIGITS")]
    pub(crate) pin_min: Option<u8>,
    /// The most digits of a PIN.
    #[arg(long, value_name = "DIGITS")]
    pub(crate) pin_max: Option<u8>,
    /// The digits of a generated PIN; 0: as the locks suggest.
    #[arg(long, value_name = "DIGITS")]
    pub(crate) pin_length: Option<u8>,
    /// The house number; empty: none.
    #[arg(long)]
    pub(crate) house_number: Option<String>,
    /// How many days guests' codes keep working while the hub hears nothing.
    #[arg(long, value_name = "DAYS")]
    pub(crate) offline_grace: Option<u32>,
    /// Days on which no guest's code opens, such as "2026-12-24; 2026-12-25"; empty: none.
    #[arg(long, value_name = "DATES")]
    pub(crate) quiet_days: Option<String>,
    /// After how many days a primary code's PIN is due for a change; 0: never.
    #[arg(long, value_name = "DAYS")]
    pub(crate) change_primary_after: Option<u32>,
}

/// Which codes to list.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
#[allow(missing_docs)]
pub(crate) enum Phases {
    Now,
    Upcoming,
    Past,
    Live,
    All,
}

/// On or off.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
#[allow(missing_docs)]
pub(crate) enum Switch {
    On,
    Off,
}

/// A kind of code.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
#[allow(missing_docs)]
pub(crate) enum Kind {
    Primary,
    Standard,
    Guest,
    Duress,
}

impl From<Kind> for GrantKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Primary => Self::Primary,
            Kind::Standard => Self::Standard,
            Kind::Guest => Self::Guest,
            Kind::Duress => Self::Duress,
        }
    }
}

/// Codes.
#[derive(Subcommand, Debug)]
pub(crate) enum CodesCommand {
    /// List codes.
    List {
        /// Which ones.
        #[arg(long, value_enum, default_value = "live")]
        phase: Phases,
        /// Only those whose name contains this.
        #[arg(long)]
        search: Option<String>,
    },
    /// Show one code, lock by lock.
    Show {
        /// Its name, its id or the beginning of it.
        code: String,
        /// Show the PIN too.
        #[arg(long)]
        show_pin: bool,
    },
    /// Make a code. Prints the guest's link.
    Add {
        /// What to call it.
        label: String,
        #[command(flatten)]
        terms: Terms,
        /// Make no guest link.
        #[arg(long)]
        no_link: bool,
        /// Show the PIN.
        #[arg(long)]
        show_pin: bool,
    },
    /// Change what is given; the rest, the PIN too, stays.
    Edit {
        /// Its name, its id or the beginning of it.
        code: String,
        /// Another name.
        #[arg(long)]
        label: Option<String>,
        #[command(flatten)]
        terms: Terms,
        /// Replace the PIN by a new one.
        #[arg(long, conflicts_with = "pin_file")]
        new_pin: bool,
        /// Show the PIN.
        #[arg(long)]
        show_pin: bool,
    },
    /// Give a code another end, later or earlier, with the same PIN.
    Extend {
        /// Its name, its id or the beginning of it.
        code: String,
        /// The new end, such as "2026-12-24 11:00", or +2d from the one it has.
        #[arg(allow_hyphen_values = true)]
        until: String,
    },
    /// Pause codes.
    Suspend {
        /// Names or ids.
        #[arg(required = true)]
        codes: Vec<String>,
    },
    /// Let paused codes go on.
    Resume {
        /// Names or ids.
        #[arg(required = true)]
        codes: Vec<String>,
    },
    /// End codes now. They can be extended again with the same PIN.
    End {
        /// Names or ids.
        #[arg(required = true)]
        codes: Vec<String>,
    },
    /// Revoke codes for good.
    Revoke {
        /// Names or ids.
        #[arg(required = true)]
        codes: Vec<String>,
    },
    /// Make a revoked code anew, with a new PIN and link.
    Again {
        /// Its id or the beginning of it, or its name.
        code: String,
        /// Show the PIN.
        #[arg(long)]
        show_pin: bool,
    },
    /// Say why a code does or does not open a door.
    Explain {
        /// Its name, its id or the beginning of it.
        code: String,
        /// Only this door.
        #[arg(long)]
        door: Option<String>,
        /// At this moment; else now.
        #[arg(long)]
        at: Option<String>,
    },
}

/// What a code says, but for its name.
#[derive(Args, Debug, Default)]
pub(crate) struct Terms {
    /// A door: its name or id. Give it again for more.
    #[arg(long = "door", value_name = "DOOR")]
    pub(crate) doors: Vec<String>,
    /// What kind of code; guest if nothing is said.
    #[arg(long, value_enum)]
    pub(crate) kind: Option<Kind>,
    /// The start, such as "2026-12-24 15:00"; now if nothing is said.
    #[arg(long)]
    pub(crate) from: Option<String>,
    /// The end, such as 2026-12-26 (that day included) or +3d; "never" for none.
    #[arg(long)]
    pub(crate) until: Option<String>,
    /// Weekly hours, such as "Mon-Fri 09:00-17:00; Sat 22:00-02:00", or "always".
    #[arg(long)]
    pub(crate) hours: Option<String>,
    /// Days on which it does not open, such as "2026-12-24; 2026-12-25"; empty: none.
    #[arg(long, value_name = "DATES")]
    pub(crate) days_off: Option<String>,
    /// How often it opens at most; 0: any number.
    #[arg(long)]
    pub(crate) uses: Option<u32>,
    /// From its first use on it works so many hours; 0: as long as it lasts.
    #[arg(long, value_name = "HOURS")]
    pub(crate) stay: Option<u32>,
    /// Minutes added before its start and hours.
    #[arg(long, value_name = "MINUTES")]
    pub(crate) before: Option<u16>,
    /// Minutes added after its end and hours.
    #[arg(long, value_name = "MINUTES")]
    pub(crate) after: Option<u16>,
    /// Whose code it is: a member's name or key id; empty: nobody's.
    #[arg(long, value_name = "MEMBER")]
    pub(crate) holder: Option<String>,
    /// Whether it disarms the alarm; yes for all but guests if nothing is said.
    #[arg(long)]
    pub(crate) disarm: Option<bool>,
    /// A note that only the guest can read.
    #[arg(long)]
    pub(crate) note: Option<String>,
    /// A file with the PIN to use; "-" is standard input. Else a good one is made.
    #[arg(long, value_name = "FILE")]
    pub(crate) pin_file: Option<PathBuf>,
}

/// Locks.
#[derive(Args, Debug)]
pub(crate) struct LocksArgs {
    /// Has the hub of this lock read its codes again.
    #[arg(long, value_name = "LOCK")]
    pub(crate) read_again: Option<String>,
    /// With `--read-again`: this code alone.
    #[arg(long, requires = "read_again")]
    pub(crate) code: Option<String>,
}

/// Guest links.
#[derive(Subcommand, Debug)]
pub(crate) enum LinkCommand {
    /// Print the link. Whoever has it has the code.
    Show {
        /// The code.
        code: String,
    },
    /// Make a new link; the one there is ends.
    New {
        /// The code.
        code: String,
        /// A note that only the guest can read; else the one there is.
        #[arg(long)]
        note: Option<String>,
    },
}

/// The log.
#[derive(Args, Debug)]
pub(crate) struct Log {
    /// Go on printing what happens.
    #[arg(short, long)]
    pub(crate) follow: bool,
    /// How many entries.
    #[arg(short = 'n', long, default_value_t = 50)]
    pub(crate) limit: usize,
}

/// What somebody may do.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
#[allow(missing_docs)]
pub(crate) enum RoleName {
    Owner,
    Manager,
    Resident,
}

/// Limits of who may make codes.
#[derive(Args, Debug)]
pub(crate) struct ScopeArgs {
    /// The doors; all if none is named.
    #[arg(long = "door", value_name = "DOOR")]
    pub(crate) doors: Vec<String>,
    /// The longest code that may be made, in days.
    #[arg(long, value_name = "DAYS")]
    pub(crate) max_days: Option<u32>,
    /// Kinds of codes that may be made; guest if none is named.
    #[arg(long = "kind", value_enum)]
    pub(crate) kinds: Vec<Kind>,
}

/// A role with its limits.
#[derive(Args, Debug)]
pub(crate) struct RoleArgs {
    /// What the person may do. The limits are a manager's.
    #[arg(long, value_enum)]
    pub(crate) role: RoleName,
    #[command(flatten)]
    pub(crate) scope: ScopeArgs,
    /// Let a manager see every PIN of the home.
    #[arg(long)]
    pub(crate) sees_pins: bool,
}

/// People.
#[derive(Subcommand, Debug)]
pub(crate) enum PeopleCommand {
    /// List the members, and the invitations that are open.
    List,
    /// Invite somebody. Prints the link to send.
    Invite {
        /// Whom.
        name: String,
        #[command(flatten)]
        role: RoleArgs,
        /// For how many days the invitation counts.
        #[arg(long, default_value_t = 7)]
        days: u32,
    },
    /// Withdraw an invitation.
    Withdraw {
        /// Whose: the name or id.
        invitation: String,
    },
    /// Accept an invitation to somebody else's home. The link is asked for, or comes from LATCHKEY_INVITE or a file.
    Join {
        /// A file with the link; "-" is standard input.
        #[arg(long, value_name = "FILE")]
        link_file: Option<PathBuf>,
    },
    /// Add those who accepted an invitation.
    Accept {
        /// Only this one: the name or id.
        invitation: Option<String>,
    },
    /// Remove a member: their codes end, the home's key changes, and the codes that they have seen are listed.
    Remove {
        /// The name, the key id or the beginning of it.
        member: String,
        /// End the codes that they made from this op on, too.
        #[arg(long, value_name = "OP")]
        distrust_since: Option<u64>,
    },
    /// Give a member another role.
    Role {
        /// The name, the key id or the beginning of it.
        member: String,
        #[command(flatten)]
        role: RoleArgs,
    },
}

/// Hubs.
#[derive(Subcommand, Debug)]
pub(crate) enum HubsCommand {
    /// List the hubs.
    List,
    /// Take in a hub. Its pairing code is asked for, or comes from LATCHKEY_PAIRING or a file.
    Pair {
        /// A file with the pairing code or link; "-" is standard input.
        #[arg(long, value_name = "FILE")]
        code_file: Option<PathBuf>,
    },
    /// Let codes be made at the hub's own panel, within these limits, or no longer.
    Panel {
        /// Its name or id.
        hub: String,
        /// Whether they may.
        #[arg(value_enum)]
        switch: Switch,
        #[command(flatten)]
        scope: ScopeArgs,
    },
    /// Rename a hub.
    Rename {
        /// Its name or id.
        hub: String,
        /// The new name.
        name: String,
    },
    /// Remove a hub; the home's key changes.
    Remove {
        /// Its name or id.
        hub: String,
    },
}

/// What to export.
#[derive(Subcommand, Debug)]
pub(crate) enum ExportCommand {
    /// Codes without PINs, for a spreadsheet.
    Csv {
        /// The file; "-" is standard output.
        file: PathBuf,
    },
    /// Codes with PINs, encrypted under the recovery kit.
    Backup {
        /// The file.
        file: PathBuf,
        /// A file with the recovery kit; "-" is standard input. Else LATCHKEY_KIT, else it is asked for.
        #[arg(long, value_name = "FILE")]
        kit_file: Option<PathBuf>,
    },
    /// Everything that was signed: changes, events, reports.
    Archive {
        /// The file.
        file: PathBuf,
    },
}

/// What to import.
#[derive(Subcommand, Debug)]
pub(crate) enum ImportCommand {
    /// Codes from a spreadsheet: all of them, or none and what is wrong.
    Csv {
        /// The file; "-" is standard input.
        file: PathBuf,
        /// Only say what would be made.
        #[arg(long)]
        dry_run: bool,
        /// Make no guest links.
        #[arg(long)]
        no_links: bool,
    },
}

/// What to restore.
#[derive(Subcommand, Debug)]
pub(crate) enum RestoreCommand {
    /// Codes of an encrypted backup, on doors of the same names, with the same PINs.
    Backup {
        /// The file.
        file: PathBuf,
        /// A file with the kit that was current when the backup was made; "-" is standard input.
        #[arg(long, value_name = "FILE")]
        kit_file: Option<PathBuf>,
        /// Only say what would be made.
        #[arg(long)]
        dry_run: bool,
        /// Take over the backup's rules too, but for the home's name.
        #[arg(long)]
        rules: bool,
    },
}

/// What to verify.
#[derive(Subcommand, Debug)]
pub(crate) enum VerifyCommand {
    /// An archive: every signature, every link of chain and log. Says where it is damaged.
    Archive {
        /// The file.
        file: PathBuf,
    },
    /// A bundle that a hub wrote.
    Bundle {
        /// The file.
        file: PathBuf,
        /// The home's first op, by its hash.
        #[arg(long, value_name = "HASH")]
        genesis: Option<String>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_holds_together() {
        Cli::command().debug_assert();
    }

    /// A name that a command shares with a global one only shows when both are read.
    #[test]
    fn no_command_takes_a_global_name() {
        fn check(command: &clap::Command, globals: &[String]) {
            for sub in command.get_subcommands() {
                for arg in sub.get_arguments() {
                    let id = arg.get_id().to_string();
                    assert!(arg.is_global_set() || !globals.contains(&id), "{}: {id}", sub.get_name());
                }
                check(sub, globals);
            }
        }
        let top = Cli::command();
        let globals: Vec<String> = top
            .get_arguments()
            .filter(|arg| arg.is_global_set())
            .map(|arg| arg.get_id().to_string())
            .collect();
        assert!(globals.len() >= 4);
        check(&top, &globals);
    }

    #[test]
    fn lines() {
        let good = |line: &str| Cli::try_parse_from(line.split_whitespace()).is_ok();
        for line in [
            "latchkey codes list --phase all --home Lake --json",
            "latchkey codes add Anna --door Front --until +2h",
            "latchkey codes extend Anna -1h",
            "latchkey people invite Ben --role manager --kind guest --kind standard",
            "latchkey --state d verify archive f",
        ] {
            assert!(good(line), "{line}");
        }
        for line in
            ["latchkey", "latchkey fly", "latchkey codes revoke", "latchkey codes add Anna --pin 1234"]
        {
            assert!(!good(line), "{line}");
        }
    }
}

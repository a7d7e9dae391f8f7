//! The command line.

use lexopt::prelude::*;
use std::ffi::OsString;
use std::path::PathBuf;

/// What to type.
pub(crate) const USAGE: &str = "\
latchkey-hub [--config FILE] [--state DIR] COMMAND

  pair --origin URL [--name N]   show a pairing code and wait until a home takes this hub in
  run                            keep the locks in step (pairs first if that was not done yet)
  start-over [--leave-behind]    nobody owns the home any more: take all codes off the locks, wipe the keys, show a
                                 new pairing code (--leave-behind: give up locks that do not answer)
  check-config [FILE]            say everything that is wrong with the configuration
  status                         say how this hub stands
  ledger                         say what is in the ledger and which versions can read it
  diagnostics FILE               write what helps to find a fault to a file, without any secret
  export-bundle FILE             write all ops and the last head to a file
  verify-bundle FILE [--genesis HASH]
                                 verify such a file, offline, from its first op on

  --config FILE     the configuration (default hub.toml in the state directory, or /etc/latchkey/hub.toml)
  --state DIR       where the hub keeps everything (default what the configuration says, or ./hub-state)
  --allow-root      run as root all the same, in a container or a test (or LATCHKEY_ALLOW_ROOT=1)
  LATCHKEY_PANEL    where the panel listens (default 127.0.0.1:8790)
  LATCHKEY_LOG      error, warn, info, debug, trace (default info)
  LATCHKEY_LOG_FORMAT       text, json (default text)
  LATCHKEY_STATE_KEY_FILE   the key under which secrets rest in the state directory";

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Help,
    Version,
    Pair { origin: Option<String>, name: Option<String> },
    Run,
    StartOver { leave_behind: bool },
    CheckConfig,
    Status,
    Ledger,
    Diagnostics { file: PathBuf },
    ExportBundle { file: PathBuf },
    VerifyBundle { file: PathBuf, genesis: Option<String> },
}

/// What goes with every command.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) config: Option<PathBuf>,
    pub(crate) state: Option<PathBuf>,
    pub(crate) allow_root: bool,
}

/// Reads the arguments.
pub(crate) fn parse(arguments: impl Iterator<Item = OsString>) -> Result<(Options, Command), lexopt::Error> {
    let mut parser = lexopt::Parser::from_args(arguments);
    let mut options = Options::default();
    let (mut origin, mut name, mut genesis) = (None, None, None);
    let mut leave_behind = false;
    let mut words: Vec<OsString> = vec![];
    while let Some(argument) = parser.next()? {
        match argument {
            Long("config") => options.config = Some(parser.value()?.into()),
            Long("state") => options.state = Some(parser.value()?.into()),
            Long("allow-root") => options.allow_root = true,
            Long("origin") => origin = Some(parser.value()?.string()?),
            Long("name") => name = Some(parser.value()?.string()?),
            Long("genesis") => genesis = Some(parser.value()?.string()?),
            Long("leave-behind") => leave_behind = true,
            Short('h') | Long("help") => return Ok((options, Command::Help)),
            Short('V') | Long("version") => return Ok((options, Command::Version)),
            Value(word) => words.push(word),
            other => return Err(other.unexpected()),
        }
    }
    let mut words = words.into_iter();
    let verb = words.next().and_then(|word| word.into_string().ok()).unwrap_or_default();
    let mut file = || words.next().map(PathBuf::from).ok_or("a FILE is needed");
    let command = match verb.as_str() {
        "pair" => Command::Pair { origin, name },
        "run" => Command::Run,
        "start-over" => Command::StartOver { leave_behind },
        "check-config" => {
            options.config = words.next().map(PathBuf::from).or(options.config);
            Command::CheckConfig
        }
        "status" => Command::Status,
        "ledger" => Command::Ledger,
        "diagnostics" => Command::Diagnostics { file: file()? },
        "export-bundle" => Command::ExportBundle { file: file()? },
        "verify-bundle" => Command::VerifyBundle { file: file()?, genesis },
        "" => return Err("a command is needed".into()),
        other => return Err(format!("there is no command {other:?}").into()),
    };
    match words.next() {
        None => Ok((options, command)),
        Some(extra) => Err(lexopt::Error::UnexpectedArgument(extra)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<(Options, Command), lexopt::Error> {
        parse(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn lines() {
        let in_d = || Options { state: Some("d".into()), ..Options::default() };
        assert_eq!(read("run --state d").unwrap(), (in_d(), Command::Run));
        let pair = Command::Pair { origin: Some("http://localhost:1".into()), name: Some("Hall".into()) };
        assert_eq!(read("--state=d pair --origin http://localhost:1 --name Hall").unwrap(), (in_d(), pair));
        let verify = Command::VerifyBundle { file: "f".into(), genesis: Some("abc".into()) };
        assert_eq!(read("verify-bundle f --genesis abc").unwrap().1, verify);
        let leave = Command::StartOver { leave_behind: true };
        assert_eq!(read("start-over --leave-behind --state d").unwrap(), (in_d(), leave));
        let named = |file: &str| Options { config: Some(file.into()), ..Options::default() };
        assert_eq!(read("check-config f").unwrap(), (named("f"), Command::CheckConfig));
        assert_eq!(read("check-config --config g").unwrap(), (named("g"), Command::CheckConfig));
        for bad in [
            "",
            "fly",
            "run now",
            "run --fast",
            "export-bundle",
            "pair --origin",
            "diagnostics",
            "check-config a b",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}

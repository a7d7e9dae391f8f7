//! The command line.

use lexopt::prelude::*;
use std::ffi::OsString;
use std::path::PathBuf;

/// What to type.
pub(crate) const USAGE: &str = "\
latchkey-hub [--state DIR] COMMAND

  pair --origin URL [--name N]   show a pairing code and wait until a home takes this hub in
  run                            keep the locks in step (pairs first if that was not done yet)
  start-over [--leave-behind]    nobody owns the home any more: take all codes off the locks, wipe the keys, show a
                                 new pairing code (--leave-behind: give up locks that do not answer)
  status                         say how this hub stands
  export-bundle FILE             write all ops and the last head to a file
  verify-bundle FILE [--genesis HASH]
                                 verify such a file, offline, from its first op on

  --state DIR       where the hub keeps everything (default ./hub-state)
  LATCHKEY_PANEL    where the panel listens (default 127.0.0.1:8790)
  LATCHKEY_LOG      error, warn, info, debug (default info)";

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Help,
    Version,
    Pair { state: PathBuf, origin: Option<String>, name: Option<String> },
    Run { state: PathBuf },
    StartOver { state: PathBuf, leave_behind: bool },
    Status { state: PathBuf },
    ExportBundle { state: PathBuf, file: PathBuf },
    VerifyBundle { file: PathBuf, genesis: Option<String> },
}

/// Reads the arguments.
pub(crate) fn parse(arguments: impl Iterator<Item = OsString>) -> Result<Command, lexopt::Error> {
    let mut parser = lexopt::Parser::from_args(arguments);
    let mut state = PathBuf::from("hub-state");
    let (mut origin, mut name, mut genesis) = (None, None, None);
    let mut leave_behind = false;
    let mut words: Vec<OsString> = vec![];
    while let Some(argument) = parser.next()? {
        match argument {
            Long("state") => state = parser.value()?.into(),
            Long("origin") => origin = Some(parser.value()?.string()?),
            Long("name") => name = Some(parser.value()?.string()?),
            Long("genesis") => genesis = Some(parser.value()?.string()?),
            Long("leave-behind") => leave_behind = true,
            Short('h') | Long("help") => return Ok(Command::Help),
            Short('V') | Long("version") => return Ok(Command::Version),
            Value(word) => words.push(word),
            other => return Err(other.unexpected()),
        }
    }
    let mut words = words.into_iter();
    let verb = words.next().and_then(|word| word.into_string().ok()).unwrap_or_default();
    let mut file = || words.next().map(PathBuf::from).ok_or("a FILE is needed");
    let command = match verb.as_str() {
        "pair" => Command::Pair { state, origin, name },
        "run" => Command::Run { state },
        "start-over" => Command::StartOver { state, leave_behind },
        "status" => Command::Status { state },
        "export-bundle" => Command::ExportBundle { state, file: file()? },
        "verify-bundle" => Command::VerifyBundle { file: file()?, genesis },
        "" => return Err("a command is needed".into()),
        other => return Err(format!("there is no command {other:?}").into()),
    };
    match words.next() {
        None => Ok(command),
        Some(extra) => Err(lexopt::Error::UnexpectedArgument(extra)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Command, lexopt::Error> {
        parse(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn lines() {
        assert_eq!(read("run --state d").unwrap(), Command::Run { state: "d".into() });
        assert_eq!(
            read("--state=d pair --origin http://localhost:1 --name Hall").unwrap(),
            Command::Pair {
                state: "d".into(),
                origin: Some("http://localhost:1".into()),
                name: Some("Hall".into())
            }
        );
        assert_eq!(
            read("verify-bundle f --genesis abc").unwrap(),
            Command::VerifyBundle { file: "f".into(), genesis: Some("abc".into()) }
        );
        assert_eq!(
            read("start-over --leave-behind --state d").unwrap(),
            Command::StartOver { state: "d".into(), leave_behind: true }
        );
        for bad in ["", "fly", "run now", "run --fast", "export-bundle", "pair --origin"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}

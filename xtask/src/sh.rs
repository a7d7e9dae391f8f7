//! Running other programs: in the foreground, or as services that are
//! stopped, with all their children, when this process ends for any reason
//! that it can notice.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

static INTERRUPTED: AtomicBool = AtomicBool::new(false);
const POLL: Duration = Duration::from_millis(40);

/// Turns Ctrl-C and SIGTERM into a flag, so that destructors run.
pub fn catch_signals() -> Result<()> {
    ctrlc::set_handler(|| INTERRUPTED.store(true, Ordering::SeqCst)).context("cannot catch Ctrl-C")
}

/// Whether somebody asked this process to stop.
pub fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::SeqCst)
}

/// Sleeps in short steps.
///
/// # Errors
/// When the process is asked to stop meanwhile.
pub fn pause(time: Duration) -> Result<()> {
    let end = Instant::now() + time;
    while Instant::now() < end {
        if interrupted() {
            bail!("interrupted");
        }
        sleep(POLL.min(end.saturating_duration_since(Instant::now())));
    }
    Ok(())
}

/// Runs a command in the foreground and demands success.
///
/// # Errors
/// When it cannot start, fails, or this process is asked to stop.
pub fn run(command: &mut Command) -> Result<()> {
    let name = shown(command);
    let status = status(command)?;
    if !status.success() {
        bail!("`{name}` failed ({status})");
    }
    Ok(())
}

/// Runs a command in the foreground and says how it ended.
///
/// # Errors
/// When it cannot start or this process is asked to stop.
pub fn status(command: &mut Command) -> Result<ExitStatus> {
    let name = shown(command);
    let mut child = command.spawn().with_context(|| format!("cannot start `{name}`"))?;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if interrupted() {
            // The terminal has sent it the signal too; what is left after a moment is ended here.
            sleep(Duration::from_millis(500));
            let _ = child.kill();
            let _ = child.wait();
            bail!("interrupted");
        }
        sleep(POLL);
    }
}

/// Runs a command silently; its output is shown only if it fails.
///
/// # Errors
/// When it cannot start or fails.
pub fn quiet(command: &mut Command) -> Result<String> {
    let name = shown(command);
    let output = command.output().with_context(|| format!("cannot start `{name}`"))?;
    if !output.status.success() {
        let text =
            [&output.stdout[..], &output.stderr[..]].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        bail!("`{name}` failed ({})\n{}", output.status, text.concat());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let mut text = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
    for argument in command.get_args() {
        text.push(' ');
        text.push_str(&argument.to_string_lossy());
    }
    text
}

/// A program in the background, in its own process group.
pub struct Service {
    name: &'static str,
    child: Child,
}

impl Service {
    /// Starts a program whose output goes to `log`.
    ///
    /// # Errors
    /// When the log cannot be written or the program cannot start.
    pub fn start(name: &'static str, command: &mut Command, log: &Path) -> Result<Self> {
        if let Some(dir) = log.parent() {
            std::fs::create_dir_all(dir)?;
        }
        let file = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
        let child = command
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        Ok(Self { name, child })
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// # Errors
    /// When the program has ended.
    pub fn check(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            Some(status) => bail!("{} ended by itself ({status})", self.name),
            None => Ok(()),
        }
    }

    fn signal(&self, signal: Signal) {
        if let Ok(pid) = i32::try_from(self.child.id()) {
            let _ = killpg(Pid::from_raw(pid), signal);
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.signal(Signal::SIGTERM);
        let end = Instant::now() + Duration::from_secs(5);
        while Instant::now() < end {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                break;
            }
            sleep(POLL);
        }
        // What the program started itself may outlive it; the group ends with it.
        self.signal(Signal::SIGKILL);
        let _ = self.child.wait();
    }
}

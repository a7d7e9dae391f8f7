//! The configuration while the hub runs: read again when its file changes or on SIGHUP, and what has changed carried
//! out. A configuration with a mistake changes nothing, and says so in the log, the panel and `/healthz`.

use latchkey_hub::config::{Config, Problem, Source};
use latchkey_hub::core::reconcile::Hands;
use latchkey_hub::drivers::sim::SimHome;
use latchkey_hub::panel::{self, About, Panel};
use latchkey_hub::shell::bridges;
use latchkey_hub::shell::log::LogHandle;
use latchkey_hub::shell::notify::Notify;
use latchkey_hub::shell::run::Ask;
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::signal::unix::Signal;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

/// Between looks at the file.
const LOOK: Duration = Duration::from_secs(2);
/// How long a file has to stay as it is: one that is being written is left alone.
const SETTLE: Duration = Duration::from_millis(300);

/// The panel as it is served.
pub(super) struct Serving {
    panel: Panel,
    task: JoinHandle<()>,
}

impl Serving {
    pub(super) fn start(panel: Panel, listener: TcpListener) -> Self {
        let serving = panel::serve(panel.clone(), listener);
        let task = tokio::spawn(async move {
            if let Err(e) = serving.await {
                tracing::error!(error = %e, "the panel is not served any more");
            }
        });
        Self { panel, task }
    }

    /// Moves to another address, or stays where it is.
    async fn move_to(&mut self, address: std::net::SocketAddr) -> std::io::Result<()> {
        let listener = TcpListener::bind(address).await?;
        let panel = Panel { address: listener.local_addr()?, ..self.panel.clone() };
        tracing::info!(panel = %format!("http://{}", panel.address), "the panel moves");
        *self = Self::start(panel, listener);
        Ok(())
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What a new configuration reaches.
pub(super) struct Live {
    pub(super) source: Source,
    pub(super) config: watch::Sender<Arc<Config>>,
    pub(super) about: watch::Sender<About>,
    pub(super) log: LogHandle,
    pub(super) serving: Serving,
    pub(super) sim: SimHome,
    pub(super) asks: watch::Receiver<Option<mpsc::Sender<Ask>>>,
    /// Whether the configuration has ever been in a file.
    pub(super) had_file: bool,
    /// SIGHUP, caught from before the hub says that it is ready.
    pub(super) hangup: Signal,
}

type Stamp = Option<(i64, i64, u64, u64)>;

impl Live {
    /// For as long as the hub runs.
    pub(super) async fn keep(mut self) {
        let notify = Notify::of_process();
        let mut seen = self.stamp();
        loop {
            tokio::select! {
                _ = self.hangup.recv() => {}
                () = tokio::time::sleep(LOOK) => {
                    let found = self.stamp();
                    if found == seen {
                        continue;
                    }
                    tokio::time::sleep(SETTLE).await;
                    if self.stamp() != found {
                        continue;
                    }
                }
            }
            seen = self.stamp();
            notify.reloading();
            self.reload().await;
            notify.ready();
        }
    }

    fn stamp(&self) -> Stamp {
        let meta = std::fs::metadata(&self.source.file).ok()?;
        Some((meta.mtime(), meta.mtime_nsec(), meta.size(), meta.ino()))
    }

    async fn reload(&mut self) {
        // A file that was there and is not, or has nothing in it, was not meant to take all locks away.
        self.source.must_be |= self.had_file;
        let loaded = match self.stamp() {
            Some((.., 0, _)) if self.had_file => Err(Problem {
                line: None,
                code: "config.io",
                text: format!(
                    "{} is empty; remove what is not wanted, not everything",
                    self.source.file.display()
                ),
            }
            .into()),
            found => {
                self.had_file |= found.is_some();
                self.source.load()
            }
        };
        match loaded {
            Ok(new) => self.apply(new).await,
            Err(problems) => {
                for problem in &problems.0 {
                    tracing::error!(code = problem.code, line = problem.line, "{}", problem.text);
                }
                tracing::error!(code = "config.broken", "the configuration stays as it was");
                let told = problems.0.iter().map(ToString::to_string).collect();
                self.about.send_modify(|about| about.problems = told);
            }
        }
    }

    async fn apply(&mut self, mut new: Config) {
        let old = self.config.borrow().clone();
        let mut problems = vec![];
        for key in needs_restart(&old, &new) {
            tracing::warn!(key, code = "config.restart", "this takes effect when the hub is restarted");
            problems.push(format!("config.restart: `{key}` takes effect when the hub is restarted"));
        }
        (new.dir, new.state_key_file, new.button) =
            (old.dir.clone(), old.state_key_file.clone(), old.button.clone());
        new.origin = old.origin.clone().or(new.origin);
        new.log.format = old.log.format;
        self.log.set_level(new.log.level);
        if new.panel != old.panel
            && let Err(e) = self.serving.move_to(new.panel).await
        {
            tracing::error!(code = "config.panel_taken", error = %e, "the panel stays where it is");
            problems.push(format!("config.panel_taken: the panel cannot listen on {}: {e}", new.panel));
            new.panel = old.panel;
        }
        let other = bridges::change(&old, &new, &self.sim);
        self.about.send_replace(About { problems, ..About::of(&new) });
        let hands = new.hands;
        self.config.send_replace(Arc::new(new));
        let daemon = self.asks.borrow().clone();
        if let (Some(other), Some(daemon)) = (other, daemon) {
            // Gone only if the hub ends.
            let _ = daemon.send(Ask::Reconfigure(other)).await;
        }
        let daemon = self.asks.borrow().clone();
        if let Some(daemon) = daemon.filter(|_| hands != old.hands) {
            let _ = daemon.send(hands_of(hands)).await;
        }
        tracing::info!("configuration read again");
    }
}

/// What becomes of changes at the locks from now on.
fn hands_of(hands: Hands) -> Ask {
    Ask::Core(Box::new(move |core, _| {
        core.set_hands(hands);
        Box::new(|| {})
    }))
}

/// What has changed and cannot change while the hub runs.
fn needs_restart(old: &Config, new: &Config) -> Vec<&'static str> {
    let changed = [
        ("origin", old.origin.is_some() && old.origin != new.origin),
        ("state", old.dir != new.dir),
        ("state_key_file", old.state_key_file != new.state_key_file),
        ("button", old.button != new.button),
        ("log.format", old.log.format != new.log.format),
    ];
    changed.iter().filter(|(_, changed)| *changed).map(|(key, _)| *key).collect()
}

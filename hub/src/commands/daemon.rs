//! `pair`, `run` and `start-over`.

use super::live::{Live, Serving};
use super::{Result, say};
use latchkey_hub::config::{Config, Source};
use latchkey_hub::core::change::{Change, Release};
use latchkey_hub::core::trust::Belonging;
use latchkey_hub::drivers::sim::SimHome;
use latchkey_hub::panel::{About, Panel};
use latchkey_hub::shell::bridges;
use latchkey_hub::shell::button::Button;
use latchkey_hub::shell::cloud::Cloud;
use latchkey_hub::shell::former::{self, LEDGER};
use latchkey_hub::shell::http::Net;
use latchkey_hub::shell::identity::Identity;
use latchkey_hub::shell::ledger::Ledger;
use latchkey_hub::shell::log::LogHandle;
use latchkey_hub::shell::meter::Meter;
use latchkey_hub::shell::notify::{self, Notify};
use latchkey_hub::shell::pairing::{self, Code};
use latchkey_hub::shell::run::{Ask, Daemon, Ended};
use latchkey_hub::shell::state_key::StateKey;
use latchkey_shared::origin::Origin;
use std::io::IsTerminal;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, oneshot, watch};

fn runtime() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}

fn origin(config: &Config) -> Result<Origin> {
    let origin = config.origin.clone();
    Ok(origin.ok_or("config.no_origin: say where the cloud is: latchkey-hub pair --origin URL")?)
}

/// Shows codes on standard output as they come.
async fn print_codes(mut codes: watch::Receiver<Option<Code>>) {
    loop {
        let code = codes.borrow_and_update().clone();
        if let Some(code) = code {
            let qr = qrcode::QrCode::new(code.url.as_bytes())
                .map(|qr| qr.render::<qrcode::render::unicode::Dense1x2>().build())
                .unwrap_or_default();
            let _ = say(&format!("{qr}\n\nPairing code: {}\n{}\n", code.text.as_str(), code.url.as_str()));
        }
        if codes.changed().await.is_err() {
            return;
        }
    }
}

/// Pairs and ends.
pub(super) fn pair(config: &Config) -> Result<()> {
    LogHandle::start(config.log);
    let ledger = Ledger::open(&config.dir.join(LEDGER))?;
    if let Some(belonging) = ledger.belonging()? {
        return say(&format!("This hub belongs to home {} already.", belonging.home));
    }
    let key = StateKey::find(config)?;
    runtime()?.block_on(async {
        let (_switch, up) = watch::channel(true);
        let (show, codes) = watch::channel(None);
        let printing = tokio::spawn(print_codes(codes));
        let net = Net::new(origin(config)?, up);
        let belonging = pair_now(config, &key, &net, &ledger, &show).await?;
        printing.abort();
        say(&format!("Paired with home {}. Start the hub with: latchkey-hub run", belonging.home))
    })
}

async fn pair_now(
    config: &Config,
    key: &StateKey,
    net: &Net,
    ledger: &Ledger,
    show: &watch::Sender<Option<Code>>,
) -> Result<Belonging> {
    let identity = Identity::load(&config.dir, key)?;
    let belonging = pairing::pair(&config.dir, key, net, &identity, &config.name, show).await?;
    ledger.belong(&belonging)?;
    pairing::done(&config.dir, show);
    tracing::info!(home = %belonging.home, "paired");
    Ok(belonging)
}

/// Runs until it is told to stop.
pub(super) fn run(source: Source, config: Config) -> Result<()> {
    let log = LogHandle::start(config.log);
    runtime()?.block_on(run_async(source, config, log))
}

async fn stopped() {
    let (terminate, interrupt) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
    match (terminate, interrupt) {
        (Ok(mut terminate), Ok(mut interrupt)) => {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        }
        _ => std::future::pending().await,
    }
}

/// Takes the hub out of its home, then waits to be paired anew.
pub(super) fn start_over(source: Source, config: Config, leave_behind: bool) -> Result<()> {
    let log = LogHandle::start(config.log);
    let ledger = Ledger::open(&config.dir.join(LEDGER))?;
    if ledger.belonging()?.is_none() {
        return say("This hub belongs to no home. Start it with: latchkey-hub run");
    }
    if !matches!(ledger.load()?.release, Release::Parting | Release::Gone) {
        let release = if leave_behind { Release::LeavingBehind } else { Release::Leaving };
        ledger.persist(&[Change::Release(release)])?;
    }
    drop(ledger);
    say("Taking all codes off the locks. Then this hub shows a new pairing code.")?;
    runtime()?.block_on(run_async(source, config, log))
}

/// What stays the same while the hub goes from home to home.
struct Place {
    config: watch::Receiver<Arc<Config>>,
    key: Arc<StateKey>,
    up: watch::Receiver<bool>,
    sim: SimHome,
    meter: Meter,
    show: watch::Sender<Option<Code>>,
    codes: watch::Receiver<Option<Code>>,
    ready: watch::Sender<Option<mpsc::Sender<Ask>>>,
}

async fn run_async(source: Source, config: Config, log: LogHandle) -> Result<()> {
    // Before anything else: only one hub may have the state directory.
    let mut ledger = Some(Ledger::open(&config.dir.join(LEDGER))?);
    let key = Arc::new(StateKey::find(&config)?);
    let (switch, up) = watch::channel(true);
    let sim = SimHome::open(&config.dir, key.clone(), &config.sim)?;
    let (show, codes) = watch::channel(None);
    let (ready, questions) = watch::channel(None);
    let (about, told) = watch::channel(About::of(&config));
    let meter = Meter::default();
    let listener = TcpListener::bind(config.panel).await?;
    let panel = Panel {
        address: listener.local_addr()?,
        about: told,
        code: codes.clone(),
        asks: questions.clone(),
        sim: sim.clone(),
        network: switch,
        button: Button::watch(config.button.clone()),
        log: log.ring().clone(),
        meter: meter.clone(),
    };
    tracing::info!(panel = %format!("http://{}", panel.address), config = %source.file.display(), "hub starting");
    let serving = Serving::start(panel, listener);
    let (changed, config) = watch::channel(Arc::new(config));
    let live = Live {
        had_file: source.file.exists(),
        source,
        config: changed,
        about,
        log,
        serving,
        sim: sim.clone(),
        asks: questions.clone(),
        hangup: signal(SignalKind::hangup())?,
    };
    let living = tokio::spawn(live.keep());
    let watching = notify::watchdog().map(|every| tokio::spawn(sign_of_life(every, questions)));
    Notify::of_process().ready();
    let mut place = Place { config, key, up, sim, meter, show, codes, ready };
    let stop = stopped();
    tokio::pin!(stop);
    let result = loop {
        let ended = in_one_home(&mut place, ledger.take(), &mut stop).await;
        place.ready.send_replace(None);
        match ended {
            Ok(Ended::Stopped) => break Ok(()),
            Ok(Ended::Gone) => former::put_aside(&place.config.borrow().dir)?,
            Err(e) => break Err(e),
        }
        tracing::info!("the hub has left its home");
    };
    Notify::of_process().stopping();
    living.abort();
    watching.inspect(tokio::task::JoinHandle::abort);
    result
}

/// Tells systemd that the hub lives, as long as the loop that drives the locks answers.
async fn sign_of_life(every: std::time::Duration, asks: watch::Receiver<Option<mpsc::Sender<Ask>>>) {
    let notify = Notify::of_process();
    loop {
        let daemon = asks.borrow().clone();
        let lives = match daemon {
            // Nobody has taken the hub in yet.
            None => true,
            Some(daemon) => {
                let (to, answer) = oneshot::channel();
                let job = Ask::Core(Box::new(|_, _| {
                    Box::new(move || {
                        let _ = to.send(());
                    })
                }));
                daemon.send(job).await.is_ok() && tokio::time::timeout(every, answer).await.is_ok()
            }
        };
        if lives {
            notify.alive();
        }
        tokio::time::sleep(every).await;
    }
}

/// From pairing, if need be, until the hub is stopped or has left the home.
async fn in_one_home(
    place: &mut Place,
    ledger: Option<Ledger>,
    stop: &mut (impl Future<Output = ()> + Unpin),
) -> Result<Ended> {
    if place.config.borrow().origin.is_none() {
        tracing::warn!(
            code = "config.no_origin",
            "not told where the cloud is: waiting for it in the configuration"
        );
        tokio::select! {
            known = place.config.wait_for(|config| config.origin.is_some()) => drop(known?),
            () = &mut *stop => return Ok(Ended::Stopped),
        }
    }
    let config = place.config.borrow().clone();
    let net = Net::new(origin(&config)?, place.up.clone());
    let ledger = match ledger {
        Some(ledger) => ledger,
        None => Ledger::open(&config.dir.join(LEDGER))?,
    };
    let belonging = match ledger.belonging()? {
        // Killed after it left and before its keys were wiped.
        Some(_) if ledger.load()?.release == Release::Gone => return Ok(Ended::Gone),
        Some(belonging) => belonging,
        None => {
            tracing::info!(origin = %net.origin(), "not paired: the panel shows the pairing code");
            // Only to a person: a log is no place for the secret.
            let printing =
                std::io::stdout().is_terminal().then(|| tokio::spawn(print_codes(place.codes.clone())));
            let paired = tokio::select! {
                paired = pair_now(&config, &place.key, &net, &ledger, &place.show) => paired?,
                () = &mut *stop => return Ok(Ended::Stopped),
            };
            printing.inspect(tokio::task::JoinHandle::abort);
            paired
        }
    };
    let identity = Identity::load(&config.dir, &place.key)?;
    let (asks_to, asks) = mpsc::channel(16);
    // No wait between reading the configuration and being there to be told of another.
    let config = place.config.borrow_and_update().clone();
    place.ready.send_replace(Some(asks_to));
    let daemon = Daemon {
        ledger,
        belonging,
        keys: identity.keys.clone(),
        cloud: Cloud::new(net, identity.keys, belonging),
        drivers: bridges::drivers(&config, &place.sim),
        hands: config.hands,
        expected: bridges::expected(&config),
        meter: place.meter.clone(),
        asks,
    };
    Ok(latchkey_hub::shell::run::run(daemon, stop).await?)
}

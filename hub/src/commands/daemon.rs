//! `pair` and `run`.

use super::{Result, say};
use latchkey_hub::config::Config;
use latchkey_hub::core::change::{Change, Release};
use latchkey_hub::core::trust::Belonging;
use latchkey_hub::drivers::sim::{self, SimHome};
use latchkey_hub::panel::{self, Panel};
use latchkey_hub::shell::button::Button;
use latchkey_hub::shell::cloud::Cloud;
use latchkey_hub::shell::former::{self, LEDGER};
use latchkey_hub::shell::http::Net;
use latchkey_hub::shell::identity::Identity;
use latchkey_hub::shell::ledger::Ledger;
use latchkey_hub::shell::pairing::{self, Code};
use latchkey_hub::shell::run::{Ask, Daemon, Ended};
use std::io::IsTerminal;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};

/// UTC to the millisecond: six digits of a fraction would look like a PIN to whoever searches logs for one.
struct LogTime;

impl tracing_subscriber::fmt::time::FormatTime for LogTime {
    fn format_time(&self, w: &mut tracing_subscriber::fmt::format::Writer<'_>) -> std::fmt::Result {
        let now = latchkey_hub::shell::clocks::now();
        let t = now.wall.to_local(0);
        let (year, month, day, ms) = (t.year, t.month, t.day, now.wall_ms);
        write!(w, "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{ms:03}Z", t.hour, t.minute, t.second)
    }
}

fn start_log() {
    let level = std::env::var("LATCHKEY_LOG").ok().and_then(|level| level.parse().ok());
    let format = tracing_subscriber::fmt()
        .with_max_level(level.unwrap_or(tracing::Level::INFO))
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .with_timer(LogTime)
        .with_writer(std::io::stderr);
    // Fails only if there is one already.
    let _ = format.try_init();
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}

fn net(config: &Config, up: watch::Receiver<bool>) -> Result<Net> {
    let origin = config.origin.clone();
    let origin = origin.ok_or("config.no_origin: say where the cloud is: latchkey-hub pair --origin URL")?;
    Ok(Net::new(origin, up))
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
    start_log();
    let ledger = Ledger::open(&config.dir.join(LEDGER))?;
    if let Some(belonging) = ledger.belonging()? {
        return say(&format!("This hub belongs to home {} already.", belonging.home));
    }
    runtime()?.block_on(async {
        let (_switch, up) = watch::channel(true);
        let (show, codes) = watch::channel(None);
        let printing = tokio::spawn(print_codes(codes));
        let belonging = pair_now(config, &net(config, up)?, &ledger, &show).await?;
        printing.abort();
        say(&format!("Paired with home {}. Start the hub with: latchkey-hub run", belonging.home))
    })
}

async fn pair_now(
    config: &Config,
    net: &Net,
    ledger: &Ledger,
    show: &watch::Sender<Option<Code>>,
) -> Result<Belonging> {
    let identity = Identity::load(&config.dir)?;
    let belonging = pairing::pair(&config.dir, net, &identity, &config.name, show).await?;
    ledger.belong(&belonging)?;
    pairing::done(&config.dir, show);
    tracing::info!(home = %belonging.home, "paired");
    Ok(belonging)
}

/// Runs until it is told to stop.
pub(super) fn run(config: Config) -> Result<()> {
    start_log();
    runtime()?.block_on(run_async(config))
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
pub(super) fn start_over(config: Config, leave_behind: bool) -> Result<()> {
    start_log();
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
    runtime()?.block_on(run_async(config))
}

/// What stays the same while the hub goes from home to home.
struct Place {
    config: Config,
    net: Net,
    sim: SimHome,
    show: watch::Sender<Option<Code>>,
    codes: watch::Receiver<Option<Code>>,
    ready: watch::Sender<Option<mpsc::Sender<Ask>>>,
}

async fn run_async(config: Config) -> Result<()> {
    // Before anything else: only one hub may have the state directory.
    let mut ledger = Some(Ledger::open(&config.dir.join(LEDGER))?);
    let (switch, up) = watch::channel(true);
    let net = net(&config, up)?;
    let sim = SimHome::open(&config.dir.join("sim"), &config.sim)?;
    let (show, codes) = watch::channel(None);
    let (ready, questions) = watch::channel(None);
    let listener = TcpListener::bind(config.panel).await?;
    let panel = Panel {
        address: listener.local_addr()?,
        name: config.name.clone(),
        code: codes.clone(),
        asks: questions,
        sim: sim.clone(),
        network: switch,
        button: Button::watch(config.button.clone()),
    };
    tracing::info!(panel = %format!("http://{}", panel.address), origin = %net.origin(), "hub starting");
    let serving = tokio::spawn(panel::serve(panel, listener));
    let place = Place { config, net, sim, show, codes, ready };
    let stop = stopped();
    tokio::pin!(stop);
    loop {
        let ended = in_one_home(&place, ledger.take(), &mut stop).await?;
        place.ready.send_replace(None);
        if ended == Ended::Stopped {
            serving.abort();
            return Ok(());
        }
        former::put_aside(&place.config.dir)?;
        tracing::info!("the hub has left its home");
    }
}

/// From pairing, if need be, until the hub is stopped or has left the home.
async fn in_one_home(
    place: &Place,
    ledger: Option<Ledger>,
    stop: &mut (impl Future<Output = ()> + Unpin),
) -> Result<Ended> {
    let Place { config, net, sim, show, codes, ready } = place;
    let ledger = match ledger {
        Some(ledger) => ledger,
        None => Ledger::open(&config.dir.join(LEDGER))?,
    };
    let belonging = match ledger.belonging()? {
        // Killed after it left and before its keys were wiped.
        Some(_) if ledger.load()?.release == Release::Gone => return Ok(Ended::Gone),
        Some(belonging) => belonging,
        None => {
            tracing::info!("not paired: the panel shows the pairing code");
            // Only to a person: a log is no place for the secret.
            let printing = std::io::stdout().is_terminal().then(|| tokio::spawn(print_codes(codes.clone())));
            let paired = tokio::select! {
                paired = pair_now(config, net, &ledger, show) => paired?,
                () = &mut *stop => return Ok(Ended::Stopped),
            };
            printing.inspect(tokio::task::JoinHandle::abort);
            paired
        }
    };
    let identity = Identity::load(&config.dir)?;
    let (asks_to, asks) = mpsc::channel(16);
    ready.send_replace(Some(asks_to));
    let keys: Vec<String> = sim.names().into_iter().map(|(key, _)| key).collect();
    let daemon = Daemon {
        ledger,
        belonging,
        keys: identity.keys.clone(),
        cloud: Cloud::new(net.clone(), identity.keys, belonging),
        drivers: vec![sim.driver()],
        expected: Box::new(move |driver, key| driver == sim::NAME && keys.iter().any(|known| known == key)),
        asks,
    };
    Ok(latchkey_hub::shell::run::run(daemon, stop).await?)
}

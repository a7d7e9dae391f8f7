//! Pairing: leaves the offer with the cloud and waits for the browser's answer. The secret never goes to the cloud.

use super::http::{Ask, Net, NetError, is_success};
use super::identity::Identity;
use super::state_key::{Sealed, StateKey};
use crate::core::trust::Belonging;
use crate::machine::files;
use latchkey_shared::api::path;
use latchkey_shared::pair::{PairAnswer, PairSecret};
use latchkey_shared::wire::cbor;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use tokio::sync::watch;
use zeroize::Zeroizing;

/// How long a secret is used, a little less than the cloud keeps the offer.
const SECRET_LIFE: Duration = Duration::from_secs(9 * 60);
/// Between looks for the answer.
const POLL: Duration = Duration::from_millis(2_000);
/// The longest answer, in bytes.
const MAX_ANSWER: usize = 1_024;

/// What a person needs to pair.
#[derive(Clone)]
pub struct Code {
    /// For the QR code.
    pub url: Zeroizing<String>,
    /// For typing.
    pub text: Zeroizing<String>,
}

/// The secret that is being shown, on disk so that a restart in the middle of pairing does not break it.
struct Shown {
    path: PathBuf,
    secret: PairSecret,
    until: SystemTime,
}

impl Shown {
    /// The one in use if it is young enough, else a new one.
    fn current(dir: &Path, key: &StateKey) -> io::Result<Self> {
        let path = dir.join(Sealed::PairingKey.name());
        if let Some(text) = key.read(Sealed::PairingKey, &path).map_err(io::Error::other)? {
            let made = std::fs::metadata(&path)?.modified()?;
            let text = std::str::from_utf8(&text).unwrap_or_default();
            let young = made.elapsed().is_ok_and(|age| age < SECRET_LIFE);
            if let (true, Ok(secret)) = (young, PairSecret::parse(text)) {
                return Ok(Self { path, secret, until: made + SECRET_LIFE });
            }
        }
        let random = Zeroizing::new(files::random::<16>()?);
        let text = Zeroizing::new(data_encoding::BASE32_NOPAD.encode(&*random));
        let secret = PairSecret::parse(&text).map_err(|e| io::Error::other(e.code()))?;
        key.write(Sealed::PairingKey, &path, text.as_bytes())?;
        Ok(Self { path, secret, until: SystemTime::now() + SECRET_LIFE })
    }

    fn over(&self) -> bool {
        SystemTime::now() >= self.until
    }

    fn forget(&self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Why pairing ends without a home.
#[derive(Debug)]
pub enum PairingError {
    /// The state directory.
    Io(io::Error),
}

impl std::fmt::Display for PairingError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Io(e) => write!(f, "pairing.io: the state directory cannot be written: {e}"),
        }
    }
}

impl std::error::Error for PairingError {}

impl From<io::Error> for PairingError {
    fn from(e: io::Error) -> Self {
        Self::Io(e)
    }
}

/// Offers this hub until a home takes it. `show` is told of each new code, and of `None` at the end.
pub async fn pair(
    dir: &Path,
    key: &StateKey,
    net: &Net,
    identity: &Identity,
    name: &str,
    show: &watch::Sender<Option<Code>>,
) -> Result<Belonging, PairingError> {
    loop {
        let shown = Shown::current(dir, key)?;
        let origin = net.origin().to_string();
        let code = Code { url: shown.secret.url(&origin), text: shown.secret.to_groups() };
        show.send_replace(Some(code));
        if let Some(belonging) = offer(net, identity, name, &shown).await {
            return Ok(belonging);
        }
        shown.forget();
    }
}

/// To be called once the home is written down.
pub fn done(dir: &Path, show: &watch::Sender<Option<Code>>) {
    let _ = std::fs::remove_file(dir.join(Sealed::PairingKey.name()));
    show.send_replace(None);
}

/// One secret's life.
async fn offer(net: &Net, identity: &Identity, name: &str, shown: &Shown) -> Option<Belonging> {
    let offer = cbor::to_vec(&shown.secret.offer(identity.hub, identity.keys.record(name)));
    let id = shown.secret.id();
    let (offer_path, answer_path) = (path::pair(&id), path::pair_answer(&id));
    let mut offered = false;
    let mut failures = 0;
    while !shown.over() {
        let step = if offered {
            let ask = Ask { method: "GET", path: &answer_path, most: MAX_ANSWER, ..Ask::default() };
            net.ask(ask).await
        } else {
            let body = offer.clone();
            let ask = Ask { method: "PUT", path: &offer_path, body, most: MAX_ANSWER, ..Ask::default() };
            net.ask(ask).await
        };
        match step {
            Ok(reply) if !offered && is_success(reply.status) => {
                tracing::info!("pairing offer left with the cloud");
                offered = true;
                failures = 0;
                continue;
            }
            // Somebody else is at this address: it is no secret any more.
            Ok(reply) if !offered && reply.status == 409 => return None,
            Ok(reply) if offered && reply.status == 200 => match check(&reply.body, identity, shown) {
                Ok(belonging) => return Some(belonging),
                Err(code) => {
                    tracing::warn!(code, "a pairing answer was refused");
                    return None;
                }
            },
            Ok(reply) if offered && reply.status == 404 => failures = 0,
            Ok(reply) => {
                tracing::warn!(status = reply.status, "pairing: the cloud refuses");
                failures += 1;
            }
            Err(NetError::SwitchedOff) => net.clone().wait_up().await,
            Err(e) => {
                tracing::warn!(code = e.code(), "pairing: the cloud cannot be reached");
                failures += 1;
            }
        }
        tokio::time::sleep(POLL * 2u32.saturating_pow(failures.min(3))).await;
    }
    None
}

fn check(bytes: &[u8], identity: &Identity, shown: &Shown) -> Result<Belonging, &'static str> {
    let answer: PairAnswer = cbor::from_slice(bytes, MAX_ANSWER).map_err(|e| e.code())?;
    shown.secret.check_answer(&answer, &identity.hub).map_err(|e| e.code())?;
    Ok(Belonging { home: answer.home, hub: identity.hub, genesis: answer.genesis })
}

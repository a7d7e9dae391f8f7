//! The socket over which the cloud says that there is something to fetch. It carries no orders: whatever comes over
//! it only makes the hub look sooner.

use super::cloud::Cloud;
use super::http::{Stream, signature_headers, target};
use crate::core::Input;
use crate::core::retry::wait_ms;
use futures_util::{SinkExt, StreamExt};
use latchkey_shared::api::Notice;
use latchkey_shared::wire::cbor;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::client::{Request, generate_key};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

/// Between pings.
const PING: Duration = Duration::from_secs(30);
/// Without a word for so long the connection is taken to be dead.
const SILENCE: Duration = Duration::from_secs(70);
/// How long the opening may take.
const OPENING: Duration = Duration::from_secs(15);
/// The longest message, in bytes.
const MAX_MESSAGE: usize = 256 * 1024;
/// The first wait before another try, in milliseconds.
const RETRY_MS: u64 = 500;

type Socket = WebSocketStream<Stream>;

/// Keeps a socket open for as long as the program runs.
pub async fn keep_open(cloud: Cloud, inputs: mpsc::UnboundedSender<Input>) {
    let mut failures = 0;
    let mut net = cloud.net().clone();
    loop {
        net.wait_up().await;
        let opened = Instant::now();
        match timeout(OPENING, open(&cloud)).await {
            Ok(Ok(socket)) => {
                tracing::info!("connected to the cloud");
                let _ = inputs.send(Input::Socket(true));
                let mut down = net.clone();
                tokio::select! {
                    () = listen(socket, &inputs) => {}
                    () = down.wait_down() => {}
                }
                tracing::info!("connection to the cloud ended");
                let _ = inputs.send(Input::Socket(false));
                failures = if opened.elapsed() > SILENCE { 0 } else { failures + 1 };
            }
            Ok(Err(code)) => {
                tracing::debug!(code, "no socket to the cloud");
                failures += 1;
            }
            Err(_) => failures += 1,
        }
        let jitter = crate::machine::files::random().map_or(0, u64::from_le_bytes);
        let wait = Duration::from_millis(wait_ms(RETRY_MS, failures, jitter).min(30_000));
        let mut switch = net.clone();
        // Switched off and on again: no reason to wait longer.
        let again = async {
            switch.wait_down().await;
            switch.wait_up().await;
        };
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = again => failures = 0,
        }
    }
}

async fn open(cloud: &Cloud) -> Result<Socket, &'static str> {
    let path = cloud.socket_path();
    let ask = cloud.signed(super::http::Ask { method: "GET", path: &path, ..Default::default() });
    let origin = cloud.net().origin();
    let mut request = Request::builder()
        .uri(format!(
            "{}://{}{}",
            if origin.https() { "wss" } else { "ws" },
            origin.authority(),
            target(&ask)
        ))
        .header("host", origin.authority())
        .header("connection", "Upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", generate_key());
    for (name, value) in ask.signature.iter().flat_map(signature_headers) {
        request = request.header(name, value);
    }
    let request = request.body(()).map_err(|_| "socket.request")?;
    let stream = cloud.net().connect().await.map_err(|e| e.code())?;
    let config =
        WebSocketConfig::default().max_message_size(Some(MAX_MESSAGE)).max_frame_size(Some(MAX_MESSAGE));
    let (socket, _) =
        client_async_with_config(request, stream, Some(config)).await.map_err(|_| "socket.refused")?;
    Ok(socket)
}

/// What the cloud's notice means to a hub. None of them makes it do more than look.
fn heard_of(notice: Notice) -> Option<Input> {
    match notice {
        Notice::Chain(seq) => Some(Input::ChainGrew(seq)),
        Notice::Resync(lock) => Some(Input::Resync { lock, grant: None }),
        Notice::ResyncCode(lock, grant) => Some(Input::Resync { lock, grant: Some(grant) }),
        _ => None,
    }
}

/// Until the connection ends.
async fn listen(socket: Socket, inputs: &mpsc::UnboundedSender<Input>) {
    let (mut to, mut from) = socket.split();
    let mut heard = Instant::now();
    let mut ping = tokio::time::interval_at(heard + PING, PING);
    loop {
        tokio::select! {
            message = from.next() => {
                heard = Instant::now();
                match message {
                    Some(Ok(Message::Binary(bytes))) => {
                        if let Some(input) = cbor::from_slice(&bytes, MAX_MESSAGE).ok().and_then(heard_of) {
                            let _ = inputs.send(input);
                        }
                    }
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                    Some(Ok(_)) => {}
                }
            }
            _ = ping.tick() => {
                if heard.elapsed() > SILENCE || to.send(Message::text("ping")).await.is_err() {
                    return;
                }
            }
        }
    }
}

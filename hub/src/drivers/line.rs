//! JSON over a WebSocket, as the bridges of Z-Wave and Matter speak it: questions that carry an id, answers that carry
//! the same one, and between them what the bridge tells by itself.
//!
//! PINs go over it. Nothing here logs a message, whole or in part.

use super::websocket::Settings;
use crate::core::retry::wait_ms;
use crate::machine::endpoint::{Endpoint, WEBSOCKET};
use crate::machine::files;
use crate::machine::tls;
use crate::shell::http::Stream;
use futures_util::{SinkExt, StreamExt};
use rustls::pki_types::ServerName;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

/// How long opening may take.
const OPENING: Duration = Duration::from_secs(10);
/// Between pings.
const PING: Duration = Duration::from_secs(30);
/// Without a word for so long the connection is taken to be dead.
const SILENCE: Duration = Duration::from_secs(70);
/// The longest message, in bytes. A list of a hundred devices has about three million.
const MAX_MESSAGE: usize = 16 * 1024 * 1024;
/// The first wait before another try, and the longest, in milliseconds.
const RETRY_MS: (u64, u64) = (500, 30_000);

/// Why there is no answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NoAnswer {
    /// There is no connection, or it ended. The question may have arrived.
    Gone,
    /// It took too long.
    Late,
}

/// A bridge's line. Outlives its connections; cheap to clone.
#[derive(Clone)]
pub struct Line {
    state: Arc<Mutex<State>>,
    patience: Duration,
}

#[derive(Default)]
struct State {
    asked: u64,
    to: Option<mpsc::UnboundedSender<String>>,
    waiting: BTreeMap<u64, oneshot::Sender<String>>,
}

#[derive(Deserialize)]
struct Id<'a> {
    #[serde(borrow, alias = "messageId")]
    message_id: Option<&'a str>,
}

impl Line {
    /// One over which an answer may take so long.
    pub fn new(patience: Duration) -> Self {
        Self { state: Arc::default(), patience }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Connects to a bridge. Questions go over the connection until it ends or is dropped.
    ///
    /// # Errors
    /// With a stable code.
    pub async fn open(&self, bridge: &Settings) -> Result<Connection, &'static str> {
        let socket = timeout(OPENING, open(bridge)).await.unwrap_or(Err("bridge.timeout"))?;
        let (to, outgoing) = mpsc::unbounded_channel();
        let (tell, told) = mpsc::unbounded_channel();
        self.hang_up();
        self.state().to = Some(to);
        let line = self.clone();
        let pump = tokio::spawn(async move {
            line.pump(socket, outgoing, tell).await;
            line.hang_up();
        });
        Ok(Connection { told, pump, line: self.clone() })
    }

    /// A connection over channels in place of a network, and its far end: for what stands in for a bridge.
    pub fn joined(&self) -> (Connection, FarEnd) {
        let (to, asked) = mpsc::unbounded_channel();
        let (say, mut said) = mpsc::unbounded_channel();
        let (tell, told) = mpsc::unbounded_channel();
        self.hang_up();
        self.state().to = Some(to);
        let line = self.clone();
        let pump = tokio::spawn(async move {
            while let Some(text) = said.recv().await {
                line.take(text, &tell);
            }
            line.hang_up();
        });
        (Connection { told, pump, line: self.clone() }, FarEnd { asked, say })
    }

    /// Asks, and waits for the answer. `question` makes the message for the id that it is given.
    ///
    /// # Errors
    /// When there is none.
    pub async fn ask(&self, question: impl FnOnce(&str) -> String) -> Result<String, NoAnswer> {
        let (id, answer) = {
            let mut state = self.state();
            state.asked += 1;
            let (id, text) = (state.asked, question(&state.asked.to_string()));
            state.to.as_ref().and_then(|to| to.send(text).ok()).ok_or(NoAnswer::Gone)?;
            let (to, answer) = oneshot::channel();
            state.waiting.insert(id, to);
            (id, answer)
        };
        match timeout(self.patience, answer).await {
            Ok(answer) => answer.map_err(|_| NoAnswer::Gone),
            Err(_) => {
                self.state().waiting.remove(&id);
                Err(NoAnswer::Late)
            }
        }
    }

    /// Until the connection ends.
    async fn pump(
        &self,
        socket: WebSocketStream<Stream>,
        mut outgoing: mpsc::UnboundedReceiver<String>,
        tell: mpsc::UnboundedSender<String>,
    ) {
        let (mut to, mut from) = socket.split();
        let mut heard = Instant::now();
        let mut ping = tokio::time::interval_at(heard + PING, PING);
        loop {
            tokio::select! {
                message = from.next() => {
                    heard = Instant::now();
                    match message {
                        Some(Ok(Message::Text(text))) => self.take(text.to_string(), &tell),
                        Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                        Some(Ok(_)) => {}
                    }
                }
                Some(text) = outgoing.recv() => {
                    if to.send(Message::text(text)).await.is_err() {
                        return;
                    }
                }
                _ = ping.tick() => {
                    if heard.elapsed() > SILENCE || to.send(Message::Ping(Default::default())).await.is_err() {
                        return;
                    }
                }
            }
        }
    }

    /// Gives an answer to who asked, and everything else to the driver.
    fn take(&self, text: String, tell: &mpsc::UnboundedSender<String>) {
        let id = serde_json::from_str::<Id<'_>>(&text).ok().and_then(|m| m.message_id?.parse().ok());
        let _ = match id {
            Some(id) => self.state().waiting.remove(&id).map_or(Ok(()), |to| to.send(text)),
            None => tell.send(text).map_err(|e| e.0),
        };
    }

    fn hang_up(&self) {
        let mut state = self.state();
        state.to = None;
        state.waiting.clear();
    }
}

async fn open(bridge: &Settings) -> Result<WebSocketStream<Stream>, &'static str> {
    let endpoint = Endpoint::parse(&bridge.url, WEBSOCKET, bridge.insecure).map_err(|_| "bridge.url")?;
    let tcp = TcpStream::connect((endpoint.host.as_str(), endpoint.port));
    let tcp = tcp.await.map_err(|_| "bridge.unreachable")?;
    let _ = tcp.set_nodelay(true);
    let stream = if endpoint.tls {
        let name = ServerName::try_from(endpoint.host).map_err(|_| "bridge.url")?;
        let roots = tls::trusting(bridge.ca_file.as_deref()).map_err(|_| "bridge.ca_file")?;
        let tls = TlsConnector::from(roots).connect(name, tcp).await.map_err(|_| "bridge.tls")?;
        Stream::Tls(Box::new(tls))
    } else {
        Stream::Plain(tcp)
    };
    let config =
        WebSocketConfig::default().max_message_size(Some(MAX_MESSAGE)).max_frame_size(Some(MAX_MESSAGE));
    let (socket, _) = client_async_with_config(bridge.url.as_str(), stream, Some(config))
        .await
        .map_err(|_| "bridge.refused")?;
    Ok(socket)
}

/// What is said over a line while a connection lasts, and remembered from one to the next.
pub(super) trait Session: Send {
    /// What it is called when the bridge leaves.
    const ENDED: &'static str;

    /// Speaks over a connection until it ends.
    fn hold(&mut self, connection: Connection) -> impl Future<Output = Result<(), &'static str>> + Send;

    /// Nothing of the bridge is reached until there is a new connection.
    fn all_away(&mut self);

    /// What a person can do about a connection that did not come about, or ended.
    fn hint(code: &str) -> &'static str;
}

/// Connects to a bridge for as long as the program runs. What is wrong is logged when it is another thing than before.
pub(super) async fn keep<S: Session>(line: &Line, bridge: &Settings, mut session: S) {
    let mut back_off = BackOff::default();
    let mut said = None;
    loop {
        let ended = match line.open(bridge).await {
            Ok(connection) => match session.hold(connection).await {
                Ok(()) => {
                    back_off.reset();
                    S::ENDED
                }
                Err(code) => code,
            },
            Err(code) => code,
        };
        session.all_away();
        if said.replace(ended) != Some(ended) {
            tracing::warn!(url = %bridge.url, code = ended, "{}", S::hint(ended));
        }
        back_off.wait().await;
    }
}

/// What a person can do about a connection that did not come about.
pub fn hint(code: &str) -> &'static str {
    match code {
        "bridge.ca_file" => "there are no certificates in the file that `ca_file` names: it has to be PEM",
        "bridge.tls" => {
            "the bridge's certificate is not accepted, or it speaks no TLS: name its authority in `ca_file`, and the \
             host as the certificate does"
        }
        _ => "no connection to the bridge: its locks count as away; check that it runs, and `url`",
    }
}

/// An open connection. Ends when it is dropped.
pub struct Connection {
    told: mpsc::UnboundedReceiver<String>,
    pump: JoinHandle<()>,
    line: Line,
}

impl Connection {
    /// What the bridge tells next; `None`: the connection has ended.
    pub async fn next(&mut self) -> Option<String> {
        self.told.recv().await
    }
}

/// The bridge's end of [`Line::joined`]. The connection ends when it is dropped.
pub struct FarEnd {
    asked: mpsc::UnboundedReceiver<String>,
    say: mpsc::UnboundedSender<String>,
}

impl FarEnd {
    /// The next message that has come, if there is one.
    pub fn heard(&mut self) -> Option<String> {
        self.asked.try_recv().ok()
    }

    /// Sends a message. Dropped if the connection has ended.
    pub fn say(&self, text: String) {
        let _ = self.say.send(text);
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.pump.abort();
        self.line.hang_up();
    }
}

/// Waits between tries to connect: longer with every failure.
#[derive(Default)]
struct BackOff {
    failures: u32,
}

impl BackOff {
    /// It worked.
    fn reset(&mut self) {
        self.failures = 0;
    }

    /// Waits before the next try.
    async fn wait(&mut self) {
        let jitter = files::random().map_or(0, u64::from_le_bytes);
        let wait = wait_ms(RETRY_MS.0, self.failures, jitter).min(RETRY_MS.1);
        self.failures = self.failures.saturating_add(1);
        tokio::time::sleep(Duration::from_millis(wait)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    use std::path::{Path, PathBuf};
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;

    /// A bridge that answers every question, and says something before each answer.
    async fn bridge(answers: usize) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}/ws", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
            for _ in 0..answers {
                let Some(Ok(Message::Text(text))) = socket.next().await else { return };
                socket.send(Message::text("{\"event\":1}")).await.unwrap();
                socket.send(Message::text(text.as_str())).await.unwrap();
            }
        });
        url
    }

    fn question(id: &str) -> String {
        format!("{{\"message_id\":\"{id}\"}}")
    }

    const SOON: Duration = Duration::from_secs(5);

    #[tokio::test]
    async fn answers_find_who_asked() {
        let line = Line::new(SOON);
        assert_eq!(line.ask(question).await, Err(NoAnswer::Gone));
        let mut connection = line.open(&Settings::at(bridge(2).await)).await.unwrap();
        let (a, b) = tokio::join!(line.ask(question), line.ask(question));
        assert_eq!((a.unwrap(), b.unwrap()), (question("2"), question("3")));
        assert_eq!(connection.next().await.as_deref(), Some("{\"event\":1}"));
        assert!(connection.next().await.is_some());
        assert_eq!(connection.next().await, None, "the bridge has left");
        assert_eq!(line.ask(question).await, Err(NoAnswer::Gone));
    }

    #[tokio::test]
    async fn an_address_with_tls_gets_nothing_in_the_clear() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("wss://localhost:{}/ws", listener.local_addr().unwrap().port());
        let heard = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut first = [0_u8; 1];
            tokio::io::AsyncReadExt::read_exact(&mut stream, &mut first).await.unwrap();
            first[0]
        });
        assert_eq!(Line::new(SOON).open(&Settings::at(url)).await.err(), Some("bridge.tls"));
        assert_eq!(heard.await.unwrap(), 22, "a TLS handshake");
    }

    /// The certificates of `tests/peers/zigbee/tls`: the server's is for `localhost`.
    fn pem(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/peers/zigbee/tls").join(name)
    }

    /// The same bridge as above behind TLS, for so many connections.
    async fn secure_bridge(connections: usize) -> u16 {
        let chain = CertificateDer::pem_file_iter(pem("broker.pem")).unwrap().map(Result::unwrap).collect();
        let key = PrivateKeyDer::from_pem_file(pem("broker.key")).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider);
        let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        let acceptor = TlsAcceptor::from(Arc::new(config.with_single_cert(chain, key).unwrap()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            for _ in 0..connections {
                let (stream, _) = listener.accept().await.unwrap();
                let Ok(stream) = acceptor.accept(stream).await else { continue };
                let Ok(mut socket) = tokio_tungstenite::accept_async(stream).await else { continue };
                let Some(Ok(message)) = socket.next().await else { continue };
                let _ = socket.send(message).await;
            }
        });
        port
    }

    #[tokio::test]
    async fn an_authority_of_ones_own() {
        let port = secure_bridge(4).await;
        let at = |host: &str, ca: Option<PathBuf>| Settings {
            ca_file: ca,
            ..Settings::at(format!("wss://{host}:{port}/ws"))
        };
        let refused = async |settings| Line::new(SOON).open(&settings).await.err();
        assert_eq!(refused(at("localhost", None)).await, Some("bridge.tls"), "nobody has to know it");
        assert_eq!(refused(at("127.0.0.1", Some(pem("ca.pem")))).await, Some("bridge.tls"), "another's name");
        assert_eq!(refused(at("localhost", Some(pem("broker.key")))).await, Some("bridge.ca_file"));
        let line = Line::new(SOON);
        let connection = line.open(&at("localhost", Some(pem("ca.pem")))).await.unwrap();
        assert_eq!(line.ask(question).await.unwrap(), question("1"));
        drop(connection);
    }

    #[tokio::test]
    async fn who_waits_is_told_when_the_bridge_leaves() {
        let line = Line::new(SOON);
        let connection = line.open(&Settings::at(bridge(0).await)).await.unwrap();
        assert_eq!(line.ask(question).await, Err(NoAnswer::Gone));
        drop(connection);
    }
}

//! One request at a time to the cloud. A connection per request: they are rare, and nothing idles in memory.

use crate::machine::tls;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, DATE, ETAG, HOST, IF_NONE_MATCH, USER_AGENT};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use latchkey_shared::httpsig::{self, SignatureHeaders, SignedParts};
use latchkey_shared::origin::Origin;
use latchkey_shared::time::Local;
use rustls::pki_types::ServerName;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(10);
/// How long a whole request may take.
const REQUEST: Duration = Duration::from_secs(30);
/// What the hub calls itself.
const AGENT: &str = concat!("latchkey-hub/", env!("CARGO_PKG_VERSION"));

/// Why there is no answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NetError {
    /// The network was switched off at the panel.
    SwitchedOff,
    /// No connection.
    Unreachable,
    /// The other side is not who it should be, or speaks no TLS that is good enough.
    Tls,
    /// It took too long.
    Timeout,
    /// The answer is no HTTP, or larger than is ever needed.
    Broken,
}

impl NetError {
    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::SwitchedOff => "net.switched_off",
            Self::Unreachable => "net.unreachable",
            Self::Tls => "net.tls",
            Self::Timeout => "net.timeout",
            Self::Broken => "net.broken",
        }
    }
}

impl fmt::Display for NetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl std::error::Error for NetError {}

/// A byte stream to the cloud.
pub enum Stream {
    /// To this machine itself.
    Plain(TcpStream),
    /// To anywhere.
    Tls(Box<TlsStream<TcpStream>>),
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        match self.get_mut() {
            Self::Plain(s) => Pin::new(s).poll_read(cx, buf),
            Self::Tls(s) => Pin::new(s).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<std::io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(s) => Pin::new(s).poll_write(cx, buf),
            Self::Tls(s) => Pin::new(s).poll_write(cx, buf),
        }
    }
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        match self.get_mut() {
            Self::Plain(s) => Pin::new(s).poll_flush(cx),
            Self::Tls(s) => Pin::new(s).poll_flush(cx),
        }
    }
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        match self.get_mut() {
            Self::Plain(s) => Pin::new(s).poll_shutdown(cx),
            Self::Tls(s) => Pin::new(s).poll_shutdown(cx),
        }
    }
}

/// A question to the cloud.
#[derive(Clone, Debug, Default)]
pub struct Ask<'a> {
    /// Upper-case method.
    pub method: &'a str,
    /// Path.
    pub path: &'a str,
    /// Query without its `?`; may be empty.
    pub query: &'a str,
    /// CBOR; empty for none.
    pub body: Vec<u8>,
    /// Entity tag of what is already here.
    pub if_none_match: Option<String>,
    /// Signature headers.
    pub signature: Option<SignatureHeaders>,
    /// The most that the answer may have, in bytes.
    pub most: usize,
}

/// The cloud's answer.
#[derive(Debug)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// Its entity tag.
    pub etag: Option<String>,
    /// The cloud's clock, in Unix seconds, if it says.
    pub date: Option<u64>,
    /// The body.
    pub body: Bytes,
}

/// The way to the cloud.
#[derive(Clone)]
pub struct Net {
    origin: Origin,
    tls: TlsConnector,
    up: watch::Receiver<bool>,
}

impl Net {
    /// To this origin, as long as the switch is on.
    pub fn new(origin: Origin, up: watch::Receiver<bool>) -> Self {
        Self { origin, tls: tls::public(), up }
    }

    /// The origin.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Waits until the switch is on.
    pub async fn wait_up(&mut self) {
        // The sender lives as long as the program.
        let _ = self.up.wait_for(|up| *up).await;
    }

    /// Waits until the switch is off.
    pub async fn wait_down(&mut self) {
        if self.up.wait_for(|up| !*up).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Signs a request to this origin.
    pub fn sign(
        &self,
        key: &ed25519_dalek::SigningKey,
        key_id: &str,
        ask: &Ask<'_>,
        now: u64,
        nonce: &[u8; 16],
    ) -> Option<SignatureHeaders> {
        let authority = self.origin.authority();
        let parts = SignedParts {
            method: ask.method,
            authority: &authority,
            path: ask.path,
            query: ask.query,
            body: &ask.body,
        };
        httpsig::sign(key, key_id, &parts, now, nonce).ok()
    }

    /// Connects.
    pub async fn connect(&self) -> Result<Stream, NetError> {
        if !*self.up.borrow() {
            return Err(NetError::SwitchedOff);
        }
        tokio::time::timeout(CONNECT, self.connect_unbounded()).await.unwrap_or(Err(NetError::Timeout))
    }

    async fn connect_unbounded(&self) -> Result<Stream, NetError> {
        let tcp = TcpStream::connect((self.origin.host(), self.origin.port()));
        let tcp = tcp.await.map_err(|_| NetError::Unreachable)?;
        let _ = tcp.set_nodelay(true);
        if !self.origin.https() {
            return Ok(Stream::Plain(tcp));
        }
        let name = ServerName::try_from(self.origin.host().to_owned()).map_err(|_| NetError::Tls)?;
        let tls = self.tls.connect(name, tcp).await.map_err(|_| NetError::Tls)?;
        Ok(Stream::Tls(Box::new(tls)))
    }

    /// Asks and waits for the whole answer.
    pub async fn ask(&self, ask: Ask<'_>) -> Result<Reply, NetError> {
        let mut net = self.clone();
        tokio::select! {
            reply = tokio::time::timeout(REQUEST, self.ask_unbounded(ask)) => reply.unwrap_or(Err(NetError::Timeout)),
            () = net.wait_down() => Err(NetError::SwitchedOff),
        }
    }

    async fn ask_unbounded(&self, ask: Ask<'_>) -> Result<Reply, NetError> {
        let stream = self.connect().await?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|_| NetError::Broken)?;
        let driving = tokio::spawn(connection);
        let request = self.request(&ask)?;
        let result = async {
            let response = sender.send_request(request).await.map_err(|_| NetError::Broken)?;
            let status = response.status();
            let header = |name| response.headers().get(name).and_then(|v| v.to_str().ok());
            let (etag, date) = (header(ETAG).map(str::to_owned), header(DATE).and_then(read_date));
            let body = Limited::new(response.into_body(), ask.most).collect().await;
            let body = body.map_err(|_| NetError::Broken)?.to_bytes();
            Ok(Reply { status: status.as_u16(), etag, date, body })
        }
        .await;
        driving.abort();
        result
    }

    fn request(&self, ask: &Ask<'_>) -> Result<Request<Full<Bytes>>, NetError> {
        let target = target(ask);
        let mut request = Request::builder()
            .method(ask.method)
            .uri(target)
            .header(HOST, self.origin.authority())
            .header(USER_AGENT, AGENT)
            .header("accept", latchkey_shared::api::MEDIA_TYPE);
        if let Some(tag) = &ask.if_none_match {
            request = request.header(IF_NONE_MATCH, tag);
        }
        if !ask.body.is_empty() {
            request = request
                .header(CONTENT_TYPE, latchkey_shared::api::MEDIA_TYPE)
                .header(CONTENT_LENGTH, ask.body.len());
        }
        for (name, value) in ask.signature.iter().flat_map(signature_headers) {
            request = request.header(name, value);
        }
        request.body(Full::new(Bytes::from(ask.body.clone()))).map_err(|_| NetError::Broken)
    }
}

/// Path and query.
pub fn target(ask: &Ask<'_>) -> String {
    if ask.query.is_empty() { ask.path.to_owned() } else { format!("{}?{}", ask.path, ask.query) }
}

/// The headers that carry a signature.
pub fn signature_headers(signature: &SignatureHeaders) -> Vec<(&'static str, String)> {
    let mut headers = vec![
        ("signature-input", signature.signature_input.clone()),
        ("signature", signature.signature.clone()),
    ];
    headers.extend(signature.content_digest.clone().map(|digest| ("content-digest", digest)));
    headers
}

/// An HTTP date of the one form that is sent today, such as `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, section 5.6.7).
pub fn read_date(text: &str) -> Option<u64> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let mut parts = text.strip_suffix(" GMT")?.split_once(", ")?.1.split(' ');
    let day = parts.next()?.parse().ok()?;
    let name = parts.next()?;
    let month = (1u8..).zip(MONTHS).find(|(_, month)| *month == name)?.0;
    let year = parts.next()?.parse().ok()?;
    let mut clock = parts.next()?.split(':').map(|n| n.parse::<u8>().ok());
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    let local = Local::new(year, month, day, hour, minute, second).ok()?;
    u64::try_from(local.to_seconds()).ok()
}

/// Whether a status means that all went well.
pub fn is_success(status: u16) -> bool {
    StatusCode::from_u16(status).is_ok_and(|s| s.is_success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        assert_eq!(read_date("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
        for bad in [
            "",
            "now",
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 31 Feb 2027 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
        ] {
            assert_eq!(read_date(bad), None, "{bad}");
        }
    }
}

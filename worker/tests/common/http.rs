//! Just enough HTTP/1.1 to talk to a Worker on this machine.

use std::io::{Read, Write};
use std::net::TcpStream;

pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }
}

pub fn authority(origin: &str) -> &str {
    origin.strip_prefix("http://").unwrap()
}

fn head(origin: &str, method: &str, path: &str, headers: &[(&str, &str)]) -> String {
    let mut out = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n", authority(origin));
    for (name, value) in headers {
        out.push_str(&format!("{name}: {value}\r\n"));
    }
    out
}

pub fn send(origin: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
    let mut out = head(origin, method, path, headers);
    if !body.is_empty() || method != "GET" {
        out.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    out.push_str("Connection: close\r\n\r\n");
    let mut stream = TcpStream::connect(authority(origin)).unwrap();
    stream.write_all(out.as_bytes()).unwrap();
    // A body that is too large is refused while it is still being sent, and the connection may then be reset.
    let _ = stream.write_all(body);
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    parse(&bytes)
}

fn parse(bytes: &[u8]) -> Reply {
    let end = bytes.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
    let text = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = text.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers: Vec<(String, String)> =
        lines.filter_map(|l| l.split_once(": ")).map(|(n, v)| (n.to_lowercase(), v.to_owned())).collect();
    let mut body = bytes[end + 4..].to_vec();
    if headers.iter().any(|(n, v)| n == "transfer-encoding" && v == "chunked") {
        body = unchunk(&body);
    }
    Reply { status, headers, body }
}

fn unchunk(mut rest: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    while let Some(line) = rest.windows(2).position(|w| w == b"\r\n") {
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..line]).unwrap(), 16).unwrap();
        out.extend(&rest[line + 2..line + 2 + size]);
        rest = &rest[line + 4 + size..];
        if size == 0 {
            break;
        }
    }
    out
}

/// A WebSocket (RFC 6455) that listens.
pub struct Socket(TcpStream);

impl Socket {
    pub fn open(origin: &str, path: &str, headers: &[(&str, &str)]) -> Result<Socket, u16> {
        let mut out = head(origin, "GET", path, headers);
        out.push_str("Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n");
        out.push_str("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
        let mut stream = TcpStream::connect(authority(origin)).unwrap();
        stream.set_read_timeout(Some(std::time::Duration::from_secs(10))).unwrap();
        stream.write_all(out.as_bytes()).unwrap();
        let mut bytes = Vec::new();
        while !bytes.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            bytes.push(byte[0]);
        }
        let reply = parse(&bytes);
        if reply.status == 101 { Ok(Socket(stream)) } else { Err(reply.status) }
    }

    pub fn next(&mut self) -> Vec<u8> {
        let mut two = [0; 2];
        self.0.read_exact(&mut two).unwrap();
        let mut len = u64::from(two[1] & 127);
        if len == 126 {
            let mut more = [0; 2];
            self.0.read_exact(&mut more).unwrap();
            len = u64::from(u16::from_be_bytes(more));
        }
        let mut body = vec![0; usize::try_from(len).unwrap()];
        self.0.read_exact(&mut body).unwrap();
        body
    }

    pub fn say(&mut self, text: &str) {
        let mut frame = vec![0x81, 0x80 | u8::try_from(text.len()).unwrap(), 0, 0, 0, 0];
        frame.extend(text.as_bytes());
        self.0.write_all(&frame).unwrap();
    }
}

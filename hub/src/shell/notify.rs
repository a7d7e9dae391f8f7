//! What systemd is told (`sd_notify`, systemd.io/NOTIFY_SOCKET): ready, reloading, stopping, alive.

use rustix::time::{ClockId, clock_gettime};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

/// systemd, if it started this process and wants to be told.
pub struct Notify(Option<(UnixDatagram, SocketAddr)>);

impl Notify {
    /// By `NOTIFY_SOCKET`.
    pub fn of_process() -> Self {
        Self(std::env::var("NOTIFY_SOCKET").ok().and_then(|name| Self::reach(&name)))
    }

    fn reach(name: &str) -> Option<(UnixDatagram, SocketAddr)> {
        let address = match name.strip_prefix('@') {
            Some(abstract_name) => SocketAddr::from_abstract_name(abstract_name),
            None => SocketAddr::from_pathname(name),
        };
        let socket = UnixDatagram::unbound().ok()?;
        // A systemd that does not listen must not hold the hub up.
        socket.set_nonblocking(true).ok()?;
        Some((socket, address.ok()?))
    }

    /// The hub serves.
    pub fn ready(&self) {
        self.tell("READY=1");
    }

    /// The hub reads its configuration again; `ready` ends it.
    pub fn reloading(&self) {
        let now = clock_gettime(ClockId::Monotonic);
        let micros = i128::from(now.tv_sec) * 1_000_000 + i128::from(now.tv_nsec) / 1_000;
        self.tell(&format!("RELOADING=1\nMONOTONIC_USEC={micros}"));
    }

    /// The hub ends.
    pub fn stopping(&self) {
        self.tell("STOPPING=1");
    }

    /// The hub's loop goes round.
    pub fn alive(&self) {
        self.tell("WATCHDOG=1");
    }

    fn tell(&self, state: &str) {
        if let Some((socket, address)) = &self.0 {
            // Nothing hangs on it.
            let _ = socket.send_to_addr(state.as_bytes(), address);
        }
    }
}

/// How often systemd wants a sign of life: half of what it waits for; `None`: it does not.
pub fn watchdog() -> Option<Duration> {
    let micros: u64 = std::env::var("WATCHDOG_USEC").ok()?.parse().ok()?;
    let for_me = std::env::var("WATCHDOG_PID").map_or(true, |pid| pid == std::process::id().to_string());
    (for_me && micros > 0).then(|| Duration::from_micros(micros / 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_arrives() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        let notify = Notify(Notify::reach(path.to_str().unwrap()));
        let heard = || {
            let mut bytes = [0; 128];
            let n = socket.recv(&mut bytes).unwrap();
            String::from_utf8(bytes[..n].to_vec()).unwrap()
        };
        notify.ready();
        assert_eq!(heard(), "READY=1");
        notify.reloading();
        assert!(heard().starts_with("RELOADING=1\nMONOTONIC_USEC="));
        Notify(None).ready();
    }
}

//! Z-Wave locks, through a Z-Wave JS server (the WebSocket of `@zwave-js/server`).
//!
//! What a lock can do comes from the server's memory of its interview; what is in a slot always comes from the lock.
//! The server repeats PINs in results and events, so no frame is ever logged and none of their types has `Debug`.

mod abilities;
mod credential;
mod happenings;
mod lock;
mod network;
mod port;
mod schedule;
mod talk;
#[cfg(test)]
mod tests;
mod user_code;
mod wire;

pub use super::websocket::Settings;

use super::line::{self, Connection, Line, Session as _};
use super::{Driver, Uplink};
use futures_util::future::BoxFuture;
use network::Network;
use serde_json::json;
use std::time::Duration;
use tokio::time::timeout;
use wire::{Told, Version};

/// How the hub's configuration and its locks call this driver.
pub const NAME: &str = "zwave_js";
/// The least time between two commands to one lock, in milliseconds.
const PACE_MS: u64 = 200;
/// The newest version of the server's language that is spoken here, and the oldest that will do: from 48 on there is
/// the unified access control.
const SCHEMA: (u32, u32) = (48, 50);
/// How long a server may take to introduce itself.
const GREETING: Duration = Duration::from_secs(10);

/// A driver for one server.
pub fn driver(settings: &Settings) -> Box<dyn Driver> {
    Box::new(ZwaveJs(settings.clone()))
}

/// Speaks to a server over one connection until it ends.
///
/// # Errors
/// With a stable code, when it is no such server.
pub async fn speak(line: &Line, connection: Connection, hub: Uplink) -> Result<(), &'static str> {
    Session::new(line, hub).hold(connection).await
}

struct ZwaveJs(Settings);

impl Driver for ZwaveJs {
    fn run(self: Box<Self>, hub: Uplink) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let line = Line::new(self.0.answer_within(talk::PATIENCE));
            line::keep(&line, &self.0, Session::new(&line, hub)).await;
        })
    }
}

struct Session {
    line: Line,
    network: Network,
}

impl Session {
    fn new(line: &Line, hub: Uplink) -> Self {
        Self { line: line.clone(), network: Network::new(line.clone(), hub) }
    }
}

impl line::Session for Session {
    const ENDED: &'static str = "zwave_js.ended";

    /// From the server's greeting on.
    async fn hold(&mut self, mut connection: Connection) -> Result<(), &'static str> {
        let greeting = timeout(GREETING, connection.next()).await.ok().flatten();
        let greeting = greeting.ok_or("zwave_js.no_greeting")?;
        let version: Version = serde_json::from_str(&greeting).map_err(|_| "zwave_js.no_greeting")?;
        let schema = schema(&version).ok_or("zwave_js.schema")?;
        let agent = json!({ "schemaVersion": schema, "additionalUserAgentComponents": { "latchkey-hub": env!("CARGO_PKG_VERSION") } });
        talk::call(&self.line, "initialize", agent).await.map_err(|_| "zwave_js.initialize")?;
        let started = talk::call(&self.line, "start_listening", json!({})).await;
        let state = started.ok().and_then(|outcome| outcome.state).ok_or("zwave_js.state")?;
        tracing::info!(server = %version.server_version.escape_debug(), schema, "connected to the Z-Wave JS server");
        self.network.take_state(version.home_id, state).await;
        while let Some(frame) = connection.next().await {
            // What is not understood is not about locks.
            if let Ok(Told { event: Some(event) }) = serde_json::from_str(&frame) {
                self.network.take_event(event).await;
            }
        }
        Ok(())
    }

    fn all_away(&mut self) {
        self.network.all_away();
    }

    fn hint(code: &str) -> &'static str {
        match code {
            "zwave_js.schema" => {
                "this Z-Wave JS server speaks none of the schemas 48 to 50: use a version of it that does"
            }
            "zwave_js.no_greeting" => "what listens there is no Z-Wave JS server: check `url`",
            "zwave_js.ended" => "the Z-Wave JS server has left; its locks count as away until it is back",
            other => line::hint(other),
        }
    }
}

/// The newest version that both speak.
fn schema(version: &Version) -> Option<u32> {
    let (oldest, newest) =
        (SCHEMA.0.max(version.min_schema_version), SCHEMA.1.min(version.max_schema_version));
    (oldest <= newest).then_some(newest)
}

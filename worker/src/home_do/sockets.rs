//! Sockets of hubs and portals. They hibernate: an idle one costs nothing, and what is known of it lies in its tags
//! and its attachment, not in memory.

use latchkey_shared::api::Notice;
use latchkey_shared::id::{HubId, KeyId};
use latchkey_shared::wire::cbor::to_vec;
use serde::{Deserialize, Serialize};
use worker::{Request, Response, State, WebSocket, WebSocketPair};
use worker_sys::WebSocketRequestResponsePair;

use super::{HomeDo, Member, hub_of};
use crate::core::limits::MAX_SOCKETS;
use crate::env::{self, broken};
use crate::error::{RATE, Result};

const PORTAL: &str = "portal";

/// What is known of a socket while the object sleeps.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Attached {
    /// A member's portal, until the session ends by itself.
    Portal {
        /// The member key.
        key: String,
        /// Unix seconds.
        until: u64,
    },
    /// A hub.
    Hub {
        /// Its id.
        hub: String,
    },
}

fn hub_tag(hub: &HubId) -> String {
    format!("hub:{hub}")
}

/// Answers "ping" with "pong" without waking the object.
pub(super) fn answer_pings(state: &State) {
    if let Ok(pair) = WebSocketRequestResponsePair::new("ping", "pong") {
        state.set_websocket_auto_response(&pair);
    }
}

impl HomeDo {
    pub(super) fn portal_socket(&self, who: &Member, _: u64) -> Result<Response> {
        let seq = self.with_home(|home| home.member(&who.key).and(home.chain()).map(|chain| chain.seq()))?;
        let attached = Attached::Portal { key: who.key.to_string(), until: who.until };
        self.accept(PORTAL, &attached, &Notice::Chain(seq))
    }

    pub(super) fn hub_socket(&self, req: &Request, now: u64) -> Result<Response> {
        let (hub, signed) = hub_of(req)?;
        let authority = env::config(&self.env)?.authority();
        let seq = self.with_home(|home| {
            home.authenticate(&hub, &signed, &authority, &[], now)?;
            home.saw(&hub, now)?;
            Ok(home.chain()?.seq())
        })?;
        let tag = hub_tag(&hub);
        // One socket per hub: an older one is a connection that broke unnoticed.
        for old in self.state.get_websockets_with_tag(&tag) {
            let _ = old.close(Some(1012), Some("replaced"));
        }
        let response = self.accept(&tag, &Attached::Hub { hub: hub.to_string() }, &Notice::Chain(seq))?;
        self.tell_hub(&hub, true);
        Ok(response)
    }

    fn accept(&self, tag: &str, attached: &Attached, first: &Notice) -> Result<Response> {
        if self.state.get_websockets().len() >= MAX_SOCKETS {
            return Err(RATE);
        }
        let pair = WebSocketPair::new().map_err(broken)?;
        self.state.accept_websocket_with_tags(&pair.server, &[tag]);
        pair.server.serialize_attachment(attached).map_err(broken)?;
        send(&pair.server, &to_vec(first));
        Response::from_websocket(pair.client).map_err(broken)
    }

    /// A socket has closed.
    pub(super) fn left(&self, ws: &WebSocket) {
        let Ok(Some(Attached::Hub { hub })) = ws.deserialize_attachment::<Attached>() else { return };
        let Ok(hub) = HubId::parse(&hub) else { return };
        let others = self.state.get_websockets_with_tag(&hub_tag(&hub)).into_iter().any(|other| other != *ws);
        if !others {
            let _ = self.with_home(|home| home.saw(&hub, env::now()));
            self.tell_hub(&hub, false);
        }
    }

    /// The hubs that are connected.
    pub(super) fn online(&self) -> Vec<HubId> {
        let hubs = self.with_home(|home| Ok(home.chain()?.hubs().keys().copied().collect::<Vec<_>>()));
        let connected = |hub: &HubId| !self.state.get_websockets_with_tag(&hub_tag(hub)).is_empty();
        hubs.unwrap_or_default().into_iter().filter(connected).collect()
    }

    /// Sends to every portal whose session has not ended; the others are closed.
    pub(super) fn to_portals(&self, notice: &Notice) {
        let (bytes, now) = (to_vec(notice), env::now());
        for socket in self.state.get_websockets_with_tag(PORTAL) {
            match socket.deserialize_attachment() {
                Ok(Some(Attached::Portal { until, .. })) if now < until => send(&socket, &bytes),
                _ => drop(socket.close(Some(4401), Some("the session has ended"))),
            }
        }
    }

    /// Sends to every hub.
    pub(super) fn to_hubs(&self, notice: &Notice) {
        let bytes = to_vec(notice);
        for hub in self.online() {
            for socket in self.state.get_websockets_with_tag(&hub_tag(&hub)) {
                send(&socket, &bytes);
            }
        }
    }

    /// Closes what a removed hub or member has open.
    pub(super) fn dismiss(&self, hubs: &[HubId], keys: &[KeyId]) {
        for hub in hubs {
            for socket in self.state.get_websockets_with_tag(&hub_tag(hub)) {
                let _ = socket.close(Some(4403), Some("removed from the home"));
            }
        }
        let gone: Vec<String> = keys.iter().map(ToString::to_string).collect();
        for socket in self.state.get_websockets_with_tag(PORTAL) {
            if let Ok(Some(Attached::Portal { key, .. })) = socket.deserialize_attachment()
                && gone.contains(&key)
            {
                let _ = socket.close(Some(4403), Some("removed from the home"));
            }
        }
    }
}

/// A socket that cannot be sent to is about to close by itself.
fn send(socket: &WebSocket, bytes: &[u8]) {
    let _ = socket.send_with_bytes(bytes);
}

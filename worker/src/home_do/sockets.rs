//! Sockets of hubs and portals. They hibernate: an idle one costs nothing, and what is known of it lies in its tags
//! and its attachment, not in memory.

use latchkey_shared::api::Notice;
use latchkey_shared::chain::op::Role;
use latchkey_shared::id::{HubId, KeyId};
use latchkey_shared::limits::MAX_HUBS;
use latchkey_shared::wire::cbor::to_vec;
use worker::{State, WebSocket, WebSocketPair};
use worker_sys::{WebSocketRequestResponsePair, ext::WebSocketExt as _, web_sys};

use super::{HomeDo, hub_of};
use crate::auth::Who;
use crate::core::limits::MAX_SOCKETS;
use crate::env::{self, broken};
use crate::error::{RATE, Result};
use crate::http::{Request, Response};

const PORTAL: &str = "portal";
/// How long a portal's socket lives, in seconds.
const PORTAL_SECS: u64 = 600;

/// Whom a notice is for.
#[derive(Clone, Copy)]
pub(super) enum Audience {
    /// Owners and managers.
    Managers,
    /// Owners.
    Owners,
    /// Residents, who learn only that they may fetch what is theirs.
    Residents,
}

/// What is known of a socket while the object sleeps.
pub(super) enum Attached {
    /// A member's portal, until the session ends by itself.
    Portal {
        /// The member key.
        key: KeyId,
        /// Unix seconds.
        until: u64,
    },
    /// A hub.
    Hub(HubId),
}

impl Attached {
    fn write(&self, socket: &WebSocket) -> Result<()> {
        let text = match self {
            Attached::Portal { key, until } => format!("{PORTAL}:{key}:{until}"),
            Attached::Hub(hub) => hub_tag(hub),
        };
        let raw: &web_sys::WebSocket = socket.as_ref();
        raw.serialize_attachment(text.into()).map_err(|e| broken(e.into()))
    }

    fn read(socket: &WebSocket) -> Option<Self> {
        let raw: &web_sys::WebSocket = socket.as_ref();
        let text = raw.deserialize_attachment().ok()?.as_string()?;
        let (kind, rest) = text.split_once(':')?;
        if kind == "hub" {
            return HubId::parse(rest).ok().map(Attached::Hub);
        }
        let (key, until) = rest.split_once(':')?;
        Some(Attached::Portal { key: KeyId::parse(key).ok()?, until: until.parse().ok()? })
    }
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
    pub(super) fn portal_socket(&self, who: &Who, now: u64) -> Result<Response> {
        let seq = self.with_home(|home| home.member(&who.key).and(home.chain()).map(|chain| chain.seq()))?;
        // Short, so that a session that was ended does not go on watching: the portal connects again by itself.
        let until = who.expires.min(now.saturating_add(PORTAL_SECS));
        let attached = Attached::Portal { key: who.key, until };
        let resident = self.with_home(|home| home.manager(&who.key).map(drop)).is_err();
        self.accept(PORTAL, &attached, &if resident { Notice::Mine } else { Notice::Chain(seq) })
    }

    pub(super) fn hub_socket(&self, req: &Request, now: u64) -> Result<Response> {
        let (hub, signed) = hub_of(req)?;
        let authority = env::config(&self.env)?.authority();
        let seq = self.with_home(|home| {
            home.authenticate(&hub, &signed, &authority, &[], now)?;
            home.hub_of_home(&hub)?;
            home.saw(&hub, now)?;
            Ok(home.chain()?.seq())
        })?;
        let tag = hub_tag(&hub);
        // One socket per hub: an older one is a connection that broke unnoticed.
        for old in self.state.get_websockets_with_tag(&tag) {
            let _ = old.close(Some(1012), Some("replaced"));
        }
        let response = self.accept(&tag, &Attached::Hub(hub), &Notice::Chain(seq))?;
        self.tell_hub(&hub, true);
        Ok(response)
    }

    fn accept(&self, tag: &str, attached: &Attached, first: &Notice) -> Result<Response> {
        // Portals leave room for every hub.
        let most = if tag == PORTAL { MAX_SOCKETS - MAX_HUBS } else { MAX_SOCKETS };
        if self.state.get_websockets().len() >= most {
            return Err(RATE);
        }
        let pair = WebSocketPair::new().map_err(broken)?;
        self.state.accept_websocket_with_tags(&pair.server, &[tag]);
        attached.write(&pair.server)?;
        send(&pair.server, &to_vec(first));
        worker::Response::from_websocket(pair.client).map(Into::into).map_err(broken)
    }

    /// A socket has closed.
    pub(super) fn left(&self, ws: &WebSocket) {
        let Some(Attached::Hub(hub)) = Attached::read(ws) else { return };
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

    /// Sends to the portals of an audience whose session has not ended; those of ended ones are closed.
    pub(super) fn to_portals(&self, audience: Audience, notice: &Notice) {
        let (bytes, now) = (to_vec(notice), env::now());
        for socket in self.state.get_websockets_with_tag(PORTAL) {
            match Attached::read(&socket) {
                Some(Attached::Portal { key, until }) if now < until => {
                    let for_them = self.with_home(|home| {
                        Ok(match audience {
                            Audience::Managers => home.manager(&key).is_ok(),
                            Audience::Owners => home.owner(&key).is_ok(),
                            Audience::Residents => {
                                home.member(&key).is_ok_and(|member| member.role == Role::Resident)
                            }
                        })
                    });
                    if for_them == Ok(true) {
                        send(&socket, &bytes);
                    }
                }
                _ => drop(socket.close(Some(4401), Some("connect again"))),
            }
        }
    }

    /// Sends to every hub.
    pub(super) fn to_hubs(&self, notice: &Notice) {
        for hub in self.online() {
            self.to_hub(&hub, notice);
        }
    }

    /// Sends to one hub.
    pub(super) fn to_hub(&self, hub: &HubId, notice: &Notice) {
        for socket in self.state.get_websockets_with_tag(&hub_tag(hub)) {
            send(&socket, &to_vec(notice));
        }
    }

    /// Closes what a removed hub or member has open.
    pub(super) fn dismiss(&self, hubs: &[HubId], keys: &[KeyId]) {
        for hub in hubs {
            for socket in self.state.get_websockets_with_tag(&hub_tag(hub)) {
                let _ = socket.close(Some(4403), Some("removed from the home"));
            }
        }
        for socket in self.state.get_websockets_with_tag(PORTAL) {
            if let Some(Attached::Portal { key, .. }) = Attached::read(&socket)
                && keys.contains(&key)
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

//! The connection to the broker. Nothing but this file knows which library speaks MQTT.
//!
//! Messages are sent at most once, and never on another connection than the one they were meant for: a write that
//! waited out an outage would put a PIN on a lock that may have been withdrawn since.

use super::Settings;
use crate::machine::endpoint::{Endpoint, MQTT};
use crate::machine::secret::Secrets;
use crate::machine::tls;
use rumqttc::{
    AsyncClient, ConnectionError, Event, EventLoop, Incoming, MqttOptions, PublishOptions, QoS,
    TlsConfiguration, Transport,
};

/// Lists of devices are long.
const MAX_MESSAGE: usize = 16 * 1024 * 1024;
const KEEP_ALIVE_S: u16 = 15;
/// More than is ever sent at once.
const QUEUE: usize = 1_024;

/// Where the password is if no file is named.
const PASSWORD: &str = "LATCHKEY_ZIGBEE2MQTT_PASSWORD";

/// One connection, from its beginning to its end.
pub(super) struct Connection {
    client: AsyncClient,
    events: EventLoop,
}

/// A message from the broker. It may hold PINs, so it has no `Debug`.
pub(super) struct Message {
    pub(super) topic: String,
    pub(super) payload: Vec<u8>,
    /// Whether the broker had kept it: then it says how things were, not what happens.
    pub(super) retained: bool,
}

/// What the connection tells.
pub(super) enum Heard {
    /// It stands.
    Up,
    /// A message came.
    Message(Message),
    /// It is over, and why.
    Down(String),
}

impl Connection {
    /// Begins one; files are read now.
    ///
    /// # Errors
    /// What has to be put right, without anything that is secret.
    pub(super) fn begin(settings: &Settings, secrets: &Secrets, name: &str) -> Result<Self, String> {
        let endpoint = Endpoint::parse(&settings.url, MQTT, settings.insecure).map_err(|fault| fault.text)?;
        let mut options = MqttOptions::new(name, (endpoint.host.as_str(), endpoint.port));
        options.set_keep_alive(KEEP_ALIVE_S).set_clean_session(true);
        options.set_max_packet_size(MAX_MESSAGE, MAX_MESSAGE);
        if endpoint.tls {
            let ca_file = settings.ca_file.as_deref().map(|file| secrets.locate(file));
            let tls = tls::trusting(ca_file.as_deref())?;
            options.set_transport(Transport::tls_with_config(TlsConfiguration::Rustls(tls)));
        }
        if let Some(username) = &settings.username {
            let file = settings.password_file.as_deref();
            let password = secrets.find(file, PASSWORD).map_err(|e| e.to_string())?;
            match password {
                Some(password) => {
                    options.set_credentials(username.clone(), password.expose().as_bytes().to_vec())
                }
                None => options.set_username(username.clone()),
            };
        }
        let built = AsyncClient::builder(options).capacity(QUEUE).try_build();
        let (client, events) = built.map_err(|_| "the settings are not usable".to_owned())?;
        Ok(Self { client, events })
    }

    /// Waits for what comes next. After [`Heard::Down`] the connection is of no more use.
    pub(super) async fn next(&mut self) -> Heard {
        loop {
            match self.events.poll().await {
                Ok(Event::Incoming(Incoming::ConnAck(_))) => return Heard::Up,
                Ok(Event::Incoming(Incoming::Publish(publish))) => {
                    let Ok(topic) = String::from_utf8(publish.topic.to_vec()) else { continue };
                    let payload = publish.payload.to_vec();
                    return Heard::Message(Message { topic, payload, retained: publish.retain });
                }
                Ok(_) => {}
                Err(e) => return Heard::Down(why(&e)),
            }
        }
    }

    /// Whether it could be taken for sending.
    pub(super) fn publish(&self, topic: &str, payload: Vec<u8>) -> bool {
        self.client.try_publish(topic, payload, PublishOptions::at_most_once()).is_ok()
    }

    pub(super) fn subscribe(&self, topic: &str) -> bool {
        self.client.try_subscribe(topic, QoS::AtLeastOnce).is_ok()
    }

    pub(super) fn unsubscribe(&self, topic: &str) {
        let _ = self.client.try_unsubscribe(topic);
    }
}

/// Fit for a log: the library's own words may quote packets.
fn why(e: &ConnectionError) -> String {
    match e {
        ConnectionError::Io(e) => format!("{}", e.kind()),
        ConnectionError::ConnectionRefused(code) => format!("the broker refuses: {code:?}"),
        ConnectionError::Tls(_) => "the broker's certificate is not accepted, or it speaks no TLS".to_owned(),
        ConnectionError::NetworkTimeout | ConnectionError::FlushTimeout => "no answer in time".to_owned(),
        _ => "the connection broke".to_owned(),
    }
}

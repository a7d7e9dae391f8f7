//! A bridge that is gone for an hour: how often a driver tries meanwhile, and how soon it is back. The hour is one of a
//! clock that is moved, so it takes no time; the network is the real one.

use super::websocket::Settings;
use super::{Driver, Uplink, matter, zigbee2mqtt, zwave_js};
use crate::machine::secret::Secrets;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};
use tokio_tungstenite::tungstenite::{Message, accept};

const HOUR: Duration = Duration::from_secs(3_600);
const STEP: Duration = Duration::from_secs(3);

/// Where a bridge listens. Until it is open it lets nobody in.
#[derive(Clone, Default)]
struct Door {
    knocks: Arc<AtomicU32>,
    open: Arc<AtomicBool>,
    /// Somebody was let in and said what a driver says first.
    greeted: Arc<AtomicBool>,
}

impl Door {
    /// The port. `serve` says whether the visitor is a driver.
    fn stand(&self, serve: fn(TcpStream) -> bool) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let door = self.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                door.knocks.fetch_add(1, Ordering::SeqCst);
                if door.open.load(Ordering::SeqCst) {
                    let _ = stream.set_read_timeout(Some(Duration::from_secs(10)));
                    door.greeted.fetch_or(serve(stream), Ordering::SeqCst);
                }
            }
        });
        port
    }
}

/// An MQTT broker as far as the first subscription.
fn broker(mut stream: TcpStream) -> bool {
    let mut bytes = [0; 1_024];
    let connects = stream.read(&mut bytes).is_ok_and(|n| n > 0 && bytes[0] == 0x10);
    // CONNACK: welcome.
    let welcomed = connects && stream.write_all(&[0x20, 2, 0, 0]).is_ok();
    welcomed && stream.read(&mut bytes).is_ok_and(|n| n > 0 && bytes[0] == 0x82)
}

/// A WebSocket that says `greeting`, and answers until everything was asked for.
fn socket(stream: TcpStream, greeting: &Value, answer: fn(&Value) -> Value) -> bool {
    let Ok(mut socket) = accept(stream) else { return false };
    let _ = socket.send(Message::text(greeting.to_string()));
    while let Ok(message) = socket.read() {
        let Ok(question) = serde_json::from_slice::<Value>(&message.into_data()) else { continue };
        let _ = socket.send(Message::text(answer(&question).to_string()));
        if question["command"] == "start_listening" {
            return true;
        }
    }
    false
}

fn zwave_server(stream: TcpStream) -> bool {
    let greeting =
        json!({ "homeId": 1, "serverVersion": "x", "minSchemaVersion": 0, "maxSchemaVersion": 50 });
    socket(stream, &greeting, |question| {
        let result = json!({ "state": { "nodes": [] } });
        json!({ "type": "result", "success": true, "messageId": question["messageId"], "result": result })
    })
}

fn matter_server(stream: TcpStream) -> bool {
    let greeting = json!({ "compressed_fabric_id": 1, "schema_version": 11 });
    socket(stream, &greeting, |question| json!({ "message_id": question["message_id"], "result": [] }))
}

/// Moves the clock on, in steps that leave the network time to follow: while something is waited for in another thread
/// the clock does not run ahead by itself.
async fn pass(time: Duration) {
    for _ in 0..time.as_secs() / STEP.as_secs() {
        tokio::time::advance(STEP).await;
        let wait = tokio::task::spawn_blocking(|| std::thread::sleep(Duration::from_millis(2)));
        wait.await.unwrap();
    }
}

/// Has a driver try for an hour, and then lets it in. `longest`: between two tries.
async fn endures(
    serve: fn(TcpStream) -> bool,
    driver: impl FnOnce(u16) -> Box<dyn Driver>,
    longest: Duration,
) {
    let door = Door::default();
    let port = door.stand(serve);
    let (uplink, _told) = Uplink::new();
    let driving = tokio::spawn(driver(port).run(uplink));
    pass(HOUR).await;
    let knocks = door.knocks.load(Ordering::SeqCst);
    let fewest = u32::try_from(HOUR.as_secs() / longest.as_secs()).unwrap();
    // More at the beginning, and jitter.
    assert!((fewest / 2..=fewest * 2 + 20).contains(&knocks), "{knocks} tries in an hour");
    door.open.store(true, Ordering::SeqCst);
    // It is not further off for all the failures before: this is the longest that it may take.
    pass(longest).await;
    tokio::time::resume();
    let soon = Instant::now() + Duration::from_secs(10);
    while !door.greeted.load(Ordering::SeqCst) {
        assert!(Instant::now() < soon, "it is back at once");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    driving.abort();
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_is_gone_for_an_hour() {
    let driver = |port| {
        let settings = format!("url = \"mqtt://127.0.0.1:{port}\"");
        zigbee2mqtt::driver(toml::from_str(&settings).unwrap(), Secrets::of(Path::new("")))
    };
    endures(broker, driver, Duration::from_secs(60)).await;
}

#[tokio::test(start_paused = true)]
async fn a_z_wave_server_that_is_gone_for_an_hour() {
    let driver = |port| zwave_js::driver(&Settings::at(format!("ws://127.0.0.1:{port}")));
    endures(zwave_server, driver, Duration::from_secs(30)).await;
}

#[tokio::test(start_paused = true)]
async fn a_matter_server_that_is_gone_for_an_hour() {
    let driver = |port| matter::driver(Settings::at(format!("ws://127.0.0.1:{port}/ws")));
    endures(matter_server, driver, Duration::from_secs(30)).await;
}

//! The real process and bridges that move, or are replaced by others.
#![allow(missing_docs)]

#[allow(dead_code)]
mod support;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use support::{Cloud, Hub, until};
use tokio_tungstenite::tungstenite::Message;

/// What a Matter server says of a lock; to everything that is asked of the lock itself, that it does not answer.
fn answer(question: &Value, name: &str) -> Value {
    let id = question["message_id"].clone();
    let attributes = json!({
        "0/40/5": name, "0/62/5": 1, "1/257/65532": 1425, "1/257/0": 1, "1/257/17": 20, "1/257/18": 20,
        "1/257/23": 8, "1/257/24": 4,
    });
    let node = json!({ "node_id": 7, "available": true, "attributes": attributes });
    match question["command"].as_str() {
        Some("start_listening") => json!({ "message_id": id, "result": [node] }),
        Some("get_node") => json!({ "message_id": id, "result": node }),
        _ => json!({ "message_id": id, "error_code": 0, "details": "Node 7 is not (yet) available." }),
    }
}

/// A Matter server with one lock in this fabric, for as long as the test runs; its port.
fn server(fabric: u64, name: &'static str) -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
                    let greeting = json!({ "compressed_fabric_id": fabric, "schema_version": 11 });
                    let _ = socket.send(Message::text(greeting.to_string())).await;
                    while let Some(Ok(message)) = socket.next().await {
                        let Ok(question) = serde_json::from_slice(&message.into_data()) else { continue };
                        let _ = socket.send(Message::text(answer(&question, name).to_string())).await;
                    }
                });
            }
        });
    });
    port
}

/// Names of the locks that the hub has.
fn names(hub: &Hub) -> Option<Vec<String>> {
    let state = hub.get("/api/state")?;
    let locks = state["locks"].as_array()?.iter();
    Some(locks.map(|lock| lock["name"].as_str().unwrap().to_owned()).collect())
}

#[test]
fn a_bridge_that_moves_keeps_its_locks_and_another_in_its_place_does_not() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = Cloud::start(21);
    let mut hub = Hub::new(dir.path(), &cloud);
    let file = dir.path().join("hub.toml");
    let bare = std::fs::read_to_string(&file).unwrap();
    let configure = |port: u16| {
        let section = format!("[[matter]]\nurl = \"ws://127.0.0.1:{port}/ws\"\n");
        std::fs::write(&file, format!("{bare}{section}")).unwrap();
    };
    configure(server(1, "Cabin"));
    hub.start();
    let code = until("there is a pairing code", || hub.get("/api/pairing"));
    until("the offer is there", || cloud.lock().offer.clone());
    cloud.take_hub(code["text"].as_str().unwrap());
    let first = until("the lock is known", || hub.lock_id("Cabin"));
    until("and reported", || cloud.lock().reports.get(&first).map(drop));

    // Moved while nobody was looking: the same fabric at another address is the same lock.
    hub.kill();
    configure(server(1, "Cabin by the lake"));
    hub.start();
    assert_eq!(until("it is found again", || hub.lock_id("Cabin by the lake")), first);
    assert_eq!(names(&hub).unwrap().len(), 1);

    // Another fabric in its place while nobody was looking: the lock of the first is nowhere any more.
    hub.kill();
    configure(server(2, "Attic"));
    hub.start();
    let second = until("the other is found", || hub.lock_id("Attic"));
    assert_ne!(first, second);
    until("the first is gone", || names(&hub).filter(|names| *names == ["Attic"]));
    until("and is reported so", || cloud.lock().reports.get(&first)?.gone.then_some(()));

    // The same while the hub runs, and back: it takes its place again.
    configure(server(1, "Cabin"));
    until("the other is gone", || names(&hub).filter(|names| *names == ["Cabin"]));
    assert_eq!(hub.lock_id("Cabin"), Some(first));
    // A server that cannot be reached says nothing about its locks.
    configure(1);
    std::thread::sleep(std::time::Duration::from_secs(3));
    assert_eq!(names(&hub).unwrap(), ["Cabin"]);
    // Without the section they are gone.
    std::fs::write(&file, format!("{bare}[[sim]]\nname = \"Shed\"\nreadback = \"full\"\n")).unwrap();
    until("it is gone with its bridge", || names(&hub).filter(|names| *names == ["Shed"]));
}

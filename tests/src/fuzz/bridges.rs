//! Bridges that say whatever they are fed, between the real drivers and a hub that gives commands.
//!
//! The input is lines. One that begins with `!` gives the lock that was found last a command: which, and the slot, as a
//! letter each. `*` lets two minutes pass. Any other is a message of the bridge; in it `"@"` stands for the number of the
//! oldest question that has no answer yet.

use latchkey_hub::core::lock::{Answer, Bolt, Command, Happening};
use latchkey_hub::drivers::line::{Connection, Line};
use latchkey_hub::drivers::zigbee2mqtt::{self, Follower};
use latchkey_hub::drivers::{Port, Told, Uplink, carry_out, matter, zwave_js};
use latchkey_hub::machine::secret::Secrets;
use latchkey_shared::grant::name_ok;
use latchkey_shared::id::LockId;
use latchkey_shared::pin::Pin;
use latchkey_shared::slot::{Readback, SlotContent, SlotNo};
use latchkey_shared::testing::TestHome;
use std::collections::VecDeque;
use std::path::Path;
use std::time::Duration;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinHandle;

const PIN: &str = "483920";
/// Lines of an input that are looked at.
const MOST: usize = 64;
/// Longer than any command may take.
const ALL_OVER: Duration = Duration::from_secs(600);

/// The hub's side: takes what it is told, and gives commands one after another.
struct Commander {
    told: UnboundedReceiver<Told>,
    port: Option<Box<dyn Port>>,
    busy: Option<JoinHandle<Box<dyn Port>>>,
}

impl Commander {
    fn new() -> (Uplink, Self) {
        let (uplink, told) = Uplink::new();
        (uplink, Self { told, port: None, busy: None })
    }

    /// What was told shows no PIN of ours, whatever the bridge has said.
    fn listen(&mut self) {
        while let Ok(told) = self.told.try_recv() {
            match told {
                Told::Found(found) => {
                    let shown = &found.presented;
                    assert!(name_ok(&shown.name) && name_ok(&shown.driver), "no name to show: {shown:?}");
                    self.port = Some(found.port);
                }
                Told::Says(_, notice) => {
                    assert!(!format!("{notice:?}").contains(PIN));
                    assert!(!matches!(notice.what, Happening::Battery(101..)), "{notice:?}");
                }
                Told::Reached(_) | Told::Removed(_) => {}
            }
        }
    }

    async fn command(&mut self, which: u8, slot: u8) {
        if let Some(busy) = self.busy.take_if(|busy| busy.is_finished()) {
            let port = busy.await.expect("a command ends");
            self.port.get_or_insert(port);
        }
        let (None, Some(mut port)) = (&self.busy, self.port.take()) else { return };
        let command = command(which, SlotNo(u16::from(slot.wrapping_sub(b'0'))));
        self.busy = Some(tokio::spawn(async move {
            let answer = carry_out(port.as_mut(), &command).await;
            check(port.readback(), &command, &answer);
            port
        }));
    }

    /// Everybody gets a turn, and then comes the next line: a message of the bridge, or what was done about it here.
    async fn next<'a>(&mut self, line: &'a [u8]) -> Option<&'a [u8]> {
        self.pause().await;
        match line {
            [b'!', which, slot] => self.command(*which, *slot).await,
            [b'*'] => tokio::time::sleep(Duration::from_secs(120)).await,
            message => return Some(message),
        }
        None
    }

    /// Everybody gets a turn, several times over.
    async fn pause(&mut self) {
        for _ in 0..12 {
            tokio::task::yield_now().await;
        }
        self.listen();
    }

    async fn end(mut self) {
        tokio::time::sleep(ALL_OVER).await;
        self.listen();
        if let Some(busy) = self.busy {
            busy.await.expect("a command ends");
        }
    }
}

fn command(which: u8, slot: SlotNo) -> Command {
    match which {
        b'o' => Command::Observe,
        b'c' => Command::Clear { slot },
        b'e' => Command::SetEnabled { slot, enabled: true },
        b'd' => Command::SetEnabled { slot, enabled: false },
        b's' => {
            let mut home = TestHome::new(1);
            let validity = home.guest(PIN, &[LockId([1; 16])]).validity();
            let zone = home.state.policy().zone.clone();
            Command::SetSchedule { slot, validity, zone, now: TestHome::BEGINNING }
        }
        b'w' => Command::Write { slot, pin: Pin::parse(PIN).expect("a PIN") },
        b'l' => Command::Operate { to: Bolt::Locked },
        b'u' => Command::Operate { to: Bolt::Unlocked },
        _ => Command::Read { slot },
    }
}

/// Nothing counts as read back that was not read so.
fn check(readback: Readback, command: &Command, answer: &Answer) {
    assert!(!format!("{answer:?}").contains(PIN), "{answer:?}");
    if let Answer::Observed(seen) = answer {
        assert!(seen.vitals.battery.is_none_or(|percent| percent <= 100), "{answer:?}");
    }
    let Answer::Verified(reading) = answer else { return };
    assert!(readback != Readback::None, "{command:?} of what cannot be read: {answer:?}");
    match (command, &reading.content) {
        (Command::Write { pin, .. }, SlotContent::Pin(found)) => assert!(found == pin && reading.enabled),
        (Command::Write { .. }, content) => assert_eq!(*content, SlotContent::Occupied),
        (Command::Clear { .. }, content) => assert_eq!(*content, SlotContent::Empty),
        (Command::SetEnabled { enabled, .. }, _) => assert_eq!(reading.enabled, *enabled),
        _ => {}
    }
}

/// A runtime whose clock goes on when nothing else does.
fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    runtime.expect("a runtime").block_on(test);
}

fn lines(data: &[u8]) -> impl Iterator<Item = &[u8]> {
    data.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).take(MOST)
}

/// A bridge behind a WebSocket. `id`: how a question names itself.
fn socket<F>(data: &[u8], id: &str, speak: impl FnOnce(Line, Connection, Uplink) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    run(async {
        let (uplink, mut hub) = Commander::new();
        let line = Line::new(Duration::from_secs(30));
        let (connection, mut far) = line.joined();
        let speaking = tokio::spawn(speak(line, connection, uplink));
        let mut asked = VecDeque::new();
        for line in lines(data) {
            let Some(text) = hub.next(line).await else { continue };
            while let Some(question) = far.heard() {
                let question: serde_json::Value = serde_json::from_str(&question).expect("JSON");
                asked.push_back(question[id].as_str().expect("a number").to_owned());
            }
            let text = String::from_utf8_lossy(text);
            let answers = text.contains("\"@\"").then(|| asked.pop_front()).flatten();
            let with = format!("\"{}\"", answers.unwrap_or_default());
            far.say(text.replace("\"@\"", &with));
        }
        hub.pause().await;
        drop(far);
        hub.end().await;
        speaking.await.expect("it ends with the connection");
    });
}

pub(super) fn zwave_js(data: &[u8]) {
    socket(data, "messageId", |line, connection, hub| async move {
        let _ = zwave_js::speak(&line, connection, hub).await;
    });
}

pub(super) fn matter(data: &[u8]) {
    socket(data, "message_id", |line, connection, hub| async move {
        let _ = matter::speak(&line, connection, hub).await;
    });
}

/// A message is a topic and, after a blank, what was published; the broker had kept it if it begins with `=`. What the
/// hub's questions are marked with begins with `m-`.
pub(super) fn zigbee2mqtt(data: &[u8]) {
    run(async {
        let (uplink, mut hub) = Commander::new();
        let settings: zigbee2mqtt::Settings =
            serde_json::from_value(serde_json::json!({ "url": "mqtt://127.0.0.1", "expose_pin": true }))
                .expect("settings");
        let mut bridge =
            Follower::begin(settings, Secrets::of(Path::new("")), uplink, "m").expect("a bridge");
        for line in lines(data) {
            let Some(text) = hub.next(line).await else { continue };
            let (text, retained) = text.strip_prefix(b"=").map_or((text, false), |text| (text, true));
            let at = text.iter().position(|byte| *byte == b' ').unwrap_or(text.len());
            let topic = format!("zigbee2mqtt/{}", String::from_utf8_lossy(&text[..at]));
            bridge.take(topic, text.get(at + 1..).unwrap_or_default().to_vec(), retained);
        }
        hub.pause().await;
        drop(bridge);
        hub.end().await;
    });
}

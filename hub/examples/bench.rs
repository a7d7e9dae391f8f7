//! What a hub costs with 20 locks and 250 codes on each: time, memory beside its neighbours, and how soon a revoked code
//! is off. `cargo xtask bench hub`. Nothing here passes or fails.

#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

use latchkey_hub::core::change::{Change, Stored};
use latchkey_hub::core::clock::{Boot, Now, WallClock};
use latchkey_hub::core::lock::{Answer, Bolt, Command, Observation, Reading, Vitals};
use latchkey_hub::core::trust::Belonging;
use latchkey_hub::core::{Effect, HubCore, Input, Numbering, Presented};
use latchkey_shared::api::HubAck;
use latchkey_shared::chain::{Body, SignedOp};
use latchkey_shared::id::{GrantId, LockId};
use latchkey_shared::pin::Pin;
use latchkey_shared::sealed::Binding;
use latchkey_shared::slot::{LockAbilities, SlotContent, SlotNo};
use latchkey_shared::testing::{self, TestHome};
use latchkey_shared::time::Timestamp;
use latchkey_shared::wire::cbor;
use std::collections::{BTreeMap, VecDeque};
use std::hint::black_box;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

const LOCKS: usize = 20;
const CODES: u32 = 250;
/// What a command takes by radio, with its read-back, in milliseconds: a sleeping Z-Wave lock wakes up once a second.
const RADIO_MS: u64 = 1_200;
/// The least time between two commands, in milliseconds.
const PACE_MS: u64 = 200;

fn main() {
    println!("{LOCKS} locks, {CODES} codes on each of them.\n");
    let mut world = World::full();
    memory();
    cold_start(&world);
    warm(&mut world);
    revoke(&mut world);
}

fn pin(n: u32) -> String {
    format!("{}", 310_000 + n * 977)
}

fn row(what: &str, value: &str, beside: &str) {
    println!("| {what:<54} | {value:>9} | {beside:<49} |");
}

fn ms(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// A home, a ledger in memory, and locks behind a radio whose time is simulated.
struct World {
    home: TestHome,
    core: HubCore,
    stored: Stored,
    locks: BTreeMap<String, BTreeMap<SlotNo, Pin>>,
    now: Now,
    underway: VecDeque<(u64, LockId, Answer)>,
    /// What locks were told, and when they had done it.
    done: Vec<(u64, LockId, &'static str)>,
}

fn key(n: usize) -> String {
    format!("bench/{n}")
}

fn abilities() -> LockAbilities {
    LockAbilities { slots: 254, ..testing::abilities() }
}

fn start(home: &TestHome, stored: Stored, now: &Now) -> HubCore {
    let belonging = Belonging { home: *home.state.home(), hub: home.hub, genesis: home.state.genesis_hash() };
    let boot = Boot { id: [1; 16], wall: WallClock::Kept };
    let mut core =
        HubCore::start(belonging, home.hub_keys.clone(), stored, &|_, _| true, boot, [3; 32], now).unwrap();
    for n in 0..LOCKS {
        let presented = Presented {
            key: key(n),
            name: key(n),
            driver: "bench".into(),
            pace_ms: PACE_MS,
            numbering: Numbering::default(),
        };
        core.handle_input(Input::LockFound(presented), now);
    }
    core
}

impl World {
    /// All codes on all locks.
    fn full() -> Self {
        let home = TestHome::new(9);
        let now = Now { wall: TestHome::BEGINNING, wall_ms: 0, boot_ms: 50_000 };
        let core = start(&home, Stored::default(), &now);
        let mut world = Self {
            home,
            core,
            stored: Stored::default(),
            locks: BTreeMap::new(),
            now,
            underway: VecDeque::new(),
            done: vec![],
        };
        world.run(10_000);
        let locks: Vec<LockId> = world.stored.locks.keys().copied().collect();
        for n in 0..CODES {
            let grant = world.home.guest(&pin(n), &locks);
            world.home.push(Body::PutGrant(grant)).unwrap();
        }
        let begun = Instant::now();
        let before = world.now.boot_ms;
        world.tell();
        world.run(u64::from(CODES + 30) * 2 * (RADIO_MS + PACE_MS));
        let took = begun.elapsed();
        let on: usize = world.locks.values().map(BTreeMap::len).sum();
        assert_eq!(on, LOCKS * CODES as usize, "every code is on every lock");
        let last = world.done.last().unwrap().0;
        println!("| {:<54} | {:>9} | {:<49} |", "what", "measured", "beside");
        println!("|{}|{}|{}|", "-".repeat(56), "-".repeat(11), "-".repeat(51));
        row(
            "first fill: the hub's own time, for each command",
            &ms(took / u32::try_from(world.done.len()).unwrap()),
            &format!("{} commands, {} s of radio time", world.done.len(), (last - before) / 1_000),
        );
        world
    }

    fn tell(&mut self) {
        self.core.handle_input(Input::ChainGrew(self.home.state.seq()), &self.now);
    }

    fn persist(&mut self, changes: Vec<Change>) {
        let stored = &mut self.stored;
        for change in changes {
            match change {
                Change::Chain { ops, head, .. } => {
                    stored.ops.extend(ops);
                    stored.head = Some(head);
                }
                Change::Floor(record) => stored.floor = Some(record),
                Change::Lock(id, record) => drop(stored.locks.insert(id, record)),
                Change::Slot(id, no, record) => drop(stored.slots.insert((id, no), record)),
                Change::Code(id, grant, Some(record)) => drop(stored.codes.insert((id, grant), record)),
                Change::Code(id, grant, None) => drop(stored.codes.remove(&(id, grant))),
                Change::Event(tip, _) => stored.tip = tip,
                Change::Acked(through) => stored.acked = through,
                Change::ReportNumber(number) => stored.report_number = number,
                _ => {}
            }
        }
    }

    fn ask(&mut self, id: LockId, command: &Command) -> Answer {
        let lock = self.locks.entry(self.stored.locks[&id].key.clone()).or_default();
        let read = |lock: &BTreeMap<SlotNo, Pin>, slot: &SlotNo| {
            let content = lock.get(slot).map_or(SlotContent::Empty, |pin| SlotContent::Pin(pin.clone()));
            Answer::Verified(Reading { enabled: content != SlotContent::Empty, content })
        };
        match command {
            Command::Observe => {
                let vitals = Vitals { bolt: Some(Bolt::Locked), battery: Some(80), ..Vitals::default() };
                let (abilities, slots) = (abilities(), BTreeMap::new());
                Answer::Observed(Observation { abilities, slots, tells_changes: true, vitals })
            }
            Command::Write { slot, pin } => {
                lock.insert(*slot, pin.clone());
                read(lock, slot)
            }
            Command::Clear { slot } => {
                lock.remove(slot);
                read(lock, slot)
            }
            Command::Read { slot } => read(lock, slot),
            _ => Answer::Unknown,
        }
    }

    fn carry_out(&mut self) {
        while let Some(effect) = self.core.poll_effect() {
            let input = match effect {
                Effect::Persist(changes) => {
                    self.persist(changes);
                    continue;
                }
                Effect::Lock(id, command) => {
                    let at = self.now.boot_ms + RADIO_MS;
                    let answer = self.ask(id, &command);
                    self.done.push((at, id, command.name()));
                    self.underway.push_back((at, id, answer));
                    continue;
                }
                Effect::Fetch { after, nonce } => {
                    let from = after.map_or(0, |seq| seq as usize + 1);
                    Input::Bundle(cbor::to_vec(&self.home.bundle(from, self.now.wall, nonce)))
                }
                Effect::Push { .. } => Input::PushTaken(HubAck {
                    events_through: self.stored.tip.number,
                    seq: self.home.state.seq(),
                }),
                _ => continue,
            };
            self.core.handle_input(input, &self.now);
        }
    }

    /// Lets so many milliseconds pass.
    fn run(&mut self, span: u64) {
        let end = self.now.boot_ms + span;
        loop {
            self.carry_out();
            let answered = self.underway.front().map(|(at, ..)| *at);
            let next = [self.core.poll_timeout(), answered].into_iter().flatten().min().unwrap_or(end);
            if next > end {
                return self.pass(end);
            }
            self.pass(next.max(self.now.boot_ms + 1));
            match self.underway.front() {
                Some((at, ..)) if *at <= self.now.boot_ms => {
                    let (_, id, answer) = self.underway.pop_front().unwrap();
                    self.core.handle_input(Input::LockAnswered(id, answer), &self.now);
                }
                _ => self.core.handle_timeout(&self.now),
            }
        }
    }

    fn pass(&mut self, to: u64) {
        let wall = TestHome::BEGINNING.0 * 1_000 + to - 50_000;
        self.now = Now { wall: Timestamp(wall / 1_000), wall_ms: (wall % 1_000) as u16, boot_ms: to };
    }

    /// Revokes a code; how long until it is off every lock.
    fn off_after(&mut self, grant: GrantId) -> u64 {
        self.home.push(Body::RevokeGrant(grant)).unwrap();
        let (before, from) = (self.now.boot_ms, self.done.len());
        self.tell();
        self.run(30_000);
        let clears = self.done[from..].iter().filter(|(.., name)| *name == "clear");
        clears.map(|(at, ..)| at - before).max().unwrap()
    }
}

fn cold_start(world: &World) {
    let keys: Vec<_> = [&world.home.owner, &world.home.hub_keys].map(|keys| keys.sign_public()).into();
    let bare = || {
        let begun = Instant::now();
        for bytes in &world.stored.ops {
            let op = SignedOp::parse(bytes).unwrap();
            let key = keys.iter().find(|key| key.id() == op.kid()).unwrap();
            op.verify(key).unwrap();
        }
        begun.elapsed()
    };
    let opened = || {
        let begun = Instant::now();
        for entry in world.home.state.grants().values() {
            let grant = &entry.grant;
            let home = world.home.state.home();
            let binding = Binding { home, grant: &grant.id, rev: grant.rev, locks: &grant.locks };
            black_box(grant.pin.open(&binding, &world.home.home_key).unwrap());
        }
        begun.elapsed()
    };
    let cold = || {
        let stored = world.stored.clone();
        let begun = Instant::now();
        let mut core = start(&world.home, stored, &world.now);
        let mut planned = 0;
        while let Some(effect) = core.poll_effect() {
            planned += usize::from(matches!(effect, Effect::Lock(..)));
        }
        assert_eq!(planned, LOCKS, "each lock has its first step");
        begun.elapsed()
    };
    let (mut bares, mut opens, mut colds) = (vec![], vec![], vec![]);
    for _ in 0..15 {
        bares.push(bare());
        opens.push(opened());
        colds.push(cold());
    }
    let (bare, open, cold) = (median(&mut bares), median(&mut opens), median(&mut colds));
    let times = |by: Duration| format!("{:.2} times", cold.as_secs_f64() / by.as_secs_f64());
    row(
        &format!("cold start to the first step at each lock ({} ops)", world.stored.ops.len()),
        &ms(cold),
        &format!("signatures alone {}: {}", ms(bare), times(bare)),
    );
    row("", "", &format!("and opening the PINs, {}: {}", ms(bare + open), times(bare + open)));
}

fn warm(world: &mut World) {
    let each = |time: Duration| time / u32::try_from(LOCKS).unwrap();
    let mut quiet = vec![];
    for _ in 0..50 {
        let begun = Instant::now();
        world.core.handle_timeout(&world.now);
        quiet.push(begun.elapsed());
        world.carry_out();
    }
    row("nothing has changed: all locks looked through, each", &ms(each(median(&mut quiet))), "");
    let grants: Vec<_> = world.home.state.grants().values().map(|e| e.grant.clone()).take(9).collect();
    let mut renamed = vec![];
    for mut grant in grants {
        let seen = world.home.state.grants()[&grant.id].grant.pin.clone();
        let binding =
            Binding { home: world.home.state.home(), grant: &grant.id, rev: grant.rev, locks: &grant.locks };
        let digits = seen.open(&binding, &world.home.home_key).unwrap();
        grant.rev += 1;
        grant.label.push('2');
        world.home.seal(&mut grant, digits.expose());
        world.home.push(Body::PutGrant(grant)).unwrap();
        world.tell();
        while let Some(effect) = world.core.poll_effect() {
            if let Effect::Fetch { after, nonce } = effect {
                let from = after.map_or(0, |seq| seq as usize + 1);
                let bundle = cbor::to_vec(&world.home.bundle(from, world.now.wall, nonce));
                let begun = Instant::now();
                world.core.handle_input(Input::Bundle(bundle), &world.now);
                renamed.push(begun.elapsed());
                break;
            } else if let Effect::Persist(changes) = effect {
                world.persist(changes);
            }
        }
        world.run(2_000);
    }
    row(
        "one code changed: verified and planned anew, each lock",
        &ms(each(median(&mut renamed))),
        &format!("{} for all", ms(median(&mut renamed))),
    );
}

fn revoke(world: &mut World) {
    let ids: Vec<GrantId> = world.home.state.grants().keys().copied().take(2).collect();
    let idle = world.off_after(ids[0]);
    row(
        "revoked: off all locks, while they are idle",
        &format!("{idle} ms"),
        &format!("the radio alone takes {RADIO_MS} ms"),
    );
    // Everything is to be written anew: every code gets another PIN.
    let grants: Vec<_> = world.home.state.grants().values().map(|e| e.grant.clone()).collect();
    for (n, mut grant) in (0u32..).zip(grants) {
        grant.rev += 1;
        world.home.seal(&mut grant, &format!("{}", 600_000 + n * 1_013));
        world.home.push(Body::PutGrant(grant)).unwrap();
    }
    world.tell();
    world.run(20_000);
    let during = world.off_after(ids[1]);
    let most = RADIO_MS + PACE_MS + RADIO_MS;
    row(
        "revoked during a refill of 250 codes a lock",
        &format!("{during} ms"),
        &format!("{most} ms: the command in flight, pace, radio"),
    );
}

/// Resident memory of a process now and at most, in kB.
fn resident(pid: u32) -> Option<(u64, u64)> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let field = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name))?;
        line.split_whitespace().nth(1)?.parse().ok()
    };
    Some((field("VmRSS:")?, field("VmHWM:")?))
}

fn mb(kb: u64) -> String {
    format!("{:.1} MB", kb as f64 / 1024.0)
}

fn memory() {
    let (resting, peak) = resident(std::process::id()).unwrap();
    let peers = [("mosquitto", mosquitto()), ("zwave-js with one lock", zwave())];
    let mut beside = vec![];
    for (name, child) in peers {
        let Some(mut child) = child else { continue };
        std::thread::sleep(Duration::from_secs(4));
        let pids = family(child.id());
        let sum = pids.iter().filter_map(|pid| resident(*pid)).fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1));
        beside.push(format!("{name} {}, at most {}", mb(sum.0), mb(sum.1)));
        // The Z-Wave stand-in ends all of its processes when its input does.
        if child.stdin.take().is_none() {
            let _ = child.kill();
        }
        let _ = child.wait();
    }
    let beside = if beside.is_empty() { vec!["no peer is installed".to_owned()] } else { beside };
    row("memory once all locks are full: core, ledger, home", &mb(resting), &beside[0]);
    row("memory, at most, while they were filled", &mb(peak), beside.get(1).map_or("", String::as_str));
}

fn mosquitto() -> Option<Child> {
    let port = std::net::TcpListener::bind("127.0.0.1:0").ok()?.local_addr().ok()?.port();
    let program =
        ["/usr/sbin/mosquitto", "/usr/bin/mosquitto"].into_iter().find(|p| Path::new(p).exists())?;
    let mut command = std::process::Command::new(program);
    command.args(["-p", &port.to_string()]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()
}

fn zwave() -> Option<Child> {
    let peers = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/peers");
    if !peers.join("node_modules/zwave-js").exists() {
        return None;
    }
    let node = std::env::var_os("PEERS_NODE").unwrap_or_else(|| "node".into());
    let mut command = std::process::Command::new(node);
    let mut child = command
        .arg(peers.join("zwave/main.mjs"))
        .arg("2")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let mut line = String::new();
    BufReader::new(child.stdout.take()?).read_line(&mut line).ok()?;
    Some(child)
}

/// The processes that a process has started, without itself if it has any: the peer's starter is no part of the peer.
fn family(pid: u32) -> Vec<u32> {
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    let children: Vec<u32> = children.split_whitespace().filter_map(|pid| pid.parse().ok()).collect();
    if children.is_empty() { vec![pid] } else { children }
}

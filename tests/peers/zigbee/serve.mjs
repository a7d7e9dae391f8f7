// Starts mosquitto and zigbee2mqtt on free loopback ports with stand-in locks behind zigbee2mqtt's radio, and says on
// one line of JSON where they are: {"url": broker, "secure": the same with TLS and for "hub" with the password
// "development-only" only, "control": port, lock name: address, ...}. Ends when standard input
// does. MOSQUITTO may name the broker's program.
//
// Orders to the control port are lines of JSON, {"do": ..., "lock": name, ...}; `orders` below is the list. Each is
// answered by a line, {"ok": true, ...} or {"ok": false, "error": ...}.

import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import { createRequire } from "node:module";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { FAULTS, Lock } from "./lock.mjs";

const dir = fs.mkdtempSync(path.join(os.tmpdir(), "latchkey-zigbee-"));
const require = createRequire(import.meta.url);
// zigbee2mqtt's own client.
const mqtt = createRequire(require.resolve("zigbee2mqtt/package.json"))("mqtt");
const data = path.join(dir, "data");
fs.mkdirSync(data);
const brokerPort = await freePort();
const securePort = await freePort();
// Hashed by mosquitto_passwd.
const USER =
  "hub:$7$101$bGF0Y2hrZXktZGV2$gGJxfgMaMv71FhpJEKolP9cJFzSEGnYy3A5xl9dsZY4AE4UFYrh8IXoCZVKw5Vm8H+zEpbuSVpShjlalF8BZ7A==";
let broker;
let bridge;
/** All that zigbee2mqtt has logged. */
const logged = [];

/** What stands behind the radio. Models are chosen for what zigbee2mqtt can do with them. */
const locks = {
  // Everything can be read and toggled; 250 users.
  front: lock(1, { model: "YRD256 TSDB" }),
  // Users can be toggled; 20 of them.
  garden: lock(2, { model: "V3-BTZB", vendor: "danalock", users: 20, longest: 10 }),
  // Users cannot be toggled; 30 of them.
  side: lock(3, { model: "BE468", vendor: "Schlage", users: 30 }),
  // Few users, so that it gets full.
  shed: lock(4, { model: "DLM-300Z", vendor: "ShinaSystem", users: 4 }),
  // zigbee2mqtt can write to it, but not read from it.
  cellar: lock(5, { model: "NimlyPRO", vendor: "Onesti Products AS", endpoint: 11, users: 1000, mute: true, percentUnit: 1 }),
  // Takes no PINs at all.
  plain: lock(6, { model: "SMARTCODE_CONVERT_GEN1", vendor: "Kwikset", endpoint: 2, pins: false }),
};

function lock(number, settings) {
  const ieee = `0x000d6f00000000${number.toString(16).padStart(2, "0")}`;
  return new Lock({ ieee, address: 0x1000 + number, ...settings }, (data) => tell({ event: "frame", data }));
}

function tell(message) {
  if (bridge?.connected) bridge.send(message);
}

async function freePort() {
  const server = net.createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

async function startBroker() {
  const config = path.join(dir, "mosquitto.conf");
  const passwords = path.join(dir, "passwords");
  fs.writeFileSync(passwords, `${USER}\n`, { mode: 0o600 });
  const tls = path.join(import.meta.dirname, "tls");
  const lines = [
    // Otherwise it becomes another user, who cannot read these files.
    ...(process.getuid() === 0 ? ["user root"] : []),
    "per_listener_settings true",
    "persistence false",
    "log_type none",
    `listener ${brokerPort} 127.0.0.1`,
    "allow_anonymous true",
    `listener ${securePort} 127.0.0.1`,
    "allow_anonymous false",
    `password_file ${passwords}`,
    `certfile ${path.join(tls, "broker.pem")}`,
    `keyfile ${path.join(tls, "broker.key")}`,
  ];
  fs.writeFileSync(config, `${lines.join("\n")}\n`);
  const places = [process.env.MOSQUITTO, "/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto"];
  const program = places.find((place) => place && fs.existsSync(place)) ?? "mosquitto";
  broker = spawn(program, ["-c", config], { stdio: "ignore" });
  for (;;) {
    const socket = net.connect(brokerPort, "127.0.0.1");
    const up = await Promise.race([once(socket, "connect"), once(socket, "error")]).then(() => socket.readyState === "open", () => false);
    socket.destroy();
    if (up) return;
    if (broker.exitCode !== null) throw new Error("mosquitto does not start");
    await sleep(50);
  }
}

function configure() {
  const lines = [
    "version: 5",
    "mqtt:",
    "  base_topic: zigbee2mqtt",
    `  server: mqtt://127.0.0.1:${brokerPort}`,
    "serial: { port: /dev/null, adapter: ember }",
    "frontend: { enabled: false }",
    "availability: { enabled: true, passive: { timeout: 1500 } }",
    "advanced:",
    "  log_level: info",
    "  log_output: [console]",
    "  channel: 11",
    "  pan_id: 6754",
    "  ext_pan_id: [221, 221, 221, 221, 221, 221, 221, 221]",
    "  network_key: [1, 3, 5, 7, 9, 11, 13, 15, 0, 2, 4, 6, 8, 10, 12, 13]",
    "devices:",
    ...Object.entries(locks).map(([name, { ieee }]) => `  '${ieee}': { friendly_name: ${name} }`),
  ];
  fs.writeFileSync(path.join(data, "configuration.yaml"), `${lines.join("\n")}\n`);
}

async function startBridge() {
  // Inside a repository it takes itself for a checkout and wants to be built again.
  const env = { ...process.env, ZIGBEE2MQTT_DATA: data, Z2M_ONBOARD_NO_SERVER: "1", GIT_DIR: path.join(dir, "none") };
  const program = require.resolve("zigbee2mqtt/package.json").replace("package.json", "index.js");
  const flags = ["--require", path.join(import.meta.dirname, "radio.cjs"), program];
  bridge = spawn(process.execPath, flags, { env, cwd: dir, stdio: ["ignore", "pipe", "inherit", "ipc"] });
  const me = bridge;
  me.on("message", (question) => answer(me, question));
  me.on("exit", (code) => code && console.error(`zigbee2mqtt ended: ${code}`));
  const lines = createInterface({ input: me.stdout });
  await new Promise((resolve, reject) => {
    lines.on("line", (line) => {
      logged.push(line);
      if (process.env.PEERS_LOG) console.error(line);
      if (line.includes("Zigbee2MQTT started!")) resolve();
    });
    me.on("exit", () => reject(new Error("zigbee2mqtt does not start")));
  });
}

async function answer(to, { id, frame, cluster, zdo, ieee }) {
  const device = Object.values(locks).find((lock) => lock.ieee === ieee);
  const reply = (message) => to.connected && to.send({ id, ...message });
  try {
    if (!device) throw new Error("no such device");
    reply({ answer: frame ? await device.hear(cluster, frame) : device.describe(zdo) });
  } catch (error) {
    reply({ error: error.message });
  }
}

async function stop(child) {
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGKILL");
  await once(child, "exit");
}

/** A device comes into the network, and zigbee2mqtt has found out what it is. */
async function join({ ieee, address }) {
  tell({ event: "deviceJoined", data: { networkAddress: address, ieeeAddr: ieee } });
  const database = path.join(data, "database.db");
  for (let tries = 0; tries < 200; tries++) {
    const text = fs.existsSync(database) ? fs.readFileSync(database, "utf8") : "";
    const line = text.split("\n").find((line) => line.includes(ieee));
    if (line && JSON.parse(line).interviewState === "SUCCESSFUL") return {};
    await sleep(50);
  }
  throw new Error("it was not interviewed");
}

/** Publishes as anybody at the broker could. */
async function publish(topic, payload) {
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${brokerPort}`);
  await client.publishAsync(`zigbee2mqtt/${topic}`, payload, { qos: 1 });
  await client.endAsync();
}

/** Asks zigbee2mqtt for something, as its own web page does. */
async function request(what, payload) {
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${brokerPort}`);
  await client.subscribeAsync(`zigbee2mqtt/bridge/response/${what}`);
  const answered = once(client, "message");
  await client.publishAsync(`zigbee2mqtt/bridge/request/${what}`, JSON.stringify(payload));
  const [, answer] = await answered;
  await client.endAsync();
  const { status, error } = JSON.parse(answer);
  if (status !== "ok") throw new Error(error);
}

const orders = {
  join: ({ lock }) => join(lock),
  leave: ({ lock }) => tell({ event: "deviceLeave", data: { networkAddress: lock.address, ieeeAddr: lock.ieee } }),
  /** `fault`: one of FAULTS; `value`: what of it, `false` ends it. */
  fault: ({ lock, fault, value = true }) => {
    if (!FAULTS.includes(fault)) throw new Error(`no fault ${fault}`);
    lock.fault[fault] = value;
  },
  heal: ({ lock }) => {
    lock.fault = {};
    lock.online = true;
  },
  online: ({ lock, value }) => void (lock.online = value),
  keypad: ({ lock, pin }) => lock.keypad(pin),
  program: ({ lock, user, pin }) => lock.program(user, pin),
  battery: ({ lock, percent }) => lock.setBattery(percent),
  /** 0: jammed, 1: locked, 2: unlocked, by hand. */
  bolt: ({ lock, value }) => lock.setBolt(value),
  link: ({ lock, value }) => {
    lock.linkquality = value;
    lock.setBattery(lock.battery);
  },
  state: ({ lock }) => lock.state(),
  clear_frames: ({ lock }) => lock.clearFrames(),
  rename: ({ lock, to }) => request("device/rename", { from: lock.ieee, to }),
  remove: ({ lock }) => request("device/remove", { id: lock.ieee }),
  log: () => ({ lines: logged }),
  publish: ({ topic, payload }) => publish(topic, payload),
  stop_bridge: () => stop(bridge),
  start_bridge: () => startBridge(),
  stop_broker: () => stop(broker),
  start_broker: () => startBroker(),
};

async function obey(line) {
  try {
    const order = JSON.parse(line);
    const lock = order.lock === undefined ? undefined : locks[order.lock];
    if (order.lock !== undefined && !lock) throw new Error(`no lock ${order.lock}`);
    if (!Object.hasOwn(orders, order.do)) throw new Error(`no order ${order.do}`);
    return { ok: true, ...(await orders[order.do]({ ...order, lock })) };
  } catch (error) {
    return { ok: false, error: error.message };
  }
}

const control = net.createServer((socket) => {
  socket.on("error", () => {});
  createInterface({ input: socket }).on("line", async (line) => {
    const answer = await obey(line);
    if (socket.writable) socket.write(`${JSON.stringify(answer)}\n`);
  });
});

// However it ends, also by an error, it leaves nothing running.
process.on("exit", () => {
  bridge?.kill("SIGKILL");
  broker?.kill("SIGKILL");
  fs.rmSync(dir, { recursive: true, force: true });
});
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(0));
process.stdin.on("end", () => process.exit(0)).resume();

configure();
await startBroker();
await startBridge();
await once(control.listen(0, "127.0.0.1"), "listening");
const names = Object.fromEntries(Object.entries(locks).map(([name, { ieee }]) => [name, ieee]));
const addresses = { url: `mqtt://127.0.0.1:${brokerPort}`, secure: `mqtts://localhost:${securePort}` };
console.log(JSON.stringify({ ...addresses, control: control.address().port, ...names }));

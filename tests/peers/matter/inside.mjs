// Runs in the namespaces that serve.mjs makes: the network card, the locks, the Matter server, and two unix sockets in
// the directory given as the argument. `ws.sock` leads to the server's WebSocket; `control.sock` takes orders as lines
// of JSON, {"do": ...}, and answers each with {"ok": true, "result": ...} or {"ok": false, "error": ...}:
//
//   keypad {lock, pin, at} somebody types a PIN; whether the door opened, and whose slot it is
//       at: seconds on the lock's clock, if another time than it shows now
//   program {lock, slot, pin}, wipe {lock}, turn {lock, bolt}, jam {lock}, tamper {lock}, battery {lock, percent}
//   fault {lock, fault: {kind, times, on, status, ms}}
//       kind: drop (says yes), reject (with status), silent, late, delay (by ms); on: names of commands, absent: all
//       that are about codes
//   heal {lock}, freeze, thaw, offline {lock}, online {lock}, remove {lock}, server_down, server_up
//   clock {lock, zone, stuck}   its clock shows that zone's time from now on; whether it can be set
//   unplug, plug           the way to the server, which goes on
//   state {lock}           what is in the lock's memory
//   requests {lock}        how many commands about codes have reached it

import { fork, spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import { createInterface } from "node:readline";

const PORT = 5580;
const [dir] = process.argv.slice(2);
const python = process.env.PEERS_PYTHON ?? "python3";
const here = import.meta.dirname;
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Test roots of the Matter SDK. Without `.version` the server would look for production roots on the internet. */
async function roots() {
  const file = "../node_modules/@matter/protocol/dist/esm/certificate/ChipPAAuthorities.js";
  const known = await import(new URL(file, import.meta.url));
  const at = path.join(dir, "roots");
  fs.mkdirSync(at);
  fs.writeFileSync(path.join(at, "no_vid.der"), Buffer.from(known.TestCert_PAA_NoVID_Cert));
  fs.writeFileSync(path.join(at, "fff1.der"), Buffer.from(known.TestCert_PAA_FFF1_Cert));
  fs.writeFileSync(path.join(at, ".version"), "1");
  return at;
}

async function card() {
  const link = spawn(python, [path.join(here, "link.py")], { stdio: ["pipe", "pipe", "inherit"] });
  link.on("exit", () => process.exit(1));
  await once(link.stdout, "data");
}

/** The Matter server, which can be stopped and started again. */
class Server {
  constructor(rootDir) {
    const log = fs.openSync(path.join(dir, "server.log"), "a");
    this.start = () => {
      const flags = ["--storage-path", path.join(dir, "server"), "--paa-root-cert-dir", rootDir];
      flags.push("--listen-address", "127.0.0.1", "--port", `${PORT}`, "--primary-interface", "hub0");
      flags.push("--log-level", "warning");
      this.process = spawn(python, ["-m", "matter_server.server", ...flags], { stdio: ["ignore", log, log] });
    };
  }

  async up() {
    this.start();
    for (;;) {
      const socket = net.connect(PORT, "127.0.0.1");
      const open = await new Promise((resolve) => {
        socket.on("connect", () => resolve(true)).on("error", () => resolve(false));
      });
      socket.destroy();
      if (open) return;
      if (this.process.exitCode !== null) {
        throw new Error(`the Matter server ended:\n${fs.readFileSync(path.join(dir, "server.log"))}`);
      }
      await sleep(50);
    }
  }

  async down() {
    const ended = once(this.process, "exit");
    this.process.kill("SIGKILL");
    await ended;
  }
}

/** One order to the server's WebSocket; without one, its greeting. */
function ask(command, args) {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://127.0.0.1:${PORT}/ws`);
    socket.onerror = () => reject(new Error("the Matter server cannot be reached"));
    socket.onopen = () => command && socket.send(JSON.stringify({ message_id: "1", command, args }));
    socket.onmessage = ({ data }) => {
      const answer = JSON.parse(data);
      if (command && answer.message_id !== "1") return;
      socket.close();
      if (answer.error_code !== undefined) reject(new Error(`${command}: ${answer.details}`));
      else resolve(command ? answer.result : data);
    };
  });
}

/** The process with the locks. */
class Locks {
  #asked = 0;
  #waiting = new Map();

  async start() {
    this.process = fork(path.join(here, "locks.mjs"), [path.join(dir, "locks")]);
    this.process.on("exit", () => process.exit(1));
    const [{ codes }] = await once(this.process, "message");
    this.process.on("message", ({ id, answer }) => this.#waiting.get(id)?.(answer));
    return codes;
  }

  order(order) {
    const id = ++this.#asked;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.process.send({ id, order });
    });
  }
}

const rootDir = await roots();
await card();
const server = new Server(rootDir);
const locks = new Locks();
const [codes] = await Promise.all([locks.start(), server.up()]);
const nodes = {};
for (const [lock, code] of Object.entries(codes)) {
  nodes[lock] = `${(await ask("commission_with_code", { code, network_only: true })).node_id}`;
}
// Too large for a number in JavaScript.
const fabric = BigInt((await ask()).match(/"compressed_fabric_id": *(\d+)/)[1]).toString(16).toUpperCase();

async function order(m) {
  const own = {
    server_down: () => server.down(),
    server_up: () => server.up(),
    freeze: () => locks.process.kill("SIGSTOP"),
    thaw: () => locks.process.kill("SIGCONT"),
    unplug: () => unplug(),
    plug: () => (plugged = true),
    remove: () => ask("remove_node", { node_id: Number(nodes[m.lock]) }),
  }[m.do];
  return own ? JSON.stringify({ ok: true, result: (await own()) ?? null }) : locks.order(m);
}

net
  .createServer(async (socket) => {
    socket.on("error", () => {});
    for await (const line of createInterface({ input: socket })) {
      const failed = (error) => JSON.stringify({ ok: false, error: String(error.stack) });
      socket.write(`${await order(JSON.parse(line)).catch(failed)}\n`);
    }
  })
  .listen(path.join(dir, "control.sock"));

// From the unix socket to the server's port, which only this namespace can reach.
let plugged = true;
const connections = new Set();
function unplug() {
  plugged = false;
  for (const connection of connections) connection.destroy();
}
net
  .createServer((outside) => {
    if (!plugged) return void outside.destroy();
    connections.add(outside.on("close", () => connections.delete(outside)));
    const inside = net.connect(PORT, "127.0.0.1");
    const end = () => (outside.destroy(), inside.destroy());
    outside.on("error", end).on("close", end).pipe(inside);
    inside.on("error", end).on("close", end).pipe(outside);
  })
  .listen(path.join(dir, "ws.sock"));

console.log(JSON.stringify({ fabric: fabric.padStart(16, "0"), ...nodes }));

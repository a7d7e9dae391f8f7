// Z-Wave locks for tests: `node main.mjs NODE...` (numbers of locks.mjs) prints one line of JSON once a Z-Wave JS server
// listens on loopback and knows all its locks: `{"url":"ws://...","control":PORT}`. Orders go to the control port, one
// JSON object a line: `{"do":"keypad","node":2,"pin":"482913"}` (acts are listed in server.mjs); `{"do":"down"}` kills the
// server like a power cut, `{"do":"up"}` starts it again on the same port. The locks go on meanwhile. Everything ends
// when standard input does.
import { fork } from "node:child_process";
import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import readline from "node:readline";
import { LOCKS } from "./locks.mjs";
import * as memory from "./memory.mjs";

let nodes = process.argv.slice(2);
const dir = fs.mkdtempSync(path.join(os.tmpdir(), "latchkey-zwave-"));

const port = await new Promise((resolve) => {
  const server = net.createServer().listen(0, "127.0.0.1", () => {
    const { port } = server.address();
    server.close(() => resolve(port));
  });
});

let child = null;
let asked = 0;
const open = new Map();

// Resolves once it listens, or once it knows all locks.
function up(until) {
  return new Promise((resolve, reject) => {
    child = fork(new URL("server.mjs", import.meta.url), [dir, String(port), ...nodes], { stdio: ["ignore", 2, 2, "ipc"] });
    const mine = child;
    child.on("message", (message) => {
      if (message[until]) resolve();
      else open.get(message.id)?.(message);
      open.delete(message.id);
    });
    child.on("exit", (code) => {
      if (child === mine) child = null;
      for (const [id, done] of open) done({ id, ok: false, error: "the server is down" });
      open.clear();
      reject(new Error(`the server ended (${code})`));
    });
  });
}

function down() {
  return new Promise((resolve) => {
    if (!child) return resolve();
    child.once("exit", () => resolve());
    child.kill("SIGKILL");
  });
}

// What the locks do while nobody is connected to them.
function alone({ do: act, node, slot, pin }) {
  const { kind } = LOCKS[node];
  const held = memory.read(dir, node);
  if (act === "state") return memory.slot(held.state, kind, slot);
  if (act === "frames") return { received: 0, sent: 0, commands: held.counted };
  if (["heal", "fault", "settle"].includes(act)) return {};
  if (act === "remove") {
    nodes = nodes.filter((known) => known !== String(node));
    return {};
  }
  if (act === "program") {
    memory.program(held.state, kind, slot, pin);
    memory.write(dir, node, held);
    return {};
  }
  throw new Error(`${act}: the server is down`);
}

function ask(message) {
  const id = ++asked;
  return new Promise((resolve) => {
    open.set(id, resolve);
    child.send({ ...message, id });
  });
}

async function order(message) {
  try {
    if (message.do === "up") await up("listening");
    else if (message.do === "down") await down();
    else if (child) return await ask(message);
    else return { ok: true, ...alone(message) };
    return { ok: true };
  } catch (error) {
    return { ok: false, error: String(error.message) };
  }
}

async function end() {
  await down();
  fs.rmSync(dir, { recursive: true, force: true });
  process.exit(0);
}

// Also while it starts: whoever has started this may be gone by then.
process.stdin.on("end", end).resume();
process.on("SIGTERM", end);
await up("interviewed");
const control = net.createServer(async (socket) => {
  socket.on("error", () => {});
  for await (const line of readline.createInterface({ input: socket })) {
    socket.write(`${JSON.stringify(await order(JSON.parse(line)))}\n`);
  }
});
control.listen(0, "127.0.0.1", () => {
  console.log(JSON.stringify({ url: `ws://127.0.0.1:${port}`, control: control.address().port }));
});

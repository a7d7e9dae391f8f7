// Z-Wave locks for tests: `node main.mjs DIRECTORY NODE...` prints `{"listening":PORT}` once a Z-Wave JS server listens on
// loopback, `{"interviewed":true}` once all its locks are known, and takes orders on its standard input, one JSON object
// a line: `{"id":1,"act":"keypad","node":2,"pin":"482913"}` (acts are listed in server.mjs), `{"id":2,"act":"down"}` kills
// the server like a power cut, `{"id":3,"act":"up"}` starts it again on the same port. The locks go on meanwhile. When
// its input ends, everything ends.
import { fork } from "node:child_process";
import fs from "node:fs";
import net from "node:net";
import readline from "node:readline";
import { LOCKS } from "./locks.mjs";
import * as memory from "./memory.mjs";

const [dir, ...nodes] = process.argv.slice(2);
fs.mkdirSync(dir, { recursive: true });
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

const port = await new Promise((resolve) => {
  const server = net.createServer().listen(0, "127.0.0.1", () => {
    const { port } = server.address();
    server.close(() => resolve(port));
  });
});

let child = null;
const open = new Map();

function up() {
  return new Promise((resolve, reject) => {
    child = fork(new URL("server.mjs", import.meta.url), [dir, String(port), ...nodes], { stdio: ["ignore", 2, 2, "ipc"] });
    const mine = child;
    child.on("message", (message) => {
      if (message.listening) resolve();
      else if (message.interviewed) say({ interviewed: true });
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
function alone({ act, node, slot, pin }) {
  const { kind } = LOCKS[node];
  const held = memory.read(dir, node);
  if (act === "state") return memory.slot(held.state, kind, slot);
  if (act === "frames") return { received: 0, sent: 0, commands: held.counted };
  if (act === "heal" || act === "fault") return {};
  if (act === "program") {
    memory.program(held.state, kind, slot, pin);
    memory.write(dir, node, held);
    return {};
  }
  throw new Error(`${act}: the server is down`);
}

async function order(message) {
  const { id, act } = message;
  try {
    if (act === "up") await up();
    else if (act === "down") await down();
    else if (!child) return say({ id, ok: true, ...alone(message) });
    else return say(await new Promise((resolve) => {
      open.set(id, resolve);
      child.send(message);
    }));
    say({ id, ok: true });
  } catch (error) {
    say({ id, ok: false, error: String(error.message) });
  }
}

await up();
say({ listening: port });
const lines = readline.createInterface({ input: process.stdin });
lines.on("line", (line) => order(JSON.parse(line)));
lines.on("close", () => down().then(() => process.exit(0)));

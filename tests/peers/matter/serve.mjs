// Starts python-matter-server with two matter.js locks in a network namespace of its own, without special rights, and
// says on one line of JSON where it is: {"url": WebSocket, "control": port, "fabric": in hexadecimal, lock: its node, ...}. The
// locks are "front" and "shed". Ends when standard input does. inside.mjs has the list of orders to the control port.

import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";

const dir = fs.mkdtempSync(path.join(os.tmpdir(), "latchkey-matter-"));
process.on("exit", () => fs.rmSync(dir, { recursive: true, force: true }));

// The namespaces end with the process that holds them, and everything in them too.
const flags = ["--user", "--map-root-user", "--net", "--mount", "--pid", "--fork", "--kill-child=SIGKILL"];
const here = import.meta.dirname;
const program = ["sh", path.join(here, "room.sh"), dir, process.execPath, path.join(here, "inside.mjs"), dir];
const inside = spawn("unshare", [...flags, "--", ...program], { stdio: ["ignore", "pipe", "inherit"] });
const stop = (code) => {
  inside.kill("SIGKILL");
  process.exit(code);
};
inside.on("error", () => stop(1)).on("exit", () => stop(1));
process.stdin.on("end", () => stop(0)).resume();
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => stop(0));

const [found] = await once(inside.stdout, "data");

/** A loopback port of this machine that leads to a unix socket in the namespace's directory. */
async function forward(name) {
  const server = net.createServer((outer) => {
    const inner = net.connect(path.join(dir, name));
    const end = () => (outer.destroy(), inner.destroy());
    outer.on("error", end).on("close", end).pipe(inner);
    inner.on("error", end).on("close", end).pipe(outer);
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return server.address().port;
}

const url = `ws://127.0.0.1:${await forward("ws.sock")}/ws`;
const control = await forward("control.sock");
console.log(JSON.stringify({ url, control, ...JSON.parse(found) }));

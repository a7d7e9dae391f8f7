// Many homes in one process: hubs that poll and are told "unchanged", and hubs whose socket sleeps until something is
// pushed. What one more home costs, and how long a change takes to reach its hub.

import { randomBytes } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { Home, Hub, Person } from "../live/lib/client.mjs";
import { b64, signedHeaders } from "../live/lib/crypto.mjs";
import { load, quantile, table } from "./load.mjs";
import { latchkey, ROOT } from "./workerd.mjs";

const WebSocket = createRequire(import.meta.url)("ws");
const RUNS = process.env.RUN_DIR ?? join(ROOT, "target/bench");
const SIZES = (process.env.BENCH_HOMES ?? "1,50,500,2500").split(",").map(Number);
const PUSHES = 200;
/** Homes of one owner: an account's list has an end. */
const EACH = 20;

await mkdir(RUNS, { recursive: true });
const secret = () => b64(randomBytes(32));
const server = await latchkey(RUNS, { ISSUER_KEY: secret(), SESSION_KEY: secret() });
const hubs = [];
const rows = [];
let owner;

async function grow(to) {
  while (hubs.length < to) {
    if (hubs.length % EACH === 0) owner = await new Person(server.origin).signUp("Ada");
    const home = await Home.create(owner);
    const hub = await Hub.join(home);
    const first = await hub.bundle("?after=1");
    hubs.push({ home, hub, etag: first.headers.get("etag"), after: home.chain.length - 1 });
  }
}

/** The next hub's poll. */
const polls = (at = 0) => () => {
  const { home, hub, etag, after } = hubs[at++ % hubs.length];
  const path = `/api/v1${home.path}/hubs/${hub.id}/bundle?after=${after}`;
  const url = `${server.origin}${path}`;
  return { path, headers: { ...signedHeaders({ method: "GET", url, keyId: hub.keyId, key: hub.keys }), "if-none-match": etag } };
};

function connect(entry) {
  const { home, hub } = entry;
  const url = `${server.origin}/api/v1${home.path}/hubs/${hub.id}/ws`;
  const headers = signedHeaders({ method: "GET", url, keyId: hub.keyId, key: hub.keys });
  const socket = new WebSocket(url.replace("http", "ws"), { headers });
  entry.socket = socket;
  return new Promise((done, fail) => socket.once("open", done).once("error", fail));
}

async function push(entry) {
  const told = new Promise((done) => entry.socket.once("message", done));
  const begun = performance.now();
  await entry.home.add(entry.home.grant({ seconds: 3_600 }));
  await told;
  return performance.now() - begun;
}

for (const size of SIZES) {
  await grow(size);
  // What was taken in while growing rests before memory is read.
  await new Promise((done) => setTimeout(done, 12_000));
  const idle = await server.rss();
  await load(server, polls(), { count: Math.min(hubs.length, 500), connections: 16, status: 304 });
  const polled = await load(server, polls(), { count: 2_000, connections: 16, status: 304 });
  polled.latencies.sort((a, b) => a - b);
  const fresh = hubs.filter((entry) => !entry.socket);
  for (let at = 0; at < fresh.length; at += 50) await Promise.all(fresh.slice(at, at + 50).map(connect));
  await new Promise((done) => setTimeout(done, 12_000));
  const before = await server.cpu();
  await new Promise((done) => setTimeout(done, 5_000));
  const resting = ((await server.cpu()) - before) / 5_000;
  const held = await server.rss();
  const times = [];
  for (let n = 0; n < PUSHES; n += 1) times.push(await push(hubs[Math.floor((n * hubs.length) / PUSHES) % hubs.length]));
  times.sort((a, b) => a - b);
  for (const entry of hubs) {
    entry.after = entry.home.chain.length - 1;
    const newest = await entry.hub.bundle(`?after=${entry.after}`);
    entry.etag = newest.headers.get("etag");
  }
  const ms = (value) => value.toFixed(1);
  rows.push([
    size,
    (2_000 / polled.seconds).toFixed(0),
    ms(quantile(polled.latencies, 0.5)),
    ms(quantile(polled.latencies, 0.99)),
    (polled.cpu / 2_000).toFixed(2),
    ms(quantile(times, 0.5)),
    ms(quantile(times, 0.99)),
    idle.toFixed(0),
    held.toFixed(0),
    `${(resting * 100).toFixed(1)} %`,
  ]);
}
const head = ["homes", "polls/s", "p50 ms", "p99 ms", "CPU ms/poll", "save to push p50 ms", "p99 ms", "memory MB", "with sockets MB", "CPU at rest"];
console.log(table(head, rows));
console.log(`\nPolls over all homes in turn, 16 at a time. ${PUSHES} changes in homes spread over all, one after another.`);
server.stop();
process.exit(0);

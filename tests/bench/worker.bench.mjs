// The Worker's routes beside the same routes with Hono, on the same workerd, in turn. `BENCH_BEFORE` names another
// build of the Worker (a copy of `dist/worker`) to be measured in the same turns.

import { createHash, randomBytes } from "node:crypto";
import { mkdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { build } from "esbuild";
import { makeLink } from "../guest/stub.mjs";
import { Home, Hub, Person } from "../live/lib/client.mjs";
import { b64, cbor, idText, record, sha256, signedHeaders } from "../live/lib/crypto.mjs";
import { sign } from "node:crypto";
import { interleaved, table } from "./load.mjs";
import { latchkey, ROOT, workerd } from "./workerd.mjs";

const RUNS = process.env.RUN_DIR ?? join(ROOT, "target/bench");
const COUNT = Number(process.env.BENCH_COUNT ?? 2_000);
const CONNECTIONS = 16;
/** How many codes the home has. */
const CODES = 100;

/** Latchkey with a home in it, and its requests. */
async function ours(how) {
  const secret = () => b64(randomBytes(32));
  const server = await latchkey(RUNS, { ISSUER_KEY: secret(), SESSION_KEY: secret() }, how);
  const ada = await new Person(server.origin).signUp("Ada");
  const home = await Home.create(ada);
  const hub = await Hub.join(home);
  const link = makeLink({ pin: "73920518", home: "", home_name: "Lake house", doors: ["Door"], label: "Anna", note: "" });
  const lock = randomBytes(16);
  const grant = home.grant({ lock, seconds: 86_400 });
  const fields = [...grant[1], [14, record({ 1: link.idBytes, 2: record({ 1: 1, 2: Buffer.alloc(64, 7) }) })]].sort(([a], [b]) => a - b);
  const shared = home.op([grant[0], new Map(fields)]);
  const bytes = (text) => Buffer.from(text, "base64url");
  const upload = record({ 1: link.idBytes, 2: grant[1].get(1), 3: createHash("sha256").update(bytes(link.auth)).digest(), 4: bytes(link.ct) });
  const sent = await home.send([shared], { links: [upload] });
  if (sent.status !== 200) throw new Error(JSON.stringify(sent.body));
  home.chain.push(shared);
  for (let n = 1; n < CODES; n += 1) await home.add(home.grant({ label: `Guest ${n}`, lock, seconds: 86_400 }));
  const fetched = await hub.bundle(`?after=${home.chain.length - 1}`);
  const etag = fetched.headers.get("etag");
  const auth = JSON.stringify({ auth: link.auth });
  const member = { origin: server.origin, cookie: ada.cookie };
  const json = { "content-type": "application/json" };
  const poll = `/api/v1${home.path}/hubs/${hub.id}/bundle?after=${home.chain.length - 1}`;
  const chained = () => {
    const op = home.op(home.grant({ label: "Guest", lock, seconds: 86_400 }));
    home.chain.push(op);
    return { method: "POST", path: `/api/v1${home.path}/ops`, headers: { ...member, "content-type": "application/cbor" }, body: cbor(record({ 1: [op.bytes], 2: [] })) };
  };
  const status = await (await fetch(`${server.origin}/api/v1/links/${link.id}/status`, { method: "POST", headers: json, body: auth })).json();
  return {
    server,
    keep: { home, hub, link, status, ada },
    requests: {
      health: () => ({ path: "/api/v1/health" }),
      guest: () => ({ path: `/g/${link.id}` }),
      poll: () => {
        const url = `${server.origin}${poll}`;
        return { path: poll, headers: { ...signedHeaders({ method: "GET", url, keyId: hub.keyId, key: hub.keys }), "if-none-match": etag } };
      },
      link: () => ({ method: "POST", path: `/api/v1/links/${link.id}/status`, headers: json, body: auth }),
      snapshot: () => ({ path: `/api/v1${home.path}/snapshot`, headers: member }),
      ops: chained,
    },
  };
}

/** The twin with the same home. */
async function theirs({ home, hub, link, status }) {
  const out = join(RUNS, "twin");
  await mkdir(out, { recursive: true });
  await build({
    entryPoints: [join(import.meta.dirname, "twin/worker.mjs")],
    outfile: join(out, "index.js"),
    ...{ bundle: true, minify: true, format: "esm", target: "es2024", logLevel: "warning" },
    external: ["cloudflare:*", "node:*"],
    loader: { ".html": "text" },
    nodePaths: [join(import.meta.dirname, "node_modules")],
  });
  const server = await workerd(RUNS, "twin", [{ name: "index.js", path: join(out, "index.js") }], {});
  const [account, session] = [idText(randomBytes(16)), b64(randomBytes(32))];
  const member = b64(home.owner.member.sign);
  const ops = home.chain.map((op) => b64(op.bytes));
  const seed = {
    ...{ home: home.id, hub: hub.id, hubKey: b64(hub.keys.sign), link: link.id, account, session, member, ops, status },
    linkHash: b64(sha256(Buffer.from(link.auth, "base64url"))),
  };
  const seeded = await fetch(`${server.origin}/seed`, { method: "POST", body: JSON.stringify(seed) });
  if (!seeded.ok) throw new Error(`the twin: ${await seeded.text()}`);
  const issued = Math.floor(Date.now() / 1000);
  const etagOf = async () => {
    for (const at of [issued - 1, issued, issued + 1]) {
      const etag = `"${ops.length - 1}-${at}"`;
      const answer = await fetch(`${server.origin}${poll}`, { headers: { ...signedPoll(), "if-none-match": etag } });
      if (answer.status === 304) return etag;
    }
    throw new Error("the twin answers no poll");
  };
  const poll = `/api/v1/homes/${home.id}/hubs/${hub.id}/bundle?after=${ops.length - 1}`;
  const signedPoll = () => signedHeaders({ method: "GET", url: `${server.origin}${poll}`, keyId: hub.keyId, key: hub.keys });
  const etag = await etagOf();
  const auth = JSON.stringify({ auth: link.auth });
  const json = { "content-type": "application/json" };
  const cookie = { origin: server.origin, cookie: `__Host-twin=${account}.${session}` };
  let prev = `seed-${ops.length - 1}`;
  const chained = () => {
    const op = JSON.stringify({ label: "Guest", body: "x".repeat(300), nonce: b64(randomBytes(16)) });
    const signature = b64(sign(null, Buffer.from(op), home.owner.member.secret));
    const body = JSON.stringify({ op, prev, signature });
    prev = createHash("sha256").update(op).digest("base64");
    return { method: "POST", path: `/api/v1/homes/${home.id}/ops`, headers: { ...cookie, ...json }, body };
  };
  return {
    server,
    script: join(out, "index.js"),
    requests: {
      health: () => ({ path: "/api/v1/health" }),
      guest: () => ({ path: `/g/${link.id}` }),
      poll: () => ({ path: poll, headers: { ...signedPoll(), "if-none-match": etag } }),
      link: () => ({ method: "POST", path: `/api/v1/links/${link.id}/status`, headers: json, body: auth }),
      snapshot: () => ({ path: `/api/v1/homes/${home.id}/snapshot`, headers: cookie }),
      ops: chained,
    },
  };
}

const ROUTES = {
  health: { what: "GET health" },
  guest: { what: "GET guest page" },
  poll: { what: "GET bundle, unchanged (304)", status: 304 },
  link: { what: "POST link status" },
  snapshot: { what: `GET snapshot, ${CODES} codes` },
  ops: { what: "POST one op", connections: 1, count: Math.ceil(COUNT / 10) },
};

const size = async (...paths) => {
  const files = await Promise.all(paths.map((path) => readFile(path)));
  const sum = (pack) => files.reduce((all, bytes) => all + pack(bytes).length, 0) / 1000;
  return { gzip: sum((bytes) => gzipSync(bytes, { level: 9 })), brotli: sum(brotliCompressSync), raw: sum((bytes) => bytes) };
};

await mkdir(RUNS, { recursive: true });
const us = await ours();
const them = await theirs(us.keep);
const before = process.env.BENCH_BEFORE && (await ours({ build: process.env.BENCH_BEFORE }));
const rows = [];
const ms = (value) => value.toFixed(2);
for (const [route, { what, status = 200, connections = CONNECTIONS, count = COUNT }] of Object.entries(ROUTES)) {
  if (process.env.BENCH_ONLY && !process.env.BENCH_ONLY.split(",").includes(route)) continue;
  const sides = {
    latchkey: { server: us.server, next: us.requests[route] },
    hono: { server: them.server, next: them.requests[route] },
    ...(before && { before: { server: before.server, next: before.requests[route] } }),
  };
  const { latchkey: a, hono: b, before: c } = await interleaved(sides, { count, connections, status });
  const cells = [ms(a.cpu), ms(b.cpu), (a.cpu / b.cpu).toFixed(2), ms(a.p50), ms(b.p50), ms(a.p99), ms(b.p99), a.rate.toFixed(0), b.rate.toFixed(0)];
  rows.push([what, ...cells, ...(c ? [ms(c.cpu), (c.cpu / b.cpu).toFixed(2)] : [])]);
}
const head = ["route", "CPU ms/request", "Hono", "ratio", "p50 ms", "Hono", "p99 ms", "Hono", "requests/s", "Hono"];
if (before) head.push("CPU before", "ratio before");
console.log(table(head, rows));
const [latchkeySize, twinSize] = [
  await size(join(ROOT, "dist/worker/index.js"), join(ROOT, "dist/worker/index_bg.wasm")),
  await size(them.script),
];
console.log(`
Script: ${latchkeySize.gzip.toFixed(1)} kB gzip, the twin ${twinSize.gzip.toFixed(1)} kB.
Resident memory after the run: ${(await us.server.rss()).toFixed(0)} MB, the twin ${(await them.server.rss()).toFixed(0)} MB.
${CONNECTIONS} connections, ${COUNT} requests in each of 6 blocks in turn; ops one after another.`);
before?.server.stop();
us.server.stop();
them.server.stop();
process.exit(0);

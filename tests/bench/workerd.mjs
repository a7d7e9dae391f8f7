// A Worker under plain workerd: no development server in between, which would cost more than what is measured. KV is
// in memory, Durable Objects have SQLite on disk, rate limits let everybody through: the same for both that are compared.

import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { createWriteStream } from "node:fs";
import { mkdir, mkdtemp, readFile, writeFile } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import { freePort } from "../live/lib/server.mjs";

export const ROOT = resolve(import.meta.dirname, "../..");
const WORKERD = createRequire(import.meta.url)("workerd").default;

/** KV as workerd's binding asks for it, in memory. */
const KV = `
const values = new Map();
export default {
  async fetch(request) {
    const url = new URL(request.url);
    const key = decodeURIComponent(url.pathname.slice(1));
    if (request.method === "PUT") { values.set(key, await request.arrayBuffer()); return new Response(null); }
    if (request.method === "DELETE") { values.delete(key); return new Response(null); }
    if (key === "") {
      const prefix = url.searchParams.get("prefix") ?? "";
      const keys = [...values.keys()].filter((name) => name.startsWith(prefix)).map((name) => ({ name }));
      return Response.json({ keys, list_complete: true });
    }
    const value = values.get(key);
    return value ? new Response(value) : new Response(null, { status: 404 });
  },
};`;

const LIMIT = "export default () => ({ limit: async () => ({ success: true }) });";
const ASSETS = 'export default { fetch: () => new Response("no such file", { status: 404 }) };';

const text = (value) => JSON.stringify(value);

/** What `capnp` calls a list. */
const list = (items) => `[${items.join(", ")}]`;

/**
 * Starts workerd. `modules`: `{name, path}` of the Worker, the first being its entry; `secrets`: text bindings.
 * `{origin, pid, cpu(), rss(), stop()}`: CPU time in ms so far, and resident memory in MB.
 */
export async function workerd(runs, name, modules, secrets, options = []) {
  const dir = await mkdtemp(join(runs, `${name}-`));
  const port = await freePort();
  const origin = `http://localhost:${port}`;
  const kinds = { wasm: "wasm", html: "text" };
  const module = ({ name, path }) => {
    const kind = kinds[path.split(".").at(-1)] ?? "esModule";
    return `(name = ${text(name)}, ${kind} = embed ${text(relative(dir, path))})`;
  };
  const limits = ["RL_AUTH", "RL_LINK", "RL_PAIR", "RL_API", "RL_TOKEN"];
  const bindings = [
    `(name = "KV", kvNamespace = "kv")`,
    `(name = "ASSETS", service = "assets")`,
    `(name = "HOME", durableObjectNamespace = "HomeDo")`,
    `(name = "ACCOUNT", durableObjectNamespace = "AccountDo")`,
    ...limits.map((limit) => `(name = "${limit}", wrapped = (moduleName = "bench:limit"))`),
    ...Object.entries({ ORIGIN: origin, RP_ID: "localhost", ...secrets }).map(
      ([key, value]) => `(name = ${text(key)}, text = ${text(value)})`,
    ),
  ];
  const small = (script) => `(modules = [(name = "index.js", esModule = ${text(script)})], compatibilityDate = "2026-10-01")`;
  const objects = ["HomeDo", "AccountDo"].map(
    (name) => `(className = "${name}", uniqueKey = "${name}", enableSql = true)`,
  );
  const config = `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = (
      modules = ${list(modules.map(module))},
      compatibilityDate = "2026-10-01",
      compatibilityFlags = ["nodejs_als"],
      bindings = ${list(bindings)},
      durableObjectNamespaces = ${list(objects)},
      durableObjectStorage = (localDisk = "objects"),
    )),
    (name = "kv", worker = ${small(KV)}),
    (name = "assets", worker = ${small(ASSETS)}),
    (name = "objects", disk = (path = ${text(join(dir, "objects"))}, writable = true)),
  ],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
  extensions = [(modules = [(name = "bench:limit", internal = true, esModule = ${text(LIMIT)})])],
);
`;
  await mkdir(join(dir, "objects"));
  const path = join(dir, "config.capnp");
  await writeFile(path, config);
  const child = spawn(WORKERD, ["serve", path, "--experimental", ...options], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const log = createWriteStream(join(dir, "workerd.log"));
  child.stdout.pipe(log);
  child.stderr.pipe(log);
  process.once("exit", () => child.kill("SIGKILL"));
  const end = Date.now() + 20_000;
  for (;;) {
    if (await fetch(`${origin}/api/v1/health`).then((response) => response.ok, () => false)) break;
    if (child.exitCode !== null || Date.now() > end) {
      throw new Error(`workerd did not start:\n${await readFile(join(dir, "workerd.log"), "utf8")}`);
    }
    await new Promise((done) => setTimeout(done, 50));
  }
  // workerd's start script may be a shell around the program: the busy one is the last child.
  const pid = child.pid;
  return {
    origin,
    pid,
    async cpu() {
      const stat = await readFile(`/proc/${pid}/stat`, "utf8");
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      // utime and stime, in ticks of 10 ms.
      return (Number(fields[11]) + Number(fields[12])) * 10;
    },
    async rss() {
      const status = await readFile(`/proc/${pid}/status`, "utf8");
      return Number(/VmRSS:\s+(\d+)/.exec(status)[1]) / 1024;
    },
    stop: () => child.kill("SIGKILL"),
  };
}

/** Latchkey, as it is deployed, or another build of it. */
export const latchkey = (runs, secrets, { build = join(ROOT, "dist/worker"), options } = {}) =>
  workerd(
    runs,
    "latchkey",
    ["index.js", "index_bg.wasm"].map((name) => ({ name, path: join(build, name) })),
    secrets,
    options,
  );

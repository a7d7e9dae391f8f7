// The portal with a large home, beside the same list with React and beside a static page, in Chromium on a slow
// profile; and the guest page beside a static one. All of them compressed as an edge compresses.

import { spawn } from "node:child_process";
import { mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";
import { authenticator, hook, launch, profile } from "../browser/lib/browser.mjs";
import { makeHome, signUp } from "../browser/lib/portal.mjs";
import { startHub } from "../browser/lib/stack.mjs";
import { until } from "../browser/lib/steps.mjs";
import { freePort, serve } from "../live/lib/server.mjs";
import { pages, proxy } from "./edge.mjs";
import { quantile, table } from "./load.mjs";
import { ROOT } from "./workerd.mjs";

const RUNS = process.env.RUN_DIR ?? join(ROOT, "target/bench");
const CODES = Number(process.env.BENCH_CODES ?? 500);
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 5);
/** A phone of some years ago on a slow mobile network. */
const SLOW = { cpu: 4, latency: 150, down: (1_600 * 1_000) / 8, up: (750 * 1_000) / 8 };

await mkdir(RUNS, { recursive: true });
process.env.RUN_DIR = RUNS;
const port = await freePort();
const origin = `http://localhost:${port}`;
const server = await serve({ front: origin });
const edge = await proxy(port, server.origin);
const hub = await startHub(server.dir, origin);
const browser = await launch();
const { page } = await profile(browser, { viewport: { width: 390, height: 844 } });
await authenticator(page);
process.env.ORIGIN = origin;
const kit = await signUp(page, origin);
const home = await makeHome(page);
const { url } = await until("the hub shows a pairing code", () => hub.pairing());
await page.goto(url);
await hook(page, "pair-confirm").click();
await hook(page, "pair-done").waitFor();
await page.goto(`${origin}/h/${home}/doors`);
await until("four locks", async () => (await hook(page, "lock-card").count()) === 4, 20_000);

/** The command line, as the same owner. */
function cli(...args) {
  const env = { PATH: process.env.PATH, LATCHKEY_ORIGIN: origin, LATCHKEY_KIT: kit };
  const child = spawn(process.env.CLI, ["--state", join(server.dir, "cli"), "--json", ...args], { env });
  let [out, err] = ["", ""];
  child.stdout.on("data", (bytes) => (out += bytes));
  child.stderr.on("data", (bytes) => (err += bytes));
  child.stdin.end();
  return new Promise((done, fail) =>
    child.once("close", (status) => (status === 0 ? done(JSON.parse(out)) : fail(new Error(`${args.join(" ")}: ${err}`)))),
  );
}

await cli("login", "--no-passphrase");
const door = (await cli("--home", home, "locks")).locks.at(-1).name;
const names = Array.from({ length: CODES }, (_, n) => `Guest number ${String(n).padStart(3, "0")}`);
const end = new Date(Date.now() + 5 * 86_400_000).toISOString().slice(0, 10);
for (let at = 0; at < CODES; at += 50) {
  const rows = names.slice(at, at + 50).map((name) => `${name},guest,${door},,${end}`);
  const file = join(server.dir, "codes.csv");
  await writeFile(file, ["label,kind,doors,from,until", ...rows].join("\r\n"));
  await cli("--home", home, "import", "csv", file);
}

// The twins.
const assets = join(ROOT, "dist/portal/assets");
const styles = (await readdir(assets)).filter((name) => name.endsWith(".css"));
const css = (await Promise.all(styles.map((name) => readFile(join(assets, name), "utf8")))).join("\n");
const react = await build({
  entryPoints: [join(import.meta.dirname, "twin/codes.jsx")],
  ...{ bundle: true, minify: true, format: "esm", target: "es2024", write: false, jsx: "automatic", logLevel: "warning" },
  define: { "process.env.NODE_ENV": '"production"' },
  nodePaths: [join(import.meta.dirname, "node_modules")],
});
const listed = names.map((label, n) => ({ id: `code-${n}`, label, when: `until ${end}`, state: "On the lock" }));
const row = ({ id, label, when, state }) =>
  `<li><a class="item" href="#${id}" data-testid="code-row"><span class="badge on"></span><div><p class="item-title">${label}</p><p class="item-sub">${when}</p></div><span class="chip on">${state}</span></a></li>`;
const shell = (body, script = "") =>
  `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Codes</title><link rel="stylesheet" href="/app.css">${body}${script}</html>`;
const html = (body) => ({ type: "text/html; charset=utf-8", body });
const guestPage = await readFile(join(ROOT, "worker/guest/page.html"), "utf8");
const guestStyle = await readFile(join(ROOT, "dist/portal/guest/guest.css"), "utf8");
const fixed = await pages(await freePort(), {
  "/react": html(shell('<div id="app"></div>', '<script type="module" src="/app.js"></script>')),
  "/static": html(shell(`<main class="page"><h1>Codes</h1><ul class="card flush list">${listed.slice(0, 40).map(row).join("")}</ul></main>`)),
  "/guest": html(guestPage.replaceAll(/<script[^>]*><\/script>/g, "").replaceAll(/href="[^"]*guest\.css"/g, 'href="/guest.css"')),
  "/app.js": { type: "text/javascript", body: react.outputFiles[0].text },
  "/app.css": { type: "text/css", body: css },
  "/guest.css": { type: "text/css", body: guestStyle },
  "/codes.json": { type: "application/json", body: JSON.stringify(listed) },
});

const shared = await cli("--home", home, "codes", "list");
const withLink = (shared.codes ?? shared).find((code) => code.kind === "guest");
const { link } = await cli("--home", home, "link", "show", withLink.id);

/** One visit with nothing cached: `{bytes, painted, usable}`, in kB and ms. */
async function visit(target, address, ready) {
  const session = await target.context().newCDPSession(target);
  await session.send("Network.enable");
  await session.send("Network.clearBrowserCache");
  await target.evaluate(async () => {
    for (const worker of (await navigator.serviceWorker?.getRegistrations?.()) ?? []) await worker.unregister();
    for (const name of (await globalThis.caches?.keys?.()) ?? []) await caches.delete(name);
  }).catch(() => {});
  await target.goto("about:blank");
  let bytes = 0;
  session.on("Network.loadingFinished", (event) => (bytes += event.encodedDataLength));
  await session.send("Network.emulateNetworkConditions", { offline: false, latency: SLOW.latency, downloadThroughput: SLOW.down, uploadThroughput: SLOW.up });
  await session.send("Emulation.setCPUThrottlingRate", { rate: SLOW.cpu });
  const begun = performance.now();
  await target.goto(address, { waitUntil: "commit" });
  await target.locator(ready).first().waitFor({ timeout: 60_000 });
  const usable = performance.now() - begun;
  await target.waitForLoadState("load");
  const first = () => performance.getEntriesByName("first-contentful-paint")[0]?.startTime;
  const painted = await (await target.waitForFunction(first)).jsonValue();
  // What is still on its way, such as the service worker's own copies, counts where the first visit waits for it.
  await target.waitForTimeout(300);
  return { session, bytes: bytes / 1000, painted, usable };
}

/** From key to paint of each key typed into the search, in ms (Event Timing; 8 ms steps). */
async function typing(target) {
  await target.evaluate(() => {
    globalThis.delays = [];
    const seen = (list) => list.getEntries().forEach((e) => e.interactionId && globalThis.delays.push(e.duration));
    new PerformanceObserver(seen).observe({ type: "event", durationThreshold: 16 });
  });
  const box = target.getByTestId("codes-search");
  await box.click();
  for (const key of "number 04") {
    await box.press(key === " " ? "Space" : key);
    await target.waitForTimeout(250);
  }
  return target.evaluate(() => globalThis.delays);
}

const ROW = '[data-testid="code-row"]';
const SIDES = {
  [`the portal, ${CODES} codes`]: { address: `${origin}/h/${home}/codes`, ready: ROW, types: true },
  [`React, ${CODES} codes`]: { address: `${fixed.origin}/react`, ready: ROW, types: true },
  "a static page, 40 rows": { address: `${fixed.origin}/static`, ready: ROW },
  "the guest page": { address: link, ready: "button:visible" },
  "the guest page without its script": { address: `${fixed.origin}/guest`, ready: "body" },
};
const other = (await profile(browser, { viewport: { width: 390, height: 844 } })).page;
const seen = Object.fromEntries(Object.keys(SIDES).map((name) => [name, { visits: [], delays: [] }]));
for (let round = 0; round < ROUNDS; round += 1) {
  for (const [name, { address, ready, types }] of Object.entries(SIDES)) {
    // Only the owner's profile can open the portal.
    const target = address.startsWith(`${origin}/h/`) ? page : other;
    const { session, ...figures } = await visit(target, address, ready);
    seen[name].visits.push(figures);
    if (types) seen[name].delays.push(...(await typing(target)));
    await session.send("Emulation.setCPUThrottlingRate", { rate: 1 });
    await session.detach();
  }
}
const middle = (values) => quantile([...values].sort((a, b) => a - b), 0.5);
const worst = (values) => quantile([...values].sort((a, b) => a - b), 0.98);
const rows = Object.entries(seen).map(([name, { visits, delays }]) => [
  name,
  middle(visits.map((v) => v.bytes)).toFixed(1),
  middle(visits.map((v) => v.painted)).toFixed(0),
  middle(visits.map((v) => v.usable)).toFixed(0),
  delays.length ? middle(delays).toFixed(0) : "",
  delays.length ? worst(delays).toFixed(0) : "",
]);
console.log(table(["page, first visit", "transfer kB", "first paint ms", "usable ms", "key to paint p50 ms", "p98 ms"], rows));
console.log(`\nChromium with the processor ${SLOW.cpu} times slower, ${SLOW.latency} ms and 1.6 Mbit/s; medians of ${ROUNDS} visits in turn with nothing cached.`);
await browser.close();
await hub.stop();
await server.stop();
edge.close();
fixed.close();
process.exit(0);

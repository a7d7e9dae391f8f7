// The portal with a large home, first and again, beside the same list with React and beside a static page, in Chromium on
// a slow profile; and the guest page beside a static one. All of them compressed as an edge compresses.

import { mkdir, readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";
import { launch, profile } from "../browser/lib/browser.mjs";
import { freePort, serve } from "../live/lib/server.mjs";
import { pages, proxy } from "./edge.mjs";
import { END, largeHome } from "./large_home.mjs";
import { quantile, table } from "./load.mjs";
import { SLOW, leave, typing, visit } from "./visit.mjs";
import { ROOT } from "./workerd.mjs";

const RUNS = process.env.RUN_DIR ?? join(ROOT, "target/bench");
const CODES = Number(process.env.BENCH_CODES ?? 500);
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 5);
/** So long, in ms, a first visit is left alone: what it keeps for the next one is kept by then. */
const SETTLE = 9_000;

await mkdir(RUNS, { recursive: true });
process.env.RUN_DIR = RUNS;
const port = await freePort();
const origin = `http://localhost:${port}`;
const server = await serve({ front: origin });
const edge = await proxy(port, server.origin);
const browser = await launch();
const { page, hub, home, names, link } = await largeHome(browser, server, origin, CODES);

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
const listed = names.map((label, n) => ({ id: `code-${n}`, label, when: `until ${END}`, state: "On the lock" }));
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

const ROW = '[data-testid="code-row"]';
const codes = `${origin}/h/${home}/codes`;
const other = (await profile(browser, { viewport: { width: 390, height: 844 } })).page;
// Only the owner's profile can open the portal. What a first visit leaves behind is what the next one finds.
const PORTAL = { address: codes, ready: ROW, target: page, line: edge.line, types: true };
const [FIRST, AGAIN] = [`the portal, ${CODES} codes`, `the portal, ${CODES} codes, again`];
const SIDES = {
  [FIRST]: { ...PORTAL, settle: SETTLE },
  [AGAIN]: { ...PORTAL, again: true },
  [`React, ${CODES} codes`]: { address: `${fixed.origin}/react`, ready: ROW, line: fixed.line, types: true },
  "a static page, 40 rows": { address: `${fixed.origin}/static`, ready: ROW, line: fixed.line },
  "the guest page": { address: link, ready: "button:visible", line: edge.line },
  "the guest page without its script": { address: `${fixed.origin}/guest`, ready: "body", line: fixed.line },
};
const seen = Object.fromEntries(Object.keys(SIDES).map((name) => [name, { visits: [], delays: [] }]));
for (let round = 0; round < ROUNDS; round += 1) {
  for (const [name, { address, ready, types, line, target = other, settle, ...how }] of Object.entries(SIDES)) {
    const { session, ...figures } = await visit(target, line, address, ready, how);
    seen[name].visits.push(figures);
    if (types) seen[name].delays.push(...(await typing(target)));
    await leave(target, line, session, settle);
  }
}

const sorted = (values) => [...values].sort((a, b) => a - b);
const middle = (values) => (values.length ? quantile(sorted(values), 0.5).toFixed(0) : "");
const worst = (values) => (values.length ? quantile(sorted(values), 0.98).toFixed(0) : "");
const rows = Object.entries(seen).map(([name, { visits, delays }]) => {
  const of = (what) => middle(visits.map((one) => one[what]));
  return [name, of("bytes"), of("painted"), of("usable"), middle(delays), worst(delays)];
});
console.log(table(["page", "kB until usable", "first paint ms", "usable ms", "key to paint p50 ms", "p98 ms"], rows));

// When the portal was how far, in ms from the start of the visit.
const STEPS = [
  ["document", "the static page is here"],
  ["files", "script and WASM are here"],
  ["started", "the app runs"],
  ["recalled", "what was kept is read"],
  ["answer", "the chain is here"],
  ["verified", "the chain is verified"],
  ["listed", "the list is made"],
  ["usable", "the list is on the screen"],
];
const at = (name, step) => middle(seen[name].visits.map((one) => (step === "usable" ? one.usable : one.steps[step])).filter(Boolean));
console.log(`\n${table(["the portal, by when, ms", "first", "again"], STEPS.map(([step, words]) => [words, at(FIRST, step), at(AGAIN, step)]))}`);
console.log(`\nChromium with the processor ${SLOW.cpu} times slower, ${SLOW.latency} ms and ${(SLOW.down * 8) / 1_000} Mbit/s; medians of ${ROUNDS} visits in turn.`);
await browser.close();
await hub.stop();
await server.stop();
edge.close();
fixed.close();
process.exit(0);

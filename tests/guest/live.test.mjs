// The guest page as the built Worker serves it: its headers, its service worker, a real link from first visit to
// revocation.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { cbor, record } from "../live/lib/crypto.mjs";
import { Home, Person } from "../live/lib/client.mjs";
import { serve } from "../live/lib/server.mjs";
import { makeLink } from "./stub.mjs";

const { chromium } = createRequire(import.meta.url)("playwright-core");
const CONTENT = { pin: "73920518", home: "", home_name: "Lake house", doors: ["Door"], label: "Anna", note: "Welcome" };

let server, browser, home, page, context, complaints;

before(async () => {
  server = await serve();
  home = await Home.create(await new Person(server.origin).signUp());
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
  context = await browser.newContext({ viewport: { width: 390, height: 844 } });
  page = await context.newPage();
  complaints = [];
  page.on("console", (m) => m.type() === "error" && !m.text().includes("Failed to load resource") && complaints.push(m.text()));
  page.on("pageerror", (e) => complaints.push(String(e)));
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const bytes = (text) => Buffer.from(text, "base64url");
const shows = (text) => page.getByText(text, { exact: false }).first().waitFor({ timeout: 15_000 });

/** A grant with a link whose content the Worker keeps. */
async function share() {
  const link = makeLink(CONTENT);
  const grant = home.grant();
  const sealed = record({ 1: 1, 2: Buffer.alloc(64, 7) });
  // Keys in ascending order, as they must be.
  const fields = [...grant[1], [14, record({ 1: link.idBytes, 2: sealed })]].sort(([a], [b]) => a - b);
  const op = home.op([grant[0], new Map(fields)]);
  const hash = createHash("sha256").update(bytes(link.auth)).digest();
  const upload = record({ 1: link.idBytes, 2: grant[1].get(1), 3: hash, 4: bytes(link.ct) });
  const answer = await home.send([op], { links: [upload] });
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  home.chain.push(op);
  return { link, id: grant[1].get(1) };
}

test("from the first visit to the revocation", async () => {
  const { link, id } = await share();
  await page.goto(server.origin + link.path);
  await shows("Your code is on its way");
  await shows("This code is being made ready.");
  await shows("in Lisbon time");
  const scope = await page.evaluate(() => navigator.serviceWorker.ready.then((r) => r.scope));
  assert.equal(scope, `${server.origin}/g/`);
  await page.getByRole("button", { name: "Show code" }).click();
  await page.locator("#pin").waitFor();
  assert.equal((await page.locator("#pin .digits").innerText()).replaceAll(/\s/g, ""), CONTENT.pin);
  await shows("Lake house");

  await context.setOffline(true);
  await page.reload();
  await shows("No network. Shown from this device.");
  await page.getByRole("button", { name: "Show code" }).click();
  await shows("Shown from this device, without a network.");
  assert.equal((await page.locator("#pin .digits").innerText()).replaceAll(/\s/g, ""), CONTENT.pin);

  await home.add([9, id]);
  await context.setOffline(false);
  await page.reload();
  await shows("This code was withdrawn");
  assert.equal(await page.evaluate(() => localStorage.length), 0);
  assert.deepEqual(complaints, []);
});

test("the page says nothing of the link, and its headers are strict", async () => {
  const { link } = await share();
  const [one, other] = await Promise.all(
    [link.id, "a".repeat(26)].map(async (id) => {
      const response = await fetch(`${server.origin}/g/${id}`);
      return { text: await response.text(), headers: response.headers };
    }),
  );
  assert.equal(one.text, other.text, "the same page for every link");
  const policy = one.headers.get("content-security-policy");
  assert.match(policy, /script-src 'self';/);
  assert.doesNotMatch(policy, /unsafe|\*|https?:/);
  assert.equal(one.headers.get("referrer-policy"), "no-referrer");
  assert.equal(one.headers.get("x-content-type-options"), "nosniff");
  assert.match(one.headers.get("x-robots-tag"), /noindex/);
});

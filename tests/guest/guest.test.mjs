// The guest page in Chromium, in every state. `GUEST_SHOTS=dir` keeps screenshots.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { after, before, beforeEach, test } from "node:test";
import { calendar } from "../../worker/guest/lib/ics.js";
import { derive, fromB64, open } from "../../worker/guest/lib/link.js";
import { build, makeLink, serve, transferSize } from "./stub.mjs";

const require = createRequire(process.env.GUEST_NODE_MODULES ?? import.meta.url);
const { chromium } = require("playwright-core");
const SHOTS = process.env.GUEST_SHOTS;
const HOUR = 3_600;
const now = () => Math.floor(Date.now() / 1000);
const CONTENT = {
  pin: "482913",
  home: "aaaaaaaaaaaaaaaaaaaaaaaaaa",
  home_name: "Rua das Flores 7",
  doors: ["Front door", "Garage"],
  label: "Anna",
  note: "The garage light is on the left.\nHave a lovely stay!",
};

let files, stub, browser, context, page, link, complaints;

const door = (more) => ({
  name: "Front door",
  state: "on_lock",
  opens: true,
  sentence: "This code opens the door now until Sun 29 Nov 2026 at 11:00.",
  verified_at: now() - 300,
  ...more,
});
const status = (more) => ({
  state: "live",
  label: "Anna",
  not_before: now() - 20 * HOUR,
  expires: now() + 45 * HOUR,
  zone: "Europe/Lisbon",
  schedule_text: "Every day 09:00–22:00, from 24 Nov to 29 Nov 2026",
  doors: [door(), door({ name: "Garage" })],
  checked_at: now(),
  ...more,
});
/** The API says this from now on. */
const says = (body) => (stub.answer = ({ action, link: { ct } }) => ({ body: action === "reveal" ? { ct, status: body } : body }));
const fails = (code, headers, body = { code: "x.y" }) => (stub.answer = () => ({ code, headers, body }));
const title = () => page.locator("#title").innerText();
const shows = (text) => page.getByText(text, { exact: false }).first().waitFor({ timeout: 8_000 });
const visit = (path = link.path) => page.goto(stub.origin + path);
const shell = () => page.evaluate(() => navigator.serviceWorker.ready.then(() => caches.keys()));
const keptKeys = () => page.evaluate(() => Object.keys(localStorage));
const reveal = async () => {
  await page.getByRole("button", { name: "Show code" }).click();
  await page.locator("#pin").waitFor();
};

async function shot(name, sizes = [390, 1440]) {
  if (!SHOTS) return;
  for (const width of sizes) {
    for (const colorScheme of ["light", "dark"]) {
      await page.setViewportSize({ width, height: width < 700 ? 844 : 900 });
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await page.screenshot({ path: `${SHOTS}/${name}-${width}-${colorScheme}.png`, fullPage: true });
    }
  }
}

async function fresh(options) {
  await context?.close();
  context = await browser.newContext({ timezoneId: "Europe/Lisbon", viewport: { width: 390, height: 844 }, ...options });
  page = await context.newPage();
  page.on("console", (m) => m.type() === "error" && complaints.push(m.text()));
  page.on("pageerror", (e) => complaints.push(String(e)));
}

before(async () => {
  files = await build(require("esbuild"));
  stub = await serve(files);
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
});
after(async () => {
  await browser?.close();
  await stub?.close();
});
beforeEach(async () => {
  complaints = [];
  stub.seen.length = 0;
  link = makeLink(CONTENT);
  stub.links.set(link.id, link);
  says(status());
  await fresh();
});
/** Nothing was blocked by the policy, and nothing threw. Refused requests are expected to be logged. */
const quiet = () => assert.deepEqual(complaints.filter((c) => !c.includes("Failed to load resource")), []);

test("derivation and decryption agree with node:crypto", async () => {
  const mine = await derive(fromB64(link.secret));
  assert.deepEqual([mine.id, mine.auth], [link.id, link.auth]);
  assert.deepEqual(await open(mine, link.ct), { v: 1, ...CONTENT });
  const other = await derive(fromB64(makeLink(CONTENT).secret));
  await assert.rejects(open(other, link.ct), "another link's key and id open nothing");
  const bytes = Buffer.from(link.ct, "base64url");
  bytes[20] ^= 1;
  await assert.rejects(open(mine, bytes.toString("base64url")));
  for (const bad of ["a", "AB", "A==", "A+/A", "é"]) assert.equal(fromB64(bad), null, bad);
});

test("html, css and js together are within 14 kB", () => {
  const size = transferSize(files);
  console.log(`guest page: ${size} bytes brotli`);
  assert.ok(size <= 14_000, `${size}`);
});

test("shows where, when and whether the lock has it, and sends no secret", async () => {
  await visit();
  await shows("Your code works now");
  assert.equal(await page.locator("#doors li").count(), 2);
  await shows("Confirmed on the lock");
  await shows("Times at the home, in Lisbon time.");
  assert.equal(await page.getByText("On your clock").count(), 0, "the same clock needs no second line");
  await shot("live");
  assert.ok(!stub.seen.some((r) => r.url.endsWith("/reveal")), "a visit reveals nothing");
  await reveal();
  assert.equal(await page.locator("#pin .digits").innerText(), "482\n913");
  await shows("Rua das Flores 7");
  await shows("Have a lovely stay!");
  await shows("Type the 6 digits");
  await shot("revealed");
  for (const { url, body, headers } of stub.seen) {
    const all = url + body + JSON.stringify(headers);
    assert.ok(!all.includes(link.secret) && !all.includes("482913"), url);
    assert.ok(!headers.referer?.includes("/g/"), "no referrer names a link");
  }
  const stored = await page.evaluate(() => JSON.stringify(localStorage));
  assert.ok(!stored.includes("482913") && !stored.includes(link.secret));
  assert.equal(await page.evaluate(() => location.hash.slice(1)), link.secret, "reloading must work");
  quiet();
});

test("copies, hides by hand and when left", async () => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: stub.origin });
  await visit();
  await reveal();
  assert.equal(await page.evaluate(() => document.activeElement.id), "pin");
  await page.getByRole("button", { name: "Copy" }).click();
  await shows("Copied");
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), "482913");
  await page.getByRole("button", { name: "Hide" }).click();
  assert.equal(await page.locator("#pin").count(), 0);
  assert.equal(await page.evaluate(() => document.activeElement.id), "reveal");
  await reveal();
  await page.evaluate(() => {
    Object.defineProperty(document, "hidden", { value: true, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  });
  assert.equal(await page.locator("#pin").count(), 0);
  assert.ok(!(await page.content()).includes("913"));
  quiet();
});

const LATER = "This code opens the door from Fri 27 Nov 2026 at 15:00.";
const SOON = { opens: false, verified_at: undefined, sentence: "This code is being made ready.", next_step: "Look again in a few minutes." };
const PHASES = {
  starts: [{ not_before: now() + 50 * HOUR, expires: now() + 90 * HOUR, doors: [door({ state: "scheduled", opens: false, verified_at: undefined, sentence: LATER })] }, "Your code starts later"],
  hours: [{ doors: [door({ state: "outside_hours", opens: false, verified_at: undefined, sentence: LATER })] }, "Outside your hours"],
  soon: [{ doors: [door({ ...SOON, state: "writing" }), door({ ...SOON, name: "Garage", state: "waiting_for_hub" })] }, "Your code is on its way"],
  paused: [{ doors: [door({ state: "suspended", opens: false, sentence: "This code is paused." })] }, "Your code is paused"],
  some: [{ doors: [door(), door({ name: "Garage", state: "failed", opens: false, verified_at: undefined, sentence: "This code is not ready at the door.", next_step: "Ask the person who gave you the code." })] }, "Your code works on 1 of 2 doors"],
  failed: [{ doors: [door({ state: "failed", opens: false, verified_at: undefined, sentence: "This code is not ready at the door." })] }, "Your code does not work right now"],
  unconfirmed: [{ doors: [door({ state: "written_unconfirmed", verified_at: undefined, sentence: "This code should open the door now. The lock cannot confirm it." })] }, "Your code works now"],
};
test("says why it does not open", async (t) => {
  for (const [name, [more, expected]] of Object.entries(PHASES)) {
    await t.test(name, async () => {
      const body = status(more);
      says(body);
      await visit();
      await shows(expected);
      for (const d of body.doors) await shows(d.sentence);
      const claims = await page.getByText("Confirmed on the lock").count();
      assert.equal(claims, body.doors.filter((d) => d.state === "on_lock").length, "nothing unobserved is claimed");
      await shot(name, [390]);
      quiet();
    });
  }
});

test("tells the guest's own clock apart from the home's", async () => {
  await fresh({ timezoneId: "Asia/Tokyo" });
  await visit();
  await shows("On your clock:");
  await shot("zone", [390]);
});

test("an end without end, and a zone that the browser does not know", async () => {
  says(status({ expires: undefined, zone: "Mars/Olympus" }));
  await visit();
  await shows("with no set end");
  await shows("in UTC.");
  quiet();
});

test("withdrawn, over and gone: says so, keeps nothing, asks no more", async (t) => {
  const ends = {
    revoked: [() => says(status({ state: "revoked" })), "This code was withdrawn"],
    over: [() => says(status({ state: "over" })), "This code is over"],
    ended: [() => says(status({ expires: now() - 5 })), "This code is over"],
    gone: [() => fails(404), "This code is no longer available"],
  };
  for (const [name, [change, expected]] of Object.entries(ends)) {
    await t.test(name, async () => {
      says(status());
      await visit();
      await reveal();
      assert.equal((await keptKeys()).length, 1);
      change();
      await page.reload();
      await shows(expected);
      assert.deepEqual(await keptKeys(), []);
      assert.equal(await page.locator("#pin").count(), 0);
      assert.equal(await page.getByRole("button").count(), 0);
      await shot(`end-${name}`, [390]);
      quiet();
    });
  }
});

test("a code that is shown goes when it is withdrawn", async () => {
  await visit();
  await reveal();
  says(status({ state: "revoked" }));
  await page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
  await shows("This code was withdrawn");
  assert.ok(!(await page.content()).includes("913"));
});

test("incomplete and damaged links never reach the server", async (t) => {
  const wrong = makeLink(CONTENT).secret;
  const cases = {
    none: [`/g/${link.id}`, "This link is incomplete"],
    short: [`/g/${link.id}#${link.secret.slice(0, 15)}`, "This link is incomplete"],
    long: [`/g/${link.id}#${link.secret}A`, "This link is incomplete"],
    other: [`/g/${link.id}#${wrong}`, "This link is damaged"],
  };
  for (const [name, [path, expected]] of Object.entries(cases)) {
    await t.test(name, async () => {
      await fresh();
      stub.seen.length = 0;
      await visit(path);
      await shows(expected);
      assert.ok(!stub.seen.some((r) => r.method === "POST"));
      await shot(`link-${name}`, [390]);
      quiet();
    });
  }
});

test("a link that the server does not know", async () => {
  stub.links.clear();
  await visit();
  await shows("There is nothing behind this link");
  quiet();
});

test("without a network after the first load", async () => {
  await visit();
  await shows("Your code works now");
  await shell();
  await reveal();
  await context.setOffline(true);
  await page.reload();
  await shows("No network. Shown from this device.");
  assert.match(await title(), /^Your code, as of \d\d:\d\d$/);
  await shows(": “This code opens the door now until Sun 29 Nov 2026 at 11:00.”");
  assert.match(await page.locator("#fresh").innerText(), /^As of \d\d:\d\d$/);
  await shot("offline");
  await reveal();
  await shows("Shown from this device, without a network.");
  assert.equal(await page.locator("#pin .digits").innerText(), "482\n913");
  await shot("offline-revealed", [390]);
  await context.setOffline(false);
  await shows("Your code works now");
  const other = makeLink(CONTENT);
  await context.setOffline(true);
  await visit(other.path);
  await shows("No network");
  await shot("offline-unseen", [390]);
  quiet();
});

test("without a network before the first reveal there is no code to show", async () => {
  await visit();
  await shows("Your code works now");
  await shell();
  await context.setOffline(true);
  await page.getByRole("button", { name: "Show code" }).click();
  await page.getByRole("alert").getByText("No network").waitFor();
  await shot("offline-unrevealed", [390]);
});

test("a device whose clock is days ahead is told what is true", async () => {
  await page.clock.setFixedTime(Date.now() + 3 * 24 * HOUR * 1000);
  await visit();
  await shows("Your code works now");
  await shell();
  await context.setOffline(true);
  await page.reload();
  await shows("No network. Shown from this device.");
  assert.match(await title(), /^Your code, as of/);
  quiet();
});

test("with the server gone the page still opens, and an end is kept to", async () => {
  says(status({ expires: now() + 4 }));
  await visit();
  await shows("Your code works now");
  await shell();
  stub.answer = () => ({ code: 502, body: "<html>bad gateway</html>" });
  await page.reload();
  await shows("Latchkey does not answer just now");
  await page.waitForTimeout(4_500);
  await page.reload();
  await shows("This code is over");
  quiet();
});

test("the network's own trouble is told apart", async () => {
  fails(429, { "retry-after": "60" });
  await visit();
  await shows("Too many tries");
  await shot("limited", [390]);
  stub.answer = () => ({ body: "<html>captive portal</html>" });
  await page.getByRole("button", { name: "Try again" }).click();
  await shows("Latchkey does not answer");
  says({ login: "required" });
  await page.getByRole("button", { name: "Try again" }).click();
  await shows("Latchkey does not answer");
  says(status());
  // The page also asks by itself, and may be faster.
  await page.getByRole("button", { name: "Try again" }).click({ timeout: 5_000 }).catch(() => {});
  await shows("Your code works now");
  fails(429);
  await page.getByRole("button", { name: "Show code" }).click();
  await page.getByRole("alert").getByText("Too many tries").waitFor();
  quiet();
});

test("a code that was changed since is not shown from the device", async () => {
  await visit();
  await reveal();
  stub.answer = ({ action }) => (action === "reveal" ? { code: 409, body: { code: "link.changed" } } : { body: status() });
  await page.getByRole("button", { name: "Hide" }).click();
  await page.getByRole("button", { name: "Show code" }).click();
  await page.getByRole("alert").getByText("The code was changed").waitFor();
  await shot("changed", [390]);
  assert.ok(!(await page.evaluate(() => JSON.stringify(localStorage))).includes(link.ct.slice(0, 20)));
  assert.equal(await title(), "Your code works now");
  quiet();
});

test("a ciphertext of another link is refused", async () => {
  const body = status();
  const foreign = makeLink({ ...CONTENT, pin: "999111" });
  stub.answer = ({ action }) => ({ body: action === "reveal" ? { ct: foreign.ct, status: body } : body });
  await visit();
  await page.getByRole("button", { name: "Show code" }).click();
  await shows("The code could not be decrypted");
});

test("names are text, never markup", async () => {
  const evil = `<img src=x onerror="document.title='owned'">`;
  link = makeLink({ ...CONTENT, note: evil, home_name: evil });
  stub.links.set(link.id, link);
  says(status({ doors: [door({ name: evil, sentence: evil, next_step: evil })], schedule_text: evil }));
  await visit();
  await reveal();
  assert.equal(await page.locator("main img").count(), 0);
  assert.notEqual(await page.title(), "owned");
  quiet();
});

test("every length of code stands on one line", async () => {
  for (const [length, width] of [[4, 320], [6, 320], [7, 320], [8, 320], [10, 320], [8, 390], [10, 390], [8, 1440], [10, 1440]]) {
    link = makeLink({ ...CONTENT, pin: "4829137056".slice(0, length) });
    stub.links.set(link.id, link);
    await page.setViewportSize({ width, height: 800 });
    await visit();
    await reveal();
    const lines = await page.locator("#pin .digits").evaluate((el) => el.offsetHeight / parseFloat(getComputedStyle(el).fontSize));
    assert.ok(lines < 1.5, `${length} digits at ${width} px`);
    const wide = await page.locator("#pin .digits").evaluate((el) => el.scrollWidth - el.parentElement.clientWidth);
    assert.ok(wide <= 0, `${length} digits are too wide at ${width} px`);
  }
});

test("long names and long codes fit 320 pixels", async () => {
  link = makeLink({ ...CONTENT, pin: "4829137056" });
  stub.links.set(link.id, link);
  says(status({ doors: [door({ name: "Donaudampfschifffahrtsgesellschaftskapitänskajüte" }), door({ name: "Garage" })] }));
  await page.setViewportSize({ width: 320, height: 640 });
  await visit();
  await reveal();
  const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(over <= 0, `${over} px too wide`);
  for (const b of await page.getByRole("button").all()) assert.ok((await b.boundingBox()).height >= 44);
  await shot("narrow", [320]);
});

test("calendar files are RFC 5545 and hold no code", async () => {
  await visit();
  await reveal();
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Add to calendar" }).click()]);
  assert.equal(download.suggestedFilename(), "door-code.ics");
  const chunks = [];
  for await (const chunk of await download.createReadStream()) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString();
  assert.match(text, /^BEGIN:VCALENDAR\r\nVERSION:2.0\r\n[^]*DTSTART:\d{8}T\d{6}Z\r\nDTEND:\d{8}T\d{6}Z\r\n[^]*END:VCALENDAR\r\n$/);
  for (const secret of ["482913", link.secret, link.auth]) assert.ok(!text.includes(secret));
  const odd = calendar({ id: "x", stamp: 0, from: 1_795_000_000, to: 1_795_100_000, title: "a;b,c\\d", body: `${"é".repeat(80)}\nEND:VEVENT` });
  assert.ok(odd.includes("SUMMARY:a\\;b\\,c\\\\d\r\n"));
  assert.equal(odd.match(/^END:VEVENT/gm).length, 1, "text cannot end the event");
  for (const line of odd.split("\r\n")) assert.ok(Buffer.byteLength(line) <= 75, line);
  assert.ok(odd.replaceAll("\r\n ", "").includes(`${"é".repeat(80)}\\nEND:VEVENT`));
  quiet();
});

const unix = (text) => Date.parse(text) / 1000;

test("weekly hours are an event per row, with the zone's rules, an end and the days off", () => {
  const from = unix("2026-10-20T10:00:00Z");
  // Tuesdays and Wednesdays 8:45 to 12:30, and Sundays 23:00 to 02:00 on Monday.
  const week = [[1440 + 525, 1440 + 750], [2880 + 525, 2880 + 750], [10_080 - 60, 10_080 + 120]];
  const event = { id: "x", stamp: from, from, to: unix("2026-12-01T00:00:00Z"), zone: "Europe/Lisbon", week, off: ["2026-10-28", "2026-10-29", "2026-11-01", "2026-11-03"], title: "t", body: "b" };
  const lines = calendar(event).split("\r\n");
  assert.equal(lines.filter((line) => line === "BEGIN:VEVENT").length, 2, "one for each pair of hours");
  const has = (...wanted) => wanted.forEach((line) => assert.ok(lines.includes(line), `${line}\n${lines.join("\n")}`));
  // It is Tuesday, 11:00 in Lisbon: that day's hours still run.
  has("DTSTART;TZID=Europe/Lisbon:20261020T084500", "DTEND;TZID=Europe/Lisbon:20261020T123000");
  has("RRULE:FREQ=WEEKLY;BYDAY=TU,WE;UNTIL=20261130T235959Z", "EXDATE;TZID=Europe/Lisbon:20261028T084500,20261103T084500");
  has("DTSTART;TZID=Europe/Lisbon:20261025T230000", "DTEND;TZID=Europe/Lisbon:20261026T020000");
  has("RRULE:FREQ=WEEKLY;BYDAY=SU;UNTIL=20261130T235959Z", "EXDATE;TZID=Europe/Lisbon:20261101T230000");
  // The clock goes back on 25 October at 2:00.
  has("BEGIN:VTIMEZONE", "TZID:Europe/Lisbon", "DTSTART:20261025T020000", "TZOFFSETFROM:+0100", "TZOFFSETTO:+0000");
  assert.equal(lines.filter((line) => line === "BEGIN:STANDARD").length, 2, "the offset before, and one change");
  assert.equal(lines.filter((line) => line.startsWith("UID:")).length, new Set(lines.filter((line) => line.startsWith("UID:"))).size);
});

test("a calendar entry of hours that never come is none, and one without an end has none", () => {
  const from = unix("2026-10-20T10:00:00Z");
  const event = { id: "x", stamp: from, from, to: from + 3600, zone: "Asia/Kathmandu", week: [[0, 60]], title: "t", body: "b" };
  assert.ok(!calendar(event).includes("VEVENT"));
  const endless = calendar({ ...event, to: undefined });
  assert.match(endless, /RRULE:FREQ=WEEKLY;BYDAY=MO\r\n/);
  assert.match(endless, /TZOFFSETTO:\+0545\r\n/);
});

test("a stay, uses that are left, and times that change while it is open", async () => {
  says(status({ stay: 48 * HOUR, uses_left: 2, schedule_text: "" }));
  await visit();
  await shows("From its first use on it works for 2 days.");
  await shows("You can use it 2 more times.");
  await shows("at the latest");
  await shot("stay", [390]);
  says(status({ stay: undefined, uses_left: 1, schedule_text: "", expires: now() + 100 * HOUR }));
  await page.evaluate(() => dispatchEvent(new Event("online")));
  await shows("You can use it once more.");
  assert.equal(await page.getByText("From its first use on").count(), 0);
  says(status({ uses_left: 0, doors: [door({ state: "expired", opens: false, sentence: "This code was used as often as it could be." })] }));
  await page.evaluate(() => dispatchEvent(new Event("online")));
  await shows("Your code is used up");
  assert.equal(await page.getByText("more time").count(), 0);
  quiet();
});

test("a device forgets stays that ended long ago", async () => {
  await visit();
  await page.evaluate(() => localStorage.setItem("latchkey/g/old", JSON.stringify({ seen: 2_000, status: { expires: 3_000, checked_at: 2_500 } })));
  await page.reload();
  await shows("Your code works now");
  assert.deepEqual(await keptKeys(), [`latchkey/g/${link.id}`]);
});

test("works without script only as far as words go", async () => {
  await fresh({ javaScriptEnabled: false });
  await visit();
  assert.ok(await page.locator("noscript .lone").isVisible());
});

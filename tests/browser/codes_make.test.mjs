// Making codes of every kind, in Chromium, with a hub and simulated locks.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { hook } from "./lib/browser.mjs";
import { lockState, makeCode, showPin } from "./lib/portal.mjs";
import { household } from "./lib/stack.mjs";
import { until } from "./lib/steps.mjs";

const FRONT = "Front door";
let all, page, hub, at;

before(async () => {
  all = await household();
  ({ page, hub, at } = all);
});
after(() => all?.stop());

const text = (name) => hook(page, name).innerText();
const ofCode = () => page.waitForURL(/\/codes\/[a-z2-7]{26}$/);
const door = (name) => page.locator(`[data-testid="code-lock"][data-name="${name}"]`);

/** Opens the form and fills in what every code has. */
async function begin(label, kind = "guest") {
  await page.goto(at("codes/new"));
  await hook(page, `kind-${kind}`).check();
  await hook(page, "code-label").fill(label);
  await door(FRONT).check();
}

/** Saves, and gives the code's id. */
async function save() {
  await hook(page, "code-save").click();
  await ofCode();
  return new URL(page.url()).pathname.split("/").pop();
}

test("a family code has no end and no link, and opens at once", async () => {
  await begin("Ada", "standard");
  assert.match(await text("code-preview"), /^From /);
  assert.match(await text("code-next"), /^Opens at once, without an end\.$/);
  assert.equal(await hook(page, "code-note").count(), 0, "no guest, no note");
  await hook(page, "code-holder").selectOption({ label: "Ada Admin" });
  await save();
  await lockState(page, FRONT, "on_lock");
  assert.equal(await text("code-kind"), "Household");
  assert.equal(await hook(page, "link-url").count(), 0);
  const pin = await showPin(page);
  assert.equal((await hub.keypad(FRONT, pin)).opened, true);
  await until("the use is counted", async () => (await text("code-used")) === "Once");
  await hook(page, "link-make").click();
  await hook(page, "link-url").waitFor();
  await lockState(page, FRONT, "on_lock");
  assert.equal(await hook(page, "pin-value").getAttribute("data-pin"), pin);
});

test("weekly rows, past midnight, days off and buffers, said in a sentence", async () => {
  await begin("Cleaner");
  await hook(page, "when-weekly").check();
  await hook(page, "more-hours").click();
  await hook(page, "weekly-from").nth(1).fill("22:00");
  await hook(page, "weekly-to").nth(1).fill("06:00");
  await page.getByText("Ends on the next day.").waitFor();
  await hook(page, "weekly-until").fill("2027-12-31");
  await hook(page, "code-more").click();
  await hook(page, "day-off").fill("2027-12-24");
  await hook(page, "day-off-add").click();
  await hook(page, "buffer-before").selectOption("15");
  await hook(page, "often-times").check();
  await hook(page, "uses-max").fill("0");
  await hook(page, "code-save").click();
  assert.equal(await hook(page, "error").getAttribute("data-code"), "grant.uses", "a bad number says so and saves nothing");
  await hook(page, "uses-max").fill("30");
  const sentence = await text("code-preview");
  assert.match(sentence, /^Tuesdays 09:00–12:00; weekends 22:00–06:00 the next day, from .*, not on 24 Dec 2027, from 15 min before$/);
  assert.match(await text("code-next"), /^Opens .* at .*, closes .* at .*\.$/);
  assert.equal(await text("code-uses"), "Opens up to 30 times.");
  await save();
  assert.match(await text("code-when"), /weekends 22:00–06:00 the next day/);
  assert.equal(await text("code-used"), "0 of 30, 30 left");
  // The same in the week after this one, as bars and as a list.
  await page.goto(at("schedule"));
  await hook(page, "week-after").click();
  const lane = page.locator('[data-testid="week-lane"][data-label="Cleaner"]');
  assert.equal(await lane.getAttribute("data-bars"), "4", "Sunday night of the week before, Tuesday, Saturday, Sunday");
  await hook(page, "week-list").check();
  const rows = page.locator('[data-testid="week-row"][data-label="Cleaner"]');
  await rows.filter({ hasText: "08:45 to 12:00" }).waitFor();
  assert.equal(await rows.count(), 4);
});

test("a typed PIN is judged as one types, and one that is taken is refused", async () => {
  const made = await makeCode(page, all.home, { label: "First", doors: [FRONT], seconds: 7_200 });
  assert.ok(made.code);
  const pin = await showPin(page);
  await begin("Second");
  assert.match(await text("pin-left"), /^About [\d,]+ PINs of \d digits are left\.$/);
  await hook(page, "pin-typed").check();
  await hook(page, "pin-input").fill("2580");
  await page.getByText("Avoid following a line on the keypad").waitFor();
  await hook(page, "pin-input").fill(pin);
  await page.getByText("Another code has this PIN. Pick another.").waitFor();
  await hook(page, "code-save").click();
  assert.equal(await hook(page, "error").getAttribute("data-code"), "pin.refused");
  await hook(page, "pin-input").fill("739164");
  await page.getByText("A good PIN").waitFor();
  await save();
  assert.equal(await showPin(page), "739164");
});

test("would it open then: every door says why, at any moment", async () => {
  await begin("Later");
  await hook(page, "when-custom").check();
  await hook(page, "custom-from").fill("2028-03-01T10:00");
  await hook(page, "custom-to").fill("2028-03-03T10:00");
  await save();
  await hook(page, "moment-open").click();
  const answer = hook(page, "moment-answer");
  const ask = async (when, opens, reason) => {
    await hook(page, "moment-at").fill(when);
    await until(`${when}: ${reason}`, async () => (await answer.getAttribute("data-reason")) === reason);
    assert.equal(await answer.getAttribute("data-opens"), String(opens), when);
  };
  await ask("2028-03-02T12:00", true, "will_open");
  await ask("2028-02-01T12:00", false, "not_yet");
  await ask("2028-03-03T10:00", false, "over");
});

test("a duress code looks like any other of the household, and is told after the passkey", async () => {
  await begin("Ada evening", "duress");
  await hook(page, "duress-note").waitFor();
  const code = await save();
  await lockState(page, FRONT, "on_lock");
  const pin = await showPin(page);
  assert.equal(await text("code-kind"), "Household");
  assert.equal((await hub.keypad(FRONT, pin)).opened, true);
  await page.locator('[data-testid="history-row"][data-kind="CodeUsed"]').first().waitFor();
  await page.goto(at("activity"));
  await page.locator(`[data-testid="event-row"][data-kind="CodeUsed"][data-grant="${code}"]`).first().waitFor();
  for (const path of ["activity", "codes", `codes/${code}`, `codes/${code}/edit`, "schedule", "today"]) {
    await page.goto(at(path));
    await page.locator("h1").waitFor();
    await page.waitForTimeout(400);
    assert.doesNotMatch(await page.locator("body").innerHTML(), /duress|silent/i, path);
  }
  await page.goto(at("settings"));
  await hook(page, "duress-show").click();
  assert.equal(await hook(page, "duress-code").count(), 0, "nothing before the passkey");
  await hook(page, "duress-confirm").click();
  await page.locator('[data-testid="duress-code"][data-label="Ada evening"]').waitFor();
  assert.match(await text("duress-alarm"), /Ada evening opened Front door/);
  await hook(page, "duress-hide").click();
  assert.equal(await hook(page, "duress-code").count(), 0);
});

test("quiet days hold for guests, and only for them", async () => {
  await page.goto(at("settings"));
  const day = new Date(Date.now() + 40 * 86_400_000).toISOString().slice(0, 10);
  await hook(page, "quiet-day").fill(day);
  await hook(page, "quiet-day-add").click();
  await hook(page, "rules-save").click();
  await until("the rules are saved", async () => (await hook(page, "rules-save").count()) === 0);
  const ask = async (kind, expected) => {
    await begin(`Quiet ${kind}`, kind);
    await hook(page, "when-custom").check();
    await hook(page, "custom-from").fill(`${day}T08:00`);
    if (kind !== "guest") await hook(page, "when-no-end").uncheck();
    await hook(page, "custom-to").fill(`${new Date(Date.now() + 42 * 86_400_000).toISOString().slice(0, 10)}T08:00`);
    await save();
    await hook(page, "moment-open").click();
    await hook(page, "moment-at").fill(`${day}T12:00`);
    await until(`${kind}: ${expected}`, async () => (await hook(page, "moment-answer").getAttribute("data-reason")) === expected);
  };
  await ask("guest", "quiet_day");
  await ask("primary", "will_open");
});

test("on a phone nothing is wider than the screen", async () => {
  const { code } = await makeCode(page, all.home, { label: "A guest with quite a long name", doors: [FRONT], seconds: 7_200 });
  await page.setViewportSize({ width: 390, height: 844 });
  const fits = async (path) => {
    await page.goto(at(path));
    await page.locator("h1").waitFor();
    await page.waitForTimeout(300);
    const [wide, room] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    assert.ok(wide <= room, `${path}: ${wide} of ${room}`);
  };
  for (const path of [`codes/${code}`, `codes/${code}/edit`, "schedule", "settings"]) await fits(path);
  await fits("codes/new");
  await hook(page, "when-weekly").check();
  await hook(page, "more-hours").click();
  await hook(page, "code-more").click();
  const [wide, room] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  assert.ok(wide <= room, `the whole form: ${wide} of ${room}`);
  assert.deepEqual(all.seen.trouble, []);
});

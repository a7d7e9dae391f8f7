// What becomes of a code after it was made: edited, extended, suspended, ended, by two people at once.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { hook, profile } from "./lib/browser.mjs";
import { lockState, makeCode, openCode, showPin } from "./lib/portal.mjs";
import { household } from "./lib/stack.mjs";
import { until } from "./lib/steps.mjs";

const FRONT = "Front door";
let all, page, hub, at, code, pin, link, guest;

before(async () => {
  all = await household();
  ({ page, hub, at } = all);
  await page.goto(at("codes/new"));
  ({ code } = await makeCode(page, all.home, { label: "Anna", doors: [FRONT], seconds: 7_200 }));
  await lockState(page, FRONT, "on_lock");
  pin = await showPin(page);
  link = await hook(page, "link-url").inputValue();
  guest = await profile(all.browser, { viewport: { width: 390, height: 844 } });
});
after(() => all?.stop());

const opens = async () => (await hub.keypad(FRONT, pin)).opened;
const ends = async (on = page) => Number(await hook(on, "code-ends").getAttribute("data-ends"));
const guestPin = async () => {
  await guest.page.getByRole("button", { name: "Show code" }).click();
  return (await guest.page.locator("#pin .digits").innerText()).replaceAll(/\s/g, "");
};
const edit = async (on = page) => {
  await on.goto(at(`codes/${code}/edit`));
  await hook(on, "code-label").waitFor();
};

test("an edit keeps PIN and link; the guest sees the new name and note", async () => {
  await guest.page.goto(link);
  assert.equal(await guestPin(), pin);
  await edit();
  assert.equal(await hook(page, "pin-keep").isChecked(), true);
  await hook(page, "code-label").fill("Anna B.");
  await hook(page, "code-note").fill("Mind the step.");
  await page.locator('[data-testid="code-lock"][data-name="Garden gate"]').check();
  await hook(page, "code-save").click();
  await page.waitForURL(new RegExp(`/codes/${code}$`));
  await lockState(page, "Garden gate", "on_lock");
  assert.equal(await hook(page, "link-url").inputValue(), link);
  assert.equal(await hook(page, "code-title").innerText(), "Anna B.");
  assert.equal(await showPin(page), pin);
  assert.ok(await opens());
  await guest.page.reload();
  await guest.page.getByText("Garden gate").first().waitFor();
  assert.equal(await guestPin(), pin);
  await guest.page.getByText("Mind the step.").waitFor();
  await edit();
  await until("the note is read back", async () => (await hook(page, "code-note").inputValue()) === "Mind the step.");
  await hook(page, "code-save").click();
  await page.getByText("Nothing was changed.").waitFor();
});

test("an hour more, a day more, until a moment: the same PIN, and the open guest page follows", async () => {
  await openCode(page, all.home, code);
  const first = await ends();
  await hook(page, "extend-hour").click();
  await until("an hour more", async () => (await ends()) === first + 3_600);
  await hook(page, "extend-day").click();
  await until("a day more", async () => (await ends()) === first + 3_600 + 86_400);
  await lockState(page, FRONT, "on_lock");
  assert.ok(await opens());
  await hook(page, "extend-until").click();
  await hook(page, "until-at").fill("2020-01-01T10:00");
  await hook(page, "until-save").click();
  await page.locator('dialog[open] [data-code="schedule.past"]').waitFor();
  assert.equal(await ends(), first + 3_600 + 86_400, "a bad end changes nothing");
  await hook(page, "until-at").fill("2031-05-06T07:08");
  await hook(page, "until-save").click();
  await until("until then", async () => new Date((await ends()) * 1_000).toISOString() === "2031-05-06T06:08:00.000Z");
  await guest.page.evaluate(() => dispatchEvent(new Event("online")));
  await guest.page.getByText("6 May 2031").first().waitFor();
  assert.equal(await hook(page, "link-url").inputValue(), link);
});

test("suspended it opens nothing, resumed it opens again", async () => {
  await openCode(page, all.home, code);
  await hook(page, "code-suspend").click();
  await lockState(page, FRONT, "suspended");
  assert.equal(await opens(), false);
  await guest.page.evaluate(() => dispatchEvent(new Event("online")));
  await guest.page.getByText("Your code is paused").first().waitFor();
  await hook(page, "code-resume").click();
  await lockState(page, FRONT, "on_lock");
  assert.equal(await opens(), true);
  await page.getByText("You suspended it.").waitFor();
  await page.getByText("You let it go on.").waitFor();
});

test("two at once: one wins, the other is told and keeps what was typed", async () => {
  const other = await page.context().newPage();
  await edit(other);
  await edit();
  await hook(page, "code-label").fill("Anna mine");
  await hook(other, "code-label").fill("Anna theirs");
  await hook(other, "code-save").click();
  await other.waitForURL(new RegExp(`/codes/${code}$`));
  await hook(page, "edit-conflict").waitFor();
  assert.match(await hook(page, "edit-conflict").innerText(), /Anna theirs/);
  assert.equal(await hook(page, "code-label").inputValue(), "Anna mine");
  await hook(page, "code-save").click();
  assert.equal(await hook(page, "error").first().getAttribute("data-code"), "code.changed_meanwhile");
  await hook(page, "conflict-mine").click();
  await hook(page, "code-save").click();
  await page.waitForURL(new RegExp(`/codes/${code}$`));
  await until("mine, on purpose", async () => (await hook(page, "code-title").innerText()) === "Anna mine");
  await other.close();
});

test("uses that are left are told to the guest, and the last one is the last", async () => {
  await page.goto(at(`codes/${code}`));
  const count = Number((await hook(page, "code-used").innerText()).split(" ")[0]);
  await edit();
  await hook(page, "code-more").click();
  await hook(page, "often-times").check();
  await hook(page, "uses-max").fill(String(count + 2));
  await hook(page, "code-save").click();
  await page.waitForURL(new RegExp(`/codes/${code}$`));
  await lockState(page, FRONT, "on_lock");
  await guest.page.reload();
  await guest.page.getByText("You can use it 2 more times.").waitFor();
  assert.equal(await opens(), true);
  assert.equal(await opens(), true);
  await until("the door stays shut", async () => !(await opens()));
  await until("the portal says none is left", async () => (await hook(page, "code-used").innerText()).endsWith(", 0 left"));
  await guest.page.reload();
  await guest.page.getByText("Your code is used up").first().waitFor();
  await edit();
  await hook(page, "often-any").check();
  await hook(page, "code-save").click();
  await page.waitForURL(new RegExp(`/codes/${code}$`));
  await lockState(page, FRONT, "on_lock");
  assert.equal(await opens(), true, "more uses, the same PIN");
});

test("a stay begins with the first use, and the guest sees its end", async () => {
  await page.goto(at("codes/new"));
  await hook(page, "code-label").fill("Stay");
  await page.locator(`[data-testid="code-lock"][data-name="${FRONT}"]`).check();
  await hook(page, "when-custom").check();
  await hook(page, "custom-from").fill("2020-01-01T10:00");
  await hook(page, "custom-to").fill("2030-01-01T10:00");
  await hook(page, "code-more").click();
  await hook(page, "stay-on").check();
  await hook(page, "stay-hours").fill("48");
  assert.match(await hook(page, "code-next").innerText(), /It ends 2 days after the first use/);
  await hook(page, "code-save").click();
  await page.waitForURL(/\/codes\/[a-z2-7]{26}$/);
  await lockState(page, FRONT, "on_lock");
  const other = await hook(page, "link-url").inputValue();
  await guest.page.goto(other);
  await guest.page.getByText("From its first use on it works for 2 days.").waitFor();
  const typed = await showPin(page);
  assert.equal((await hub.keypad(FRONT, typed)).opened, true);
  const soon = Date.now() / 1_000 + 172_800;
  await until("the stay has an end", async () => Math.abs((await ends()) - soon) < 30);
  await guest.page.reload();
  await guest.page.getByRole("heading", { name: "Your code works now" }).waitFor();
  assert.equal(await guest.page.getByText("From its first use on").count(), 0);
  await hook(page, "extend-day").click();
  await until("a day more of stay", async () => Math.abs((await ends()) - soon - 86_400) < 30);
});

test("ended now it is off the lock; extended it works again with the same PIN and a new link", async () => {
  await openCode(page, all.home, code);
  await hook(page, "code-end").click();
  await hook(page, "code-end-confirm").click();
  await lockState(page, FRONT, "expired");
  assert.equal(await opens(), false);
  await guest.page.goto(link);
  await guest.page.getByRole("heading", { name: "This code is over" }).waitFor();
  await hook(page, "extend-day").click();
  await lockState(page, FRONT, "on_lock");
  assert.equal(await opens(), true);
  const fresh = await hook(page, "link-url").inputValue();
  assert.notEqual(fresh, link);
  await guest.page.goto(fresh);
  assert.equal(await guestPin(), pin);
});

test("revoked it is gone for good, and can be issued again with another PIN", async () => {
  await openCode(page, all.home, code);
  await hook(page, "code-revoke").click();
  await hook(page, "code-revoke-confirm").click();
  await lockState(page, FRONT, "revoked");
  assert.equal(await opens(), false);
  await hook(page, "code-again").click();
  await page.waitForURL((url) => /\/codes\/[a-z2-7]{26}$/.test(url.pathname) && !url.pathname.endsWith(code));
  await lockState(page, FRONT, "on_lock");
  assert.notEqual(await showPin(page), pin);
  assert.deepEqual([...all.seen.trouble, ...guest.seen.trouble], []);
});

// A hub that is replaced, in Chromium against a Worker and two hubs: the second one joins the home, the first one's codes
// are given to its doors, and the first one is removed.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { hook } from "./lib/browser.mjs";
import { makeCode } from "./lib/portal.mjs";
import { household, startHub } from "./lib/stack.mjs";
import { until } from "./lib/steps.mjs";

let house, attic;
const shot = (page, name) => process.env.SHOTS && page.screenshot({ path: `${process.env.SHOTS}/${name}.png`, fullPage: true });

before(async () => {
  house = await household();
});
after(async () => {
  await attic?.stop();
  await house?.stop();
});

test("the codes of a hub go to the one that replaces it, with their PINs", async () => {
  const { page, at, home, server, hub } = house;
  const { code } = await makeCode(page, home, { label: "Guest", doors: ["Front door"], seconds: 86_400 });
  await until("the code is on the lock", () => hub.holds("Front door", code), 20_000, 500);
  await page.goto(at("doors"));
  const first = await hook(page, "hub-card").getAttribute("data-hub");
  // With one hub there is nothing to be moved.
  await hook(page, "hub-open").click();
  await hook(page, "hub-title").waitFor();
  assert.equal(await hook(page, "move-codes").count(), 0);

  attic = await startHub(join(server.dir, "attic"), server.origin);
  const { url } = await until("the second hub shows a pairing code", () => attic.pairing());
  await page.goto(url);
  await hook(page, "pair-confirm").click();
  await hook(page, "pair-done").waitFor();
  await page.goto(at("doors"));
  await until("eight locks", async () => (await hook(page, "lock-card").count()) === 8, 20_000);

  await page.locator(`[data-testid="hub-card"][data-hub="${first}"]`).locator('[data-testid="hub-open"]').click();
  await hook(page, "move-codes").waitFor();
  // Doors of one name are taken to be the same.
  for (const door of await hook(page, "move-door").all()) assert.notEqual(await door.inputValue(), "");
  await shot(page, "hub-moves");
  await hook(page, "move-codes").click();
  await hook(page, "move-codes").waitFor({ state: "detached" });
  await until("the code is on the new hub's lock", () => attic.holds("Front door", code), 20_000, 500);
  await until("and off the old one's", async () => !(await hub.holds("Front door", code)), 20_000, 500);

  await hook(page, "hub-remove").click();
  await hook(page, "hub-remove-confirm").click();
  await page.waitForURL(/\/doors$/);
  await until("one hub is left", async () => (await hook(page, "hub-card").count()) === 1, 20_000);
  assert.ok(await attic.holds("Front door", code));
});

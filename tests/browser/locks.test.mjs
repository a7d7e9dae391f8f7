// A lock's own page: how it is, what is wrong with it and what to do, and having it read again.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { hook } from "./lib/browser.mjs";
import { lockState, makeCode } from "./lib/portal.mjs";
import { household } from "./lib/stack.mjs";
import { until } from "./lib/steps.mjs";

const DOOR = "Front door";
let home;

before(async () => {
  home = await household();
  await makeCode(home.page, home.home, { label: "Rosa", doors: [DOOR], seconds: 7_200 });
  await lockState(home.page, DOOR, "on_lock");
  await home.page.goto(home.at("doors"));
  await home.page.locator(`[data-testid="lock-card"][data-name="${DOOR}"]`).getByTestId("lock-open").click();
  await hook(home.page, "lock-title").waitFor();
});
after(() => home?.stop());

const troubles = () =>
  hook(home.page, "lock-trouble").evaluateAll((all) => all.map((entry) => entry.dataset.trouble));
const shows = (wanted) =>
  until(`the page shows ${wanted}`, async () => JSON.stringify(await troubles()) === JSON.stringify(wanted), 20_000);
const fact = (name) => hook(home.page, name).innerText();

test("a lock that is well says so, and lists its codes", async () => {
  assert.equal(await hook(home.page, "lock-title").innerText(), DOOR);
  await hook(home.page, "lock-well").waitFor();
  await home.page.getByRole("link", { name: "Rosa" }).waitFor();
  assert.equal(await fact("lock-driver"), "Simulation");
});

test("what happens at the lock shows, the most pressing first, with what to do", async () => {
  // A signal alone is told within a quarter of an hour; a battery that is low at once, and with it all the rest.
  await home.hub.happens(DOOR, { signal: -91 });
  await home.hub.happens(DOOR, { battery: 12 });
  await shows(["battery", "weak_link"]);
  assert.match(await fact("lock-battery"), /12 %/);
  assert.match(await fact("lock-signal"), /-91 dBm/);
  await home.hub.happens(DOOR, "jammed");
  await shows(["jammed", "battery", "weak_link"]);
  assert.equal(await fact("lock-bolt"), "Stuck");
  await home.page.getByText("Change all its batteries at once").waitFor();
  await home.hub.happens(DOOR, { signal: -60 });
  await home.hub.happens(DOOR, "locked");
  await home.hub.happens(DOOR, { battery: 90 });
  await hook(home.page, "lock-well").waitFor();
});

test("the lock is read again on request, and at most every ten minutes", async () => {
  const read = async () => (await home.hub.lock(DOOR)).slots.find((slot) => slot.label === "Rosa").at;
  const before = await read();
  await until("a second has passed", async () => Math.floor(Date.now() / 1_000) > before + 1, 5_000);
  await hook(home.page, "lock-resync-start").click();
  await until("it was read again", async () => (await read()) > before, 10_000);
});

test("a lock that does not answer says since when, and that codes may still be on it", async () => {
  await home.hub.fault(DOOR, "dead");
  const code = await home.page.getByRole("link", { name: "Rosa" }).getAttribute("href");
  await home.page.goto(home.server.origin + code);
  await hook(home.page, "code-revoke").click();
  await hook(home.page, "code-revoke-confirm").click();
  await home.page.goto(home.at("doors"));
  const card = home.page.locator(`[data-testid="lock-card"][data-name="${DOOR}"]`);
  await card.getByTestId("lock-trouble").waitFor({ timeout: 90_000 });
  await card.getByTestId("lock-open").click();
  await shows(["unreachable", "still_on_lock"]);
  await home.hub.fault(DOOR, "heal");
  await shows([]);
});

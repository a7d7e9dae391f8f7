// Programs and hubs, in Chromium against a Worker and a hub: the server is allowed to make codes and no longer, a token
// is made and revoked, a hub gets another name and a panel, and is taken out.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { hook } from "./lib/browser.mjs";
import { household } from "./lib/stack.mjs";
import { until } from "./lib/steps.mjs";

let house, booked;
const shot = (page, name) => process.env.SHOTS && page.screenshot({ path: `${process.env.SHOTS}/${name}.png`, fullPage: true });

before(async () => {
  house = await household();
});
after(async () => {
  await house?.stop();
});

test("a token reads; with issuing on it makes a guest code; off again, it does not", async () => {
  const { page, at, home, server, hub } = house;
  await page.goto(at("settings"));
  await hook(page, "settings-programs").click();
  await hook(page, "token-new").click();
  await hook(page, "token-save").click();
  await hook(page, "error").first().waitFor();
  await hook(page, "token-name").fill("Booking system");
  await hook(page, "token-scope-codes-write").check();
  await hook(page, "token-scope-locks-read").check();
  await hook(page, "token-save").click();
  const token = await hook(page, "token-text").inputValue();
  assert.match(token, /^lk_/);
  await hook(page, "token-done").click();
  await page.locator('[data-testid="token-row"][data-name="Booking system"]').waitFor();
  const call = (path, options = {}) =>
    fetch(`${server.origin}/api/v1/homes/${home}/${path}`, {
      ...options,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json", ...options.headers },
    });
  const locks = await (await call("locks")).json();
  const front = locks.items.find((lock) => lock.name === "Front door").id;
  const order = () => {
    const from = Math.floor(Date.now() / 1_000);
    const instant = (seconds) => new Date((from + seconds) * 1_000).toISOString().replace(/\.\d+Z$/, "Z");
    const body = { label: "Booked", locks: [front], not_before: instant(0), expires: instant(86_400) };
    return call("codes", { method: "POST", body: JSON.stringify(body), headers: { "idempotency-key": crypto.randomUUID() } });
  };
  const off = await order();
  assert.ok([403, 409, 422].includes(off.status), `${off.status} ${await off.text()}`);
  await hook(page, "issuing-edit").click();
  await shot(page, "issuing");
  await hook(page, "scope-days").fill("");
  await hook(page, "issuing-save").click();
  await hook(page, "error").first().waitFor();
  await hook(page, "scope-days").fill("3");
  await hook(page, "issuing-save").click();
  await page.locator('[data-testid="issuing-state"][data-on="true"]').waitFor();
  await shot(page, "programs");
  const made = await order();
  assert.equal(made.status, 201, await made.clone().text());
  await page.goto(at("codes"));
  const row = page.locator('[data-testid="code-row"][data-label="Booked"]');
  booked = await row.getAttribute("data-grant");
  // It is a code like any other: the hub checked it and put it on the lock.
  await until("the code is on the lock", () => hub.holds("Front door", booked), 20_000, 500);
  await page.goto(at("programs"));
  await hook(page, "issuing-off").click();
  await page.locator('[data-testid="issuing-state"][data-on="false"]').waitFor();
  assert.ok((await order()).status >= 400);
  // It can be turned on again.
  await hook(page, "issuing-edit").click();
  await hook(page, "issuing-save").click();
  await page.locator('[data-testid="issuing-state"][data-on="true"]').waitFor();
  await hook(page, "token-revoke").click();
  await hook(page, "token-revoke-confirm").click();
  await hook(page, "token-row").waitFor({ state: "detached" });
  assert.equal((await call("locks")).status, 401);
});

test("a hub gets a name and a panel, and is taken out", async () => {
  const { page, at, hub } = house;
  await page.goto(at("doors"));
  await hook(page, "hub-open").click();
  await hook(page, "hub-name").fill("Hub under the stairs");
  await hook(page, "panel-on").check();
  await hook(page, "scope-days").fill("30");
  await shot(page, "hub");
  await hook(page, "hub-save").click();
  await hook(page, "hub-save").waitFor({ state: "detached" });
  assert.match(await hook(page, "hub-title").textContent(), /under the stairs/);
  await hook(page, "hub-remove").click();
  await shot(page, "hub-remove");
  await hook(page, "hub-remove-confirm").click();
  await page.waitForURL(/\/doors$/);
  await until("the code is off the lock", async () => !(await hub.holds("Front door", booked)), 20_000, 500);
  assert.equal(await hook(page, "hub-card").count(), 0);
});

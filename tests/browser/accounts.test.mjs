// Losing a device or a browser's storage is routine: every way back into an account, in Chromium.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { serve } from "../live/lib/server.mjs";
import { authenticator, hook, launch, profile } from "./lib/browser.mjs";
import { confirmKit, makeHome, signOut, signUp } from "./lib/portal.mjs";
import { until } from "./lib/steps.mjs";

let server, browser;

before(async () => {
  server = await serve();
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

/** A browser profile with an authenticator of its own. */
async function device(options) {
  const made = await profile(browser);
  await authenticator(made.page, options);
  return made;
}

/** Whether this browser holds the member key: the home's page shows, and settings can be changed. */
async function isIn(page, home) {
  await hook(page, "live-state").first().waitFor({ state: "attached" });
  await page.goto(`${server.origin}/h/${home}/today`);
  await until("the home is verified and live", async () => (await hook(page, "live-state").first().getAttribute("data-live")) === "live");
  await page.goto(`${server.origin}/h/${home}/settings`);
  const name = `Home ${Date.now() % 1_000}`;
  await hook(page, "settings-name").fill(name);
  // Signed with the member key: without it this fails.
  await hook(page, "settings-save").click();
  await page.goto(`${server.origin}/h/${home}/settings`);
  await until("the change is in the chain", async () => (await hook(page, "settings-name").inputValue()) === name);
}

test("a reload keeps one in, signing out does not, the passkey brings it back", async () => {
  const { page, seen, context } = await device();
  await signUp(page, server.origin);
  const home = await makeHome(page);
  await page.reload();
  await isIn(page, home);
  await signOut(page, server.origin, home);
  assert.deepEqual((await context.cookies()).filter((cookie) => cookie.name.startsWith("__Host-")), []);
  await page.goto(`${server.origin}/h/${home}/today`);
  await hook(page, "signin-submit").click();
  await isIn(page, home);
  assert.deepEqual(seen.trouble.filter((line) => !line.includes("401")), []);
});

test("a new device with the recovery kit, and from then on with its own passkey", async () => {
  const old = await device();
  const kit = await signUp(old.page, server.origin);
  const home = await makeHome(old.page);
  const { page } = await device();
  await page.goto(`${server.origin}/recover`);
  const wrong = kit.replace(/^./, (first) => (first.toLowerCase() === "a" ? "B" : "A"));
  await hook(page, "recover-kit").fill(wrong);
  await hook(page, "recover-submit").click();
  await hook(page, "error").first().waitFor();
  await hook(page, "recover-kit").fill(kit.toLowerCase().replaceAll("-", " "));
  await hook(page, "recover-submit").click();
  await page.waitForURL((url) => url.pathname !== "/recover");
  await isIn(page, home);
  await signOut(page, server.origin, home);
  await page.goto(`${server.origin}/signin`);
  await hook(page, "signin-submit").click();
  await isIn(page, home);
  // A recovery ends every other session; the first device's passkey still signs in.
  await old.page.goto(`${server.origin}/h/${home}/today`);
  await hook(old.page, "signin-submit").click();
  await isIn(old.page, home);
});

test("a passkey without PRF: a passphrase opens the key", async () => {
  const { page } = await device({ prf: false });
  const passphrase = "seven wet herons 41";
  await signUp(page, server.origin, { passphrase });
  const home = await makeHome(page);
  await isIn(page, home);
  await signOut(page, server.origin, home);
  await page.goto(`${server.origin}/signin`);
  await hook(page, "signin-submit").click();
  await hook(page, "signin-passphrase").fill("another passphrase 7");
  await hook(page, "signin-passphrase-submit").click();
  await hook(page, "error").first().waitFor();
  await hook(page, "signin-passphrase").fill(passphrase);
  await hook(page, "signin-passphrase-submit").click();
  await isIn(page, home);
});

test("a lost device: another passkey removes its passkey, which then opens nothing", async () => {
  const old = await device();
  const kit = await signUp(old.page, server.origin);
  const home = await makeHome(old.page);
  const { page } = await device();
  await page.goto(`${server.origin}/recover`);
  await hook(page, "recover-kit").fill(kit);
  await hook(page, "recover-submit").click();
  await page.waitForURL((url) => url.pathname !== "/recover");
  await page.goto(`${server.origin}/h/${home}/settings`);
  // The lost one is the older of the two, which stands first.
  await until("two passkeys", async () => (await hook(page, "passkey-row").count()) === 2);
  await hook(page, "passkey-remove").first().click();
  await hook(page, "passkey-remove-confirm").click();
  await until("one passkey", async () => (await hook(page, "passkey-row").count()) === 1);
  await old.page.goto(`${server.origin}/signin`);
  await hook(old.page, "signin-submit").click();
  await hook(old.page, "error").first().waitFor();
  assert.equal(await hook(old.page, "error").first().getAttribute("data-code"), "auth.unknown_passkey");
  await isIn(page, home);
});

test("a lost kit: a new one is made, and the old one opens nothing any more", async () => {
  const { page } = await device();
  const old = await signUp(page, server.origin);
  const home = await makeHome(page);
  await page.goto(`${server.origin}/h/${home}/settings`);
  await hook(page, "kit-renew").click();
  const kit = await confirmKit(page);
  assert.notEqual(kit, old);
  const other = await device();
  await other.page.goto(`${server.origin}/recover`);
  await hook(other.page, "recover-kit").fill(old);
  await hook(other.page, "recover-submit").click();
  await hook(other.page, "error").first().waitFor();
  // Whoever has lost everything is told what is left.
  await other.page.locator("summary").click();
  await hook(other.page, "recover-last").waitFor();
  await hook(other.page, "recover-kit").fill(kit);
  await hook(other.page, "recover-submit").click();
  await other.page.waitForURL((url) => url.pathname !== "/recover");
  await isIn(other.page, home);
});

test("two homes, and the way between them", async () => {
  const { page } = await device();
  await signUp(page, server.origin);
  const first = await makeHome(page, "Lake house");
  await page.goto(`${server.origin}/homes/new`);
  const second = await makeHome(page, "Town flat");
  assert.notEqual(first, second);
  await page.locator(".rail .switcher").click();
  await page.locator('.rail [data-testid="switch-home"]', { hasText: "Lake house" }).click();
  await page.waitForURL(`${server.origin}/h/${first}/today`);
  await page.locator(".rail .switcher").click();
  const other = page.locator('.rail [data-testid="switch-home"]');
  assert.match(await other.textContent(), /Town flat.*Owner/);
});

// People of a home, in Chromium against a Worker and a hub: inviting each role, joining in a second browser, a manager's
// limits, a resident's own page, changing a role, removing somebody and changing the PINs they had seen.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { authenticator, hook, profile } from "./lib/browser.mjs";
import { showPin, signUpHere } from "./lib/portal.mjs";
import { household } from "./lib/stack.mjs";
import { until } from "./lib/steps.mjs";

let house;
const shot = (page, name) => process.env.SHOTS && page.screenshot({ path: `${process.env.SHOTS}/${name}.png`, fullPage: true });

before(async () => {
  house = await household();
});
after(async () => {
  await house?.stop();
});

/** Makes an invitation as the owner and gives its link. `role` fills the form in. */
async function invite(name, role) {
  const { page, at } = house;
  await page.goto(at("people"));
  await hook(page, "invite-new").click();
  await hook(page, "invite-name").fill(name);
  await role?.(page);
  await shot(page, `invite-${name}`);
  await hook(page, "invite-save").click();
  await hook(page, "invite-made").waitFor();
  const link = await hook(page, "link-url").inputValue();
  await hook(page, "invite-done").click();
  await page.locator(`[data-testid="invite-row"][data-name="${name}"]`).waitFor();
  return link;
}

/** Somebody with a browser of their own opens the link, makes an account and accepts. */
async function join(link, name) {
  const made = await profile(house.browser);
  const { page } = made;
  await authenticator(page);
  await page.goto(link);
  await hook(page, "join-title").waitFor();
  assert.equal(new URL(page.url()).hash, "", "the secret stands in no history");
  await shot(page, `join-${name}`);
  await hook(page, "join-signup").click();
  await signUpHere(page, { name });
  await hook(page, "join-accept").click();
  return made;
}

/** Waits until the owner's list has somebody in a role. */
const listed = (name, role) =>
  house.page.locator(`[data-testid="person-row"][data-name="${name}"][data-role="${role}"]`).waitFor();

const choose = (role) => (page) => hook(page, `role-${role}`).check();

/** A family code for somebody, at the front door. Gives its id. */
async function familyCode(label, holder) {
  const { page, at } = house;
  await page.goto(at("codes/new"));
  await hook(page, "kind-standard").check();
  await hook(page, "code-label").fill(label);
  if (holder) await hook(page, "code-holder").selectOption({ label: holder });
  for (const box of await hook(page, "code-lock").all()) {
    await box.setChecked((await box.getAttribute("data-name")) === "Front door");
  }
  await hook(page, "when-endless").check();
  await hook(page, "code-save").click();
  await page.waitForURL(/\/codes\/[a-z2-7]{26}$/);
  return new URL(page.url()).pathname.split("/").pop();
}

test("a resident joins, sees their own code and entries, and nothing else", async () => {
  const { hub, page, at, home } = house;
  const link = await invite("Kim");
  const kim = await join(link, "Kim Resident");
  // The owner's open portal lets them in by itself, and their page goes on.
  await listed("Kim Resident", "resident");
  await hook(kim.page, "mine-empty").waitFor();
  await shot(kim.page, "mine-empty");
  const code = await familyCode("Kim’s key", "Kim Resident");
  await hook(kim.page, "my-code").waitFor();
  const pin = await showPin(kim.page);
  assert.match(pin, /^\d{4,10}$/);
  await kim.page.locator('[data-testid="lock-state"][data-state="on_lock"]').waitFor({ timeout: 20_000 });
  assert.equal((await hub.keypad("Front door", pin)).opened, true);
  await hook(kim.page, "my-entry").waitFor();
  await shot(kim.page, "mine");
  // Whatever address they try, it is their own page that they get, and the server gives them nothing more.
  for (const path of ["today", "codes", `codes/${code}`, "activity", "settings"]) {
    await kim.page.goto(at(path));
    await hook(kim.page, "mine-title").waitFor();
  }
  for (const path of ["snapshot", "events", "invites", "tokens"]) {
    const response = await kim.page.context().request.get(`${house.server.origin}/api/v1/homes/${home}/${path}`);
    assert.equal(response.status(), 403, path);
  }
  assert.equal(await hook(kim.page, "nav-codes").count(), 0);
  // The link has done its work.
  const late = await profile(house.browser);
  await late.page.goto(link);
  await hook(late.page, "error").first().waitFor();
  assert.equal(await hook(late.page, "error").first().getAttribute("data-code"), "invite.used");
  await page.goto(at("people"));
  assert.equal(await hook(page, "invite-row").count(), 0);
  await late.context.close();
  await kim.context.close();
});

test("a manager keeps within their limits, then becomes an owner, is removed, and what they saw is changed", async () => {
  const { hub, page, at } = house;
  const link = await invite("Max", async (form) => {
    await hook(form, "role-manager").check();
    await hook(form, "scope-every-lock").uncheck();
    await form.locator('[data-testid="scope-lock"][data-name="Front door"]').check();
    await hook(form, "scope-days").fill("0");
    await hook(form, "invite-save").click();
    await hook(form, "error").first().waitFor();
    await hook(form, "scope-days").fill("7");
  });
  const max = await join(link, "Max Manager");
  await listed("Max Manager", "manager");
  await max.page.waitForURL(/\/today$/);
  // Only guests, only the front door.
  await max.page.goto(at("codes/new"));
  await hook(max.page, "code-label").fill("Cleaner");
  assert.deepEqual(await hook(max.page, "code-lock").evaluateAll((all) => all.map((box) => box.dataset.name)), ["Front door"]);
  assert.equal(await hook(max.page, "kind-standard").count(), 0);
  await hook(max.page, "code-lock").check();
  // Longer than allowed: refused before anything is sent, with the reason.
  await hook(max.page, "when-custom").check();
  const day = (days) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 16);
  await hook(max.page, "custom-from").fill(day(1));
  await hook(max.page, "custom-to").fill(day(20));
  await hook(max.page, "code-save").click();
  await hook(max.page, "error").first().waitFor();
  await hook(max.page, "custom-to").fill(day(3));
  await hook(max.page, "code-save").click();
  await max.page.waitForURL(/\/codes\/[a-z2-7]{26}$/);
  // A code of the owner's, whose PIN the manager cannot read: then as an owner they can.
  const code = await familyCode("Ada’s key");
  const old = await showPin(page);
  await max.page.goto(at(`codes/${code}`));
  await hook(max.page, "code-title").waitFor();
  assert.equal(await hook(max.page, "pin-show").count(), 0);
  await page.goto(at("people"));
  await page.locator('[data-testid="person-row"][data-name="Max Manager"]').click();
  await hook(page, "role-change").click();
  await choose("owner")(page);
  await shot(page, "role-change");
  await hook(page, "role-save").click();
  await page.locator('[data-testid="person-role"][data-role="owner"]').waitFor();
  assert.equal(await showPin(max.page), old);
  // Out again.
  await hook(page, "person-remove").click();
  const said = hook(page, "remove-consequences");
  await said.waitFor();
  assert.ok(Number(await said.getAttribute("data-seen")) >= 2, "what they had seen is counted before");
  await shot(page, "remove");
  await hook(page, "person-remove-confirm").click();
  await hook(page, "known-pin").first().waitFor();
  await shot(page, "known-pins");
  assert.equal(await page.locator('[data-testid="person-row"][data-name="Max Manager"]').count(), 0);
  // Their portal shows nothing any more.
  await hook(max.page, "home-unlist").waitFor();
  await hook(max.page, "home-unlist").click();
  await hook(max.page, "home-name").waitFor();
  // Each PIN that they saw is changed from the list.
  const row = page.locator(`[data-testid="known-pin"][data-grant="${code}"]`);
  await row.getByTestId("known-pin-change").click();
  await row.waitFor({ state: "detached" });
  await page.goto(at(`codes/${code}`));
  const fresh = await showPin(page);
  assert.notEqual(fresh, old);
  await until("the new PIN opens", async () => (await hub.keypad("Front door", fresh)).opened, 20_000, 500);
  assert.equal((await hub.keypad("Front door", old)).opened, false);
  await max.context.close();
});

test("an owner is invited; an invitation is withdrawn; owners may leave but the last", async () => {
  const { page, at } = house;
  const link = await invite("Nobody");
  await page.locator('[data-testid="invite-row"][data-name="Nobody"]').getByTestId("invite-withdraw").click();
  await page.locator('[data-testid="invite-row"][data-name="Nobody"]').waitFor({ state: "detached" });
  const nobody = await profile(house.browser);
  await nobody.page.goto(link);
  await hook(nobody.page, "error").first().waitFor();
  assert.equal(await hook(nobody.page, "error").first().getAttribute("data-code"), "invite.not_found");
  await nobody.context.close();
  await page.locator('[data-testid="person-row"][data-role="owner"]').first().click();
  await hook(page, "last-owner").waitFor();
  const eve = await join(await invite("Eve", choose("owner")), "Eve Owner");
  // Who is to read every PIN is looked at by a person first.
  await hook(page, "let-in").click();
  await listed("Eve Owner", "owner");
  await eve.page.waitForURL(/\/today$/);
  // She has the home's key: she reads a PIN.
  await eve.page.goto(at("codes"));
  await hook(eve.page, "code-row").first().click();
  assert.match(await showPin(eve.page), /^\d+$/);
  await eve.page.goto(at("people"));
  await eve.page.locator('[data-testid="person-row"][data-name="Eve Owner"]').click();
  await hook(eve.page, "person-remove").click();
  await hook(eve.page, "person-remove-confirm").click();
  await hook(eve.page, "home-name").waitFor();
  // The key that she took along is replaced by the other owner's portal, and codes can be made again.
  await page.goto(at("people"));
  await page.locator('[data-testid="person-row"][data-name="Eve Owner"]').waitFor({ state: "detached" });
  await familyCode("After Eve");
  await eve.context.close();
});

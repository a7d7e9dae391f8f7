// A hub that is replaced, in Chromium against a Worker and two hubs: the second one joins the home, the first one's codes
// are given to its doors, and the first one is removed.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { hook } from "./lib/browser.mjs";
import { makeCode } from "./lib/portal.mjs";
import { household, startHub } from "./lib/stack.mjs";
import { until } from "./lib/steps.mjs";

const LONG = 60_000;
// Two of the old hub's doors: one has places for fewer codes, the other takes PINs of four digits only.
const LOCKS = `[[sim]]
name = "Front door"
slots = 1
readback = "full"
[[sim]]
name = "Garage"
one_length = 4
readback = "full"
`;

let house, attic, old;

before(async () => {
  house = await household();
  house.page.setDefaultTimeout(LONG);
});
after(async () => {
  await attic?.stop();
  await house?.stop();
});

const named = (name, of, is) => house.page.locator(`[data-testid="${name}"][data-${of}="${is}"]`);

/** The choice of a door that takes another one's place. */
const becomes = (door) => house.page.getByLabel(`${door} becomes`, { exact: true });

/** The text of what is chosen. */
const chosen = (door) => becomes(door).locator("option:checked").textContent();

const openOld = async () => {
  await house.page.goto(house.at("doors"));
  await named("hub-card", "hub", old).getByTestId("hub-open").click();
  await hook(house.page, "hub-title").waitFor();
};

test("who has one hub is told to add the new one first, and before removing it, too", async () => {
  const { page, at, home, hub } = house;
  await page.goto(at("doors"));
  old = await hook(page, "hub-card").getAttribute("data-hub");
  await openOld();
  // Without codes there is nothing to be moved.
  await hook(page, "hub-remove").waitFor();
  assert.equal(await page.getByText("Replacing this hub").count(), 0);

  const make = (label, ...doors) => makeCode(page, home, { label, doors, seconds: 86_400 });
  const { code: guest } = await make("Guest", "Front door", "Back door");
  const { code: cleaner } = await make("Cleaner", "Front door");
  const { code: driver } = await make("Driver", "Garage");
  house.codes = { guest, cleaner, driver };
  for (const [door, code] of [["Front door", guest], ["Front door", cleaner], ["Garage", driver]]) {
    await until("the codes are on the locks", () => hub.holds(door, code), LONG, 200);
  }
  await openOld();
  await hook(page, "move-first").waitFor();
  await shots("first");
  assert.equal(await hook(page, "move-codes").count(), 0);
  await hook(page, "hub-remove").click();
  await page.getByText("3 codes are for its doors").waitFor();
  await page.getByRole("button", { name: "Keep it" }).click();
});

test("doors of one name are taken to be the same, and what does not go well is said before", async () => {
  const { page, at, server } = house;
  attic = await startHub(join(server.dir, "attic"), server.origin, LOCKS);
  const { url } = await until("the second hub shows a pairing code", () => attic.pairing(), LONG);
  await page.goto(url);
  await hook(page, "pair-confirm").click();
  await hook(page, "pair-done").waitFor();
  await page.goto(at("doors"));
  await until("six locks", async () => (await hook(page, "lock-card").count()) === 6, LONG);

  await openOld();
  await hook(page, "move-codes").waitFor();
  assert.equal(await chosen("Front door"), "Front door (Hallway hub)");
  assert.equal(await chosen("Garage"), "Garage (Hallway hub)");
  assert.equal(await chosen("Back door"), "No new door");
  await page.getByText("Its code stays here.").waitFor();
  await page.getByText("Front door has room for 1 code at a time, and 2 are for it then.").waitFor();

  await becomes("Back door").selectOption({ label: "Front door (Hallway hub)" });
  await page.getByText("You chose the same for Back door").waitFor();
  await becomes("Back door").selectOption({ label: "No new door" });
  // Nothing chosen, nothing to press.
  await becomes("Front door").selectOption({ label: "No new door" });
  await becomes("Garage").selectOption({ label: "No new door" });
  await hook(page, "move-codes").waitFor({ state: "detached" });
  await becomes("Front door").selectOption({ label: "Front door (Hallway hub)" });
  await becomes("Garage").selectOption({ label: "Garage (Hallway hub)" });
  await shots("moves");
});

test("without a connection nothing is moved, and it can be tried again", async () => {
  const { page } = house;
  await page.context().setOffline(true);
  await hook(page, "move-codes").click();
  await hook(page, "error").waitFor();
  await page.context().setOffline(false);
  assert.equal(await hook(page, "move-done").count(), 0);
  assert.match(await hook(page, "move-codes").textContent(), /Move 3 codes/);
});

test("the codes go with their PINs, once, and what the new lock does not take stays and is named", async () => {
  const { page, hub, codes } = house;
  const sent = [];
  page.on("request", (request) => request.method() === "POST" && request.url().endsWith("/ops") && sent.push(request));
  await hook(page, "move-codes").dblclick();

  await hook(page, "move-done").waitFor();
  assert.match(await hook(page, "move-done").textContent(), /2 codes moved/);
  assert.equal(sent.length, 1);
  assert.deepEqual(await hook(page, "move-refused").evaluateAll((all) => all.map((a) => a.dataset.label)), ["Driver"]);
  assert.match(await hook(page, "move-left").textContent(), /Garage does not take its PIN. Use exactly 4 digits/);
  await shots("moved");

  const there = () => Promise.all([attic.holds("Front door", codes.guest), attic.holds("Front door", codes.cleaner)]);
  await until("the one place of the new lock is taken", async () => (await there()).includes(true), LONG, 200);
  for (const code of [codes.guest, codes.cleaner]) {
    await until("they are off the old one", async () => !(await hub.holds("Front door", code)), LONG, 200);
  }
  // What has no new door stays.
  assert.ok(await hub.holds("Back door", codes.guest));
  assert.ok(await hub.holds("Garage", codes.driver));

  await hook(page, "move-refused").click();
  await hook(page, "code-save").waitFor();
  assert.ok(new URL(page.url()).pathname.endsWith(`/codes/${codes.driver}/edit`));
});

test("a hub that died is shown with what to do first, and removed last", async () => {
  const { page, hub, codes } = house;
  await hub.stop();
  await until("it is seen to be away", async () => {
    await openOld();
    return (await page.getByText("Offline, last seen").count()) > 0;
  }, LONG, 1_000);
  await shots("died");
  // What is left goes to the door that takes it.
  for (const door of ["Back door", "Garage"]) await becomes(door).selectOption({ label: "Front door (Hallway hub)" });
  await hook(page, "move-codes").click();
  await hook(page, "move-done").waitFor();
  await page.getByText("Remove this hub below").waitFor();
  assert.equal(await hook(page, "move-codes").count(), 0);
  await shots("done");
  await hook(page, "hub-remove").click();
  await hook(page, "hub-remove-confirm").waitFor();
  await shots("removing");
  await hook(page, "hub-remove-confirm").click();
  await page.waitForURL(/\/doors$/);
  await until("one hub is left", async () => (await hook(page, "hub-card").count()) === 1, LONG);
  const held = () => Promise.all(Object.values(codes).map((code) => attic.holds("Front door", code)));
  await until("the new lock has one of them", async () => (await held()).includes(true), LONG, 200);
});

/** Pictures of the page, where a directory for them is given: narrow and wide, light and dark. */
async function shots(name) {
  const { page } = house;
  if (!process.env.SHOTS) return;
  for (const width of [390, 1440]) {
    for (const colorScheme of ["light", "dark"]) {
      await page.setViewportSize({ width, height: 900 });
      await page.emulateMedia({ colorScheme });
      await page.screenshot({ path: `${process.env.SHOTS}/${name}-${width}-${colorScheme}.png`, fullPage: true, animations: "disabled" });
    }
  }
  await page.setViewportSize({ width: 1280, height: 720 });
}

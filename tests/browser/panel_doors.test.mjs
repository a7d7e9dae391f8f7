// At the hub itself: a person locks, unlocks and has a lock read again with a primary PIN, and when nobody is left who
// can sign in to the home, the hub's button and the home's name make the hub leave it.

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { serve } from "../live/lib/server.mjs";
import { launch, profile } from "./lib/browser.mjs";
import { KIND, pairedHome } from "./lib/sealed_home.mjs";
import { until } from "./lib/steps.mjs";

const PRIMARY = "73916482";
const FRONT = "Front door";
let server, browser, world, page, button;

before(async () => {
  server = await serve();
  browser = await launch();
  button = join(server.dir, "button");
  await writeFile(button, "0\n");
  world = await pairedHome(server, `button = "${button}"\n`);
  page = (await profile(browser, { viewport: { width: 390, height: 844 } })).page;
  const locks = [...world.locks.values()];
  await world.home.code({ label: "Ada", kind: KIND.primary, pin: PRIMARY, locks });
  await until("the primary code is on the door", opens);
  await page.goto(world.hub.panel);
});
after(async () => {
  await browser?.close();
  await world?.hub.stop();
  await server?.stop();
});

const opens = async () => (await world.at.keypad(FRONT, PRIMARY)).opened;
const shot = (name) => process.env.SHOTS && page.screenshot({ path: `${process.env.SHOTS}/${name}.png`, fullPage: true });
const door = () => page.getByRole("article", { name: FRONT }).getByRole("group", { name: "Door" });
const bolt = async () => (await world.at.lock(FRONT)).bolt;

test("whoever has not opened the panel moves no bolt", async () => {
  assert.equal(await door().isVisible(), false);
  const post = (body) =>
    fetch(`${world.hub.panel}/api/panel/door`, {
      method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body),
    });
  const { id } = await world.at.lock(FRONT);
  assert.equal((await post({ lock: id, do: "unlock" })).status, 401);
});

test("a primary PIN lets a person lock, unlock and read again, with the internet down", async () => {
  await world.at.network(false);
  await page.getByLabel("type a primary PIN").fill(PRIMARY);
  await page.getByRole("button", { name: "Open", exact: true }).click();
  for (const [name, state] of [["Unlock", "unlocked"], ["Lock", "locked"]]) {
    await door().getByRole("button", { name, exact: true }).click();
    await until(`the bolt is ${state}`, async () => (await bolt()) === state);
  }
  await door().getByRole("button", { name: "Read again" }).click();
  await until("all slots are read", async () => (await world.at.lock(FRONT)).resync == null);
  assert.equal(await door().locator(".door-said").textContent(), "");
  await shot("panel-door");
  await world.at.fault(FRONT, "dead");
  await door().getByRole("button", { name: "Unlock", exact: true }).click();
  await until("it is not told to be unlocked", async () => !(await world.at.lock(FRONT)).operating, 60_000);
  assert.notEqual(await bolt(), "unlocked");
  await world.at.fault(FRONT, "heal");
  await world.at.network(true);
});

test("the button alone does nothing, and neither does the wrong name", async () => {
  const form = page.locator("#leaving");
  assert.equal(await form.isVisible(), false);
  const refused = await fetch(`${world.hub.panel}/api/start-over`, {
    method: "POST", headers: { "content-type": "application/json" }, body: '{"home":"Rua das Flores 7"}',
  });
  assert.equal(refused.status, 403);
  await writeFile(button, "1\n");
  await form.waitFor({ timeout: 20_000 });
  await writeFile(button, "0\n");
  await page.getByLabel("type the home's name").fill("Rua das Flores 8");
  await page.getByRole("button", { name: "Leave the home" }).click();
  await page.getByText("That is not the home's name.").waitFor();
  assert.ok(await opens(), "its codes are on");
  await shot("panel-start-over");
});

test("with the name it takes every code off, forgets the home and can be paired anew", async () => {
  await page.getByLabel("type the home's name").fill("Rua das Flores 7");
  await page.getByRole("button", { name: "Leave the home" }).click();
  await until("no code opens", async () => !(await opens()), 60_000);
  await page.getByRole("heading", { name: "Pair this hub" }).waitFor({ timeout: 60_000 });
  const state = await world.at.state();
  assert.equal(state.paired, false);
  assert.deepEqual(state.locks.flatMap((lock) => lock.slots ?? []).filter((slot) => slot.what === "managed"), []);
  await shot("panel-left");
});

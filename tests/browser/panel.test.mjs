// The hub's panel with the internet down: a person at home opens it with a primary PIN, makes, changes and ends codes,
// types them at the doors, and the cloud hears of it later.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { opened, record } from "../live/lib/crypto.mjs";
import { serve } from "../live/lib/server.mjs";
import { launch, profile } from "./lib/browser.mjs";
import { files, leaks } from "./lib/leaks.mjs";
import { KIND, pairedHome } from "./lib/sealed_home.mjs";
import { until } from "./lib/steps.mjs";

const PRIMARY = "73916482";
const DURESS = "73516894";
const FRONT = "Front door";
let server, browser, world, page;
/** Every PIN of this run. */
const pins = [PRIMARY, DURESS, "60284751"];

before(async () => {
  server = await serve();
  browser = await launch();
  world = await pairedHome(server);
  page = (await profile(browser, { viewport: { width: 390, height: 844 } })).page;
});
after(async () => {
  await browser?.close();
  await world?.hub.stop();
  await server?.stop();
});

const shot = (name) => process.env.SHOTS && page.screenshot({ path: `${process.env.SHOTS}/${name}.png` });
const opens = async (pin) => (await world.at.keypad(FRONT, pin)).opened;
const row = (label) => page.locator("#code-list .code-row").filter({ hasText: label });
const nothingSticksOut = () =>
  page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth);

async function open(pin) {
  await page.getByLabel("type a primary PIN").fill(pin);
  await page.getByRole("button", { name: "Open", exact: true }).click();
}

async function newCode(label, { pin } = {}) {
  await page.getByRole("button", { name: "New code" }).click();
  await page.getByLabel("Who is it for?").first().fill(label);
  await page.getByLabel("For some days").check();
  await page.getByLabel("How many days?").fill("2");
  if (pin) {
    await page.getByLabel("I choose it").check();
    await page.getByLabel("PIN", { exact: true }).fill(pin);
  }
}

test("without leave from an owner, and without a primary code, the panel says who can help", async () => {
  await page.goto(world.hub.panel);
  await open(PRIMARY);
  await page.getByText("An owner makes one in the portal.").waitFor();
  const locks = [...world.locks.values()];
  await world.home.code({ label: "Ada", kind: KIND.primary, pin: PRIMARY, locks });
  await until("the primary code is on the door", () => opens(PRIMARY));
  await open("480913");
  await page.getByText("That is no primary PIN.").waitFor();
  await open(PRIMARY);
  await page.getByText("an owner has to allow it in the portal, under Doors, at this hub").waitFor();
  assert.equal(await page.getByRole("button", { name: "New code" }).isVisible(), false);
  await world.home.allow(world.hub, record({ 2: 30 * 86_400, 3: [KIND.standard, KIND.guest] }));
  await page.getByRole("button", { name: "New code" }).waitFor();
  await page.getByText("An owner lets this panel change family and guest codes of at most 30 days.").waitFor();
});

test("with the internet down a code is made, works at once, is changed and ended", async () => {
  await world.at.network(false);
  await until("the hub is offline", async () => !(await world.at.state()).online);
  await page.reload();
  await newCode("Zoë");
  await page.getByText(/^From .*\.$/).waitFor();
  assert.ok(await nothingSticksOut());
  await shot("panel-new-code");
  await page.getByRole("button", { name: "Make the code" }).click();
  await page.getByRole("button", { name: "Done" }).waitFor();
  const made = await page.locator("#done-pin").innerText();
  assert.match(made, /^\d{8}$/, "as long as the locks take, up to 8");
  pins.push(made);
  await shot("panel-made");
  await page.getByRole("button", { name: "Done" }).click();
  await until("the PIN does not stay in the page", async () => !(await page.content()).includes(made));
  await until("it opens the door", () => opens(made), 10_000);
  await row("Zoë").getByText("Waits for the internet").waitFor();
  await page.locator(".lock").filter({ hasText: FRONT }).getByText("Zoë").first().waitFor();

  await row("Zoë").getByRole("button", { name: "Pause" }).click();
  await until("it is paused at the door", async () => !(await opens(made)));
  await row("Zoë").getByRole("button", { name: "Resume" }).click();
  await until("it opens again, the same PIN", () => opens(made));

  await row("Zoë").getByRole("button", { name: "Change" }).click();
  const edit = page.getByRole("dialog");
  await edit.getByLabel("Who is it for?").fill("Zoë B.");
  const later = await edit.getByLabel("It ends").inputValue();
  await edit.getByLabel("It ends").fill(later.replace(/T.*/, "T23:30"));
  await edit.getByRole("button", { name: "Save" }).click();
  await row("Zoë B.").getByText("23:30").waitFor();
  assert.ok(await opens(made), "extended with the same PIN");

  await newCode("Ben", { pin: "123456" });
  await page.getByText("Avoid digits that count up or down").waitFor();
  await page.getByLabel("PIN", { exact: true }).fill(PRIMARY);
  await page.getByText("Another code has this PIN").waitFor();
  await page.getByLabel("PIN", { exact: true }).fill(made);
  await page.getByText("Another code has this PIN").waitFor();
  await page.getByLabel("PIN", { exact: true }).fill("60284751");
  await page.getByText("This PIN is fine.").waitFor();
  await page.getByText(/PINs of \d digits are left/).waitFor();
  await shot("panel-typed-pin");
  await page.getByRole("button", { name: "Make the code" }).click();
  await page.getByRole("button", { name: "Done" }).click();
  await until("Ben's code opens", () => opens("60284751"));
  await row("Ben").getByRole("button", { name: "End" }).click();
  await page.getByRole("button", { name: "End it" }).click();
  await until("Ben's code is gone", async () => !(await opens("60284751")));
  await page.emulateMedia({ colorScheme: "dark" });
  await shot("panel-dark");
  await page.emulateMedia({ colorScheme: "light" });
  await shot("panel-open");
  assert.ok(await nothingSticksOut());

  assert.equal((await world.at.state()).waiting, 7);
  assert.equal((await world.home.snapshot(world.home.chain.length - 1)).get(2).length, 0, "the cloud knows nothing so far");

  // The hub is killed while everything waits, and is back with its network: nothing is lost.
  await world.hub.restart();
  await until("it is back, and the code opens", () => opens(made), 20_000);
  await page.getByLabel("type a primary PIN").waitFor();
  await shot("panel-shut");
});

test("back on the internet the cloud gets it all, in order", async () => {
  await until("nothing waits any more", async () => (await world.at.state()).waiting === 0, 20_000);
  const bodies = await world.home.catchUp(opened);
  const said = bodies.map(([kind, body]) => (kind === 8 ? `put ${body.get(7)} ${body.get(2)}` : "revoked"));
  assert.deepEqual(said, ["put Zoë 1", "put Zoë 2", "put Zoë 3", "put Zoë B. 4", "put Zoë B. 5", "put Ben 1", "revoked"]);
});

test("a change that no longer fits is dropped, and the panel says so", async () => {
  await page.reload();
  await open(PRIMARY);
  await row("Zoë B.").waitFor();
  await world.at.network(false);
  await until("the hub is offline", async () => !(await world.at.state()).online);
  await row("Zoë B.").getByRole("button", { name: "Pause" }).click();
  await row("Zoë B.").getByText("Paused").first().waitFor();
  const grant = (await world.home.snapshot()).get(2).map((bytes) => opened("op", bytes).payload.get(7)).findLast(([kind, body]) => kind === 8 && body.get(7) === "Zoë B.")[1].get(1);
  await world.home.add([9, grant]);
  await world.at.network(true);
  await page.getByText(/Zoë B\. was .* at the hub's panel, but that was dropped.* revoked code never returns/).waitFor();
});

test("a duress PIN opens the panel like any other", async () => {
  await page.getByRole("button", { name: "Close" }).click();
  const locks = [...world.locks.values()];
  await world.home.code({ label: "Ada", kind: KIND.duress, pin: DURESS, locks });
  await until("the duress code is on the door", () => opens(DURESS));
  await open(DURESS);
  await page.getByRole("button", { name: "New code" }).waitFor();
  const texts = await page.locator("body").innerText();
  assert.doesNotMatch(texts, /duress|alarm/i);
  const json = JSON.stringify([await world.at.state(), await page.evaluate(() => fetch("api/panel/codes").then((r) => r.text()))]);
  assert.doesNotMatch(json, /duress|alarm":"/i);
});

test("the panel refuses who does not come from its own page, and repeats no PIN", async () => {
  const url = `${world.hub.panel}/api/panel/open`;
  const post = (headers, body) => fetch(url, { method: "POST", headers, body });
  const json = { "content-type": "application/json" };
  assert.equal((await post({ ...json, origin: "http://evil.example" }, "{}")).status, 403);
  for (const body of ["", "[]", "{}", '{"pin":73916482}', '{"pin":"73916482', '{"pin":{"73916482":1}}']) {
    const answer = await post(json, body);
    assert.equal(answer.status, 400);
    assert.doesNotMatch(await answer.text(), /73916482/);
  }
  const shut = await fetch(`${world.hub.panel}/api/panel/codes`, { headers: { cookie: "latchkey_panel=AAAA" } });
  assert.equal(shut.status, 401);
});

test("no PIN and no key of the panel stands in storage or logs", async () => {
  const cookie = (await page.context().cookies()).find((one) => one.name === "latchkey_panel");
  assert.ok(cookie.httpOnly && cookie.sameSite === "Strict");
  const secrets = pins.map((text) => ({ name: "a PIN", text }));
  secrets.push({ name: "the panel's cookie", text: cookie.value, bytes: Buffer.from(cookie.value, "base64url") });
  assert.equal(secrets.length, 5);
  await world.hub.stop();
  const places = await files(server.dir);
  assert.ok(places.some((place) => place.name.endsWith("ledger.redb")) && places.some((place) => place.name.endsWith("hub.log")));
  assert.ok(leaks([{ name: "a control", text: "Hallway hub" }], places).length > 0, "the search finds what is there");
  assert.deepEqual(leaks(secrets, places), []);
});

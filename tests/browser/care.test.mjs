// Care over time, in Chromium: a list that finds, many codes at once, the review, files out and in, reading offline.

import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { decode, encode } from "cborg";
import { authenticator, hook, profile } from "./lib/browser.mjs";
import { lockState, makeHome, openCode, showPin, signUp } from "./lib/portal.mjs";
import { household, startHub } from "./lib/stack.mjs";
import { until } from "./lib/steps.mjs";

let here, page, kit, at;

const rows = () => hook(page, "code-row");
const labels = () => rows().evaluateAll((all) => all.map((row) => row.dataset.label));
const said = (words) => page.getByTestId("toast").filter({ hasText: words }).first().waitFor();

/** A file that the page saves when `click` is done. */
async function saved(click, on = page) {
  const [download] = await Promise.all([on.waitForEvent("download"), click()]);
  const path = join(here.server.dir, download.suggestedFilename());
  await download.saveAs(path);
  return path;
}

/** Puts a table into the import and gives its file. */
async function choose(text, name = "import.csv") {
  const path = join(here.server.dir, name);
  await writeFile(path, text);
  await hook(page, "csv-file").setInputFiles(path);
}

before(async () => {
  here = await household({ acceptDownloads: true });
  ({ page, at, kit } = here);
});
after(async () => await here?.stop());

test("a table is read whole, its faults are named, and nothing is made before it was seen", async () => {
  await page.goto(at("data"));
  await choose("label,doors,until\nAnna,Nowhere,2040-01-01\n,Front door,soon\n");
  await hook(page, "csv-fault").first().waitFor();
  const faults = await hook(page, "csv-fault").evaluateAll((all) => all.map((one) => `${one.dataset.row} ${one.dataset.code}`));
  assert.deepEqual(faults, ["2 csv.door", "3 csv.label", "3 typed.instant"]);

  const hostile = `"=HYPERLINK(""http://evil"")"`;
  const many = Array.from({ length: 8 }, (_, n) => `Room ${n + 1},Front door,2040-01-01,`).join("\n");
  await choose(`label,doors,until,hours\n${hostile},Front door;Back door,2040-01-01,Mon-Fri 09:00-17:00\n<b>Zoë</b>,Back door,2040-01-01,\n${many}\n`);
  await hook(page, "preview-row").first().waitFor();
  assert.equal(await hook(page, "preview-row").count(), 10);
  assert.equal(await page.locator("b", { hasText: "Zoë" }).count(), 0, "a name is text");
  await hook(page, "preview-make").click();
  await page.locator('[data-testid="preview-outcome"][data-made="10"]').waitFor();

  const table = await readFile(await saved(() => hook(page, "csv-save").click()), "utf8");
  assert.match(table, /"'=HYPERLINK\(""http:\/\/evil""\)"/, "no cell is a formula");
  // The same table once more: nothing is made twice.
  await page.reload();
  await choose(table, "again.csv");
  await hook(page, "preview").waitFor();
  assert.match(await hook(page, "preview").innerText(), /0 codes to make\. 10 codes are in this home already/);
});

test("the list finds by name, door and state", async () => {
  await page.goto(at("codes"));
  await rows().first().waitFor();
  assert.equal(await rows().count(), 10);
  await hook(page, "codes-search").fill("room 3");
  await until("one is left", async () => (await rows().count()) === 1);
  await hook(page, "codes-search").fill("zoë");
  await until("by another name", async () => (await labels()).join() === "<b>Zoë</b>");
  await hook(page, "codes-search").fill("nobody at all");
  await hook(page, "codes-none").waitFor();
  await hook(page, "codes-search").fill("");
  await hook(page, "codes-filters").click();
  await hook(page, "filter-door").selectOption({ label: "Back door" });
  await until("two are at the back", async () => (await rows().count()) === 2);
  // Back from a code the list is as it was left.
  await rows().first().click();
  await hook(page, "code-title").waitFor();
  await page.goBack();
  await until("still two", async () => (await rows().count()) === 2);
  await hook(page, "codes-filters").click();
  await hook(page, "filter-door").selectOption("");
  await hook(page, "filter-sort").selectOption("name");
  await until("by name", async () => (await labels())[0] === "<b>Zoë</b>");
});

test("many are suspended, resumed, revoked and issued again", async () => {
  await page.goto(at("codes"));
  await hook(page, "codes-search").fill("room");
  await until("the rooms", async () => (await rows().count()) === 8);
  await hook(page, "codes-select").click();
  await hook(page, "bulk-all").click();
  await hook(page, "bulk-suspend").click();
  await said("8 codes suspended.");
  await hook(page, "codes-select").click();
  await hook(page, "bulk-all").click();
  await hook(page, "bulk-resume").click();
  await said("8 codes resumed.");
  await hook(page, "codes-select").click();
  await hook(page, "code-pick").first().check();
  await hook(page, "code-pick").nth(1).check();
  await until("two are chosen", async () => (await hook(page, "bulk-count").innerText()) === "2 codes selected");
  await hook(page, "bulk-all").click();
  await hook(page, "bulk-revoke").click();
  await hook(page, "bulk-revoke-confirm").click();
  await said("8 codes revoked.");
  await hook(page, "codes-filters").click();
  await hook(page, "filter-state").selectOption("over");
  await until("eight are over", async () => (await rows().count()) === 8);
  await hook(page, "bulk-undo").click();
  await said("8 codes issued again");
  await hook(page, "filter-state").selectOption("");
  await until("eight live ones and eight revoked ones", async () => (await rows().count()) === 16);
});

test("the review names what needs care, and one step settles it", async () => {
  await page.goto(at("codes/new"));
  await hook(page, "kind-standard").check();
  await hook(page, "code-label").fill("Room 1");
  await page.locator('[data-testid="code-lock"][data-name="Garage"]').check();
  await hook(page, "code-save").click();
  await page.waitForURL(/\/codes\/[a-z2-7]{26}$/);
  const code = new URL(page.url()).pathname.split("/").pop();
  const pin = await showPin(page);

  await page.goto(at("review"));
  const item = (kind) => page.locator(`[data-testid="review-item"][data-kind="${kind}"]`);
  await item("same_name").waitFor();
  await item("same_name").getByTestId("review-act").click();
  await hook(page, "review-name").fill("Attic");
  await hook(page, "review-confirm").click();
  await item("same_name").waitFor({ state: "detached" });
  await item("shared").getByTestId("review-act").click();
  await hook(page, "review-holder").first().check();
  await hook(page, "review-confirm").click();
  await item("shared").waitFor({ state: "detached" });

  // A house number makes the PIN weak, from one moment to the next.
  await page.goto(at("settings"));
  await hook(page, "settings-number").fill(pin.slice(1, 5));
  await hook(page, "settings-save").click();
  await said("Saved.");
  await page.goto(at("today"));
  await hook(page, "care-line").click();
  await item("weak_pin").waitFor();
  await item("weak_pin").getByTestId("review-fine").click();
  await item("weak_pin").waitFor({ state: "detached" });
  await hook(page, "review-all").click();
  await item("weak_pin").getByTestId("review-act").click();
  await hook(page, "review-confirm").click();
  await item("weak_pin").waitFor({ state: "detached" });
  await openCode(page, here.home, code);
  await until("it has another PIN", async () => (await showPin(page)) !== pin);
  await page.goto(at("today"));
  await page.waitForTimeout(1_500);
  assert.equal(await hook(page, "care-line").count(), 0, "one is not reminded of nothing");
});

test("Today warns of a guest who comes while the hub is away", async () => {
  const soon = new Date(Date.now() + 2 * 3_600_000).toISOString().slice(0, 16).replace("T", " ");
  await page.goto(at("data"));
  await choose(`label,doors,from,until\nRental,Front door,${soon}Z,2040-01-01\n`);
  await hook(page, "preview-make").click();
  await page.locator('[data-testid="preview-outcome"][data-made="1"]').waitFor();
  await page.goto(at("today"));
  const warning = page.locator('[data-testid="attention"][data-kind="arrival"]').filter({ hasText: "Rental" });
  await page.locator('[data-testid="live-state"][data-live="live"]').first().waitFor({ state: "attached" });
  assert.equal(await warning.count(), 0);
  await here.hub.network(false);
  await warning.waitFor();
  await here.hub.network(true);
  await warning.waitFor({ state: "detached", timeout: 30_000 });
});

test("the timeline holds changes and entries, is filtered, and is saved without formulas", async () => {
  await openCodeNamed("zoë");
  await lockState(page, "Back door", "written_unconfirmed");
  assert.equal((await here.hub.keypad("Back door", await showPin(page))).opened, true);
  await page.goto(at("activity"));
  await page.locator('[data-testid="op-row"][data-kind="PutGrant"]').first().waitFor();
  await page.locator('[data-testid="event-row"][data-kind="CodeUsed"]').waitFor();
  assert.equal(await hook(page, "log-alarm").count(), 0);
  await hook(page, "activity-filters").click();
  await hook(page, "activity-kind").selectOption("entries");
  await until("entries alone", async () => (await hook(page, "op-row").count()) === 0 && (await hook(page, "event-row").count()) === 1);
  await hook(page, "activity-kind").selectOption("changes");
  await hook(page, "activity-search").fill("suspended");
  await until("who suspended what", async () => {
    if ((await hook(page, "op-row").count()) === 8) return true;
    // Changes show as far back as the hubs' logs were fetched.
    if (await hook(page, "activity-more").isVisible()) await hook(page, "activity-more").click();
    return false;
  });
  await hook(page, "activity-search").fill("");
  const log = await readFile(await saved(() => hook(page, "activity-export").click()), "utf8");
  assert.match(log, /PutGrant/);
  assert.doesNotMatch(log, /(^|[,\n])[=+@]/m, "no cell is a formula");
});

test("an event that is withheld raises an alarm", async () => {
  await page.route("**/events?*", async (route) => {
    const response = await route.fetch();
    const answer = decode(await response.body(), { useMaps: true });
    answer.get(1).splice(2, 1);
    await route.fulfill({ response, body: Buffer.from(encode(answer)) });
  });
  await page.goto(at("activity"));
  await hook(page, "log-alarm").waitFor();
  await page.unroute("**/events?*");
  await page.goto(at("activity"));
  await hook(page, "event-row").first().waitFor();
  assert.equal(await hook(page, "log-alarm").count(), 0);
});

test("the archive is whole", async () => {
  await page.goto(at("data"));
  const file = await readFile(await saved(() => hook(page, "archive-save").click()));
  assert.match(file.subarray(0, 24).toString("latin1"), /latchkey\/v1\/archive/);
});

test("a backup comes back in another account, with its kit alone", async () => {
  await openCodeNamed("zoë");
  const pin = await showPin(page);
  await page.goto(at("data"));
  await hook(page, "backup-kit").fill("AAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AAAA");
  await hook(page, "backup-save").click();
  await hook(page, "error").first().waitFor();
  await hook(page, "backup-kit").fill(kit);
  const file = await saved(() => hook(page, "backup-save").click());
  await hook(page, "backup-saved").waitFor();
  const bytes = await readFile(file);
  assert.equal(bytes.includes(pin), false);

  const other = await profile(here.browser, { acceptDownloads: true });
  await authenticator(other.page);
  await signUp(other.page, here.server.origin, { name: "Otto Owner" });
  const home = await makeHome(other.page, "New house");
  const hub = await startHub(join(here.server.dir, "second"), here.server.origin);
  const { url } = await until("the second hub shows a pairing code", () => hub.pairing());
  await other.page.goto(url);
  await hook(other.page, "pair-confirm").click();
  await hook(other.page, "pair-done").waitFor();
  const there = (path) => `${here.server.origin}/h/${home}/${path}`;
  await other.page.goto(there("doors"));
  await until("four locks", async () => (await hook(other.page, "lock-card").count()) === 4, 20_000);
  await other.page.goto(there("data"));
  await hook(other.page, "restore-file").setInputFiles(file);
  await hook(other.page, "restore-kit").fill(kit);
  await hook(other.page, "restore-open").click();
  await hook(other.page, "preview-row").first().waitFor();
  await hook(other.page, "preview-make").click();
  await hook(other.page, "preview-outcome").waitFor();
  assert.equal(await hook(other.page, "preview-outcome").getAttribute("data-made"), "12");
  await other.page.goto(there("codes"));
  await hook(other.page, "codes-search").fill("zoë");
  await until("one", async () => (await hook(other.page, "code-row").count()) === 1);
  await hook(other.page, "code-row").click();
  assert.equal(await showPin(other.page), pin, "with the PIN that it had");
  await lockState(other.page, "Back door", "written_unconfirmed");
  assert.equal((await hub.keypad("Back door", pin)).opened, true);
  hub.stop();
  await other.context.close();
});

async function openCodeNamed(name, go = true) {
  if (go) await page.goto(at("codes"));
  await hook(page, "codes-search").fill(name);
  await until("one", async () => (await rows().count()) === 1);
  await rows().first().click();
  await hook(page, "code-title").waitFor();
}

test("the next visit begins with what was kept, and believes no server that has less or other", async () => {
  const live = (on) => hook(on, "live-state").first().getAttribute("data-live");
  await page.goto(at("codes"));
  await until("live", async () => (await live(page)) === "live");
  // By then it is kept.
  await page.waitForTimeout(2_500);
  let asked;
  const snapshots = (answer) => page.route(/\/snapshot(\?|$)/, (route) => answer(route, new URL(route.request().url()).searchParams));
  await snapshots(async (route, query) => {
    asked ??= query.get("after");
    await new Promise((done) => setTimeout(done, 3_000));
    // The page, or this route, may be gone by then.
    await route.continue().catch(() => {});
  });
  await page.reload();
  await rows().first().waitFor();
  assert.equal(await live(page), "connecting", "it is shown before the server has answered");
  assert.ok(Number(asked) > 0, "the server is asked for the end only");
  await until("live", async () => (await live(page)) === "live", 20_000);
  await page.unroute(/\/snapshot(\?|$)/);

  const empty = Buffer.from(encode(new Map([[1, Math.floor(Date.now() / 1000)], [2, []], [3, []], [4, []]])));
  await page.waitForTimeout(2_500);
  await snapshots((route) => route.fulfill({ contentType: "application/cbor", body: empty }));
  await page.reload();
  await hook(page, "alarm").waitFor();
  assert.equal(await hook(page, "alarm").getAttribute("data-code"), "home.rollback");
  await page.unroute(/\/snapshot(\?|$)/);
});

test("without a connection the home can be read, and is gone after signing out", async () => {
  await page.goto(at("today"));
  await until("the shell is kept", () => page.evaluate(async () => (await navigator.serviceWorker.ready).active?.state === "activated"));
  await page.waitForTimeout(2_500);
  await page.context().setOffline(true);
  await page.goto(at("codes"));
  await rows().first().waitFor();
  assert.ok((await rows().count()) >= 11);
  await until("it says that it is old", async () => (await hook(page, "live-state").first().getAttribute("data-live")) === "offline");
  // What cannot be done now is told, and stays selected to be tried again.
  await hook(page, "codes-search").fill("room 8");
  await until("one", async () => (await rows().count()) === 2);
  await hook(page, "codes-select").click();
  await hook(page, "code-pick").first().check();
  await hook(page, "bulk-suspend").click();
  await hook(page, "bulk-failed").waitFor();
  await hook(page, "bulk-done").click();
  await openCodeNamed("zoë", false);
  await showPin(page);
  await page.context().setOffline(false);
  await until("it is live again", async () => (await hook(page, "live-state").first().getAttribute("data-live")) === "live", 30_000);
  await page.goto(at("codes"));
  await hook(page, "codes-search").fill("room 8");
  await hook(page, "codes-select").click();
  await hook(page, "code-pick").first().check();
  await hook(page, "bulk-suspend").click();
  await said("1 code suspended.");

  await page.goto(at("settings"));
  await hook(page, "sign-out").click();
  await hook(page, "signin-submit").waitFor();
  const left = await page.evaluate(
    () =>
      new Promise((done) => {
        const open = indexedDB.open("latchkey", 1);
        open.onsuccess = () => {
          const all = open.result.transaction("vault").objectStore("vault").getAllKeys();
          all.onsuccess = () => done(all.result);
        };
      }),
  );
  assert.deepEqual(left, []);
});

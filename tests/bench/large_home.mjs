// A home with many codes, and the browser profile of its owner.

import { spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { authenticator, hook, profile } from "../browser/lib/browser.mjs";
import { makeHome, signUp } from "../browser/lib/portal.mjs";
import { startHub } from "../browser/lib/stack.mjs";
import { until } from "../browser/lib/steps.mjs";

/** When its codes end. */
export const END = new Date(Date.now() + 5 * 86_400_000).toISOString().slice(0, 10);

/** `{page, hub, home, names, link}`: `link` is a guest's of one of its codes. */
export async function largeHome(browser, server, origin, codes) {
  const hub = await startHub(server.dir, origin);
  const { page } = await profile(browser, { viewport: { width: 390, height: 844 } });
  await authenticator(page);
  process.env.ORIGIN = origin;
  const kit = await signUp(page, origin);
  const home = await makeHome(page);
  const { url } = await until("the hub shows a pairing code", () => hub.pairing());
  await page.goto(url);
  await hook(page, "pair-confirm").click();
  await hook(page, "pair-done").waitFor();
  await page.goto(`${origin}/h/${home}/doors`);
  await until("four locks", async () => (await hook(page, "lock-card").count()) === 4, 20_000);

  /** The command line, as the same owner. */
  const cli = (...args) => {
    const env = { PATH: process.env.PATH, LATCHKEY_ORIGIN: origin, LATCHKEY_KIT: kit };
    const child = spawn(process.env.CLI, ["--state", join(server.dir, "cli"), "--json", ...args], { env });
    let [out, err] = ["", ""];
    child.stdout.on("data", (bytes) => (out += bytes));
    child.stderr.on("data", (bytes) => (err += bytes));
    child.stdin.end();
    return new Promise((done, fail) =>
      child.once("close", (status) => (status === 0 ? done(JSON.parse(out)) : fail(new Error(`${args.join(" ")}: ${err}`)))),
    );
  };
  await cli("login", "--no-passphrase");
  const door = (await cli("--home", home, "locks")).locks.at(-1).name;
  const names = Array.from({ length: codes }, (_, n) => `Guest number ${String(n).padStart(3, "0")}`);
  for (let at = 0; at < codes; at += 50) {
    const rows = names.slice(at, at + 50).map((name) => `${name},guest,${door},,${END}`);
    const file = join(server.dir, "codes.csv");
    await writeFile(file, ["label,kind,doors,from,until", ...rows].join("\r\n"));
    await cli("--home", home, "import", "csv", file);
  }
  const listed = await cli("--home", home, "codes", "list");
  const withLink = (listed.codes ?? listed).find((code) => code.kind === "guest");
  const { link } = await cli("--home", home, "link", "show", withLink.id);
  return { page, hub, home, names, link };
}

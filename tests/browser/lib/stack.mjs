// A Worker and a hub with simulated locks of one's own, and a home in which they are paired.

import { spawn } from "node:child_process";
import { openSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { freePort, serve } from "../../live/lib/server.mjs";
import { authenticator, hook, launch, profile } from "./browser.mjs";
import { panel } from "./panel.mjs";
import { makeHome, signUp } from "./portal.mjs";
import { until } from "./steps.mjs";

/**
 * Starts a hub for this origin, on a state of its own below `dir`, with more lines of configuration if need be. What is in
 * the result is what a panel has, the panel's `address` for a browser, `stop` and `restart`.
 */
export async function startHub(dir, origin, more = "") {
  const state = join(dir, "hub");
  await mkdir(state, { recursive: true, mode: 0o700 });
  await writeFile(join(state, "hub.toml"), `origin = "${origin}"\nname = "Hallway hub"\n${more}`);
  const port = await freePort();
  const log = openSync(join(dir, "hub.log"), "a");
  const run = () => {
    const child = spawn(process.env.HUB, ["run", "--state", state], {
      stdio: ["ignore", log, log],
      env: { ...process.env, LATCHKEY_ALLOW_ROOT: "1", LATCHKEY_PANEL: `127.0.0.1:${port}` },
    });
    // A test that fails on the way does not wait for it.
    child.unref();
    return child;
  };
  let child = run();
  process.once("exit", () => child.kill("SIGKILL"));
  const stop = () =>
    new Promise((done) => {
      if (child.exitCode !== null || child.signalCode !== null) return done();
      child.once("exit", done);
      child.kill("SIGKILL");
    });
  const restart = async () => {
    await stop();
    child = run();
  };
  const hub = panel(`http://127.0.0.1:${port}`);
  await until("the hub's panel answers", () => hub.state(), 20_000);
  return { ...hub, address: `http://localhost:${port}`, stop, restart };
}

/**
 * Worker, hub, browser, and an owner whose home has the hub: `{server, hub, browser, page, seen, kit, home, at, stop}`.
 * `at(path)` is an address within the home. Options go to the browser's profile.
 */
export async function household(options = {}) {
  const started = [];
  const stop = async () => {
    for (const end of started.splice(0).reverse()) await end();
  };
  try {
    const server = await serve();
    started.push(() => server.stop());
    const hub = await startHub(server.dir, server.origin);
    started.push(() => hub.stop());
    const browser = await launch();
    started.push(() => browser.close());
    const { page, seen } = await profile(browser, options);
    const auth = await authenticator(page);
    // What the steps of the story read.
    process.env.ORIGIN = server.origin;
    const kit = await signUp(page, server.origin);
    const home = await makeHome(page);
    const { url } = await until("the hub shows a pairing code", () => hub.pairing());
    await page.goto(url);
    await hook(page, "pair-confirm").click();
    await hook(page, "pair-done").waitFor();
    await hook(page, "pair-continue").click();
    const at = (path) => `${server.origin}/h/${home}/${path}`;
    await page.goto(at("doors"));
    await until("four locks", async () => (await hook(page, "lock-card").count()) === 4, 20_000);
    return { server, hub, browser, page, seen, auth, kit, home, at, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

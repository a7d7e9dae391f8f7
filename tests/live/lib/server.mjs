// A Worker of one's own: `wrangler dev` on a free port, with storage of its own.

import { spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { mkdir, mkdtemp, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { delimiter, join, resolve } from "node:path";

const ROOT = resolve(import.meta.dirname, "../../..");
const BIN = join(ROOT, "node_modules/.bin");
const RUNS = process.env.RUN_DIR ?? join(ROOT, "target/live");

/** A port of the loopback address that nobody uses. */
export const freePort = () =>
  new Promise((done, fail) => {
    const server = createServer().once("error", fail);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });

/** The deployed configuration with absolute paths, and limits that a test does not meet unless it wants to. */
async function configuration(dir, { limits }) {
  const text = (await readFile(join(ROOT, "wrangler.toml"), "utf8"))
    .replaceAll(/(main|directory|base_dir) = "(dist\/[^"]+)"/g, (_, key, path) => `${key} = "${join(ROOT, path)}"`)
    .replaceAll(/limit = \d+/g, (old) => (limits ? old : "limit = 1000000"));
  const path = join(dir, "wrangler.toml");
  await writeFile(path, text);
  await writeFile(join(dir, ".dev.vars"), await readFile(join(ROOT, ".dev.vars")));
  return path;
}

/**
 * Starts a Worker. `{origin, dir, log, stop(), restart()}`; `restart` kills it without warning and starts it again on
 * the same storage. `limits: true` keeps the deployed rate limits; `front` is the origin under which something in front
 * of it is reached.
 */
export async function serve({ limits = false, front } = {}) {
  await mkdir(RUNS, { recursive: true });
  const dir = await mkdtemp(join(RUNS, "run-"));
  const config = await configuration(dir, { limits });
  const port = await freePort();
  const origin = `http://localhost:${port}`;
  const log = join(dir, "worker.log");
  let child;

  const start = async () => {
    child = spawn(
      join(BIN, "wrangler"),
      [
        ...["dev", "--config", config, "--ip", "127.0.0.1", "--port", String(port), "--inspector-port", "0"],
        ...["--persist-to", join(dir, "state"), "--show-interactive-dev-session=false"],
        ...["--var", `ORIGIN:${front ?? origin}`, "--var", "RP_ID:localhost"],
      ],
      {
        cwd: dir,
        detached: true,
        stdio: ["ignore", "pipe", "pipe"],
        env: {
          ...process.env,
          PATH: BIN + delimiter + process.env.PATH,
          NO_COLOR: "1",
          WRANGLER_SEND_METRICS: "false",
          WRANGLER_SEND_ERROR_REPORTS: "false",
          CLOUDFLARE_CF_FETCH_ENABLED: "false",
        },
      },
    );
    const file = createWriteStream(log, { flags: "a" });
    child.stdout.pipe(file);
    child.stderr.pipe(file);
    const end = Date.now() + 60_000;
    for (;;) {
      const up = await fetch(`${origin}/api/v1/health`).then((response) => response.ok, () => false);
      if (up) return;
      if (child.exitCode !== null || Date.now() > end) throw new Error(`no Worker:\n${await readFile(log, "utf8")}`);
      await new Promise((done) => setTimeout(done, 100));
    }
  };
  const stop = async (signal = "SIGTERM") => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((done) => child.once("exit", done));
    process.kill(-child.pid, signal);
    await Promise.race([ended, new Promise((done) => setTimeout(done, 5_000))]);
    try {
      process.kill(-child.pid, "SIGKILL");
    } catch {
      // The whole group has ended.
    }
  };
  const restart = async () => {
    await stop("SIGKILL");
    await start();
  };
  process.once("exit", () => {
    try {
      process.kill(-child.pid, "SIGKILL");
    } catch {
      // It has ended.
    }
  });
  await start();
  return { origin, dir, log, stop, restart };
}

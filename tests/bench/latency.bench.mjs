// From saving a code to its being read back on the lock, and from revoking it to its being read back as gone: a real
// Worker, a real hub, a simulated lock that takes 4 ms for each command. Beside it what the lock alone takes.

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { KIND, pairedHome } from "../browser/lib/sealed_home.mjs";
import { serve } from "../live/lib/server.mjs";
import { quantile, table } from "./load.mjs";
import { ROOT } from "./workerd.mjs";

const RUNS = process.env.RUN_DIR ?? join(ROOT, "target/bench");
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 100);
/** Write and read, or clear and read, of the simulated lock. */
const LOCK_MS = 8;

await mkdir(RUNS, { recursive: true });
process.env.RUN_DIR = RUNS;
const server = await serve();
const { home, hub, at, locks } = await pairedHome(server);
const [name, lock] = [...locks].find(([name]) => name === "Front door") ?? [...locks][0];

/** Polls the hub's panel, which is on this machine, until the code is as wanted on the lock. */
async function seen(grant, wanted) {
  for (;;) {
    const state = await at.lock(name);
    const code = state.codes.find((entry) => entry.grant === grant);
    const slot = state.slots.find((entry) => entry.grant === grant && entry.seen !== "empty");
    if (wanted === "on" ? code?.state === "on_lock" : !slot) return performance.now();
    await new Promise((done) => setTimeout(done, 2));
  }
}

const times = { saved: [], on: [], revoked: [], off: [] };
// PINs that no rule refuses, each once.
const pin = (n) => String(482_913 + n * 7_919).slice(-6);
for (let round = 0; round < ROUNDS + 5; round += 1) {
  const begun = performance.now();
  const grant = await home.code({ label: `Guest ${round}`, kind: KIND.standard, pin: pin(round), locks: [lock] });
  const saved = performance.now();
  const on = await seen(grant, "on");
  const revoking = performance.now();
  const id = home.chain.at(-1).grant;
  await home.add([9, id]);
  const revoked = performance.now();
  const off = await seen(grant, "off");
  // The first few only warm up.
  if (round < 5) continue;
  times.saved.push(saved - begun);
  times.on.push(on - begun);
  times.revoked.push(revoked - revoking);
  times.off.push(off - revoking);
}
const row = (what, values, least) => {
  const sorted = [...values].sort((a, b) => a - b);
  return [what, quantile(sorted, 0.5).toFixed(0), quantile(sorted, 0.99).toFixed(0), least];
};
console.log(
  table(
    ["from save or revoke to", "p50 ms", "p99 ms", "of which the lock"],
    [
      row("saved: the server has the code", times.saved, ""),
      row("read back on the lock", times.on, `${LOCK_MS}`),
      row("revoked: the server has it", times.revoked, ""),
      row("read back as gone", times.off, `${LOCK_MS}`),
    ],
  ),
);
console.log(`\n${ROUNDS} codes one after another, under wrangler dev, with hub and Worker on one machine.`);
await hub.stop();
await server.stop();
process.exit(0);

// An hour in a moment: `node --import ./hour.mjs` before a peer's program. Its timers and dates go as usual until the file
// that PEERS_HOUR names is there; then every timer of the next hour fires, one after the other and each with what follows
// from it, and `<file>.done` says how far the clock was moved and how often a timer of one minute has fired meanwhile.

import FakeTimers from "@sinonjs/fake-timers";
import fs from "node:fs";

const file = process.env.PEERS_HOUR;
// Only the program that keeps the radio: not whoever started it.
if (file && process.argv[1]?.endsWith("server.mjs")) {
  const { setInterval: every, clearInterval: stop } = globalThis;
  const toFake = ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "Date"];
  const clock = FakeTimers.install({ now: Date.now(), toFake, shouldAdvanceTime: true, advanceTimeDelta: 10 });
  const watch = every(async () => {
    if (!fs.existsSync(file)) return;
    stop(watch);
    const began = Date.now();
    let minutes = 0;
    const canary = setInterval(() => (minutes += 1), 60_000);
    await clock.tickAsync(3_600_000);
    clearInterval(canary);
    fs.writeFileSync(`${file}.new`, JSON.stringify({ moved: Date.now() - began, minutes }));
    fs.renameSync(`${file}.new`, `${file}.done`);
  }, 50);
  watch.unref();
}

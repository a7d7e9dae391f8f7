// One visit to a page on a slow profile: what it transfers, when it paints, when it can be used, and how far it was when.

/** A phone of some years ago on a slow mobile network: how much slower the processor is; ms; bytes each ms. */
export const SLOW = { cpu: 4, latency: 150, down: 1_600 / 8 };

/** Forgets all that a browser keeps of the page that is open, but for who is signed in. */
async function forget(target, session) {
  await session.send("Network.clearBrowserCache");
  await target.evaluate(async () => {
    for (const worker of (await navigator.serviceWorker?.getRegistrations?.()) ?? []) await worker.unregister();
    for (const name of (await globalThis.caches?.keys?.()) ?? []) await caches.delete(name);
    const databases = (await globalThis.indexedDB?.databases?.()) ?? [];
    if (!databases.some(({ name }) => name === "latchkey")) return;
    const done = (request) => new Promise((resolve, reject) => Object.assign(request, { onsuccess: () => resolve(request.result), onerror: reject }));
    const db = await done(indexedDB.open("latchkey"));
    const store = db.transaction("vault", "readwrite").objectStore("vault");
    for (const key of await done(store.getAllKeys())) if (key !== "seed") await done(store.delete(key));
    db.close();
  }).catch(() => {});
}

/** How far the page was when, in ms from its start: files and answers by their last byte, and the app's own marks. */
const steps = () => {
  const files = performance.getEntriesByType("resource").filter((entry) => entry.responseEnd > 0);
  const last = (fits) => Math.max(0, ...files.filter(({ name }) => fits(new URL(name).pathname)).map((e) => e.responseEnd));
  const marks = performance.getEntriesByType("mark").filter(({ name }) => name.startsWith("latchkey:"));
  return {
    ...Object.fromEntries(marks.reverse().map(({ name, startTime }) => [name.slice(9), startTime])),
    document: performance.getEntriesByType("navigation")[0].responseEnd,
    files: last((path) => path.startsWith("/assets/") && !path.endsWith(".css")),
    answer: last((path) => path.endsWith("/snapshot")),
  };
};

/**
 * Visits `address`, which is reached over `line`, until `ready` is there, on the slow profile: `{session, bytes, painted,
 * usable, steps}`, in kB and ms. `again`: with everything that the visit before has left in the browser; else with nothing.
 */
export async function visit(target, line, address, ready, { again = false } = {}) {
  const session = await target.context().newCDPSession(target);
  if (!again) await forget(target, session);
  await target.goto("about:blank");
  await session.send("Emulation.setCPUThrottlingRate", { rate: SLOW.cpu });
  line.slow(SLOW);
  line.bytes = 0;
  const begun = performance.now();
  await target.goto(address, { waitUntil: "commit" });
  await target.locator(ready).first().waitFor({ timeout: 60_000 });
  const [usable, bytes] = [performance.now() - begun, line.bytes];
  await target.waitForLoadState("load");
  const first = () => performance.getEntriesByName("first-contentful-paint")[0]?.startTime;
  const painted = await (await target.waitForFunction(first)).jsonValue();
  return { session, bytes: bytes / 1000, painted, usable, steps: await target.evaluate(steps) };
}

/** Ends a visit: everything is as fast as it can be, and what the page does when it is left alone has time. */
export async function leave(target, line, session, settle) {
  line.slow(null);
  await session.send("Emulation.setCPUThrottlingRate", { rate: 1 });
  await session.detach();
  if (settle) await target.waitForTimeout(settle);
}

/** From key to paint of each key typed into the search, in ms (Event Timing; 8 ms steps). */
export async function typing(target) {
  await target.evaluate(() => {
    globalThis.delays = [];
    const seen = (list) => list.getEntries().forEach((e) => e.interactionId && globalThis.delays.push(e.duration));
    new PerformanceObserver(seen).observe({ type: "event", durationThreshold: 16 });
  });
  const box = target.getByTestId("codes-search");
  await box.click();
  for (const key of "number 04") {
    await box.press(key === " " ? "Space" : key);
    await target.waitForTimeout(250);
  }
  return target.evaluate(() => globalThis.delays);
}

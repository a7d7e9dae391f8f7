// Runs the steps of a story one after the other, and says how long each took.

/** A story: `step(name, work)` runs a step, `measure(name, ms)` notes a time inside one. */
export function story() {
  const rows = [];
  const started = performance.now();
  const show = (name, ms, mark) => console.log(`${mark} ${name.padEnd(68)} ${ms.toFixed(0).padStart(7)} ms`);
  return {
    async step(name, work) {
      const begun = performance.now();
      try {
        const value = await work();
        show(name, performance.now() - begun, "ok  ");
        rows.push(name);
        return value;
      } catch (error) {
        show(name, performance.now() - begun, "FAIL");
        error.step = name;
        throw error;
      }
    },
    measure: (name, ms) => show(`  ${name}`, ms, "time"),
    end: () => console.log(`story: ${rows.length} steps passed in ${((performance.now() - started) / 1000).toFixed(1)} s`),
  };
}

/** Asks until `ask` gives something truthy. */
export async function until(what, ask, timeout = 15_000, every = 40) {
  const end = performance.now() + timeout;
  let last;
  for (;;) {
    try {
      const value = await ask();
      if (value) return value;
    } catch (error) {
      last = error;
    }
    if (performance.now() > end) throw new Error(`not within ${timeout} ms: ${what}${last ? ` (${last.message})` : ""}`);
    await new Promise((resolve) => setTimeout(resolve, every));
  }
}

// What this device keeps between visits, per link id: the last status, when it was seen, and the
// ciphertext as it came. Neither the secret nor the PIN is ever stored.

const PREFIX = "latchkey/g/";
const DAY = 86_400;

// Storage may be off, full or forbidden; the page works without it.
const quietly = (act) => {
  try {
    return act();
  } catch {
    return null;
  }
};

export const load = (id) => quietly(() => JSON.parse(localStorage.getItem(PREFIX + id)));
export const save = (id, kept) => quietly(() => localStorage.setItem(PREFIX + id, JSON.stringify(kept)));
export const forget = (id) => quietly(() => localStorage.removeItem(PREFIX + id));

/**
 * Forgets links that have been over for a day, so that no old stay lingers on the device.
 * `now` is by this device's clock, as `seen` is: only what has passed since then counts.
 */
export function sweep(now) {
  quietly(() => {
    for (const name of Object.keys(localStorage)) {
      if (!name.startsWith(PREFIX)) continue;
      const { status, seen } = load(name.slice(PREFIX.length)) ?? {};
      const passed = now - seen;
      if (status?.expires + DAY < status?.checked_at + passed) localStorage.removeItem(name);
    }
  });
}

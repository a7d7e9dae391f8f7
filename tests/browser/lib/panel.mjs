// The hub's local panel, as a person at home uses it.

async function ask(url, options) {
  const response = await fetch(url, options);
  const text = await response.text();
  if (!response.ok) throw new Error(`${response.status} from ${new URL(url).pathname}: ${text}`);
  return text ? JSON.parse(text) : null;
}

const post = (url, body) =>
  ask(url, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });

/** The panel at `base`. */
export function panel(base) {
  const state = () => ask(`${base}/api/state`);
  const lock = async (name) => {
    const found = (await state()).locks.find((entry) => entry.name === name);
    if (!found) throw new Error(`the panel shows no lock called ${name}`);
    return found;
  };
  return {
    state,
    lock,
    /** `{url, text}` while unpaired. */
    pairing: () => ask(`${base}/api/pairing`),
    /** Types a PIN: `{opened, why}`. */
    keypad: async (name, pin) => post(`${base}/api/keypad`, { lock: name, pin }),
    /** Lets a simulated lock fail, or heals it. */
    fault: (name, fault) => post(`${base}/api/sim/fault`, { lock: name, fault }),
    /** Something happens to a simulated lock: `{battery: 12}`, `{signal: -90}`, "jammed", "locked", "tampered". */
    happens: (name, what) => post(`${base}/api/sim/happens`, { lock: name, what }),
    /** Cuts or mends the hub's way out. */
    network: (up) => post(`${base}/api/sim/network`, { up }),
    /** Whether a slot of the lock is this grant's and not empty. */
    holds: async (name, grant) => {
      const slots = (await lock(name)).slots ?? [];
      return slots.some((slot) => JSON.stringify(slot).includes(grant));
    },
  };
}

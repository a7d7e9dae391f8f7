// The two locks, in a process of their own that can be frozen: then they do not even acknowledge what reaches them.
// Takes orders from its parent, one after the other.

import { Environment } from "@matter/main";
import { held, jammed, programmed, startLock, tampered, turned, typed, wiped } from "./lock.mjs";

const [storage] = process.argv.slice(2);
Environment.default.vars.set("storage.path", storage);
Environment.default.vars.set("log.level", "fatal");
Environment.default.vars.set("mdns.networkInterface", "hub0");

const front = { id: "front", product: "Lock with terms", label: "Front door", slots: 20, schedules: 3, makesUsers: true };
const shed = { id: "shed", product: "Small lock", label: "", slots: 5, schedules: 0 };
const [frontLock, shedLock] = await Promise.all([
  startLock({ ...front, port: 5541, discriminator: 3840, zone: "Europe/Berlin" }),
  startLock({ ...shed, port: 5542, discriminator: 2560 }),
]);
const locks = { front: frontLock, shed: shedLock };

async function order(m) {
  const { act, endpoint, faults, counts, node, setClock, shows } = locks[m.lock];
  switch (m.do) {
    case "keypad":
      return act((l) => typed(l, { at: shows(), ...m }));
    case "program":
      return act((l) => programmed(l, m));
    case "wipe":
      return act((l) => wiped(l));
    case "turn":
      return act((l) => turned(l, m));
    case "jam":
      return act((l) => jammed(l));
    case "tamper":
      return act((l) => tampered(l));
    case "battery":
      return endpoint.set({ powerSource: { batPercentRemaining: m.percent * 2 } });
    case "fault":
      return faults.add(m.fault);
    case "heal":
      return faults.heal();
    case "state":
      return act((l) => held(l));
    case "clock":
      return setClock(m);
    case "requests":
      return counts.requests;
    case "offline":
      return node.cancel();
    case "online":
      return node.start();
    default:
      throw new Error(`no such order: ${m.do}`);
  }
}

/** Bytes and big numbers as JSON can say them. */
const plain = (_, value) =>
  typeof value === "bigint" ? Number(value) : value instanceof Uint8Array ? Buffer.from(value).toString("hex") : value;

process.on("message", async ({ id, order: what }) => {
  let answer;
  try {
    answer = { ok: true, result: (await order(what)) ?? null };
  } catch (error) {
    answer = { ok: false, error: String(error.stack) };
  }
  process.send({ id, answer: JSON.stringify(answer, plain) });
});
process.send({ codes: { front: frontLock.code, shed: shedLock.code } });

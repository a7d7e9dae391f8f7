// The memory inside each lock. It outlives the server in front of it, so it is on disk before anything is answered.
import fs from "node:fs";
import path from "node:path";
import v8 from "node:v8";
import { Bytes } from "@zwave-js/shared";

const file = (dir, node) => path.join(dir, `lock-${node}.bin`);

// What comes back from disk is plain bytes; the stand-in locks expect their own kind.
function bytes(value) {
  if (value instanceof Uint8Array) return Bytes.from(value);
  if (value && value.constructor === Object) {
    return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, bytes(part)]));
  }
  return value;
}

export function read(dir, node) {
  const at = file(dir, node);
  if (!fs.existsSync(at)) return { state: new Map(), counted: {} };
  const { state, counted } = v8.deserialize(fs.readFileSync(at));
  return { state: new Map([...state].map(([key, value]) => [key, bytes(value)])), counted };
}

export function write(dir, node, memory) {
  const at = file(dir, node);
  // Timers of a bolt under way are no memory.
  const state = new Map([...memory.state].filter(([, value]) => !value?.timer));
  fs.writeFileSync(`${at}.new`, v8.serialize({ state, counted: memory.counted }));
  fs.renameSync(`${at}.new`, at);
}

// A stand-in lock's state that is written on every change.
export class State extends Map {
  #save;

  constructor(entries, save) {
    super();
    for (const [key, value] of entries) super.set(key, value);
    this.#save = save;
  }

  set(key, value) {
    super.set(key, value);
    this.#save?.();
    return this;
  }

  delete(key) {
    const was = super.delete(key);
    this.#save?.();
    return was;
  }
}

const text = (value) => (value instanceof Uint8Array ? Buffer.from(value).toString() : value);

// What a slot holds: `{ pin, enabled }`.
export function slot(state, kind, no) {
  if (kind === "credential") {
    const credential = state.get(`UserCredential_cred_1_${no}`);
    const user = state.get(`UserCredential_user_${no}`);
    return { pin: credential ? text(credential.credentialData) : null, enabled: !!user?.active };
  }
  const status = state.get(`UserCode_userIdStatus_${no}`) ?? 0;
  const pin = status ? text(state.get(`UserCode_userCode_${no}`)) : null;
  return { pin: pin || null, enabled: status === 1 };
}

// Puts a PIN into a slot as the lock itself does it, or empties it.
export function program(state, kind, no, pin) {
  if (kind === "credential") {
    const by = { modifierType: 3, modifierNodeId: 0 };
    if (pin) {
      state.set(`UserCredential_user_${no}`, {
        userType: 0, active: true, credentialRule: 1, expiringTimeoutMinutes: 0, nameEncoding: 0,
        userName: `User-${no}`, ...by,
      });
      state.set(`UserCredential_cred_1_${no}`, { userId: no, credentialData: Bytes.from(pin), ...by });
    } else {
      state.delete(`UserCredential_cred_1_${no}`);
      state.delete(`UserCredential_user_${no}`);
    }
    return;
  }
  state.set(`UserCode_userIdStatus_${no}`, pin ? 1 : 0);
  state.set(`UserCode_userCode_${no}`, pin ?? undefined);
}

// The first slot whose PIN opens the lock.
export function opens(state, kind, pin) {
  for (let no = 1; no <= 251; no++) {
    const held = slot(state, kind, no);
    if (held.pin === pin && held.enabled) return no;
  }
  return null;
}

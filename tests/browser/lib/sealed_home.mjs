// A home whose keys are real, made apart from Latchkey's own code, with the real hub beside it.

import assert from "node:assert/strict";
import { Home, Person } from "../../live/lib/client.mjs";
import { cbor, idText, randomBytes, record, sha256 } from "../../live/lib/crypto.mjs";
import { homeKey, pairing, sealPin, wrap } from "../../live/lib/seal.mjs";
import { startHub } from "./stack.mjs";
import { until } from "./steps.mjs";

export const KIND = { primary: 0, standard: 1, guest: 2, duress: 3 };

class SealedHome extends Home {
  constructor(owner, issuer) {
    super(owner, issuer);
    this.epoch = homeKey(randomBytes(32));
  }

  wraps = (to) => [wrap(this.bytes, this.epoch, to)];

  static async create(owner, name) {
    const { body } = await owner.get("/issuer");
    const home = new SealedHome(owner, Buffer.from(body.sign, "base64url"));
    const genesis = home.genesis(name);
    const made = await owner.post("/homes", cbor(record({ 1: genesis.bytes })));
    assert.equal(made.status, 201, JSON.stringify(made.body));
    home.chain.push(genesis);
    return home;
  }

  /** A scope for the hub's panel, or none. */
  allow = (hub, scope) => this.add([4, record({ 1: hub.bytes, 2: hub.record, 3: scope, 4: [] })]);

  /** Puts a code without an end. */
  async code({ label, kind, pin, locks }) {
    const [grant, now] = [randomBytes(16), Math.floor(Date.now() / 1000) - 60];
    const sorted = [...locks].sort(Buffer.compare);
    const sealed = sealPin(this.bytes, this.epoch, { grant, rev: 1, locks: sorted, pin });
    const fields = { 1: grant, 2: 1, 3: kind, 5: now, 7: label, 8: sorted, 9: [0, []], 11: true, 12: sealed, 15: [], 16: [] };
    await this.add([8, record({ ...fields, 19: false, 20: now })]);
    this.chain.at(-1).grant = grant;
    return idText(grant);
  }

  /** Takes in what others put on the chain, so that the next op follows it. Gives their bodies. */
  async catchUp(opened) {
    const ops = (await this.snapshot(this.chain.length - 1)).get(2);
    for (const bytes of ops) this.chain.push({ bytes, ...opened("op", bytes) });
    return ops.map((bytes) => opened("op", bytes).payload.get(7));
  }
}

/** An owner, a home and its hub, paired. `locks` are the hub's, by name. `more` goes into the hub's configuration. */
export async function pairedHome(server, more) {
  const owner = await new Person(server.origin).signUp();
  const home = await SealedHome.create(owner, "Rua das Flores 7");
  const { address, stop, restart, ...at } = await startHub(server.dir, server.origin, more);
  const { text } = await until("the hub shows a pairing code", () => at.pairing());
  const pair = pairing(text);
  const offer = await until("the hub's offer is there", async () => {
    const answer = await owner.get(`/pair/${pair.id}`);
    return answer.status === 200 && answer.body;
  });
  assert.ok(pair.offerIs(offer), "the hub knows the pairing code");
  const [bytes, key] = [offer.get(1), offer.get(2)];
  const hub = { bytes, record: key, id: idText(bytes), panel: address, stop, restart };
  const to = { id: sha256(key.get(1)).subarray(0, 16), seal: key.get(2) };
  await home.add([4, record({ 1: bytes, 2: key, 4: home.wraps(to) })]);
  const answer = cbor(pair.answer(home.bytes, home.chain[0].hash, bytes));
  const put = await owner.request("PUT", `/pair/${pair.id}/answer`, { body: answer });
  assert.ok(put.status < 300, JSON.stringify(put.body));
  const state = await until("the hub knows its locks", async () => {
    const now = await at.state();
    return now.paired && now.seq !== null && now.locks.every((lock) => lock.slot_count) && now;
  }, 30_000);
  const locks = new Map(state.locks.map((lock) => [lock.name, fromText(lock.id)]));
  return { owner, home, hub, at, locks };
}

/** An id's bytes. */
function fromText(id) {
  const bits = [...id].map((c) => "abcdefghijklmnopqrstuvwxyz234567".indexOf(c).toString(2).padStart(5, "0")).join("");
  return Buffer.from(bits.match(/.{8}/g).map((eight) => parseInt(eight, 2)));
}

// A person's browser and a hub, as far as the API sees them.

import assert from "node:assert/strict";
import { b64, cbor, fromCbor, hkdf, idText, keyRecord, keys, passkey, randomBytes, record, sha256, signed, signedHeaders } from "./crypto.mjs";

const API = "/api/v1";
const CBOR = "application/cbor";

/** A stored wrap's form, with random content: the server cannot tell. */
const wrap = (kind, credential) => ({
  kind,
  ...(credential && { credential_id: b64(credential) }),
  ct: b64(randomBytes(60)),
});

/** Reads an answer as what it says it is. */
async function read(response) {
  const type = response.headers.get("content-type") ?? "";
  const bytes = Buffer.from(await response.arrayBuffer());
  const body = type.includes("json") ? JSON.parse(bytes) : type === CBOR ? fromCbor(bytes) : bytes;
  return { status: response.status, type, headers: response.headers, body, code: body?.code, bytes };
}

/** Somebody who may be signed in. */
export class Person {
  constructor(origin) {
    this.origin = origin;
    this.member = keys();
    this.passkey = passkey(origin);
    this.kit = { secret: randomBytes(16) };
    this.kit.id = randomBytes(16);
    this.kit.auth = hkdf(this.kit.secret, "test", "auth", 32);
  }

  /** Any request, with cookie and Origin unless they are given. */
  async request(method, path, { body, headers = {}, type } = {}) {
    const all = { origin: this.origin, ...(this.cookie && { cookie: this.cookie }), ...headers };
    for (const name of Object.keys(all)) if (all[name] === null) delete all[name];
    const isBytes = body instanceof Uint8Array || typeof body === "string";
    if (body !== undefined) all["content-type"] ??= type ?? (body instanceof Uint8Array ? CBOR : "application/json");
    const content = body === undefined || isBytes ? body : JSON.stringify(body);
    const response = await fetch(`${this.origin}${path.startsWith("/api") ? "" : API}${path}`, {
      method,
      headers: all,
      body: content,
      redirect: "manual",
    });
    const cookie = response.headers.getSetCookie().find((line) => line.startsWith("__Host-"));
    if (cookie && response.ok) this.cookie = cookie.split(";")[0];
    return read(response);
  }

  post = (path, body, more) => this.request("POST", path, { body, ...more });
  get = (path, more) => this.request("GET", path, more);

  /** What `signup/finish` takes, to be spoiled by tests. */
  signUpBody({ ticket, options }, credential = this.passkey.create(options)) {
    return {
      ticket,
      credential,
      passkey_name: "Test key",
      prf: true,
      member: { sign: b64(this.member.sign), seal: b64(this.member.seal) },
      wraps: [wrap("prf", this.passkey.id), wrap("kit")],
      kit: { id: idText(this.kit.id), auth_hash: b64(sha256(this.kit.auth)) },
    };
  }

  async signUp(name = "Ada") {
    const begun = await this.post("/auth/signup/begin", { name });
    assert.equal(begun.status, 200, JSON.stringify(begun.body));
    const done = await this.post("/auth/signup/finish", this.signUpBody(begun.body));
    assert.equal(done.status, 200, JSON.stringify(done.body));
    this.handle = begun.body.options.user.id;
    return this;
  }

  /** Begins and finishes with the passkey; `how` spoils the answer. */
  async ceremony(kind, how) {
    const begun = await this.post(`/auth/${kind}/begin`, {});
    assert.equal(begun.status, 200, JSON.stringify(begun.body));
    const credential = this.passkey.get(begun.body.options, this.handle, how);
    return this.post(`/auth/${kind}/finish`, { ticket: begun.body.ticket, credential });
  }
}

/** A home, as its owner's browser makes it. */
export class Home {
  constructor(owner, issuer) {
    Object.assign(this, { owner, issuer, bytes: randomBytes(16), epoch: keys(), chain: [] });
    this.id = idText(this.bytes);
    this.path = `/homes/${this.id}`;
  }

  static async create(owner, name = "Home") {
    const { body } = await owner.get("/issuer");
    const home = new Home(owner, Buffer.from(body.sign, "base64url"));
    const genesis = home.genesis(name);
    const made = await owner.post("/homes", cbor(record({ 1: genesis.bytes })));
    assert.equal(made.status, 201, JSON.stringify(made.body));
    home.chain.push(genesis);
    return home;
  }

  wraps = (to) => [record({ 1: 1, 2: to.id, 3: randomBytes(80) })];

  policy = (name) => record({ 1: name, 2: "Europe/Lisbon", 3: record({ 1: 4, 2: 10 }), 4: 14 * 86_400, 5: [] });

  genesis(name = "Home", signer = this.owner.member) {
    const owner = keyRecord(this.owner.member, "Ada");
    const epoch = record({ 1: 1, 2: this.epoch.seal, 3: this.wraps(this.owner.member) });
    return this.op([0, record({ 1: this.policy(name), 2: owner, 3: this.issuer, 4: epoch })], { seq: 0, signer });
  }

  /** A signed op that follows the chain as this client knows it; `more` bends it. */
  op(body, { signer = this.owner.member, seq = this.chain.length, prev = this.chain.at(-1)?.hash, home = this.bytes } = {}) {
    const iat = Math.floor(Date.now() / 1000);
    return signed("op", record({ 1: home, 2: seq, 3: prev, 6: iat, 7: body }), signer);
  }

  grant({ id = randomBytes(16), label = "Anna", rev = 1, lock = randomBytes(16), seconds = 3_600 } = {}) {
    const now = Math.floor(Date.now() / 1000);
    const pin = record({ 1: 1, 2: randomBytes(60) });
    return [
      8,
      record({
        ...{ 1: id, 2: rev, 3: 2, 4: now + seconds, 5: now, 7: label, 8: [lock], 9: [0, []], 11: false, 12: pin, 15: [] },
        ...{ 16: [], 19: false, 20: now },
      }),
    ];
  }

  /** Sends ops as they are. */
  send = (ops, { by = this.owner, links = [], ...more } = {}) =>
    by.post(`${this.path}/ops`, cbor(record({ 1: ops.map((op) => op.bytes), 2: links })), more);

  /** Sends one op and demands that it is taken. */
  async add(body, more) {
    const op = this.op(body, more);
    const answer = await this.send([op]);
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    this.chain.push(op);
    return answer;
  }

  async snapshot(after) {
    const answer = await this.owner.get(`${this.path}/snapshot${after === undefined ? "" : `?after=${after}`}`);
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    return answer.body;
  }

  /** Everything that a refused request must leave as it is. */
  async state() {
    const events = await this.owner.get(`${this.path}/events`);
    const snapshot = await this.snapshot();
    // The clock, and when a hub was last heard of, go on.
    snapshot.delete(1);
    for (const hub of snapshot.get(4)) hub.delete(3);
    return JSON.stringify([[...snapshot].map(([key, value]) => [key, b64(cbor(value))]), b64(events.bytes)]);
  }
}

/** A hub of a home. */
export class Hub {
  constructor(home) {
    Object.assign(this, { home, keys: keys(), bytes: randomBytes(16) });
    this.id = idText(this.bytes);
    this.path = `${API}${home.path}/hubs/${this.id}`;
    this.keyId = `${home.id}/${this.id}`;
  }

  static async join(home) {
    const hub = new Hub(home);
    await home.add(hub.adding());
    return hub;
  }

  adding = () => [4, record({ 1: this.bytes, 2: keyRecord(this.keys, "Hall"), 4: this.home.wraps(this.keys) })];

  /** A signed request; `bend` changes what is signed, `sent` what is sent. */
  async request(method, call, { body, bend = {}, sent = {}, headers = {} } = {}) {
    const url = `${this.home.owner.origin}${this.path}/${call}`;
    const auth = signedHeaders({ method, url, body, keyId: this.keyId, key: this.keys, ...bend });
    const all = { ...auth, ...headers };
    for (const name of Object.keys(all)) if (all[name] === null) delete all[name];
    const content = sent.body ?? body;
    if (content) all["content-type"] = CBOR;
    const response = await fetch(sent.url ?? url, { method: sent.method ?? method, headers: all, body: content });
    return { ...(await read(response)), sent: all };
  }

  bundle = (query = "", more) => this.request("GET", `bundle${query}`, more);
  push = (body, more) => this.request("POST", "push", { body: cbor(body), ...more });
  /** Submits ops made at the panel. */
  submit = (ops, links = [], more) =>
    this.request("POST", "ops", { body: cbor(record({ 1: ops.map((op) => op.bytes), 2: links })), ...more });

  /** A signed report about a lock and the codes on it. */
  report(number, lock, name, codes = []) {
    const at = Math.floor(Date.now() / 1000);
    const abilities = record({ 1: 30, 2: [], 3: 4, 4: 8, 5: 0, 6: 0, 8: false, 9: true, 10: true });
    const info = record({ 1: lock, 2: name, 3: "sim", 4: abilities, 6: 87, 7: 25, 9: false, 13: 0 });
    const fields = { 1: this.home.bytes, 2: this.bytes, 3: number, 6: at, 7: info, 8: 0, 9: 1, 10: codes, 11: false };
    return signed("report", record(fields), this.keys).bytes;
  }

  /** Says that these codes are on the lock. */
  onLock(number, lock, name, grants) {
    const at = Math.floor(Date.now() / 1000);
    const code = ({ id, rev }) => record({ 1: id, 2: rev, 3: [3, record({ 1: at })], 4: at, 5: 0 });
    const sorted = [...grants].sort((a, b) => Buffer.compare(a.id, b.id));
    return this.report(number, lock, name, sorted.map(code));
  }

  /** A signed event after `prev`. */
  event(number, prev, body = [0, "1.0"], { home = this.home.bytes, hub = this.bytes, key = this.keys } = {}) {
    const at = Math.floor(Date.now() / 1000);
    return signed("event", record({ 1: home, 2: hub, 3: number, 6: at, 7: body, 8: prev, 9: false }), key);
  }
}

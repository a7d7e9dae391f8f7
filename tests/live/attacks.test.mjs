// Attacks on the live Worker that no other file here has: what its storage holds, planted cookies, addresses in every
// field, names in logs and headers.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { files, leaks } from "../browser/lib/leaks.mjs";
import { Home, Hub, Person } from "./lib/client.mjs";
import { b64, cbor, idText, keyRecord, keys, randomBytes, record, sha256 } from "./lib/crypto.mjs";
import { homeKey, sealPin, wrap } from "./lib/seal.mjs";
import { serve } from "./lib/server.mjs";

const DOOR = randomBytes(16);

let server, ada;

before(async () => {
  server = await serve();
  ada = await new Person(server.origin).signUp("Ada");
});
after(() => server?.stop());

/** A home whose keys are real. */
class SealedHome extends Home {
  wraps = (to) => [wrap(this.bytes, this.epoch, to)];

  static async begin(owner) {
    const { body } = await owner.get("/issuer");
    const home = new SealedHome(owner, Buffer.from(body.sign, "base64url"));
    home.epoch = homeKey(randomBytes(32));
    const genesis = home.genesis("Lake house");
    assert.equal((await owner.post("/homes", cbor(record({ 1: genesis.bytes })))).status, 201);
    home.chain.push(genesis);
    return home;
  }

  /** A code with this PIN and a link to it, as the owner's browser makes them. */
  async share(pin, secret) {
    const [grant] = [randomBytes(16)];
    const [kind, fields] = this.grant({ id: grant, lock: DOOR });
    fields.set(12, sealPin(this.bytes, this.epoch, { grant, rev: 1, locks: [DOOR], pin }));
    const link = { id: randomBytes(16), auth: randomBytes(32) };
    fields.set(14, record({ 1: link.id, 2: record({ 1: 1, 2: randomBytes(64) }) }));
    const ordered = new Map([...fields].sort(([a], [b]) => a - b));
    const op = this.op([kind, ordered]);
    const upload = record({ 1: link.id, 2: grant, 3: sha256(link.auth), 4: secret });
    const answer = await this.send([op], { links: [upload] });
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    this.chain.push(op);
    return link;
  }
}

test("all that the Worker stores, and its secrets, hold no PIN", async () => {
  const home = await SealedHome.begin(ada);
  const hub = await Hub.join(home);
  await hub.push(record({ 1: 0, 2: [hub.report(1, DOOR, "Front door")], 3: [hub.event(1, undefined, [0, "1.0"]).bytes] }));
  const pins = ["4839206157", "6028471935"];
  const links = [];
  for (const pin of pins) links.push(await home.share(pin, randomBytes(80)));
  // A PIN that the Worker makes itself: it is in its answer's link, and nowhere else.
  await ada.ceremony("stepup");
  const key = record({ 1: home.issuer, 2: keys().seal, 3: "Latchkey" });
  await home.add([1, record({ 1: key, 2: [2, record({ 1: [DOOR], 2: 7 * 86_400, 3: [2] })], 3: [] })]);
  const { body: token } = await ada.post(`${home.path}/tokens`, { name: "Booking", scopes: ["codes:write"] });
  const expires = new Date(Date.now() + 86_400_000).toISOString().replace(/\.\d+/, "");
  const issued = await ada.request("POST", `${home.path}/codes`, {
    body: { label: "Anna", locks: [idText(DOOR)], expires, note: "The lamp in the hall is broken." },
    headers: { cookie: null, origin: null, authorization: `Bearer ${token.token}`, "idempotency-key": "stay-1" },
  });
  assert.equal(issued.status, 201, JSON.stringify(issued.body));
  const link = issued.body.link;
  assert.match(link, /#/);

  await server.restart();
  const places = [...(await files(join(server.dir, "state"))), { name: ".dev.vars", bytes: await readFile(join(server.dir, ".dev.vars")) }];
  places.push({ name: "the log", bytes: await readFile(server.log) });
  const stored = Buffer.concat(places.map(({ bytes }) => bytes));
  assert.ok(stored.includes(DOOR) && stored.includes("Anna"), "what may be read is found");
  const secrets = [
    ...pins.map((text) => ({ name: "a PIN", text })),
    ...pins.map((pin) => ({ name: "a PIN's hash", bytes: sha256(Buffer.from(pin)).subarray(0, 12) })),
    ...links.map(({ auth }) => ({ name: "a link's proof", bytes: auth })),
    { name: "the issued link's secret", text: link.split("#")[1] },
    { name: "a token", text: token.token },
    { name: "the home key", bytes: home.epoch.seed },
    { name: "a note", text: "The lamp in the hall" },
    { name: "a session", text: ada.cookie.split(".")[1] },
    { name: "a kit's proof", bytes: ada.kit.auth },
  ];
  assert.deepEqual(leaks(secrets, places), []);
});

test("a cookie that somebody planted is worth nothing", async () => {
  const victim = await new Person(server.origin).signUp("Victim");
  const planted = `__Host-latchkey=${idText(randomBytes(16))}.${b64(randomBytes(32))}`;
  // Somebody set a cookie of theirs before the victim signs in; also one of a real session.
  const mallory = await new Person(server.origin).signUp("Mallory");
  for (const cookie of [planted, mallory.cookie]) {
    victim.cookie = cookie;
    const done = await victim.ceremony("signin");
    assert.equal(done.status, 200, JSON.stringify(done.body));
    const given = done.headers.getSetCookie().find((line) => line.startsWith("__Host-latchkey="));
    assert.notEqual(given.split(";")[0], cookie, "signing in gives a new one");
    assert.match(given, /HttpOnly/i);
    assert.match(given, /Secure/i);
    assert.match(given, /SameSite=Lax/i);
    assert.match(given, /Path=\//i);
    assert.doesNotMatch(given, /Domain=/i);
  }
  const nobody = new Person(server.origin);
  nobody.cookie = planted;
  assert.equal((await nobody.get("/account")).code, "auth.no_session");
  nobody.cookie = mallory.cookie;
  const theirs = await nobody.get("/account");
  assert.equal(theirs.status, 200);
  assert.ok(!JSON.stringify(theirs.body).includes("Victim"), "the planted session is still Mallory's own");
  // Two cookies of the name are ambiguous, and no session.
  nobody.cookie = `${planted}; ${victim.cookie}`;
  assert.equal((await nobody.get("/account")).code, "auth.no_session");
  // What was signed out of stays out.
  const old = victim.cookie;
  await victim.post("/auth/signout", {});
  nobody.cookie = old;
  assert.equal((await nobody.get("/account")).code, "auth.no_session");
});

test("no address that somebody names is visited", async () => {
  const visits = [];
  const trap = createServer((request, response) => {
    visits.push(`${request.method} ${request.url}`);
    response.end();
  });
  await new Promise((done) => trap.listen(0, "127.0.0.1", done));
  const at = (path) => `http://127.0.0.1:${trap.address().port}/${path}`;
  const headers = Object.fromEntries(
    ["referer", "x-forwarded-host", "x-original-url", "x-rewrite-url", "forwarded", "x-callback", "link"].map((name) => [name, at(name)]),
  );
  const home = await Home.create(ada, at("home").slice(0, 60));
  const hub = await Hub.join(home);
  await hub.push(record({ 1: 0, 2: [hub.report(1, DOOR, at("door"))], 3: [] }));
  await home.add(home.grant({ label: at("label"), lock: DOOR }));
  await home.add([1, record({ 1: keyRecord(keys(), at("person")), 2: [3], 3: [] })]);
  await ada.ceremony("stepup");
  for (const path of ["/account", `${home.path}/snapshot`, `${home.path}/export`, `${home.path}/codes`, `${home.path}/log`, `/${at("path")}`, `//127.0.0.1:${trap.address().port}/x`]) {
    await ada.get(path, { headers });
  }
  await ada.post(`${home.path}/tokens`, { name: at("token"), scopes: ["home:read"], webhook: at("webhook"), url: at("url") }, { headers });
  await new Person(server.origin).post("/auth/signup/begin", { name: at("name"), icon: at("icon") }, { headers });
  await ada.request("PUT", `/pair/${idText(randomBytes(16))}`, { body: cbor(record({ 1: randomBytes(16), 2: keyRecord(keys(), at("pair")), 3: randomBytes(32) })), headers });
  for (const page of [`/g/${idText(randomBytes(16))}`, `/g/${encodeURIComponent(at("guest"))}`, `/?url=${encodeURIComponent(at("query"))}`]) {
    await fetch(`${server.origin}${page}`, { headers });
  }
  await fetch(`${server.origin}/cdn-cgi/handler/scheduled`, { headers });
  await new Promise((done) => setTimeout(done, 500));
  trap.close();
  assert.deepEqual(visits, []);
});

test("names reach no log and no header", async () => {
  const marks = ["zqxlabel", "zqxdoor", "zqxperson", "zqxhome", "zqxaccount"];
  const [label, door, person, house, account] = marks;
  const eve = await new Person(server.origin).signUp(`<script>${account}</script>`);
  const home = await Home.create(eve, `${house} "><img src=x>`);
  const hub = await Hub.join(home);
  const answers = [await hub.push(record({ 1: 0, 2: [hub.report(1, DOOR, `${door}'"--`)], 3: [] }))];
  answers.push(await home.add(home.grant({ label: `{{${label}}} \${7*7}`, lock: DOOR })));
  answers.push(await home.add([1, record({ 1: keyRecord(keys(), `${person}</title>`), 2: [3], 3: [] })]));
  // With what steers a log or a header they are no names: nothing is taken, and nothing written.
  for (const bad of [`${label}\r\nSet-Cookie: a=b`, `${label}\n{"event":"forged"}`, `${label}\u202e`, `${label}\u001b[2J`, `${label}\u2028`]) {
    const op = home.op(home.grant({ label: bad, lock: DOOR }));
    answers.push(await home.send([op]));
    assert.equal(answers.at(-1).code, "chain.bad_op", bad);
    const named = await eve.post(`${home.path}/tokens`, { name: bad, scopes: ["home:read"] });
    assert.equal(named.code, "token.invalid", bad);
    const signUp = await new Person(server.origin).post("/auth/signup/begin", { name: bad });
    assert.equal(signUp.code, "account.name", bad);
    answers.push(named, signUp);
  }
  for (const path of ["/account", `${home.path}/snapshot`, `${home.path}/codes`, `${home.path}/people`, `${home.path}/log`]) {
    answers.push(await eve.get(path));
    assert.equal(answers.at(-1).headers.get("x-content-type-options"), "nosniff", path);
    assert.doesNotMatch(answers.at(-1).type, /html/, "nothing that somebody named is served as a page");
  }
  for (const answer of answers) {
    const headers = JSON.stringify([...answer.headers]);
    for (const mark of marks) assert.ok(!headers.includes(mark), headers);
    assert.ok(!answer.headers.getSetCookie().some((line) => line.startsWith("a=")));
  }
  const log = await readFile(server.log, "utf8");
  for (const mark of [...marks, "forged"]) assert.ok(!log.includes(mark), mark);
});

// People: invitations from both sides, what each role reaches, and what is left of somebody who was removed.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Home, Hub, Person } from "./lib/client.mjs";
import { b64, cbor, fromCbor, idText, inviteSecret, keyRecord, randomBytes, record, sha256, signed } from "./lib/crypto.mjs";
import { serve } from "./lib/server.mjs";

const RESIDENT = [3];
const MANAGER = [1, record({ 1: record({ 2: 7 * 86_400, 3: [2] }), 2: false })];
const OWNER = [0];
const DOOR = randomBytes(16);

let server, ada, home, hub;

before(async () => {
  server = await serve();
  ada = await new Person(server.origin).signUp("Ada");
  home = await Home.create(ada, "Lake house");
  hub = await Hub.join(home);
});
after(() => server?.stop());

const seconds = () => Math.floor(Date.now() / 1000);

function invitation(role, { secret = inviteSecret(), expires = seconds() + 600, of = home, signer = of.owner.member } = {}) {
  const fields = { 1: secret.id, 2: sha256(secret.auth), 3: "Max", 4: expires, 7: role, 8: 1, 9: randomBytes(64) };
  const statement = [of.bytes, ...Object.values(fields)];
  return { secret, body: cbor(record({ ...fields, 10: signed("invite", statement, signer).bytes })) };
}

const member = (person, role) =>
  home.add([1, record({ 1: keyRecord(person.member, "Max"), 2: role, 3: role[0] === 0 ? home.wraps(person.member) : [] })]);
const removal = (person) => home.add([2, record({ 1: person.member.id })]);

/** A portal's socket, and what it has been told. */
async function listen(person, path = home.path) {
  const heard = [];
  const headers = { origin: server.origin, cookie: person.cookie };
  const socket = new WebSocket(`${server.origin.replace("http", "ws")}/api/v1${path}/ws`, { headers });
  socket.binaryType = "arraybuffer";
  socket.onmessage = ({ data }) => heard.push(fromCbor(new Uint8Array(data))[0]);
  await new Promise((done, fail) => Object.assign(socket, { onopen: done, onerror: fail }));
  return { socket, heard };
}

async function until(what, message) {
  for (let tries = 0; tries < 100; tries += 1) {
    if (await what()) return;
    await new Promise((done) => setTimeout(done, 50));
  }
  assert.fail(message);
}

test("an owner invites, the person answers, the owner adds the key", async () => {
  const max = await new Person(server.origin).signUp("Max");
  const eve = await new Person(server.origin).signUp("Eve");
  const { socket, heard } = await listen(ada);
  const { secret, body } = invitation(RESIDENT);
  const forged = invitation(RESIDENT, { signer: max.member });
  assert.equal((await ada.post(`${home.path}/invites`, forged.body)).code, "invite.not_an_owner");
  const made = await ada.post(`${home.path}/invites`, body);
  assert.equal(made.status, 201, JSON.stringify(made.body));
  const proof = cbor(record({ 1: secret.auth }));
  const shown = await max.post(`/invites/${secret.text}/open`, proof, { headers: { cookie: null, origin: null } });
  assert.equal(shown.status, 200, JSON.stringify(shown.body));
  assert.equal(shown.body.get(2), "Lake house");
  assert.equal(shown.body.get(3), "Ada");
  const wrong = cbor(record({ 1: randomBytes(32) }));
  assert.equal((await max.post(`/invites/${secret.text}/open`, wrong)).code, "invite.not_found");
  assert.equal((await max.post(`/invites/${idText(randomBytes(16))}/open`, proof)).code, "invite.not_found");

  const answer = (person) =>
    cbor(record({ 1: secret.auth, 2: secret.accept(home.bytes, keyRecord(person.member, "Max")) }));
  const accept = `/invites/${secret.text}/accept`;
  assert.equal((await max.post(accept, answer(max), { headers: { cookie: null } })).code, "auth.no_session");
  assert.equal((await max.post(accept, answer(max), { headers: { origin: "https://evil.example" } })).code, "request.origin");
  assert.equal((await eve.post(accept, answer(max))).code, "invite.key", "in somebody else's name");
  const accepted = await max.post(accept, answer(max));
  assert.equal(accepted.status, 200, JSON.stringify(accepted.body));
  assert.deepEqual(Buffer.from(accepted.body.get(9)), max.member.id);
  assert.equal((await eve.post(accept, answer(eve))).code, "invite.taken");
  assert.equal((await max.get(`${home.path}/mine`)).code, "home.not_found", "an answer opens nothing");
  await until(() => heard.filter((kind) => kind === 4).length >= 2, "the owner is told");

  const list = await ada.get(`${home.path}/invites`);
  const [entry] = list.body.get(1);
  assert.deepEqual(Buffer.from(entry.get(7).get(1).get(1)), max.member.sign);
  await member(max, RESIDENT);
  assert.deepEqual((await ada.get(`${home.path}/invites`)).body.get(1), []);
  assert.equal((await max.post(`/invites/${secret.text}/open`, proof)).code, "invite.used");
  const mine = await max.get(`${home.path}/mine`);
  assert.equal(mine.status, 200);
  assert.equal(mine.body.get(2), "Lake house");
  assert.deepEqual((await max.get("/account")).body.homes, [{ home: home.id }], "listed from now on");
  socket.close();

  const second = invitation(RESIDENT);
  assert.equal((await ada.post(`${home.path}/invites`, second.body)).status, 201);
  assert.equal((await ada.request("DELETE", `${home.path}/invites/${second.secret.text}`)).status, 204);
  const late = cbor(record({ 1: second.secret.auth }));
  assert.equal((await eve.post(`/invites/${second.secret.text}/open`, late)).code, "invite.not_found");
});

test("every route by every role", async () => {
  const people = { owner: OWNER, manager: MANAGER, resident: RESIDENT, stranger: undefined };
  const some = idText(randomBytes(16));
  const nothing = cbor(record({ 1: [], 2: [] }));
  const ok = [200, 200, 200, 200];
  // In the order of `people`; what passes is refused for its content.
  const routes = [
    ["GET", "/snapshot", undefined, [200, 200, 403, 404]],
    ["GET", "/events", undefined, [200, 200, 403, 404]],
    ["GET", "/mine", undefined, [200, 200, 200, 404]],
    ["POST", "/ops", nothing, [400, 400, 403, 404]],
    ["GET", "/invites", undefined, [200, 403, 403, 404]],
    ["POST", "/invites", Buffer.from([0xa0]), [400, 403, 403, 404]],
    ["DELETE", `/invites/${some}`, undefined, [404, 403, 403, 404]],
    ["GET", "/export", undefined, [200, 403, 403, 404]],
    ["GET", "/tokens", undefined, [200, 403, 403, 404]],
    ["POST", "/tokens", "{}", [400, 403, 403, 404]],
    ["DELETE", `/tokens/${some}`, undefined, [404, 403, 403, 404]],
    ...["", "/people", "/locks", "/hubs", "/codes", "/log"].map((path) => ["GET", path, undefined, [200, 200, 403, 404]]),
    ["GET", `/codes/${some}`, undefined, [404, 404, 403, 404]],
    ["POST", "/codes", "{}", [403, 403, 403, 403]],
    ["PATCH", `/codes/${some}`, "{}", [403, 403, 403, 403]],
    ["DELETE", `/codes/${some}`, undefined, [403, 403, 403, 403]],
    ["GET", `/hubs/${hub.id}/bundle`, undefined, [401, 401, 401, 401]],
    ["POST", `/hubs/${hub.id}/push`, nothing, [401, 401, 401, 401]],
    ["POST", `/hubs/${hub.id}/ops`, nothing, [401, 401, 401, 401]],
    ["GET", `/hubs/${hub.id}/last-event`, undefined, [401, 401, 401, 401]],
    ["POST", `/hubs/${hub.id}/resync?lock=${some}`, undefined, [409, 409, 403, 404]],
  ];
  assert.equal(ok.length, Object.keys(people).length);
  const signedUp = {};
  for (const [name, role] of Object.entries(people)) {
    signedUp[name] = await new Person(server.origin).signUp(name);
    if (role) await member(signedUp[name], role);
  }
  for (const [method, path, body, expected] of routes) {
    for (const [at, name] of Object.keys(people).entries()) {
      const answer = await signedUp[name].request(method, `${home.path}${path}`, { body });
      assert.equal(answer.status, expected[at], `${name} ${method} ${path} ${JSON.stringify(answer.body)}`);
    }
    const nobody = await ada.request(method, `${home.path}${path}`, { body, headers: { cookie: null } });
    assert.equal(nobody.status, 401, `nobody ${method} ${path}`);
  }
  for (const name of ["owner", "manager", "resident"]) {
    const { socket } = await listen(signedUp[name]);
    socket.close();
  }
  await assert.rejects(listen(signedUp.stranger));
});

test("a resident sees their own code and entries, and hears of nothing else", async () => {
  const max = await new Person(server.origin).signUp("Max");
  await member(max, RESIDENT);
  const standard = (holder, id) => {
    const [kind, fields] = home.grant({ id, lock: DOOR, label: holder ? "Max" : "Somebody else" });
    fields.set(3, 1);
    fields.delete(4);
    if (holder) fields.set(13, holder.member.id);
    // Keys are in ascending order on the wire.
    return [kind, new Map([...fields].sort(([a], [b]) => a - b))];
  };
  const [own, other] = [randomBytes(16), randomBytes(16)];
  await home.add(standard(max, own));
  await home.add(standard(undefined, other));
  const { socket, heard } = await listen(max);
  const grants = [own, other].map((id) => ({ id, rev: 1 }));
  const used = (number, prev, id) => hub.event(number, prev, [1, DOOR, id]);
  const first = used(1, undefined, own);
  const second = used(2, first.hash, other);
  const push = record({ 1: 0, 2: [hub.onLock(1, DOOR, "Front door", grants)], 3: [first.bytes, second.bytes] });
  const pushed = await hub.push(push);
  assert.equal(pushed.status, 200, JSON.stringify(pushed.body));
  const mine = await max.get(`${home.path}/mine`);
  assert.equal(mine.body.get(5).length, 1);
  const [door] = mine.body.get(7);
  assert.equal(door.get(3).get(2), "Front door");
  assert.deepEqual(door.get(4).map((code) => b64(code.get(1))), [b64(own)]);
  assert.deepEqual(mine.body.get(8).map(b64), [b64(first.bytes)]);
  assert.ok(!mine.bytes.includes(other), "nothing of others");
  await until(() => heard.length >= 2, "told to look");
  assert.deepEqual([...new Set(heard)], [5], "and of nothing else");

  const closed = new Promise((done) => (socket.onclose = ({ code }) => done(code)));
  await removal(max);
  assert.equal(await closed, 4403);
  for (const path of ["/mine", "/snapshot", "/codes", "/export"]) {
    assert.equal((await max.get(`${home.path}${path}`)).code, "home.not_found", path);
  }
  assert.deepEqual((await max.get("/account")).body.homes, [{ home: home.id }]);
  assert.equal((await max.request("DELETE", `/account/homes/${home.id}`)).status, 204);
  assert.deepEqual((await max.get("/account")).body.homes, []);
});

test("several homes of one person do not mix", async () => {
  const second = await Home.create(ada, "Town flat");
  const { secret, body } = invitation(RESIDENT, { of: second });
  assert.equal((await ada.post(`${home.path}/invites`, body)).code, "invite.not_an_owner", "signed for another home");
  assert.equal((await ada.post(`${second.path}/invites`, body)).status, 201);
  assert.ok(!(await ada.get(`${home.path}/invites`)).bytes.includes(secret.id));
  assert.equal((await ada.request("DELETE", `${home.path}/invites/${secret.text}`)).code, "invite.not_found");
  const shown = await ada.post(`/invites/${secret.text}/open`, cbor(record({ 1: secret.auth })));
  assert.equal(shown.body.get(2), "Town flat");
  const foreign = await ada.request("GET", `${second.path}/codes`);
  assert.deepEqual(foreign.body.items, []);
});

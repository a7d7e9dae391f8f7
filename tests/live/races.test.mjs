// Two at once: one wins, the other is told and can retry. And a Worker that is killed loses nothing.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Home, Hub, Person } from "./lib/client.mjs";
import { cbor, idText, keyRecord, opened, randomBytes, record } from "./lib/crypto.mjs";
import { serve } from "./lib/server.mjs";

let server, ada, home;

before(async () => {
  server = await serve();
  ada = await new Person(server.origin).signUp("Ada");
  home = await Home.create(ada);
});
after(() => server?.stop());

/** Lets another person in as an owner. */
async function secondOwner() {
  const ben = await new Person(server.origin).signUp("Ben");
  await home.add([1, record({ 1: keyRecord(ben.member, "Ben"), 2: [0], 3: home.wraps(ben.member) })]);
  return ben;
}

/** The chain as the server has it: every op follows the one before. */
async function chain() {
  const ops = (await home.snapshot()).get(2).map((bytes) => opened("op", bytes));
  ops.forEach(({ payload }, at) => {
    assert.equal(Number(payload.get(2)), at);
    assert.deepEqual(payload.get(3) && Buffer.from(payload.get(3)), ops[at - 1]?.hash);
  });
  return ops;
}

test("two admins write at once: one wins, the other is told, and retries", async () => {
  const ben = await secondOwner();
  for (let round = 0; round < 10; round += 1) {
    const pair = [ada, ben].map((by) => ({ by, op: home.op(home.grant({ label: `${round}` }), { signer: by.member }) }));
    const answers = await Promise.all(pair.map(({ by, op }) => home.send([op], { by })));
    assert.deepEqual(answers.map((answer) => answer.status).sort(), [200, 409]);
    const lost = answers.findIndex((answer) => answer.status === 409);
    assert.equal(answers[lost].code, "chain.conflict");
    home.chain.push(pair[1 - lost].op);
    assert.deepEqual((await chain()).at(-1).hash, home.chain.at(-1).hash, "what was answered is what is stored");
    const again = home.op(home.grant({ label: `${round}` }), { signer: pair[lost].by.member });
    assert.equal((await home.send([again], { by: pair[lost].by })).status, 200);
    home.chain.push(again);
  }
  assert.equal((await chain()).length, home.chain.length);
});

test("twenty writers at once", async () => {
  const ops = Array.from({ length: 20 }, (_, at) => home.op(home.grant({ label: `writer ${at}` })));
  const answers = await Promise.all(ops.map((op) => home.send([op])));
  const won = answers.flatMap((answer, at) => (answer.status === 200 ? [at] : []));
  assert.equal(won.length, 1);
  assert.ok(answers.every((answer) => answer.status === 200 || answer.code === "chain.conflict"));
  home.chain.push(ops[won[0]]);
  assert.equal((await chain()).length, home.chain.length);
});

test("the same op sent twice is taken once", async () => {
  const op = home.op(home.grant());
  const answers = await Promise.all([home.send([op]), home.send([op])]);
  assert.ok(answers.some((answer) => answer.status === 200));
  assert.ok(answers.every((answer) => [200, 409].includes(answer.status)));
  home.chain.push(op);
  assert.equal((await chain()).length, home.chain.length);
});

test("one member key, two sign-ups at once: one account", async () => {
  const [one, two] = [new Person(server.origin), new Person(server.origin)];
  two.member = one.member;
  const begun = await Promise.all([one, two].map((person) => person.post("/auth/signup/begin", { name: "Cleo" })));
  const done = await Promise.all(
    [one, two].map((person, at) => person.post("/auth/signup/finish", person.signUpBody(begun[at].body))),
  );
  assert.deepEqual(done.map((answer) => answer.status).sort(), [200, 409]);
});

test("the same home created twice at once: one home", async () => {
  const other = new Home(ada, home.issuer);
  const genesis = [other.genesis("One"), other.genesis("Two")];
  const answers = await Promise.all(genesis.map((op) => ada.post("/homes", cbor(record({ 1: op.bytes })))));
  assert.equal(answers.filter((answer) => answer.status === 201).length, 1, answers.map((answer) => answer.status).join());
  assert.ok(answers.every((answer) => answer.status === 201 || answer.code === "home.exists"));
});

test("a revoked grant does not come back", async () => {
  const id = randomBytes(16);
  await home.add(home.grant({ id }));
  await home.add([9, id]);
  for (const rev of [1, 2, 3]) {
    const answer = await home.send([home.op(home.grant({ id, rev }))]);
    assert.ok([409, 422].includes(answer.status), JSON.stringify(answer.body));
    assert.notEqual(answer.code, "chain.conflict");
  }
});

test("killed without warning: what was answered is still there", async () => {
  const hub = await Hub.join(home);
  const first = hub.event(1);
  const pushed = await hub.push(record({ 1: home.chain.length - 1, 2: [], 3: [first.bytes] }));
  assert.equal(pushed.status, 200);
  const last = await home.add(home.grant({ label: "the last word" }));
  const bundle = await hub.bundle();
  await server.restart();
  assert.equal((await ada.get("/account")).status, 200, "the session goes on");
  const ops = await chain();
  assert.equal(ops.length, home.chain.length);
  assert.equal(ops.length - 1, Number(last.body.get(1)));
  const after = await hub.bundle();
  assert.deepEqual(after.body.get(2), bundle.body.get(2), "the hub gets the same ops");
  const again = await hub.push(record({ 1: home.chain.length - 1, 2: [], 3: [first.bytes, hub.event(2, first.hash).bytes] }));
  assert.equal(Number(again.body.get(1)), 2, "the log goes on where it was");
  const { body } = await ada.get(`${home.path}/events`);
  assert.equal(body.get(1).length, 2);
  const replay = await fetch(`${server.origin}${hub.path}/bundle`, { headers: after.sent });
  assert.equal(replay.status, 401);
});

test("an unchanged bundle is 304, and one change ends that", async () => {
  const hub = await Hub.join(home);
  const first = await hub.bundle();
  const tag = first.headers.get("etag");
  const headers = { "if-none-match": tag };
  const same = await hub.bundle(`?after=${home.chain.length - 1}`, { headers });
  assert.equal(same.status, 304);
  await home.add(home.grant());
  const changed = await hub.bundle(`?after=${home.chain.length - 2}`, { headers });
  assert.equal(changed.status, 200);
  assert.equal(changed.body.get(2).length, 1);
  const fresh = await hub.bundle(`?after=0&nonce=${randomBytes(16).toString("base64url")}`, { headers });
  assert.equal(fresh.status, 200, "who asks with a nonce gets a new head");
});

test("deployed rate limits answer 429 in the same form", async () => {
  const limited = await serve({ limits: true });
  try {
    const answers = [];
    for (let at = 0; at < 80 && !answers.includes(429); at += 1) {
      const answer = await new Person(limited.origin).post(`/links/${idText(randomBytes(16))}/status`, { auth: "x" });
      answers.push(answer.status);
      if (answer.status === 429) {
        assert.equal(answer.code, "rate.limited");
        assert.ok(Number(answer.headers.get("retry-after")) > 0);
      }
    }
    assert.ok(answers.includes(429), "guessing is slowed down");
  } finally {
    await limited.stop();
  }
});

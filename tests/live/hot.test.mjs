// The requests that are answered without entering WASM: that the good one is, and that nothing else is.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { idText, keys, randomBytes, signedHeaders } from "./lib/crypto.mjs";

const source = await readFile(new URL("../../worker/hot.mjs", import.meta.url), "utf8");
const module = source.replace('import PAGE from "./page.html";', 'const PAGE = "the page";');
const { hot } = await import(`data:text/javascript,${encodeURIComponent(module)}`);

const ORIGIN = "https://keys.example";
const hub = keys();
const [homeId, hubId] = [idText(randomBytes(16)), idText(randomBytes(16))];
const now = () => Math.floor(Date.now() / 1_000);

/** A poll that is right in everything but what is given. */
function poll({ seq = 7, issued = now(), after = seq, tag, url, key = hub, keyId = `${homeId}/${hubId}`, created, within = true, method = "GET", more = {} } = {}) {
  const address = url ?? `${ORIGIN}/api/v1/homes/${homeId}/hubs/${hubId}/bundle?after=${after}`;
  const headers = { ...signedHeaders({ method: "GET", url: address, keyId, key, created }), "if-none-match": tag ?? `"${seq}-${issued}"`, ...more };
  const env = {
    ORIGIN,
    KV: { get: async (name) => (name === `head/${homeId}/${hubId}` ? `${idText(hub.sign)}.${seq}.${issued}` : null) },
    RL_API: { limit: async () => ({ success: within }) },
  };
  return hot(new Request(address, { method, headers }), env);
}

test("an unchanged poll is answered", async () => {
  const answer = await poll();
  assert.equal(answer.status, 304);
  assert.match(answer.headers.get("etag"), /^"7-\d+"$/);
  assert.equal(answer.headers.get("cache-control"), "no-store");
});

test("whatever is not exactly that is left to the Rust code", async () => {
  const other = idText(randomBytes(16));
  const cases = {
    "another entity tag": { tag: '"8-1"' },
    "another op": { after: 6 },
    "a nonce, for a fresh head": { url: `${ORIGIN}/api/v1/homes/${homeId}/hubs/${hubId}/bundle?after=7&nonce=x` },
    "a head that is too old": { issued: now() - 3_700 },
    "a head from the future": { issued: now() + 100 },
    "another hub's key": { key: keys() },
    "another hub's name": { keyId: `${homeId}/${other}` },
    "a home that KV does not know": { url: `${ORIGIN}/api/v1/homes/${other}/hubs/${hubId}/bundle?after=7`, keyId: `${other}/${hubId}` },
    "signed for another address": { url: `https://other.example/api/v1/homes/${homeId}/hubs/${hubId}/bundle?after=7` },
    "signed long ago": { created: now() - 400 },
    "a digest": { more: { "content-digest": "sha-256=:AA==:" } },
    "no signature": { more: { signature: "" } },
    "too often": { within: false },
    "another method": { method: "HEAD" },
  };
  for (const [what, bend] of Object.entries(cases)) assert.equal(await poll(bend), undefined, what);
});

/** Objects that note what they are asked, and answer what is given. */
function objects({ who = `${idText(randomBytes(16))} 1 1900000000 1`, status = 204, within = true } = {}) {
  const asked = [];
  const space = (answer) => ({
    idFromName: (name) => name,
    get: (name) => ({
      fetch: async (url, init) => {
        const { method, headers = {}, body } = init;
        asked.push({ name, url, method, headers, body: body && new Uint8Array(await new Response(body).arrayBuffer()) });
        return answer();
      },
    }),
  });
  const limit = { limit: async () => ({ success: within }) };
  const env = {
    ...{ ORIGIN, RL_API: limit, RL_LINK: limit, KV: { get: async (key) => (key === `link/${hubId}` ? homeId : null) } },
    ACCOUNT: space(() => new Response(null, { status, headers: status === 204 ? { "x-who": who } : {} })),
    HOME: space(() => new Response("the home's answer")),
  };
  return { asked, env, who };
}

const account = idText(randomBytes(16));
/** As the Rust code reads cookies; here of one form. */
const session = (cookies) => (cookies === "good" ? `${account}.hash` : undefined);

test("a member's snapshot and changes go to the home once the account has said who it is", async () => {
  for (const [path, method, call] of [
    ["/snapshot", "GET", "snapshot"],
    ["/snapshot?after=12", "GET", "snapshot?after=12"],
    ["/ops", "POST", "ops"],
  ]) {
    const { asked, env, who } = objects();
    const headers = { cookie: "good", origin: ORIGIN, "x-who": "somebody else 1 1 1", ...(method === "POST" && { "content-length": "3" }) };
    const request = new Request(`${ORIGIN}/api/v1/homes/${homeId}${path}`, { method, headers, body: method === "POST" ? "ops" : undefined });
    const answer = await hot(request, env, session);
    assert.equal(await answer.text(), "the home's answer");
    const [first, second] = asked;
    assert.deepEqual([asked.length, first.name, first.url], [2, `account:${account}`, `https://object/who?home=${homeId}`]);
    assert.deepEqual(first.headers, { "x-session": `${account}.hash` });
    assert.deepEqual([second.name, second.url], [homeId, `https://object/${call}`]);
    assert.deepEqual(second.headers, { "x-who": who }, "what the account says, and nothing from outside");
    assert.equal(second.body && Buffer.from(second.body).toString(), method === "POST" ? "ops" : undefined);
  }
});

test("a browser that takes packed answers gets them, and nobody else", async () => {
  const cases = [
    [{ "sec-fetch-mode": "cors", "accept-encoding": "gzip, br" }, "1"],
    [{ "sec-fetch-mode": "cors", "accept-encoding": "gzip" }, undefined],
    [{ "accept-encoding": "gzip, br" }, undefined],
    [{ "x-packs": "1" }, undefined],
  ];
  for (const [more, packs] of cases) {
    const { asked, env } = objects();
    const url = `${ORIGIN}/api/v1/homes/${homeId}/snapshot`;
    // A browser's headers, which `Request` does not let a script set.
    const request = { url, method: "GET", headers: new Headers({ cookie: "good", ...more }), body: null };
    await hot(request, env, session);
    assert.equal(asked[1].headers["x-packs"], packs, JSON.stringify(more));
  }
});

test("a member's request that is not exactly that is left to the Rust code, with its body", async () => {
  const { who } = objects();
  const cases = {
    "no session": { cookie: "bad" },
    "another site": { origin: "https://evil.example" },
    "no site": { origin: "" },
    "another method": { method: "PUT" },
    "a method that only reads": { method: "GET" },
    "a long body": { length: "1048577" },
    "no length": { length: "" },
    "an odd length": { length: "+3" },
    "a session that has ended": { account: { status: 401 } },
    "an account that says nothing": { account: { who: "" } },
    "an account that says more": { account: { who: `${who} 1` } },
    "too often": { account: { within: false } },
    "a query": { path: "/ops?x=1" },
    "another path": { path: "/tokens" },
    "another home's form": { path: "/../ops" },
    "a home that is not listed yet": { path: "/snapshot", method: "GET", account: { who: who.replace(/1$/, "0") } },
    "a snapshot after no number": { path: "/snapshot?after=x", method: "GET" },
    "a snapshot's head": { path: "/snapshot", method: "HEAD" },
  };
  for (const [what, bend] of Object.entries(cases)) {
    const { cookie = "good", origin = ORIGIN, method = "POST", path = "/ops", length = "3" } = bend;
    const { asked, env } = objects(bend.account);
    const headers = { cookie, origin, "content-length": length };
    const body = method === "POST" || method === "PUT" ? "ops" : undefined;
    const request = new Request(`${ORIGIN}/api/v1/homes/${homeId}${path}`, { method, headers, body });
    assert.equal(await hot(request, env, session), undefined, what);
    assert.ok(asked.every(({ name }) => name !== homeId), `${what}: the home is not asked`);
    assert.equal(request.bodyUsed, false, what);
  }
});

test("a guest's proof goes to the home of the link, and whatever is not one comes back whole", async () => {
  const proof = randomBytes(32);
  const ask = (body, { link = hubId, action = "status", method = "POST", length, ...bend } = {}) => {
    const { asked, env } = objects(bend);
    const headers = { "content-length": length ?? String(body.length) };
    const request = new Request(`${ORIGIN}/api/v1/links/${link}/${action}`, { method, headers, body: method === "GET" ? undefined : body });
    return hot(request, env, session).then((answer) => ({ answer, asked }));
  };
  const good = JSON.stringify({ auth: proof.toString("base64url") });
  for (const action of ["status", "reveal"]) {
    const { answer, asked } = await ask(good, { action });
    assert.equal(await answer.text(), "the home's answer");
    assert.deepEqual([asked[0].name, asked[0].url], [homeId, `https://object/link/${action}?id=${hubId}`]);
    assert.deepEqual(Buffer.from(asked[0].body), proof);
  }
  for (const body of ["", "{}", `${good} `, good.replace("auth", "auth2"), good.replace(/.{3}$/, '="}'), good.replace("}", ',"a":1}')]) {
    const { answer, asked } = await ask(body);
    assert.equal(await answer.text(), body, "the request, to be read again");
    assert.deepEqual(asked, []);
  }
  const { answer } = await ask(good, { link: homeId });
  assert.equal(await answer.text(), good, "a link that KV does not know");
  for (const bend of [{ method: "GET" }, { method: "PUT" }, { length: "1025" }, { length: "" }, { within: false }, { action: "wipe" }]) {
    const { answer, asked } = await ask(good, bend);
    assert.deepEqual([answer, asked], [undefined, []], JSON.stringify(bend));
  }
});

test("a guest's page is the same for every link, and only there", async () => {
  const get = (path, method = "GET") => hot(new Request(`${ORIGIN}${path}`, { method }), { ORIGIN });
  const page = await get("/g/abc");
  assert.equal(await page.text(), "the page");
  assert.equal(page.headers.get("referrer-policy"), "no-referrer");
  assert.match(page.headers.get("content-security-policy"), /default-src 'none'/);
  assert.equal(await (await get("/g/abc", "HEAD")).text(), "");
  for (const path of ["/g", "/g/a/b", "/api/v1/health", "/"]) assert.equal(await get(path), undefined, path);
  assert.equal(await get("/g/abc", "POST"), undefined);
});

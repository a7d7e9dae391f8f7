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

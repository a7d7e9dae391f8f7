// The API for programs: tokens, codes that the Worker issues, and the description of it all.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { after, before, test } from "node:test";
import { python } from "../python/python.mjs";
import { Home, Hub, Person } from "./lib/client.mjs";
import { idText, keyRecord, keys, randomBytes, record } from "./lib/crypto.mjs";
import { serve } from "./lib/server.mjs";

const ROOT = resolve(import.meta.dirname, "../..");
const ALL = ["home:read", "locks:read", "codes:read", "codes:write", "log:read"];
const DOOR = randomBytes(16);

let server, ada, home, hub, token;

before(async () => {
  server = await serve();
  ada = await new Person(server.origin).signUp("Ada");
  home = await Home.create(ada, "Lake house");
  hub = await Hub.join(home);
  await hub.push(record({ 1: 0, 2: [hub.report(1, DOOR, "Front door")], 3: [hub.event(1, undefined, [0, "1.0"]).bytes] }));
  token = (await make(ALL)).body.token;
});
after(() => server?.stop());

const make = (scopes, more = {}) => ada.post(`${home.path}/tokens`, { name: "Booking", scopes, ...more });

/** A request of a program. */
const ask = (method, path, { body, headers, bearer = token } = {}) =>
  ada.request(method, `${home.path}${path}`, {
    body,
    headers: { cookie: null, origin: null, authorization: `Bearer ${bearer}`, ...headers },
  });

const tonight = (more) => {
  const expires = new Date(Date.now() + 86_400_000).toISOString().replace(/\.\d+/, "");
  return { label: "Anna", locks: [idText(DOOR)], expires, ...more };
};

/** The owner lets the Worker's key sign codes. */
const allowIssuing = () => {
  const key = record({ 1: home.issuer, 2: keys().seal, 3: "Latchkey" });
  const scope = record({ 1: [DOOR], 2: 7 * 86_400, 3: [2] });
  return home.add([1, record({ 1: key, 2: [2, scope], 3: [] })]);
};

/** What others appended since. */
const follow = async () => {
  const ops = (await home.snapshot()).get(2);
  home.chain.length = 0;
  const { opened } = await import("./lib/crypto.mjs");
  home.chain.push(...ops.map((bytes) => ({ bytes, hash: opened("op", bytes).hash })));
};

test("a token reads what its scopes say, until it is revoked", async () => {
  const made = await make(["codes:read"]);
  assert.equal(made.status, 201, JSON.stringify(made.body));
  assert.match(made.body.token, /^lk_[a-z2-7]{38}$/);
  const bearer = made.body.token;
  assert.equal((await ask("GET", "/codes", { bearer })).status, 200);
  const scoped = await ask("GET", "/log", { bearer });
  assert.equal(scoped.code, "auth.token_scope");
  assert.match(scoped.headers.get("www-authenticate"), /insufficient_scope/);
  assert.equal((await ask("POST", "/codes", { bearer, body: tonight() })).code, "auth.token_scope");
  for (const bad of ["", "lk_", `${bearer.slice(0, -1)}${bearer.endsWith("7") ? "6" : "7"}`, bearer.toUpperCase(), `${bearer}a`]) {
    const refused = await ask("GET", "/codes", { bearer: bad });
    assert.equal(refused.code, "auth.token_invalid", bad);
    assert.match(refused.headers.get("www-authenticate"), /invalid_token/);
  }
  const second = await Home.create(ada, "Town flat");
  for (const other of [second.path, `/homes/${idText(randomBytes(16))}`]) {
    const headers = { cookie: null, authorization: `Bearer ${bearer}` };
    assert.equal((await ada.get(`${other}/codes`, { headers })).code, "auth.token_invalid");
  }
  // It is no session.
  for (const path of ["/snapshot", "/events", "/invites", "/tokens", "/export", "/mine"]) {
    assert.equal((await ask("GET", path, { bearer })).code, "auth.no_session", path);
  }
  const listed = (await ada.get(`${home.path}/tokens`)).body.items.find(({ id }) => id === made.body.id);
  assert.ok(listed.last_used && !("token" in listed));
  assert.equal((await ada.request("DELETE", `${home.path}/tokens/${made.body.id}`)).status, 204);
  assert.equal((await ask("GET", "/codes", { bearer })).code, "auth.token_invalid");
  const home_ = await ask("GET", "");
  assert.equal(home_.body.name, "Lake house");
  assert.equal((await ask("GET", "/locks")).body.items[0].name, "Front door");
});

test("a code is issued, shown to the guest, extended and revoked", async () => {
  assert.equal((await ask("POST", "/codes", { body: tonight() })).code, "issuing.off");
  await allowIssuing();
  assert.deepEqual((await ask("GET", "")).body.issuing, { locks: [idText(DOOR)], max_seconds: 604_800 });
  const headers = { "idempotency-key": "booking-1" };
  const made = await ask("POST", "/codes", { body: tonight({ note: "Welcome" }), headers });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  assert.equal(made.headers.get("etag"), '"r1"');
  assert.equal(made.headers.get("location"), `/api/v1${home.path}/codes/${made.body.id}`);
  const [page, fragment] = made.body.link.split("#");
  assert.equal((await fetch(page)).status, 200);
  const secret = Buffer.from(fragment, "base64url");
  const { hkdf, b64 } = await import("./lib/crypto.mjs");
  const auth = { auth: b64(hkdf(secret, "latchkey/v1/link", "auth", 32)) };
  const link = `/links/${page.split("/").at(-1)}`;
  const shown = await ada.post(`${link}/reveal`, auth);
  assert.equal(shown.status, 200, JSON.stringify(shown.body));
  assert.ok(shown.body.ct);
  const again = await ask("POST", "/codes", { body: tonight({ note: "Else" }), headers });
  assert.equal(again.code, "request.idempotency_key_reused", "another body");
  const path = `/codes/${made.body.id}`;
  assert.equal((await ask("GET", path)).body.locks[0].state, "waiting_for_hub");

  const body = { link: made.body.link, expires: new Date(Date.now() + 3 * 86_400_000).toISOString().slice(0, 10) };
  assert.equal((await ask("PATCH", path, { body })).status, 428);
  const changed = await ask("PATCH", path, { body, headers: { "if-match": '"r1"' } });
  assert.equal(changed.status, 200, JSON.stringify(changed.body));
  assert.equal(changed.headers.get("etag"), '"r2"');
  assert.equal((await ask("PATCH", path, { body, headers: { "if-match": '"r1"' } })).status, 412);
  assert.ok((await ada.post(`${link}/reveal`, auth)).body.ct, "the guest's page goes on");
  await follow();
  assert.equal((await ask("DELETE", path)).status, 204);
  assert.ok((await ask("GET", path)).body.revoked);
  assert.equal((await ada.post(`${link}/status`, auth)).body.state, "revoked");
  await follow();
});

test("the same key gives the same answer, after a crash too", async () => {
  const [body, headers] = [tonight(), { "idempotency-key": "booking-2" }];
  const first = await ask("POST", "/codes", { body, headers });
  assert.equal(first.status, 201);
  await server.restart();
  const second = await ask("POST", "/codes", { body, headers });
  assert.equal(second.status, 201);
  assert.deepEqual(second.body, first.body);
  const third = await ask("POST", "/codes", { body, headers: { "idempotency-key": "booking-3" } });
  assert.notEqual(third.body.link, first.body.link);
  for (const key of ["", "x".repeat(129)]) {
    const answer = await ask("POST", "/codes", { body, headers: { "idempotency-key": key } });
    assert.equal(answer.code, "request.idempotency_key");
  }
  await follow();
});

test("two programs at once each get a code, and an owner who is late is told", async () => {
  const answers = await Promise.all([1, 2, 3, 4].map(() => ask("POST", "/codes", { body: tonight() })));
  assert.deepEqual(answers.map(({ status }) => status), [201, 201, 201, 201]);
  assert.equal(new Set(answers.map(({ body }) => body.id)).size, 4);
  const late = await home.send([home.op(home.grant())]);
  assert.equal(late.code, "chain.conflict");
  await follow();
});

test("the description is served, and a fuzzer finds nothing against it", { timeout: 150_000 }, async () => {
  const served = await fetch(`${server.origin}/api/openapi.json`);
  assert.match(served.headers.get("content-type"), /application\/json/);
  const text = await served.text();
  assert.equal(text, await readFile(join(ROOT, "worker/api/openapi.json"), "utf8"));
  const { body: code } = await ask("POST", "/codes", { body: tonight() });
  const config = join(server.dir, "schemathesis.toml");
  const given = (operation, values) =>
    `[[operations]]\ninclude-operation-id = "${operation}"\nparameters = { ${values} }\n`;
  await writeFile(
    config,
    [`[parameters]\n"path.home" = "${home.id}"\n`, given("getCode", `"path.code" = "${code.id}"`)].join("\n"),
  );
  const fuzzer = join(dirname(python()), "schemathesis");
  const checks = [
    ...["not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance"],
    ...["response_schema_conformance", "unsupported_method", "ignored_auth"],
  ];
  const args = ["--config-file", config, "run", `${server.origin}/api/openapi.json`, "--url", server.origin];
  args.push("--header", `Authorization: Bearer ${token}`, "--checks", checks.join(","), "--max-examples", "25");
  args.push("--seed", "1", "--workers", "1", "--no-color", "--request-timeout", "10");
  const run = spawn(fuzzer, args, { cwd: server.dir, timeout: 120_000, killSignal: "SIGKILL" });
  let said = "";
  for (const stream of [run.stdout, run.stderr]) stream.on("data", (bytes) => (said += bytes));
  const status = await new Promise((done) => run.once("exit", done));
  assert.equal(status, 0, said);
});

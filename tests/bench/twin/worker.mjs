// The routes that are measured, once more, as somebody would write them with Hono: the same checks of sessions,
// signatures and ends, the same objects and KV, JSON in place of signed CBOR. What it does not do is verify what an op
// means: that is Latchkey's own work.

import { DurableObject } from "cloudflare:workers";
import { Hono } from "hono";
import PAGE from "../../../worker/guest/page.html";

const app = new Hono();
const utf8 = new TextEncoder();
const problem = (c, status, code, detail) =>
  c.body(JSON.stringify({ type: `urn:latchkey:problem:${code}`, title: detail, status, code, detail }), status, {
    "content-type": "application/problem+json",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
  });
const answer = (c, value) =>
  c.body(JSON.stringify(value), 200, {
    "content-type": "application/json",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
  });
const unb64 = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
const same = (a, b) => a.byteLength === b.byteLength && crypto.subtle.timingSafeEqual(a, b);
const stub = (space, name) => space.get(space.idFromName(name));

const limited = (name) => async (c, next) => {
  const { success } = await c.env[name].limit({ key: c.req.header("cf-connecting-ip") ?? "" });
  return success ? next() : problem(c, 429, "rate", "Too many requests.");
};

app.get("/api/v1/health", (c) => answer(c, { status: "ok" }));

app.get("/g/:id", (c) =>
  c.body(PAGE, 200, {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy":
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
      "worker-src 'self'; manifest-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-robots-tag": "noindex, nofollow",
    "x-content-type-options": "nosniff",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "cache-control": "no-cache",
  }),
);

/** A hub's signature (RFC 9421) in the one form that is taken. */
async function signedBy(c, key) {
  const input = c.req.header("signature-input") ?? "";
  const signature = /^sig1=:([A-Za-z0-9+/=]+):$/.exec(c.req.header("signature") ?? "");
  const parameters = /^sig1=(\("@method" "@authority" "@path" "@query"\);created=(\d+);keyid="[^"]+";alg="ed25519";nonce="[^"]+")$/.exec(input);
  if (!signature || !parameters) return false;
  if (Math.abs(Date.now() / 1000 - Number(parameters[2])) > 300) return false;
  const url = new URL(c.req.url);
  const base = [
    `"@method": ${c.req.method}`,
    `"@authority": ${url.host}`,
    `"@path": ${url.pathname}`,
    `"@query": ${url.search || "?"}`,
    `"@signature-params": ${parameters[1]}`,
  ].join("\n");
  const imported = await crypto.subtle.importKey("raw", key, "Ed25519", false, ["verify"]);
  return crypto.subtle.verify("Ed25519", imported, unb64(signature[1]), utf8.encode(base));
}

app.get("/api/v1/homes/:home/hubs/:hub/bundle", limited("RL_API"), async (c) => {
  const cached = await c.env.KV.get(`head/${c.req.param("home")}/${c.req.param("hub")}`);
  if (!cached) return problem(c, 404, "hub.not_found", "There is no such hub.");
  const [key, seq, issued] = cached.split(".");
  const etag = `"${seq}-${issued}"`;
  const fresh = Date.now() / 1000 - Number(issued) < 3600 && c.req.query("after") === seq;
  if (!fresh || c.req.header("if-none-match") !== etag) return problem(c, 409, "changed", "Fetch it.");
  if (!(await signedBy(c, unb64(key)))) return problem(c, 401, "hub.signature", "The signature does not hold.");
  return c.body(null, 304, { etag, "cache-control": "no-store" });
});

app.post("/api/v1/links/:id/status", limited("RL_LINK"), async (c) => {
  const { auth } = await c.req.json();
  const home = await c.env.KV.get(`link/${c.req.param("id")}`);
  if (!home) return problem(c, 404, "link.not_found", "There is no such link.");
  const status = await stub(c.env.HOME, home).link(c.req.param("id"), unb64(auth));
  return status ? answer(c, status) : problem(c, 404, "link.not_found", "There is no such link.");
});

/** Who is signed in. */
async function who(c) {
  const cookie = /__Host-twin=([^.;]+)\.([^;]+)/.exec(c.req.header("cookie") ?? "");
  return cookie ? stub(c.env.ACCOUNT, cookie[1]).who(cookie[2]) : null;
}

app.get("/api/v1/homes/:home/snapshot", limited("RL_API"), async (c) => {
  const member = await who(c);
  if (!member) return problem(c, 401, "session", "Sign in.");
  const snapshot = await stub(c.env.HOME, c.req.param("home")).snapshot(member);
  return snapshot ? answer(c, snapshot) : problem(c, 403, "member", "Not yours.");
});

app.post("/api/v1/homes/:home/ops", limited("RL_API"), async (c) => {
  if (c.req.header("origin") !== c.env.ORIGIN) return problem(c, 403, "origin", "Another site's.");
  const member = await who(c);
  if (!member) return problem(c, 401, "session", "Sign in.");
  const body = await c.req.arrayBuffer();
  if (body.byteLength > 65_536) return problem(c, 413, "large", "Too large.");
  const { seq, status } = await stub(c.env.HOME, c.req.param("home")).append(member, JSON.parse(new TextDecoder().decode(body)));
  return status === 200 ? answer(c, { seq }) : problem(c, status, "refused", "Refused.");
});

/** Fills KV and the objects, for the benchmark. */
app.post("/seed", async (c) => {
  const { home, hub, hubKey, link, linkHash, account, session, member, ops, status } = await c.req.json();
  await c.env.KV.put(`head/${home}/${hub}`, `${hubKey}.${ops.length - 1}.${Math.floor(Date.now() / 1000)}`);
  await c.env.KV.put(`link/${link}`, home);
  await stub(c.env.ACCOUNT, account).seed(session, member);
  await stub(c.env.HOME, home).seed({ member, ops, link, linkHash, status });
  return answer(c, { head: `"${ops.length - 1}-` });
});

export default { fetch: app.fetch };

export class AccountDo extends DurableObject {
  constructor(ctx, env) {
    super(ctx, env);
    ctx.storage.sql.exec("CREATE TABLE IF NOT EXISTS session (hash TEXT PRIMARY KEY, member TEXT, expires INTEGER)");
  }

  async #hash(session) {
    return btoa(String.fromCharCode(...new Uint8Array(await crypto.subtle.digest("SHA-256", utf8.encode(session)))));
  }

  async who(session) {
    const [row] = this.ctx.storage.sql.exec("SELECT member, expires FROM session WHERE hash = ?", await this.#hash(session));
    return row && row.expires > Date.now() ? row.member : null;
  }

  async seed(session, member) {
    const until = Date.now() + 86_400_000;
    this.ctx.storage.sql.exec("INSERT OR REPLACE INTO session VALUES (?, ?, ?)", await this.#hash(session), member, until);
  }
}

export class HomeDo extends DurableObject {
  constructor(ctx, env) {
    super(ctx, env);
    const { sql } = ctx.storage;
    sql.exec("CREATE TABLE IF NOT EXISTS op (seq INTEGER PRIMARY KEY, bytes TEXT, hash TEXT)");
    sql.exec("CREATE TABLE IF NOT EXISTS link (id TEXT PRIMARY KEY, hash TEXT, status TEXT)");
    sql.exec("CREATE TABLE IF NOT EXISTS member (key TEXT PRIMARY KEY)");
  }

  async link(id, auth) {
    const [row] = this.ctx.storage.sql.exec("SELECT hash, status FROM link WHERE id = ?", id);
    const hash = await crypto.subtle.digest("SHA-256", auth);
    if (!row || !same(new Uint8Array(hash), unb64(row.hash))) return null;
    return { ...JSON.parse(row.status), checked_at: Math.floor(Date.now() / 1000) };
  }

  #member(key) {
    return [...this.ctx.storage.sql.exec("SELECT key FROM member WHERE key = ?", key)].length === 1;
  }

  snapshot(member) {
    if (!this.#member(member)) return null;
    const ops = [...this.ctx.storage.sql.exec("SELECT bytes FROM op ORDER BY seq")].map((row) => row.bytes);
    return { now: Math.floor(Date.now() / 1000), ops };
  }

  async append(member, { op, prev, signature }) {
    if (!this.#member(member)) return { status: 403 };
    const bytes = utf8.encode(op);
    const key = await crypto.subtle.importKey("raw", unb64(member), "Ed25519", false, ["verify"]);
    if (!(await crypto.subtle.verify("Ed25519", key, unb64(signature), bytes))) return { status: 422 };
    const [last] = this.ctx.storage.sql.exec("SELECT seq, hash FROM op ORDER BY seq DESC LIMIT 1");
    if (last.hash !== prev) return { status: 409 };
    const hash = btoa(String.fromCharCode(...new Uint8Array(await crypto.subtle.digest("SHA-256", bytes))));
    this.ctx.storage.sql.exec("INSERT INTO op VALUES (?, ?, ?)", last.seq + 1, op, hash);
    return { status: 200, seq: last.seq + 1 };
  }

  seed({ member, ops, link, linkHash, status }) {
    const { sql } = this.ctx.storage;
    sql.exec("INSERT OR REPLACE INTO member VALUES (?)", member);
    ops.forEach((op, seq) => sql.exec("INSERT OR REPLACE INTO op VALUES (?, ?, ?)", seq, op, `seed-${seq}`));
    sql.exec("INSERT OR REPLACE INTO link VALUES (?, ?, ?)", link, linkHash, JSON.stringify(status));
  }
}

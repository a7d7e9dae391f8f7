// The requests that come most often, with as little of WASM as they need: a guest's page, which is the same for
// everybody, and "unchanged" to a hub that polls, with none of it; a member's snapshot and changes with none of it on the
// way to the objects, which decide. Waiting in WASM costs more than what is waited for.
//
// All of it is done here only where `worker/src/router` would do the same. "Unchanged" is said where the signature is in
// the one form that `shared/src/httpsig.rs` takes and verifies, and the head in KV is the one that the hub names and is
// fresh. A member's request goes to the home where the account's object says who it is. Whatever is otherwise gets
// `undefined`: then the Rust code decides, and refuses in its own words.

import PAGE from "./page.html";

/** How long a head answers from KV, and how far a signature's time may be off, in seconds. */
const HEAD_CACHED = 3_600;
const MAX_SKEW = 300;

const PAGE_HEADERS = {
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
};

const POLL = /^https?:\/\/[^/?#]+(\/api\/v1\/homes\/([a-z2-7]{26})\/hubs\/([a-z2-7]{26})\/bundle)(\?after=(\d{1,16}))$/;
const INPUT =
  /^sig1=(\("@method" "@authority" "@path" "@query"\);created=([1-9]\d{0,11});keyid="([a-z2-7/]{53})";alg="ed25519";nonce="[A-Za-z0-9_-]{21}[AQgw]")$/;
const SIGNATURE = /^sig1=:([A-Za-z0-9+/]{85}[AQgw]==):$/;
const GUEST = /^https?:\/\/[^/?#]+\/g\/[^/?#]*(?:[?#]|$)/;

/** Keys of hubs, imported once. An isolate lives shorter than this grows; the bound is for the one that does not. */
const keys = new Map();
const MOST_KEYS = 4_096;

const bytes = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));

/** A key's 32 bytes from its text: lower-case base32 (RFC 4648) without padding, as ids are written. */
function unbase32(text) {
  const out = [];
  let [value, bits] = [0, 0];
  for (const character of text) {
    const five = "abcdefghijklmnopqrstuvwxyz234567".indexOf(character);
    if (five < 0) return undefined;
    value = ((value << 5) | five) & 0xfff;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      out.push((value >> bits) & 0xff);
    }
  }
  return Uint8Array.from(out);
}

async function keyOf(text) {
  let key = keys.get(text);
  if (!key) {
    key = await crypto.subtle.importKey("raw", unbase32(text), "Ed25519", false, ["verify"]);
    if (keys.size >= MOST_KEYS) keys.clear();
    keys.set(text, key);
  }
  return key;
}

/** Host and, unless it is the scheme's own, port: as the signature covers it. */
const authority = (origin) => new URL(origin).host;

function guest({ method }) {
  if (method !== "GET" && method !== "HEAD") return undefined;
  return new Response(method === "GET" ? PAGE : null, { headers: PAGE_HEADERS });
}

async function unchanged(request, env) {
  const { headers, method } = request;
  if (method !== "GET") return undefined;
  const tag = headers.get("if-none-match");
  const poll = tag && POLL.exec(request.url);
  const input = poll && INPUT.exec(headers.get("signature-input") ?? "");
  const signature = input && SIGNATURE.exec(headers.get("signature") ?? "");
  if (!signature || headers.has("content-digest")) return undefined;
  const [, path, home, hub, query, after] = poll;
  const [, parameters, created, keyId] = input;
  const now = Math.floor(Date.now() / 1_000);
  if (keyId !== `${home}/${hub}` || Math.abs(Number(created) - now) > MAX_SKEW) return undefined;
  // Before anything is read or verified for the caller, as in the router.
  const caller = headers.get("cf-connecting-ip") ?? "";
  if (!(await env.RL_API.limit({ key: caller })).success) return undefined;
  const [key, seq, issued] = ((await env.KV.get(`head/${home}/${hub}`)) ?? "").split(".");
  const age = now - Number(issued);
  if (seq !== after || tag !== `"${seq}-${issued}"` || !(age >= 0 && age < HEAD_CACHED)) return undefined;
  const base =
    `"@method": GET\n"@authority": ${authority(env.ORIGIN)}\n"@path": ${path}\n"@query": ${query}\n` +
    `"@signature-params": ${parameters}`;
  const signed = new TextEncoder().encode(base);
  if (!(await crypto.subtle.verify("Ed25519", await keyOf(key), bytes(signature[1]), signed))) return undefined;
  return new Response(null, { status: 304, headers: { etag: tag, "cache-control": "no-store" } });
}

/** What a member asks most: `MAX_OPS_BYTES` of `worker/src/core/limits.rs` is the largest body. */
const MEMBER = /^https?:\/\/[^/?#]+\/api\/v1\/homes\/([a-z2-7]{26})\/(?:(snapshot)(\?after=\d{1,15})?|(ops))$/;
const MAX_OPS_BYTES = 1024 * 1024;
const WHO = /^[a-z2-7]{26} [01] \d{1,15} [01]$/;

const object = (space, name) => space.get(space.idFromName(name));

/** Who asks, in the words of the account's object, if it is a member's request that a home may answer as it is. */
async function whoAsks(request, env, session, [, home, reads, , changes]) {
  const { headers, method } = request;
  if (method !== (reads ? "GET" : "POST")) return undefined;
  if (changes) {
    const length = headers.get("content-length") ?? "";
    if (!/^\d{1,7}$/.test(length) || Number(length) > MAX_OPS_BYTES) return undefined;
    if (headers.get("origin") !== env.ORIGIN) return undefined;
  }
  const named = session(headers.get("cookie") ?? "");
  if (!named) return undefined;
  if (!(await env.RL_API.limit({ key: headers.get("cf-connecting-ip") ?? "" })).success) return undefined;
  const account = object(env.ACCOUNT, `account:${named.split(".")[0]}`);
  const told = await account.fetch(`https://object/who?home=${home}`, { method: "POST", headers: { "x-session": named } });
  const who = told.headers.get("x-who") ?? "";
  if (told.status !== 204 || !WHO.test(who)) return undefined;
  // Where the account is yet to list the home, that is done too.
  return reads && !who.endsWith("1") ? undefined : who;
}

/** Whether who asks takes a packed answer: `takes_packed` of `worker/src/http.rs`. */
const packs = (headers) => headers.has("sec-fetch-mode") && (headers.get("accept-encoding") ?? "").includes("br");

/** Nothing is read of a change before it is known who makes it. The runtime holds the sender to its length. */
function askHome(request, env, who, [, id, reads, after = "", changes]) {
  const home = object(env.HOME, id);
  const headers = reads && packs(request.headers) ? { "x-who": who, "x-packs": "1" } : { "x-who": who };
  const init = { method: "POST", headers, body: changes ? request.body : undefined };
  return home.fetch(`https://object/${reads ?? changes}${after}`, init);
}

/** What a guest's page asks. The proof in the body is of one form; it goes on in the body: no log has it. */
const LINK = /^https?:\/\/[^/?#]+\/api\/v1\/links\/([a-z2-7]{26})\/(status|reveal)$/;
const PROOF = /^\{"auth":"([A-Za-z0-9_-]{42}[AEIMQUYcgkosw048])"\}$/;
const HOME = /^[a-z2-7]{26}$/;
const MAX_PROOF_BYTES = 1_024;

/** The home's answer, or the request again where the Rust code has to say something else. */
async function asGuest(request, env, [, link, action]) {
  const { headers, method } = request;
  const length = headers.get("content-length") ?? "";
  if (method !== "POST" || !/^\d{1,4}$/.test(length) || Number(length) > MAX_PROOF_BYTES) return undefined;
  if (!(await env.RL_LINK.limit({ key: headers.get("cf-connecting-ip") ?? "" })).success) return undefined;
  const body = await request.text();
  const proof = PROOF.exec(body);
  const id = proof && (await env.KV.get(`link/${link}`));
  if (!id || !HOME.test(id)) return new Request(request, { body });
  const home = object(env.HOME, id);
  const init = { method: "POST", body: bytes(proof[1].replaceAll("-", "+").replaceAll("_", "/")) };
  return home.fetch(`https://object/link/${action}?id=${link}`, init);
}

/**
 * The answer, if it can be given here; or the request as it is to go on, if its body was read.
 * `session`: whose session a cookie is, by its hash.
 */
export async function hot(request, env, session) {
  const { url } = request;
  const link = LINK.exec(url);
  // Whatever breaks once something was read is for the caller to say.
  if (link && env.RL_LINK) return asGuest(request, env, link);
  const asked = MEMBER.exec(url);
  try {
    if (!asked) return GUEST.test(url) ? guest(request) : await unchanged(request, env);
    const who = await whoAsks(request, env, session, asked);
    return who && askHome(request, env, who, asked);
  } catch {
    // Whatever broke, the Rust code meets it too and says so properly.
    return undefined;
  }
}

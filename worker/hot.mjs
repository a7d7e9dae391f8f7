// The two requests that come most often, answered without entering WASM: a guest's page, which is the same for
// everybody, and "unchanged" to a hub that polls. Crossing into WASM and back would cost more than the work itself.
//
// "Unchanged" is said here only where `router/home.rs` would say it: the signature is in the one form that
// `shared/src/httpsig.rs` takes and verifies, and the head in KV is the one that the hub names and is fresh. Whatever
// is otherwise gets `undefined`: then the Rust code decides, and refuses in its own words.

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

async function unchanged(request, env) {
  const { headers } = request;
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

/** The answer, if it can be given here. */
export async function hot(request, env) {
  if (request.method !== "GET" && request.method !== "HEAD") return undefined;
  if (GUEST.test(request.url)) return new Response(request.method === "GET" ? PAGE : null, { headers: PAGE_HEADERS });
  if (request.method !== "GET") return undefined;
  try {
    return await unchanged(request, env);
  } catch {
    // Whatever broke, the Rust code meets it too and says so properly.
    return undefined;
  }
}

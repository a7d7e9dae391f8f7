// Latchkey's wire format once more, in JavaScript: what the tests sign is made apart from the code they test.

import {
  createCipheriv,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  hkdfSync,
  randomBytes,
  sign,
} from "node:crypto";
import { decode, encode } from "cborg";

export const b64 = (bytes) => Buffer.from(bytes).toString("base64url");
export const sha256 = (bytes) => createHash("sha256").update(bytes).digest();
export const hkdf = (secret, salt, info, length) => Buffer.from(hkdfSync("sha256", secret, salt, info, length));

/** The text of an id: lowercase base32 without padding. */
export function idText(bytes) {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  const fives = bits.match(/.{1,5}/g);
  return fives.map((five) => "abcdefghijklmnopqrstuvwxyz234567"[parseInt(five.padEnd(5, "0"), 2)]).join("");
}

/** A map with integer keys; what is undefined is left out. */
export const record = (fields) =>
  new Map(Object.entries(fields).filter(([, value]) => value !== undefined).map(([key, value]) => [Number(key), value]));
export const cbor = (value) => Buffer.from(encode(value));
export const fromCbor = (bytes) => decode(bytes, { useMaps: true, strict: true, rejectDuplicateMapKeys: true });

const raw = (key) => Buffer.from(key.export({ format: "jwk" }).x, "base64url");

/** Keys of a member or a hub. */
export function keys() {
  const signing = generateKeyPairSync("ed25519");
  const sealing = generateKeyPairSync("x25519");
  const publicKey = raw(signing.publicKey);
  return {
    secret: signing.privateKey,
    sign: publicKey,
    seal: raw(sealing.publicKey),
    id: sha256(publicKey).subarray(0, 16),
  };
}

/** PKCS#8 (RFC 8410) around 32 secret bytes. */
const secretKey = (algorithm, secret) =>
  createPrivateKey({
    key: Buffer.concat([Buffer.from(`302e020100300506032b65${algorithm}04220420`, "hex"), secret]),
    format: "der",
    type: "pkcs8",
  });

/** A member's keys from their seed. */
export function memberKeys(seed) {
  const secret = secretKey("70", hkdf(seed, "latchkey/v1/member", "sign", 32));
  const seal = raw(createPublicKey(secretKey("6e", hkdf(seed, "latchkey/v1/member", "seal", 32))));
  const publicKey = raw(createPublicKey(secret));
  return { secret, sign: publicKey, seal, id: sha256(publicKey).subarray(0, 16) };
}

/** A recovery kit: its bytes, its text as printed, and what follows from it. */
export function recoveryKit(secret = randomBytes(16)) {
  const derived = (info, length) => hkdf(secret, "latchkey/v1/kit", info, length);
  const text = idText(secret) + idText(sha256(secret)).slice(0, 2);
  return { secret, text: text.toUpperCase().match(/.{4}/g).join("-"), id: derived("id", 16), auth: derived("auth", 32) };
}

/** A member's seed under their kit, as the server keeps it. */
export function wrapUnderKit(kit, account, seed) {
  const nonce = randomBytes(12);
  const key = hkdf(kit.secret, "latchkey/v1/wrap", "kit", 32);
  const cipher = createCipheriv("chacha20-poly1305", key, nonce, { authTagLength: 16 });
  cipher.setAAD(Buffer.concat([Buffer.from("latchkey/v1/wrap"), account, Buffer.from("kit")]), { plaintextLength: 32 });
  return Buffer.concat([nonce, cipher.update(seed), cipher.final(), cipher.getAuthTag()]);
}

export const keyRecord = (key, name) => record({ 1: key.sign, 2: key.seal, 3: name });

/** A COSE_Sign1 in Latchkey's profile (RFC 9052). `hash` names it. */
export function signed(kind, payload, key) {
  const header = cbor(record({ 1: -8, 4: key.id }));
  const body = cbor(payload);
  const toSign = cbor(["Signature1", header, Buffer.from(`latchkey/v1/${kind}`), body]);
  const bytes = cbor([header, new Map(), body, sign(null, toSign, key.secret)]);
  return { bytes, hash: sha256(toSign) };
}

/** Payload and hash of a signed message, unchecked. */
export function opened(kind, bytes) {
  const [header, , body] = fromCbor(bytes);
  return { payload: fromCbor(body), hash: sha256(cbor(["Signature1", header, Buffer.from(`latchkey/v1/${kind}`), body])) };
}

/** An invitation's secret, and what follows from it. */
export function inviteSecret(secret = randomBytes(16)) {
  const derived = (info, length) => hkdf(secret, "latchkey/v1/invite", info, length);
  const [id, auth] = [derived("id", 16), derived("auth", 32)];
  const mac = (home, key) => createHmac("sha256", derived("accept", 32)).update(cbor([home, id, key])).digest();
  return { id, auth, text: idText(id), accept: (home, key) => record({ 1: key, 2: mac(home, key) }) };
}

/** Headers of a hub's request (RFC 9421), in the one form that is taken. */
export function signedHeaders({ method, url, body, keyId, key, created, nonce }) {
  const { host, pathname, search } = new URL(url);
  const covered = ['"@method"', '"@authority"', '"@path"', '"@query"'];
  const values = [method, host, pathname, search || "?"];
  const headers = {};
  if (body?.length) {
    headers["content-digest"] = `sha-256=:${sha256(body).toString("base64")}:`;
    covered.push('"content-digest"');
    values.push(headers["content-digest"]);
  }
  const when = created ?? Math.floor(Date.now() / 1000);
  const once = b64(nonce ?? randomBytes(16));
  const parameters = `(${covered.join(" ")});created=${when};keyid="${keyId}";alg="ed25519";nonce="${once}"`;
  const lines = covered.map((name, at) => `${name}: ${values[at]}`);
  const base = [...lines, `"@signature-params": ${parameters}`].join("\n");
  headers["signature-input"] = `sig1=${parameters}`;
  headers.signature = `sig1=:${sign(null, Buffer.from(base), key.secret).toString("base64")}:`;
  return headers;
}

/** The key pair and the COSE_Key of each algorithm that passkeys may have. */
const PASSKEYS = {
  ES256() {
    const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const { x, y } = pair.publicKey.export({ format: "jwk" });
    return { pair, cose: [[1, 2], [3, -7], [-1, 1], [-2, Buffer.from(x, "base64url")], [-3, Buffer.from(y, "base64url")]] };
  },
  EdDSA() {
    const pair = generateKeyPairSync("ed25519");
    return { pair, cose: [[1, 1], [3, -8], [-1, 6], [-2, raw(pair.publicKey)]] };
  },
  RS256() {
    const pair = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const n = Buffer.from(pair.publicKey.export({ format: "jwk" }).n, "base64url");
    return { pair, cose: [[1, 3], [3, -257], [-1, n], [-2, Buffer.from([1, 0, 1])]] };
  },
};

/**
 * A passkey in software, as `attestation: "none"` shows it, or with `self` as one that signs its own attestation.
 * `spoil` changes the entries of its COSE_Key.
 */
export function passkey(origin, rpId = "localhost", { algorithm = "ES256", self = false, spoil = (entries) => entries } = {}) {
  const made = PASSKEYS[algorithm]();
  const { pair } = made;
  const signs = (message) => sign(algorithm === "EdDSA" ? null : "sha256", message, pair.privateKey);
  const id = randomBytes(32);
  const cose = cbor(new Map(spoil(made.cose)));
  const rpHash = (name) => sha256(Buffer.from(name));
  const client = (type, challenge, from) => Buffer.from(JSON.stringify({ type, challenge, origin: from, crossOrigin: false }));
  const counter = (count) => {
    const four = Buffer.alloc(4);
    four.writeUInt32BE(count);
    return four;
  };
  let count = 0;
  return {
    id,
    /** The credential of `navigator.credentials.create`. */
    create(options, { flags = 0x45, from = origin, rp = rpId, type = "webauthn.create" } = {}) {
      const length = Buffer.from([0, id.length]);
      const data = Buffer.concat([rpHash(rp), Buffer.from([flags]), counter(0), Buffer.alloc(16), length, id, cose]);
      const json = client(type, options.challenge, from);
      const statement = self ? [["alg", made.cose[1][1]], ["sig", signs(Buffer.concat([data, sha256(json)]))]] : [];
      const attestation = cbor(new Map([["fmt", self ? "packed" : "none"], ["attStmt", new Map(statement)], ["authData", data]]));
      return {
        id: b64(id),
        client_data_json: b64(json),
        attestation_object: b64(attestation),
      };
    },
    /** The credential of `navigator.credentials.get`. */
    get(options, handle, { flags = 0x05, from = origin, rp = rpId, type = "webauthn.get", bend } = {}) {
      count += 1;
      const data = Buffer.concat([rpHash(rp), Buffer.from([flags]), counter(count)]);
      const json = client(type, options.challenge, from);
      const signature = signs(Buffer.concat([data, sha256(json)]));
      if (bend) signature[signature.length - 1] ^= 1;
      return {
        id: b64(id),
        user_handle: handle,
        client_data_json: b64(json),
        authenticator_data: b64(data),
        signature: b64(signature),
      };
    },
  };
}

export { randomBytes };

// Sealing once more, in JavaScript: HPKE (RFC 9180) in Latchkey's one suite, home keys, PINs, and the owner's part of
// pairing a hub.

import { createCipheriv, createHmac, createPrivateKey, createPublicKey, diffieHellman, generateKeyPairSync } from "node:crypto";
import { b64, cbor, hkdf, idText, record } from "./crypto.mjs";

const raw = (key) => Buffer.from(key.export({ format: "jwk" }).x, "base64url");
const text = (words) => Buffer.from(words);
const publicKey = (bytes) =>
  createPublicKey({ key: { kty: "OKP", crv: "X25519", x: b64(bytes) }, format: "jwk" });

/** HKDF's two halves (RFC 5869) with the labels of RFC 9180, section 4. */
const extract = (suite, salt, label, input) =>
  createHmac("sha256", salt).update(Buffer.concat([text("HPKE-v1"), suite, text(label), input])).digest();
function expand(suite, key, label, info, length) {
  const two = Buffer.from([length >> 8, length & 255]);
  const full = Buffer.concat([two, text("HPKE-v1"), suite, text(label), info, Buffer.from([1])]);
  return createHmac("sha256", key).update(full).digest().subarray(0, length);
}

const KEM = Buffer.concat([text("KEM"), Buffer.from([0, 0x20])]);
const SUITE = Buffer.concat([text("HPKE"), Buffer.from([0, 0x20, 0, 1, 0, 3])]);
const NONE = Buffer.alloc(0);

/** Base mode, one message: the encapsulated key, then the ciphertext. */
export function seal(to, info, aad, plain) {
  const pair = generateKeyPairSync("x25519");
  const enc = raw(pair.publicKey);
  const dh = diffieHellman({ privateKey: pair.privateKey, publicKey: publicKey(to) });
  const shared = expand(KEM, extract(KEM, NONE, "eae_prk", dh), "shared_secret", Buffer.concat([enc, to]), 32);
  const context = Buffer.concat([
    Buffer.from([0]),
    extract(SUITE, NONE, "psk_id_hash", NONE),
    extract(SUITE, NONE, "info_hash", text(info)),
  ]);
  const secret = extract(SUITE, shared, "secret", NONE);
  const cipher = createCipheriv(
    "chacha20-poly1305",
    expand(SUITE, secret, "key", context, 32),
    expand(SUITE, secret, "base_nonce", context, 12),
    { authTagLength: 16 },
  );
  cipher.setAAD(aad, { plaintextLength: plain.length });
  return Buffer.concat([enc, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

/** The home key of an epoch. */
export function homeKey(seed) {
  const secret = hkdf(seed, "latchkey/v1/home", "seal", 32);
  const der = Buffer.concat([Buffer.from("302e020100300506032b656e04220420", "hex"), secret]);
  return { seed, seal: raw(createPublicKey(createPrivateKey({ key: der, format: "der", type: "pkcs8" }))) };
}

/** Its seed, sealed to a member or a hub. */
export const wrap = (home, key, to, epoch = 1) =>
  record({ 1: epoch, 2: to.id, 3: seal(to.seal, "latchkey/v1/home-key", cbor([home, epoch, to.id]), key.seed) });

/** A PIN, sealed to the home as part of a grant. */
export function sealPin(home, key, { grant, rev, locks, pin }, epoch = 1) {
  const padded = Buffer.alloc(16);
  padded[0] = pin.length;
  padded.write(pin, 1);
  const sealed = seal(key.seal, "latchkey/v1/pin", cbor([home, epoch, grant, rev, locks]), padded);
  return record({ 1: epoch, 2: sealed });
}

/** The pairing secret as the hub shows it: where the two meet, and the owner's answer. */
export function pairing(words) {
  const plain = words.replaceAll(/[^a-z2-7]/gi, "").toLowerCase();
  const bits = [...plain].map((c) => "abcdefghijklmnopqrstuvwxyz234567".indexOf(c).toString(2).padStart(5, "0")).join("");
  const secret = Buffer.from(bits.match(/.{8}/g).map((eight) => parseInt(eight, 2)));
  const derived = (info, length) => hkdf(secret, "latchkey/v1/pair", info, length);
  const mac = (info, message) => createHmac("sha256", derived(info, 32)).update(message).digest();
  return {
    id: idText(derived("id", 16)),
    offerIs: (offer) => mac("offer", cbor([offer.get(1), offer.get(2)])).equals(offer.get(3)),
    answer: (home, genesis, hub) => record({ 1: home, 2: genesis, 3: mac("answer", cbor([home, genesis, hub])) }),
  };
}

// A guest link: from its 128-bit secret to id, auth and key, and from the ciphertext to the code.
// The secret stays in this module's callers: only `id` and `auth` are ever sent.

const bytes = (text) => new TextEncoder().encode(text);
const SALT = bytes("latchkey/v1/link");

export const toB64 = (array) =>
  btoa(String.fromCharCode(...array)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

/** Strict base64url without padding; `null` for anything else. */
export function fromB64(text) {
  if (!/^[\w-]*$/.test(text)) return null;
  try {
    const raw = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    const array = Uint8Array.from(raw, (c) => c.charCodeAt(0));
    return toB64(array) === text ? array : null;
  } catch {
    return null;
  }
}

/** Lowercase base32 without padding (RFC 4648, section 6): the text form of every id. */
export function base32(array) {
  let out = "";
  let acc = 0;
  let bits = 0;
  for (const byte of array) {
    acc = (acc << 8) | byte;
    for (bits += 8; bits >= 5; bits -= 5) out += "abcdefghijklmnopqrstuvwxyz234567"[(acc >> (bits - 5)) & 31];
    acc &= 31;
  }
  return bits ? out + "abcdefghijklmnopqrstuvwxyz234567"[(acc << (5 - bits)) & 31] : out;
}

/** `{id, idBytes, auth, key}` of a 16-byte secret. The AES key cannot be exported. */
export async function derive(secret) {
  const { subtle } = crypto;
  const base = await subtle.importKey("raw", secret, "HKDF", false, ["deriveBits", "deriveKey"]);
  const hkdf = (info) => ({ name: "HKDF", hash: "SHA-256", salt: SALT, info: bytes(info) });
  const [id, auth, key] = await Promise.all([
    subtle.deriveBits(hkdf("id"), base, 128),
    subtle.deriveBits(hkdf("auth"), base, 256),
    subtle.deriveKey(hkdf("key"), base, { name: "AES-GCM", length: 256 }, false, ["decrypt"]),
  ]);
  const idBytes = new Uint8Array(id);
  return { id: base32(idBytes), idBytes, auth: toB64(new Uint8Array(auth)), key };
}

/** Opens `iv(12) || AES-256-GCM` to `{pin, home, home_name, doors, label, note}`; throws on anything unsound. */
export async function open(link, ct) {
  const data = fromB64(ct);
  const plain = await crypto.subtle.decrypt(
    { name: "AES-GCM", iv: data.subarray(0, 12), additionalData: link.idBytes },
    link.key,
    data.subarray(12),
  );
  const content = JSON.parse(new TextDecoder().decode(plain));
  if (content.v !== 1 || !/^\d{4,10}$/.test(content.pin)) throw new Error("link.content");
  return content;
}

/**
 * What a page address says: `{link}` or `{problem}`.
 * The fragment must be the canonical text of 16 bytes, and the id in the path the one it yields.
 */
export async function fromLocation({ pathname, hash }) {
  if (!globalThis.crypto?.subtle) return { problem: "unsupported" };
  const secret = fromB64(hash.slice(1));
  if (secret?.length !== 16) return { problem: "incomplete" };
  const link = await derive(secret);
  const id = pathname.split("/")[2];
  return id === link.id ? { link } : { problem: "mismatch" };
}

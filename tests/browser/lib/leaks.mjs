// Looks for secrets in everything that was written down: state files, logs, addresses.

import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";

/** Every file below a directory, as `{name, bytes}`. */
export async function files(dir) {
  const found = [];
  for (const entry of await readdir(dir, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue;
    const name = join(entry.parentPath, entry.name);
    found.push({ name, bytes: await readFile(name) });
  }
  return found;
}

/** The part of base64 text that does not depend on what stands before or after, for each of the three offsets. */
function insideBase64(bytes) {
  return [0, 1, 2].map((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift), bytes]).toString("base64").replaceAll("=", "");
    // The first characters mix in what precedes, the last ones what follows.
    return text.slice(shift === 0 ? 0 : shift + 1, (bytes.length + shift) % 3 === 0 ? undefined : -1);
  });
}

/** The forms in which a secret could be written down, as `[how, Buffer]`. */
function forms({ text, bytes }) {
  const found = [];
  const add = (how, content) => content.length > 3 && found.push([how, Buffer.from(content)]);
  const both = [];
  if (text !== undefined) {
    add("text", text);
    both.push(Buffer.from(text));
    add("UTF-16", Buffer.from(text, "utf16le"));
  }
  if (bytes !== undefined) {
    add("bytes", bytes);
    both.push(Buffer.from(bytes));
  }
  for (const raw of both) {
    add("hex", raw.toString("hex"));
    add("HEX", raw.toString("hex").toUpperCase());
    add("percent", [...raw].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join(""));
    for (const part of insideBase64(raw)) {
      // A short secret's base64 is too short to mean anything.
      if (part.length < 6) continue;
      add("base64", part);
      add("base64url", part.replaceAll("+", "-").replaceAll("/", "_"));
    }
  }
  return found;
}

const isDigit = (byte) => byte >= 0x30 && byte <= 0x39;

/** Where `needle` stands in `bytes`; a number inside a longer number does not count. */
function stands(bytes, needle, numeric) {
  for (let at = bytes.indexOf(needle); at >= 0; at = bytes.indexOf(needle, at + 1)) {
    const inside = numeric && (isDigit(bytes[at - 1]) || isDigit(bytes[at + needle.length]));
    if (!inside) return at;
  }
  return -1;
}

/** All places where a secret stands in clear: `secrets` is `[{name, text?, bytes?}]`, `places` `[{name, bytes}]`. */
export function leaks(secrets, places) {
  const found = [];
  for (const secret of secrets) {
    for (const [how, needle] of forms(secret)) {
      const numeric = how === "text" && /^\d+$/.test(secret.text);
      for (const place of places) {
        const at = stands(place.bytes, needle, numeric);
        if (at >= 0) found.push(`${secret.name} as ${how} in ${place.name} at byte ${at}`);
      }
    }
  }
  return found;
}

/** Bytes of canonical base32 text (RFC 4648), case and dashes ignored. */
export function fromBase32(text) {
  const bits = [...text.toLowerCase().replaceAll(/[^a-z2-7]/g, "")]
    .map((letter) => "abcdefghijklmnopqrstuvwxyz234567".indexOf(letter).toString(2).padStart(5, "0"))
    .join("");
  return Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => parseInt(byte, 2)));
}

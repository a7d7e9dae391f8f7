// The search for secrets finds them in every form, and does not cry wolf.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { fromBase32, leaks } from "./lib/leaks.mjs";

const place = (content) => [{ name: "place", bytes: Buffer.from(content) }];
const pin = { name: "PIN", text: "482913" };

test("a PIN in any encoding, at any offset", () => {
  for (const before of ["", "a", "ab", '{"pin":"']) {
    const text = Buffer.from(`${before}482913"}`);
    for (const how of ["utf8", "hex", "base64", "base64url", "utf16le"]) {
      const written = how === "utf16le" ? Buffer.from(text.toString(), how) : text.toString(how);
      assert.notDeepEqual(leaks([pin], place(written)), [], `${how} after ${JSON.stringify(before)}`);
    }
  }
});

test("digits inside a longer number are not a PIN", () => {
  assert.deepEqual(leaks([pin], place("1764829130 and 48291")), []);
  assert.equal(leaks([pin], place("17648291300, 482913")).length, 1);
});

test("bytes in any encoding, at any offset", () => {
  const bytes = randomBytes(16);
  for (const before of [0, 1, 2, 3]) {
    const whole = Buffer.concat([randomBytes(before), bytes, randomBytes(2)]);
    for (const how of ["hex", "base64", "base64url", "latin1"]) {
      const found = leaks([{ name: "key", bytes }], place(how === "latin1" ? whole : whole.toString(how)));
      assert.notDeepEqual(found, [], `${how} after ${before} bytes`);
    }
  }
  assert.deepEqual(leaks([{ name: "key", bytes }], place(randomBytes(100_000))), []);
});

test("base32", () => {
  assert.equal(fromBase32("MZXW-6YTB").toString(), "fooba");
});

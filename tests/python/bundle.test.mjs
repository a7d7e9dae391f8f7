// The independent verifier: cbor2 and cryptography from PyPI, and docs/wire-format.md.

import assert from "node:assert/strict";
import { test } from "node:test";
import { script } from "./python.mjs";

test("golden vectors verify in Python, and broken ones do not", () => {
  const { status, stdout, stderr } = script("test_bundle.py");
  assert.equal(status, 0, stdout + stderr);
  assert.match(stderr, /Ran \d+ tests/);
});

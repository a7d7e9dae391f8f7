// The independent verifier: cbor2 and cryptography from PyPI, and docs/wire-format.md.

import assert from "node:assert/strict";
import { test } from "node:test";
import { available, script } from "./python.mjs";

test("golden vectors verify in Python, and broken ones do not", () => {
  assert.ok(available(), "Python 3 with venv is needed: install python3 and python3-venv");
  const { status, stdout, stderr } = script("test_bundle.py");
  assert.equal(status, 0, stdout + stderr);
  assert.match(stderr, /Ran \d+ tests/);
});

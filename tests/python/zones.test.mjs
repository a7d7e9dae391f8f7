// Every time zone, every change of clocks from 2020 to 2037, weekly windows and days off around each, against Python's zoneinfo.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { available, script } from "./python.mjs";

test("time zones and weekly windows agree with zoneinfo", () => {
  assert.ok(available(), "Python 3 with venv is needed: install python3 and python3-venv");
  const cwd = fileURLToPath(new URL("../..", import.meta.url));
  const command = ["run", "--quiet", "--locked", "-p", "latchkey-tests", "--bin", "say-zones"];
  const said = spawnSync("cargo", command, { cwd, encoding: "utf8", maxBuffer: 64 << 20 });
  assert.equal(said.status, 0, said.stderr);
  const { status, stdout, stderr } = script("zones.py", { input: said.stdout });
  assert.equal(status, 0, stderr);
  const [, zones, changes, windows, days] = stdout.match(/(\d+) zones, (\d+) changes, (\d+) windows, (\d+) days off agree/).map(Number);
  assert.ok(zones > 590 && changes > 7_000 && windows > 20_000 && days > 2_000, stdout);
  // The check itself can fail: an hour of one zone is moved.
  const berlin = said.stdout.match(/^zone Europe\/Berlin 3600.*$/m)[0];
  const moved = berlin.replace("3600", "7200");
  assert.match(script("zones.py", { input: moved }).stderr, /Europe\/Berlin/);
});

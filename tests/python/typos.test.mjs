// Words that people misspell, in everything that people read or write here.

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { resolve } from "node:path";
import { test } from "node:test";
import { python } from "./python.mjs";

const ROOT = resolve(import.meta.dirname, "../..");
/** Not for reading: made by programs, or bytes. */
const MADE = /(^|\/)(package-lock\.json|Cargo\.lock)$|\.(hex|json|svg|png|ico|woff2)$|^fuzz\/corpus\//;
/** Misspelt on purpose, or a name. */
const MEANT = ["orgin", "homestate", "inforce", "nulll", "abd", "debia", "statics", "nd"];

test("no word is misspelt", () => {
  const files = execFileSync("git", ["ls-files", "-z"], { cwd: ROOT, encoding: "utf8" }).split("\0");
  const read = files.filter((file) => file && !MADE.test(file));
  assert.ok(read.length > 300, `${read.length} files`);
  const options = ["-m", "codespell_lib", "--builtin", "clear,rare", "--ignore-words-list", MEANT.join()];
  const { status, stdout, stderr } = spawnSync(python(), [...options, ...read], { cwd: ROOT, encoding: "utf8" });
  assert.equal(status, 0, stdout + stderr);
});

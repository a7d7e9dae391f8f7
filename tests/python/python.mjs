// Runs the Python of this directory in its own environment below target/, with the packages that
// requirements.txt pins.

import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const HOME = join(process.env.CARGO_TARGET_DIR ?? join(HERE, "../../target"), "python");

const SYSTEM = process.env.PYTHON ?? "python3";

/** Whether this machine has Python 3 with venv. */
export const available = () => spawnSync(SYSTEM, ["-c", "import venv, ensurepip"]).status === 0;

/** The interpreter, after making the environment if it is missing or out of date. */
export function python() {
  const wanted = readFileSync(join(HERE, "requirements.txt"), "utf8");
  const [stamp, binary] = [join(HOME, "requirements.txt"), join(HOME, "bin/python")];
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return binary;
  rmSync(HOME, { recursive: true, force: true });
  mkdirSync(HOME, { recursive: true });
  const run = (...command) => execFileSync(command[0], command.slice(1), { stdio: ["ignore", "ignore", "inherit"] });
  run(SYSTEM, "-m", "venv", HOME);
  run(binary, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", join(HERE, "requirements.txt"));
  writeFileSync(stamp, wanted);
  return binary;
}

/** Runs one of the scripts here: `{status, stdout, stderr}`. A last argument `{input}` is what it reads. */
export function script(name, ...args) {
  const options = typeof args.at(-1) === "object" ? args.pop() : {};
  return spawnSync(python(), [join(HERE, name), ...args], { encoding: "utf8", ...options });
}

/** Verifies a captured bundle; returns what the verifier prints, or throws with its reason. */
export function verifyBundle(file, ...options) {
  const { status, stdout, stderr } = script("verify_bundle.py", file, ...options);
  if (status !== 0) throw new Error(`${file}: ${stderr.trim()}`);
  return stdout;
}

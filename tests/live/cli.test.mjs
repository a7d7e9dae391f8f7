// `latchkey` itself, against a Worker and hubs with simulated locks: what the portal does, from the command line.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createDecipheriv } from "node:crypto";
import { readFile, readdir, stat, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { after, before, test } from "node:test";
import { startHub } from "../browser/lib/stack.mjs";
import { until } from "../browser/lib/steps.mjs";
import { Person } from "./lib/client.mjs";
import { b64, cbor, fromCbor, hkdf, idText, memberKeys, randomBytes, record, recoveryKit, sha256, signed, wrapUnderKit } from "./lib/crypto.mjs";
import { serve } from "./lib/server.mjs";

const CLI = process.env.CLI ?? resolve(import.meta.dirname, "../../target/release/latchkey");
const FRONT = "Front door";

let server, hub, ada, home;
// Everything that was printed, to be searched for what must not be in it.
let printed = "";

/** Somebody with a real seed under a real kit, and the command line at a state directory of their own. */
class Owner extends Person {
  async signUp(name) {
    Object.assign(this, { name, seed: randomBytes(32), kit: recoveryKit(), state: join(server.dir, `cli-${name}`) });
    this.member = memberKeys(this.seed);
    return super.signUp(name);
  }

  signUpBody(begun, ...more) {
    const body = super.signUpBody(begun, ...more);
    this.account = Buffer.from(begun.options.user.id, "base64url");
    const ct = b64(wrapUnderKit(this.kit, this.account, this.seed));
    body.wraps = body.wraps.map((wrap) => (wrap.kind === "kit" ? { ...wrap, ct } : wrap));
    return body;
  }

  /** Runs a command: `{status, out, err}`; `more.env` is added to the environment, `more.input` is typed. */
  run(args, { env = {}, input = "" } = {}) {
    const child = spawn(CLI, ["--state", this.state, ...args], {
      env: { PATH: process.env.PATH, LATCHKEY_ORIGIN: server.origin, ...env },
    });
    const result = { out: "", err: "" };
    child.stdout.on("data", (bytes) => (result.out += bytes));
    child.stderr.on("data", (bytes) => (result.err += bytes));
    child.stdin.on("error", () => {});
    child.stdin.end(input);
    return new Promise((done) =>
      child.once("close", (status) => {
        if (!args.includes("--show-pin")) printed += result.out + result.err;
        done({ status, ...result });
      }),
    );
  }

  /** A command that works, and what it answers in JSON. */
  async json(args, more) {
    const { status, out, err } = await this.run(["--json", ...args], more);
    assert.equal(status, 0, `${args.join(" ")}: ${err}`);
    return JSON.parse(out);
  }

  /** A command that is refused with this status and code. */
  async refused(args, status, code, more) {
    const done = await this.run(["--json", ...args], more);
    assert.deepEqual([done.status, done.out], [status, ""], `${args.join(" ")}: ${done.err}`);
    const { error } = JSON.parse(done.err);
    assert.equal(error.code, code, done.err);
    return error;
  }

  login = () => this.json(["login", "--no-passphrase"], { env: { LATCHKEY_KIT: this.kit.text } });
}

/** Makes a home with a hub, whose locks are there. */
async function settle(owner, name, dir) {
  const { id } = await owner.json(["home", "create", name, "--zone", "Europe/Lisbon"]);
  const own = await startHub(dir, server.origin);
  const { text } = await until("the hub shows a pairing code", () => own.pairing());
  await owner.json(["--home", id, "hubs", "pair"], { input: `${text}\n` });
  await until("the locks are there", async () => (await owner.json(["--home", id, "locks"])).locks.length === 4, 30_000, 500);
  return { id, hub: own };
}

/** Waits until the code is in this state at the front door. */
const atFront = (owner, code, state) =>
  until(`${code} is ${state}`, async () => {
    const { locks } = await owner.json(["codes", "show", code]);
    return locks.find((lock) => lock.name === FRONT)?.state === state;
  }, 20_000, 300);

const opens = (pin, wanted, at = hub) =>
  until(`the door ${wanted ? "opens" : "stays shut"}`, async () => (await at.keypad(FRONT, pin)).opened === wanted, 20_000, 300);

const pinOf = async (owner, code) => (await owner.json(["codes", "show", code, "--show-pin"])).pin;

/** What a guest's link shows. */
async function shown(link) {
  const [, id, secret] = link.match(/\/g\/([a-z2-7]+)#(.+)$/);
  const derived = (info, length) => hkdf(Buffer.from(secret, "base64url"), "latchkey/v1/link", info, length);
  const { body } = await ada.post(`/links/${id}/reveal`, { auth: b64(derived("auth", 32)) });
  const ct = Buffer.from(body.ct, "base64url");
  const cipher = createDecipheriv("aes-256-gcm", derived("key", 32), ct.subarray(0, 12));
  cipher.setAAD(derived("id", 16)).setAuthTag(ct.subarray(-16));
  return JSON.parse(Buffer.concat([cipher.update(ct.subarray(12, -16)), cipher.final()]));
}

before(async () => {
  server = await serve();
  ada = await new Owner(server.origin).signUp("Ada");
});
after(() => {
  hub?.stop();
  return server?.stop();
});

test("the member key signs in: once, for this origin, by that key", async () => {
  const begin = (who) => ada.post("/auth/key/begin", { key: idText(who.member.id) });
  const proof = (challenge, { origin = server.origin, key = ada.member, kind = "sign-in", at = Date.now() / 1000 } = {}) =>
    b64(signed(kind, record({ 1: origin, 2: sha256(challenge), 6: Math.floor(at) }), key).bytes);
  const finish = (challenge, bytes) => ada.post("/auth/key/finish", { challenge, proof: bytes });
  const { body } = await begin(ada);
  const eve = await new Person(server.origin).signUp("Eve");
  for (const [bad, code] of [
    [{ origin: "https://evil.example" }, "signin.wrong_origin"],
    [{ key: eve.member }, "auth.unknown_key"],
    [{ kind: "op" }, "auth.unknown_key"],
    [{ at: Date.now() / 1000 - 3_600 }, "signin.clock"],
  ]) {
    const answer = await finish(body.challenge, proof(body.challenge, bad));
    assert.deepEqual([answer.status, answer.code], [401, code]);
  }
  const good = proof(body.challenge);
  const signedIn = await finish(body.challenge, good);
  assert.deepEqual([signedIn.status, signedIn.body.name], [200, "Ada"]);
  assert.ok(signedIn.headers.getSetCookie()[0].includes("HttpOnly"));
  const again = await finish(body.challenge, good);
  assert.deepEqual([again.status, again.code], [400, "auth.ticket_invalid"], "a proof is used once");
  // A challenge for another key, and a key that nobody has: neither tells anything.
  const theirs = (await begin(eve)).body.challenge;
  assert.equal((await finish(theirs, proof(theirs))).code, "auth.unknown_key");
  const nobody = await ada.post("/auth/key/begin", { key: idText(randomBytes(16)) });
  assert.equal(nobody.status, 200);
  assert.equal((await finish(nobody.body.challenge, proof(nobody.body.challenge))).code, "auth.unknown_key");
  for (const body of [{}, { key: 1 }, { key: "x" }]) assert.equal((await ada.post("/auth/key/begin", body)).status, 400);
  const passkeys = await ada.post("/auth/signin/begin", {});
  assert.equal((await finish(passkeys.body.ticket, proof(passkeys.body.ticket))).code, "auth.ticket_invalid");
});

test("signs in with the kit; the seed rests under a passphrase", async () => {
  await ada.refused(["homes"], 4, "auth.no_session");
  const wrong = recoveryKit().text;
  await ada.refused(["login"], 4, "auth.kit_invalid", { env: { LATCHKEY_KIT: wrong, LATCHKEY_PASSPHRASE: "x".repeat(9) } });
  await ada.refused(["login"], 3, "kit.mistyped", { env: { LATCHKEY_KIT: `A${ada.kit.text.slice(1, -1)}7` } });
  await ada.refused(["login"], 3, "state.short", { env: { LATCHKEY_KIT: ada.kit.text, LATCHKEY_PASSPHRASE: "short" } });
  const env = { LATCHKEY_KIT: ada.kit.text, LATCHKEY_PASSPHRASE: "correct horse" };
  assert.equal((await ada.json(["login"], { env })).name, "Ada");
  assert.equal((await ada.json(["whoami"])).passphrase, true);
  const stored = await readFile(join(ada.state, "account.json"), "utf8");
  assert.ok(!stored.includes(b64(ada.seed)) && !stored.includes(ada.kit.text));
  for (const name of await readdir(ada.state)) {
    assert.equal((await stat(join(ada.state, name))).mode & 0o077, 0, `${name} is private`);
  }
  // The session is enough to read; to sign takes the passphrase.
  assert.deepEqual((await ada.json(["homes"])).homes, []);
  const make = ["home", "create", "Cabin", "--zone", "Europe/Lisbon"];
  await ada.refused(make, 4, "state.passphrase", { env: { LATCHKEY_PASSPHRASE: "wrong horse" } });
  await ada.json(["logout"]);
  await ada.refused(["homes"], 4, "auth.no_session");
  await ada.login();
});

test("a home, a hub, a code on the lock, and its life", async () => {
  await ada.refused(["home", "create", "Cabin", "--zone", "Europe/Nowhere"], 3, "zone.unknown");
  ({ id: home, hub } = await settle(ada, "Lake house", server.dir));
  await ada.refused(["codes", "add", "Anna", "--until", "+2h"], 2, "door.which");
  await ada.refused(["codes", "add", "Anna", "--door", "Cellar", "--until", "+2h"], 7, "pick.none");
  await ada.refused(["codes", "add", "Anna", "--door", FRONT], 3, "grant.needs_end");
  await ada.refused(["codes", "add", "Anna", "--door", FRONT, "--until", "2020-01-01"], 3, "schedule.past");
  const weak = ["codes", "add", "Anna", "--door", FRONT, "--until", "+2h", "--pin-file", "-"];
  assert.ok((await ada.refused(weak, 3, "pin.sequence", { input: "1234\n" })).hint.includes("1234"));

  const made = await ada.json(["codes", "add", "Anna", "--door", FRONT, "--until", "+2h", "--note", "Mind the step"]);
  assert.equal(made.pin, undefined, "a PIN is shown only if it is asked for");
  await atFront(ada, "Anna", "on_lock");
  const pin = await pinOf(ada, "Anna");
  await opens(pin, true);
  const page = await shown(made.link);
  assert.deepEqual([page.pin, page.note, page.doors], [pin, "Mind the step", [FRONT]]);

  const before = Date.parse(`${made.until.replace(" ", "T")}Z`);
  const longer = await ada.json(["codes", "extend", "anna", "+1d"]);
  assert.equal(Date.parse(`${longer.until.replace(" ", "T")}Z`) - before, 86_400_000);
  assert.equal(await pinOf(ada, "Anna"), pin, "the same PIN");
  assert.equal((await shown(made.link)).pin, pin, "the same link");
  await ada.json(["codes", "suspend", "Anna"]);
  await opens(pin, false);
  assert.match((await ada.json(["codes", "explain", "Anna"])).locks[0].sentence, /[Ss]uspended|paused/);
  await ada.json(["codes", "resume", "Anna"]);
  await opens(pin, true);

  const renamed = await ada.json(["codes", "edit", "Anna", "--label", "Anna B.", "--new-pin"]);
  assert.equal(renamed.link, made.link, "the link that was sent goes on");
  const newPin = await pinOf(ada, "Anna B.");
  assert.notEqual(newPin, pin);
  assert.deepEqual(await shown(made.link).then(({ pin, note, label }) => [pin, note, label]), [newPin, "Mind the step", "Anna B."]);
  await opens(newPin, true);
  await opens(pin, false);

  const other = await ada.json(["link", "new", "Anna B."]);
  assert.notEqual(other.link, made.link);
  assert.equal((await ada.json(["link", "show", "Anna B."])).link, other.link);
  await ada.json(["codes", "revoke", made.id.slice(0, 8)]);
  await opens(newPin, false);
  await ada.refused(["codes", "resume", "Anna B."], 3, "compose.gone");
  const again = await ada.json(["codes", "again", "Anna B."]);
  assert.notEqual(again.id, made.id);
  const reused = ["codes", "add", "Ben", "--door", FRONT, "--until", "+2h", "--pin-file", "-"];
  await ada.refused(reused, 3, "pin.used_before", { input: `${pin}\n` });

  const { events } = await ada.json(["log", "-n", "200"]);
  const entry = events.find((event) => event.kind === "code_used");
  assert.ok(entry?.sentence.includes(FRONT), JSON.stringify(events.map((event) => event.kind)));
  assert.deepEqual(events.map((event) => event.number), events.map((_, at) => events[0].number + at));
  assert.equal((await ada.json(["homes"])).homes[0].role, "owner");
  assert.match((await ada.run(["review"])).out, /./);
});

test("times are the home's, hours and rules are kept", async () => {
  const code = await ada.json([
    ...["codes", "add", "Cleaner", "--kind", "standard", "--door", FRONT, "--door", "Back door", "--from", "2030-07-01 09:00"],
    ...["--until", "2030-07-31", "--hours", "Tue,Fri 09:00-12:00", "--days-off", "2030-07-05", "--uses", "20"],
  ]);
  assert.equal(new Date(code.not_before * 1000).toISOString(), "2030-07-01T08:00:00.000Z", "Lisbon's summer time");
  assert.equal(code.until, "2030-08-01 00:00");
  assert.deepEqual([code.hours, code.days_off, code.uses, code.phase], ["Tue,Fri 09:00-12:00", ["2030-07-05"], 20, "upcoming"]);
  assert.equal(code.link, undefined, "only guests have links");
  const told = await ada.json(["codes", "explain", "Cleaner", "--door", FRONT, "--at", "2030-07-02 10:00"]);
  assert.equal(told.locks.length, 1);
  const policy = await ada.json(["home", "policy", "--pin-length", "8", "--quiet-days", "2030-12-24; 2030-12-25"]);
  assert.deepEqual([policy.pin_length, policy.quiet_days], [8, ["2030-12-24", "2030-12-25"]]);
  await ada.refused(["home", "policy", "--pin-min", "9", "--pin-max", "5"], 3, "policy.pin");
  assert.equal((await ada.json(["home", "rename", "Sea house"])).name, "Sea house");
});

test("a duress code looks like any other of the household, but to programs", async () => {
  const made = await ada.json(["codes", "add", "Spare key", "--kind", "duress", "--door", FRONT]);
  assert.equal(made.kind, "duress");
  for (const command of [["codes", "list"], ["codes", "show", "Spare key"], ["review"]]) {
    const { out } = await ada.run(command);
    assert.ok(!/duress|primary|standard/.test(out), out);
  }
  assert.match((await ada.run(["codes", "show", "Spare key"])).out, /Spare key \(household\)/);
  await ada.json(["codes", "revoke", "Spare key"]);
});

test("hubs and the server get limits, the log goes on, the review has actions", async () => {
  const [{ name, panel }] = (await ada.json(["hubs", "list"])).hubs;
  assert.equal(panel, false);
  const scoped = await ada.json(["hubs", "panel", name, "on", "--max-days", "7", "--door", FRONT]);
  assert.equal(scoped.hubs[0].panel, true);
  assert.equal((await ada.json(["hubs", "rename", name, "Cellar hub"])).hubs[0].name, "Cellar hub");
  await ada.refused(["home", "issuing", "on"], 3, "chain.bad_op");
  assert.equal((await ada.json(["home", "issuing", "on", "--max-days", "30"])).issuing, true);
  assert.equal((await ada.json(["home", "issuing", "off"])).issuing, false);

  const follow = spawn(CLI, ["--state", ada.state, "--json", "log", "-f", "-n", "2"], { stdio: ["ignore", "pipe", "inherit"] });
  try {
    let lines = "";
    follow.stdout.on("data", (bytes) => (lines += bytes));
    const events = () => lines.split("\n").filter(Boolean).map((line) => JSON.parse(line));
    await until("the newest entries", () => events().length === 2);
    assert.equal((await hub.keypad(FRONT, "9999999")).opened, false);
    await until("the new one", () => events().at(-1).kind === "entry_refused", 15_000);
    const numbers = events().map((event) => event.number);
    assert.deepEqual(numbers, numbers.map((_, at) => numbers[0] + at), "each once, in order");
  } finally {
    follow.kill();
  }
  const { items } = await ada.json(["review"]);
  const shared = items.find((item) => item.kind === "shared");
  assert.ok(shared.sentence.includes("Cleaner") && shared.command.startsWith("latchkey codes edit "), JSON.stringify(items));
});

test("CSV: all rows or none, and never a PIN", async () => {
  const file = join(server.dir, "codes.csv");
  await ada.json(["export", "csv", file]);
  const text = await readFile(file, "utf8");
  assert.match(text, /Cleaner,standard/);
  const count = async () => (await ada.json(["codes", "list", "--phase", "all"])).codes.length;
  const were = await count();
  await writeFile(file, `label,doors,until,uses\nZoë,${FRONT},2031-01-01,\n=1+1,Cellar,2031-01-01,many\n`);
  const { details } = await ada.refused(["import", "csv", file], 3, "csv.door");
  assert.deepEqual(details.map(({ row, column }) => [row, column]), [[3, "doors"], [3, "uses"]]);
  assert.equal(await count(), were, "nothing was made");
  await writeFile(file, `label;doors;until;note\nZoë;${FRONT};2031-01-01;Hello\nMax;Back door\\; side;2031-01-01;\n`.replace("\\; side", ""));
  assert.equal((await ada.json(["import", "csv", file, "--dry-run"])).made.length, 2);
  assert.equal(await count(), were);
  const { made } = await ada.json(["import", "csv", file]);
  assert.equal((await shown(made[0].link)).note, "Hello");
  assert.equal(await count(), were + 2);
});

/** The archive's pages, changed, as a file again. */
function rewritten(file, change) {
  const magic = cbor("latchkey/v1/archive");
  const pages = [];
  for (let at = magic.length; at < file.length; ) {
    // A byte string of 256 bytes to 4 GB.
    const wide = file[at] === 0x5a ? 4 : 2;
    const length = file.readUIntBE(at + 1, wide);
    pages.push(fromCbor(file.subarray(at + 1 + wide, at + 1 + wide + length)));
    at += 1 + wide + length;
  }
  change(pages);
  return Buffer.concat([magic, ...pages.map((page) => cbor(cbor(page)))]);
}

test("an archive verifies offline, and a changed one shows where", async () => {
  const file = join(server.dir, "archive.cbor");
  const { ops, events } = await ada.json(["export", "archive", file]);
  const whole = await readFile(file);
  const offline = { env: { LATCHKEY_ORIGIN: "http://localhost:1" } };
  const good = await ada.json(["verify", "archive", file], offline);
  assert.deepEqual([good.ops, good.events, good.name, good.compared_with_state], [ops, events, "Sea house", true]);
  assert.ok(events > 5 && ops > 10);

  const stranger = new Owner(server.origin);
  stranger.state = join(server.dir, "cli-nobody");
  assert.equal((await stranger.json(["verify", "archive", file], offline)).compared_with_state, false);

  const changed = join(server.dir, "changed.cbor");
  const faulty = async (change, code, place, who = stranger) => {
    await writeFile(changed, rewritten(whole, change));
    const { details } = await who.refused(["verify", "archive", changed], 6, code, offline);
    assert.match(details.place, place);
  };
  const page = (pages, key) => pages.find((page) => page.get(key).length > 3).get(key);
  await faulty((pages) => page(pages, 3).splice(4, 1), "chain.gap", /^op 4$/);
  await faulty((pages) => (page(pages, 3)[2][100] ^= 1), /./.source && "chain.bad_signature", /^op 2$/);
  await faulty((pages) => page(pages, 4).splice(2, 1), "event.gap", /^event 3 of hub/);
  await faulty((pages) => page(pages, 3).splice(-1), "archive.rollback", /^op /, ada);
  await writeFile(changed, whole.subarray(0, whole.length - 9));
  await stranger.refused(["verify", "archive", changed], 6, "archive.damaged");
});

test("a server that shows less, or something else, than before is not believed", async () => {
  const seen = join(ada.state, "homes", home);
  const text = await readFile(seen, "utf8");
  const [genesis, seq, hash] = text.split("\n")[0].split(" ");
  const pretend = (line) => writeFile(seen, `${line}\nSea house\n`);
  await pretend(`${genesis} ${Number(seq) + 1} ${hash}`);
  await ada.refused(["codes", "list"], 6, "home.rollback");
  await pretend(`${genesis} ${seq} ${genesis}`);
  await ada.refused(["codes", "revoke", "Zoë"], 6, "home.fork");
  await pretend(`${hash} ${seq} ${hash}`);
  await ada.refused(["export", "csv", "-"], 6, "home.fork");
  await writeFile(seen, text);
  assert.ok((await ada.json(["codes", "list"])).codes.some((code) => code.label === "Zoë"));
});

test("people come by invitation and go", async () => {
  const ben = await new Owner(server.origin).signUp("Ben");
  await ben.login();
  const invited = await ada.json(["people", "invite", "Ben", "--role", "manager", "--max-days", "10", "--door", FRONT]);
  assert.deepEqual((await ada.json(["people", "accept"])).added, []);
  await ben.json(["people", "join"], { env: { LATCHKEY_INVITE: invited.link } });
  assert.equal((await ada.json(["people", "accept"])).added[0].role, "manager");
  const made = await ben.json(["codes", "add", "Carl", "--until", "+1d", "--door", FRONT]);
  assert.match(await pinOf(ben, "Carl"), /^\d{4,10}$/, "a manager reads the PIN that they made");
  await ben.refused(["codes", "show", "Zoë", "--show-pin"], 3, "compose.no_pin");
  await ben.refused(["codes", "extend", "Carl", "+40d"], 3, "chain.not_allowed");
  await ben.refused(["home", "rename", "Mine"], 3, "chain.not_allowed");
  const { pins_seen } = await ada.json(["people", "remove", "Ben"]);
  assert.deepEqual(pins_seen.map((code) => code.id), [made.id]);
  await ben.refused(["codes", "list"], 7, "home.not_found");
  assert.deepEqual((await ada.json(["people", "list"])).members.map((member) => member.name), ["Ada"]);
});

test("a resident sees their own code and nothing else", async () => {
  const kid = await new Owner(server.origin).signUp("Kid");
  await kid.login();
  const { link } = await ada.json(["people", "invite", "Kid", "--role", "resident"]);
  await kid.json(["people", "join"], { env: { LATCHKEY_INVITE: link } });
  await ada.json(["people", "accept", "Kid"]);
  await ada.json(["codes", "add", "Kid's code", "--kind", "standard", "--door", FRONT, "--holder", "Kid"]);
  const own = await kid.json(["mine"]);
  assert.deepEqual([own.role, own.name, own.codes.length, own.codes[0].pin], ["resident", "Sea house", 1, undefined]);
  const [code] = (await kid.json(["mine", "--show-pin"])).codes;
  await opens(code.pin, true);
  await kid.refused(["codes", "list"], 3, "home.resident");
  await kid.refused(["log"], 3, "home.resident");
  await ada.json(["people", "remove", "Kid"]);
  await opens(code.pin, false);
});

test("a backup comes back on a new account, with the same PINs", async () => {
  const file = join(server.dir, "home.backup");
  await ada.refused(["export", "backup", file], 3, "kit.not_current", { env: { LATCHKEY_KIT: recoveryKit().text } });
  const { codes } = await ada.json(["export", "backup", file], { env: { LATCHKEY_KIT: ada.kit.text } });
  assert.ok(codes >= 4);
  const pin = await pinOf(ada, "Zoë");
  const bytes = await readFile(file);
  assert.ok(!bytes.includes(pin) && !bytes.includes("Cleaner"));

  const fay = await new Owner(server.origin).signUp("Fay");
  await fay.login();
  const { hub: second } = await settle(fay, "New house", join(server.dir, "second"));
  try {
    await fay.refused(["restore", "backup", file], 3, "backup.wrong_kit", { env: { LATCHKEY_KIT: fay.kit.text } });
    const env = { LATCHKEY_KIT: ada.kit.text };
    assert.equal((await fay.json(["restore", "backup", file, "--dry-run"], { env })).made.length, codes);
    assert.deepEqual((await fay.json(["codes", "list"])).codes, []);
    const { made } = await fay.json(["restore", "backup", file, "--rules"], { env });
    assert.equal(made.length, codes);
    assert.equal(await pinOf(fay, "Zoë"), pin);
    const policy = await fay.json(["home", "policy"]);
    assert.deepEqual([policy.name, policy.pin_length], ["New house", 8]);
    await opens(pin, true, second);
    const link = made.find((code) => code.label === "Zoë").link;
    assert.equal((await shown(link)).pin, pin, "a guest gets a new link");
  } finally {
    second.stop();
  }
});

test("manual, completions, and no PIN anywhere", async () => {
  for (const shell of ["bash", "zsh", "fish"]) assert.match((await ada.run(["completion", shell])).out, /latchkey/);
  assert.match((await ada.run(["man"])).out, /\.TH/);
  assert.equal((await ada.run(["codes", "fly"])).status, 2);
  assert.equal((await ada.run(["homes"], { env: { LATCHKEY_ORIGIN: "" } })).status, 0, "the origin is remembered");
  const { codes } = await ada.json(["codes", "list", "--phase", "live"]);
  for (const { label } of codes) {
    const pin = await pinOf(ada, label);
    assert.ok(!printed.includes(`"${pin}"`) && !new RegExp(`\\b${pin}\\b`).test(printed), `the PIN of ${label} was printed`);
  }
  assert.ok(!printed.includes(ada.kit.text) && !printed.includes(b64(ada.seed)));
});

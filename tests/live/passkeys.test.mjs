// Passkeys of every algorithm against the real Worker, whose runtime checks P-256 and RSA.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Person } from "./lib/client.mjs";
import { passkey } from "./lib/crypto.mjs";
import { serve } from "./lib/server.mjs";

let server;
before(async () => (server = await serve()));
after(() => server.stop());

const somebody = (how) => Object.assign(new Person(server.origin), { passkey: passkey(server.origin, "localhost", how) });

for (const algorithm of ["ES256", "EdDSA", "RS256"]) {
  for (const self of [false, true]) {
    test(`${algorithm}${self ? ", attested by itself" : ""}: up, in, confirmed; a bent signature is not`, async () => {
      const person = await somebody({ algorithm, self }).signUp();
      for (const kind of ["signin", "stepup"]) {
        assert.equal((await person.ceremony(kind)).status, 200, kind);
        const bent = await person.ceremony(kind, { bend: true });
        assert.ok([400, 401].includes(bent.status), `${kind}: ${bent.status}`);
        assert.equal((await person.ceremony(kind)).status, 200, `${kind} again`);
      }
    });
  }
}

const last = (bytes) => (entries) => [...entries.slice(0, -1), [entries.at(-1)[0], bytes]];
const short = ([kind, alg]) => [kind, alg, [-1, Buffer.alloc(128, 0xff)], [-2, Buffer.from([1, 0, 1])]];
const noKey = [
  ["a point off the curve", "ES256", last(Buffer.alloc(32, 4))],
  ["a point of small order", "EdDSA", last(Buffer.alloc(32))],
  ["a short modulus", "RS256", short],
  ["another exponent", "RS256", last(Buffer.from([3]))],
];

for (const [what, algorithm, spoil] of noKey) {
  test(`no account with ${what}`, async () => {
    const person = somebody({ algorithm, spoil });
    const begun = await person.post("/auth/signup/begin", { name: "Mallory" });
    const answer = await person.post("/auth/signup/finish", person.signUpBody(begun.body));
    assert.equal(answer.status, 400);
    assert.equal(person.cookie, undefined);
  });
}

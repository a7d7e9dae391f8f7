#!/usr/bin/env python3
"""The golden vectors, verified and then broken in every way that matters. Run by tests/python/bundle.test.mjs.

With REFUSED=FILE it also writes the forgeries that are signed well, for the hub's own code to refuse
(tests/vectors/refused.json).
"""

import hashlib
import json
import os
import pathlib
import subprocess
import sys
import unittest

from chain import Chain
from secrets_of import Keys, ChaCha20Poly1305, hkdf, hpke_open, mac, open_backup, open_home_key, open_link, open_pin, raw, unpad
from strict import Flaw, Signed, decode, encode, key_id
from verify_bundle import read_file, text, unid, verify

HERE = pathlib.Path(__file__).parent
VECTORS = HERE.parent / "vectors"
FACTS = json.loads((VECTORS / "home.json").read_text())
SECRETS = {name: bytes.fromhex(value) for name, value in FACTS["secrets"].items()}
PINS = {
    "home": unid(FACTS["home"]),
    "hub": unid(FACTS["hub"]),
    "genesis": bytes.fromhex(FACTS["genesis_hash"]),
    "now": FACTS["now"],
}
NONCE = bytes.fromhex(FACTS["nonce"])
OWNER, MAX, EVE, KID = (
    Keys(SECRETS[name], "latchkey/v1/member")
    for name in ("owner_seed", "manager_seed", "second_owner_seed", "resident_seed")
)
HUB = Keys(SECRETS["hub_seed"], "latchkey/v1/hub")


def vector(name):
    return read_file(VECTORS / f"{name}.hex")


def signing(secret):
    """An issuer's key is its Ed25519 seed itself."""

    class Plain:
        sign = Keys.__init__.__globals__["Ed25519PrivateKey"].from_private_bytes(secret)
        public = raw(sign.public_key())
        id = key_id(public)

    return Plain


OLD_ISSUER, ISSUER = signing(SECRETS["issuer_key"]), signing(SECRETS["new_issuer_key"])


def sign1(kind, payload, keys, header=None, context=None):
    protected = encode(header or {1: -8, 4: keys.id})
    signed = encode(["Signature1", protected, (context or f"latchkey/v1/{kind}").encode(), payload])
    return encode([protected, {}, payload, keys.sign.sign(signed)])


BUNDLE = decode(vector("bundle"), 1 << 23)
OPS = BUNDLE[2]
BODIES = [Chain.read(op)[1] for op in OPS]


def chain_of(ops):
    chain = Chain(ops[0])
    for op in ops[1:]:
        chain.extend(op)
    return chain


def op_after(chain, body, **change):
    op = {1: chain.home, 2: chain.seq + 1, 3: chain.hash, 6: FACTS["now"], 7: body}
    op.update({int(key[1:]): value for key, value in change.items()})
    return encode({key: value for key, value in op.items() if value is not None})


def head_for(chain, keys=ISSUER, **change):
    now = FACTS["now"]
    claims = {2: chain.home, 3: PINS["hub"], 4: now + 86400, 6: now, 70001: chain.seq, 70002: chain.hash}
    claims.update({int(key[1:]): value for key, value in change.items()})
    return sign1("head", encode({k: v for k, v in claims.items() if v is not None}), keys)


def bundle_of(ops, head):
    return encode({1: head, 2: ops})


def last_grant():
    return dict(BODIES[-1][7][1])


class Good(unittest.TestCase):
    def test_bundle(self):
        chain, head = verify(vector("bundle"), **PINS)
        self.assertEqual(sorted(chain.grants), sorted(unid(g) for g in FACTS["grants"]))
        self.assertEqual(sorted(chain.revoked), sorted(unid(g) for g in FACTS["revoked"]))
        self.assertEqual((chain.seq, chain.hash.hex()), (FACTS["seq"], FACTS["head_hash"]))
        self.assertEqual({op[7][0] for op in BODIES}, set(range(11)), "every kind of op")

    def test_a_role_changes(self):
        chain = chain_of(OPS)
        record = chain.members[KID.id][0]
        role = [1, {1: {1: [bytes(16)], 3: [2]}, 2: False}]
        chain.extend(sign1("op", op_after(chain, [1, {1: record, 2: role, 3: []}]), OWNER))
        self.assertEqual((chain.members[KID.id][1], chain.stale), (role, False))

    def test_a_nonce_stands_for_a_clock(self):
        chain = chain_of(OPS)
        later = decode(vector("later"), 1 << 20)
        self.assertEqual(Signed("head", later[1], 512).verify(chain.issuer)[10], NONCE)
        verify(bundle_of(OPS, later[1]), **{**PINS, "now": None, "nonce": NONCE})
        for wrong in ({"now": None}, {"nonce": bytes(16)}, {"now": None, "nonce": bytes(16)}):
            with self.assertRaises(Flaw):
                verify(bundle_of(OPS, later[1]), **{**PINS, **wrong})

    def test_the_hub_and_the_owner_open_the_pin(self):
        chain = chain_of(OPS)
        grant, number = last_grant(), max(chain.epochs)
        wraps = next(op[7][1][3] for op in reversed(BODIES) if op[7][0] == 7)
        for keys in (HUB, OWNER):
            wrap = next(w for w in wraps if w[2] == keys.id)
            home_key = open_home_key(chain.home, wrap, chain.epochs[number], keys)
            self.assertEqual(open_pin(chain.home, grant, home_key), FACTS["last_pin"])
            for moved in ({1: bytes(16)}, {2: 2}, {8: [bytes(16)]}):
                with self.assertRaises(Exception):
                    open_pin(chain.home, grant | moved, home_key)

    def test_a_manager_opens_the_self_seal(self):
        grant = next(op[7][1] for op in BODIES if op[7][0] == 8 and op[7][1][15])
        seal = grant[15][0]
        self.assertEqual(seal[1], MAX.id)
        aad = encode([PINS["home"], 0, grant[1], grant[2], grant[8]])
        self.assertEqual(unpad(hpke_open(MAX.seal, b"latchkey/v1/pin-self", aad, seal[2])), "917264")

    def test_link(self):
        link = json.loads((VECTORS / "link.json").read_text())
        secret = bytes.fromhex(link["secret"])
        derived = {info: hkdf(secret, "latchkey/v1/link", info.encode(), n) for info, n in (("id", 16), ("auth", 32))}
        self.assertEqual((text(derived["id"]), derived["auth"].hex()), (link["id"], link["auth"]))
        self.assertEqual(hashlib.sha256(derived["auth"]).hexdigest(), link["auth_hash"])
        self.assertEqual(open_link(secret, bytes.fromhex(link["content"])).decode(), link["plain"])
        grant = next(op[7][1] for op in BODIES if op[7][0] == 8 and 14 in op[7][1])
        self.assertEqual(grant[14][1], derived["id"])
        wrap = next(w for w in BODIES[0][7][1][4][3])
        home_key = open_home_key(PINS["home"], wrap, BODIES[0][7][1][4][2], OWNER)
        aad = encode([PINS["home"], 1, grant[1], derived["id"]])
        self.assertEqual(hpke_open(home_key, b"latchkey/v1/link-secret", aad, grant[14][2][2]), secret)

    def test_kit(self):
        kit = FACTS["kit"]
        letters = kit["text"].replace("-", "")
        secret = unid(letters[:26])
        check = text(hashlib.sha256(secret).digest())[:2]
        self.assertEqual(letters[26:].lower(), check)
        self.assertEqual(text(hkdf(secret, "latchkey/v1/kit", b"id", 16)), kit["id"])
        wrap, key = bytes.fromhex(kit["wrap"]), hkdf(secret, "latchkey/v1/wrap", b"kit")
        aad = b"latchkey/v1/wrap" + unid(kit["account"]) + b"kit"
        self.assertEqual(ChaCha20Poly1305(key).decrypt(wrap[:12], wrap[12:], aad).hex(), kit["seed"])

    def test_reports_events_and_pairing(self):
        report = Signed("report", vector("report"), 1 << 17).verify(HUB.public)
        self.assertEqual((report[1], report[2], report[8]), (PINS["home"], PINS["hub"], FACTS["seq"]))
        prev = None
        for number, data in enumerate(decode(vector("events"), 1 << 14), 1):
            signed = Signed("event", data, 2048)
            event = signed.verify(HUB.public)
            self.assertEqual((event[3], event.get(8)), (number, prev))
            prev = signed.hash
        secret = unid(FACTS["pairing"]["secret"])
        self.assertEqual(text(hkdf(secret, "latchkey/v1/pair", b"id", 16)), FACTS["pairing"]["id"])
        offer, answer = decode(vector("offer"), 1000), decode(vector("answer"), 1000)
        offered = mac(hkdf(secret, "latchkey/v1/pair", b"offer"), encode([offer[1], offer[2]]))
        answered = mac(hkdf(secret, "latchkey/v1/pair", b"answer"), encode([answer[1], answer[2], offer[1]]))
        self.assertEqual((offer[3], answer[3]), (offered, answered))

    def test_command_line(self):
        def run(*more):
            command = [sys.executable, HERE / "verify_bundle.py", *more]
            return subprocess.run(command, capture_output=True, text=True, check=False)

        pinned = ["--home", FACTS["home"], "--hub", FACTS["hub"], "--genesis", FACTS["genesis_hash"]]
        good = run(VECTORS / "bundle.hex", "--now", str(FACTS["now"]), *pinned)
        self.assertEqual(good.returncode, 0, good.stderr)
        for grant in FACTS["grants"]:
            self.assertIn(grant, good.stdout)
        for bad in (["--now", "1"], ["--hub", FACTS["home"]], ["--genesis", "00" * 32]):
            refused = run(VECTORS / "bundle.hex", "--now", str(FACTS["now"]), *pinned, *bad)
            self.assertEqual(refused.returncode, 1)
            self.assertIn("refused: ", refused.stderr)
        self.assertEqual(run("/nonexistent").returncode, 1)


class Bad(unittest.TestCase):
    refused = {"heads": [], "ops": []}

    @classmethod
    def tearDownClass(cls):
        lists = {name: sorted(entries, key=lambda e: e["bytes"]) for name, entries in cls.refused.items()}
        if "REFUSED" in os.environ:
            pathlib.Path(os.environ["REFUSED"]).write_text(json.dumps(lists, indent=1) + "\n")
        else:
            assert json.loads((VECTORS / "refused.json").read_text()) == lists, "refused.json is out of date"

    def refuse(self, data, why="", **pins):
        with self.assertRaises(Flaw, msg=why) as caught:
            verify(data, **{**PINS, **pins})
        self.assertIn(why, str(caught.exception))

    def refuse_op(self, why, body, keys=OWNER, at=None, **change):
        """An op that is signed well and does not follow, at the end or after `at` ops."""
        chain = chain_of(OPS[:at])
        forged = sign1("op", op_after(chain, body, **change), keys)
        with self.assertRaises(Flaw) as caught:
            chain.extend(forged)
        self.refused["ops"].append({"after": chain.seq + 1, "bytes": forged.hex(), "why": str(caught.exception)})
        self.assertIn(why, str(caught.exception))

    def refuse_head(self, head, why):
        self.refuse(bundle_of(OPS, head), why)
        self.refused["heads"].append({"bytes": head.hex(), "why": why})

    def test_every_flipped_byte(self):
        good = vector("bundle")
        for at in range(0, len(good), 7):
            bad = bytearray(good)
            bad[at] ^= 1 << (at % 8)
            self.refuse(bytes(bad))

    def test_truncated_and_extended(self):
        good = vector("bundle")
        for length in range(0, len(good), 101):
            self.refuse(good[:length])
        self.refuse(good + b"\x00")

    def test_not_canonical(self):
        head, ops = BUNDLE[1], BUNDLE[2]
        long_map = b"\xb8\x02" + encode(BUNDLE)[1:]
        indefinite = b"\xbf" + encode(BUNDLE)[1:] + b"\xff"
        swapped = b"\xa2\x02" + encode(ops) + b"\x01" + encode(head)
        twice = b"\xa3\x01" + encode(head) + encode(BUNDLE)[1:]
        tagged = b"\xd9\xd9\xf7" + encode(BUNDLE)
        for bad in (long_map, indefinite, swapped, twice, tagged):
            self.refuse(bad)
        self.refuse(encode({**BUNDLE, 3: 0}), "unknown keys")

    def test_ops_left_out_moved_or_repeated(self):
        for skip in range(len(OPS)):
            self.refuse(bundle_of(OPS[:skip] + OPS[skip + 1 :], BUNDLE[1]))
        for at in range(len(OPS) - 1):
            self.refuse(bundle_of([*OPS[:at], OPS[at + 1], OPS[at], *OPS[at + 2 :]], BUNDLE[1]))
        self.refuse(bundle_of([*OPS, OPS[-1]], BUNDLE[1]), "a gap")
        self.refuse(bundle_of([], BUNDLE[1]))

    def test_heads(self):
        chain, now = chain_of(OPS), FACTS["now"]
        verify(bundle_of(OPS, head_for(chain)), **PINS)
        stale = {
            "cover": {"k70001": chain.seq - 1},
            "does not cover": {"k70002": bytes(32)},
            "another hub": {"k3": bytes(16)},
            "another home": {"k2": bytes(16)},
            "too long": {"k4": now + 72 * 3600 + 1},
            "future": {"k6": now + 301},
            "stale": {"k6": now - 86400, "k4": now},
            "not the answer": {"k10": NONCE},
            "unknown keys": {"k11": 1},
        }
        for why, change in stale.items():
            self.refuse_head(head_for(chain, **change), why)
        self.refuse_head(head_for(chain, OLD_ISSUER), "another key")
        self.refuse_head(head_for(chain, OWNER), "another key")
        payload = Signed("head", head_for(chain), 512).payload
        self.refuse_head(sign1("op", payload, ISSUER), "signature")
        self.refuse_head(sign1("head", payload, ISSUER, {1: -7, 4: ISSUER.id}), "algorithm")
        self.refuse_head(sign1("head", payload, ISSUER, {1: -8, 4: ISSUER.id, 5: 0}), "unknown keys")
        self.refuse(bundle_of(OPS[:-1], head_for(chain)), "does not cover")

    def test_backup(self):
        text = FACTS["kit"]["text"].replace("-", "").lower()[:26]
        kit, file = unid(text), vector("backup")
        backup = open_backup(kit, file)
        self.assertEqual([code[8] for code in backup[7]], ["640281", "562839"])
        self.assertEqual(backup[3], OWNER.id)
        with self.assertRaisesRegex(Flaw, "another kit"):
            open_backup(bytes(16), file)
        for at in range(0, len(file), 97):
            with self.assertRaises(Exception):
                open_backup(kit, file[:at] + bytes([file[at] ^ 1]) + file[at + 1 :])

    def test_sign_in(self):
        asked, proof = FACTS["signin"], vector("signin")
        said = Signed("sign-in", proof, 512).verify(OWNER.public)
        self.assertEqual(said, {1: asked["origin"], 2: hashlib.sha256(asked["challenge"].encode()).digest(), 6: FACTS["now"]})
        for kind in ("op", "head", "event"):
            with self.assertRaisesRegex(Flaw, "signature"):
                Signed(kind, proof, 512).verify(OWNER.public)

    def test_other_homes(self):
        for pin in ("home", "hub", "genesis"):
            self.refuse(vector("bundle"), "another", **{pin: bytes(len(PINS[pin]))})
        self.refuse(vector("bundle"), "stale", now=FACTS["now"] + 86400)
        self.refuse_op("another home", [3, BODIES[2][7][1]], k1=bytes(16))
        self.refuse_op("a fork", [3, BODIES[2][7][1]], k3=bytes(32))
        self.refuse_op("a fork", [3, BODIES[2][7][1]], k3=None)
        self.refuse_op("a gap", [3, BODIES[2][7][1]], k2=99)
        self.refuse_op("second genesis", BODIES[0][7])

    def test_who_signs(self):
        grant = last_grant() | {1: bytes(16)}
        self.refuse_op("no member", [8, grant], EVE)
        self.refuse_op("no member", [8, grant], OLD_ISSUER)
        self.refuse_op("no member", [8, grant], ISSUER)
        self.refuse_op("residents", [8, grant], KID)
        self.refuse_op("no codes", [8, grant], HUB)
        self.refuse_op("owners only", [3, BODIES[2][7][1]], MAX)
        beyond = grant | {8: [b"\xf2" * 16]}
        self.refuse_op("scope", [8, beyond], MAX)
        self.refuse_op("scope", [8, grant | {4: grant[4] + 1}], MAX)
        self.refuse_op("scope", [8, grant | {3: 1}], MAX)
        owners = next(g for g, (grant, _, by) in chain_of(OPS).grants.items() if len(grant[8]) == 2)
        self.refuse_op("scope", [9, owners], MAX)
        self.refuse_op("signature", [8, grant], type("Forged", (), {"id": OWNER.id, "sign": MAX.sign}))

    def test_grants(self):
        grant = last_grant()
        self.refuse_op("revision", [8, grant])
        self.refuse_op("revision", [8, grant | {2: 3}])
        self.refuse_op("was revoked", [8, grant | {1: unid(FACTS["revoked"][0]), 2: 2}])
        self.refuse_op("old home key", [8, grant | {2: 2, 12: {1: 2, 2: bytes(64)}}])
        self.refuse_op("holder", [8, grant | {1: bytes(16), 3: 1, 13: bytes(16)}])
        for change in ({8: []}, {8: grant[8] * 2}, {4: grant[5]}, {11: True}, {7: ""}, {7: " x"}, {7: "a\nb"}, {10: 0}):
            self.refuse_op("", [8, grant | {1: bytes(16)} | change])
        del grant[4]
        self.refuse_op("no guest has", [8, grant | {1: bytes(16)}])
        self.refuse_op("no such grant", [9, bytes(16)])
        self.refuse_op("kind", [11, bytes(16)])

    def test_people_and_keys(self):
        record = {1: EVE.public, 2: bytes([9]) + bytes(31), 3: "Eve"}
        self.refuse_op("comes back", [1, {1: record, 2: [3], 3: []}])
        weak = {**record, 1: bytes([1]) + bytes(31)}
        self.refuse_op("weak", [1, {1: weak, 2: [3], 3: []}])
        new = {**record, 1: signing(bytes(32)).public}
        self.refuse_op("wraps", [1, {1: new, 2: [0], 3: []}])
        self.refuse_op("by name only", [1, {1: new, 2: [2, {1: [bytes(16)], 2: 1, 3: [2]}], 3: []}])
        self.refuse_op("last owner", [2, {1: OWNER.id}])
        owner = chain_of(OPS).members[OWNER.id][0]
        self.refuse_op("last owner", [1, {1: owner, 2: [3], 3: []}])
        self.refuse_op("nothing changes", [1, {1: owner, 2: [0], 3: []}])
        self.refuse_op("comes back", [6, OLD_ISSUER.public])
        self.refuse_op("no such hub", [5, bytes(16)])
        self.refuse_op("holders", [7, {1: 4, 2: bytes(32), 3: []}])
        self.refuse_op("checkpoint", [10, bytes(32)])
        # After an owner left, nothing is sealed before the next epoch.
        self.refuse_op("old home key", [8, last_grant() | {12: {1: 1, 2: bytes(64)}}], at=16)


if __name__ == "__main__":
    unittest.main()

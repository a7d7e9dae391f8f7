"""Strict CBOR and COSE_Sign1, as docs/wire-format.md sections 1 and 2 say. Nothing of Latchkey's own code."""

import hashlib

import cbor2
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


class Flaw(Exception):
    """Why something is refused."""


def demand(condition, why):
    if not condition:
        raise Flaw(why)


def plain(value):
    """Only unsigned and negative integers, byte strings, text, booleans, arrays, and maps with integer keys."""
    if isinstance(value, dict):
        return all(type(k) is int and plain(v) for k, v in value.items())
    if isinstance(value, list):
        return all(map(plain, value))
    if type(value) is int:
        return -(2**64) <= value < 2**64
    return type(value) in (bytes, str, bool)


def items(value):
    """How many CBOR items a value has, lists and maps counted alike."""
    if isinstance(value, dict):
        return 1 + sum(1 + items(v) for v in value.values())
    if isinstance(value, list):
        return 1 + sum(map(items, value))
    return 1


def decode(data, limit, why="cbor"):
    """Decodes at most `limit` bytes that are the one canonical spelling of what they mean."""
    demand(len(data) <= limit, f"{why}: too large")
    try:
        value = cbor2.loads(data)
        again = cbor2.dumps(value, canonical=True)
    except Exception as e:  # the library has many
        raise Flaw(f"{why}: {e}") from None
    demand(plain(value) and again == data, f"{why}: not canonical")
    demand(items(value) <= 65_536, f"{why}: too large")
    return value


def encode(value):
    return cbor2.dumps(value, canonical=True)


def fields(value, required, optional=None):
    """A map with these keys and types; returns it."""
    optional = optional or {}
    demand(type(value) is dict, "a map was expected")
    demand(required.keys() <= value.keys() <= required.keys() | optional.keys(), "missing or unknown keys")
    for key, kind in (required | optional).items():
        demand(key not in value or fits(value[key], kind), f"key {key} is not {kind}")
    return value


def fits(value, kind):
    """`kind` is a type, a byte string's length, or a range of integers."""
    if isinstance(kind, range):
        return type(value) is int and value in kind
    if type(kind) is int:
        return type(value) is bytes and len(value) == kind
    return type(value) is kind


# Points whose order divides 8, sign bit cleared, with the encodings that are not reduced.
SMALL_ORDER = [
    bytes.fromhex(h)
    for h in (
        "00" * 32,
        "01" + "00" * 31,
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ec" + "ff" * 30 + "7f",
        "ed" + "ff" * 30 + "7f",
        "ee" + "ff" * 30 + "7f",
    )
]


def small_order(point):
    return point[:31] + bytes([point[31] & 0x7F]) in SMALL_ORDER


def key_id(public):
    return hashlib.sha256(public).digest()[:16]


class Signed:
    """A COSE_Sign1 that is well formed. Its payload is a claim until `verify`."""

    def __init__(self, kind, data, limit):
        message = decode(data, limit, kind)
        demand(type(message) is list and len(message) == 4, f"{kind}: not a COSE_Sign1")
        protected, unprotected, payload, self.signature = message
        demand(all(type(part) is bytes for part in (protected, payload, self.signature)), f"{kind}: not bytes")
        demand(type(unprotected) is dict and not unprotected, f"{kind}: unprotected header")
        demand(len(self.signature) == 64, f"{kind}: signature length")
        header = fields(decode(protected, 64, kind), {1: int, 4: 16})
        demand(header[1] == -8, f"{kind}: algorithm")
        self.kind, self.kid, self.payload = kind, header[4], payload
        context = f"latchkey/v1/{kind}".encode()
        self.signed = encode(["Signature1", protected, context, payload])
        self.hash = hashlib.sha256(self.signed).digest()

    def verify(self, public):
        """The payload, decoded, if the Ed25519 key `public` signed it."""
        demand(key_id(public) == self.kid, f"{self.kind}: another key")
        demand(not small_order(public) and not small_order(self.signature[:32]), f"{self.kind}: weak key")
        try:
            Ed25519PublicKey.from_public_bytes(public).verify(self.signature, self.signed)
        except (InvalidSignature, ValueError):
            raise Flaw(f"{self.kind}: signature") from None
        return decode(self.payload, 1 << 16, self.kind)

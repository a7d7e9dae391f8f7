"""Key derivation, HPKE and the other secret-key formats, as docs/wire-format.md sections 3, 6 to 8 and 11
say."""

import hashlib
import hmac

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from strict import decode, demand, encode, fields, key_id


def mac(key, data):
    return hmac.new(key, data, hashlib.sha256).digest()


def hkdf(secret, salt, info, length=32):
    """HKDF-SHA256 (RFC 5869) for at most 64 bytes."""
    pseudo = mac(salt.encode(), secret)
    first = mac(pseudo, info + b"\x01")
    return (first + mac(pseudo, first + info + b"\x02"))[:length]


def raw(public):
    return public.public_bytes_raw()


class Keys:
    """A member's or a hub's keys from its seed."""

    def __init__(self, seed, salt):
        self.sign = Ed25519PrivateKey.from_private_bytes(hkdf(seed, salt, b"sign"))
        self.seal = X25519PrivateKey.from_private_bytes(hkdf(seed, salt, b"seal"))
        self.public = raw(self.sign.public_key())
        self.id = key_id(self.public)


def hpke_open(secret, info, aad, sealed):
    """RFC 9180, base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20Poly1305, first message."""
    kem, suite = b"KEM\x00\x20", b"HPKE\x00\x20\x00\x01\x00\x03"
    enc, cipher = sealed[:32], sealed[32:]

    def extract(suite_id, salt, label, ikm):
        return mac(salt or bytes(32), b"HPKE-v1" + suite_id + label + ikm)

    def expand(suite_id, key, label, context, length):
        text = length.to_bytes(2, "big") + b"HPKE-v1" + suite_id + label + context
        return mac(key, text + b"\x01")[:length]

    shared = secret.exchange(X25519PublicKey.from_public_bytes(enc))
    eae = extract(kem, b"", b"eae_prk", shared)
    shared = expand(kem, eae, b"shared_secret", enc + raw(secret.public_key()), 32)
    context = b"\x00" + extract(suite, b"", b"psk_id_hash", b"") + extract(suite, b"", b"info_hash", info)
    key_secret = extract(suite, shared, b"secret", b"")
    key = expand(suite, key_secret, b"key", context, 32)
    nonce = expand(suite, key_secret, b"base_nonce", context, 12)
    return ChaCha20Poly1305(key).decrypt(nonce, cipher, aad)


def open_home_key(home, wrap, public, keys):
    """The home key of an epoch for one of its holders."""
    seed = hpke_open(keys.seal, b"latchkey/v1/home-key", encode([home, wrap[1], wrap[2]]), wrap[3])
    key = X25519PrivateKey.from_private_bytes(hkdf(seed, "latchkey/v1/home", b"seal"))
    demand(raw(key.public_key()) == public, "not the home key that the chain names")
    return key


def unpad(padded):
    length = padded[0]
    demand(len(padded) == 16 and 4 <= length <= 10, "padding")
    digits = padded[1 : 1 + length]
    demand(digits.isdigit() and padded == bytes([length]) + digits.ljust(15, b"\x00"), "padding")
    return digits.decode()


def open_pin(home, grant, key):
    sealed = grant[12]
    aad = encode([home, sealed[1], grant[1], grant[2], grant[8]])
    return unpad(hpke_open(key, b"latchkey/v1/pin", aad, sealed[2]))


def open_link(secret, content):
    """The JSON that a guest page decrypts."""
    key, link_id = hkdf(secret, "latchkey/v1/link", b"key"), hkdf(secret, "latchkey/v1/link", b"id", 16)
    return AESGCM(key).decrypt(content[:12], content[12:], link_id)


def open_backup(kit, file):
    """What a backup holds, with the kit that was current when it was made."""
    magic = encode("latchkey/v1/backup")
    demand(file.startswith(magic), "backup: not one")
    head = fields(decode(file[len(magic) :], 1 << 24, "backup"), {1: int, 2: 16, 3: int, 4: 16, 5: 8, 6: bytes})
    demand(head[1] == 1, "backup: version")
    salt = head[4]
    demand(head[5] == hkdf(kit, "latchkey/v1/backup", b"mark" + salt, 8), "backup: another kit")
    aad = encode(["latchkey/v1/backup", head[1], head[2], head[3], salt])
    key = hkdf(kit, "latchkey/v1/backup", b"key" + salt)
    padded = ChaCha20Poly1305(key).decrypt(bytes(12), head[6], aad)
    plain = padded.rstrip(b"\x00")
    demand(len(padded) % 4096 == 0 and plain.endswith(b"\x80"), "backup: padding")
    backup = decode(plain[:-1], 1 << 24, "backup")
    demand(backup[1] == head[2] and backup[2] == head[3], "backup: moved")
    return backup

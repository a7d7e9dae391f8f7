#!/usr/bin/env python3
"""Verifies a captured bundle from docs/wire-format.md alone, with PyPI's cbor2 and cryptography and nothing of ours.

usage: verify_bundle.py FILE [--home ID] [--hub ID] [--genesis HEX] [--nonce HEX] [--now SECONDS]

Prints the grants that a hub would act on. Exits with 1 and the reason on any flaw. What is not pinned by an option is
taken from the bundle itself, and said so.
"""

import argparse
import base64
import datetime
import sys
import time

from chain import Chain
from strict import Flaw, Signed, decode, demand, fields

HEAD = {2: 16, 3: 16, 4: range(253_402_300_800), 6: range(2**64), 70001: range(2**64), 70002: 32}
KINDS = ["primary", "standard", "guest", "duress"]


def text(id_bytes):
    return base64.b32encode(id_bytes).decode().rstrip("=").lower()


def unid(value):
    return base64.b32decode(value.upper() + "=" * (-len(value) % 8))


def read_file(path):
    """The bytes of a file, or what its hexadecimal says."""
    with open(path, "rb") as file:
        data = file.read()
    try:
        return bytes.fromhex(data.decode("ascii"))
    except (UnicodeDecodeError, ValueError):
        return data


def verify(data, home=None, hub=None, genesis=None, nonce=None, now=None):
    """The verified chain and head of a bundle that begins with the genesis."""
    bundle = fields(decode(data, 8 << 20, "bundle"), {1: bytes, 2: list})
    demand(1 <= len(bundle[2]) <= 16_384 and all(type(op) is bytes for op in bundle[2]), "bundle: ops")
    chain = Chain(bundle[2][0])
    demand(genesis in (None, chain.genesis) and home in (None, chain.home), "bundle: another home")
    for op in bundle[2][1:]:
        chain.extend(op)
    head = fields(Signed("head", bundle[1], 512).verify(chain.issuer), HEAD, {10: 16})
    demand(head[2] == chain.home, "head: another home")
    demand(head[3] == hub if hub else head[3] in chain.hubs, "head: another hub")
    demand(0 < head[4] - head[6] <= 72 * 3600, "head: lives too long")
    demand((head[70001], head[70002]) == (chain.seq, chain.hash), "head: does not cover the chain's end")
    demand(head.get(10) == nonce, "head: not the answer to this question")
    demand(nonce or now is not None, "head: neither a clock nor a nonce")
    demand(now is None or head[6] - 300 <= now < head[4], "head: stale, or from the future")
    return chain, head


def when(seconds):
    if seconds is None:
        return "no end"
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:%SZ")


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("file")
    parser.add_argument("--home", type=unid)
    parser.add_argument("--hub", type=unid)
    parser.add_argument("--genesis", type=bytes.fromhex)
    parser.add_argument("--nonce", type=bytes.fromhex)
    parser.add_argument("--now", type=int, default=int(time.time()))
    args = vars(parser.parse_args())
    try:
        data = read_file(args.pop("file"))
        chain, head = verify(data, **args)
    except (Flaw, OSError) as flaw:
        sys.exit(f"refused: {flaw}")
    loose = [name for name in ("home", "hub", "genesis") if args[name] is None]
    if loose:
        print(f"note: {', '.join(loose)} not pinned, taken from the bundle")
    print(f"home {text(chain.home)} · {chain.policy[1]} · op {chain.seq} · head for hub {text(head[3])}")
    print(f"issued {when(head[6])}, valid until {when(head[4])}")
    # A hub that was removed acts on nothing.
    grants = sorted(chain.grants.values(), key=lambda g: g[1]) if head[3] in chain.hubs else []
    for g, seq, signer in grants:
        term = f"{when(g[5])} – {when(g.get(4))}"
        print(f"  {text(g[1])} rev {g[2]} {KINDS[g[3]]:8} {term}  locks {len(g[8])}  op {seq} by {text(signer)[:8]}  {g[7]}")
    print(f"{len(grants)} grants, {len(chain.revoked)} revoked, {len(chain.members)} members, {len(chain.hubs)} hubs: verified")


if __name__ == "__main__":
    main()

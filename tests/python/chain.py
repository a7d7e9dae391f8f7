"""A home's chain, as docs/wire-format.md section 4 says: who may add what, and what it amounts to."""

import hashlib
import re
import unicodedata

from strict import Flaw, Signed, decode, demand, encode, fields, fits, key_id, small_order

GUEST = 2
U32, U64 = range(2**32), range(2**64)
TIME = range(253_402_300_800)
WRAP = {1: U32, 2: 16, 3: bytes}
KEY = {1: 32, 2: 32, 3: str}
EPOCH = {1: U32, 2: 32, 3: list}
SEALED = {1: U32, 2: bytes}
DAY = range(2_932_897)
MINUTES = range(241)
GRANT = {1: 16, 2: range(1, 2**32), 3: range(4), 5: TIME, 7: str, 8: list, 9: list, 11: bool, 12: dict, 15: list,
         16: list, 19: bool, 20: TIME}
GRANT_OPTIONAL = {4: TIME, 10: range(1, 1001), 13: 16, 14: dict, 17: dict, 18: range(3600, 365 * 86400 + 1)}
ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z][A-Za-z0-9_+-]*){0,2}")

STEERING = set(map(chr, [0x61C, 0x200B, 0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2066, 0x206A), 0xFEFF]))


def ascending(items):
    return all(a < b for a, b in zip(items, items[1:]))


def name(text):
    short = 1 <= len(text.encode()) <= 64 and text.strip() == text
    demand(short and not any(unicodedata.category(c) == "Cc" or c in STEERING for c in text), "name")


def key_record(value):
    fields(value, KEY)
    name(value[3])
    demand(not small_order(value[1]), "weak key")
    return key_id(value[1])


def wraps(value):
    """The recipients, by (epoch, key id)."""
    demand(len(value) <= 1024, "wraps")
    order = [(fields(w, WRAP)[1], w[2]) for w in value]
    demand(ascending(order) and all(len(w[3]) <= 256 for w in value), "wraps")
    return order


def scope(value):
    fields(value, {3: list}, {1: list, 2: U64})
    locks, kinds = value.get(1), value[3]
    demand(kinds and all(fits(k, range(4)) for k in kinds) and ascending(kinds), "scope")
    if locks is not None:
        demand(1 <= len(locks) <= 32 and all(fits(x, 16) for x in locks) and ascending(locks), "scope")
    return value


def days(value):
    demand(len(value) <= 64 and all(fits(d, DAY) for d in value) and ascending(value), "days off")


def policy(value):
    due = range(30 * 86400, 730 * 86400 + 1)
    fields(value, {1: str, 2: str, 3: dict, 4: range(3600, 90 * 86400 + 1), 5: list}, {6: due})
    days(value[5])
    name(value[1])
    demand(len(value[2]) <= 64 and ZONE.fullmatch(value[2]), "zone")
    pin = fields(value[3], {1: range(4, 11), 2: range(4, 11)}, {3: range(4, 11), 4: str})
    demand(pin[1] <= pin.get(3, pin[1]) <= pin[2] and pin[1] <= pin[2], "PIN rules")
    demand(len(pin.get(4, "").encode()) <= 16, "house number")
    return value


def schedule(value):
    demand(len(value) == 2 and type(value[1]) is list, "schedule")
    kind, rest = value
    if type(kind) is int and kind == 0:
        return demand(rest == [], "schedule")
    demand(type(kind) is int and kind == 1 and len(rest) == 1 and type(rest[0]) is list, "schedule")
    demand(1 <= len(rest[0]) <= 16, "schedule")
    for window in rest[0]:
        fields(window, {1: range(1, 128), 2: range(1440), 3: range(1440)})


def grant(value):
    fields(value, GRANT, GRANT_OPTIONAL)
    name(value[7])
    locks = value[8]
    demand(1 <= len(locks) <= 32 and all(fits(x, 16) for x in locks) and ascending(locks), "grant: locks")
    schedule(value[9])
    demand(4 not in value or value[4] > value[5], "grant: term")
    demand(len(fields(value[12], SEALED)[2]) <= 256, "grant: sealed")
    if 14 in value:
        demand(len(fields(fields(value[14], {1: 16, 2: dict})[2], SEALED)[2]) <= 256, "grant: link")
    days(value[16])
    if 17 in value:
        buffers = fields(value[17], {1: MINUTES, 2: MINUTES})
        demand(buffers[1] or buffers[2], "grant: buffers")
    seals = [fields(s, {1: 16, 2: bytes}) for s in value[15]]
    demand(len(seals) <= 4 and ascending([s[1] for s in seals]) and all(len(s[2]) <= 256 for s in seals), "seals")
    if value[3] == GUEST:
        demand(4 in value and not value[11] and 13 not in value, "grant: what no guest has")
    return value


def covers(limits, g):
    """Whether a scope allows a grant; `None` is an owner's."""
    if limits is None:
        return True
    in_locks = 1 not in limits or set(g[8]) <= set(limits[1])
    before, after = (g[17][1], g[17][2]) if 17 in g else (0, 0)
    start = max(0, g[5] - 60 * before)
    in_time = 2 not in limits or (4 in g and min(g[4] + 60 * after, TIME[-1]) - start <= limits[2])
    return in_locks and in_time and g[3] in limits[3]


class Chain:
    """The verified history so far. Every op is checked completely before it changes anything."""

    def __init__(self, first):
        signed, op = self.read(first)
        demand(op[2] == 0 and 3 not in op and op[7][0] == 0, "genesis: not the first op")
        body = fields(op[7][1], {1: dict, 2: dict, 3: 32, 4: dict})
        owner = key_record(body[2])
        demand(signed.kid == owner, "genesis: not signed by its owner")
        signed.verify(body[2][1])
        demand(not small_order(body[3]), "weak key")
        epoch = fields(body[4], EPOCH)
        demand(epoch[1] == 1 and wraps(epoch[3]) == [(1, owner)], "genesis: home key")
        self.home, self.seq, self.hash, self.genesis = op[1], 0, signed.hash, signed.hash
        self.policy, self.issuer = policy(body[1]), body[3]
        self.epochs, self.stale = {1: epoch[2]}, False
        self.members, self.hubs, self.invites = {owner: (body[2], [0])}, {}, set()
        self.removed, self.grants, self.revoked = set(), {}, {}

    @staticmethod
    def read(data):
        signed = Signed("op", data, 64 * 1024)
        op = fields(decode(signed.payload, 64 * 1024, "op"), {1: 16, 2: U64, 6: TIME, 7: list}, {3: 32})
        demand(len(op[7]) == 2 and fits(op[7][0], range(11)), "op: unknown kind")
        return signed, op

    def extend(self, data):
        signed, op = self.read(data)
        demand(op[1] == self.home, "op: another home")
        demand(op[2] == self.seq + 1, "op: a gap")
        demand(op.get(3) == self.hash, "op: a fork")
        limits = self.author(signed)
        kind, body = op[7]
        demand(limits is None or kind in (8, 9), "op: for owners only")
        rules = [self.no_second_genesis, self.add_key, self.remove_key, self.set_policy, self.add_hub,
                 self.remove_hub, self.rotate_issuer, self.new_epoch, self.put_grant, self.revoke_grant,
                 self.checkpoint]  # fmt: skip
        rules[kind](body, limits, op[2], signed.kid)
        self.seq, self.hash = op[2], signed.hash

    def author(self, signed):
        """The signer's scope, `None` for an owner; its signature is checked."""
        if signed.kid in self.members:
            record, role = self.members[signed.kid]
            demand(role[0] != 3, "op: residents sign nothing")
            limits = {0: lambda: None, 1: lambda: role[1][1], 2: lambda: role[1]}[role[0]]()
        else:
            hub = next((h for h in self.hubs.values() if key_id(h[0][1]) == signed.kid), None)
            demand(hub is not None, "op: the signer is no member")
            record, limits = hub
            demand(limits is not None, "op: the hub may make no codes")
        signed.verify(record[1])
        return limits

    def is_new(self, key):
        hubs = {key_id(h[0][1]) for h in self.hubs.values()}
        return key not in self.members and key not in hubs and key not in self.removed

    def owners(self):
        return [k for k, (_, role) in self.members.items() if role[0] == 0]

    def holders(self):
        """Who must have the home key."""
        sees = [k for k, (_, role) in self.members.items() if role[0] == 0 or (role[0] == 1 and role[1][2])]
        return sorted(sees + [key_id(h[0][1]) for h in self.hubs.values()])

    def check_wraps(self, value, key, wanted):
        order = wraps(value)
        demand(all(e in self.epochs and to == key for e, to in order), "wraps: for another")
        demand(any(e == max(self.epochs) for e, _ in order) == wanted and (wanted or not order), "wraps: missing")

    def no_second_genesis(self, *_):
        raise Flaw("a second genesis")

    def add_key(self, body, _limits, _seq, _kid):
        fields(body, {1: dict, 2: list, 3: list}, {4: 16})
        key, role = key_record(body[1]), body[2]
        demand(role and fits(role[0], range(4)) and len(role) == (2 if role[0] in (1, 2) else 1), "role")
        if role[0] == 1:
            scope(fields(role[1], {1: dict, 2: bool})[1])
        if role[0] == 2:
            demand(scope(role[1])[3] == [GUEST] and 2 in role[1], "the issuer's scope")
        demand((role[0] == 2) == (body[1][1] == self.issuer), "an issuer by name only")
        has = role[0] == 0 or (role[0] == 1 and role[1][2])
        known = self.members.get(key)
        if known is not None and (known[0][1], known[0][2]) == (body[1][1], body[1][2]):
            demand(known != (body[1], role), "nothing changes")
            demand(4 not in body, "invited again")
            demand(role[0] == 0 or self.owners() != [key], "the last owner")
            had = key in self.holders()
            self.check_wraps(body[3], key, has and not had)
            self.stale |= had and not has
        else:
            demand(self.is_new(key) and len(self.members) < 64, "a key comes back")
            demand(body.get(4) not in self.invites, "an invitation twice")
            self.invites |= {body[4]} if 4 in body else set()
            self.check_wraps(body[3], key, has)
        self.members[key] = (body[1], role)

    def remove_key(self, body, _limits, seq, _kid):
        fields(body, {1: 16}, {2: U64})
        key = body[1]
        demand(key in self.members, "nobody to remove")
        demand(self.owners() != [key], "the last owner")
        self.stale |= key in self.holders()
        if self.members.pop(key)[1][0] != 2:
            self.removed.add(key)
        for g in [g for g, (_, at, by) in self.grants.items() if by == key and at >= body.get(2, 2**64)]:
            del self.grants[g]
            self.revoked[g] = seq

    def set_policy(self, body, *_):
        self.policy = policy(body)

    def add_hub(self, body, *_):
        fields(body, {1: 16, 2: dict, 4: list}, {3: dict})
        key, panel = key_record(body[2]), body.get(3)
        demand(panel is None or scope(panel), "scope")
        known = self.hubs.get(body[1])
        if known is not None and (known[0][1], known[0][2]) == (body[2][1], body[2][2]):
            demand(body[4] == [], "wraps for a hub that has them")
            self.hubs[body[1]] = (body[2], panel)
            return
        demand(self.is_new(key) and known is None and len(self.hubs) < 8, "a hub comes back")
        self.check_wraps(body[4], key, True)
        self.hubs[body[1]] = (body[2], panel)

    def remove_hub(self, body, *_):
        demand(fits(body, 16) and body in self.hubs, "no such hub")
        self.removed.add(key_id(self.hubs.pop(body)[0][1]))
        self.stale = True

    def rotate_issuer(self, body, *_):
        demand(fits(body, 32) and not small_order(body), "issuer")
        demand(self.is_new(key_id(body)) and body != self.issuer, "an issuer comes back")
        old = key_id(self.issuer)
        self.members.pop(old, None)
        self.removed.add(old)
        self.issuer = body

    def new_epoch(self, body, *_):
        fields(body, EPOCH)
        demand(body[1] == max(self.epochs) + 1, "epoch: number")
        order = wraps(body[3])
        demand(order == [(body[1], key) for key in self.holders()], "epoch: not for exactly its holders")
        demand(body[2] not in self.epochs.values(), "epoch: an old key")
        self.epochs[body[1]], self.stale = body[2], False

    def put_grant(self, body, limits, seq, kid):
        g = grant(body)
        demand(g[1] not in self.revoked, "grant: was revoked")
        before = self.grants.get(g[1])
        demand(before or len(self.grants) < 4096, "too many grants")
        demand(covers(limits, g) and (not before or covers(limits, before[0])), "grant: beyond the signer's scope")
        demand(g[2] == (before[0][2] if before else 0) + 1, "grant: revision")
        demand(not self.stale and g[12][1] == max(self.epochs), "grant: sealed to an old home key")
        demand(14 not in g or g[14][2][1] in self.epochs, "grant: link sealed to no home key")
        demand(13 not in g or g[13] in self.members, "grant: holder")
        self.grants[g[1]] = (g, seq, kid)

    def revoke_grant(self, body, limits, seq, _kid):
        demand(fits(body, 16) and body in self.grants, "no such grant")
        demand(covers(limits, self.grants[body][0]), "revocation beyond the signer's scope")
        del self.grants[body]
        self.revoked[body] = seq

    def checkpoint(self, body, *_):
        demand(body == self.digest(), "checkpoint")

    def digest(self):
        state = [
            self.home, self.seq, self.hash, self.policy, self.issuer,
            [max(self.epochs), self.epochs[max(self.epochs)], self.stale],
            [list(self.members[k]) for k in sorted(self.members)],
            [[h, *self.hubs[h]] for h in sorted(self.hubs)],
            sorted(self.removed),
            [[self.grants[g][0], self.grants[g][1]] for g in sorted(self.grants)],
            [[g, self.revoked[g]] for g in sorted(self.revoked)],
            sorted(self.invites),
        ]  # fmt: skip
        return hashlib.sha256(encode(state)).digest()

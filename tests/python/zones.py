"""Checks what `say-zones` says of time zones, weekly windows and days off against Python's zoneinfo.

Nothing is shared with the code that is checked: the rules come from the pinned `tzdata` package, the changes of clocks
are found anew, and what a window means is written down here as DESIGN has it: where the clocks skip its start it opens
when they have jumped; where a time comes twice it opens at the first and closes at the second.
"""

import sys
import zoneinfo
from datetime import datetime, timedelta, timezone

import tzdata

zoneinfo.reset_tzpath(())  # the package's rules, not this machine's

FROM, TO, DAY = 1_577_836_800, 2_145_916_800, 86_400
EPOCH = datetime(1970, 1, 1)
# Of the names in the package these are no place's: chrono-tz leaves them out.
NO_PLACE = {"Factory", "localtime"}


class Zone:
    def __init__(self, name):
        self.tz = zoneinfo.ZoneInfo(name)
        self.changes = self.find_changes()

    def offset(self, t):
        return int(datetime.fromtimestamp(t, self.tz).utcoffset().total_seconds())

    def find_changes(self):
        """[(instant, offset before, offset after)]"""
        found = []
        last = self.offset(FROM)
        for day in range(FROM, TO, DAY):
            after = self.offset(day + DAY)
            if after != last:
                low, high = day, day + DAY
                while high - low > 1:
                    middle = (low + high) // 2
                    if self.offset(middle) == last:
                        low = middle
                    else:
                        high = middle
                found.append((high, last, after))
            last = after
        return found

    def instant(self, local, fold):
        """The instant of a local time, given in seconds as if in UTC; where it is skipped, of the jump."""
        naive = EPOCH + timedelta(seconds=local)
        t = int(naive.replace(tzinfo=self.tz, fold=fold).timestamp())
        if t + self.offset(t) == local:
            return t
        for jump, before, after in self.changes:
            if jump + before <= local < jump + after:
                return jump
        raise SystemExit(f"{self.tz.key}: {naive} neither exists nor is skipped")

    def spans(self, days, begin, end, low, high):
        """What one weekly window opens between two instants, joined where it touches."""
        pieces = []
        for day in range(low // DAY - 16, high // DAY + 16):
            if days >> (day + 3) % 7 & 1:
                last = end if end > begin else end + 1440
                start = self.instant(day * DAY + begin * 60, fold=0)
                stop = self.instant(day * DAY + last * 60, fold=1)
                if start < stop:
                    pieces.append([start, stop])
        joined = []
        for piece in sorted(pieces):
            if joined and piece[0] <= joined[-1][1]:
                joined[-1][1] = max(joined[-1][1], piece[1])
            else:
                joined.append(piece)
        return [(a, b) for a, b in joined if b > low and a < high]


def check_zone(name, words):
    zone = Zone(name)
    said = [tuple(map(int, word.split(":"))) for word in words[1:]]
    assert int(words[0]) == zone.offset(FROM), f"{name}: the offset on 2020-01-01"
    found = [(t, after) for t, _, after in zone.changes]
    assert said == found, f"{name}: changes {set(said) ^ set(found)}"
    return zone


def check_window(zone, line, words):
    change, days, begin, end = map(int, words[:4])
    said = [tuple(map(int, word.split("-"))) for word in words[4:]]
    around = change - 2 * DAY
    found = zone.spans(days, begin, end, around, around + 4 * DAY)
    if said == [(0, 0)]:  # open without an end
        assert len(found) == 1 and found[0][1] - found[0][0] > 30 * DAY, line
    else:
        assert said == found, f"{line}\nzoneinfo: {found}"


def check_day_off(zone, line, words):
    day, start, stop = map(int, words)
    on_that_day = lambda t: (t + zone.offset(t)) // DAY == day
    edges = [start - 1, start, stop - 1, stop]
    assert [on_that_day(t) for t in edges] == [False, True, True, False], line
    for t in range(start - DAY, stop + DAY, 1_800):
        assert on_that_day(t) == (start <= t < stop), f"{line} at {t}"


def main():
    zones, windows, days, told = {}, 0, 0, set()
    for line in sys.stdin:
        kind, name, *words = line.split()
        if kind == "version":
            assert name == tzdata.IANA_VERSION, f"chrono-tz has {name}, tzdata {tzdata.IANA_VERSION}: pin the same"
        elif kind == "zone":
            zones[name] = check_zone(name, words)
        elif kind == "off":
            check_day_off(zones[name], line.strip(), words)
            days += 1
        else:
            check_window(zones[name], line, words)
            told.add(name)
            windows += 1
    missing = zoneinfo.available_timezones() - NO_PLACE - set(zones)
    assert not missing, f"zones that chrono-tz lacks: {sorted(missing)}"
    # Every change of every zone is told of, if not under its own name, then under that of a zone that changes alike.
    alike = {tuple(zones[name].changes) for name in told}
    silent = [name for name, zone in zones.items() if zone.changes and tuple(zone.changes) not in alike]
    assert not silent, f"no windows for {silent}"
    changes = sum(len(zone.changes) for zone in zones.values())
    print(f"{len(zones)} zones, {changes} changes, {windows} windows, {days} days off agree with zoneinfo {tzdata.IANA_VERSION}")


main()

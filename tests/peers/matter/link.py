"""Inside a network namespace of its own: brings up loopback, and a network card that leads nowhere.

Matter finds its devices by multicast over IPv6, which loopback does not carry. A tap device does, as long as
somebody holds it open. Says "up" when it can be used, and holds it until standard input ends.
"""

import fcntl
import os
import socket
import struct
import sys
import threading
import time

TUNSETIFF, SIOCGIFFLAGS, SIOCSIFFLAGS = 0x400454CA, 0x8913, 0x8914
IFF_TAP, IFF_NO_PI, IFF_UP, IFF_RUNNING, IFF_MULTICAST = 0x0002, 0x1000, 0x1, 0x40, 0x1000
CARD = b"hub0"


def up(name):
    """Switches a network card on."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sH14x", name, 0)
        flags = struct.unpack("16sH14x", fcntl.ioctl(control, SIOCGIFFLAGS, request))[1]
        wanted = flags | IFF_UP | IFF_RUNNING | (0 if name == b"lo" else IFF_MULTICAST)
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sH14x", name, wanted))


def usable(name):
    """Whether the card's IPv6 address is there and no longer tentative (flag 0x40)."""
    with open("/proc/net/if_inet6", encoding="ascii") as table:
        rows = [line.split() for line in table]
    return any(row[5] == name.decode() and not int(row[4], 16) & 0x40 for row in rows)


def main():
    up(b"lo")
    tap = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH22x", CARD, IFF_TAP | IFF_NO_PI))
    up(CARD)

    def drain():
        while os.read(tap, 65535):
            pass

    threading.Thread(target=drain, daemon=True).start()
    while not usable(CARD):
        time.sleep(0.05)
    print("up", flush=True)
    sys.stdin.read()


main()

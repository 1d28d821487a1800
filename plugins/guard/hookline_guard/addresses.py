"""IP addresses as numbers: which blocks have a special purpose, and which IPv4 addresses IPv6 addresses carry.

The blocks are those of the IANA registries of special-purpose addresses (RFC 6890, RFC 8190; as of 2025-10) that are not, or
not only, globally reachable, and those of multicast. `ipaddress` is used to parse only: its `is_global` differs between
Python 3.11 and 3.14, and takes 64:ff9b::/96 and 2002::/16 for global whatever IPv4 address they lead to.
"""

from __future__ import annotations

import ipaddress
from typing import NamedTuple


class Address(NamedTuple):
    """An IP address. version: 4 or 6. value: the address as an int."""

    version: int
    value: int


class Block(NamedTuple):
    """A block of addresses. first, last: as ints. text: in CIDR form. name: what it is for."""

    version: int
    first: int
    last: int
    text: str
    name: str

    def contains(self, address: Address) -> bool:
        """Say whether an address is in the block."""
        return address.version == self.version and self.first <= address.value <= self.last


def make_block(text: str, name: str = "") -> Block:
    """Make a block of its CIDR form, or of a single address.

    Raises: ValueError.
    """
    network = ipaddress.ip_network(text)
    return Block(network.version, int(network.network_address), int(network.broadcast_address), text, name)


# A more specific block comes before one that contains it, since messages name the first.
SPECIAL = tuple(
    make_block(text, name)
    for text, name in (
        ("0.0.0.0/32", "unspecified"),
        ("0.0.0.0/8", "this network"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "shared by carriers"),
        ("127.0.0.0/8", "loopback"),
        ("169.254.0.0/16", "link-local"),
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "IETF protocols"),  # with the anycast addresses of the nearest NAT and TURN server
        ("192.0.2.0/24", "documentation"),
        ("192.88.99.0/24", "6to4 relays"),
        ("192.168.0.0/16", "private"),
        ("198.18.0.0/15", "benchmarks"),
        ("198.51.100.0/24", "documentation"),
        ("203.0.113.0/24", "documentation"),
        ("224.0.0.0/4", "multicast"),
        ("255.255.255.255/32", "broadcast"),
        ("240.0.0.0/4", "reserved"),
        ("::/128", "unspecified"),
        ("::1/128", "loopback"),
        ("::/96", "IPv4-compatible"),
        ("::ffff:0:0/96", "IPv4-mapped"),
        ("64:ff9b::/96", "NAT64"),
        ("64:ff9b:1::/48", "local NAT64"),
        ("100::/64", "discarded"),
        ("100:0:0:1::/64", "dummy prefix"),
        ("2001::/32", "Teredo"),
        ("2001:2::/48", "benchmarks"),
        ("2001::/23", "IETF protocols"),
        ("2001:db8::/32", "documentation"),
        ("2002::/16", "6to4"),
        ("3fff::/20", "documentation"),
        ("5f00::/16", "segment routing"),
        ("fc00::/7", "private"),
        ("fe80::/10", "link-local"),
        ("fec0::/10", "site-local"),
        ("ff00::/8", "multicast"),
        # All that is assigned for unicast is in 2000::/3 (RFC 4291, section 2.4); the rest may become anything.
        ("::/3", "reserved"),
        ("4000::/2", "reserved"),
        ("8000::/1", "reserved"),
    )
)


def parse_address(text: str) -> Address | None:
    """Parse an IP address, without its zone; None for a name."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return Address(address.version, int(address))


def text_of(address: Address) -> str:
    """Write an address as before a port: one of IPv6 in brackets."""
    if address.version == 4:
        return str(ipaddress.IPv4Address(address.value))
    return f"[{ipaddress.IPv6Address(address.value)}]"


def forms_of(address: Address) -> list[Address]:
    """Return the address, and the IPv4 addresses that an IPv6 address carries: packets for it may end there.

    They are in mapped and compatible addresses (RFC 4291, section 2.5.5), NAT64 (RFC 6052, RFC 8215), 6to4 (RFC 3056) and
    Teredo (RFC 4380, section 4: the server, and the client with its bits inverted).
    """
    version, value = address
    if version == 4:
        return [address]
    low, high = value & 0xFFFF_FFFF, value >> 96
    carried: tuple[int, ...] = ()
    if value >> 32 in (0, 0xFFFF, 0x0064_FF9B << 64) or value >> 80 == 0x0064_FF9B_0001:
        carried = (low,)
    elif value >> 112 == 0x2002:
        carried = (value >> 80 & 0xFFFF_FFFF,)
    elif high == 0x2001_0000:
        carried = (value >> 64 & 0xFFFF_FFFF, low ^ 0xFFFF_FFFF)
    return [address, *(Address(4, each) for each in carried)]


def special_block(address: Address) -> Block | None:
    """Return the block of special purpose that an address is in; None for an ordinary address of the internet."""
    return next((block for block in SPECIAL if block.contains(address)), None)

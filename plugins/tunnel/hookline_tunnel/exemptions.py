"""Hosts that no proxy is used for: what `no` and NO_PROXY say.

There is no standard. Names match themselves and what is below them, on dot boundaries, as in curl, wget and urllib; addresses,
networks and ports are as in Go and curl. A name is never resolved to see whether it lies in a network.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterable

from hookline import InvalidURL, split_url

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Exemptions:
    """See the module. A port of None stands for all.

    names: for a name and all below it. below: for what is below it alone, as `*.name` says.
    """

    def __init__(self) -> None:
        self.everything = False
        self.names: set[tuple[str, int | None]] = set()
        self.below: set[tuple[str, int | None]] = set()
        self.addresses: set[tuple[Address, int | None]] = set()
        self.networks: list[Network] = []

    def add(self, entry: str) -> None:
        """Take one entry: `*`, a name, an address, a network; names and addresses with or without a port.

        Raises: InvalidURL.
        """
        entry = entry.lower()
        if entry == "*":
            self.everything = True
            return
        try:
            if "/" in entry:
                self.networks.append(network_of(entry))
            elif entry.count(":") > 1 and not entry.startswith("["):
                self._add_host(f"[{entry}]")
            else:
                self._add_host(entry)
            return
        except ValueError:
            pass  # its text may show a password
        before, _, after = entry.rpartition("@")
        shown = "'…'" if not before and ":" in after.partition("://")[2] else ascii(after[:60])
        raise InvalidURL(f"not a host, an address, a network or *: {shown}") from None

    def _add_host(self, entry: str) -> None:
        """Raises: ValueError."""
        is_below = entry.startswith("*.")
        parts = split_url("http://" + (entry[2:] if is_below else entry.lstrip(".")))
        if parts.userinfo is not None or parts.target != "/" or parts.fragment or "*" in parts.host:
            raise ValueError(entry)
        address = address_of(parts.host)
        if address is not None:
            self.addresses.add((address, parts.port))
        else:
            (self.below if is_below else self.names).add((parts.host.rstrip("."), parts.port))

    def cover(self, host: str, port: int) -> bool:
        """Is this host, in lower case, IPv6 without brackets, reached without a proxy?"""
        if self.everything:
            return True
        address = address_of(host)
        if address is not None:
            known = not self.addresses.isdisjoint({(address, port), (address, None)})
            return known or any(address in network for network in self.networks)
        name, is_itself = host.rstrip("."), True
        while name:
            keys = {(name, port), (name, None)}
            if not self.names.isdisjoint(keys) or not (is_itself or self.below.isdisjoint(keys)):
                return True
            name, is_itself = name.partition(".")[2], False
        return False


def address_of(host: str) -> Address | None:
    """The address that a host is, without its zone; IPv4 within IPv6 as IPv4. None for a name."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def network_of(entry: str) -> Network:
    """The network that an entry names; of IPv4 within IPv6 as IPv4.

    Raises: ValueError.
    """
    network = ipaddress.ip_network(entry, strict=False)
    mapped = getattr(network.network_address, "ipv4_mapped", None)
    if mapped is None or network.prefixlen < 96:
        return network
    return ipaddress.ip_network((mapped, network.prefixlen - 96))


def split_entries(value: str) -> list[str]:
    """The entries of NO_PROXY: commas and blanks part them."""
    return [entry for entry in re.split(r"[,\s]+", value) if entry]


def exemptions_of(entries: Iterable[str]) -> Exemptions:
    """Take all entries.

    Raises: InvalidURL.
    """
    made = Exemptions()
    for entry in entries:
        made.add(entry)
    return made


def own_names() -> Exemptions:
    """What is exempt where nobody says: localhost and this machine's own name."""
    made = Exemptions()
    made.names = {(name.lower().rstrip("."), None) for name in ("localhost", socket.gethostname()) if name}
    return made

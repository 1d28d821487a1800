"""The hosts that are reached without a proxy: the value of `no` in `proxies=`, and of NO_PROXY.

There is no standard for it. A name matches itself and every name below it, on dot boundaries, as in curl, wget and urllib;
addresses, networks and ports match as in Go and curl. A name is never resolved to find out whether it is in a network.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterable

from hookline import InvalidURL, split_url

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class NoProxy:
    """A set of hosts that are reached without a proxy.

    everything: True after the entry `*`. names: each stands for itself and for every name below it. subdomains: each
    stands only for the names below it, as the entry `*.name`. A port of None stands for every port.
    """

    def __init__(self) -> None:
        self.everything = False
        self.names: set[tuple[str, int | None]] = set()
        self.subdomains: set[tuple[str, int | None]] = set()
        self.addresses: set[tuple[Address, int | None]] = set()
        self.networks: list[Network] = []

    def add(self, entry: str) -> None:
        """Add one entry: `*`, a name, an address or a network. A name or an address may have a port.

        Raises: InvalidURL.
        """
        entry = entry.lower()
        if entry == "*":
            self.everything = True
            return
        try:
            if "/" in entry:
                self.networks.append(parse_network(entry))
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
        """Add a name or an address.

        Raises: ValueError.
        """
        is_subdomain = entry.startswith("*.")
        parts = split_url("http://" + (entry[2:] if is_subdomain else entry.lstrip(".")))
        if parts.userinfo is not None or parts.target != "/" or parts.fragment or "*" in parts.host:
            raise ValueError(entry)
        address = parse_address(parts.host)
        if address is not None:
            self.addresses.add((address, parts.port))
        else:
            (self.subdomains if is_subdomain else self.names).add((parts.host.rstrip("."), parts.port))

    def matches(self, host: str, port: int) -> bool:
        """Say whether a host is reached without a proxy. host: in lower case, an IPv6 address without brackets."""
        if self.everything:
            return True
        address = parse_address(host)
        if address is not None:
            is_listed = not self.addresses.isdisjoint({(address, port), (address, None)})
            return is_listed or any(address in network for network in self.networks)
        name, is_itself = host.rstrip("."), True
        while name:
            keys = {(name, port), (name, None)}
            if not self.names.isdisjoint(keys) or not (is_itself or self.subdomains.isdisjoint(keys)):
                return True
            name, is_itself = name.partition(".")[2], False
        return False


def parse_address(host: str) -> Address | None:
    """Return the IP address that a host is, without its zone; IPv4 within IPv6 as IPv4. None for a name."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def parse_network(entry: str) -> Network:
    """Return the network of an entry such as `10.0.0.0/8`; IPv4 within IPv6 as IPv4.

    Raises: ValueError.
    """
    network = ipaddress.ip_network(entry, strict=False)
    mapped = getattr(network.network_address, "ipv4_mapped", None)
    if mapped is None or network.prefixlen < 96:
        return network
    return ipaddress.ip_network((mapped, network.prefixlen - 96))


def split_entries(value: str) -> list[str]:
    """Split the value of NO_PROXY into its entries, at commas and white space."""
    return [entry for entry in re.split(r"[,\s]+", value) if entry]


def parse_no_proxy(entries: Iterable[str]) -> NoProxy:
    """Return the set of hosts that the entries name.

    Raises: InvalidURL.
    """
    hosts = NoProxy()
    for entry in entries:
        hosts.add(entry)
    return hosts


def default_no_proxy() -> NoProxy:
    """Return the hosts without a proxy if neither `no` nor NO_PROXY is set: localhost and this machine's own name."""
    hosts = NoProxy()
    hosts.names = {(name.lower().rstrip("."), None) for name in ("localhost", socket.gethostname()) if name}
    return hosts

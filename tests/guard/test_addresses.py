"""The table of special addresses, against the registries of IANA and the `ipaddress` of this Python."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookline_guard.addresses import SPECIAL, Address, forms_of, parse_address, special_block

# The IANA IPv4 and IPv6 Special-Purpose Address Registries of 2025-10: each block, and whether it is globally reachable. None:
# the registry says "not applicable".
REGISTRY: dict[str, bool | None] = {
    "0.0.0.0/8": False, "0.0.0.0/32": False, "10.0.0.0/8": False, "100.64.0.0/10": False, "127.0.0.0/8": False,
    "169.254.0.0/16": False, "172.16.0.0/12": False, "192.0.0.0/24": False, "192.0.0.0/29": False, "192.0.0.8/32": False,
    "192.0.0.9/32": True, "192.0.0.10/32": True, "192.0.0.170/32": False, "192.0.0.171/32": False, "192.0.2.0/24": False,
    "192.31.196.0/24": True, "192.52.193.0/24": True, "192.88.99.0/24": None, "192.168.0.0/16": False,
    "192.175.48.0/24": True, "198.18.0.0/15": False, "198.51.100.0/24": False, "203.0.113.0/24": False,
    "240.0.0.0/4": False, "255.255.255.255/32": False,
    "::1/128": False, "::/128": False, "::ffff:0:0/96": False, "64:ff9b::/96": True, "64:ff9b:1::/48": False,
    "100::/64": False, "100:0:0:1::/64": False, "2001::/23": False, "2001::/32": None, "2001:1::1/128": True,
    "2001:1::2/128": True, "2001:1::3/128": True, "2001:2::/48": False, "2001:3::/32": True, "2001:4:112::/48": True,
    "2001:10::/28": None, "2001:20::/28": True, "2001:30::/28": True, "2001:db8::/32": False, "2002::/16": None,
    "2620:4f:8000::/48": True, "3fff::/20": False, "5f00::/16": False, "fc00::/7": False, "fe80::/10": False,
}  # fmt: skip
# Globally reachable, and denied all the same.
DENIED = {
    "192.0.0.9/32": "leads to the nearest NAT, which is one of this network",
    "192.0.0.10/32": "leads to the nearest TURN server",
    "64:ff9b::/96": "leads to an IPv4 address, which may be a private one",
    "2001:1::1/128": "leads to the nearest NAT, which is one of this network",
    "2001:1::2/128": "leads to the nearest TURN server",
    "2001:1::3/128": "leads to the nearest DNS-SD registrar",
    "2001:3::/32": "multicast by tunnels",
    "2001:4:112::/48": "answers for the reverse look-up of private addresses",
    "2001:20::/28": "hashes of keys, to which nothing is routed",
    "2001:30::/28": "identifiers of drones, to which nothing is routed",
}


def addresses(text: str) -> list[Address]:
    """Return the first, the last and a middle address of a block."""
    network = ipaddress.ip_network(text)
    first, last = int(network.network_address), int(network.broadcast_address)
    return [Address(network.version, value) for value in {first, (first + last) // 2, last}]


@pytest.mark.parametrize("block", REGISTRY)
def test_table_follows_the_registries(block: str) -> None:
    is_denied = REGISTRY[block] is not True or block in DENIED
    assert [special_block(address) is not None for address in addresses(block)] == [is_denied] * len(addresses(block))


@pytest.mark.parametrize("block", ["224.0.0.0/4", "ff00::/8", "fec0::/10", "::/96", "4000::/3", "c000::/3", "::/3"])
def test_multicast_and_what_is_not_assigned_is_special(block: str) -> None:
    for address in addresses(block):
        assert (special_block(address) is None) == (address.value >> 125 == 1 and address.version == 6)


@pytest.mark.parametrize(
    "text", ["1.1.1.1", "93.184.215.14", "192.31.196.1", "223.255.255.255", "2606:4700::1111", "2a00::", "2000::"]
)
def test_addresses_of_the_internet_are_ordinary(text: str) -> None:
    address = parse_address(text)
    assert address is not None
    assert special_block(address) is None


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("0.0.0.0", "unspecified"), ("127.0.0.1", "loopback"), ("169.254.169.254", "link-local"), ("10.1.2.3", "private"),
        ("100.100.100.200", "shared by carriers"), ("255.255.255.255", "broadcast"), ("239.0.0.1", "multicast"),
        ("::", "unspecified"), ("::1", "loopback"), ("fd00:ec2::254", "private"), ("fe80::1%eth0", "link-local"),
        ("2001:2::1", "benchmarks"), ("2001::1", "Teredo"), ("2002:7f00:1::", "6to4"), ("::2", "IPv4-compatible"),
        ("64:ff9b::1", "NAT64"), ("::ffff:8.8.8.8", "IPv4-mapped"), ("fec0::1", "site-local"),
    ],
)  # fmt: skip
def test_most_specific_block_is_named(text: str, name: str) -> None:
    address = parse_address(text)
    assert address is not None
    block = special_block(address)
    assert block is not None
    assert block.name == name


@given(st.ip_addresses())
def test_what_ipaddress_does_not_take_for_global_is_special(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    ours = special_block(Address(address.version, int(address)))
    if not address.is_global or address.is_multicast or address.is_reserved or address.is_link_local:
        assert ours is not None


@pytest.mark.parametrize("block", SPECIAL, ids=lambda block: block.text)
def test_both_ends_of_each_block_are_special(block: object) -> None:
    version, first, last, _, _ = block  # type: ignore[misc]
    assert all(special_block(Address(version, value)) is not None for value in (first, last))  # type: ignore[has-type]


@pytest.mark.parametrize(
    ("text", "carried"),
    [
        ("::ffff:127.0.0.1", ["127.0.0.1"]), ("::127.0.0.1", ["127.0.0.1"]), ("64:ff9b::7f00:1", ["127.0.0.1"]),
        ("64:ff9b:1::10.0.0.1", ["10.0.0.1"]), ("2002:7f00:1::", ["127.0.0.1"]),
        ("2001:0:a9fe:a9fe::80ff:fffe", ["169.254.169.254", "127.0.0.1"]), ("2606:4700::1111", []), ("fe80::7f00:1", []),
    ],
)  # fmt: skip
def test_carried_addresses_are_found(text: str, carried: list[str]) -> None:
    address = parse_address(text)
    assert address is not None
    assert forms_of(address) == [address, *(parse_address(each) for each in carried)]


@pytest.mark.parametrize("text", ["name.example", "127.1", "0x7f000001", "010.0.0.1", "", "::1]", "1.2.3.4.5"])
def test_what_is_no_address_is_a_name(text: str) -> None:
    assert parse_address(text) is None

"""One entry of `allow=`, `deny=` and `only=`: `[scheme://]where[:port]`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

from hookline import canonical_host

from .addresses import Address, Block, make_block, parse_address

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://").match
_PORT = re.compile(r"[0-9]{1,5}", re.ASCII).fullmatch


class Target(NamedTuple):
    """Where a request, or a connection, leads.

    scheme, host, port: of the URL, or of the connection; host without the dot at its end. address: of the connection, or one
    that it carries; None = not known.
    """

    scheme: str
    host: str
    port: int
    address: Address | None


@dataclass(frozen=True)
class Rule:
    """A parsed entry.

    text: as it was written. scheme: in lower case; None = any. port: None = any. block: the addresses that it matches; None =
    it goes by the host. host: a name; None = any. below: True for `*.name`, which matches the names below it.
    """

    text: str
    scheme: str | None
    port: int | None
    block: Block | None
    host: str | None
    below: bool

    def matches(self, target: Target) -> bool:
        """Say whether the entry matches. One with addresses does not match a target whose address is not known."""
        return self.may_match(target) and (self.block is None or target.address is not None)

    def may_match(self, target: Target) -> bool:
        """Say whether the entry matches, or would match with an address that the target may turn out to have."""
        if self.scheme not in (None, target.scheme) or self.port not in (None, target.port):
            return False
        if self.block is not None:
            return target.address is None or self.block.contains(target.address)
        if self.host is None:
            return True
        return target.host.endswith(f".{self.host}") if self.below else target.host == self.host


def parse_rule(text: str) -> Rule:
    """Parse an entry.

    Raises: ValueError.
    """
    match = _SCHEME(text)
    rest = text if match is None else text[match.end() :]
    if rest.startswith("["):
        where, bracket, after = rest[1:].partition("]")
        colon, port = after[:1], after[1:]
        if not bracket or colon not in ("", ":"):
            raise ValueError(f"{text!r}: a bracket is not closed, or something else than a port follows it")
    elif rest.count(":") > 1:
        where, colon, port = rest, "", ""
    else:
        where, colon, port = rest.partition(":")
    if colon and (not _PORT(port) or int(port) > 65535):
        raise ValueError(f"{text!r}: {port!r} is no port; an IPv6 address with a port stands in brackets")
    scheme = None if match is None else match[1].lower()
    number = int(port) if colon else None
    if where == "*":
        return Rule(text, scheme, number, None, None, False)
    if "/" in where or parse_address(where) is not None:
        return Rule(text, scheme, number, make_block(where), None, False)
    below = where.startswith("*.")
    host = canonical_host(where[2:] if below else where).removesuffix(".")  # raises InvalidURL, a ValueError
    if "*" in host or (below and parse_address(host) is not None):
        raise ValueError(f"{text!r}: a * stands alone, or before a dot and a name")
    if parse_address(host) is not None:  # such as 127.1
        return Rule(text, scheme, number, make_block(host), None, False)
    return Rule(text, scheme, number, None, host, below)

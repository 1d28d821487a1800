"""A proxy on the way: where it listens, what it speaks, and what it wants to be told."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import unquote

from hookline import InvalidURL, split_url

from .proxies import HTTP

SOCKS = frozenset({"socks4", "socks4a", "socks5", "socks5h"})
# The ports of http and https are those of their schemes (RFC 9110, section 4.2); 1080 is registered for SOCKS.
PORTS = {"http": 80, "https": 443, **dict.fromkeys(SOCKS, 1080)}


@dataclass(frozen=True)
class Hop:
    """A proxy. Equal for two when a connection through one may serve for the other.

    credentials: user and password, decoded; None = none. Never shown.
    """

    scheme: str
    host: str
    port: int
    credentials: tuple[str, str] | None = field(default=None, repr=False)

    def __str__(self) -> str:
        """The URL, without credentials."""
        return f"{self.scheme}://{authority(self.host, self.port)}"

    @cached_property
    def basic(self) -> str | None:
        """The value of Proxy-Authorization for Basic (RFC 7617, section 2), in UTF-8; None without credentials."""
        if self.credentials is None:
            return None
        return "Basic " + base64.b64encode(":".join(self.credentials).encode()).decode()


def authority(host: str, port: int) -> str:
    """`host:port`, an IPv6 address in brackets: what CONNECT asks for (RFC 9112, section 3.2.3)."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def hop_of(url: str) -> Hop:
    """The proxy that a URL names: `scheme://[user[:password]@]host[:port]`; without a scheme it is http.

    Raises: InvalidURL, which shows no credential.
    """
    url = url.strip()
    if "://" not in url:
        url = f"http://{url}"
    try:
        parts, problem = split_url(url), None
    except InvalidURL as error:
        parts, problem = None, str(error)
    if parts is None:
        if "@" in url:
            problem = (
                "scheme://user:password@host:port; in user and password every character but letters and digits is"
                " percent-encoded"
            )
        raise InvalidURL(f"not the URL of a proxy: {problem}")
    if parts.scheme not in PORTS:
        raise InvalidURL(f"a proxy speaks {', '.join(sorted(PORTS))}, not {parts.scheme[:20]!r}")
    if parts.target != "/" or parts.fragment:
        # With an @ in the rest, what was read as the host is the beginning of user and password.
        named = "" if "@" in url else f": {parts.scheme}://{parts.host}"
        raise InvalidURL(f"the URL of a proxy has no path and no query{named}")
    port = PORTS[parts.scheme] if parts.port is None else parts.port
    return Hop(parts.scheme, parts.host, port, _credentials(parts.userinfo, parts.scheme))


def _credentials(userinfo: str | None, scheme: str) -> tuple[str, str] | None:
    """User and password, of which no part is ever shown.

    Raises: InvalidURL.
    """
    if not userinfo:
        return None
    name, _, secret = userinfo.partition(":")
    try:
        decoded = [unquote(part, errors="strict") for part in (name, secret)]
    except UnicodeError:
        decoded = []  # what is raised for it is not chained to this error, which has the password in it
    if not decoded:
        raise InvalidURL("user and password of a proxy are percent-encoded as UTF-8")
    user, password = decoded
    if any(ord(character) < 32 or ord(character) == 127 for character in user + password):
        raise InvalidURL("user and password of a proxy have no control characters")
    if scheme in HTTP and ":" in user:
        raise InvalidURL("the user of a proxy has no colon: Basic cannot carry it (RFC 7617, section 2)")
    if not user and not password:  # ":" names nobody
        return None
    least = 1 if scheme.startswith("socks5") else 0  # python-socks would send neither of them
    if scheme in SOCKS and not (
        user.isascii() and password.isascii() and all(least <= len(text) < 256 for text in (user, password))
    ):
        raise InvalidURL(f"user and password of a SOCKS proxy are ASCII, {least} to 255 characters (RFC 1929)")
    return user, password

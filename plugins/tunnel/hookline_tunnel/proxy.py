"""One proxy: where it listens, which protocol it speaks, and the credentials for it."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import unquote

from hookline import InvalidURL, split_url

HTTP = frozenset({"http", "https"})
SOCKS = frozenset({"socks4", "socks4a", "socks5", "socks5h"})
# The ports of http and https are those of their schemes (RFC 9110, section 4.2); 1080 is registered for SOCKS.
PORTS = {"http": 80, "https": 443, **dict.fromkeys(SOCKS, 1080)}


@dataclass(frozen=True)
class Proxy:
    """A proxy. Two are equal when a connection through one may serve requests for the other.

    scheme: `http`, `https`, or one of `SOCKS`. host: in lower case, an IPv6 address without brackets.
    credentials: user and password, percent-decoded; None = none. No text form of a proxy shows them.

    Example::

        from hookline_tunnel import Proxy

        print(Proxy("http", "proxy.example", 3128, ("user", "secret")))
    """

    scheme: str
    host: str
    port: int
    credentials: tuple[str, str] | None = field(default=None, repr=False)

    def __str__(self) -> str:
        """Return the URL, without credentials."""
        return f"{self.scheme}://{authority(self.host, self.port)}"

    @cached_property
    def speaks_http(self) -> bool:
        """True for an HTTP proxy, with TLS or without; False for a SOCKS proxy."""
        return self.scheme in HTTP

    @cached_property
    def basic(self) -> str | None:
        """The value of Proxy-Authorization for Basic, in UTF-8 (RFC 7617, section 2); None without credentials."""
        if self.credentials is None:
            return None
        return "Basic " + base64.b64encode(":".join(self.credentials).encode()).decode()


def authority(host: str, port: int) -> str:
    """Return `host:port`, an IPv6 address in brackets: the target of a CONNECT (RFC 9112, section 3.2.3)."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def parse_proxy(url: str) -> Proxy:
    """Parse the URL of a proxy, `scheme://[user[:password]@]host[:port]`; without a scheme it is http.

    Raises: InvalidURL, whose message shows no credentials.
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
                "expected scheme://user:password@host:port, with every character of user and password but letters and"
                " digits percent-encoded"
            )
        raise InvalidURL(f"not the URL of a proxy: {problem}")
    if parts.scheme not in PORTS:
        raise InvalidURL(f"the scheme of a proxy is one of {', '.join(sorted(PORTS))}, not {parts.scheme[:20]!r}")
    if parts.target != "/" or parts.fragment:
        # With an @ in the rest, what was parsed as the host is the beginning of user and password.
        named = "" if "@" in url else f": {parts.scheme}://{parts.host}"
        raise InvalidURL(f"the URL of a proxy has no path and no query{named}")
    port = PORTS[parts.scheme] if parts.port is None else parts.port
    return Proxy(parts.scheme, parts.host, port, _credentials(parts.userinfo, parts.scheme))


def _credentials(userinfo: str | None, scheme: str) -> tuple[str, str] | None:
    """Return user and password, percent-decoded, or None when the URL has neither.

    Raises: InvalidURL, whose message shows no part of them.
    """
    if not userinfo:
        return None
    name, _, secret = userinfo.partition(":")
    try:
        decoded = [unquote(part, errors="strict") for part in (name, secret)]
    except UnicodeError:
        decoded = []  # InvalidURL is raised below, not chained to the UnicodeError, which contains the password
    if not decoded:
        raise InvalidURL("user and password of a proxy must be percent-encoded UTF-8")
    user, password = decoded
    if any(ord(character) < 32 or ord(character) == 127 for character in user + password):
        raise InvalidURL("user and password of a proxy must not contain control characters")
    if scheme in HTTP and ":" in user:
        raise InvalidURL("the user of a proxy must not contain a colon: Basic cannot carry it (RFC 7617, section 2)")
    if not user and not password:  # as in http://:@proxy
        return None
    least = 1 if scheme.startswith("socks5") else 0  # python-socks would send neither of them
    if scheme in SOCKS and not (
        user.isascii() and password.isascii() and all(least <= len(text) < 256 for text in (user, password))
    ):
        raise InvalidURL(f"user and password of a SOCKS proxy must be ASCII, {least} to 255 characters (RFC 1929)")
    return user, password

"""Origins, and where a URL points: the part of a request that is the same for all requests to one URL."""

from __future__ import annotations

from ..hooks.dispatch_table import DispatchTable
from ..messages.url import written_host
from ..network.pool import Pool


class Origin:
    """Scheme, host and port (RFC 9110, section 4.3.1), with what every request to it begins with.

    authority: as it stands in the Host field. prefix: what follows the request target, up to the last default field.
    """

    __slots__ = ("authority", "dispatch_table", "host", "key", "pool", "port", "prefix", "scheme", "tls")

    def __init__(self, scheme: str, host: str, port: int, default_port: int, tls: bool) -> None:
        self.scheme = scheme
        self.host = host
        self.port = port
        self.tls = tls
        named = host.partition("%")[0]  # a zone means something on this machine alone (RFC 6874, section 4)
        self.authority = written_host(named) + (f":{port}" if port != default_port else "")
        self.key = (scheme, host, port)
        self.prefix = ""
        self.pool: Pool | None = None
        self.dispatch_table: DispatchTable = None  # type: ignore[assignment]  # the profile that made it sets it

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}"

    def __repr__(self) -> str:
        return f"<Origin {self}>"


class Destination:
    """A URL, taken apart. `url` has no userinfo; `target` is path and query; `userinfo` is a secret.

    heads: of requests with nothing but the defaults and known lines. last: method, given lines, media type and length of
    the last of them with a body, and its head. See `RequestLines.encode`.
    """

    __slots__ = ("fragment", "heads", "last", "origin", "target", "url", "userinfo")

    def __init__(self, url: str, origin: Origin, target: str, userinfo: str | None, fragment: str) -> None:
        self.url = url
        self.origin = origin
        self.target = target
        self.userinfo = userinfo
        self.fragment = fragment
        self.last: tuple[str, str, str | None, int, bytes] = ("", "", None, -1, b"")
        self.heads: dict[tuple[str | None, ...], bytes] = {}

    def with_userinfo(self, userinfo: str | None) -> Destination:
        """The same place, with these credentials or none."""
        return Destination(self.url, self.origin, self.target, userinfo, self.fragment)

    def __repr__(self) -> str:
        return f"<Destination {self.origin}>"

"""Origins and destinations: what is the same for all requests to one origin, and for all requests to one URL."""

from __future__ import annotations

from ..hooks.dispatch_table import DispatchTable
from ..messages.clean_url import written_host
from ..network.pool import Pool


class Origin:
    """An origin: scheme, host and port (RFC 9110, section 4.3.1), and what all requests to it have in common.

    A configuration has one object for each origin; it makes it, and sets `prefix` and `dispatch_table`.

    scheme: in lower case. host: without brackets. port: an int, default_port (the scheme's) if the URL names none.
    tls: True if the scheme uses TLS. key: scheme, host and port, for comparisons.
    authority: host and port as they stand in the Host field. prefix: what follows the request target in the head of a
    request: the version, Host and the other default fields. dispatch_table: of the calls to it. pool: that of the direct route
    to it with the client's own options; None = not used yet.

    Example::

        from hookline import HttpClient, Origin

        origin: Origin = HttpClient().build_request("GET", "https://EXAMPLE.com/").origin
        print(origin.scheme, origin.host, origin.port, origin.authority)
    """

    __slots__ = (
        "authority", "default_port", "dispatch_table", "host", "key", "pool", "port", "prefix", "scheme", "tls",
    )  # fmt: skip

    def __init__(self, scheme: str, host: str, port: int, default_port: int, tls: bool) -> None:
        self.scheme = scheme
        self.host = host
        self.port = port
        self.default_port = default_port
        self.tls = tls
        named = host.partition("%")[0]  # a zone has a meaning on this machine alone (RFC 6874, section 4)
        self.authority = written_host(named) + (f":{port}" if port != default_port else "")
        self.key = (scheme, host, port)
        self.prefix = ""
        self.pool: Pool | None = None
        self.dispatch_table: DispatchTable = None  # type: ignore[assignment]  # the configuration sets it

    def __reduce__(self) -> tuple[type[Origin], tuple[str, str, int, int, bool]]:
        """Copy and pickle it without what belongs to a client."""
        return Origin, (self.scheme, self.host, self.port, self.default_port, self.tls)

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}"

    def __repr__(self) -> str:
        return f"<Origin {self}>"


class Destination:
    """The destination of a request: a URL, split, and the heads of earlier requests to it.

    url: the whole URL without userinfo. origin: its origin. target: path and query. userinfo: what was before the @ of the
    host, a secret; None = there was none. fragment: what followed the #, "" = nothing.
    heads: heads of earlier requests, by method, given lines and Content-Type; those of requests with a body end before the
    length. last: the same three, the length of the body, and the head of the last request with a body. `HttpRequest.encode`
    uses both.
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
        """Return a copy with other userinfo; None = none."""
        return Destination(self.url, self.origin, self.target, userinfo, self.fragment)

    def __reduce__(self) -> tuple[type[Destination], tuple[str, Origin, str, None, str]]:
        """Copy and pickle it without userinfo."""
        return Destination, (self.url, self.origin, self.target, None, self.fragment)

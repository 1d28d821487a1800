"""The proxy that a request is sent to, with the credentials for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from hookline import HttpRequest

if TYPE_CHECKING:
    from .url_parts import Origin


class Hop(Protocol):
    """A member of `route.via`: a proxy on the way. credentials: username and password, None = none."""

    @property
    def scheme(self) -> str: ...

    @property
    def host(self) -> str: ...

    @property
    def port(self) -> int: ...

    @property
    def credentials(self) -> tuple[str, str] | None: ...


class Proxy(NamedTuple):
    """A proxy, and the credentials in its URL. server: its scheme, host and port."""

    server: Origin
    username: str
    password: str

    def __repr__(self) -> str:
        return f"<Proxy {self.server}>"


def proxy_of(request: HttpRequest) -> Proxy | None:
    """Return the proxy that a request is sent to, which is the last hop of its route; None if it goes to the origin.

    A request to a proxy is a CONNECT, or has its target in absolute-form (RFC 9112 section 3.2). A request through a tunnel
    has hops in its route too, but its 407 comes from the origin, which must not get the proxy's credentials. None as well
    if the proxy's URL has no credentials.
    """
    if request.method != "CONNECT" and request.target.startswith(("/", "*")):
        return None
    via: tuple[Hop, ...] = getattr(request.route, "via", ())
    if not via or via[-1].credentials is None:
        return None
    hop = via[-1]
    assert hop.credentials is not None
    return Proxy((hop.scheme, hop.host, hop.port), *hop.credentials)


def has_digest_answer(request: HttpRequest) -> bool:
    """Say whether the request carried an answer to a Digest challenge of the proxy."""
    hop = request.unredirected_headers
    return hop.get("Proxy-Authorization", "").startswith("Digest ")

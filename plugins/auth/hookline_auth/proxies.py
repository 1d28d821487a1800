"""Which proxy a request is spoken to, and with which credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from hookline import HttpRequest

from .digest import HTTPDigestAuth
from .flows import Auth, Flow

if TYPE_CHECKING:
    from .targets import Origin


class Hop(Protocol):
    """A member of `route.via`: a proxy on the way. credentials: user and password, None = none."""

    scheme: str
    host: str
    port: int
    credentials: tuple[str, str] | None


class Proxy(NamedTuple):
    """A proxy that may ask for credentials, and those that there are for it."""

    place: Origin
    username: str
    password: str

    def __repr__(self) -> str:
        return f"<Proxy {self.place}>"


def proxy_of(request: HttpRequest) -> Proxy | None:
    """The proxy that a request is spoken to: the last hop of its route; None where it is for the origin itself.

    A request for a proxy is a CONNECT, or asks in absolute-form (RFC 9112, section 3.2). Behind a tunnel the route has hops
    too, but a 407 there comes from the origin, which must not learn what is meant for the proxy.
    """
    if request.method != "CONNECT" and request.target.startswith(("/", "*")):
        return None
    via: tuple[Hop, ...] = getattr(request.route, "via", ())
    if not via or via[-1].credentials is None:
        return None
    hop = via[-1]
    assert hop.credentials is not None
    return Proxy((hop.scheme, hop.host, hop.port), *hop.credentials)


def was_answered(request: HttpRequest) -> bool:
    """Did the request carry an answer to a proxy's challenge already?"""
    hop = request.unredirected_headers
    return hop.get("Proxy-Authorization", "").startswith("Digest ")


class ProxyDigest(Auth):
    """Answer a proxy. is_asked: it has asked already, and its response comes first."""

    def __init__(self, digest: HTTPDigestAuth, proxy: Proxy, *, is_asked: bool = False) -> None:
        self._digest = digest
        self._proxy = proxy
        self._is_asked = is_asked

    def flow(self, request: Any) -> Flow:
        from .digest_flow import PROXY, conversation

        return conversation(self._digest, request, PROXY, self._proxy.place, request.target, is_asked=self._is_asked)

"""The plugin: choose a proxy for a request, and send it that way."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from hookline import Attribute, DirectRoute, HttpRequest, HttpResponse, Option, Switch, hookimpl

from .environment import Environment
from .proxies import HTTP, Proxies, proxies_of

if TYPE_CHECKING:
    from .hop import Hop

MAX_DECISIONS = 1024
# Of hop-by-hop fields (RFC 9110, section 7.6.1), those that speak to a proxy.
FOR_PROXIES = ("proxy-authorization", "proxy-connection")


class Tunnel:
    """See the module. The environment is read once, when the client is made.

    What only requests through a proxy need is imported with the first of them.
    """

    name = "tunnel"

    def __init__(self) -> None:
        self.environment = Environment(os.environ)
        self.has_proxies = Switch()  # by the environment
        if not self.environment.is_empty:
            self.has_proxies.turn_on()

    @hookimpl
    def declare(self) -> list[Option | Attribute]:
        return [
            Option(
                "proxies",
                self.environment,
                convert=proxies_of,
                doc="proxies by scheme, scheme://host, 'all', and 'no'; {} or None = none, not even the environment's",
            ),
            Attribute("proxy", proxy_of, of="request", doc="the URL of the proxy without credentials, or None"),
            Attribute("tunnel", tunnel_of, of="request", doc="host:port that the proxy connects to, or None"),
        ]

    @hookimpl(trylast=True, options=("proxies",), switch="has_proxies")
    def pre_request(self, response: HttpResponse, cause: str) -> None:
        request: Any = response.request
        proxies = request.proxies
        if proxies is None or proxies.is_empty or cause == "connect":
            return  # as most requests: 0.1 us; and the question to a proxy goes over the connection that it is for
        origin = request.origin
        try:
            hop = proxies.decisions[origin]
        except KeyError:
            hop = self.decide(request, proxies)
        if not request.has_route and request.unix_socket is None:
            if hop is not None and hop.scheme in HTTP and request.type == "http":
                send_to(request, hop)
            else:
                drop_fields_for_proxies(request)
                if hop is not None:
                    send_through(request, hop)

    def decide(self, request: Any, proxies: Proxies) -> Hop | None:
        """The proxy for the origin of a request, remembered for as long as core has that origin.

        Raises: InvalidURL.
        """
        origin = request.origin
        reads = proxies is not self.environment or request.client.trust_env
        hop = proxies.choose(origin.key) if reads else None
        if len(proxies.decisions) >= MAX_DECISIONS:
            proxies.decisions.clear()
        proxies.decisions[origin] = hop
        return hop


def send_to(request: HttpRequest, hop: Hop) -> None:
    """HTTP without TLS goes to the proxy itself, with its target in absolute-form."""
    from .connect import give_basic
    from .routes import proxy_route

    request.target = absolute_form(request.origin.authority, request.target)
    give_basic(request, hop)
    request.route = proxy_route(hop, straight(request), request.verify)


def send_through(request: HttpRequest, hop: Hop) -> None:
    """All else goes through a tunnel that the proxy makes."""
    from .routes import TunnelRoute, proxy_route
    from .socks import socks_route

    direct = straight(request)
    if hop.scheme in HTTP:
        request.route = TunnelRoute(request, proxy_route(hop, direct, request.verify), direct)
    else:
        request.route = socks_route(hop, direct)


def straight(request: HttpRequest) -> DirectRoute:
    """The route that core would take."""
    route = request.route
    assert isinstance(route, DirectRoute)  # nobody has set another
    return route


def drop_fields_for_proxies(request: HttpRequest) -> None:
    """An origin that is spoken to directly, or through a tunnel, gets nothing that is meant for a proxy."""
    for name in FOR_PROXIES:
        if request.has_header(name):
            request.remove_header(name)


def absolute_form(host: str, target: str) -> str:
    """The request target for a proxy (RFC 9112, section 3.2.2); that of OPTIONS * has no path (section 3.2.4)."""
    return f"http://{host}" if target == "*" else f"http://{host}{target}" if target.startswith("/") else target


def proxy_of(request: HttpRequest) -> str | None:
    """`request.proxy`"""
    via = getattr(request.route, "via", ())
    return str(via[-1]) if via else None


def tunnel_of(request: HttpRequest) -> str | None:
    """`request.tunnel`"""
    from .hop import authority
    from .routes import TunnelRoute
    from .socks import SocksRoute

    route = request.route
    return authority(route.host, route.port) if isinstance(route, (TunnelRoute, SocksRoute)) else None

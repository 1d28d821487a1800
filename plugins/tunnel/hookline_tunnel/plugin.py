"""The plugin: choose the proxy of each request, and set the request's route."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hookline import Attribute, ClientOption, DirectRoute, HttpRequest, HttpResponse, Option, Switch, hookimpl

from .environment import EnvironmentProxies
from .proxies import Proxies, parse_proxies

if TYPE_CHECKING:
    from hookline import HttpClient

    from .proxy import Proxy


class TunnelRequest:
    """What this plugin adds to requests, for type checkers.

    Example: docs/typing.md#what-plugins-add
    """

    proxies: Proxies | None
    proxy: str | None
    tunnel: str | None


class TunnelClient:
    """What this plugin adds to clients, for type checkers.

    Example::

        from hookline import HttpClient
        from hookline_tunnel import TunnelClient


        class Client(TunnelClient, HttpClient): ...


        client = Client(proxies={"https": "http://proxy.example:3128"})
        print(client.proxies)
    """

    proxies: ClientOption[Proxies | None, Mapping[str, Any] | Proxies | None]


if TYPE_CHECKING:

    class Request(TunnelRequest, HttpRequest):
        """A request with what this plugin adds."""

        client: HttpClient


MAX_CHOSEN = 1024  # origins for which a `Proxies` remembers the proxy
# The hop-by-hop fields (RFC 9110, section 7.6.1) that are meant for a proxy.
PROXY_FIELDS = ("proxy-authorization", "proxy-connection")


class Tunnel:
    """The plugin `tunnel`. It reads the environment once, when the client is made.

    The modules that only requests through a proxy need are imported with the first such request.

    Example::

        from hookline import HttpClient
        from hookline_tunnel import Tunnel

        client = HttpClient(autoload=False, plugins=[Tunnel()])
    """

    name = "tunnel"

    def __init__(self) -> None:
        self.environment = EnvironmentProxies(os.environ)
        self.has_proxies = Switch()  # on when the environment names a proxy
        if not self.environment.is_empty:
            self.has_proxies.turn_on()

    @hookimpl
    def declare(self) -> list[Option | Attribute]:
        return [
            Option(
                "proxies",
                self.environment,
                convert=parse_proxies,
                doc="proxies by scheme, scheme://host, 'all', and 'no'; {} or None = none, not even the environment's",
                expected="a mapping as {'all': 'http://proxy:3128'}",
            ),
            Attribute("proxy", proxy_url, of="request", doc="the URL of the proxy without credentials, or None"),
            Attribute("tunnel", tunnel_authority, of="request", doc="host:port that the proxy connects to, or None"),
        ]

    @hookimpl(trylast=True, options=("proxies",), switch="has_proxies")
    def pre_request(self, response: HttpResponse[Request], cause: str) -> None:
        request = response.request
        proxies = request.proxies
        if proxies is None or proxies.is_empty or cause == "connect":
            return  # as most requests, after 0.1 us; a CONNECT has its route already
        origin = request.origin
        try:
            proxy = proxies.chosen[origin]
        except KeyError:
            proxy = self.choose(request, proxies)
        if not request.has_route and request.unix_socket is None:
            if proxy is not None and request.origin.scheme == "http" and proxy.speaks_http:
                send_to_proxy(request, proxy)
            else:
                remove_proxy_fields(request)
                if proxy is not None:
                    send_through_proxy(request, proxy)

    def choose(self, request: Request, proxies: Proxies) -> Proxy | None:
        """Choose the proxy for the origin of a request, None = connect directly, and remember it.

        Raises: InvalidURL.

        Example::

            from hookline import HttpClient
            from hookline_tunnel import Tunnel

            plugin = Tunnel()
            client = HttpClient(autoload=False, plugins=[plugin], proxies={"https": "http://proxy.example:3128"})
            request = client.build_request("GET", "https://origin.example/")
            print(plugin.choose(request, request.proxies))
        """
        origin = request.origin
        applies = proxies is not self.environment or request.client.trust_env
        proxy = proxies.choose(origin.key) if applies else None
        if len(proxies.chosen) >= MAX_CHOSEN:
            proxies.chosen.clear()
        proxies.chosen[origin] = proxy
        return proxy


def send_to_proxy(request: HttpRequest, proxy: Proxy) -> None:
    """Send a request of the scheme http to the proxy itself, its target in absolute-form."""
    from .connect import add_basic
    from .proxy_route import proxy_route

    request.target = absolute_form(request.origin.authority, request.target)
    add_basic(request, proxy)
    request.route = proxy_route(proxy, direct_route(request), request.verify)


def send_through_proxy(request: HttpRequest, proxy: Proxy) -> None:
    """Send any other request through a tunnel, or through a SOCKS proxy."""
    from .proxy_route import proxy_route
    from .socks import socks_route
    from .tunnel_route import TunnelRoute

    direct = direct_route(request)
    if proxy.speaks_http:
        request.route = TunnelRoute(request, proxy_route(proxy, direct, request.verify), direct)
    else:
        request.route = socks_route(proxy, direct)


def direct_route(request: HttpRequest) -> DirectRoute:
    """Return the route to the origin that core would take."""
    route = request.route
    assert isinstance(route, DirectRoute)  # no plugin has set another
    return route


def remove_proxy_fields(request: HttpRequest) -> None:
    """Remove the fields that are meant for a proxy, since the origin itself reads this request."""
    for name in PROXY_FIELDS:
        if request.has_header(name):
            request.remove_header(name)


def absolute_form(authority: str, target: str) -> str:
    """Return the request target for a proxy (RFC 9112, section 3.2.2); that of `OPTIONS *` has no path (section 3.2.4)."""
    if target == "*":
        return f"http://{authority}"
    return f"http://{authority}{target}" if target.startswith("/") else target


def proxy_url(request: HttpRequest) -> str | None:
    """Return the value of `request.proxy`."""
    via = getattr(request.route, "via", ())
    return str(via[-1]) if via else None


def tunnel_authority(request: HttpRequest) -> str | None:
    """Return the value of `request.tunnel`."""
    from .proxy import authority
    from .socks import SocksRoute
    from .tunnel_route import TunnelRoute

    route = request.route
    return authority(route.host, route.port) if isinstance(route, (TunnelRoute, SocksRoute)) else None

"""The plugins `guard` and `guard_route`: let no request out but to where its guard permits.

The address is checked at three points: `connecting` leaves only permitted addresses to dial, those of the one look-up that the
dial uses; `connected` checks the peer of the connection before each request, whoever has opened it; and `guard_route`, which
runs when other plugins have chosen a proxy, has the proxy connect to an address that was looked up and checked here.

`guard` runs first on pre_request, so that nothing answers for a host that the URL alone shows to be denied. An answer without a
connection, such as a cache's, is checked when it comes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import TYPE_CHECKING, Any

from hookline import Carrier, HttpResponse, Option, Switch, hookimpl

if TYPE_CHECKING:
    from hookline import HttpClient

    from .guard import Guard
    from .options import Request

NOTE = "guard"  # in `response.notes`: the answer was checked


class EgressGuard:
    """Check URLs, addresses and connections. Its other modules are imported with the first `guard=`.

    Example::

        from hookline import HttpClient
        from hookline_guard import EgressGuard

        client = HttpClient(autoload=False, plugins=[EgressGuard()])
    """

    name = "guard"

    def __init__(self) -> None:
        self.is_used = Switch()  # on from the first `guard=`: without it, no hook but `pre_request` is called

    @hookimpl
    def declare(self) -> list[Option]:
        return [
            Option(
                "guard",
                None,
                convert=self.convert,
                doc="a Guard: where requests may lead; True = Guard(), False = none",
                expected="a Guard, True or False",
            )
        ]

    def convert(self, value: Any) -> Guard | bool | None:
        """Convert the value of `guard=`. Raises: TypeError.

        Example::

            from hookline_guard import EgressGuard

            print(EgressGuard().convert(True))
        """
        from .guard import as_guard

        found = as_guard(value)
        if found:
            self.is_used.turn_on()
        return found

    @hookimpl
    def attached(self, client: HttpClient) -> None:
        """Check that a client that requires the guard has one. Raises: PluginError."""
        if client.plugins["guard"].is_required:
            from .checks import guards_of

            request: Any = client.build_request("GET", "http://guard.invalid/")
            guards_of(request)

    @hookimpl(tryfirst=True, options=("guard",))
    def pre_request(self, response: HttpResponse[Request], cause: str) -> None:
        request = response.request
        if is_unguarded(request):
            return  # as most requests, if any hook has no precondition
        from .checks import check_url, guards_of

        guards = guards_of(request)
        if guards:
            self.is_used.turn_on()  # a handler may have set the guard, unconverted
            check_url(guards, request)

    @hookimpl(trylast=True, switch="is_used")
    def connecting(self, request: Request, host: str, port: int, addresses: list[str]) -> Sequence[str] | None:
        from .checks import check_dial, guards_of

        guards = guards_of(request)
        return check_dial(guards, request, host, port, addresses) if guards else None

    @hookimpl(switch="is_used")
    def connected(self, request: Request, connection: Carrier) -> None:
        from .checks import check_connection, guards_of

        guards = guards_of(request)
        if guards:
            check_connection(guards, request, connection)

    @hookimpl(tryfirst=True, switch="is_used")
    def on_headers(self, response: HttpResponse[Request], cause: str) -> Awaitable[None] | None:
        return check_answer(response) if response.is_built else None

    @hookimpl(tryfirst=True, switch="is_used")
    def post_request(
        self, response: HttpResponse[Request], exc: BaseException | None, cause: str
    ) -> Awaitable[None] | None:
        if exc is not None or not response.is_built or NOTE in response.notes:
            return None
        return check_answer(response)


class EgressGuardRoute:
    """Check the route that other plugins have chosen. Behind a proxy, look the host up.

    Example::

        from hookline import HttpClient
        from hookline_guard import EgressGuardRoute

        client = HttpClient(autoload=False, plugins=[EgressGuardRoute()])
    """

    name = "guard_route"
    after = ("app_route", "cache_vary", "digest", "http2", "oauth1", "testing", "tunnel")

    @hookimpl(trylast=True, options=("guard",))
    def pre_request(self, response: HttpResponse[Request], cause: str) -> Awaitable[None] | None:
        request = response.request
        if is_unguarded(request):
            return None
        from .checks import check_route, guards_of, look_up_behind_proxy, needs_look_up

        guards = guards_of(request)
        if guards:
            if needs_look_up(guards, request):
                return look_up_behind_proxy(guards, request)
            check_route(guards, request)
        return None


def is_unguarded(request: Request) -> bool:
    """Say whether a request has no guard, without importing what checks one that has."""
    if request.parent is not None:
        return False
    plugin = request.configuration.plugins.get("guard")
    return plugin is None or (not request.guard and not plugin.is_required)


async def check_answer(response: HttpResponse[Request]) -> None:
    """Check where a request would have gone that a plugin has answered without the network.

    Raises: EgressBlocked, DNSError.
    """
    from .addresses import parse_address
    from .checks import check_url, guards_of, permitted_addresses

    request = response.request
    guards = guards_of(request)
    if guards and NOTE not in response.notes:
        check_url(guards, request)
        origin = request.origin
        proxies: Any = getattr(request, "proxies", None)
        has_proxy = proxies is not None and proxies.choose(origin.key) is not None
        is_trusted = has_proxy and all(guard.trust_proxy for guard in guards)  # then the proxy decides about names
        if parse_address(origin.host) is None and not is_trusted:
            addresses = await request.client.resolve(origin.host, origin.port)
            permitted_addresses(guards, request, origin.scheme, origin.host, origin.port, addresses)
        response.notes[NOTE] = True

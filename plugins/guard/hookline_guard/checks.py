"""What is checked of a request: its URL, its route, the addresses that are dialled, and the peer of its connection."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from hookline import Carrier, DirectRoute, HttpConnectionError, HttpRequest, PluginError

from .addresses import parse_address
from .errors import EgressBlocked
from .guard import Denial, Guard, as_guard

if TYPE_CHECKING:
    from .options import Request

Guards = Sequence[Guard]
IS_REQUIRED = (
    "the client was made with require=['guard'], so that no call is sent without the guard of the client; a call can add a"
    " Guard, which narrows it"
)


def guards_of(request: Request) -> Guards:
    """Return the guards that a request has to pass; empty if it has none.

    These are that of its call, and if the client requires the plugin, that of the client too. A sub-request of a plugin has
    those of the request for whose sake it is sent.

    Raises: PluginError, if the guard of a client that requires it is missing, or a call switches it off.
    """
    plugin = request.configuration.plugins.get("guard")
    if plugin is None:
        return ()
    if request.parent is None and not plugin.is_required:
        guard = request.guard
        return (guard,) if isinstance(guard, Guard) else (Guard(),) if guard else ()
    found: list[Guard] = []
    own: Guard | bool | None = getattr(request.client, "guard", None)  # a call may have added the plugin
    if plugin.is_required:
        if not own:
            raise PluginError("require=['guard'] needs a guard: HttpClient(guard=Guard(), require=['guard'])")
        found.append(own)  # type: ignore[arg-type]  # True is converted
    each: Any = request
    while each is not None:
        value = getattr(each, "guard", None)
        # a sub-request was made with the options of the client, whatever its call has
        if value and (value is not own or each.parent is None) and value not in found:
            found.append(as_guard(value))  # type: ignore[arg-type]  # not False
        elif not value and plugin.is_required and (each.parent is None or value is not own):
            raise PluginError(f"guard={value}: {IS_REQUIRED}")
        each = each.parent
    return found


def block(
    request: HttpRequest, denial: Denial, what: str, host: str, port: int, address: str | None = None
) -> NoReturn:
    """Raise the error for something that is denied. what: in words."""
    advice = f"; {denial.advice}" if denial.advice else ""
    raise EgressBlocked(
        f"{request.method} {request.origin}: {what} is denied by {denial.rule}{advice}",
        rule=denial.rule,
        host=host,
        port=port,
        address=address,
        request=request,
    )


def is_for_tunnel(request: HttpRequest) -> bool:
    """Say whether it is the CONNECT for the tunnel of another request. Its own URL is that of the proxy."""
    return request.method == "CONNECT" and request.parent is not None and bool(via_of(request))


def via_of(request: HttpRequest) -> Sequence[Any]:
    """Return the proxies of the route that a plugin has set; empty if there is none.

    A route may have other things in `via`, to keep its connections apart from others.
    """
    via = getattr(request.route, "via", ()) if request.has_route else ()
    return [proxy for proxy in via if hasattr(proxy, "host") and hasattr(proxy, "port")]


def check_url(guards: Guards, request: HttpRequest) -> None:
    """Check scheme, host and port of the URL.

    Raises: EgressBlocked.
    """
    if is_for_tunnel(request):
        return
    origin = request.origin
    for guard in guards:
        if origin.key not in guard._permitted:
            denial = guard.find_denial(origin.scheme, origin.host, origin.port)
            if denial is not None:
                address = origin.host if parse_address(origin.host) is not None else None
                block(request, denial, origin.host, origin.host, origin.port, address)
            guard._remember(origin.key)


def permitted_addresses(
    guards: Guards, request: HttpRequest, scheme: str, host: str, port: int, addresses: Iterable[str]
) -> list[str]:
    """Return those of the addresses of a host that no guard denies. The others are left out: they are never connected to.

    Raises: EgressBlocked, if none is left.
    """
    permitted: list[str] = []
    first: tuple[Denial, str] | None = None
    for address in addresses:
        denials = (guard.find_denial(scheme, host, port, address) for guard in guards)
        denial = next(filter(None, denials), None)
        if denial is None:
            permitted.append(address)
        elif first is None:
            first = denial, address
    if not permitted and first is not None:
        denial, address = first
        named = address if address == host else f"{address}, an address of {host},"
        block(request, denial, named, host, port, address)
    return permitted


def check_route(guards: Guards, request: HttpRequest) -> None:
    """Check how a request gets to its server: what other plugins have set, unix sockets, and the target behind a proxy.

    Raises: EgressBlocked.
    """
    path = request.unix_socket
    if request.has_route:
        route: Any = request.route
        if via_of(request):
            check_behind_proxy(guards, request, route)
            return
        if type(route) is not DirectRoute:
            check_named_route(guards, request, type(route).__name__)
            return
        path = route.unix_socket
    if path is not None:
        check_unix_socket(guards, request, path)


def check_named_route(guards: Guards, request: HttpRequest, name: str) -> None:
    """Check that the class of a route is named in `routes=`. Raises: EgressBlocked."""
    for guard in guards:
        if name not in guard.routes:
            denial = Denial("routes=", f"Guard(routes=[{name!r}]) permits it")
            block(request, denial, f"the route {name}, which another plugin has set,", request.origin.host, 0)


def check_unix_socket(guards: Guards, request: HttpRequest, path: str) -> None:
    """Check that a unix socket is named in `unix_sockets=`. Raises: EgressBlocked."""
    for guard in guards:
        if path not in guard.unix_sockets:
            denial = Denial("unix_sockets=", f"Guard(unix_sockets=[{path!r}]) permits it")
            block(request, denial, f"the unix socket {path!r}", path, 0)


def check_behind_proxy(guards: Guards, request: HttpRequest, route: Any) -> None:
    """Check the address that a proxy gets, if the guard does not trust it. A name it would look up by itself.

    Raises: EgressBlocked.
    """
    if is_for_tunnel(request):
        return  # the tunnel's target was checked with the request that it is for
    origin = request.origin
    address = getattr(route, "address", None) if leads_to_origin(request, route) else None
    for guard in guards:
        denial = guard.find_denial(origin.scheme, origin.host, origin.port, address, is_last=True)
        if denial is not None:
            block(
                request, denial, f"{address or origin.host} behind {route.via[-1]}", origin.host, origin.port, address
            )
        if address is None and parse_address(origin.host) is None and not guard.trust_proxy:
            denial = Denial(
                "trust_proxy=False",
                "give the URL with https, or Guard(trust_proxy=True) if the proxy has a guard itself",
            )
            block(request, denial, f"{route.via[-1]}, which would look {origin.host} up,", origin.host, origin.port)


def leads_to_origin(request: HttpRequest, route: Any) -> bool:
    """Say whether a route through a proxy ends at the origin, as a tunnel does, and not at the proxy."""
    origin = request.origin
    return (getattr(route, "host", None), getattr(route, "port", None)) == (origin.host, origin.port)


def uses_own_proxy(request: HttpRequest) -> bool:
    """Say whether the proxies of a request are those of its client, and not of the call alone."""
    while is_for_tunnel(request) and request.parent is not None:
        request = request.parent
    return getattr(request, "proxies", None) is getattr(request.client, "proxies", None)


async def look_up_behind_proxy(guards: Guards, request: HttpRequest) -> None:
    """Look the host of a request up that goes through a proxy, and have the proxy connect to a permitted address.

    Raises: EgressBlocked, DNSError.
    """
    origin, client = request.origin, request.client
    addresses = await client.resolve(origin.host, origin.port)
    permitted = permitted_addresses(guards, request, origin.scheme, origin.host, origin.port, addresses)
    route = request.route.to_address(permitted[0])
    if route is not None:
        request.route = route
    check_route(guards, request)


def needs_look_up(guards: Guards, request: HttpRequest) -> bool:
    """Say whether a proxy would get the name of the host, which it would look up by itself."""
    if not via_of(request) or is_for_tunnel(request) or all(guard.trust_proxy for guard in guards):
        return False
    route: Any = request.route
    is_name = parse_address(request.origin.host) is None
    return is_name and leads_to_origin(request, route) and getattr(route, "address", None) is None


def check_dial(
    guards: Guards, request: HttpRequest, host: str, port: int, addresses: Sequence[str]
) -> Sequence[str] | None:
    """Check a dial; return the addresses that may be dialled. None: all of them.

    Raises: EgressBlocked.
    """
    check_route(guards, request)
    if not addresses:
        if port == 0:  # a unix socket; else another plugin has left no address
            check_unix_socket(guards, request, host)
        return None
    scheme = request.origin.scheme
    for proxy in via_of(request):
        if (proxy.host, proxy.port) == (host, port):
            if uses_own_proxy(request):
                return None
            scheme = getattr(proxy, "scheme", scheme)
    return permitted_addresses(guards, request, scheme, host, port, addresses)


def check_connection(guards: Guards, request: HttpRequest, connection: Carrier) -> None:
    """Check the connection that a request is about to be sent on, whoever has opened it.

    Raises: EgressBlocked; HttpConnectionError, if it was lost, and its address is unknown.
    """
    peer: Any = connection.facts().peer
    origin = request.origin
    known = None
    if isinstance(peer, tuple) and not request.has_route and request.unix_socket is None:
        known = (origin.key, peer)
        if all(known in guard._permitted for guard in guards):
            return
    check_url(guards, request)
    check_route(guards, request)
    scheme, host = origin.scheme, origin.host
    via = via_of(request)
    if via:
        if uses_own_proxy(request):
            return
        scheme, host = getattr(via[-1], "scheme", scheme), via[-1].host
    elif request.has_route and isinstance(request.route, DirectRoute):
        host = request.route.host
    if isinstance(peer, tuple):
        permitted_addresses(guards, request, scheme, host, peer[1], [peer[0]])
    elif via or (type(request.route) is DirectRoute and request.route.unix_socket is None):
        raise HttpConnectionError(f"the connection to {host} was lost before it was used", request=request)
    if known is not None:
        for guard in guards:
            guard._remember(known)

"""The names of `urllib.request.Request` that a jar of `http.cookiejar` reads in a request, as attributes of requests."""

from collections.abc import Callable

from hookline import Attribute, HttpRequest


def attributes() -> list[Attribute]:
    """Return the declarations of the attributes; `has_header` and `get_header` are those of the request itself."""
    names: dict[str, Callable[[HttpRequest], object]] = {
        "type": lambda request: request.origin.scheme,
        "host": lambda request: request.origin.host,
        "origin_req_host": origin_req_host,
        "unverifiable": lambda request: bool(request.history),
        "get_full_url": lambda request: lambda: request.url,
        "add_unredirected_header": lambda request: request.unredirected_headers.__setitem__,
    }
    return [Attribute(name, get, of="request", doc="for jars of http.cookiejar") for name, get in names.items()]


def origin_req_host(request: HttpRequest) -> str:
    """Return the host of the first request of the call (RFC 2965's request-host of the origin transaction)."""
    history = request.history
    first: HttpRequest = history[0].request if history else request
    return first.origin.host

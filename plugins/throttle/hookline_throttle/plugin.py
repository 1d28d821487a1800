"""The plugin `throttle`: wait before a request until its limits allow it, and free its slot when its exchange is over.

The events after the request are implemented by an object of their own, which is registered with a client when it first throttles
a request. So clients without `throttle=` call nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any

from hookline import Attribute, HttpClient, HttpRequest, HttpResponse, Option, hookimpl

if TYPE_CHECKING:
    from .throttle import Throttle
    from .throttled_exchange import ThrottledExchanges


class ThrottleRequest:
    """What this plugin adds to requests, for type checkers.

    Example::

        from hookline import HttpClient, HttpRequest, HttpResponse
        from hookline_throttle import Throttle, ThrottleRequest


        class Request(ThrottleRequest, HttpRequest): ...


        client: HttpClient[HttpResponse[Request]] = HttpClient(plugins=["throttle"], throttle=Throttle("10/s"))
        print(client.build_request("GET", "http://127.0.0.1:8000/").throttle)
    """

    throttle: Throttle | bool | None


class ThrottleResponse:
    """What this plugin adds to responses, for type checkers.

    Example::

        from hookline import HttpClient, HttpResponse, Throttle
        from hookline_throttle import ThrottleResponse


        class Response(ThrottleResponse, HttpResponse): ...


        async with HttpClient[Response](throttle=Throttle("10/s")) as client:
            print((await client.get("http://127.0.0.1:8000/")).throttled)
    """

    throttled: float


class ThrottleClient:
    """What this plugin adds to clients, for type checkers.

    Example::

        from hookline import HttpClient
        from hookline_throttle import Throttle, ThrottleClient


        class Client(ThrottleClient, HttpClient): ...


        client = Client(plugins=["throttle"], throttle=Throttle("10/s"))
        print(client.throttle)
    """

    throttle: Throttle | bool | None


if TYPE_CHECKING:

    class Request(ThrottleRequest, HttpRequest):
        """A request with what this plugin adds."""


class HttpThrottle:
    """Let requests wait until their limits allow them. It does nothing for requests without `throttle=`.

    Example::

        from hookline import HttpClient
        from hookline_throttle import HttpThrottle

        client = HttpClient(autoload=False, plugins=[HttpThrottle()])
    """

    name = "throttle"
    after = ("cache", "guard")
    before = ("basic", "cache_vary", "cookies", "digest", "oauth1", "oauth2", "tunnel")

    def __init__(self) -> None:
        self._exchanges: ThrottledExchanges | None = None

    @hookimpl
    def declare(self) -> list[Option | Attribute]:
        return [
            Option(
                "throttle",
                None,
                convert=check_throttle,
                expected="a Throttle or False",
                doc="a Throttle: how many requests are sent per second and at once; False = no limit",
            ),
            Attribute(
                "throttled", throttled_of, doc="the seconds that the request waited for its turn; 0.0 = it did not"
            ),
        ]

    @hookimpl
    def attached(self, client: HttpClient) -> None:
        if getattr(client, "throttle", None):
            self._begin().register(client)

    @hookimpl(tryfirst=True, options=("throttle",))
    def pre_request(self, response: HttpResponse[Request], cause: str) -> Awaitable[None] | None:
        throttle = response.request.throttle
        if not throttle:
            return None
        return (self._exchanges or self._begin()).enter(response, throttle)

    @hookimpl
    def disconnected(self, connection: Any) -> None:
        if self._exchanges is not None:
            self._exchanges.end_upgraded(connection)

    def _begin(self) -> ThrottledExchanges:
        from .throttled_exchange import ThrottledExchanges

        self._exchanges = self._exchanges or ThrottledExchanges()
        return self._exchanges


def check_throttle(value: Any) -> Any:
    """Check the value of `throttle=`; see `as_throttle` in `throttle`, which is imported at its first use."""
    if value is not False:
        from .throttle import as_throttle

        as_throttle(value)
    return value


def throttled_of(response: HttpResponse) -> float:
    """Return `response.throttled`."""
    admission = response.notes.get(HttpThrottle.name)
    return 0.0 if admission is None else admission.throttled

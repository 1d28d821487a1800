"""The plugin `http2`. What speaks HTTP/2 is imported with the first connection that does."""

from __future__ import annotations

from asyncio import AbstractEventLoop
from typing import TYPE_CHECKING, Any

from hookline import DirectRoute, HttpRequest, HttpResponse, MultiplexedConnection, Option, Protocol, hookimpl

from .options import PRIOR_KNOWLEDGE, as_engine, as_http2, as_ping_interval, as_priority


class Http2Request:
    """What this plugin adds to requests, for type checkers.

    Example::

        from hookline import HttpClient, HttpRequest, HttpResponse
        from hookline_http2 import Http2Request


        class Request(Http2Request, HttpRequest): ...


        client: HttpClient[HttpResponse[Request]] = HttpClient(plugins=["http2"], priority="u=1")
        print(client.build_request("GET", "http://127.0.0.1:8000/").priority)
    """

    http2: Any
    priority: str | None


class Http2Client:
    """What this plugin adds to clients, for type checkers.

    Example::

        from hookline import HttpClient
        from hookline_http2 import Http2Client


        class Client(Http2Client, HttpClient): ...


        client = Client(plugins=["http2"], http2=True)
        print(client.http2)
    """

    http2: Any
    http2_engine: str | None
    http2_ping_interval: float | None
    priority: str | None


if TYPE_CHECKING:

    class Request(Http2Request, HttpRequest):
        """A request with what this plugin adds."""


class Http2:
    """Offer HTTP/2 to servers with TLS, and speak it with those that choose it.

    Example::

        from hookline import HttpClient
        from hookline_http2 import Http2

        client = HttpClient(autoload=False, plugins=[Http2()])
    """

    name = "http2"
    after = ("tunnel",)  # which may set another route

    @hookimpl
    def declare(self) -> list[Option | Protocol]:
        return [
            Protocol("h2", make_connection, options=("http2_engine", "http2_ping_interval")),
            Option(
                "http2", True, convert=as_http2, doc=f"True = where TLS chooses it; {PRIOR_KNOWLEDGE!r} = http:// too"
            ),
            Option(
                "http2_engine", None, request=False, convert=as_engine, doc="'ngh2' or 'h2', None = the best installed"
            ),
            Option(
                "http2_ping_interval",
                None,
                request=False,
                convert=as_ping_interval,
                doc="seconds of silence before a PING, and until it must be answered; None = no PING",
            ),
            Option(
                "priority", None, convert=as_priority, doc="urgency from 0 (first) to 7, or a text such as 'u=1, i'"
            ),
        ]

    @hookimpl(trylast=True, options=("http2",), schemes=("http",))
    def pre_request(self, response: HttpResponse[Request]) -> None:
        """Speak HTTP/2 in cleartext, if the caller says that the server does (RFC 9113, section 3.3)."""
        request = response.request
        if request.http2 == PRIOR_KNOWLEDGE:
            route, origin = request.route, request.origin
            # not to an HTTP proxy, of which nothing is known
            if isinstance(route, DirectRoute) and (route.host, route.port) == (origin.host, origin.port):
                request.route = route.replace(protocol="h2")

    @hookimpl(statuses=(421,))
    def on_headers(self, response: HttpResponse[Request]) -> None:
        """Misdirected Request (RFC 9110, section 15.5.20): this connection is not for the origin, another one may be."""
        session = None if response.connection is None else response.connection.session
        if isinstance(session, MultiplexedConnection) and session.protocol == "h2":
            session.go_away()
            response.buffer()  # else a caller who reads a stream would have the response before another is sent for
            response.notes["http2.misdirected"] = True

    @hookimpl(statuses=(421,))
    def post_request(self, response: HttpResponse[Request], exc: BaseException | None) -> HttpRequest | None:
        request = response.request
        if exc is not None or "http2.misdirected" not in response.notes or not request.can_be_sent:
            return None
        if any("http2.misdirected" in earlier.notes for earlier in response.history):
            return None  # once
        return request.copy(cause="misdirected")


def make_connection(loop: AbstractEventLoop, **options: Any) -> MultiplexedConnection:
    """Make a connection; the first one imports the engine."""
    from .connection import Http2Connection

    return Http2Connection(loop, **options)

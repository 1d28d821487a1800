"""The mock: routes, the requests that came, and the check that both match."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from hookline import HttpRequest, Route

from ..memory.connection import ServerConnection
from ..memory.exchange import Exchange
from ..memory.origin import Origin
from ..memory.route import MemoryRoute
from ..memory.server import MemoryServer
from ..network import Interceptor
from ..server.seen_request import SeenRequest
from .errors import UnexpectedRequest, UnusedRoute, describe_unexpected, describe_unused
from .expectation import ANYTHING, Expectation
from .mock_route import MockRoute
from .url_pattern import UrlPattern

Url = str | re.Pattern[str]


class Mock(Interceptor):
    """Answers requests instead of the network, inside its `with` block; at the end of that, it calls `verify`.

    calls: every request that came, expected or not. unexpected: a text about each request that no route expects.

    Example::

        from hookline import HttpClient
        from hookline_testing import Mock

        with Mock() as mock, HttpClient() as client:
            mock.get("https://api.example/items/7").reply(json={"n": 7})
            mock.route("*", "https://api.example/any").reply(204)
            mock.head("https://api.example/items/7").reply(200)
            mock.post("https://api.example/items", json={"n": 8}).reply(201)
            mock.put("https://api.example/items/8").reply(200)
            mock.patch("https://api.example/items/8").reply(200)
            mock.delete("https://api.example/items/8").reply(204)
            mock.passthrough("http://127.0.0.1:*")
            print(client.get("https://api.example/items/7").json(), client.get("http://127.0.0.1:8000/").ok)
            client.request("REPORT", "https://api.example/any")
            client.head("https://api.example/items/7")
            client.post("https://api.example/items", json={"n": 8})
            for send in (client.put, client.patch, client.delete):
                send("https://api.example/items/8")
            mock.verify()  # as the end of the block does
    """

    def __init__(self) -> None:
        super().__init__()
        self.routes: list[MockRoute] = []
        self.calls: list[SeenRequest] = []
        self.unexpected: list[str] = []
        self._passthrough: list[UrlPattern] = []
        self._server = MemoryServer(self._serve)

    def route(
        self,
        method: str,
        url: Url,
        *,
        params: Mapping[str, str | Sequence[str]] | None = None,
        headers: Mapping[str, str | None] | None = None,
        content: bytes | None = None,
        json: Any = ANYTHING,
        form: Mapping[str, str] | Sequence[tuple[str, str]] | None = None,
        optional: bool = False,
    ) -> MockRoute:
        """Add a route for requests. Of several routes that match, the first one with unused replies answers, else the first.

        method: "*" = any. url: text in which `*` stands for any characters, or a compiled regular expression for the whole
        URL; without a query it matches any query. params, headers, content, json, form: see `Expectation`; a field with the
        value None must be missing. optional: True if it is no error when the route is not used.

        Raises: ValueError, for a URL without a scheme.
        """
        expected = Expectation(method.upper(), UrlPattern(url), params, headers, content, json, form)
        route = MockRoute(expected, optional=optional)
        self.routes.append(route)
        return route

    def get(self, url: Url, **expected: Any) -> MockRoute:
        """Expect GET requests (see `route`)."""
        return self.route("GET", url, **expected)

    def head(self, url: Url, **expected: Any) -> MockRoute:
        """Expect HEAD requests (see `route`)."""
        return self.route("HEAD", url, **expected)

    def post(self, url: Url, **expected: Any) -> MockRoute:
        """Expect POST requests (see `route`)."""
        return self.route("POST", url, **expected)

    def put(self, url: Url, **expected: Any) -> MockRoute:
        """Expect PUT requests (see `route`)."""
        return self.route("PUT", url, **expected)

    def patch(self, url: Url, **expected: Any) -> MockRoute:
        """Expect PATCH requests (see `route`)."""
        return self.route("PATCH", url, **expected)

    def delete(self, url: Url, **expected: Any) -> MockRoute:
        """Expect DELETE requests (see `route`)."""
        return self.route("DELETE", url, **expected)

    def passthrough(self, *patterns: Url) -> None:
        """Let requests to these URLs go out to the network."""
        self._passthrough += [UrlPattern(pattern) for pattern in patterns]

    def verify(self) -> None:
        """Check that all requests were expected, and all routes and replies used.

        Raises: UnexpectedRequest, UnusedRoute.
        """
        unused = [(r.expected, *r.counts) for r in self.routes if r.has_replies_left and not r.optional]
        texts = [*self.unexpected, *([describe_unused(unused)] if unused else [])]
        if self.unexpected:
            raise UnexpectedRequest("\n".join(texts))
        if unused:
            raise UnusedRoute("\n".join(texts))

    def route_for(self, request: HttpRequest) -> Route | None:
        if any(pattern.matches(request.url.partition("#")[0]) for pattern in self._passthrough):
            return None
        origin = request.origin
        return MemoryRoute(self._server, Origin(origin.scheme, origin.host, origin.port))

    def __exit__(self, kind: type[BaseException] | None, *error: Any) -> None:
        super().__exit__(kind, *error)
        if kind is None:
            self.verify()

    async def _serve(self, connection: ServerConnection) -> None:
        while (request := await connection.next_request()) is not None:
            exchange = Exchange(connection, request)
            while await exchange.read_piece():
                pass
            self.calls.append(request)
            matching = [route for route in self.routes if not route.expected.differences(request)]
            if not matching:
                text = describe_unexpected(request, [route.expected for route in self.routes])
                self.unexpected.append(text)
                raise UnexpectedRequest(text)
            await next((route for route in matching if route.has_replies_left), matching[0]).answer(exchange)
            await exchange.end()

"""The mock: routes, the requests that came, and whether both fit together."""

from __future__ import annotations

import inspect
import re
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Self

from hookline import HttpRequest, Route

from ..memory.exchange import Exchange
from ..memory.line import Line, Lines, Place
from ..memory.route import PlaceRoute
from ..network import Interceptor
from ..server.seen import SeenRequest
from .expected import ANYTHING, Expected
from .pattern import UrlPattern
from .reply import NOTHING, Reply
from .report import UnexpectedRequest, UnusedRoute, describe_unexpected, describe_unused

Answer = Callable[[Exchange], Awaitable[None]]
Url = str | re.Pattern[str]


class MockRoute:
    """One expectation and its replies, which are used in order; the last one again and again.

    calls: the requests that it answered. optional: may nobody use it?
    """

    def __init__(self, expected: Expected, *, optional: bool = False) -> None:
        self.expected = expected
        self.optional = optional
        self.calls: list[SeenRequest] = []
        self._answers: list[Answer] = []

    def reply(
        self,
        status: int = 200,
        *,
        headers: Mapping[str, str] | Iterable[tuple[str, str]] = (),
        content: bytes | Iterable[bytes] | AsyncIterable[bytes] = b"",
        json: Any = NOTHING,
        text: str | None = None,
        reason: str | None = None,
    ) -> Self:
        """Answer with a response; see `Reply`."""
        reply = Reply(status, headers=headers, content=content, json=json, text=text, reason=reason)
        return self._then(reply.send)

    def respond(self, function: Callable[[SeenRequest], Reply | Awaitable[Reply]]) -> Self:
        """Answer with what `function(request)` returns or, where it is a coroutine function, comes to."""

        async def respond(exchange: Exchange) -> None:
            reply = function(exchange.request)
            if inspect.isawaitable(reply):
                reply = await reply
            await reply.send(exchange)

        return self._then(respond)

    def fail(self, error: BaseException | type[BaseException]) -> Self:
        """Raise an error where the client waits for the response: `hookline.ReadTimeout`, …"""

        async def fail(exchange: Exchange) -> None:
            exchange.line.fail(error() if isinstance(error, type) else error)

        return self._then(fail)

    def stall(self) -> Self:
        """Never answer: the client has to give up."""

        async def stall(exchange: Exchange) -> None:
            await exchange.line.gone.wait()

        return self._then(stall)

    def _then(self, answer: Answer) -> Self:
        self._answers.append(answer)
        return self

    @property
    def counts(self) -> tuple[int, int]:
        """How many of its replies were used, and how many it has; without any it has one."""
        count = max(1, len(self._answers))
        return min(len(self.calls), count), count

    @property
    def has_replies_left(self) -> bool:
        used, count = self.counts
        return used < count

    async def answer(self, exchange: Exchange) -> None:
        """Take a request."""
        number = len(self.calls)
        self.calls.append(exchange.request)
        if self._answers:
            await self._answers[min(number, len(self._answers) - 1)](exchange)
        else:
            await Reply().send(exchange)


class Mock(Interceptor):
    """See the module. Active inside its `with` block; leaving that raises what was not as expected.

    calls: every request that came, expected or not. unexpected: texts about those that no route expects.
    """

    def __init__(self) -> None:
        super().__init__()
        self.routes: list[MockRoute] = []
        self.calls: list[SeenRequest] = []
        self.unexpected: list[str] = []
        self._passed: list[UrlPattern] = []
        self._lines = Lines(self._serve)

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
        """Expect requests. Of several routes that fit, the first one with replies left answers, else the first.

        method: "*" for any. url: with `*` for any run of characters, or a compiled regular expression for all of it; without
        a query it fits any. params, headers, content, json, form: what the request must have besides; a field that is None
        must not be there. optional: it is no failure when nobody asks.

        Raises: ValueError, for a pattern without a scheme.
        """
        expected = Expected(method.upper(), UrlPattern(url), params, headers, content, json, form)
        route = MockRoute(expected, optional=optional)
        self.routes.append(route)
        return route

    def get(self, url: Url, **expected: Any) -> MockRoute:
        """Expect GET requests; see `route`."""
        return self.route("GET", url, **expected)

    def head(self, url: Url, **expected: Any) -> MockRoute:
        """Expect HEAD requests; see `route`."""
        return self.route("HEAD", url, **expected)

    def post(self, url: Url, **expected: Any) -> MockRoute:
        """Expect POST requests; see `route`."""
        return self.route("POST", url, **expected)

    def put(self, url: Url, **expected: Any) -> MockRoute:
        """Expect PUT requests; see `route`."""
        return self.route("PUT", url, **expected)

    def patch(self, url: Url, **expected: Any) -> MockRoute:
        """Expect PATCH requests; see `route`."""
        return self.route("PATCH", url, **expected)

    def delete(self, url: Url, **expected: Any) -> MockRoute:
        """Expect DELETE requests; see `route`."""
        return self.route("DELETE", url, **expected)

    def passthrough(self, *patterns: Url) -> None:
        """Let requests to these URLs go out to the network."""
        self._passed += [UrlPattern(pattern) for pattern in patterns]

    def verify(self) -> None:
        """Raises: UnexpectedRequest, UnusedRoute."""
        unused = [(r.expected, *r.counts) for r in self.routes if r.has_replies_left and not r.optional]
        texts = [*self.unexpected, *([describe_unused(unused)] if unused else [])]
        if self.unexpected:
            raise UnexpectedRequest("\n".join(texts))
        if unused:
            raise UnusedRoute("\n".join(texts))

    def route_for(self, request: HttpRequest) -> Route | None:
        if any(pattern.fits(request.url.partition("#")[0]) for pattern in self._passed):
            return None
        origin = request.origin
        return PlaceRoute(self._lines, Place(origin.scheme, origin.host, origin.port))

    def __exit__(self, kind: type[BaseException] | None, *error: Any) -> None:
        super().__exit__(kind, *error)
        if kind is None:
            self.verify()

    async def _serve(self, line: Line) -> None:
        while (request := await line.next_request()) is not None:
            exchange = Exchange(line, request)
            while await exchange.read_piece():
                pass
            self.calls.append(request)
            fitting = [route for route in self.routes if not route.expected.differences(request)]
            if not fitting:
                text = describe_unexpected(request, [route.expected for route in self.routes])
                self.unexpected.append(text)
                raise UnexpectedRequest(text)
            await next((route for route in fitting if route.has_replies_left), fitting[0]).answer(exchange)
            await exchange.end()

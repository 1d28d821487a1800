"""One mocked route: the requests that it expects, and its replies."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable, Mapping
from typing import Any, Self

from ..memory.exchange import Exchange
from ..server.seen_request import SeenRequest
from .expectation import Expectation
from .reply import NOTHING, Reply

Answer = Callable[[Exchange], Awaitable[None]]


class MockRoute:
    """One expectation and its replies, which are used in order; the last one is used again and again.

    calls: the requests that it answered. optional: True if it is no error when the route is not used.

    Example::

        from hookline import HttpClient, HttpTimeout, ReadTimeout
        from hookline_testing import Mock, MockRoute, Reply

        with Mock() as mock, HttpClient() as client:
            route: MockRoute = mock.get("https://api.example/items/*").reply(200, text="first")
            route.respond(lambda request: Reply(200, json={"path": request.path})).fail(ReadTimeout("slow")).stall()
            for _ in range(4):
                try:
                    print(client.get("https://api.example/items/7", timeout=0.1).text, route.counts)
                except HttpTimeout as error:
                    print(type(error).__name__)
    """

    def __init__(self, expected: Expectation, *, optional: bool = False) -> None:
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
        """Answer with a response (see `Reply`)."""
        reply = Reply(status, headers=headers, content=content, json=json, text=text, reason=reason)
        return self._add(reply.send)

    def respond(self, function: Callable[[SeenRequest], Reply | Awaitable[Reply]]) -> Self:
        """Answer with the `Reply` that `function(request)` returns; it may be a coroutine function."""

        async def respond(exchange: Exchange) -> None:
            reply = function(exchange.request)
            if inspect.isawaitable(reply):
                reply = await reply
            await reply.send(exchange)

        return self._add(respond)

    def fail(self, error: BaseException | type[BaseException]) -> Self:
        """Raise an error in the client's call, such as `hookline.ReadTimeout`, instead of a response."""

        async def fail(exchange: Exchange) -> None:
            exchange.connection.fail(error() if isinstance(error, type) else error)

        return self._add(fail)

    def stall(self) -> Self:
        """Never answer: the client waits until it times out or is cancelled."""

        async def stall(exchange: Exchange) -> None:
            await exchange.connection.gone.wait()

        return self._add(stall)

    def _add(self, answer: Answer) -> Self:
        self._answers.append(answer)
        return self

    @property
    def counts(self) -> tuple[int, int]:
        """The number of replies that were used, and of all; a route without replies has one, an empty 200."""
        count = max(1, len(self._answers))
        return min(len(self.calls), count), count

    @property
    def has_replies_left(self) -> bool:
        used, count = self.counts
        return used < count

    async def answer(self, exchange: Exchange) -> None:
        """Answer a request with the next reply.

        Example::

            from hookline_testing import MockRoute


            class Noted(MockRoute):
                async def answer(self, exchange):
                    print(exchange.request.path)
                    await super().answer(exchange)
        """
        number = len(self.calls)
        self.calls.append(exchange.request)
        if self._answers:
            await self._answers[min(number, len(self._answers) - 1)](exchange)
        else:
            await Reply().send(exchange)

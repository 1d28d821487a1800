"""Which answer belongs to which request: a queue first, then a function."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from .script import Script
from .seen import SeenRequest
from .segments import Cut

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter, SeenRequest], Awaitable[None]]
Answer = bytes | Script | Handler
Responder = Callable[[SeenRequest], Answer]


@dataclass(frozen=True, slots=True)
class Plan:
    """One answer and the manner in which it is given."""

    answer: Answer
    cut: Cut | None = None
    early: bool = False
    close: bool = False

    @property
    def is_early(self) -> bool:
        """Tell whether the answer begins before the request's body was read."""
        return self.early or (isinstance(self.answer, Script) and self.answer.is_early)


class Answers:
    """What a test has said that a server shall do."""

    def __init__(self) -> None:
        self._queues: dict[int | None, deque[Plan]] = {}
        self._greetings: dict[int | None, deque[Script]] = {}
        self._responder: Callable[[SeenRequest], Plan] | None = None
        self._responds_early = False

    def answer(
        self,
        *answers: Answer,
        cut: Cut | None = None,
        early: bool = False,
        close: bool = False,
        connection: int | None = None,
    ) -> None:
        """Append answers to the queue; each is used for one request.

        Args:
            answers: bytes, a Script, or an `async def handler(reader, writer, request)`.
            cut: how bytes are cut; None: as the server is set.
            early: answer when the head is there; the body is read afterwards, or by `request.read_body()`.
            close: close the connection after the answer.
            connection: only for requests on the connection of this number, counted from 1.
        """
        self._queues.setdefault(connection, deque()).extend(Plan(each, cut, early, close) for each in answers)

    def respond(
        self, responder: Responder, *, cut: Cut | None = None, early: bool = False, close: bool = False
    ) -> None:
        """Where the queue is empty, answer with what `responder(request)` returns; with `early`, before the body."""
        self._responds_early = early
        self._responder = lambda request: Plan(responder(request), cut, early, close)

    def always(self, answer: Answer, *, cut: Cut | None = None, early: bool = False, close: bool = False) -> None:
        """Where the queue is empty, answer with `answer`."""
        early = Plan(answer, early=early).is_early
        self.respond(lambda request: answer, cut=cut, early=early, close=close)

    def greet(self, script: Script, *, connection: int | None = None) -> None:
        """Run `script` on the next connection, or on that number, at once: before TLS and before any request."""
        self._greetings.setdefault(connection, deque()).append(script)

    def take_greeting(self, connection: int) -> Script | None:
        """Return the script for a new connection, if there is one, and remove it."""
        queue = self._greetings.get(connection) or self._greetings.get(None)
        return queue.popleft() if queue else None

    async def take(self, request: SeenRequest) -> Plan | None:
        """Return the answer for `request`, of which only the head is there; None where there is none.

        Reads the body, unless the answer is an early one.
        """
        queue = self._queues.get(request.connection) or self._queues.get(None)
        plan = queue.popleft() if queue else None
        early = plan.is_early if plan is not None else self._responds_early
        if not early:
            await request.read_body()
        if plan is None and self._responder is not None:
            plan = self._responder(request)
        return plan

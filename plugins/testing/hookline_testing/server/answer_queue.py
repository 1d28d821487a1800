"""The answers of a scripted server, and which request gets which."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from .cut import Cut
from .script import Script
from .seen_request import SeenRequest

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter, SeenRequest], Awaitable[None]]
Answer = bytes | Script | Handler
Responder = Callable[[SeenRequest], Answer]


@dataclass(frozen=True, slots=True)
class PlannedAnswer:
    """One answer. cut: None = as the server is set. early: before the body was read. close: afterwards."""

    answer: Answer
    cut: Cut | None = None
    early: bool = False
    close: bool = False

    @property
    def is_early(self) -> bool:
        """True if the answer begins before the request's body was read."""
        return self.early or (isinstance(self.answer, Script) and self.answer.is_early)


class AnswerQueue:
    """The answers that wait for requests, a responder for when there are none, and scripts for new connections.

    A connection of None stands for every connection that has no queue of its own.
    """

    def __init__(self) -> None:
        self._answers: dict[int | None, deque[PlannedAnswer]] = {}
        self._greetings: dict[int | None, deque[Script]] = {}
        self._responder: Callable[[SeenRequest], PlannedAnswer] | None = None
        self._responds_early = False

    def put(self, answers: Iterable[PlannedAnswer], connection: int | None) -> None:
        """Append answers for the requests of a connection."""
        self._answers.setdefault(connection, deque()).extend(answers)

    def set_responder(self, responder: Callable[[SeenRequest], PlannedAnswer], *, early: bool) -> None:
        """Set the function that makes the answer if the queue is empty. early: it is called before the body is read."""
        self._responds_early = early
        self._responder = responder

    def put_greeting(self, script: Script, connection: int | None) -> None:
        """Append a script that runs at once on a new connection."""
        self._greetings.setdefault(connection, deque()).append(script)

    def take_greeting(self, connection: int) -> Script | None:
        """Remove and return the script for a new connection, None = there is none."""
        queue = self._greetings.get(connection) or self._greetings.get(None)
        return queue.popleft() if queue else None

    async def take(self, request: SeenRequest) -> PlannedAnswer | None:
        """Remove and return the answer for `request`, None = there is none. Unless the answer is early, read the body."""
        queue = self._answers.get(request.connection) or self._answers.get(None)
        planned = queue.popleft() if queue else None
        early = planned.is_early if planned is not None else self._responds_early
        if not early:
            await request.read_body()
        if planned is None and self._responder is not None:
            planned = self._responder(request)
        return planned

"""The body of a response that a plugin has built: it is received as if it came from the network."""

from __future__ import annotations

import asyncio
from contextlib import AbstractContextManager, aclosing, nullcontext
from typing import Any

from ..messages.request_body import CHUNKS_PER_TURN, Source
from ..network.loop_resources import LoopResources
from ..wire.carrier import ConnectionFacts, ResponseReceiver
from ..wire.response_head import ResponseHead
from ..wire.stream import Stream


class _Nowhere:
    """Stands for the connection of a response that came from none."""

    loop: Any = None
    alive = True
    transport: Any = None

    def stream_ended(self, stream: Any) -> None:
        """Do nothing."""

    def keeping_unread_answer(self) -> AbstractContextManager[None]:
        """Keep nothing: nothing is sent."""
        return nullcontext()

    def facts(self) -> ConnectionFacts:
        """Return facts that say nothing."""
        return ConnectionFacts("", None, None, None, None)


_NOWHERE = _Nowhere()


class BuiltBody(Stream):
    """The body of a response that a plugin has built, as a carrier: events, limits and back-pressure are those of a stream.

    `start` begins; once `continue_after_head` is called, the body is read. A source is read in a task of its own, no more than
    256 KiB ahead of who reads a stream.
    """

    __slots__ = ("_content", "_resources", "_resumed", "_task", "head_of_answer")

    def __init__(self, content: bytes | Source, head: ResponseHead) -> None:
        """content: the body; it is read once. head: that of the response."""
        super().__init__(_NOWHERE)
        self._content: bytes | Source | None = content
        self.head_of_answer = head
        self.complete = False
        self._resources: LoopResources | None = None
        self._task: asyncio.Task[None] | None = None
        self._resumed: asyncio.Future[None] | None = None

    @property
    def is_started(self) -> bool:
        """True once `start` was called."""
        return self._resources is not None

    def start(self, receiver: ResponseReceiver, resources: LoopResources) -> None:
        """Begin with the head. resources: of the loop that runs."""
        self._resources, self.loop = resources, resources.loop
        self.begin(receiver)
        self.last_read = self.loop.time()
        self._take = Stream._take_data
        self._show_final_head(self.head_of_answer, b"")

    def continue_after_head(self, *, bounded: bool) -> None:
        super().continue_after_head(bounded=bounded)
        content, self._content = self._content, None
        if isinstance(content, Source):
            assert self._resources is not None
            self._task = self._resources.start(self._pump(content, self._resources))
        elif content is not None:
            self.receive_data(content)
            self.receive_end()

    async def _pump(self, source: Source, resources: LoopResources) -> None:
        """Receive the body from its source. What the source raises ends the exchange, and so does the end of the client."""
        try:
            await resources.until_closed(self._receive(source))
        except Exception as error:  # noqa: BLE001  # it reaches the reader
            self.fail(error)

    async def _receive(self, source: Source) -> None:
        count = 0
        async with aclosing(source.chunks()) as chunks:
            async for chunk in chunks:
                self.receive_data(chunk)
                count += 1
                if self.is_reading_paused:
                    self._resumed = self.loop.create_future()
                    await self._resumed
                elif count % CHUNKS_PER_TURN == 0:
                    await asyncio.sleep(0)
        self.receive_end()

    def continue_reading(self) -> None:
        if self._resumed is not None and not self._resumed.done():
            self._resumed.set_result(None)

    def reset(self) -> None:
        """Do nothing: there is no peer to tell."""

    def ended(self) -> None:
        """Stop reading the source."""
        self._content = None
        if self._task is not None and self._task is not asyncio.current_task(self.loop):
            self._task.cancel()

    @property
    def _may_have_body(self) -> bool:
        return True  # whoever builds a response says what its body is

"""Iterating over events: `async for` in a running loop, `for` without one."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from hookline import HttpClient

    from .event import ServerSentEvent


class EventIteration:
    """The base of what gives events. A subclass has `take_parsed`, `read` and the client whose loop they need."""

    _client: HttpClient

    def take_parsed(self) -> ServerSentEvent | None:
        """Return the next event if its bytes were read already, else None."""
        raise NotImplementedError

    async def read(self) -> ServerSentEvent | None:
        """Return the next event, which may have to arrive first; None at the end."""
        raise NotImplementedError

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> ServerSentEvent:
        event = self.take_parsed() or await self.read()
        if event is None:
            raise StopAsyncIteration
        return event

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> ServerSentEvent:
        event = self.take_parsed() or run_synchronously(self._client, self.read())
        if event is None:
            raise StopIteration
        return event


def run_synchronously(client: HttpClient, coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine on the client's own loop, and return its result.

    Raises: RuntimeError, in a running loop; what the coroutine raises.
    """
    result = client.run(coroutine)
    if inspect.iscoroutine(result):
        result.close()
        raise RuntimeError("an event loop is running: use `async with` and `async for` to read events")
    return result

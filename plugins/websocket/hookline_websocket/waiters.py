"""Coroutines that wait for the next change of something."""

from __future__ import annotations

import asyncio


class Waiters:
    """The coroutines that wait until `wake` is called; they check their condition again then."""

    __slots__ = ("_loop", "_waiting")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: set[asyncio.Future[None]] = set()

    async def wait(self) -> None:
        """Wait for the next call of `wake`."""
        waiter = self._loop.create_future()
        self._waiting.add(waiter)
        try:
            await waiter
        finally:
            self._waiting.discard(waiter)

    def wake(self) -> None:
        """Let all coroutines that wait now go on."""
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_result(None)

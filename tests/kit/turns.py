"""Turns of the loop: counting them while something else is going on, and waiting until a task has come to a certain place."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from hookline import HttpResponse


class Turns:
    """How many turns another task has had so far."""

    def __init__(self) -> None:
        self.count = 0


@asynccontextmanager
async def counted_turns(pause: float) -> AsyncIterator[Turns]:
    """Count the turns of a task that waits `pause` seconds between two of them."""
    turns = Turns()

    async def count() -> None:
        while True:
            turns.count += 1
            await asyncio.sleep(pause)

    task = asyncio.create_task(count())
    try:
        yield turns
    finally:
        task.cancel()


async def until(condition: Callable[[], object], seconds: float = 10) -> None:
    """Wait until a condition holds that nothing tells of.

    Raises:
        TimeoutError: it does not hold after so many seconds.
    """
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  # nothing tells of it
            await asyncio.sleep(0.001)


async def until_it_waits_for_data(response: HttpResponse) -> None:
    """Wait until the reader of a response waits for more of its body from the network."""
    await until(lambda: (waiter := getattr(response.connection, "waiter", None)) is not None and not waiter.done())

"""Counting the turns that the loop gets while something else is going on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


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

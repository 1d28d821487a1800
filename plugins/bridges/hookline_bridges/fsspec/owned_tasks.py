"""The tasks of one call: fsspec starts one for each file or range, and lets them run on if the call is cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextvars import ContextVar
from typing import Any, TypeVar
from weakref import WeakSet

T = TypeVar("T")


class _Call:
    """A call. tasks: those that have begun to work for it. is_over: no others may begin."""

    def __init__(self) -> None:
        self.tasks: WeakSet[asyncio.Task[Any]] = WeakSet()
        self.is_over = False


_call: ContextVar[_Call | None] = ContextVar("hookline_bridges.fsspec.call", default=None)  # tasks inherit it


async def own_tasks(coroutine: Coroutine[Any, Any, T]) -> T:
    """Await a coroutine; if it fails or is cancelled, cancel the tasks that work for it, and wait for their end."""
    call, own = _Call(), asyncio.current_task()
    token = _call.set(call)
    try:
        return await coroutine
    except BaseException:
        call.is_over = True
        others = [task for task in call.tasks if task is not own and not task.done()]
        for task in others:
            task.cancel()
        if others:
            await asyncio.wait(others)
        raise
    finally:
        _call.reset(token)


def join_call() -> None:
    """Let the running task be cancelled with the call that it works for.

    Raises: CancelledError, if that is over already.
    """
    call = _call.get()
    if call is not None:
        if call.is_over:
            raise asyncio.CancelledError
        task = asyncio.current_task()
        if task is not None:
            call.tasks.add(task)

"""The life of an ASGI application: its startup and its shutdown."""

from __future__ import annotations

import asyncio
from typing import Any

from .asgi import VERSION, AsgiApp, Message

PATIENCE = 30.0  # seconds for startup, and for shutdown


class Lifespan:
    """See the module. `state` is what the application has put there, for the scopes of its requests.

    An application that raises before it says anything does not know this protocol, and is served without it; that is
    what the specification asks of servers.
    """

    def __init__(self, app: AsgiApp) -> None:
        self._app = app
        self.state: dict[str, Any] = {}
        self._inbox: asyncio.Queue[Message] = asyncio.Queue()
        self._outbox: asyncio.Queue[Message] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        self._is_known = True

    async def startup(self) -> None:
        """Raises: RuntimeError, when the application says that it failed; TimeoutError."""
        self._task = asyncio.get_running_loop().create_task(self._run())
        self._inbox.put_nowait({"type": "lifespan.startup"})
        answer = await self._answer("startup")
        if answer is None:
            self._is_known = False
        elif answer["type"] == "lifespan.startup.failed":
            raise await self._failure("startup", answer)

    async def shutdown(self) -> None:
        """Raises: RuntimeError, when the application says that it failed; TimeoutError; what it raises."""
        assert self._task is not None
        if not self._is_known:
            return
        self._inbox.put_nowait({"type": "lifespan.shutdown"})
        answer = await self._answer("shutdown")
        if answer is not None and answer["type"] == "lifespan.shutdown.failed":
            raise await self._failure("shutdown", answer)
        await self._task

    async def _run(self) -> None:
        scope = {"type": "lifespan", "asgi": dict(VERSION), "state": self.state}
        await self._app(scope, self._inbox.get, self._outbox.put)

    async def _answer(self, what: str) -> Message | None:
        """What the application says next; None when it has ended without a word."""
        assert self._task is not None
        saying = asyncio.ensure_future(self._outbox.get())
        try:
            done, _ = await asyncio.wait([saying, self._task], timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
            if not done:
                self._task.cancel()
                await asyncio.wait([self._task])
                raise TimeoutError(f"the application did not complete its {what} within {PATIENCE:g} s")
            if saying in done:
                return saying.result()
            if not self._task.cancelled() and what == "startup":
                self._task.exception()
            return None
        except asyncio.CancelledError:
            self._task.cancel()
            raise
        finally:
            saying.cancel()
            await asyncio.wait([saying])

    async def _failure(self, what: str, answer: Message) -> RuntimeError:
        """The error for an application that says that it failed, with its own behind it."""
        assert self._task is not None
        await asyncio.wait([self._task], timeout=1)
        cause = self._task.exception() if self._task.done() and not self._task.cancelled() else None
        self._task.cancel()
        text = str(answer.get("message", "")).strip()
        error = RuntimeError(f"the {what} of the application failed" + (f": {text.splitlines()[-1]}" if text else ""))
        error.__cause__ = cause
        return error

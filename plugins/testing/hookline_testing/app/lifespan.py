"""The lifespan of an ASGI application: its startup and its shutdown."""

from __future__ import annotations

import asyncio
from typing import Any

from .asgi import VERSION, AsgiApp, Message

TIMEOUT = 30.0  # seconds for the startup, and for the shutdown


class Lifespan:
    """Runs the lifespan protocol of an application.

    state: filled by the application, and copied into the scopes of its requests. An application that raises before it
    answers does not support the protocol, and is served without it, as the specification requires.
    """

    def __init__(self, app: AsgiApp) -> None:
        self._app = app
        self.state: dict[str, Any] = {}
        self._to_app: asyncio.Queue[Message] = asyncio.Queue()
        self._from_app: asyncio.Queue[Message] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        self._is_supported = True

    async def startup(self) -> None:
        """Run the startup.

        Raises: RuntimeError, when the application reports a failure; TimeoutError.
        """
        self._task = asyncio.get_running_loop().create_task(self._run())
        self._to_app.put_nowait({"type": "lifespan.startup"})
        answer = await self._next_message("startup")
        if answer is None:
            self._is_supported = False
        elif answer["type"] == "lifespan.startup.failed":
            raise await self._failure("startup", answer)

    async def shutdown(self) -> None:
        """Run the shutdown.

        Raises: RuntimeError, when the application reports a failure; TimeoutError; what the application raises.
        """
        assert self._task is not None
        if not self._is_supported:
            return
        self._to_app.put_nowait({"type": "lifespan.shutdown"})
        answer = await self._next_message("shutdown")
        if answer is not None and answer["type"] == "lifespan.shutdown.failed":
            raise await self._failure("shutdown", answer)
        await self._task

    async def _run(self) -> None:
        scope = {"type": "lifespan", "asgi": dict(VERSION), "state": self.state}
        await self._app(scope, self._to_app.get, self._from_app.put)

    async def _next_message(self, phase: str) -> Message | None:
        """Return the next message of the application; None when it has ended without one."""
        assert self._task is not None
        message = asyncio.ensure_future(self._from_app.get())
        try:
            done, _ = await asyncio.wait([message, self._task], timeout=TIMEOUT, return_when=asyncio.FIRST_COMPLETED)
            if not done:
                self._task.cancel()
                await asyncio.wait([self._task])
                raise TimeoutError(f"the application did not complete its {phase} within {TIMEOUT:g} s")
            if message in done:
                return message.result()
            if not self._task.cancelled() and phase == "startup":
                self._task.exception()
            return None
        except asyncio.CancelledError:
            self._task.cancel()
            raise
        finally:
            message.cancel()
            await asyncio.wait([message])

    async def _failure(self, phase: str, answer: Message) -> RuntimeError:
        """Return the error for a reported failure, with the exception of the application as its cause."""
        assert self._task is not None
        await asyncio.wait([self._task], timeout=1)
        cause = self._task.exception() if self._task.done() and not self._task.cancelled() else None
        self._task.cancel()
        text = str(answer.get("message", "")).strip()
        error = RuntimeError(f"the {phase} of the application failed" + (f": {text.splitlines()[-1]}" if text else ""))
        error.__cause__ = cause
        return error

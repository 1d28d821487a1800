"""A gate between threads: one waits until another opens it."""

from __future__ import annotations

from .condition import Condition


class Gate:
    """Closed until `open` is called. Tests, scripts and handlers can wait for it and open it, each in its own thread.

    Example::

        from hookline import HttpClient
        from hookline_testing.server import Gate, Script, ScriptedServer, response

        gate = Gate()
        async with HttpClient() as client:
            with ScriptedServer() as server:
                server.answer(Script().signal(gate).send(response(b"late")))
                await client.get(server.url("/"))
                await gate.until()
        gate.open()  # again; without a running loop `gate.wait_for()` waits
        print(gate.is_open)
    """

    def __init__(self) -> None:
        self._condition = Condition()
        self._open = False

    @property
    def is_open(self) -> bool:
        """True after `open()`."""
        return self._open

    def open(self) -> None:
        """Open the gate, for good."""
        self._open = True
        self._condition.notify_all()

    def wait_for(self, timeout: float = 5) -> None:
        """Block until the gate is open, for at most `timeout` seconds.

        Raises:
            AssertionError: it stayed closed.

        Example::

            from hookline_testing.server import Gate

            gate = Gate()
            gate.open()
            gate.wait_for()
        """
        self._condition.wait_for(lambda: self._open, timeout, lambda: "The gate is still closed")

    async def until(self, timeout: float = 5) -> None:
        """Do the same as `wait_for`, without blocking the running event loop.

        Raises:
            AssertionError: it stayed closed.
        """
        await self._condition.until(lambda: self._open, timeout, lambda: "The gate is still closed")

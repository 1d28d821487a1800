"""A script says, step by step, what a scripted server does with a connection."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable

from .changes import Gate
from .connection import Connection
from .segments import Cut

Step = Callable[[Connection], Awaitable[None]]


class Script:
    """Steps in order; each method adds one and returns the script. A script can be used any number of times.

    `Script(head(200, [("Content-Length", "9")])).send(b"half").reset()` sends a part, lets the client read it, resets.
    """

    def __init__(self, *data: bytes, cut: Cut | None = None) -> None:
        self._steps: list[Step] = []
        # True: the answer begins when the head is there, and reads the body by a step of its own.
        self.is_early = False
        for part in data:
            self.send(part, cut)

    async def run(self, connection: Connection) -> None:
        """Take the steps, until one of them closes the connection."""
        for step in self._steps:
            if connection.is_over:
                return
            await step(connection)

    def then(self, step: Step) -> Script:
        """Await `step(connection)`."""
        self._steps.append(step)
        return self

    def send(self, data: bytes, cut: Cut | None = None) -> Script:
        """Send `data`, cut as `cut` says or as the server is set."""
        return self.then(lambda connection: connection.send(data, cut))

    def until_read(self) -> Script:
        """Wait until the client has read all that was sent."""
        return self.then(lambda connection: connection.until_read())

    def drip(self, data: bytes, interval: float = 0.01, size: int = 1) -> Script:
        """Send `size` bytes of `data` every `interval` seconds."""
        return self.then(lambda connection: connection.drip(data, interval, size))

    def endless(self, block: bytes) -> Script:
        """Send `block` again and again until the client is gone."""
        return self.then(lambda connection: connection.endless(block))

    def pause(self, seconds: float) -> Script:
        """Wait."""
        return self.then(lambda connection: asyncio.sleep(seconds))

    def hold(self, gate: Gate, timeout: float = 30) -> Script:
        """Wait until the test opens `gate`."""
        return self.then(lambda connection: gate.until(timeout))

    def signal(self, gate: Gate) -> Script:
        """Open `gate`, for a test that waits until the script has come this far."""

        async def signal(connection: Connection) -> None:
            gate.open()

        return self.then(signal)

    def read_body(self) -> Script:
        """Read the rest of the request's body; all steps before this one happen as soon as its head is there."""

        async def read_body(connection: Connection) -> None:
            if connection.request is not None:
                await connection.request.read_body()

        self.is_early = True
        return self.then(read_body)

    def refuse_to_read(self, seconds: float | None = None) -> Script:
        """Take nothing from the socket for `seconds`, None: until the client is gone.

        The answer begins as soon as the head is there. `ScriptedServer(receive_buffer=4096)` makes the client's buffers
        fill sooner; some megabytes fit nevertheless.
        """
        self.is_early = True
        return self.then(lambda connection: connection.refuse_to_read(seconds))

    def stall(self) -> Script:
        """Send nothing more and leave the connection open until the client closes it."""
        return self.then(lambda connection: connection.until_gone())

    def half_close(self) -> Script:
        """Send FIN and go on reading requests."""
        return self.then(lambda connection: connection.half_close())

    def close(self) -> Script:
        """Close in order, under TLS with close_notify."""
        return self.then(lambda connection: connection.close())

    def drop(self) -> Script:
        """Close at once, under TLS without close_notify: the end that could be an attacker's."""

        async def drop(connection: Connection) -> None:
            connection.drop()

        return self.then(drop)

    def reset(self) -> Script:
        """Send RST, after the client has read all that was sent before it."""
        return self.then(lambda connection: connection.reset())

    def start_tls(self, context: ssl.SSLContext, greeting: bytes = b"") -> Script:
        """Send `greeting` (the answer to a CONNECT) and go on in TLS; requests inside are recorded like others."""
        return self.then(lambda connection: connection.start_tls(context, greeting))

"""A script: the steps that a scripted server takes on a connection."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable

from .connection import Connection
from .cut import Cut
from .gate import Gate

Step = Callable[[Connection], Awaitable[None]]


class Script:
    """A list of steps. Each method adds one and returns the script. A script can be used any number of times.

    `Script(head(200, [("Content-Length", "9")])).send(b"half").reset()` sends a part of a response, lets the client read it,
    and resets the connection.

    Example: docs/testing.md#scripts-with-all-steps
    """

    def __init__(self, *data: bytes, cut: Cut | None = None) -> None:
        self._steps: list[Step] = []
        # True: the answer begins when the head has come, and a step reads the body.
        self.is_early = False
        for part in data:
            self.send(part, cut)

    async def run(self, connection: Connection) -> None:
        """Run the steps, until one of them closes the connection."""
        for step in self._steps:
            if connection.is_over:
                return
            await step(connection)

    def then(self, step: Step) -> Script:
        """Add a step of your own, `await step(connection)`."""
        self._steps.append(step)
        return self

    def send(self, data: bytes, cut: Cut | None = None) -> Script:
        """Send `data`. cut: None = as the answer or the server is set."""
        return self.then(lambda connection: connection.send(data, cut))

    def send_exactly(self, data: bytes) -> Script:
        """Write these bytes on the connection. Over HTTP/2 they are frames, such as `Frame.serialize()` of hyperframe gives."""
        return self.then(lambda connection: connection.send_exactly(data))

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
        """Wait so many seconds."""
        return self.then(lambda connection: asyncio.sleep(seconds))

    def hold(self, gate: Gate, timeout: float = 30) -> Script:
        """Wait until the test opens `gate`."""
        return self.then(lambda connection: gate.until(timeout))

    def signal(self, gate: Gate) -> Script:
        """Open `gate`, for a test that waits for this step."""

        async def signal(connection: Connection) -> None:
            gate.open()

        return self.then(signal)

    def read_body(self) -> Script:
        """Read the rest of the request's body. The steps before this one run as soon as the head has come."""

        async def read_body(connection: Connection) -> None:
            if connection.request is not None:
                await connection.request.read_body()

        self.is_early = True
        return self.then(read_body)

    def refuse_to_read(self, seconds: float | None = None) -> Script:
        """Read nothing from the socket for `seconds`; None = until the client is gone.

        The answer begins as soon as the head has come. With `ScriptedServer(receive_buffer=4096)` the client's buffers
        fill sooner, but still take some megabytes.
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
        """Close the connection, under TLS with close_notify."""
        return self.then(lambda connection: connection.close())

    def drop(self) -> Script:
        """Close the connection at once, under TLS without close_notify, as an attacker could."""

        async def drop(connection: Connection) -> None:
            connection.drop()

        return self.then(drop)

    def reset(self) -> Script:
        """Send RST, after the client has read everything sent before."""
        return self.then(lambda connection: connection.reset())

    def reset_stream(self, error_code: int = 8) -> Script:
        """Over HTTP/2, send RST_STREAM after the client has read everything sent before; 8 is CANCEL. The connection goes on."""
        return self.then(lambda connection: connection.reset_stream(error_code))

    def start_tls(self, context: ssl.SSLContext, greeting: bytes = b"") -> Script:
        """Send `greeting` (the answer to a CONNECT), then make a TLS handshake; the requests in it are seen like others."""
        return self.then(lambda connection: connection.start_tls(context, greeting))

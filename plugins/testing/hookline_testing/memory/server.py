"""A server in memory: it makes connections, and answers each in a task."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

from hookline import Connection, DirectRoute, HttpClient

from ..server.request_reader import HEAD_LIMIT
from .connection import ServerConnection
from .origin import Origin

CLOSE_TIMEOUT = 5.0  # seconds that requests may take to end when the server is closed


class _Protocol(asyncio.StreamReaderProtocol):
    """A stream protocol that calls `on_gone` when the client closes."""

    on_gone: Callable[[], object] | None = None

    def eof_received(self) -> bool | None:
        if self.on_gone is not None:
            self.on_gone()
        return super().eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        if self.on_gone is not None:
            self.on_gone()
        super().connection_lost(exc)


class MemoryServer:
    """A server. It serves any number of clients and event loops, one after the other or at once.

    serve: called with each connection; it reads the requests and answers them.
    """

    def __init__(self, serve: Callable[[ServerConnection], Awaitable[None]]) -> None:
        self._serve = serve
        self._tasks: dict[asyncio.Task[None], ServerConnection] = {}

    async def open(self, client: HttpClient, origin: Origin) -> Connection:
        """Make a connection, start the task that serves it, and return the client's end."""
        loop = asyncio.get_running_loop()
        ours, theirs = socket.socketpair()
        try:
            reader = asyncio.StreamReader(limit=HEAD_LIMIT)
            transport, protocol = await loop.connect_accepted_socket(lambda: _Protocol(reader), theirs)
        except BaseException:
            ours.close()
            theirs.close()
            raise
        try:
            client_end = await DirectRoute("http", origin.host, origin.port).connect(client, sock=ours)
        except BaseException:
            transport.abort()
            ours.close()
            raise
        connection = ServerConnection(
            origin, reader, asyncio.StreamWriter(transport, protocol, reader, loop), client_end
        )
        protocol.on_gone = connection.gone.set
        task = loop.create_task(self._run(connection))
        self._tasks[task] = connection
        task.add_done_callback(lambda task: self._tasks.pop(task))
        return client_end

    async def _run(self, connection: ServerConnection) -> None:
        try:
            await self._serve(connection)
            connection.writer.close()
        except (asyncio.CancelledError, KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # noqa: BLE001  # pytest.fail() too; the client's call raises it
            if not connection.gone.is_set():  # otherwise no call waits for it
                connection.fail(error)
        finally:
            if not connection.writer.is_closing():
                connection.writer.transport.abort()

    async def close(self) -> None:
        """Close the connections of the running loop: idle ones at once, the others after CLOSE_TIMEOUT at most."""
        loop = asyncio.get_running_loop()
        mine = {task: connection for task, connection in self._tasks.items() if task.get_loop() is loop}
        busy = [task for task, connection in mine.items() if not connection.is_idle]
        if busy:
            await asyncio.wait(busy, timeout=CLOSE_TIMEOUT)
        for task in mine:
            task.cancel()
        if mine:
            await asyncio.wait(mine)

"""The server's ends of connections in memory, and the tasks that answer at them."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hookline import DirectRoute

from ..server.addresses import origin as origin_of
from ..server.seen import HEAD_LIMIT, Intake, SeenRequest

if TYPE_CHECKING:
    from hookline import HttpClient

KEEP = 16 * 1024 * 1024  # bytes of a request's body that are kept to be looked at
GRACE = 5.0  # seconds that requests may take to end when the server is closed

DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


@dataclass(frozen=True)
class Place:
    """Where a client believes that it connects to."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        if DEFAULT_PORTS.get(self.scheme) == self.port:
            return f"{self.scheme}://[{self.host}]" if ":" in self.host else f"{self.scheme}://{self.host}"
        return origin_of(self.scheme, self.host, self.port)


class Line:
    """The server's end of one connection.

    place: where the client believes it leads. gone: set when the client has closed. is_idle: between two requests?
    """

    def __init__(
        self, place: Place, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, client_end: Any
    ) -> None:
        self.place = place
        self.reader = reader
        self.writer = writer
        self.gone = asyncio.Event()
        self.is_idle = True
        self._client_end = client_end
        self._intake = Intake(reader, 1, KEEP, lambda: None)

    async def next_request(self) -> SeenRequest | None:
        """The next request, its body unread; None when the client closes.

        Raises:
            MalformedRequest: what came is none.
        """
        self.is_idle = True
        request = None if self.writer.is_closing() else await self._intake.read_head()
        if request is not None:
            self.is_idle = False
            request.url = f"{self.place}{request.target}" if request.target.startswith("/") else request.target
        return request

    def fail(self, error: BaseException) -> None:
        """Raise an error, as it is, where the client waits for its response."""
        self._client_end.fail(error)


class _Protocol(asyncio.StreamReaderProtocol):
    """Notes the end of the client besides."""

    on_gone: Callable[[], object] | None = None

    def eof_received(self) -> bool | None:
        if self.on_gone is not None:
            self.on_gone()
        return super().eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        if self.on_gone is not None:
            self.on_gone()
        super().connection_lost(exc)


class Lines:
    """See the module. One object serves any number of clients and loops, one after the other or at once."""

    def __init__(self, serve: Callable[[Line], Awaitable[None]]) -> None:
        self._serve = serve
        self._tasks: dict[asyncio.Task[None], Line] = {}

    async def open(self, client: HttpClient, place: Place) -> Any:
        """The client's end of a new connection; a task answers at the other."""
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
            client_end = await DirectRoute("http", place.host, place.port).open(client, sock=ours)
        except BaseException:
            transport.abort()
            ours.close()
            raise
        line = Line(place, reader, asyncio.StreamWriter(transport, protocol, reader, loop), client_end)
        protocol.on_gone = line.gone.set
        task = loop.create_task(self._converse(line))
        self._tasks[task] = line
        task.add_done_callback(lambda task: self._tasks.pop(task))
        return client_end

    async def _converse(self, line: Line) -> None:
        try:
            await self._serve(line)
            line.writer.close()
        except (asyncio.CancelledError, KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # noqa: BLE001  # such as pytest.fail(); it reaches whoever waits for the response
            if not line.gone.is_set():  # else nobody waits any more
                line.fail(error)
        finally:
            if not line.writer.is_closing():
                line.writer.transport.abort()

    async def close(self) -> None:
        """End all that belongs to the running loop: idle connections at once, requests after some seconds at most."""
        loop = asyncio.get_running_loop()
        mine = {task: line for task, line in self._tasks.items() if task.get_loop() is loop}
        busy = [task for task, line in mine.items() if not line.is_idle]
        if busy:
            await asyncio.wait(busy, timeout=GRACE)
        for task in mine:
            task.cancel()
        if mine:
            await asyncio.wait(mine)

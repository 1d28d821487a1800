"""What the servers have in common whose connections carry many exchanges: `servers.mux` and `servers.http2`."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeVar


class StreamServer:
    """What the tests see of the server, and set.

    gate: /wait answers once it is set. cut_after: bytes of a connection after which it is closed; None = never.
    answers_windows: let the client send as much as it has sent.

    connections: how many came. open_connections: how many are open. resets: (stream, why) that clients sent. most_streams: the
    most that one connection had at once. received: bytes of bodies.
    """

    def __init__(self) -> None:
        self.host, self.port = "127.0.0.1", 0
        self.scheme = "https"
        self.gate = asyncio.Event()
        self.cut_after: int | None = None
        self.answers_windows = True
        self.connections = self.open_connections = self.most_streams = self.received = 0
        self.resets: list[tuple[int, Any]] = []
        self.writers: set[asyncio.StreamWriter] = set()
        self.changed = asyncio.Condition()

    def url(self, target: str = "/hello") -> str:
        return f"{self.scheme}://localhost:{self.port}{target}"

    async def until(self, **counts: int) -> None:
        """Wait until these attributes have at least these values; of lists the length counts."""

        def has_all() -> bool:
            values = {name: getattr(self, name) for name in counts}
            return all((len(v) if isinstance(v, list) else v) >= counts[n] for n, v in values.items())

        async with asyncio.timeout(10), self.changed:
            await self.changed.wait_for(has_all)

    async def until_closed(self, but: int = 0) -> None:
        """Wait until no more connections than `but` are open."""
        async with asyncio.timeout(10), self.changed:
            await self.changed.wait_for(lambda: self.open_connections <= but)

    async def note(self) -> None:
        async with self.changed:
            self.changed.notify_all()

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, alpn: str | None) -> None:
        """Serve a connection to its end. alpn: what it was chosen for; None = it has no TLS."""
        raise NotImplementedError

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open_connections += 1
        self.writers.add(writer)
        tls = writer.get_extra_info("ssl_object")
        try:
            await self.talk(reader, writer, None if tls is None else tls.selected_alpn_protocol() or "")
        except (ConnectionError, ssl.SSLError, asyncio.IncompleteReadError):
            pass
        finally:
            self.open_connections -= 1
            self.writers.discard(writer)
            writer.transport.abort()
            await self.note()


class StreamSession:
    """One connection. streams: the requests that are open, by number. sent: bytes."""

    def __init__(self, server: StreamServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self._server = server
        self.streams: dict[int, Any] = {}
        self.windows: dict[int, int] = {}
        self.tasks: dict[int, asyncio.Task[None]] = {}
        self.window_opened = asyncio.Condition()
        self.sent = 0

    def write(self, data: bytes) -> None:
        """Send bytes, no more than `cut_after` allows."""
        limit = self._server.cut_after
        if limit is not None and self.sent + len(data) > limit:
            self.writer.write(data[: max(0, limit - self.sent)])
            self.sent = limit
            self.writer.close()
            return
        self.sent += len(data)
        self.writer.write(data)

    async def end_tasks(self) -> None:
        for task in self.tasks.values():
            task.cancel()
        await asyncio.gather(*self.tasks.values(), return_exceptions=True)

    def forget(self, stream: int) -> None:
        self.streams.pop(stream, None)
        self.windows.pop(stream, None)
        task = self.tasks.pop(stream, None)
        if task is not None and task is not asyncio.current_task():
            task.cancel()


ServerT = TypeVar("ServerT", bound=StreamServer)


@asynccontextmanager
async def running(found: ServerT, context: ssl.SSLContext | None) -> AsyncIterator[ServerT]:
    """Run a server on 127.0.0.1. context: for TLS, with its ALPN set; None = without TLS."""
    found.scheme = "http" if context is None else "https"
    server = await asyncio.start_server(found.serve, found.host, ssl=context)
    found.port = server.sockets[0].getsockname()[1]
    try:
        yield found
    finally:
        server.close()
        for writer in list(found.writers):
            writer.transport.abort()
        await found.until_closed()
        await server.wait_closed()

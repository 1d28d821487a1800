"""The floor: the least that a client can do on this loop with httptools; no features, no error handling, no headers.

There are two forms, because neither is faster everywhere: asyncio.Protocol gets a new bytes object of up to 256 KiB from
every read, asyncio.BufferedProtocol reads into one buffer that all connections of the loop share. Both verify TLS, respect
the size of the pool, reuse connections unless the server closes them, and return the status and the body.
"""

from __future__ import annotations

import asyncio
import json
import zlib
from collections import deque
from collections.abc import Callable
from typing import cast
from urllib.parse import urlsplit

from httptools import HttpResponseParser

from benchmarks.adapter import Adapter, Setup, pieces

ROOM = 64 * 1024  # bytes of the shared buffer
FIELDS = "Host: {}\r\nUser-Agent: floor\r\nAccept: */*\r\nAccept-Encoding: gzip, deflate\r\n"


class Exchanges:
    """The common part of both forms: one connection, with one exchange at a time."""

    transport: asyncio.Transport
    done: asyncio.Future[None]
    parts: list[bytes]

    def __init__(self, client: FloorClient) -> None:
        self.client = client
        self.parser = HttpResponseParser(self)
        self.consume: Callable[[bytes], None] | None = None
        self.room: asyncio.Future[None] | None = None
        self.status = 0
        self.reusable = True
        self.left = 0  # bytes of the body that are counted without the parser

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's transports do not derive from it

    def connection_lost(self, exc: Exception | None) -> None:
        pass

    def pause_writing(self) -> None:
        self.room = self.client.loop.create_future()

    def resume_writing(self) -> None:
        if self.room is not None:
            self.room.set_result(None)
        self.room = None

    def begin(self) -> asyncio.Future[None]:
        self.parts = []
        self.done = done = self.client.loop.create_future()
        return done

    def received(self, data: bytes) -> None:
        if self.left:
            self.left -= len(data)
            self.on_body(data)
            if not self.left:
                self.done.set_result(None)
            return
        self.parser.feed_data(data)
        if not self.done.done():
            self.bypass_parser(data)

    def bypass_parser(self, data: bytes) -> None:
        """Count down the rest of the body; our server sends heads in one piece and bodies with a Content-Length."""
        head, _, begun = data.partition(b"\r\n\r\n")
        length = head.lower().partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0]
        self.left = int(length) - len(begun)
        self.status = self.parser.get_status_code()
        self.reusable = self.parser.should_keep_alive()
        self.parser = HttpResponseParser(self)

    def on_body(self, data: bytes) -> None:
        if self.consume is None:
            self.parts.append(data)
        else:
            self.consume(data)

    def on_message_complete(self) -> None:
        self.status = self.parser.get_status_code()
        self.reusable = self.parser.should_keep_alive()
        self.done.set_result(None)

    def body(self) -> bytes:
        return self.parts[0] if len(self.parts) == 1 else b"".join(self.parts)


class PlainConnection(Exchanges, asyncio.Protocol):
    data_received = Exchanges.received


class BufferedConnection(Exchanges, asyncio.BufferedProtocol):
    def __init__(self, client: FloorClient) -> None:
        super().__init__(client)
        self.view = client.view

    def get_buffer(self, sizehint: int) -> memoryview:
        return self.view

    def buffer_updated(self, nbytes: int) -> None:
        self.received(bytes(self.view[:nbytes]))


class FloorClient(Adapter):
    connection: type[PlainConnection | BufferedConnection] = PlainConnection

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self.view = memoryview(bytearray(ROOM))
        self.requests: dict[str, bytes] = {}
        self.idle: list[PlainConnection | BufferedConnection] = []
        self.waiters: deque[asyncio.Future[PlainConnection | BufferedConnection]] = deque()
        self.opened = 0

    async def open(self) -> None:
        self.loop = asyncio.get_running_loop()
        origin = urlsplit(self.setup.base)
        self.host, self.port = origin.hostname or "", origin.port or 0
        self.context = self.setup.context()
        self.fields = FIELDS.format(origin.netloc)

    async def close(self) -> None:
        for connection in self.idle:
            connection.transport.close()

    async def connect(self) -> PlainConnection | BufferedConnection:
        self.opened += 1
        _, connection = await self.loop.create_connection(
            lambda: self.connection(self),
            self.host,
            self.port,
            ssl=self.context,
            server_hostname=self.host if self.context else None,
        )
        return connection

    async def acquire(self) -> PlainConnection | BufferedConnection:
        if self.idle:
            return self.idle.pop()
        if self.opened < self.setup.pool:
            return await self.connect()
        waiter: asyncio.Future[PlainConnection | BufferedConnection] = self.loop.create_future()
        self.waiters.append(waiter)
        return await waiter

    def release(self, connection: PlainConnection | BufferedConnection) -> None:
        if not connection.reusable:
            self.opened -= 1
            connection.transport.close()
        elif self.waiters:
            self.waiters.popleft().set_result(connection)
        else:
            self.idle.append(connection)

    def encode(self, method: str, url: str, extra: str = "") -> bytes:
        return f"{method} {url[len(self.setup.base) :]} HTTP/1.1\r\n{self.fields}{extra}\r\n".encode()

    async def get(self, url: str) -> tuple[int, bytes]:
        request = self.requests.get(url)
        if request is None:
            request = self.requests[url] = self.encode("GET", url)
        connection = self.idle.pop() if self.idle else await self.acquire()
        done = connection.begin()
        connection.transport.write(request)
        await done
        self.release(connection)
        return connection.status, connection.body()

    async def decoded(self, url: str) -> tuple[int, bytes]:
        status, body = await self.get(url)
        return status, zlib.decompress(body, 31)  # 31: gzip, the largest window

    async def json(self, url: str) -> tuple[int, object]:
        status, body = await self.get(url)
        return status, json.loads(body)

    async def post(self, url: str, body: bytes) -> tuple[int, bytes]:
        head = self.requests.get(url)
        if head is None:
            fields = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
            head = self.requests[url] = self.encode("POST", url, fields)
        connection = self.idle.pop() if self.idle else await self.acquire()
        done = connection.begin()
        connection.transport.write(head + body)
        await done
        self.release(connection)
        return connection.status, connection.body()

    async def upload(self, url: str, size: int) -> tuple[int, bytes]:
        connection = await self.acquire()
        done = connection.begin()
        connection.transport.write(self.encode("POST", url, "Transfer-Encoding: chunked\r\n"))
        async for piece in pieces(size):
            connection.transport.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            if connection.room is not None:
                await connection.room
        connection.transport.write(b"0\r\n\r\n")
        await done
        self.release(connection)
        return connection.status, connection.body()

    async def download(self, url: str, consume: Callable[[bytes], None]) -> int:
        connection = await self.acquire()
        connection.consume = consume
        done = connection.begin()
        connection.transport.write(self.encode("GET", url))
        await done
        connection.consume = None
        self.release(connection)
        return connection.status


class BufferedFloorClient(FloorClient):
    connection = BufferedConnection

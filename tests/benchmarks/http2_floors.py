"""The floors for HTTP/2: the least that a client can do on one connection with each engine, without checks, limits or errors.

A floor writes what has to be sent once in a turn of the loop, behind the tasks that were woken, as Hookline does: written at once
for each request, the same work costs half as much again. It reads no field of a response but `:status`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any, cast
from urllib.parse import urlsplit

from benchmarks.adapter import Adapter, Setup, pieces

ROOM = 256 * 1024  # bytes of the buffer for reads
WINDOW = 16 * 1024 * 1024  # of each stream, and of the connection
FIRST_WINDOW = 65535  # of each connection (RFC 9113, section 6.9.2)
MOST_WAITING = 64 * 1024  # bytes of an upload inside the engine
ENABLE_PUSH, INITIAL_WINDOW_SIZE = 2, 4
FIELDS = [(b"user-agent", b"floor"), (b"accept", b"*/*"), (b"accept-encoding", b"gzip, deflate")]


class Pending:
    """A stream whose response has not ended."""

    __slots__ = ("consume", "done", "parts", "status")

    def __init__(self, done: asyncio.Future[None], consume: Callable[[bytes], None] | None) -> None:
        self.done = done
        self.status = 0
        self.parts: list[bytes] = []
        self.consume = consume or self.parts.append


class FloorConnection(asyncio.BufferedProtocol):
    """One connection. A subclass is the engine: `start`, `send_head`, `send_piece`, `received` and `data_to_send`."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.view = memoryview(bytearray(ROOM))
        self.pending: dict[int, Pending] = {}
        self.flush_is_due = self.is_paused = False
        self.room: asyncio.Future[None] | None = None
        self.lost = loop.create_future()

    def start(self) -> None:
        raise NotImplementedError

    def send_head(self, fields: list[tuple[bytes, bytes]], ends: bool) -> int:
        raise NotImplementedError

    def send_body(self, number: int, data: bytes, ends: bool) -> None:
        raise NotImplementedError

    async def send_piece(self, number: int, data: bytes) -> None:
        raise NotImplementedError

    def received(self, size: int) -> None:
        raise NotImplementedError

    def data_to_send(self) -> bytes:
        raise NotImplementedError

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.start()
        self.flush()

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.set_result(None)

    def get_buffer(self, sizehint: int) -> memoryview:
        return self.view

    def buffer_updated(self, nbytes: int) -> None:
        self.received(nbytes)
        self.flush_soon()

    def flush_soon(self) -> None:
        if not self.flush_is_due:
            self.flush_is_due = True
            self.loop.call_soon(self.flush)

    def flush(self) -> None:
        self.flush_is_due = False
        data = self.data_to_send()
        if data:
            self.transport.write(data)
        self.wake_sender()

    def wake_sender(self) -> None:
        if self.room is not None and not self.room.done():
            self.room.set_result(None)

    async def wait_for_room(self) -> None:
        self.room = self.loop.create_future()
        await self.room

    def pause_writing(self) -> None:
        self.is_paused = True

    def resume_writing(self) -> None:
        self.is_paused = False
        self.wake_sender()

    def request(
        self, fields: list[tuple[bytes, bytes]], ends: bool = True, consume: Callable[[bytes], None] | None = None
    ) -> tuple[int, Pending]:
        pending = Pending(self.loop.create_future(), consume)
        number = self.send_head(fields, ends)
        self.pending[number] = pending
        self.flush_soon()
        return number, pending


class NGH2Connection(FloorConnection):
    def start(self) -> None:
        from ngh2 import Configuration, Connection, Role, events

        self.kinds = events.DataReceived, events.ResponseReceived, events.StreamClosed
        self.engine = Connection(Role.CLIENT, Configuration())  # it opens the windows by itself
        self.engine.initiate_connection({ENABLE_PUSH: 0, INITIAL_WINDOW_SIZE: WINDOW})
        self.engine.set_local_window_size(WINDOW)
        self.data_to_send = self.engine.data_to_send  # type: ignore[method-assign]  # a call less

    def send_head(self, fields: list[tuple[bytes, bytes]], ends: bool) -> int:
        number: int = self.engine.send_request(fields, end_stream=ends)
        return number

    def send_body(self, number: int, data: bytes, ends: bool) -> None:
        self.engine.send_data(number, data, end_stream=ends)

    async def send_piece(self, number: int, data: bytes) -> None:
        self.engine.send_data(number, data)
        self.flush()
        while self.is_paused or self.engine.queued_body_size(number) >= MOST_WAITING:
            await self.wait_for_room()

    def received(self, size: int) -> None:
        engine, pending = self.engine, self.pending
        data, response, closed = self.kinds
        engine.receive_data(self.view[:size])
        event: Any
        for event in engine.events():
            kind = type(event)
            if kind is data:
                pending[event.stream_id].consume(event.data)
            elif kind is response:
                pending[event.stream_id].status = int(event.headers[0][1])
            elif kind is closed:
                assert event.error_code == 0, event
                pending.pop(event.stream_id).done.set_result(None)


class H2Connection(FloorConnection):
    def start(self) -> None:
        from h2 import config, connection, events, settings

        self.kinds = events.DataReceived, events.ResponseReceived, events.StreamEnded
        self.engine = connection.H2Connection(
            config.H2Configuration(
                header_encoding=None,
                validate_inbound_headers=False,
                validate_outbound_headers=False,
                normalize_inbound_headers=False,
                normalize_outbound_headers=False,
            )
        )
        codes = settings.SettingCodes
        self.engine.local_settings = settings.Settings(
            client=True, initial_values={codes.ENABLE_PUSH: 0, codes.INITIAL_WINDOW_SIZE: WINDOW}
        )
        self.engine.initiate_connection()
        self.engine.increment_flow_control_window(WINDOW - FIRST_WINDOW)
        self.data_to_send = self.engine.data_to_send  # type: ignore[method-assign]

    def send_head(self, fields: list[tuple[bytes, bytes]], ends: bool) -> int:
        number = self.engine.get_next_available_stream_id()
        self.engine.send_headers(number, fields, end_stream=ends)
        return number

    def send_body(self, number: int, data: bytes, ends: bool) -> None:
        self.engine.send_data(number, data, end_stream=ends)

    async def send_piece(self, number: int, data: bytes) -> None:
        while data:
            room = min(self.engine.local_flow_control_window(number), self.engine.max_outbound_frame_size)
            if room and not self.is_paused:
                self.engine.send_data(number, data[:room])
                data = data[room:]
            else:
                self.flush()
                await self.wait_for_room()
        self.flush()

    def received(self, size: int) -> None:
        engine, pending = self.engine, self.pending
        data, response, ended = self.kinds
        event: Any
        for event in engine.receive_data(bytes(self.view[:size])):
            kind = type(event)
            if kind is data:
                pending[event.stream_id].consume(event.data)
                engine.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif kind is response:
                pending[event.stream_id].status = int(event.headers[0][1])
            elif kind is ended:
                pending.pop(event.stream_id).done.set_result(None)


class NGH2Floor(Adapter):
    connection: type[FloorConnection] = NGH2Connection

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self.fields: dict[tuple[bytes, str], list[tuple[bytes, bytes]]] = {}
        self.context = setup.context()
        assert self.context is not None
        self.context.set_alpn_protocols(["h2"])

    async def open(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.shared = await self.connect() if self.setup.reuses else None

    async def close(self) -> None:
        if self.shared is not None:
            self.shared.transport.close()
            await self.shared.lost

    async def connect(self) -> FloorConnection:
        origin = urlsplit(self.setup.base)
        _, connection = await self.loop.create_connection(
            lambda: self.connection(self.loop),
            origin.hostname or "",
            origin.port or 0,
            ssl=self.context,
            server_hostname=origin.hostname,
        )
        return connection

    def head(self, method: bytes, url: str, *more: tuple[bytes, bytes]) -> list[tuple[bytes, bytes]]:
        found = self.fields.get((method, url))
        if found is None:
            origin = urlsplit(url)
            pseudo = [
                (b":method", method),
                (b":scheme", b"https"),
                (b":authority", origin.netloc.encode()),
                (b":path", origin.path.encode()),
            ]
            found = self.fields[method, url] = [*pseudo, *FIELDS, *more]
        return found

    async def get(self, url: str) -> tuple[int, bytes]:
        connection = self.shared or await self.connect()
        _, pending = connection.request(self.head(b"GET", url))
        await pending.done
        if self.shared is None:
            connection.transport.close()
            await connection.lost
        return pending.status, pending.parts[0] if len(pending.parts) == 1 else b"".join(pending.parts)

    async def json(self, url: str) -> tuple[int, object]:
        status, body = await self.get(url)
        return status, json.loads(body)

    async def post(self, url: str, body: bytes) -> tuple[int, bytes]:
        assert self.shared is not None
        length = b"content-length", b"%d" % len(body)
        head = self.head(b"POST", url, (b"content-type", b"application/json"), length)
        number, pending = self.shared.request(head, ends=False)
        self.shared.send_body(number, body, True)
        await pending.done
        return pending.status, b"".join(pending.parts)

    async def upload(self, url: str, size: int) -> tuple[int, bytes]:
        assert self.shared is not None
        number, pending = self.shared.request(self.head(b"POST", url), ends=False)
        async for piece in pieces(size):
            await self.shared.send_piece(number, piece)
        self.shared.send_body(number, b"", True)
        self.shared.flush_soon()
        await pending.done
        return pending.status, b"".join(pending.parts)

    async def download(self, url: str, consume: Callable[[bytes], None]) -> int:
        assert self.shared is not None
        _, pending = self.shared.request(self.head(b"GET", url), consume=consume)
        await pending.done
        return pending.status


class H2Floor(NGH2Floor):
    connection = H2Connection

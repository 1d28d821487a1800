"""Clients for websockets alone: wsproto on an asyncio protocol, without checks; websockets; picows."""

from __future__ import annotations

import asyncio
from typing import Any, cast
from urllib.parse import urlsplit

from benchmarks.adapter import Adapter


class BareWsproto(asyncio.Protocol):
    """wsproto between a transport and a future: no checks, no closing handshake, no back-pressure."""

    transport: asyncio.Transport
    done: asyncio.Future[Any]

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        from wsproto import ConnectionType, WSConnection, events

        self.loop = loop
        self.connection = WSConnection(ConnectionType.CLIENT)
        self.events = events
        self.parts: list[bytes | bytearray] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def send(self, event: Any) -> asyncio.Future[Any]:
        self.done = self.loop.create_future()
        self.transport.write(self.connection.send(event))
        return self.done

    def data_received(self, data: bytes) -> None:
        self.connection.receive_data(data)
        for event in self.connection.events():
            if isinstance(event, self.events.BytesMessage):
                if event.message_finished and not self.parts:
                    self.done.set_result(bytes(event.data))
                    continue
                self.parts.append(event.data)
                if event.message_finished:
                    self.done.set_result(b"".join(self.parts))
                    self.parts = []
            elif isinstance(event, self.events.AcceptConnection):
                self.done.set_result(None)


class EchoOnly(Adapter):
    async def open(self) -> None:
        self.loop = asyncio.get_running_loop()

    async def close(self) -> None:
        pass


class WsprotoClient(EchoOnly):
    async def open_websocket(self, url: str) -> Any:
        parts = urlsplit(url)
        _, bare = await self.loop.create_connection(
            lambda: BareWsproto(self.loop), str(parts.hostname), parts.port or 80
        )
        await bare.send(bare.events.Request(host=parts.netloc, target=parts.path))
        return bare

    async def echo(self, websocket: Any, message: bytes) -> bytes:
        received: bytes = await websocket.send(websocket.events.BytesMessage(data=message))
        return received

    async def close_websocket(self, websocket: Any) -> None:
        websocket.transport.close()


class WebsocketsClient(EchoOnly):
    async def open_websocket(self, url: str) -> Any:
        from websockets.asyncio.client import connect

        return await connect(url, max_size=None, proxy=None, ping_interval=None, compression=None)

    async def echo(self, websocket: Any, message: bytes) -> bytes:
        await websocket.send(message)
        received: bytes = await websocket.recv()
        return received

    async def close_websocket(self, websocket: Any) -> None:
        await websocket.close()


class PicowsClient(EchoOnly):
    async def open_websocket(self, url: str) -> Any:
        import picows

        class Listener(picows.WSListener):
            done: asyncio.Future[bytes]

            def on_ws_frame(self, transport: Any, frame: Any) -> None:
                self.done.set_result(frame.get_payload_as_bytes())

        return await picows.ws_connect(Listener, url)

    async def echo(self, websocket: Any, message: bytes) -> bytes:
        import picows

        transport, listener = websocket
        listener.done = done = self.loop.create_future()
        transport.send(picows.WSMsgType.BINARY, message)
        received: bytes = await done
        return received

    async def close_websocket(self, websocket: Any) -> None:
        websocket[0].disconnect()

"""A server of HTTP/2 that sends whatever frames a test wants, and answers by the first segment of the path otherwise.

    /hello  /bytes/N  /echo  /status/N  /wait  /never  /interim  /trailers  /refuse  /goaway  /last  /reset/CODE  /length/N

A test may answer a path itself: `server.answers["/odd"] = f`, where `await f(session, request)` sends frames. A client that
chooses HTTP/1.1 in TLS, or begins with it, gets "http/1".
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from hookline_testing.http2 import Flag, FrameRequest, FrameServer, FrameSession, FrameType, Setting, frame

__all__ = ["Http2Request", "Http2Server", "Http2Session", "frame", "http2_server"]

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = FrameType
END_STREAM, END_HEADERS = Flag.END_STREAM, Flag.END_HEADERS
INITIAL_WINDOW_SIZE = Setting.INITIAL_WINDOW_SIZE

Http2Request = FrameRequest
Http2Session = FrameSession


class Http2Server(FrameServer):
    """What the tests see of the server, and set.

    gate: /wait answers once it is set. http1_requests: heads of HTTP/1.1.
    """

    def __init__(self, settings: dict[int, int], context: ssl.SSLContext | None = None) -> None:
        super().__init__(settings=settings, ssl_context=context)
        self.gate = asyncio.Event()
        self.http1_requests: list[bytes] = []

    def url(self, target: str = "/hello", *, host: str | None = "localhost") -> str:
        return super().url(target, host=host)

    async def serve_other(
        self, begin: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, alpn: str | None
    ) -> None:
        """Answer requests without a body in HTTP/1.1, one after the other; without TLS one."""
        while True:
            self.http1_requests.append(begin + await reader.readuntil(b"\r\n\r\n"))
            begin = b""
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhttp/1")
            await writer.drain()
            if alpn is None:
                return

    async def respond(self, session: FrameSession, request: FrameRequest) -> None:
        if request[":path"] in self.answers:
            await super().respond(session, request)
        else:
            await self.answer_by_name(session, request, *request[":path"].removeprefix("/").partition("/")[::2])

    async def answer_by_name(self, session: FrameSession, request: FrameRequest, name: str, argument: str) -> None:
        stream = request.stream
        is_first = self.targets.count(request[":path"]) == 1
        if name == "wait":
            await self.gate.wait()
        elif name == "never":
            await asyncio.Event().wait()
        elif name == "echo":
            await request.ended.wait()
        elif name == "refuse" and is_first:
            session.reset(stream, 7)
            return session.forget(stream)
        elif name == "goaway" and is_first:
            session.goaway(stream - 2)
            return session.forget(stream)
        elif name == "last":  # the last one that this connection serves
            session.goaway(stream)
        elif name == "interim":
            session.head(stream, 103, ("link", "</style.css>"))
        elif name == "reset":
            session.head(stream)
            session.data(stream, b"a part")
            return session.reset(stream, int(argument))
        body = {
            "echo": bytes(request.body),
            "bytes": b"x" * int(argument or 0) if name == "bytes" else b"",
            "status": b"",
        }.get(name, name.encode())
        status = int(argument) if name == "status" else 200
        length = argument if name == "length" else str(len(body))
        fields = [] if name in ("trailers", "status") else [("content-length", length)]
        if request[":method"] == "HEAD" or name == "status":
            return session.head(stream, status, *fields, ends=True)
        session.head(stream, status, *fields)
        await session.body(stream, body, ends=name != "trailers")
        if name == "trailers":
            session.trailers(stream, ("x-checksum", "7"))


@asynccontextmanager
async def http2_server(context: ssl.SSLContext | None, settings: dict[int, int]) -> AsyncIterator[Http2Server]:
    """Run a server on 127.0.0.1. context: for TLS, with its ALPN set; None = without TLS."""
    async with Http2Server(settings, context) as found:
        yield found

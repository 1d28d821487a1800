# ruff: noqa: T201  # the program at the end prints
"""A client whose connection of HTTP/2 has no socket: it gets the bytes of a conversation, cut in any way, and their end.

What comes of it is said by the client's own calls, as a program sees it.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Hashable, Iterable, Iterator, Sequence
from random import Random
from typing import Any, NamedTuple

from hookline import ConnectionRefused, HttpClient, HttpResponse, RemoteProtocolError, Route, hookimpl
from hookline_http2 import Http2
from hookline_http2.connection import Http2Connection
from kit.http2_conversations import UPLOAD, damage, make_conversation

SECONDS = 30  # within which all calls of a conversation end once its bytes have ended; most need a millisecond
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


class Outcome(NamedTuple):
    """How a call ended. error: the name of the exception; "" = the rest says what the response is."""

    error: str = ""
    status: int = 0
    fields: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    trailers: tuple[tuple[str, str], ...] = ()


class FedConnection(Http2Connection):
    """A connection that carries the first requests alone: what is sent again needs another one, however the bytes are cut."""

    __slots__ = ("is_full",)
    is_full: bool

    @property
    def has_room(self) -> bool:
        return not self.is_full and super().has_room


class FedTransport(asyncio.Transport):
    """A transport without a socket. It calls `connection_lost` in the next turn of the loop, as loops do."""

    def __init__(self, protocol: FedConnection) -> None:
        super().__init__()
        self.protocol = protocol
        self.written = bytearray()
        self.is_closed = False

    def write(self, data: Any) -> None:
        if not self.is_closed:
            self.written += data

    def pause_reading(self) -> None:
        raise AssertionError("a stream of HTTP/2 must not stop the others")

    def close(self) -> None:
        if not self.is_closed:
            self.is_closed = True
            self.protocol.loop.call_soon(self.protocol.connection_lost, None)

    def abort(self) -> None:
        self.close()

    def is_closing(self) -> bool:
        return self.is_closed

    def feed(self, data: bytes) -> None:
        """Give bytes to the connection as a loop does."""
        protocol = self.protocol
        size = protocol.read_buffer_size
        for begin in range(0, len(data), size):
            if self.is_closed:
                return
            part = data[begin : begin + size]
            protocol.get_buffer(-1)[: len(part)] = part
            protocol.buffer_updated(len(part))

    def end(self) -> None:
        """Have the peer end TCP."""
        if not self.is_closed:
            self.protocol.eof_received()
            self.close()


class FedRoute(Route):
    """A route whose first connection is fed. No other can be opened: a request that is sent again ends with ConnectionRefused."""

    def __init__(self, engine: str) -> None:
        self.engine = engine
        self.transport: FedTransport | None = None

    @property
    def key(self) -> Hashable:
        return "fed"  # one pool for all: each conversation leaves it empty

    @property
    def may_share(self) -> bool:
        return True

    async def open(self, client: Any) -> Http2Connection:
        if self.transport is not None:
            raise ConnectionRefused("there is no other connection")
        connection = FedConnection(asyncio.get_running_loop(), self.engine)
        connection.is_full = False
        connection.protocol = "h2"
        self.transport = FedTransport(connection)
        connection.connection_made(self.transport)
        return connection


class Fed:
    """A client of conversations; to be used as an asynchronous context manager.

    failures: what the loop was told of that nobody has caught. is_broken: the server broke the protocol in the last conversation.
    written: what the client has sent in it.
    """

    def __init__(self) -> None:
        self._client = HttpClient(autoload=False, plugins=[Http2(), self], timeout=None)
        self._route: FedRoute
        self.failures: list[dict[str, Any]] = []
        self.is_broken = False
        self.written = b""

    name = "fed"

    @hookimpl
    def pre_request(self, response: HttpResponse) -> None:
        response.request.route = self._route

    async def __aenter__(self) -> Fed:
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: self.failures.append(context))
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._client.close()

    async def _call(self, kind: str) -> Outcome:
        body = {"post": b"p" * 1000, "upload": b"u" * UPLOAD}.get(kind)
        method = {"head": "HEAD", "get": "GET", "stream": "GET"}.get(kind, "POST")
        try:
            response = await self._client.request(method, "http://fed/", data=body, stream=kind == "stream")
            content = await response.raw.read() if kind == "stream" else response.content
            fields, trailers = tuple(response.headers.items()), tuple(response.trailers.items())
            return Outcome("", response.status_code, fields, content, trailers)
        except Exception as error:  # noqa: BLE001  # compared with what it should be
            return Outcome(type(error).__name__)

    async def outcomes(
        self, engine: str, kinds: Sequence[str], pieces: Iterable[bytes], turns: int = 0
    ) -> list[Outcome]:
        """Make requests of these kinds at once, feed the pieces, and return how the calls ended.

        turns: of the loop, after each piece.

        Raises: AssertionError, for calls that do not end, for what is left over, and for frames that no client may send.
        """
        route = self._route = FedRoute(engine)
        tasks = [asyncio.create_task(self._call(kind)) for kind in kinds]
        for _ in range(20):
            await asyncio.sleep(0)
            if route.transport is not None and len(route.transport.protocol.numbered) == len(kinds):
                break
        transport = route.transport
        assert transport is not None
        assert len(transport.protocol.numbered) == len(kinds)
        transport.protocol.is_full = True
        await asyncio.sleep(0)  # the requests are written
        await asyncio.sleep(0)
        for piece in pieces:
            transport.feed(piece)
            for _ in range(turns):
                await asyncio.sleep(0)
        transport.end()
        _, left = await asyncio.wait(tasks, timeout=SECONDS)
        assert not left, f"{len(left)} calls did not end although the connection has"
        stats = self._client.stats()
        assert (stats.in_use, stats.streams, stats.waiting) == (0, 0, 0), stats
        assert not transport.protocol.streams
        assert not transport.protocol.numbered
        assert not self.failures, self.failures
        check_frames(bytes(transport.written))
        self.written = bytes(transport.written)
        self.is_broken = isinstance(transport.protocol.error, RemoteProtocolError)
        return [task.result() for task in tasks]


def random_pieces(random: Random, data: bytes) -> list[bytes]:
    """Cut bytes at random places, or after each byte."""
    if random.random() < 0.05 and len(data) < 5000:
        return [data[at : at + 1] for at in range(len(data))]
    cuts = sorted(random.randrange(len(data) + 1) for _ in range(random.choice((1, 2, 5, 20))))
    return [data[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]


def check_frames(data: bytes) -> None:
    """Check the frames that a client has written: their sizes, and windows that are no error (RFC 9113, section 6.9)."""
    for kind, stream, payload in written_frames(data):
        assert len(payload) <= 65536
        assert kind in (0, 1, 3, 4, 6, 7, 8, 9), f"frame of type {kind}"
        assert kind != 8 or int.from_bytes(payload), "WINDOW_UPDATE of 0"
        assert (stream == 0) == (kind in (4, 6, 7) or (kind == 8 and stream == 0)), f"type {kind} on stream {stream}"


def written_frames(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yield the type, the stream and the payload of each frame that a client has written."""
    assert data.startswith(PREFACE)
    at = len(PREFACE)
    while at < len(data):
        size, kind, stream = int.from_bytes(data[at : at + 3]), data[at + 3], int.from_bytes(data[at + 5 : at + 9])
        payload = data[at + 9 : at + 9 + size]
        assert len(payload) == size, "a frame was cut"
        yield kind, stream, payload
        at += 9 + size


def name_frames(data: bytes) -> list[str]:
    """Name the frames of some bytes: type, flags, stream, length and the first bytes of the payload."""
    found, at = [], 0
    while at < len(data):
        size, head = int.from_bytes(data[at : at + 3]), data[at : at + 9]
        payload = data[at + 9 : at + 9 + size]
        kind, flags = (*head[3:5], 0, 0)[:2]
        found.append(
            f"type {kind} flags {flags:#x} stream {int.from_bytes(head[5:])} {size} bytes {payload[:20].hex()}"
        )
        at += 9 + size
    return found


async def show(seed: int) -> None:
    """Print a damaged conversation, and what comes of it."""
    random = Random(seed)
    made = make_conversation(random)
    data = damage(random, made)
    print(*made.kinds, *name_frames(data), sep="\n")
    async with Fed() as fed:
        for engine in ("ngh2", "h2"):
            for cut, turns in (([data], 0), ([data[at : at + 1] for at in range(len(data))], 3)):
                print(engine, "whole" if len(cut) == 1 else "bytes")
                for outcome in await fed.outcomes(engine, made.kinds, cut, turns):
                    print("   ", outcome._replace(body=outcome.body[:20]))


if __name__ == "__main__":
    asyncio.run(show(int(sys.argv[1])))

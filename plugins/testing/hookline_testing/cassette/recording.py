"""Record exchanges: send requests on to the network, and hand the responses on as they come."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import monotonic
from typing import Any, Protocol

from hookline import (
    Connection,
    HttpClient,
    HttpRequestException,
    HttpResponse,
    Route,
    field_octets,
    hookimpl,
)

from ..memory.connection import ServerConnection
from ..memory.exchange import Exchange
from ..memory.origin import Origin
from ..memory.server import MemoryServer
from ..network import unintercepted_client
from .har import RecordedExchange

# Fields that are not sent on: each side frames its own connection. All other hop-by-hop fields are.
_NOT_FORWARDED = frozenset({"transfer-encoding", "expect"})
_NOT_RETURNED = frozenset({"transfer-encoding", "connection", "keep-alive"})


class Recorder(Protocol):
    """Stores recorded exchanges, and keeps a server in memory for each route on which it records."""

    def server_for(self, route: RecordingRoute) -> MemoryServer:
        """Return the server that records the requests of a route."""

    def store(self, recorded: RecordedExchange) -> None:
        """Store an exchange."""


@dataclass(frozen=True)
class RecordingRoute(Route):
    """A route to a server in memory, which sends the requests on by the route that they had, and records them."""

    recorder: Recorder = field(repr=False)
    origin: Origin
    route: Route

    @property
    def key(self) -> Hashable:
        return self.recorder, self.origin, self.route.key

    async def open(self, client: HttpClient) -> Connection:
        return await self.recorder.server_for(self).open(client, self.origin)

    async def record(self, connection: ServerConnection) -> None:
        """Answer the requests of a connection with what the network answers."""
        async with unintercepted_client(RouteSetter(self.route)) as client:
            while (request := await connection.next_request()) is not None:
                exchange = Exchange(connection, request)
                try:
                    self.recorder.store(await forward(client, exchange))
                except HttpRequestException as error:
                    error.request = error.response = None  # of this client; the user's client sets its own
                    raise
                await exchange.end()


class RouteSetter:
    """A plugin that sends every request of a client by one route."""

    name = "on-route"

    def __init__(self, route: Route) -> None:
        self._route = route

    @hookimpl
    def pre_request(self, response: HttpResponse) -> None:
        response.request.route = self._route


class Upload:
    """The body of a request, as its client sends it."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def __aiter__(self) -> Upload:
        return self

    async def __anext__(self) -> bytes:
        piece = await self._exchange.read_piece()
        if not piece:
            raise StopAsyncIteration
        return piece


async def forward(client: HttpClient, exchange: Exchange) -> RecordedExchange:
    """Send a request on, hand the response on as it comes, and return both.

    Raises: HttpRequestException.
    """
    request = exchange.request
    headers = [(name.decode("ascii"), value.decode("utf-8", "surrogateescape")) for name, value in request.headers]
    sent = [pair for pair in headers if pair[0].lower() not in _NOT_FORWARDED]
    has_body = request.header("transfer-encoding") is not None or request.header("content-length") not in (None, "0")
    options: dict[str, Any] = {"data": Upload(exchange)} if has_body else {}
    started, begin = datetime.now(UTC), monotonic()
    answer = await client.request(request.method, request.url, headers=sent, stream=True, **options)
    head = monotonic()
    fields = to_bytes(answer.headers.items())
    returned = [pair for pair in fields if pair[0].lower().decode("latin-1") not in _NOT_RETURNED]
    exchange.start(answer.status_code, returned, answer.reason)
    if answer.status_code >= 300:
        await read_rest(exchange)
    pieces: list[bytes] = []
    async with answer:
        async for data in answer.raw:
            pieces.append(data)
            await exchange.write(data, more=True)
    await read_rest(exchange)
    trailers = to_bytes(answer.trailers.items())
    await exchange.write(b"", more=False, trailers=trailers)
    return RecordedExchange(
        request.method,
        request.url,
        headers,
        request.body,
        answer.status_code,
        answer.reason,
        to_text(returned),
        b"".join(pieces),
        [len(piece) for piece in pieces],
        started.isoformat(),
        (head - begin) * 1000,
        (monotonic() - head) * 1000,
        to_text(trailers),
    )


async def read_rest(exchange: Exchange) -> None:
    """Read the rest of a request's body, for the record.

    A client stops sending when it gets a status of 300 and more, or a complete response. So the rest is read before either
    is handed on: then how much of the body is recorded does not depend on the speed of the server.
    """
    while await exchange.read_piece():
        pass


def to_text(fields: Iterable[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    """Decode fields for the record: as UTF-8, with surrogates for other bytes."""
    return [(name.decode("latin-1"), value.decode("utf-8", "surrogateescape")) for name, value in fields]


def to_bytes(fields: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    """Encode fields as they are sent."""
    return [(name.encode("latin-1"), field_octets(value)) for name, value in fields]

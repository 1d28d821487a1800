"""The cassette: what the network answered once, answered again without it."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any, Literal

from hookline import HttpClient, HttpRequest, HttpRequestException, HttpResponse, Route, field_octets, hookimpl

from ..memory.exchange import Exchange
from ..memory.line import Line, Lines, Place
from ..memory.route import PlaceRoute
from ..mock.expected import Expected
from ..mock.pattern import UrlPattern
from ..mock.report import describe_unexpected
from ..network import Interceptor, bare_client
from ..server.seen import SeenRequest
from ..server.segments import read_by_peer
from .codings import encoded
from .har import Recorded, read, value_of, without_coding, write
from .redaction import Redaction, boundary_of

Mode = Literal["once", "all", "none"]
# Each side frames its own connection; what else is said of this hop goes through as it is.
_OF_REQUESTS = frozenset({"transfer-encoding", "expect"})
_TURNS = 4  # of the loop, in which whoever reads a stream takes what has come
_OF_RESPONSES = frozenset({"transfer-encoding", "connection", "keep-alive"})


class NotRecorded(AssertionError):
    """A request came that is not on the cassette, or not so often. It comes out of the client's call."""


class Cassette(Interceptor):
    """Active inside its `with` block. What was recorded is written when the block ends without an exception.

    path: of the HAR file. record: "once" records where the file is not there, and replays where it is; "all" records anew;
    "none" never goes to the network. redact: names of fields, parameters, form fields and JSON members whose values are
    secrets, beside those of OAuth (`redaction.NAMES`). keep: names of OAuth that stand for no secret here. The values of
    credential fields (Authorization, Cookie, what plugins declare and `sensitive_headers` names) are never written.

    A request is answered by the first entry of its method, URL and body that was not used yet.
    """

    def __init__(
        self, path: str | Path, *, record: Mode = "once", redact: Iterable[str] = (), keep: Iterable[str] = ()
    ) -> None:
        super().__init__()
        if record not in ("once", "all", "none"):
            raise ValueError(f"record= takes 'once', 'all' or 'none', not {record!r}")
        self.path = Path(path)
        self._redaction = Redaction(redact, keep)
        self.is_recording = record == "all" or (record == "once" and not self.path.exists())
        self.entries: list[Recorded] = [] if self.is_recording else read(self.path)
        self._unused = list(self.entries)
        self._lines = Lines(self._replay)
        self._recorders: dict[Any, Lines] = {}

    def route_for(self, request: HttpRequest) -> Route | None:
        origin = request.origin
        if origin.scheme not in ("http", "https"):
            return None
        self._redaction.add_fields(request._configuration.credentials | request.sensitive_headers)
        place = Place(origin.scheme, origin.host, origin.port)
        return RecordingRoute(self, place, request.route) if self.is_recording else PlaceRoute(self._lines, place)

    @property
    def unused(self) -> list[Recorded]:
        """The entries that nobody has asked for."""
        return list(self._unused)

    def discard(self) -> None:
        """Write nothing at the end."""
        self.is_recording = False

    def __exit__(self, kind: type[BaseException] | None, *error: Any) -> None:
        super().__exit__(kind, *error)
        if kind is None and self.is_recording and self.entries:
            write(self.path, self.entries)

    async def _replay(self, line: Line) -> None:
        while (request := await line.next_request()) is not None:
            exchange = Exchange(line, request)
            while await exchange.read_piece():
                pass
            found = self._take(request)
            if found is None:
                raise NotRecorded(self._explain(request))
            fields = octets_of(found.headers)
            length = value_of(found.headers, "content-length")
            if length and request.method != "HEAD":  # redaction and coding may have changed it
                fields = [f for f in fields if f[0].lower() != b"content-length"]
                fields.append((b"content-length", b"%d" % len(found.body)))
            exchange.start(found.status, fields, found.reason)
            pieces = list(found.pieces())
            for piece in pieces[:-1]:
                await exchange.write(piece, more=True)
                await read_by_peer(line.writer.get_extra_info("socket"))  # so that it comes by itself, as it did
                for _ in range(_TURNS):
                    await asyncio.sleep(0)
            await exchange.write(pieces[-1] if pieces else b"", more=False, trailers=octets_of(found.trailers))
            await exchange.end()

    def _take(self, request: SeenRequest) -> Recorded | None:
        method, url, body = self._key(request)
        for entry in self._unused:
            if (entry.method, self._redaction.url(entry.url), self._comparable(entry)) == (method, url, body):
                self._unused.remove(entry)
                return entry
        return None

    def _key(self, request: SeenRequest) -> tuple[str, str, bytes]:
        kind = request.header("content-type") or ""
        body = comparable(self._redaction.body(request.body, kind), kind)
        return request.method, self._redaction.url(request.url), body

    def _comparable(self, entry: Recorded) -> bytes:
        """The body of a recorded request, as `_key` has that of a request: fewer names may have been secret then."""
        kind = value_of(entry.request_headers, "content-type")
        return comparable(self._redaction.body(entry.request_body, kind), kind)

    def _explain(self, request: SeenRequest) -> str:
        """How a request differs from the entries that are left."""
        method, url, body = self._key(request)
        cleaned = dataclasses.replace(request, method=method, url=url, target=self._redaction.url(request.target))
        cleaned._body[:] = body
        left = [Expected(e.method, UrlPattern(e.url), content=self._comparable(e)) for e in self._unused]
        text = describe_unexpected(cleaned, left).replace("no route expects", "not recorded:", 1)
        text = text.replace("the mock has no routes", "no entry is left")
        return f"{text}\nin {self.path}; record it anew with record='all', or pytest --hookline-record=all"

    def recorder(self, route: RecordingRoute) -> Lines:
        """The lines that record what goes by one route; they live as long as the cassette."""
        return self._recorders.setdefault(route.key, Lines(route.record))

    def keep(self, recorded: Recorded) -> None:
        """Add an exchange, without its secrets."""
        clean = self._redaction
        coding, plain = without_coding(recorded.headers, recorded.body)
        body = clean.body(plain, value_of(recorded.headers, "content-type"))
        self.entries.append(
            dataclasses.replace(
                recorded,
                url=clean.url(recorded.url),
                request_headers=clean.fields(recorded.request_headers),
                request_body=clean.body(recorded.request_body, value_of(recorded.request_headers, "content-type")),
                headers=clean.fields(recorded.headers),
                body=recorded.body if body == plain else encoded(coding, body) if coding else body,
                trailers=clean.fields(recorded.trailers),
            )
        )


@dataclass(frozen=True)
class RecordingRoute(Route):
    """Out to the network by the route that the request had, past the cassette."""

    cassette: Cassette = field(repr=False)
    place: Place
    route: Route

    @property
    def key(self) -> Any:
        return self.cassette, self.place, self.route.key

    async def open(self, client: HttpClient) -> Any:
        return await self.cassette.recorder(self).open(client, self.place)

    async def record(self, line: Line) -> None:
        """Answer with what the network answers."""
        async with bare_client(OnRoute(self.route)) as client:
            while (request := await line.next_request()) is not None:
                exchange = Exchange(line, request)
                try:
                    self.cassette.keep(await forwarded(client, exchange))
                except HttpRequestException as error:
                    error.request = error.response = None  # of the inner client; the outer one sets its own
                    raise
                await exchange.end()


class OnRoute:
    """Sends every request of a client by one route."""

    name = "on-route"

    def __init__(self, route: Route) -> None:
        self._route = route

    @hookimpl
    def pre_request(self, response: HttpResponse) -> None:
        response.request.route = self._route


async def forwarded(client: HttpClient, exchange: Exchange) -> Recorded:
    """Send a request on, hand the response on as it comes, and return both.

    Raises: HttpRequestException.
    """
    request = exchange.request
    headers = [(name.decode("ascii"), value.decode("utf-8", "surrogateescape")) for name, value in request.headers]
    sent = [pair for pair in headers if pair[0].lower() not in _OF_REQUESTS]
    has_body = request.header("transfer-encoding") is not None or request.header("content-length") not in (None, "0")
    options: dict[str, Any] = {"data": Upload(exchange)} if has_body else {}
    started, begin = datetime.now(UTC), monotonic()
    answer = await client.request(request.method, request.url, headers=sent, stream=True, **options)
    head = monotonic()
    fields = octets_of(answer.headers.items())
    kept = [pair for pair in fields if pair[0].lower().decode("latin-1") not in _OF_RESPONSES]
    exchange.start(answer.status_code, kept, answer.reason)
    if answer.status_code >= 300:
        await read_rest(exchange)
    pieces: list[bytes] = []
    async with answer:
        async for data in answer.raw:
            pieces.append(data)
            await exchange.write(data, more=True)
    await read_rest(exchange)
    trailers = octets_of(answer.trailers.items())
    await exchange.write(b"", more=False, trailers=trailers)
    return Recorded(
        request.method,
        request.url,
        headers,
        request.body,
        answer.status_code,
        answer.reason,
        pairs_of(kept),
        b"".join(pieces),
        [len(piece) for piece in pieces],
        started.isoformat(),
        (head - begin) * 1000,
        (monotonic() - head) * 1000,
        pairs_of(trailers),
    )


async def read_rest(exchange: Exchange) -> None:
    """Read what is left of a request's body, for the record.

    A client stops sending at a response of 300 and more, or at one that is whole. So this comes before either is handed on:
    how much of the body is recorded does not depend on how fast the server was.
    """
    while await exchange.read_piece():
        pass


def pairs_of(fields: Iterable[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    """Fields as they are recorded: as UTF-8, with surrogates for bytes that are none."""
    return [(name.decode("latin-1"), value.decode("utf-8", "surrogateescape")) for name, value in fields]


def octets_of(fields: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    """Fields as they go over the wire."""
    return [(name.encode("latin-1"), field_octets(value)) for name, value in fields]


def comparable(body: bytes, content_type: str) -> bytes:
    """The body of a request without what is random in it: the boundary of multipart (RFC 2046, section 5.1.1)."""
    boundary = boundary_of(content_type)
    return body.replace(b"--" + boundary, b"--boundary") if boundary else body


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

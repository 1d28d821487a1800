"""The cassette: it records the answers of the network in a file, and replays them."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Hashable, Iterable
from pathlib import Path
from typing import Any, Literal

from hookline import HttpRequest, Route

from ..memory.connection import ServerConnection
from ..memory.exchange import Exchange
from ..memory.origin import Origin
from ..memory.route import MemoryRoute
from ..memory.server import MemoryServer
from ..mock.errors import describe_unexpected
from ..mock.expectation import Expectation
from ..mock.url_pattern import UrlPattern
from ..network import Interceptor
from ..server.peer import wait_until_read
from ..server.seen_request import SeenRequest
from .content_coding import encode
from .har import RecordedExchange, decode_body, first_value, read_har, write_har
from .recording import RecordingRoute, to_bytes
from .redaction import Redaction, multipart_boundary

Mode = Literal["once", "all", "none"]
_TURNS = 4  # of the loop, in which the client's code reads a piece of a stream


class NotRecorded(AssertionError):
    """A request came that the cassette has not, or not so often. The client's call raises it.

    Example::

        import pathlib, tempfile
        from hookline import HttpClient
        from hookline_testing import Cassette, NotRecorded

        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "empty.har")
            path.write_text('{"log": {"version": "1.2", "entries": []}}')
            with Cassette(path) as cassette, HttpClient() as client:
                try:
                    client.get("http://127.0.0.1:8000/other")
                except NotRecorded as error:
                    print("no network:", str(error).splitlines()[0])
    """


class Cassette(Interceptor):
    """Records or replays the exchanges of clients inside its `with` block.

    The record is written when the block ends without an exception.
    path: of the HAR file. record: "once" = record if the file does not exist, else replay; "all" = record again; "none" =
    only replay. redact: names of fields, parameters, form fields and JSON members whose values are secrets, in addition
    to those of OAuth (`redaction.NAMES`). keep: names of OAuth that are no secrets here. The values of credential fields
    (Authorization, Cookie, those that plugins declare and those in `sensitive_headers`) are never written.

    A request is answered by the first unused entry with its method, URL and body.

    Example::

        import tempfile
        from hookline import HttpClient
        from hookline_testing import Cassette

        with tempfile.TemporaryDirectory() as folder:
            for _ in range(2):  # the first time from the network, the second time from the file
                with Cassette(f"{folder}/json.har", redact=["api_key"]) as cassette, HttpClient() as client:
                    print(client.get("http://127.0.0.1:8000/json").json(), cassette.unused)
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
        self.entries: list[RecordedExchange] = [] if self.is_recording else read_har(self.path)
        self._unused = list(self.entries)
        self._replay_server = MemoryServer(self._replay)
        self._recording_servers: dict[Hashable, MemoryServer] = {}

    def route_for(self, request: HttpRequest) -> Route | None:
        where = request.origin
        if where.scheme not in ("http", "https"):
            return None
        self._redaction.add_fields(request.configuration.credentials | request.sensitive_headers)
        origin = Origin(where.scheme, where.host, where.port)
        if self.is_recording:
            return RecordingRoute(self, origin, request.route)
        return MemoryRoute(self._replay_server, origin)

    @property
    def unused(self) -> list[RecordedExchange]:
        """The entries that answered no request."""
        return list(self._unused)

    def discard(self) -> None:
        """Do not write the record at the end."""
        self.is_recording = False

    def __exit__(self, kind: type[BaseException] | None, *error: Any) -> None:
        super().__exit__(kind, *error)
        if kind is None and self.is_recording and self.entries:
            write_har(self.path, self.entries)

    # -- replaying

    async def _replay(self, connection: ServerConnection) -> None:
        while (request := await connection.next_request()) is not None:
            exchange = Exchange(connection, request)
            while await exchange.read_piece():
                pass
            found = self._take(request)
            if found is None:
                raise NotRecorded(self._explain(request))
            fields = to_bytes(found.headers)
            length = first_value(found.headers, "content-length")
            if length and request.method != "HEAD":  # redaction and content coding may have changed the length
                fields = [f for f in fields if f[0].lower() != b"content-length"]
                fields.append((b"content-length", b"%d" % len(found.body)))
            exchange.start(found.status, fields, found.reason)
            pieces = list(found.pieces())
            for piece in pieces[:-1]:
                await exchange.write(piece, more=True)
                # so that the client reads each piece by itself, as it did when they were recorded
                await wait_until_read(connection.writer.get_extra_info("socket"))
                for _ in range(_TURNS):
                    await asyncio.sleep(0)
            await exchange.write(pieces[-1] if pieces else b"", more=False, trailers=to_bytes(found.trailers))
            await exchange.end()

    def _take(self, request: SeenRequest) -> RecordedExchange | None:
        """Remove and return the entry that answers a request; None = there is none."""
        method, url, body = self._key(request)
        for entry in self._unused:
            if (entry.method, self._redaction.url(entry.url), self._comparable_body(entry)) == (method, url, body):
                self._unused.remove(entry)
                return entry
        return None

    def _key(self, request: SeenRequest) -> tuple[str, str, bytes]:
        """Return what a request is compared by: method, URL and body, without secrets."""
        kind = request.header("content-type") or ""
        body = without_boundary(self._redaction.body(request.body, kind), kind)
        return request.method, self._redaction.url(request.url), body

    def _comparable_body(self, entry: RecordedExchange) -> bytes:
        """Return the body of a recorded request as in `_key`; when it was recorded, fewer names may have been secrets."""
        kind = first_value(entry.request_headers, "content-type")
        return without_boundary(self._redaction.body(entry.request_body, kind), kind)

    def _explain(self, request: SeenRequest) -> str:
        """Return the message of NotRecorded: how a request differs from the unused entries."""
        _, url, body = self._key(request)
        redacted = request.redacted(url=url, target=self._redaction.url(request.target), body=body)
        unused = [Expectation(e.method, UrlPattern(e.url), content=self._comparable_body(e)) for e in self._unused]
        text = describe_unexpected(redacted, unused).replace("no route expects", "not recorded:", 1)
        text = text.replace("the mock has no routes", "no entry is left")
        return f"{text}\nin {self.path}; record it again with record='all', or pytest --hookline-record=all"

    # -- recording (see `recording.Recorder`)

    def server_for(self, route: RecordingRoute) -> MemoryServer:
        """Return the server that records the requests of a route; it lives as long as the cassette.

        Example::

            from hookline import HttpClient
            from hookline_testing import Cassette


            class Loud(Cassette):
                def server_for(self, route):
                    print("records", route.key)
                    return super().server_for(route)

                def store(self, recorded):
                    print("got", recorded.status)
                    super().store(recorded)


            with Loud("json.har") as cassette, HttpClient() as client:
                client.get("http://127.0.0.1:8000/json")
                cassette.discard()
        """
        return self._recording_servers.setdefault(route.key, MemoryServer(route.record))

    def store(self, recorded: RecordedExchange) -> None:
        """Add an exchange to the entries, without its secrets."""
        redaction = self._redaction
        coding, plain = decode_body(recorded.headers, recorded.body)
        body = redaction.body(plain, first_value(recorded.headers, "content-type"))
        request_type = first_value(recorded.request_headers, "content-type")
        self.entries.append(
            dataclasses.replace(
                recorded,
                url=redaction.url(recorded.url),
                request_headers=redaction.fields(recorded.request_headers),
                request_body=redaction.body(recorded.request_body, request_type),
                headers=redaction.fields(recorded.headers),
                body=recorded.body if body == plain else encode(coding, body) if coding else body,
                trailers=redaction.fields(recorded.trailers),
            )
        )


def without_boundary(body: bytes, content_type: str) -> bytes:
    """Return a request's body with a fixed multipart boundary, which is random otherwise (RFC 2046, section 5.1.1)."""
    boundary = multipart_boundary(content_type)
    return body.replace(b"--" + boundary, b"--boundary") if boundary else body

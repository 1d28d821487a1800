"""One response: what came back."""

from __future__ import annotations

import json
from time import monotonic
from typing import Any, Self, cast

from multidict import CIMultiDict

from ..copying import snapshot
from ..errors import (
    HttpRequestException,
    PluginError,
    ReadTimeout,
    StreamAbandoned,
    StreamConsumedError,
)
from ..hooks.handlers import ResponseEvent
from ..http1.connection import Connection
from ..messages import fields
from ..messages.charset import check_charset
from ..messages.content_decoding import Decoder, Text, charset_of, check_decoder, decoded, json_text
from .acquire import acquire
from .failure import fail
from .request import HttpRequest
from .response_stream import Raw
from .state import NEVER, NEW, ExchangeState


class HttpResponse(ExchangeState):
    """See the module. It exists from the start of its exchange; `status_code` is 0 until a head is here."""

    __slots__ = ()
    is_consumed = False
    _raw: Raw | None = None
    _notes: dict[str, Any] | None = None
    _encoding: str | None = None

    @classmethod
    def build(
        cls,
        request: HttpRequest,
        status_code: int,
        *,
        reason: str = "",
        headers: fields.HeadersLike = None,
        content: bytes = b"",
    ) -> HttpResponse:
        """A response that did not come from the network: what a cache or a mock answers with."""
        lines = fields.write((name, value) for name, value in fields.checked(headers) if value is not None)
        response: HttpResponse = request._configuration.response_type(request)
        response._set_head(
            f"HTTP/1.1 {int(status_code):03d} {fields.check_value('the reason', reason)}\r\n{lines}\r\n".encode(
                "utf-8", "surrogateescape"
            )
        )
        response._content = content
        response._mark_finished()
        return response

    # -- the head

    @property
    def raw_head(self) -> bytes:
        """The head as it came, with its empty line; b"" before it is here. Lines that ended in LF end in CR LF, folded lines
        are one, and a Content-Length that was repeated stands once."""
        return b"" if self._head is None else self._head.raw

    @property
    def url(self) -> str:
        """The URL of its request, with the fragment that leads on to it."""
        return self.request.url

    @property
    def reason(self) -> str:
        """The reason phrase as the server sent it."""
        return "" if self._head is None else self._head.line.reason

    @property
    def version(self) -> str:
        """HTTP/1.1 or HTTP/1.0."""
        return "" if self._head is None else f"HTTP/1.{self._head.line.minor}"

    @property
    def ok(self) -> bool:
        """Is the status below 400?"""
        return 0 < self.status_code < 400

    @property
    def headers(self) -> CIMultiDict[str]:
        """The fields, parsed at first use (2 us); `has` asks for one without that.

        Before the head is here there are none, and to write to them is a PluginError: see `request.headers`.
        """
        if self._headers is None:
            if self._head is None:
                return fields.NoFields()
            self._headers = fields.parse_fields(self.raw_head)
        return self._headers

    @property
    def trailers(self) -> CIMultiDict[str]:
        """The fields that came behind a chunked body."""
        return fields.parse_trailers(self.raw_trailers)

    def has(self, name: str) -> bool:
        """Is there a field of that name? Looks at the raw head only."""
        return self._head is not None and self._head.low.find(b"\r\n" + name.lower().encode("latin-1") + b":") >= 0

    @property
    def links(self) -> dict[str, dict[str, str]]:
        """The BaseConnection fields (RFC 8288), by relation: `response.links["next"]["url"]`, an absolute URL."""
        from ..messages.link_fields import links_of  # here, because few read them

        return links_of(self.headers.getall("link", []), self.url)

    def info(self) -> fields.Info:
        """A copy of the fields, as http.cookiejar asks for them."""
        return fields.Info(self.headers)

    @property
    def history(self) -> list[HttpResponse]:
        """Every response of this call that was answered with another request, oldest first."""
        return cast("list[HttpResponse]", self.request.history)

    # -- the body

    @property
    def content(self) -> bytes:
        """The whole body, decoded.

        Raises: StreamConsumedError, when it is a stream that was not read whole; DecodingError.
        """
        if self._content is None:
            if self.is_open or self.is_consumed or self._is_cut:
                what = "was taken as a stream" if self.is_consumed else "is a stream: await response.raw.read() first"
                if self._is_cut:
                    what = "was closed, or failed, before its end"
                raise StreamConsumedError(f"there is no content: the body {what}")
            self._content = self._take_decoded(bounded=False)
        return self._content

    def _keep_content(self, content: bytes) -> None:
        """Keep what was read from the stream."""
        self._content = content

    def _decode(self) -> Self:
        """Undo the content codings now, so that an error in them shows here.

        Raises: DecodingError.
        """
        if self.connection is not None:
            self._parts += self.connection.take_parts()
            self._is_whole = self.connection.complete
        if self._content is None and not self.is_consumed:
            self._content = self._take_decoded(bounded=False)
        return self

    @property
    def raw(self) -> Raw:
        """The body as a stream, once."""
        if self._raw is None:
            self._raw = Raw(self)
        return self._raw

    def _begin_stream(self) -> bytes:
        """What the stream begins with, now that it is taken: all of a body that was not handed out as one."""
        if not self.was_handed_out:
            return self.content
        self.is_consumed = True
        return b""

    def recv_body(self) -> bytes:
        """Take the decoded body so far; what was taken is no longer in `content`.

        Raises: DecodingError.
        """
        if self._content is not None:
            data, self._content = self._content, b""
            return data
        if self.connection is not None:
            self._parts += self.connection.take_parts()
        return self._take_decoded(bounded=False)

    @property
    def encoding(self) -> str | None:
        """The charset that was set, or that Content-Type names, as Python's codec for it; None = UTF-8.

        A label of Content-Type that is unknown or garbled is none.
        """
        return self._encoding or charset_of(self.headers.get("content-type"))

    @encoding.setter
    def encoding(self, charset: str | None) -> None:
        """Take this charset for text, JSON, forms and lines, whatever Content-Type says; None = what it says."""
        self._encoding = charset

    @property
    def text(self) -> Text:
        """The body as str, decoded strictly; `text()` is the same.

        Raises: UnicodeDecodeError; LookupError, where `encoding` was set to what Python does not know.
        """
        return Text(self.content.decode(self._codec() or "utf-8"))

    def _codec(self) -> str | None:
        """What `encoding` says, checked where the user has set it."""
        return check_charset(self._encoding) if self._encoding else self.encoding

    def json(self, **kwargs: Any) -> Any:
        """The body as a JSON object. kwargs: for `json_decoder`, or Python's own.

        Raises: ValueError; LookupError, as `text`.
        """
        decoder = self.request.json_decoder or json.loads
        return decoder(json_text(self.content, self._codec()), **kwargs)

    def decode_content(self) -> Any:
        """The body as Content-Type says: JSON as an object, a form as a list of pairs, text as str, anything else as bytes.

        Raises: ValueError, for a body that is not what it says; LookupError, as `text`.
        """
        return decoded(self.content, self.headers.get("content-type", ""), self._codec())

    def raise_for_status(self) -> Self:
        """Returns the response itself, so that calls can be chained.

        Raises: HttpRequestException, for a status of 400 and more.
        """
        if self.status_code >= 400:
            where = f"{self.request.method} {self.request._destination.origin}{self.request._destination.target.partition('?')[0]}"
            raise HttpRequestException(f"{self.status_code} {self.reason} for {where}", response=self)
        return self

    # -- the body as a stream

    async def _read_chunk(self) -> bytes:
        """The next decoded bytes of the body; b"" at its end. Whatever goes wrong ends the exchange.

        Raises: StreamConsumedError, when it was closed before; whatever went wrong.
        """
        connection = self.connection
        if connection is None:
            if self._is_cut:
                raise StreamConsumedError("the body was closed, or failed, before its end")
            return self._take_decoded(bounded=True)
        if connection.waiter is not None and not connection.waiter.done():
            raise StreamConsumedError("the stream is being read elsewhere at the same time; it has one reader")
        try:
            while True:
                self._is_whole = complete = connection.complete
                if not complete and self._content_filter is None and not self._parts:
                    if connection.read_at_once is not None and not connection.parts:
                        connection.read_at_once()
                    if len(connection.parts) == 1:
                        return connection.take_parts()[0]  # one read of a body that goes on, as most are
                if connection.parts or self._parts or complete or self._content_filter is not None:
                    self._parts += connection.take_parts()
                    data = self._take_decoded(bounded=True)
                    if complete and not (self._content_filter is not None and self._content_filter.has_pending):
                        await self._finish_stream(connection)
                        return data
                    if data:
                        return data
                if self.request.timeout.read:
                    self._arm_timeout(None, ReadTimeout, self.request.timeout.read, total=False)
                if connection.error is not None:
                    raise connection.error
                connection.waiter = waiter = connection.loop.create_future()
                await waiter
                if self._due != NEVER:
                    self._disarm_timeout()
        except BaseException as error:
            self._is_whole = False
            await self._fail(error)
            raise

    async def _finish_stream(self, connection: Connection) -> None:
        self._finish_body(connection)
        if not self._is_finished:
            self._mark_finished()
            stage = self._stage("post_request")
            if stage is not None:
                with self.request._client.loop_resources.handler_section():
                    await stage.run(self)  # no answer is taken: the caller has the response

    def close(self) -> Any:
        """Let go of a body that nobody reads on; nothing happens when it was read. In a running loop, await it or not."""
        return self.request._client._run_in_background(self.aclose())

    async def aclose(self) -> None:
        """The same as a coroutine: post_request is told of StreamAbandoned."""
        if self.connection is not None:
            await self._abandon("the body was closed before its end")

    async def _fail(self, error: BaseException) -> None:
        """End the exchange of a stream with an error."""
        await fail(self, error)

    async def _abandon(self, why: str) -> None:
        """End a stream that nobody reads on. What post_request raises has no caller to go to: it is logged."""
        error = StreamAbandoned(why)
        await self._fail(error)
        for note in getattr(error, "__notes__", ()):
            self.request._client.logger.error("%r: %s", self.request, note)

    # -- for plugins

    @property
    def notes(self) -> dict[str, Any]:
        """What handlers keep for the time of this exchange: a dict, empty at first. Use your plugin's name as the key.

        A response that a plugin answers the exchange with has the same dict; a follow-up has one of its own.
        """
        if self._notes is None:
            self._notes = {}
        return self._notes

    def _share_notes(self, answer: Any) -> None:
        """Give the notes to what this exchange was answered with."""
        if isinstance(answer, HttpResponse):
            answer._notes = self.notes

    def add_decoder(self, decoder: Decoder) -> None:
        """Put a filter over the body, in on_headers; the one added first gets the raw body.

        Raises: PluginError, once the body was begun.
        """
        check_decoder(decoder)
        if self._is_finished or self._content is not None:
            raise PluginError("add_decoder is for on_headers: the body was already taken")
        self.body.add_decoder(decoder)

    async def connect(self) -> Connection:
        """Take the connection now, in pre_request. The route and the origin are fixed from then on."""
        if self._step != NEW:
            raise PluginError("connect() is for pre_request: the request was sent already")
        if self.connection is None:
            self._pool = pool = self.request._pool()
            self.connection = pool.take(monotonic()) or await acquire(self, pool)
            self.request._mark_connected()
        return self.connection

    def detach(self) -> Connection:
        """Take the connection out of the client, in on_headers: behind a 101, or a CONNECT that was granted.

        `connection.set_protocol(p)` gives the transport on, and the bytes that came behind the head.

        Raises: PluginError, where HTTP still has the connection.
        """
        connection = self.connection
        if connection is None or not connection.upgraded:
            raise PluginError(
                "detach: only a connection that left HTTP (a 101, or a CONNECT that was granted) can be taken"
            )
        self._is_detached = True
        self._release_detached()
        return connection

    def event(self, name: str) -> ResponseEvent:
        """The handlers of this exchange alone, and whether the event has fired."""
        if self._events is None:
            self._events = {}
            self._on_fast_path = False
        found = self._events.get(name)
        if found is None:
            found = self._events[name] = ResponseEvent(name, self)
        return found

    __reduce__ = snapshot

    def __repr__(self) -> str:
        return f"<Response [{self.status_code}]>"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.aclose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

"""One response, as users and plugins see it: its head, its body, and the means of plugins."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Iterable
from time import monotonic
from types import GenericAlias
from typing import TYPE_CHECKING, Any, Generic, Self, cast

from multidict import CIMultiDict

from ..copying import snapshot
from ..errors import (
    HttpRequestException,
    PluginError,
    ReadTimeout,
    StreamAbandoned,
    StreamConsumedError,
)
from ..hooks.declarations import MediaType
from ..hooks.handlers import ResponseEvent, check_event
from ..messages import fields
from ..messages.charset import check_charset
from ..messages.content_decoding import (
    ContentFilter,
    Decoder,
    Text,
    charset_of,
    check_decoder,
    decoder_of,
    json_text,
)
from ..messages.request_body import Source, as_body
from ..wire.carrier import Carrier
from .acquire import acquire
from .failure import fail
from .request import HttpRequest
from .response_stream import ResponseStream
from .state import NEVER, NEW, ExchangeState

# Bytes of a stream that many exchanges' connection carries; more of them at once took 1.1 to 1.2 of the CPU.
LARGE_CHUNK = 64 * 1024

if TYPE_CHECKING:
    from typing_extensions import TypeVar

    from ..http1.connection import Connection

    RequestT_co = TypeVar("RequestT_co", bound=HttpRequest, default=HttpRequest, covariant=True)
    StreamT_co = TypeVar("StreamT_co", bound=ResponseStream, default=ResponseStream, covariant=True)
else:  # type checkers alone need the defaults, which Python has from 3.13 on
    from typing import TypeVar

    RequestT_co, StreamT_co = TypeVar("RequestT_co"), TypeVar("StreamT_co")


class HttpResponse(ExchangeState, Generic[RequestT_co, StreamT_co]):
    """A response, and the exchange that it belongs to.

    The methods of a client return it; plugins and handlers get it as the argument `response` of every event; and `build`
    makes one that does not come from the network. Users do not call the class itself.

    The body can be read in two ways:

    - Whole. By default `await client.get(url)` returns when all of the body has arrived. `content` is its bytes, without the
      content codings that a plugin decodes; `text`, `json()` and `decode_content()` convert them.
    - As a stream. With `stream=True` the client returns the response at its head, and `raw` reads the body:
      `async for chunk in response.raw`, or `response.raw.read(n)`. Read it to its end, or close it: `async with response:`, or
      `await response.aclose()`. Plugins may add other ways, such as to save it to a file.

    In a running loop, `close()` and `raw.read()` return awaitables. Without one they block until they are done.

    The object exists from the start of its exchange, so what is available depends on the event:

    - pre_request: `request`, `notes`, `event`, `connect`, `wrap_upload`. There is no head: `status_code` is 0, `reason`,
      `version` and `raw_head` are empty, and `headers` cannot be changed.
    - data_received: the same; for reads after the head, the head too.
    - on_headers: the head: `status_code`, `headers`, `has` and the others. `add_decoder`, `buffer` and `detach` are for this
      event. The body may not have arrived; what has arrived of it waits.
    - data_processed: `recv_body()` takes the decoded body that has arrived so far.
    - post_request: the body too: `content`, `text`, `elapsed`, `trailers`. If the exchange failed, the head may be missing or
      the body cut.

    Plain attributes:

    request: the HttpRequest of this exchange. The responses in `history` have their own.
    status_code: an int, 0 before the head is here.
    connection: the Connection of this exchange. None before it is taken, and once all of the body has arrived.
    raw_trailers: the fields after a chunked body, as pairs of bytes; `trailers` has them parsed. Empty = none, or not yet.
    answer: what an implementation of the running event has answered so far. None = nothing. For plugins.
    was_handed_out: True once the caller has the response as a stream: then answers of plugins have no effect.
    is_consumed: True once the caller has begun to read a stream through `raw`.
    is_built: True if `build` made it, False if it came from the network.
    is_stored: True if `build` was told that it was received for an earlier request: a plugin that keeps something of responses
    has it already.

    Plugins may add attributes. For type checkers, `HttpResponse[Request, Stream]` states the classes of `request` and `raw` with
    what plugins add to these. Once its exchange is over a response can be copied and pickled.

    Example: docs/plugins/hooks.md#built-responses
    """

    __slots__ = ()
    if TYPE_CHECKING:
        request: RequestT_co
    else:  # that of Generic would refuse `HttpResponse[Request]`, where the second parameter has its default
        __class_getitem__ = classmethod(GenericAlias)
    is_consumed = False
    is_built = False
    is_stored = False
    _raw: ResponseStream | None = None
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
        content: bytes | Iterable[bytes] | AsyncIterable[bytes] = b"",
        as_received: bool = False,
        stored: bool = False,
    ) -> HttpResponse:
        """Make a response that does not come from the network: what a cache or a mock answers an event with.

        An iterable is read as a body from the network is: when somebody reads `raw`, or whole for a call without `stream=True`;
        within the timeouts and `max_body` of the call, and not further ahead than 256 KiB. It is closed when the response is.

        request: the request that it answers. status_code: an int. reason: the reason phrase, "" = none. headers: a mapping,
        or pairs of a name and a value (str, bytes or a number); None = no fields. content: the body: bytes, or an iterable of
        bytes, async or not, which must not block; decoded, unless `as_received` is True.
        as_received: True has the response take part in the exchange as one that came from the network, in pre_request and
            on_headers: it fires on_headers, data_processed and post_request, and never data_received; its body is decoded as
            its fields say. False: it fires post_request alone.
        stored: True sets `is_stored`.

        Raises: LocalProtocolError, for a field or a reason that HTTP cannot carry; TypeError, for a field or a content of another
        type; ValueError, for a generator that has ended.

        Example: docs/plugins/hooks.md#built-responses
        """
        lines = "".join([f"{name}: {value}\r\n" for name, value in fields.check_fields(headers) if value is not None])
        response: HttpResponse = request.configuration.response_type(request)
        response._set_head(
            f"HTTP/1.1 {int(status_code):03d} {fields.check_value('the reason', reason)}\r\n{lines}\r\n".encode(
                "utf-8", "surrogateescape"
            )
        )
        response.is_built, response.is_stored, response._is_as_received = True, stored, as_received
        body = as_body(content, "content=")
        if as_received or isinstance(body, Source):
            from .built_body import BuiltBody  # here, because most bodies come from the network

            assert response._head is not None
            response.connection = BuiltBody(body, response._head)
        else:
            response._content = body
        response._mark_finished()
        return response

    def _start_built_body(self) -> bool:
        """Start to receive the body that `build` was given; returns False if that was done before, or if it is bytes.

        Raises: RuntimeError, if no loop is running.
        """
        if not self._has_unread_body:
            return False
        connection: Any = self.connection  # a BuiltBody
        self._on_fast_path = False
        connection.leave_fast_path(self.request.method, self.request.max_body, self._make_data_listener())
        step = self._step
        connection.start(self, self.request.configuration.client.loop_resources)
        self._step = step  # of a response that has had its post_request, or needs none, it stays so
        return True

    @property
    def _has_unread_body(self) -> bool:
        """Say whether `build` was given a body that nobody has begun to read."""
        if not self.is_built:
            return False
        from .built_body import BuiltBody

        return isinstance(self.connection, BuiltBody) and not self.connection.is_started

    # -- the head

    @property
    def raw_head(self) -> bytes:
        """The head as it came, with the empty line at its end: bytes, b"" before it is here.

        Three things are put right: lines that ended in LF end in CR LF, folded lines are one line, and a Content-Length that
        was repeated with the same value is there once.

        Example::

            from hookline import HttpClient

            with HttpClient() as client:
                response = client.get("http://127.0.0.1:8000/")
            print(response.has("content-type"), response.info()["Content-Type"])
            print(response.raw_head.splitlines()[0])
        """
        return b"" if self._head is None else self._head.raw

    @property
    def url(self) -> str:
        """The URL that this response comes from: a str, that of `request`, with its fragment and without userinfo.

        Example: docs/quickstart.md#one-client-for-one-service
        """
        return self.request.url

    @property
    def reason(self) -> str:
        """The reason phrase as the server sent it: a str, "" if there is none, or before the head is here.

        Example: docs/quickstart.md#a-request
        """
        return "" if self._head is None else self._head.line.reason

    @property
    def version(self) -> str:
        """The version that the server stated: "HTTP/1.1" or "HTTP/1.0"; "" before the head is here.

        Example: docs/http2.md#when-it-is-spoken
        """
        return "" if self._head is None else self._head.line.version

    @property
    def ok(self) -> bool:
        """True if the status is below 400; False before the head is here.

        Example: docs/untrusted.md#webhooks
        """
        return 0 < self.status_code < 400

    @property
    def headers(self) -> CIMultiDict[str]:
        """The header fields: a case-insensitive multidict of str, parsed at first use (2 us); `has` finds a field without that.

        A value that is not UTF-8 is read as Latin-1; `hookline.field_octets(value)` returns its bytes. Before the head is here
        there are no fields, and a change of them raises PluginError: fields to send belong to `request.headers`.

        Example: docs/quickstart.md#a-request
        """
        if self._headers is None:
            if self._head is None:
                return fields.NoFields()
            self._headers = fields.parse_fields(self.raw_head)
        return self._headers

    @property
    def trailers(self) -> CIMultiDict[str]:
        """The fields after a chunked body (RFC 9112, section 7.1.2): a multidict as `headers`, empty until the body was read.

        Example: docs/responses.md#trailers
        """
        return fields.parse_trailers(self.raw_trailers)

    def has(self, name: str) -> bool:
        """Return True if the head has a field of this name, in any case; False before it is here. Does not parse the head."""
        return self._head is not None and self._head.low.find(b"\r\n" + name.lower().encode("latin-1") + b":") >= 0

    def info(self) -> fields.CookieJarFields:
        """Return a copy of the header fields in the form that `http.cookiejar` needs: a multidict with `get_all`."""
        return fields.CookieJarFields(self.headers)

    @property
    def history(self) -> list[Self]:
        """The responses of this call before this one, oldest first: those that a plugin answered with a follow-up.

        A list of HttpResponse, empty if there were none; redirects are in it, for instance.

        Example: docs/requests.md#made-first-sent-later
        """
        return cast("list[Self]", self.request.history)

    # -- the body

    @property
    def content(self) -> bytes:
        """The whole body: bytes, with its content codings decoded; b"" if there is none.

        What `recv_body` took is not in it. Of a stream it is there after `await response.raw.read()`.

        Raises: StreamConsumedError, for a stream that was not read whole by one such call; DecodingError; BodyTooLarge.

        Example: docs/events.md#data-events
        """
        if self._content is None:
            if self.is_open or self.is_consumed or self._is_cut:
                what = "was taken as a stream" if self.is_consumed else "is a stream: await response.raw.read() first"
                if self._is_cut:
                    what = "was closed, or failed, before its end"
                raise StreamConsumedError(f"there is no content: the body {what}")
            self._content = self._decode_parts(bounded=False)
        return self._content

    def _keep_content(self, content: bytes) -> None:
        """Keep as `content` what was read from the stream."""
        self._content = content

    def _load_content(self) -> Self:
        """Decode into `content` all of the body that has arrived, so that an error in its codings is raised here.

        Raises: DecodingError, BodyTooLarge.
        """
        if self.connection is not None:
            self._parts += self.connection.take_parts()
            self._is_whole = self.connection.complete
        if self._content is None and not self.is_consumed:
            self._content = self._decode_parts(bounded=False)
        return self

    @property
    def raw(self) -> StreamT_co:
        """The body as a stream: a ResponseStream, which can be read once; see there for its methods.

        It also reads a body that arrived without `stream=True`.

        Example: docs/quickstart.md#streams
        """
        if self._raw is None:
            self._raw = self.request.configuration.stream_type(self)
        return self._raw  # type: ignore[return-value]  # StreamT_co states what plugins add to the class

    def _begin_stream(self) -> bytes:
        """Begin the stream, and return what it begins with: all of the body, unless the response was handed out as a stream."""
        if self._start_built_body():
            assert self.connection is not None
            self.connection.wakes_on_read = True
            self.connection.continue_after_head(bounded=True)
            self._hand_out()
        if not self.was_handed_out:
            return self.content
        self.is_consumed = True
        return b""

    def recv_body(self) -> bytes:
        """Take the decoded body that has arrived since the last call: bytes, which are no longer in `content`.

        b"" = nothing. For data_processed; after the exchange it takes what is left.

        Raises: DecodingError, BodyTooLarge.

        Example: docs/events.md#data-events
        """
        if self._content is not None:
            data, self._content = self._content, b""
            return data
        if self.connection is not None:
            self._parts += self.connection.take_parts()
        return self._decode_parts(bounded=False)

    @property
    def encoding(self) -> str | None:
        """The charset of the text: the name of Python's codec for it, or None, which means UTF-8.

        It comes from Content-Type, whose label is ignored if it is unknown or garbled. Set it if the server states a wrong
        one: then all that decodes the body, such as `text` and `json()`, uses it. Set None to use Content-Type again.

        Example::

            from hookline import HttpClient

            with HttpClient() as client:
                response = client.post("http://127.0.0.1:8000/echo", data="é".encode("latin-1"))
                response.encoding = "latin-1"
                print(response.text)
        """
        return self._encoding or charset_of(self.headers.get("content-type"))

    @encoding.setter
    def encoding(self, charset: str | None) -> None:
        self._encoding = charset

    @property
    def text(self) -> Text:
        """The body as a str, decoded strictly with `encoding`; `text()` returns the same.

        Raises: UnicodeDecodeError; LookupError, if `encoding` was set to a label that is unknown; what `content` raises.

        Example: docs/quickstart.md#sending-a-body
        """
        return Text(self.content.decode(self._codec() or "utf-8"))

    def _codec(self) -> str | None:
        """Return `encoding`, checked if the user has set it."""
        return check_charset(self._encoding) if self._encoding else self.encoding

    def json(self, **kwargs: Any) -> Any:
        """Return the object that the body holds as JSON, whatever Content-Type says.

        kwargs: passed to the option `json_decoder`, or to `json.loads`.

        Raises: ValueError, for a body that is not JSON; LookupError, as `text`; what `content` raises.

        Example: docs/quickstart.md#a-request
        """
        from json import loads  # imported here, because many programs read no JSON

        decode = self.request.json_decoder or loads
        return decode(json_text(self.content, self._codec()), **kwargs)

    def decode_content(self) -> Any:
        """Return the body as Content-Type says: JSON as an object, a form as a list of pairs, text as a str, else bytes.

        Plugins may decode more media types, or these in another way.

        Raises: ValueError, for a body that is not what Content-Type says; LookupError, as `text`; what `content` raises.

        Example: docs/responses.md#the-body
        """
        found = decoder_of(self.headers.get("content-type", ""), self._media_types)
        return self.content if found is None else found.decode(self)

    @property
    def _media_types(self) -> dict[str, MediaType]:
        """The media types that are decoded, by name."""
        return self.request.configuration.media_types

    def raise_for_status(self) -> Self:
        """Raise an error if the status is 400 or more; else return the response itself, so that calls can be chained.

        Raises: HttpRequestException, whose attribute `response` is this response.

        Example: docs/errors.md#errors
        """
        if self.status_code >= 400:
            destination = self.request._destination
            path = destination.target.partition("?")[0]  # a query may hold secrets
            raise HttpRequestException(
                f"{self.status_code} {self.reason} for {self.request.method} {destination.origin}{path}", response=self
            )
        return self

    # -- the body as a stream

    async def _read_chunk(self) -> bytes:
        """Read the next decoded bytes of the body; b"" at its end. An error ends the exchange.

        Raises: StreamConsumedError, if the stream was closed or has failed before; what ended the exchange.
        """
        connection = self.connection
        if connection is None:
            if self._is_cut:
                raise StreamConsumedError("the body was closed, or failed, before its end")
            return self._decode_parts(bounded=True)
        if connection.waiter is not None and not connection.waiter.done():
            raise StreamConsumedError("the stream is being read elsewhere at the same time; it has one reader")
        try:
            while True:
                self._is_whole = complete = connection.complete
                if not complete and self._content_filter is None and not self._parts:
                    if connection.read_at_once is not None and not connection.parts:
                        connection.read_at_once()
                    if len(connection.parts) == 1:
                        return connection.take_parts()[0]  # the common case: one read of a body that goes on
                    if connection.session is not None and connection.parts and connection.buffered > LARGE_CHUNK:
                        return connection._take_chunk(LARGE_CHUNK)  # type: ignore[attr-defined, no-any-return]  # a Stream
                if connection.parts or self._parts or complete or self._content_filter is not None:
                    self._parts += connection.take_parts()
                    data = self._decode_parts(bounded=True)
                    if complete and not (self._content_filter is not None and self._content_filter.has_pending):
                        await self._finish_stream(connection)
                        return data
                    if data:
                        return data
                if self.request.timeout.read:
                    self._arm_timeout(ReadTimeout, self.request.timeout.read)
                if connection.error is not None:
                    raise connection.error
                connection.waiter = waiter = connection.loop.create_future()
                await waiter
                if self._due != NEVER:
                    self._disarm_timeout()
        except BaseException as error:
            self._is_whole = False
            await self.fail(error)
            raise

    async def _finish_stream(self, connection: Carrier) -> None:
        """Give the connection back, and run post_request: the last byte of the stream was read."""
        self._finish_body(connection)
        if not self._is_finished:
            self._mark_finished()
            stage = self._begin_event("post_request")
            if stage is not None:
                with self.request.configuration.client.loop_resources.handler_section():
                    await stage.run(self)  # its answer is ignored: the caller has the response

    def close(self) -> Awaitable[None]:
        """End the response before the end of its body: close the connection, and run post_request with StreamAbandoned.

        If the body was read to its end, nothing happens. In a running loop this returns an awaitable, which need not be
        awaited; without one it blocks until everything is done.
        """
        return self.request.configuration.client._run_in_background(self.aclose())

    async def aclose(self) -> None:
        """End the response as `close` does; a coroutine, for a running loop.

        Example::

            from hookline import HttpClient

            async with HttpClient() as client:
                response = await client.get("http://127.0.0.1:8000/large", stream=True)
                await response.aclose()  # `async with response` does this at its end
        """
        if self.connection is not None:
            await self._abandon("the body was closed before its end")

    async def _abandon(self, why: str) -> None:
        """End a stream before its end. What post_request raises is logged, because no caller awaits it."""
        error = StreamAbandoned(why)
        await self.fail(error)
        for note in getattr(error, "__notes__", ()):
            self.request.configuration.client.logger.error("%r: %s", self.request, note)

    # -- for plugins

    @property
    def notes(self) -> dict[str, Any]:
        """What plugins and handlers keep during this exchange: a dict, empty at first. Use your plugin's name as the key.

        If a plugin answers the exchange with another response, that one has the same dict, unless it is of another exchange
        and has notes of its own. A follow-up begins with an empty one.

        Example::

            from hookline import HttpClient, hookimpl


            class Counts:
                @hookimpl
                def data_received(self, response, data):
                    response.notes["counts"] = response.notes.get("counts", 0) + len(data)

                @hookimpl
                def post_request(self, response):
                    print(response.notes["counts"] > 1_000_000)


            with HttpClient(plugins=[Counts()]) as client:
                client.get("http://127.0.0.1:8000/large")
        """
        if self._notes is None:
            self._notes = {}
        return self._notes

    def _share_notes(self, answer: Any, *, stands_for_response: bool = False) -> None:
        """Give the notes to the response that this exchange was answered with.

        stands_for_response: the hooks of this exchange get the answer as their response.
        """
        if not isinstance(answer, HttpResponse):
            return
        if answer.is_built:  # its notes, if it has any, are of this exchange
            self.notes.update(answer._notes or {})
        if answer.is_built or answer._notes is None or stands_for_response:
            answer._notes = self.notes

    @property
    def is_buffered(self) -> bool:
        """True if `buffer` was called: the caller may never get this response."""
        return self._is_buffered

    async def fail(self, error: BaseException) -> None:
        """End the exchange of a stream with an error: close the connection, and run post_request with the error.

        For plugins that read the stream, and cannot go on. If the exchange is over, nothing happens.

        Example::

            from hookline import DecodingError, HttpClient

            async with HttpClient() as client:
                response = await client.get("http://127.0.0.1:8000/large", stream=True)
                async for chunk in response.raw:
                    if not chunk.startswith(b"{"):
                        await response.fail(DecodingError("no JSON", response=response))
                        break
        """
        await fail(self, error)

    def wrap_upload(
        self, wrap: Callable[[AsyncGenerator[bytes, None], int | None], AsyncGenerator[bytes, None]]
    ) -> None:
        """Have the body of the request pass through `wrap(chunks, length)` while it is sent, in pre_request.

        wrap: an async generator function, which yields the same number of bytes. It is called once each time the body is sent;
        when it continues after a `yield`, the connection has taken that chunk. chunks: those of the body, or of what was
        given to an earlier call. length: of the body in bytes, None = unknown.

        What it raises ends the exchange, and reaches the caller.

        Example::

            from hookline import HttpClient, hookimpl


            class Counts:
                @hookimpl
                def pre_request(self, response):
                    response.wrap_upload(self.count)

                async def count(self, chunks, length):
                    async for chunk in chunks:
                        yield chunk
                        print("sent", len(chunk), "of", length)


            with HttpClient(plugins=[Counts()]) as client:
                client.post("http://127.0.0.1:8000/echo", data=b"0123456789")
        """
        self._on_fast_path = False
        self._upload_wrappers = (*self._upload_wrappers, wrap)

    def add_decoder(self, decoder: Decoder, *, runs_always: bool = False, first: bool = False) -> None:
        """Decode the body with this Decoder, in on_headers. The one that was added first gets the body as it arrives.

        runs_always: True has the body decoded before post_request even if it was buffered, and so may be given up for a
            follow-up; with `stream=True`, if it has arrived completely by then. For what observes bodies, as to hash them.
        first: True has it get the body as it arrives, before the decoders that were added already.

        Raises: TypeError, for an object that is no Decoder; PluginError, if the body was taken already.

        Example: docs/plugins/hooks.md#decoders
        """
        check_decoder(decoder)
        if self._content is not None or (self._is_finished and not self._has_unread_body):
            raise PluginError("add_decoder is for on_headers: the body was already taken")
        if self._content_filter is None:
            self._content_filter = ContentFilter(self.request.max_body)
        self._content_filter.add_decoder(decoder, first=first)
        self._content_filter.runs_always |= runs_always

    async def connect(self) -> Carrier:
        """Take the connection already in pre_request, and return it; the request will be sent on it.

        From then on the route and the origin of the request cannot be changed. A second call returns the same connection.

        Raises: PluginError, after pre_request; PoolTimeout, ConnectTimeout, HttpConnectionError.

        Example::

            from hookline import HttpClient, hookimpl


            class Early:
                @hookimpl(trylast=True)
                async def pre_request(self, response):
                    connection = await response.connect()
                    print(connection.facts().protocol)


            with HttpClient(plugins=[Early()]) as client:
                client.get("http://127.0.0.1:8000/")
        """
        if self._step != NEW:
            raise PluginError("connect() is for pre_request: the request was sent already")
        if self.connection is None:
            self.request._heed_own_options()
            self._pool = pool = self.request._pool()
            self.connection = pool.take(monotonic()) or await acquire(self, pool)
            self.request._is_connected = True
        return self.connection

    def detach(self) -> Connection:
        """Take the connection out of the client, in on_headers, and return it: after a 101, or a 2xx response to CONNECT.

        The caller owns the connection from then on. `connection.set_protocol(p)` gives an asyncio protocol the transport, and
        the bytes that arrived after the head. The protocol's `connection_lost(exc)` calls `connection.connection_lost(exc)`,
        or no `disconnected` hook hears of the end.

        Raises: PluginError, for a connection on which HTTP goes on.

        Example: docs/plugins/hooks.md#taking-over-a-connection
        """
        from ..http1.connection import Connection

        connection = self.connection
        if not isinstance(connection, Connection) or not connection.upgraded:
            raise PluginError(
                "detach: only a connection that left HTTP (a 101, or a CONNECT that was granted) can be taken"
            )
        self._is_detached = True
        self.drop_connection()
        return connection

    def event(self, name: str) -> ResponseEvent:
        """Return the event of this name, for this exchange alone: it binds handlers, and says whether the event has fired.

        name: "pre_request", "data_received", "on_headers", "data_processed" or "post_request". The object has `bind`, `unbind`,
        `handlers`, `clear`, `fired` and `waiter`.

        Raises: PluginError, for another name.

        Example: docs/plugins/in-a-program.md#one-response
        """
        if self._events is None:
            self._events = {}
            self._on_fast_path = False
        found = self._events.get(name)
        if found is None:
            found = self._events[check_event(name)] = []
        return ResponseEvent(name, self, found)

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

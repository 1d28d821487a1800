"""A stream of events that reconnects: `client.events(url)` (WHATWG HTML, section 9.2.3, "Processing model")."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Self

from hookline import (
    ClientClosed,
    HooklineError,
    HttpConnectionError,
    HttpProxyError,
    HttpRequestException,
    HttpTimeout,
    SSLError,
    StreamConsumedError,
)

from .errors import EventStreamError
from .iteration import EventIteration, run_synchronously
from .parser import MAX_EVENT, MAX_LINE, as_last_event_id, as_limit
from .reconnect import Reconnect, as_reconnect
from .response_events import MEDIA_TYPE, ResponseEvents, described, is_event_stream

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from hookline import HttpClient, HttpResponse

    from .event import ServerSentEvent

Headers = Mapping[str, Any] | Iterable[tuple[str, Any]] | None

NO_CONTENT = 204  # the server asks clients not to reconnect
LAST_EVENT_ID = "Last-Event-ID"
# Sent unless the call has fields of these names. A stored response would never have the events of now.
FIELDS = (("Accept", MEDIA_TYPE), ("Cache-Control", "no-store"))
# Errors after which the stream is opened again, and those of their subclasses after which it is not: a certificate is not
# trusted the next time either, a proxy that refuses has answered, and a client that was closed stays closed.
RECONNECTED = (HttpConnectionError, HttpTimeout)
FINAL = (SSLError, HttpProxyError, ClientClosed)
# Bodies that are the same in each attempt. A file or an iterator is read once.
REPEATABLE = (bytes, bytearray, memoryview, str, Mapping, list, tuple)


class EventSource(EventIteration):
    """A stream of events, which is opened again when it ends or its connection is lost. `client.events(url)` makes one.

        async with client.events(url) as events:
            async for event in events:
                ...

    Without a running loop the same works with `with` and `for`. `async with` opens the stream, so that it raises what is wrong
    with the response. The end of the block closes it. The iteration can be left, and taken up again within the block.

    Each attempt is a call of its own: with the plugins and options of a call, at the same URL, with a new deadline. It sends the
    last event ID as Last-Event-ID, so that the server can continue after the last event. The wait before it is what the
    server has asked for with `retry`. Connection errors and timeouts (`Timeout(read=)` for a server that has fallen silent)
    lead to another attempt. SSLError, HttpProxyError and ClientClosed do not, nor do errors of HTTP and of content codings.

    The events end, without an error, when the server answers with 204; without `reconnect` at the end of the body; and when the
    stream was closed, by `aclose()` in another task as well. After the client was closed they end with ClientClosed.

    If the wait for an event is cancelled, the connection is closed, and the next wait reconnects.

    url: as for `client.request`; so are the other keywords (`params`, `json`, `timeout` …), which hold for each attempt.
    method: as for `client.request`.
    headers: fields for each attempt: a mapping, or pairs. Without such fields, `Accept: text/event-stream` and
        `Cache-Control: no-store` are sent.
    reconnect: a Reconnect, True for the default one, False for none. None = a GET reconnects, other methods do not.
    last_event_id: the ID to send with the first attempt; "" = none.
    max_line, max_event: the most bytes that a line, and the data of an event, may have; by default 16 MiB; 0 = no limit.

    response: the HttpResponse of the last attempt that got one; None = there was none.

    Raises: TypeError or ValueError, for a wrong value, and for a body that cannot be sent again although `reconnect` needs it.
    `async with` and the iteration raise EventStreamError, for a status other than 200 and 204, or a media type other than
    text/event-stream; EventTooLarge; what `client.request` and reading raise.

    Example::

        from hookline import HttpClient
        from hookline_sse import EventSource

        async with HttpClient() as client:
            events: EventSource = client.events("http://127.0.0.1:8000/ticker")
            async with events:
                print((await events.read()).data, events.last_event_id)
                if (event := events.take_parsed()) is not None:
                    print(event.data)
            await events.aclose()  # the end of the block has done it
    """

    def __init__(
        self,
        client: HttpClient,
        url: str,
        *,
        method: str = "GET",
        headers: Headers = None,
        reconnect: Reconnect | bool | None = None,
        last_event_id: str = "",
        max_line: int = MAX_LINE,
        max_event: int = MAX_EVENT,
        **options: Any,
    ) -> None:
        self.response: HttpResponse | None = None
        self._client = client
        self._method = method
        self._url = url
        self._fields = fields_of_attempts(headers)
        self._reconnect = as_reconnect(reconnect, method)
        if self._reconnect is not None:
            check_repeatable(options)
        self._limits = {"max_line": as_limit("max_line", max_line), "max_event": as_limit("max_event", max_event)}
        self._options = with_handler(options)
        self._last_event_id = as_last_event_id(last_event_id)
        self._retry: int | None = None
        self._events: ResponseEvents | None = None  # those of the stream that is open
        self._failures = 0  # attempts that failed since the last stream was open
        self._opens_at = 0.0  # when the next attempt is due, in the loop's time
        self._is_over = False  # there are no more events, and no attempts
        self._is_entered = self._is_closed = self._is_closed_by_client = False
        self._reading = asyncio.Lock()  # held by the task that opens the stream or waits for an event
        self._scope: asyncio.Timeout | None = None  # with which `aclose` ends what this task does

    @property
    def last_event_id(self) -> str:
        """The last event ID: what the next attempt sends as Last-Event-ID; "" = none."""
        return self._last_event_id if self._events is None else self._events.last_event_id

    # -- opening and closing

    async def __aenter__(self) -> Self:
        if self._is_entered:
            raise RuntimeError("these events were opened before: client.events() makes others")
        self._is_entered = True
        self._client.add_closer(self._close_with_client)
        try:
            await self._run_until_closed(self._connect())
        except BaseException:
            await self.aclose()
            raise
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.aclose()

    def __enter__(self) -> Self:
        run_synchronously(self._client, self.__aenter__())
        return self

    def __exit__(self, *error: object) -> None:
        if not self._is_closed:  # a client that was closed has no loop to run this on
            run_synchronously(self._client, self.aclose())

    async def aclose(self) -> None:
        """Close the stream. What another task does with it, such as waiting for an event, ends without an error."""
        if self._is_closed:
            return
        self._is_closed = True
        self._client.remove_closer(self._close_with_client)
        if self._scope is not None:
            self._scope.reschedule(asyncio.get_running_loop().time())
        try:
            async with self._reading:
                pass  # that task has given up what it held
        finally:
            if self.response is not None:
                await self.response.aclose()

    async def _close_with_client(self) -> None:
        self._is_closed_by_client = True
        await self.aclose()

    # -- reading

    def take_parsed(self) -> ServerSentEvent | None:
        """Return the next event if its bytes were read already and the stream was not closed, else None."""
        return None if self._is_closed or self._events is None else self._events.take_parsed()

    async def read(self) -> ServerSentEvent | None:
        """Return the next event; None = there are no more.

        Raises: what the iteration raises.
        """
        return await self._run_until_closed(self._read())

    async def _run_until_closed(self, step: Coroutine[Any, Any, ServerSentEvent | None]) -> ServerSentEvent | None:
        """Run `_connect` or `_read`, until the stream is closed; then return None.

        Raises: ClientClosed, if it was closed by the client; RuntimeError, outside of `async with`; StreamConsumedError, while
        another task reads; what the step raises.
        """
        try:
            if not self._is_entered:
                raise RuntimeError("the events are not open: `async with client.events(url) as events` opens them")
            if self._reading.locked() and not self._is_closed:
                raise StreamConsumedError("the events are being read elsewhere at the same time; they have one reader")
            async with self._reading:
                if not self._is_closed:
                    try:
                        async with asyncio.timeout(None) as self._scope:
                            return await step
                    except TimeoutError:
                        if not self._is_closed:
                            raise
                    finally:
                        self._scope = None
            if self._is_closed_by_client:
                raise ClientClosed("the client was closed")
            return None
        finally:
            step.close()

    async def _read(self) -> ServerSentEvent | None:
        """Return the next event; None = there is none, and the stream is not opened again."""
        while True:
            await self._connect()
            if self._events is None:
                return None
            try:
                event = await self._events.read()
            except asyncio.CancelledError:
                if self._reconnect is not None:
                    self._leave_stream()
                raise
            except RECONNECTED as error:
                self._leave_stream()
                self._schedule_attempt(error)
            else:
                if event is not None:
                    return event
                self._leave_stream()
                self._schedule_attempt(None)

    async def _connect(self) -> None:
        """Open the stream, in as many attempts as it takes, unless it is open or there are to be no more attempts."""
        loop = asyncio.get_running_loop()
        while self._events is None and not self._is_over:
            if self._opens_at > loop.time():
                await self._client.pause(self._opens_at - loop.time())
            fields = self._fields
            if self.last_event_id:
                fields = [(name, value) for name, value in fields if name.lower() != LAST_EVENT_ID.lower()]
                fields.append((LAST_EVENT_ID, self.last_event_id))
            try:
                self.response = await self._client.request(
                    self._method, self._url, headers=fields, stream=True, **self._options
                )
            except RECONNECTED as error:
                self._failures += 1
                self._schedule_attempt(error)
            except HooklineError:
                self._is_over = True
                raise
            else:
                await self._begin_stream(self.response)

    async def _begin_stream(self, response: HttpResponse) -> None:
        """Begin to read events, unless the response has none.

        Raises: EventStreamError.
        """
        self._failures = 0
        if response.status_code == 200 and is_event_stream(response):
            self._events = ResponseEvents(response, last_event_id=self._last_event_id, **self._limits)
            return
        self._is_over = True
        await response.aclose()
        if response.status_code != NO_CONTENT:
            raise EventStreamError(
                f"{described(response)}, where status 200 and {MEDIA_TYPE} were expected", response=response
            )

    def _leave_stream(self) -> None:
        """Keep what the stream has told for the next one: it has ended, or its connection was lost."""
        assert self._events is not None
        self._last_event_id = self._events.last_event_id
        if self._events.retry is not None:
            self._retry = self._events.retry
        self._events = None

    def _schedule_attempt(self, error: HttpRequestException | None) -> None:
        """Set when the stream is opened again, after an error or, if that is None, after its end; or end the events.

        Raises: the error, if there is to be no other attempt.
        """
        policy = self._reconnect
        if policy is None or isinstance(error, FINAL) or self._failures == policy.attempts:
            self._is_over = True
            if error is not None:
                raise error
        else:
            self._opens_at = asyncio.get_running_loop().time() + policy.wait(self._retry, self._failures)


def fields_of_attempts(headers: Headers) -> list[tuple[str, Any]]:
    """Return the fields that each attempt sends: those of the user, and ours that he did not give, as pairs."""
    given = list(headers.items() if isinstance(headers, Mapping) else headers or ())
    names = {name.lower() for name, _ in given}
    return [*given, *(field for field in FIELDS if field[0].lower() not in names)]


def check_repeatable(options: Mapping[str, Any]) -> None:
    """Check that each attempt can send the body that a call's options describe.

    Raises: ValueError.
    """
    data = options.get("data")
    if options.get("files") is not None or not (data is None or isinstance(data, REPEATABLE)):
        raise ValueError(
            "data= is a body that may be read once only, and reconnect= needs one for each attempt: give json=, bytes, a str"
            " or a form, or reconnect=False"
        )


def with_handler(options: dict[str, Any]) -> dict[str, Any]:
    """Add `buffer_refusal` to the handlers of a call."""
    given = options.get("on_headers") or []
    return {**options, "on_headers": [buffer_refusal, *(given if isinstance(given, (list, tuple)) else [given])]}


def buffer_refusal(response: HttpResponse, exc: None = None) -> None:
    """Have the body of a response that is no event stream received, for the error that has it."""
    if not is_event_stream(response):
        response.buffer()

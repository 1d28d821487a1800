"""The events of one response: `response.events()`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hookline import StreamConsumedError

from .errors import EventStreamError, EventTooLarge
from .iteration import EventIteration
from .parser import MAX_EVENT, MAX_LINE, EventParser

if TYPE_CHECKING:
    from hookline import HttpResponse

    from .event import ServerSentEvent

MEDIA_TYPE = "text/event-stream"
PIECE = 256 * 1024  # bytes that are parsed at a time: as many as core receives in advance
MAX_SHOWN = 60  # characters of a Content-Type in a message


class ResponseEvents(EventIteration):
    """The events of one response, in the order in which they come: `async for` in a running loop, `for` without one.

    Each event is there as soon as the empty line that ends it has arrived. An iteration that was left goes on where it stopped.
    The body is a stream, with `stream=True`, which is read once; or it has arrived whole, and may be read any number of times.

    response: the HttpResponse. max_line, max_event: the most bytes that a line, and the data of an event, may have; by default
    16 MiB; 0 = no limit. last_event_id: the ID to begin with.

    The iteration raises EventTooLarge, which ends the exchange; StreamConsumedError, if the stream was closed or has failed
    before; and what reading raises.

    Raises: EventStreamError, if the media type of the response is not text/event-stream; the response stays open then, so that
    its body can be read. StreamConsumedError, for a stream that was read already. TypeError or ValueError, for a wrong value.

    Example::

        from hookline import HttpClient
        from hookline_sse import ResponseEvents, ServerSentEvent

        async with HttpClient() as client:
            response = await client.get("http://127.0.0.1:8000/news", stream=True)
            events: ResponseEvents = response.events()
            first: ServerSentEvent = await events.read()
            print(first.event, first.data, events.last_event_id, events.retry)
            second = events.take_parsed() or await events.read()
            print(second.data)
    """

    def __init__(
        self,
        response: HttpResponse,
        *,
        max_line: int = MAX_LINE,
        max_event: int = MAX_EVENT,
        last_event_id: str = "",
    ) -> None:
        check_media_type(response)
        if response.is_consumed:
            raise StreamConsumedError("the body was already taken: a stream can be read once only")
        self.response = response
        self._client = response.request.client
        self._parser = EventParser(
            max_line=max_line,
            max_event=max_event,
            last_event_id=last_event_id,
            json_decoder=response.request.json_decoder,
        )
        self._is_stream = response.was_handed_out
        # the events of the bytes that are here
        self._parsed = iter(()) if self._is_stream else self._parser.feed(response.content)
        self._failure: EventTooLarge | None = None

    @property
    def last_event_id(self) -> str:
        """The last event ID: what to send as Last-Event-ID in order to continue after the last event; "" = none."""
        return self._parser.last_event_id

    @property
    def retry(self) -> int | None:
        """The milliseconds to wait before reconnecting, as the server asked last; None = it did not."""
        return self._parser.retry

    async def read(self) -> ServerSentEvent | None:
        """Return the next event; None at the end of the body.

        Raises: what the iteration raises.
        """
        while (event := self.take_parsed()) is None:
            if self._failure is not None:
                await self.response.aclose()
                raise self._failure
            data = await self.response.raw.read(PIECE) if self._is_stream else b""
            if not data:
                return None
            self._parsed = self._parser.feed(data)
        return event

    def take_parsed(self) -> ServerSentEvent | None:
        """Return the next event if its bytes were read already, else None."""
        try:
            return next(self._parsed, None)
        except EventTooLarge as error:  # `read` raises it, after it has ended the exchange
            error.response, error.request = self.response, self.response.request
            self._failure = error
            return None


def is_event_stream(response: HttpResponse) -> bool:
    """Say whether the media type of a response is text/event-stream, with any parameters: event streams are always UTF-8."""
    media_type: str = response.headers.get("content-type", "").partition(";")[0]
    return media_type.strip().lower() == MEDIA_TYPE


def check_media_type(response: HttpResponse) -> None:
    """Raises: EventStreamError, for a response that is no event stream."""
    if not is_event_stream(response):
        raise EventStreamError(f"{described(response)}, where {MEDIA_TYPE} was expected", response=response)


def described(response: HttpResponse) -> str:
    """Describe a response for a message, without the query of its URL, which may hold secrets."""
    request = response.request
    media_type = response.headers.get("content-type")
    shown = "no Content-Type" if media_type is None else f"the Content-Type {media_type[:MAX_SHOWN]!a}"
    path = request.origin_form.partition("?")[0]
    return f"{request.method} {request.origin}{path} was answered with status {response.status_code} and {shown}"

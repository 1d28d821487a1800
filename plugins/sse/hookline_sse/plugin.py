"""The plugin `sse`: the attributes `response.events` and `client.events`. It implements no event of the exchange."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from hookline import Attribute, HttpClient, HttpResponse, hookimpl

if TYPE_CHECKING:
    from .event_source import EventSource
    from .response_events import ResponseEvents


class SSEResponse:
    """What this plugin adds to responses, for type checkers.

    Example::

        from hookline import HttpClient, HttpResponse
        from hookline_sse import SSEResponse


        class Response(SSEResponse, HttpResponse): ...


        async with HttpClient[Response]() as client:
            response = await client.get("http://127.0.0.1:8000/news")
            print([event.data async for event in response.events()])
    """

    events: Callable[..., ResponseEvents]


class SSEClient:
    """What this plugin adds to clients, for type checkers.

    Example::

        from hookline import HttpClient
        from hookline_sse import SSEClient


        class Client(SSEClient, HttpClient): ...


        async with Client() as client:
            async with client.events("http://127.0.0.1:8000/ticker") as events:
                print([event.data async for event in events])
    """

    events: Callable[..., EventSource]


class ServerSentEvents:
    """Give responses and clients the method `events`. What reads events is imported at the first use of one of them.

    Example::

        from hookline import HttpClient
        from hookline_sse import ServerSentEvents

        client = HttpClient(autoload=False, plugins=[ServerSentEvents()])
    """

    name = "sse"

    @hookimpl
    def declare(self) -> list[Attribute]:
        return [
            Attribute("events", events_of_response, doc="events(): the body as server-sent events"),
            Attribute("events", events_of_client, of="client", doc="events(url): a stream of events that reconnects"),
        ]


def events_of_response(response: HttpResponse) -> Callable[..., ResponseEvents]:
    """Return the method `response.events`."""
    from .response_events import ResponseEvents

    return partial(ResponseEvents, response)


def events_of_client(client: HttpClient) -> Callable[..., EventSource]:
    """Return the method `client.events`."""
    from .event_source import EventSource

    return partial(EventSource, client)

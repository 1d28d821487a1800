"""Server-sent events for the HTTP client Hookline: `response.events()`, and streams that reconnect: `client.events(url)`."""

from typing import TYPE_CHECKING

from hookline import names_at_first_use

from .plugin import ServerSentEvents, SSEClient, SSEResponse

if TYPE_CHECKING:
    from .errors import EventStreamError, EventTooLarge
    from .event import ServerSentEvent
    from .event_source import EventSource
    from .parser import EventParser
    from .reconnect import Reconnect
    from .response_events import ResponseEvents

__version__ = "0.1.0"

__all__ = [
    "EventParser",
    "EventSource",
    "EventStreamError",
    "EventTooLarge",
    "Reconnect",
    "ResponseEvents",
    "SSEClient",
    "SSEResponse",
    "ServerSentEvent",
    "ServerSentEvents",
]

__getattr__ = names_at_first_use(
    __name__,
    {
        "EventParser": "parser",
        "EventSource": "event_source",
        "EventStreamError": "errors",
        "EventTooLarge": "errors",
        "Reconnect": "reconnect",
        "ResponseEvents": "response_events",
        "ServerSentEvent": "event",
    },
)

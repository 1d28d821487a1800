"""Server-sent events for the HTTP client Hookline: `response.events()`, and streams that reconnect: `client.events(url)`."""

from importlib import import_module
from typing import TYPE_CHECKING

from .plugin import ServerSentEvents, SSEClient, SSEResponse

if TYPE_CHECKING:
    from .errors import EventStreamError, EventTooLarge
    from .event import ServerSentEvent
    from .event_source import EventSource
    from .parser import EventParser
    from .reconnect import Reconnect
    from .response_events import ResponseEvents

__version__ = "0.1.0.dev0"

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

_AT_FIRST_USE = {
    "EventParser": "parser",
    "EventSource": "event_source",
    "EventStreamError": "errors",
    "EventTooLarge": "errors",
    "Reconnect": "reconnect",
    "ResponseEvents": "response_events",
    "ServerSentEvent": "event",
}


def __getattr__(name: str) -> object:
    """Import a name at its first use: most clients read no events."""
    module = _AT_FIRST_USE.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{module}"), name)

"""One server-sent event."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class ServerSentEvent:
    """An event of a stream.

    data: the values of its data fields, joined with LF.
    event: its type; "message" if the server states none.
    id: the last event ID, which is that of this event or, if it has none, of the latest event that had one; "" = none.
    retry: the milliseconds that the server asked clients to wait before they reconnect, if it did so in this event.

    Example::

        from hookline_sse import ServerSentEvent

        event = ServerSentEvent('{"n": 7}', event="count", id="1")
        print(event.event, event.json()["n"])
    """

    data: str
    event: str = "message"
    id: str = ""
    retry: int | None = None
    json_decoder: Callable[..., Any] | None = field(default=None, repr=False, compare=False)

    def json(self, **kwargs: Any) -> Any:
        """Return the object that `data` holds as JSON.

        kwargs: passed to the option `json_decoder` of the request, or to `json.loads`.

        Raises: ValueError, for data that is not JSON.

        Example: docs/event-streams.md#chat-completions
        """
        return (self.json_decoder or json.loads)(self.data, **kwargs)

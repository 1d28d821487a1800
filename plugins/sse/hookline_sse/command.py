"""Show server-sent events as they come, and reconnect when the stream ends.

Each event is printed with its type and its data; through a pipe only the data are, an event a line (line ends within the data
become spaces). With --json each event is an object in one line: event, id and data.

exit status: 0 if the server ended the events; 3, 4 or 5 for an error, as in other requests.
"""

from __future__ import annotations

import json
from typing import Any

from .errors import EventStreamError
from .event import ServerSentEvent


def add_arguments(parser: Any) -> None:
    """Add the arguments of the command."""
    parser.add_argument("url", metavar="URL", help="http:// is added; :8000/path is on localhost")
    parser.add_argument("--post", metavar="BODY", help="send this body with POST; then nothing is sent again")
    parser.add_argument("--last-event-id", default="", metavar="ID", help="ask for what came after this event")
    parser.add_argument("--no-reconnect", action="store_true", help="stop when the stream ends")
    parser.add_argument("--json", action="store_true", help="print each event as a JSON object in one line")


async def run(arguments: Any, context: Any) -> int:
    """Run the command, and return its exit status. context: what the command line hands over."""
    body = {} if arguments.post is None else {"method": "POST", "data": arguments.post, "reconnect": False}
    if arguments.no_reconnect:
        body["reconnect"] = False
    async with context.open_client() as client:
        events = client.events(
            context.complete_url(arguments.url),
            headers=context.headers,
            last_event_id=arguments.last_event_id,
            **{**context.keywords, **body},
        )
        try:
            async with events:
                async for event in events:
                    show(event, arguments, context)
        except EventStreamError as error:
            context.note(str(error))
            status: int = 0 if error.response is None else error.response.status_code
            return max(3, status // 100)
    return 0


def show(event: ServerSentEvent, arguments: Any, context: Any) -> None:
    """Print one event."""
    if arguments.json:
        context.line(json.dumps({"event": event.event, "id": event.id, "data": event.data}, ensure_ascii=False))
    elif context.is_terminal:
        first, *others = event.data.split("\n")
        context.line(f"{event.event}: {first}")
        for line in others:
            context.line(f"{' ' * len(event.event)}  {line}")
    else:
        context.line(" ".join(event.data.split("\n")))

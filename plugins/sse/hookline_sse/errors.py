"""The errors of event streams. In parentheses: the class of Hookline from which each is derived.

EventStreamError (HttpRequestException)    the response is no event stream
EventTooLarge (BodyTooLarge)               a line or an event exceeds a limit
"""

from hookline import BodyTooLarge, HttpRequestException


class EventStreamError(HttpRequestException):
    """The response is no event stream. `response` is that response, with its content if it has at most 64 KiB.

    Example: docs/event-streams.md#chat-completions
    """


class EventTooLarge(BodyTooLarge):
    """A line has more bytes than `max_line`, or the data of an event has more than `max_event`.

    Example: docs/event-streams.md#limits
    """

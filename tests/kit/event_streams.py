"""Answers of a scripted server that are event streams."""

from __future__ import annotations

from hookline_testing.server import Script, chunked, head, response

FIELDS = [("Content-Type", "text/event-stream")]
OPEN = head(200, [*FIELDS, ("Transfer-Encoding", "chunked")])  # of a stream that goes on


def whole(body: bytes) -> bytes:
    """Return an event stream of known length."""
    return response(body, headers=FIELDS)


def ended(*events: bytes) -> bytes:
    """Return an event stream that ends after these events, each in a chunk of its own."""
    return chunked(*events, headers=FIELDS)


def opened(*events: bytes) -> Script:
    """Return an event stream that goes on after these events: the script may stall, close or send more."""
    return Script(OPEN + b"".join(chunk(event) for event in events))


def chunk(data: bytes) -> bytes:
    """Return one chunk of a body."""
    return b"%x\r\n%b\r\n" % (len(data), data)

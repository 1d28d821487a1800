"""Close codes and close reasons (RFC 6455, section 7.4)."""

from __future__ import annotations

NORMAL = 1000
GOING_AWAY = 1001
NO_STATUS = 1005  # the close frame has no code
ABNORMAL = 1006  # the connection ended without a close frame
TOO_BIG = 1009
INTERNAL_ERROR = 1011

MAX_REASON = 123  # bytes: a control frame has 125, and the code takes two
# The codes below 3000 that an endpoint may send. The others stand for the lack of a frame, or are not assigned.
_SENDABLE = frozenset({1000, 1001, 1002, 1003, *range(1007, 1015)})


def check_close(code: int | None, reason: str) -> None:
    """Check the code and the reason of a close frame to be sent. code: None = a frame without a code.

    Raises: ValueError, for a code that may not be sent, for a reason that is too long, and for a reason without a code.
    """
    if code is None:
        if reason:
            raise ValueError("a close reason needs a close code")
    elif code not in _SENDABLE and not 3000 <= code <= 4999:
        raise ValueError(f"close code {code!r}: 1000 to 1003, 1007 to 1014 and 3000 to 4999 may be sent")
    size = len(reason.encode())
    if size > MAX_REASON:
        raise ValueError(f"a close reason has at most {MAX_REASON} bytes in UTF-8, not {size}")


def truncate_reason(reason: str) -> str:
    """Return as much of a reason as fits into a close frame."""
    return reason.encode()[:MAX_REASON].decode(errors="ignore")


def describe_close(code: int, reason: str) -> str:
    """Return the text of the error for a websocket that was closed with this code and reason."""
    if code == ABNORMAL:
        return "the connection ended without a close frame" + (f": {reason!a}" if reason else "")
    what = "without a code" if code == NO_STATUS else f"with {code}"
    return f"the websocket was closed {what}" + (f", {reason!a}" if reason else "")

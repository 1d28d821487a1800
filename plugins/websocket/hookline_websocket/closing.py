"""Close codes and reasons (RFC 6455, section 7.4)."""

from __future__ import annotations

NORMAL = 1000
GOING_AWAY = 1001
NO_STATUS = 1005
ABNORMAL = 1006
TOO_BIG = 1009
INTERNAL_ERROR = 1011

MAX_REASON = 123  # bytes: a control frame less the code
# What an endpoint may send; the others mean what no frame says, or nothing yet.
_PROTOCOL = frozenset({1000, 1001, 1002, 1003, *range(1007, 1015)})


def check_close(code: int | None, reason: str) -> None:
    """Raises: ValueError, for a code that may not be sent, and a reason that is too long or has no code."""
    if code is None:
        if reason:
            raise ValueError("a reason needs a code")
    elif code not in _PROTOCOL and not 3000 <= code <= 4999:
        raise ValueError(f"close code {code!r}: 1000 to 1003, 1007 to 1014 and 3000 to 4999 may be sent")
    size = len(reason.encode())
    if size > MAX_REASON:
        raise ValueError(f"a close reason has at most {MAX_REASON} bytes in UTF-8, not {size}")


def cut_reason(reason: str) -> str:
    """As much of a reason as fits."""
    return reason.encode()[:MAX_REASON].decode(errors="ignore")


def meaning(code: int, reason: str) -> str:
    """A close code for people."""
    if code == ABNORMAL:
        return "the connection ended without a close frame" + (f": {reason!a}" if reason else "")
    what = "without a code" if code == NO_STATUS else f"with {code}"
    return f"the websocket was closed {what}" + (f", {reason!a}" if reason else "")

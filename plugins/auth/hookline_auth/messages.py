"""The request that a flow makes itself, and what flows do with requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .field_text import field_text

if TYPE_CHECKING:
    from .interfaces import Request

# An attribute of requests whose URL or body an authentication object has changed: both, as changed and as they were before.
ORIGINALS = "auth_originals"
CAUSE = "auth"  # of a request that a flow sends again


class SubRequest(NamedTuple):
    """A request that the authentication itself makes; it is sent as a sub-request with the cause "token".

    Example::

        from hookline_auth import SubRequest

        print(SubRequest("POST", "https://login.example/token", body=b"grant").method)  # `answer = yield` it in a flow
    """

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def __repr__(self) -> str:
        return f"SubRequest({self.method!r}, ...)"  # URL, fields and body may all hold secrets


def set_field(request: Request, name: str, value: str | bytes) -> None:
    """Set a field for this hop only. It is sent in place of a field of that name in the user's headers.

    Example: docs/auth.md#your-own-authentication
    """
    request.unredirected_headers[name] = value if isinstance(value, str) else field_text(value)


def body_bytes(request: Request) -> bytes | None:
    """Return the body as bytes: b"" for a request without a body, None for a body that is streamed."""
    body = request.body
    if body is None:
        return b""
    if isinstance(body, str):
        return body.encode()
    return bytes(body) if isinstance(body, bytes | bytearray | memoryview) else None

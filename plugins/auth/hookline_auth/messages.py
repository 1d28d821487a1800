"""Requests and responses as flows see them, and the request that a flow makes itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Protocol

from .field_text import field_text

# An attribute of requests whose URL or body an authentication object has changed: both, as changed and as they were before.
ORIGINALS = "auth_originals"


class Fields(Protocol):
    """Header fields as this package uses them; multidict's CIMultiDict is one."""

    def __contains__(self, name: object, /) -> bool: ...

    def __setitem__(self, name: str, value: str, /) -> None: ...

    def getall(self, key: str, default: list[str]) -> Sequence[str]: ...

    def popall(self, key: str, default: None) -> object: ...

    def items(self) -> Iterable[tuple[str, str]]: ...


class Request(Protocol):
    """A request as this package uses it.

    `url` is absolute, and encoded as it is sent. `body` is bytes, None, or a source that is streamed. A field of
    `unredirected_headers` is sent in place of those of its name in `headers`.
    """

    url: str
    body: Any

    @property
    def method(self) -> str: ...

    @property
    def headers(self) -> Fields: ...

    @property
    def unredirected_headers(self) -> Fields: ...


class Response(Protocol):
    """A response as this package uses it.

    A flow reads `content` only of a 401 or 407, of the response to a SubRequest, and of any response if the
    authentication has requires_response_body: in these cases the body was read before the flow gets the response.
    """

    @property
    def status_code(self) -> int: ...

    @property
    def headers(self) -> Fields: ...

    @property
    def request(self) -> Request: ...

    @property
    def is_stored(self) -> bool: ...

    @property
    def content(self) -> bytes: ...


class SubRequest(NamedTuple):
    """A request that the authentication itself makes; it is sent as a sub-request with the cause "token"."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def __repr__(self) -> str:
        return f"SubRequest({self.method!r}, ...)"  # URL, fields and body may all hold secrets


def set_field(request: Request, name: str, value: str | bytes) -> None:
    """Set a field for this hop only. It is sent in place of a field of that name in the user's headers."""
    request.unredirected_headers[name] = value if isinstance(value, str) else field_text(value)


def body_bytes(request: Request) -> bytes | None:
    """Return the body as bytes: b"" for a request without a body, None for a body that is streamed."""
    body = request.body
    if body is None:
        return b""
    if isinstance(body, str):
        return body.encode()
    return bytes(body) if isinstance(body, bytes | bytearray | memoryview) else None

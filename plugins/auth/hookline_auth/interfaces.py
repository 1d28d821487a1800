"""Requests and responses as flows see them. For type checkers alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol


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

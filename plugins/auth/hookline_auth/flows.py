"""What an authentication is: a generator that changes a request, yields it and receives the response.

A flow does no I/O. Whoever runs it sends what it yields and hands the response back:

    class Ticket(Auth):
        def flow(self, request):
            response = yield request
            if response.status_code == 401:
                set_field(request, "Authorization", f"Ticket {response.headers['x-ticket']}")
                yield request

* Yield the request that was given, changed as needed, once for every attempt. Credentials go into
  `unredirected_headers` (set_field does so): they are meant for this hop and do not follow a redirect.
* Yield a SubRequest to have something else fetched first, a token for example; its response is handed back.
* Return when the latest response is the answer.

An authentication that has to wait (for a token that a coroutine fetches) writes `async_flow` instead, an asynchronous
generator with the same rules.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Iterable, Sequence
from typing import Any, NamedTuple, Protocol

from .field_text import field_text


class Fields(Protocol):
    """Header fields as this package uses them; multidict's CIMultiDict is one."""

    def __contains__(self, name: object, /) -> bool: ...

    def __setitem__(self, name: str, value: str, /) -> None: ...

    def getall(self, key: str, default: list[str]) -> Sequence[str]: ...

    def popall(self, key: str, default: None) -> object: ...

    def items(self) -> Iterable[tuple[str, str]]: ...


class Request(Protocol):
    """A request as this package uses it.

    `url` is absolute and encoded as it is sent. A field of `unredirected_headers` is sent in place of those of its name
    in `headers`.
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

    `content` is looked at only for a 401 and a 407, for the response to a SubRequest, and where the authentication
    has requires_response_body: whoever runs the flow has read the body by then.
    """

    @property
    def status_code(self) -> int: ...

    @property
    def headers(self) -> Fields: ...

    @property
    def request(self) -> Request: ...

    @property
    def content(self) -> bytes: ...


class SubRequest(NamedTuple):
    """A request of the authentication's own, to be sent as a sub-request (cause "token")."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def __repr__(self) -> str:
        return f"SubRequest({self.method!r}, ...)"  # URL, fields and body may all hold secrets


Outgoing = Request | SubRequest
Flow = Generator[Outgoing, Response, None]
AsyncFlow = AsyncGenerator[Outgoing, Response]


class Auth:
    """Base of every authentication; one object serves many concurrent requests.

    Write `flow`, or `async_flow` where it has to wait. `is_async` tells which of them to run; async_flow can always
    be run. wants_response=False: the flow is over when the request is ready. requires_response_body: it needs the
    `content` of every response.
    """

    wants_response: bool = True
    requires_response_body: bool = False

    @property
    def is_async(self) -> bool:
        """Say whether only async_flow can be run."""
        return type(self).async_flow is not Auth.async_flow

    def flow(self, request: Request) -> Flow:
        """Yield what to send and receive its response; see the module's rules."""
        raise NotImplementedError(f"{type(self).__name__} defines neither flow() nor async_flow()")

    async def async_flow(self, request: Request) -> AsyncFlow:
        """Run flow() as an asynchronous generator."""
        flow = self.flow(request)
        try:
            outgoing = advance(flow)
            while outgoing is not None:
                outgoing = advance(flow, (yield outgoing))
        finally:
            flow.close()


def advance(flow: Flow, response: Response | None = None) -> Outgoing | None:
    """Return what a flow sends next, None at its end. Without a response it is started."""
    try:
        return next(flow) if response is None else flow.send(response)
    except StopIteration:
        return None


async def advance_async(flow: AsyncFlow, response: Response | None = None) -> Outgoing | None:
    """Return what an asynchronous flow sends next, None at its end. Without a response it is started."""
    try:
        return await (anext(flow) if response is None else flow.asend(response))
    except StopAsyncIteration:
        return None


def set_field(request: Request, name: str, value: str | bytes) -> None:
    """Set a field for this hop only; it is sent in place of one of that name among the user's."""
    request.unredirected_headers[name] = value if isinstance(value, str) else field_text(value)


def body_bytes(request: Request) -> bytes | None:
    """Return the body as bytes, b"" where there is none, None where it is streamed."""
    body = request.body
    if body is None:
        return b""
    if isinstance(body, str):
        return body.encode()
    return bytes(body) if isinstance(body, bytes | bytearray | memoryview) else None

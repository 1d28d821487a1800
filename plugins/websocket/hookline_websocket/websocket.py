"""The websocket that users get: the response of a request for ws:// or wss://."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import AsyncIterable, Awaitable, Coroutine, Generator, Iterable
from typing import TYPE_CHECKING, Any, NoReturn, Self, TypeVar, overload

from hookline import HttpRequestException

from .errors import WebSocketClosed

if TYPE_CHECKING:
    from multidict import CIMultiDict

    from hookline import Connection, HttpClient, HttpRequest, HttpResponse, SyncHttpClient

    from .protocol import WebSocketProtocol

Message = str | bytes | bytearray | memoryview
T = TypeVar("T")


class Drain:
    """What `write` returns: awaiting it waits until the peer reads fast enough; it need not be awaited."""

    __slots__ = ("_protocol",)

    def __init__(self, protocol: WebSocketProtocol) -> None:
        self._protocol = protocol

    def __await__(self) -> Generator[Any, None, None]:
        return self._protocol.sender.drain().__await__()


class WebSocket:
    """An open websocket: what `client.get("ws://…")` returns when the server agrees.

    In a running event loop, the methods that wait return an awaitable; without one (synchronous mode) the same call waits
    and returns the result.

    handshake: the response with status 101. subprotocol: the one that the server chose, None = none. connection: the
    raw connection.

    Example::

        from hookline import HttpClient
        from hookline_websocket import WebSocket, connect

        async with HttpClient() as client:
            websocket: WebSocket = await connect(client, "ws://127.0.0.1:8000/websocket")
            async with websocket:
                await websocket.send("hello")
                print(await websocket.receive(), websocket.handshake.status_code)
    """

    __slots__ = ("__weakref__", "_client", "_drain", "_protocol", "connection", "handshake", "subprotocol")

    def __init__(
        self, protocol: WebSocketProtocol, handshake: HttpResponse, connection: Connection, subprotocol: str | None
    ) -> None:
        self._protocol = protocol
        self._drain = Drain(protocol)
        self._client: HttpClient = handshake.request.client
        self.handshake = handshake
        self.connection = connection
        self.subprotocol = subprotocol

    # -- the handshake

    @property
    def request(self) -> HttpRequest:
        """The request of the handshake."""
        return self.handshake.request

    @property
    def headers(self) -> CIMultiDict[str]:
        """The header fields of the handshake's response."""
        return self.handshake.headers

    @property
    def status_code(self) -> int:
        """The status of the handshake's response: 101."""
        return self.handshake.status_code

    @property
    def url(self) -> str:
        """The URL of the websocket, after redirects."""
        return self.handshake.url

    @property
    def history(self) -> list[HttpResponse]:
        """The responses before the handshake's, such as redirects, oldest first."""
        return self.handshake.history

    def raise_for_status(self) -> Self:
        """Return the websocket itself: 101 is no error status."""
        return self

    # -- receiving

    def receive(self) -> Coroutine[Any, Any, str | bytes]:
        """Return the next message: str for text, bytes for binary. For websockets without a handler.

        Raises: WebSocketClosed, after the last message; WebSocketError, when the peer broke the protocol or a limit.
        """
        return self._run(self._protocol.receive(self))

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str | bytes:
        try:
            message: str | bytes = await self._protocol.receive(self)
        except WebSocketClosed:
            raise StopAsyncIteration from None
        return message

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str | bytes:
        try:
            return self.receive()  # type: ignore[return-value]  # no loop runs, so this is the message
        except WebSocketClosed:
            raise StopIteration from None

    # -- sending

    def write(self, message: Message) -> Awaitable[None]:
        """Send a message without waiting: str as text, bytes as binary.

        Await what it returns to wait until the peer reads fast enough.

        Raises: WebSocketClosed, WebSocketError; TypeError.
        """
        self._check_loop()
        self._protocol.sender.write(message)
        return self._drain

    def send(self, message: Message | Iterable[Message] | AsyncIterable[Message]) -> Coroutine[Any, Any, None]:
        """Send a message, and wait until the peer reads fast enough.

        message: str as text, bytes as binary; a plain or asynchronous iterable gives the fragments of one message.

        Raises: WebSocketClosed, WebSocketError; TypeError; ValueError, for an iterable without fragments.
        """
        return self._run(self._protocol.sender.send(message))

    def ping(self, body: bytes = b"") -> Awaitable[float]:
        """Send a ping, of at most 125 bytes. Await what it returns to get the seconds until the pong.

        Raises: WebSocketClosed, WebSocketError; TypeError, ValueError.
        """
        self._check_loop()
        pong = self._protocol.sender.ping(body)
        return pong if self._protocol.loop.is_running() else self._run(result_of(pong))

    def pong(self, body: bytes = b"") -> Awaitable[None]:
        """Send a pong, of at most 125 bytes. Pings are answered automatically.

        Raises: WebSocketClosed, WebSocketError; TypeError, ValueError.
        """
        self._check_loop()
        self._protocol.sender.pong(body)
        return self._drain

    # -- the end

    @property
    def close_reason(self) -> tuple[int, str] | None:
        """None while the websocket is open, then the close code and the reason (RFC 6455, section 7.1.5).

        They are those of the peer's close frame, or of ours when the peer broke the protocol. The code is 1005 when the
        frame has none, and 1006 when no close frame came.
        """
        return self._protocol.close_reason

    def write_close(self, code: int | None = 1000, reason: str = "") -> Awaitable[None]:
        """Send a close frame, and go on receiving until the peer sends its own. A second call does nothing.

        code: None = a frame without a code.

        Raises: ValueError, for a code that may not be sent, and for a reason of more than 123 bytes.
        """
        self._check_loop()
        self._protocol.write_close(code, reason)
        return self._drain

    def close(self, code: int | None = 1000, reason: str = "") -> Coroutine[Any, Any, None]:
        """Send a close frame, and wait until the connection is closed, at most `close_timeout`. A second call only waits.

        Messages that come meanwhile are dropped.

        Raises: ValueError (see `write_close`).
        """
        return self._run(self._protocol.close(code, reason))

    def wait_closed(self) -> Coroutine[Any, Any, None]:
        """Wait until either side has closed the connection, and the handler has ended.

        Raises: the exception of the handler, if it raised one.
        """
        return self._run(self._wait_closed())

    async def _wait_closed(self) -> None:
        await self._protocol.wait_closed()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *error: object) -> None:
        await self._protocol.close(1000 if kind is None else 1011)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        _ = self.close(1000 if kind is None else 1011)

    def _run(self, coroutine: Coroutine[Any, Any, T]) -> Coroutine[Any, Any, T]:
        """Return the coroutine in a running loop; without one, run it and return its result.

        Raises: RuntimeError, in another thread than that of the loop, or in another loop.
        """
        protocol = self._protocol
        try:
            if not protocol.sender.is_lost:
                self._client.check_loop(protocol.loop)
                if protocol.loop.is_running():  # and in this thread, as checked: `run` would check the same again
                    return coroutine
        except BaseException:
            coroutine.close()
            raise
        return self._client.run(coroutine)

    def _check_loop(self) -> None:
        """Check that an open websocket is used in its own loop and thread only: a transport is not thread-safe.

        Raises: RuntimeError.
        """
        if not self._protocol.sender.is_lost:
            self._client.check_loop(self._protocol.loop)

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "a WebSocket cannot be copied or pickled: its connection belongs to one process; copy the messages, or"
            " `websocket.handshake`, the response that opened it"
        )

    def __repr__(self) -> str:
        reason = self.close_reason
        return f"<WebSocket {self.request.origin} {'open' if reason is None else f'closed {reason[0]}'}>"

    def __del__(self) -> None:
        with contextlib.suppress(AttributeError):  # __init__ failed
            protocol = self._protocol
            if protocol.is_finished or protocol.drops_input:
                return
            with contextlib.suppress(RuntimeError):  # its loop is closed
                protocol.loop.call_soon_threadsafe(protocol.abandon)
            if protocol.sender.is_open:  # last, since the warning may be turned into an error
                warnings.warn(f"{self!r} was forgotten without close()", ResourceWarning, stacklevel=2, source=self)


class SyncWebSocket(WebSocket):
    """The type of a websocket in synchronous mode, for type checkers. The objects are of the class WebSocket.

    Example::

        from hookline import SyncHttpClient
        from hookline_websocket import SyncWebSocket, connect

        with SyncHttpClient() as client:
            websocket: SyncWebSocket = connect(client, "ws://127.0.0.1:8000/websocket")
            print(websocket.raise_for_status().status_code, websocket.headers["Upgrade"], websocket.history)
            print(websocket.url == websocket.request.url)
            websocket.send("hello")
            print(websocket.receive())
            websocket.write("more")
            print(websocket.ping() < 60)
            websocket.pong()
            websocket.write_close(1000, "enough")
            websocket.close()
            websocket.wait_closed()
            print(websocket.close_reason)
    """

    __slots__ = ()

    if TYPE_CHECKING:

        def receive(self) -> str | bytes: ...  # type: ignore[override]
        def send(self, message: Message | Iterable[Message]) -> None: ...  # type: ignore[override]
        def ping(self, body: bytes = b"") -> float: ...  # type: ignore[override]
        def close(self, code: int | None = 1000, reason: str = "") -> None: ...  # type: ignore[override]
        def wait_closed(self) -> None: ...  # type: ignore[override]


@overload
def connect(client: SyncHttpClient[Any], url: str, **options: Any) -> SyncWebSocket: ...
@overload
def connect(client: HttpClient[Any], url: str, **options: Any) -> Coroutine[Any, Any, WebSocket]: ...
def connect(client: HttpClient[Any], url: str, **options: Any) -> Any:
    """Open a websocket with `client.get(url, **options)`, and return it. In a running event loop, await it.

    `client.get` returns the server's response if the server refuses; this raises an error.

    Raises: HttpRequestException, if the server opens no websocket; its `response` is the server's; what `client.get` raises.

    Example: docs/typing.md#websockets
    """
    return client.run(_connect(client, url, options))


async def _connect(client: HttpClient[Any], url: str, options: dict[str, Any]) -> WebSocket:
    answer = await client.get(url, **options)
    if isinstance(answer, WebSocket):
        return answer
    answer.raise_for_status()
    raise HttpRequestException(f"{answer.request.origin} answered {answer.status_code}: no websocket", response=answer)


async def result_of(future: Any) -> Any:
    return await future

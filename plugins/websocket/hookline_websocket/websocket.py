"""The websocket, as users have it."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import AsyncIterable, Awaitable, Generator, Iterable
from typing import TYPE_CHECKING, Any, NoReturn, Self

from .errors import WebSocketClosed

if TYPE_CHECKING:
    from multidict import CIMultiDict

    from hookline import HttpRequest, HttpResponse

    from .channel import Channel

Message = str | bytes | bytearray | memoryview


class Drained:
    """What `write` returns: await it to wait until the peer takes more, or leave it."""

    __slots__ = ("_channel",)

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def __await__(self) -> Generator[Any, None, None]:
        return self._channel.drain().__await__()


class WebSocket:
    """A websocket, open since its handshake: what `client.get("ws://…")` gives when the server agrees.

    In a running loop, what takes time is awaited; without one (synchronous mode) the same call does it and returns.

    handshake: the response with status 101. subprotocol: the one that the server chose, None for none. connection: the
    raw connection.
    """

    __slots__ = ("__weakref__", "_channel", "_drained", "connection", "handshake", "subprotocol")

    def __init__(self, channel: Channel, handshake: HttpResponse, connection: Any, subprotocol: str | None) -> None:
        self._channel = channel
        self._drained = Drained(channel)
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
        """The fields of the server's answer."""
        return self.handshake.headers

    @property
    def status_code(self) -> int:
        """101."""
        return self.handshake.status_code

    @property
    def url(self) -> str:
        """The URL, where redirects led to."""
        return self.handshake.url

    @property
    def history(self) -> list[HttpResponse]:
        """The responses that led here, oldest first."""
        return self.handshake.history

    def raise_for_status(self) -> Self:
        """Returns the websocket itself: its status is a good one."""
        return self

    # -- receiving

    def receive(self) -> Any:
        """The next message, str or bytes. For websockets without a handler.

        Raises: WebSocketClosed, behind the last message; WebSocketError, when the peer broke the protocol or a limit.
        """
        return self._run(self._channel.receive(self))

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str | bytes:
        try:
            message: str | bytes = await self._channel.receive(self)
        except WebSocketClosed:
            raise StopAsyncIteration from None
        return message

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str | bytes:
        try:
            message: str | bytes = self.receive()
        except WebSocketClosed:
            raise StopIteration from None
        return message

    # -- sending

    def write(self, message: Message) -> Awaitable[None]:
        """Send a message without waiting: str as text, bytes as binary. What it returns can be awaited for back-pressure.

        Raises: WebSocketClosed, WebSocketError; TypeError.
        """
        self._check_loop()
        self._channel.write(message)
        return self._drained

    def send(self, message: Message | Iterable[Message] | AsyncIterable[Message]) -> Any:
        """Send a message, as fast as the peer takes it. An iterable, plain or async, gives the fragments of one.

        Raises: WebSocketClosed, WebSocketError; TypeError; ValueError, for an iterable that gives nothing.
        """
        return self._run(self._channel.send(message))

    def ping(self, body: bytes = b"") -> Any:
        """Send a ping, of at most 125 bytes. Awaited, it gives the seconds until the pong.

        Raises: WebSocketClosed, WebSocketError; TypeError, ValueError.
        """
        self._check_loop()
        pong = self._channel.ping(body)
        return pong if self._channel.loop.is_running() else self._run(result_of(pong))

    def pong(self, body: bytes = b"") -> Awaitable[None]:
        """Send a pong, of at most 125 bytes. Pings are answered without it.

        Raises: see `ping`.
        """
        self._check_loop()
        self._channel.pong(body)
        return self._drained

    # -- the end

    @property
    def close_reason(self) -> tuple[int, str] | None:
        """None while it is open; then code and reason: of the peer's close frame, of ours where the peer broke the protocol.

        1005 where the frame names no code, 1006 where none came.
        """
        return self._channel.close_reason

    def write_close(self, code: int | None = 1000, reason: str = "") -> Awaitable[None]:
        """Send a close frame, and go on receiving until the peer has sent its own. The second time nothing happens.

        Raises: ValueError, for a code that may not be sent, and a reason of more than 123 bytes.
        """
        self._check_loop()
        self._channel.write_close(code, reason)
        return self._drained

    def close(self, code: int | None = 1000, reason: str = "") -> Any:
        """Close, and wait until the connection is closed, at most `close_timeout`. The second time it only waits.

        Messages that come meanwhile are dropped.

        Raises: ValueError, as `write_close`.
        """
        return self._run(self._channel.close(code, reason))

    def wait_closed(self) -> Any:
        """Wait until the connection is closed, by whichever side, and the handler has ended.

        Raises: the exception of the handler, where it raised one.
        """
        return self._run(self._wait_closed())

    async def _wait_closed(self) -> None:
        await self._channel.wait_closed()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *error: object) -> None:
        await self._channel.close(1000 if kind is None else 1011)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        self.close(1000 if kind is None else 1011)

    def _run(self, coroutine: Any) -> Any:
        """The coroutine in a running loop; else its result.

        Raises: RuntimeError, in another thread than that of the loop, or on another loop.
        """
        try:
            self._check_loop()
        except BaseException:
            coroutine.close()
            raise
        return self.request.client.run(coroutine)

    def _check_loop(self) -> None:
        """Raises: RuntimeError, where the websocket is open and may not be touched: a transport is for one thread."""
        if not self._channel.is_lost:
            self.request.client.check_loop(self._channel.loop)

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "a WebSocket cannot be copied or pickled: its connection belongs to one process; copy the messages, or"
            " `websocket.handshake`, the response that opened it"
        )

    def __repr__(self) -> str:
        reason = self.close_reason
        return f"<WebSocket {self.request.origin} {'open' if reason is None else f'closed {reason[0]}'}>"

    def __del__(self) -> None:
        with contextlib.suppress(AttributeError):  # it was never made whole
            channel = self._channel
            if channel.is_over or channel.drops_input:
                return
            with contextlib.suppress(RuntimeError):  # its loop is closed
                channel.loop.call_soon_threadsafe(channel.abandon)
            if channel.is_open:  # the last, since it may be made an error
                warnings.warn(f"{self!r} was forgotten without close()", ResourceWarning, stacklevel=2, source=self)


async def result_of(future: Any) -> Any:
    return await future

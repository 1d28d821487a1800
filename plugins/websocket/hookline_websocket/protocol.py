"""The protocol of a websocket's transport: from the 101 to the end of the connection.

Data is parsed and handed on as soon as the loop reads it, and waits are timers: there is no task but the one of
`CallbackQueue`. Reading pauses while more than 256 KiB wait for the user, or for a peer that does not read.

Importing this module imports wsproto.
"""

from __future__ import annotations

import asyncio
import math
import os
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable, Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Protocol

from wsproto.frame_protocol import ParseFailed

from .callback_queue import CallbackQueue
from .close_codes import (
    ABNORMAL,
    GOING_AWAY,
    INTERNAL_ERROR,
    NO_STATUS,
    NORMAL,
    TOO_BIG,
    check_close,
    describe_close,
    truncate_reason,
)
from .errors import WebSocketClosed, WebSocketError
from .keepalive import KeepAlive
from .limits import Limits
from .pings import PendingPings

if TYPE_CHECKING:
    from hookline import Connection, HttpClient, HttpRequest

    from .frames.frame_parser import Reader, Writer

HIGH_WATER = 256 * 1024  # bytes that wait before reading pauses
LOW_WATER = 64 * 1024  # bytes that wait when it resumes
MESSAGE_OVERHEAD = 64  # bytes that a waiting message takes besides its content, so that empty ones count too
FRAMES_PER_TURN = 256  # of the loop; each 4 KiB of a payload count as one more. A single read may have 32,000 frames
PIECES_PER_TURN = 64  # of the loop: pieces of a message that are sent while neither the source nor the peer waits
CANCEL_TIMEOUT = 1.0  # seconds for a handler to end after it was cancelled
VIOLATION_TIMEOUT = 1.0  # seconds for the user to answer the messages that came before a violation of the protocol
MAX_CONTROL_BODY = 125  # bytes (RFC 6455, section 5.5)

_CONTINUATION, _MAX_DATA_OPCODE, _CLOSE, _PING = 0, 2, 8, 9  # RFC 6455, section 5.2
_MESSAGE_TYPES = (str, bytes, bytearray, memoryview)


class Handler(Protocol):
    """The callbacks of a handler; `WS` is their implementation, and documents them."""

    def on_open(self, websocket: Any) -> Any: ...

    def on_message(self, websocket: Any, message: str) -> Any: ...

    def on_bytes(self, websocket: Any, body: bytes) -> Any: ...

    def on_ping(self, websocket: Any, body: bytes) -> Any: ...

    def on_pong(self, websocket: Any, body: bytes) -> Any: ...

    def on_close(self, websocket: Any) -> Any: ...


class WebSocketProtocol(asyncio.BufferedProtocol):
    """One websocket: frames, messages, the handler's callbacks, and the closing handshake.

    is_open: messages can be sent; False once a close frame was sent. is_lost: the connection is closed. is_finished: the
    handler has ended too.
    close_reason: code and reason, None while it is open.
    reads: how often data came. is_reading_paused: reading is paused, since too much waits.
    drops_messages: the user wants no more messages; frames are parsed up to the peer's close frame. drops_input: frames
    are not parsed any more either.
    """

    __slots__ = (
        "_callbacks", "_client", "_close_timer", "_closed_waiters", "_connection", "_end_error", "_handler",
        "_handler_error", "_is_congested", "_is_resume_scheduled", "_keepalive", "_limits", "_loss_cause", "_messages",
        "_on_close_was_called", "_pending_pong", "_pings", "_queued", "_queued_size", "_read_buffer", "_reader",
        "_reads_at_close", "_receive_waiter", "_request", "_violation", "_waiters", "_waiting_size", "_wants_pings",
        "_wants_pongs", "_websocket", "_writer", "_writing_paused", "close_reason", "drops_input", "drops_messages",
        "is_finished", "is_lost", "is_open", "is_reading_paused", "loop", "reads", "transport",
    )  # fmt: skip

    def __init__(
        self,
        connection: Connection,
        reader: Reader,
        writer: Writer,
        request: HttpRequest,
        handler: Handler | None,
        limits: Limits,
        *,
        wants_pings: bool = False,
        wants_pongs: bool = False,
    ) -> None:
        """connection: the connection of the 101. wants_pings, wants_pongs: the handler is called for them.

        Without wants_pings, pings are answered here.
        """
        self.loop = connection.loop
        self.transport = connection.transport
        self._connection = connection
        self._reader = reader
        self._writer = writer
        self._request = request
        self._client: HttpClient = request.client
        self._handler = handler
        self._wants_pings = wants_pings
        self._wants_pongs = wants_pongs
        self._limits = limits
        self._websocket: Any = None  # set when there is a handler, which keeps it alive
        # reading
        self._read_buffer: memoryview = connection.get_buffer(-1)
        self._callbacks = CallbackQueue(
            self.loop, self._subtract_waiting, self._on_handler_error, self._on_callbacks_idle
        )
        self._messages: deque[Any] = deque()  # for `receive`
        self._waiting_size = 0  # bytes of `_messages`, and of the queue of callbacks
        self._receive_waiter: asyncio.Future[None] | None = None
        self._is_resume_scheduled = False
        self._is_congested = False  # a callback wrote more than the peer reads: reading is paused meanwhile
        self.reads = 0
        self.is_reading_paused = self.drops_messages = self.drops_input = False
        # writing
        self._writing_paused = False
        self._waiters: set[asyncio.Future[None]] = set()  # of coroutines that wait for a change: see `_wait`
        # messages to send after the one in pieces; None = no message is being sent in pieces
        self._queued: list[Any] | None = None
        self._queued_size = 0
        self._pings = PendingPings()
        self._pending_pong: bytes | None = None  # for the newest ping that came while writing was paused
        # the end
        self._end_error: WebSocketClosed | WebSocketError | None = None  # what `receive` raises after the last message
        self._handler_error: BaseException | None = None
        self._loss_cause: Exception | None = None  # why the transport lost the connection
        self._violation: tuple[int, str] | None = None  # code and message of a failure that waits
        self._close_timer: asyncio.TimerHandle | None = None
        self._keepalive: KeepAlive | None = None
        self._reads_at_close = 0  # when the close frame was sent, or the timer last ran
        self._closed_waiters = 0  # calls of `wait_closed` that wait
        self._on_close_was_called = False
        self.close_reason: tuple[int, str] | None = None
        self.is_open = True
        self.is_lost = self.is_finished = False

    def start(self, websocket: object) -> None:
        """Take over the transport, call on_open, and parse the data that came after the 101."""
        if self._handler is not None:
            self._websocket = websocket
        leftover = self._connection.set_protocol(self)
        self._connection.end()  # or the connection would keep the response alive, and that the websocket
        self._client.add_closer(self.shut_down)
        self.is_open = self._connection.alive  # it may have been lost while the hooks for the 101 ran
        if self._limits.ping_interval is not None:
            self._keepalive = KeepAlive(self, self._limits.ping_interval, self._limits.ping_timeout)
        if self._handler is not None:
            self._callbacks.run(self._handler.on_open, websocket)
        if leftover:
            self._data_received(leftover)
        if not self._connection.alive:
            self.connection_lost(None)

    # -- reading frames

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._read_buffer

    def buffer_updated(self, nbytes: int) -> None:
        view = self._read_buffer
        if not (self.drops_input or self.is_reading_paused):
            try:
                message = self._reader.whole_message(view, nbytes)
            except ParseFailed as error:
                self.reads += 1
                self._on_violation(error)
                return
            if message is not None:
                self.reads += 1
                self._deliver(message)
                if self._waiting_size > HIGH_WATER or self._is_congested:
                    self._update_reading()
                return
        self._data_received(bytes(view[:nbytes]))

    def _data_received(self, data: bytes) -> None:
        self.reads += 1
        if not self.drops_input:
            self._parse(data)

    def _parse(self, data: bytes = b"") -> None:
        """Parse data and hand on what it contains, up to FRAMES_PER_TURN and while there is room for messages."""
        left = FRAMES_PER_TURN
        next_item = self._reader.next_item
        try:
            if data:
                self._reader.receive_bytes(data)
                if self.is_reading_paused:
                    return
            while (item := next_item()) is not None:
                opcode, content = item
                if opcode <= _MAX_DATA_OPCODE:
                    left -= len(content) >> 12
                    if opcode != _CONTINUATION:
                        self._deliver(content)
                elif opcode == _CLOSE:
                    self._receive_close(*content)
                elif opcode == _PING:
                    self._receive_ping(content)
                else:
                    self._receive_pong(content)
                left -= 1
                if self.drops_input or self._is_full():
                    break
                if left <= 0:
                    self._pause_reading()
                    break
        except ParseFailed as error:
            self._on_violation(error)
        except Exception as error:  # noqa: BLE001  # of the user's frame_parser: the loop could only log it
            self._abort_for_parser(error)
        self._update_reading()

    def _on_violation(self, error: ParseFailed) -> None:
        """Fail the websocket because of what the peer sent, after the messages before that were answered.

        Those messages are the user's: the close frame waits until the user asks for more messages, or the handler has
        returned, VIOLATION_TIMEOUT at most.
        """
        message = str(error)
        if error.code == TOO_BIG:
            message = f"a message of more than max_message_size={self._limits.max_message_size} bytes"
        self._violation = int(error.code), message
        if (self._messages or self._callbacks.is_busy) and not self.drops_messages and self.is_open:
            self._drop_input()
            self._set_close_timer(self._fail_for_violation, VIOLATION_TIMEOUT)
        else:
            self._fail_for_violation()

    def _fail_for_violation(self) -> None:
        """Fail the websocket now, if the peer broke the protocol and the failure waits."""
        if self._violation is not None:
            (code, message), self._violation = self._violation, None
            self._fail(code, message)

    def _deliver(self, message: Any) -> None:
        """Hand a whole message to the handler, or to `receive`."""
        if self.drops_messages:
            return
        handler = self._handler
        if handler is not None:
            callback = handler.on_message if type(message) is str else handler.on_bytes
            if not self._callbacks.is_busy:
                self._callbacks.run(callback, self._websocket, message)
            else:
                self._queue_callback(callback, message)
            return
        self._messages.append(message)
        self._waiting_size += len(message) + MESSAGE_OVERHEAD
        waiter = self._receive_waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def _call_handler(self, callback: Callable[..., Any], body: bytes) -> None:
        """Call a callback for a ping or a pong."""
        if self.drops_messages:
            return
        if self._callbacks.is_busy:
            self._queue_callback(callback, body)
        else:
            self._callbacks.run(callback, self._websocket, body)

    def _queue_callback(self, callback: Callable[..., Any], content: Any) -> None:
        size = len(content) + MESSAGE_OVERHEAD
        self._waiting_size += size
        self._callbacks.put(callback, (self._websocket, content), size)

    def _receive_ping(self, body: bytes) -> None:
        if self._wants_pings and self._handler is not None:
            self._call_handler(self._handler.on_ping, body)
        else:
            self._answer_ping(body)

    def _receive_pong(self, body: bytes) -> None:
        self._pings.resolve(body)
        if self._wants_pongs and self._handler is not None:
            self._call_handler(self._handler.on_pong, body)

    def _receive_close(self, code: int, reason: str | None) -> None:
        """Answer the peer's close frame with the same code; then the server closes the connection (section 7.1.1)."""
        code, reason = int(code), reason or ""
        self._send_close(None if code == NO_STATUS else code, "")
        self._end_messages(
            WebSocketClosed(describe_close(code, reason), code=code, reason=reason, request=self._request)
        )
        self._drop_input()
        self._set_close_timer(self.transport.abort)

    # -- pausing and resuming

    def _is_full(self) -> bool:
        return (self._waiting_size > HIGH_WATER or self._is_congested) and not self.drops_messages

    def _update_reading(self) -> None:
        """Pause reading, or resume it in the next turn of the loop, if that is due."""
        if self.is_reading_paused:
            if not self._is_resume_scheduled and (
                self.drops_messages or (self._waiting_size <= LOW_WATER and not self._is_congested)
            ):
                self._is_resume_scheduled = True
                self.loop.call_soon(self._resume_reading)
        elif self._is_full():
            self._pause_reading()

    def _pause_reading(self) -> None:
        self.is_reading_paused = True
        if not self.is_lost:
            self.transport.pause_reading()

    def _resume_reading(self) -> None:
        """Parse what was read before the pause, then resume the transport, unless there is no room again."""
        self._is_resume_scheduled = False
        if not self.is_reading_paused:
            return
        self.is_reading_paused = False
        if not self.drops_input:
            self._parse()
        if not self.is_reading_paused:
            if self.is_lost:
                self._on_input_end()
            else:
                self.transport.resume_reading()

    def _subtract_waiting(self, size: int) -> None:
        """Note that messages of so many bytes wait no more."""
        self._waiting_size -= size
        if self.is_reading_paused:
            self._update_reading()

    def _drop_input(self) -> None:
        """Ignore all data from now on; reading goes on, to notice the end of the connection."""
        self.drops_input = True
        if self.is_reading_paused:
            self.is_reading_paused = False
            if not self.is_lost:
                self.transport.resume_reading()

    # -- receiving

    async def receive(self, websocket: object) -> Any:
        """Return the next message. websocket: this coroutine keeps it alive while it waits.

        Raises: WebSocketClosed, WebSocketError; RuntimeError, with a handler, and when another call waits.
        """
        messages = self._messages
        while not messages:
            if self._handler is not None:
                raise RuntimeError("this websocket has a handler, which gets the messages: receive() is not for it")
            self._fail_for_violation()
            if self._end_error is not None:
                raise self._new_end_error()
            if self._receive_waiter is not None:
                raise RuntimeError("another receive() is waiting already; only one may wait at a time")
            self._receive_waiter = self.loop.create_future()
            try:
                await self._receive_waiter
            finally:
                self._receive_waiter = None
        message = messages.popleft()
        self._subtract_waiting(len(message) + MESSAGE_OVERHEAD)
        return message

    # -- sending messages

    def write(self, message: Any) -> None:
        """Send a message; the transport buffers what the peer does not read yet.

        Raises: WebSocketClosed, WebSocketError; TypeError.
        """
        if not self.is_open:
            raise self._new_end_error()
        if self._queued is not None:
            if not isinstance(message, _MESSAGE_TYPES):
                raise not_a_message(message)
            self._queued.append(message)
            self._queued_size += len(message) + MESSAGE_OVERHEAD
        else:
            try:
                self.transport.write(self._writer.send_data(message, True))
            except TypeError:
                raise not_a_message(message) from None
        self._check_congestion()

    def _check_congestion(self) -> None:
        """After a write: pause reading, and so the callbacks, when a callback writes more than the peer reads."""
        if self._callbacks.is_busy and (self._writing_paused or self._queued_size > HIGH_WATER):
            self._is_congested = True
            self._update_reading()

    async def send(self, message: Any) -> None:
        """Send a message, or the pieces of one, and wait until the peer reads fast enough.

        Raises: WebSocketClosed, WebSocketError; TypeError; ValueError, for an iterable without pieces.
        """
        if isinstance(message, _MESSAGE_TYPES):
            self.write(message)
            if self._writing_paused or self._queued is not None:
                await self.drain()
        elif isinstance(message, (AsyncIterable, Iterable)) and not isinstance(message, Mapping):
            await self._send_pieces(message)
        else:
            raise not_a_message(message)

    async def _send_pieces(self, source: Iterable[Any] | AsyncIterable[Any]) -> None:
        """Send each piece as a frame as soon as it is there; an empty one ends the message (RFC 6455, section 5.4)."""
        while self._queued is not None:
            await self._wait()
        if not self.is_open:
            raise self._new_end_error()
        self._queued = []
        kind: type | None = None
        count = 0
        try:
            async with aclosing(iterate(source)) as pieces:
                async for piece in pieces:
                    if not isinstance(piece, _MESSAGE_TYPES):
                        raise not_a_message(piece)
                    if not self.is_open:
                        raise self._new_end_error()
                    own = str if isinstance(piece, str) else bytes
                    if kind is not None and kind is not own:
                        raise TypeError("the pieces of a message must be all str or all bytes")
                    frame = self._writer.send_data(piece, False)
                    kind = own
                    self.transport.write(frame)
                    count += 1
                    if self._writing_paused:
                        await self._wait()
                    elif count % PIECES_PER_TURN == 0:
                        await asyncio.sleep(0)
            if kind is None:
                raise ValueError("the iterable gave no pieces; for an empty message send '' or b''")
            if not self.is_open:
                raise self._new_end_error()
            self.transport.write(self._writer.send_data(kind(), True))
        except BaseException:
            if kind is not None and self.is_open:
                # no other message may follow these pieces
                self._fail(INTERNAL_ERROR, "a message could not be sent to its end")
            raise
        finally:
            queued, self._queued, self._queued_size = self._queued, None, 0
            if self.is_open:
                for message in queued:
                    self.transport.write(self._writer.send_data(message, True))
            self._is_congested &= self._writing_paused
            self._wake_waiters()
            self._update_reading()

    def pause_writing(self) -> None:
        self._writing_paused = True

    def resume_writing(self) -> None:
        self._writing_paused = False
        self._is_congested &= self._queued_size > HIGH_WATER
        if self._pending_pong is not None:
            self._answer_ping(self._pending_pong)
        self._wake_waiters()
        self._update_reading()

    async def drain(self) -> None:
        """Wait until everything written before is sent, but for the transport's last 64 KiB.

        Raises: WebSocketClosed or WebSocketError, when the connection ends before.
        """
        while self._writing_paused or self._queued is not None:
            if self.is_lost:
                raise self._new_end_error()
            await self._wait()

    async def _wait(self) -> None:
        """Wait for the next change of writing, or for the end; callers check their condition again."""
        waiter = self.loop.create_future()
        self._waiters.add(waiter)
        try:
            await waiter
        finally:
            self._waiters.discard(waiter)

    def _wake_waiters(self) -> None:
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)

    # -- pings

    def ping(self, body: bytes = b"") -> asyncio.Future[float]:
        """Send a ping; the future gives the seconds until its pong. An empty body is replaced by a random one.

        Raises: WebSocketClosed, WebSocketError; TypeError; ValueError.
        """
        body = check_control_body(body) or os.urandom(4)
        if not self.is_open:
            raise self._new_end_error()
        pong = self.loop.create_future()
        self._pings.add(body, pong)
        self.transport.write(self._writer.ping(body))
        self._check_congestion()
        return pong

    def send_keepalive_ping(self) -> None:
        """Send a ping, unless the peer reads nothing: then what was written before calls for an answer as well."""
        if not self._writing_paused:
            self.transport.write(self._writer.ping(os.urandom(4)))

    def pong(self, body: bytes = b"") -> None:
        """Send a pong.

        Raises: WebSocketClosed, WebSocketError; TypeError; ValueError.
        """
        body = check_control_body(body)
        if not self.is_open:
            raise self._new_end_error()
        self.transport.write(self._writer.pong(body))
        self._check_congestion()

    def _answer_ping(self, body: bytes) -> None:
        """Answer a ping. While the peer reads nothing, only the newest is kept (RFC 6455, section 5.5.3)."""
        if self._writing_paused:
            self._pending_pong = body
        elif self.is_open:
            self._pending_pong = None
            self.transport.write(self._writer.pong(body))

    # -- closing

    def _send_close(self, code: int | None, reason: str) -> None:
        if self.is_open:
            self.is_open = False
            self.transport.write(self._writer.close(code, reason))
            if self._keepalive is not None:
                self._keepalive.stop()

    def write_close(self, code: int | None = NORMAL, reason: str = "") -> None:
        """Send a close frame, unless one was sent. Messages are received until the peer closes.

        If the peer sends nothing for close_timeout, the connection is aborted.

        Raises: ValueError.
        """
        check_close(code, reason)
        self._fail_for_violation()
        if self.is_open:
            self._send_close(code, reason)
            self._reads_at_close = self.reads
            self._set_close_timer(self._abort_if_silent)

    async def close(self, code: int | None = NORMAL, reason: str = "") -> None:
        """Send a close frame, unless one was sent, and wait for the end of the connection, close_timeout at most.

        Messages that come meanwhile are dropped. If the wait is cancelled, the connection is aborted.

        Raises: ValueError.
        """
        self.write_close(code, reason)
        self.drops_messages = True
        self._update_reading()
        self._set_close_timer(self.transport.abort)
        try:
            while not self.is_lost:
                await self._wait()
        except BaseException:
            self.transport.abort()
            raise

    def _set_close_timer(self, callback: Callable[[], object], at_most: float = math.inf) -> None:
        """Call the callback after close_timeout, unless the connection is lost before. Replaces an earlier timer.

        at_most: seconds, if close_timeout is longer.
        """
        if self._close_timer is not None:
            self._close_timer.cancel()
            self._close_timer = None
        timeout = self._limits.close_timeout
        seconds = at_most if timeout is None else min(timeout, at_most)
        if seconds != math.inf and not self.is_lost:
            self._close_timer = self.loop.call_later(seconds, callback)

    def _abort_if_silent(self) -> None:
        """Abort the connection if no data came since the timer was set, else set the timer again."""
        if self.reads == self._reads_at_close and not self.is_reading_paused:
            self.transport.abort()
        else:
            self._reads_at_close = self.reads
            self._set_close_timer(self._abort_if_silent)

    def _fail(self, code: int, message: str) -> None:
        """Fail the websocket: close it with this code and this error (RFC 6455, section 7.1.7)."""
        reason = truncate_reason(message)
        self._send_close(code, reason)
        self._end_messages(WebSocketError(message, code=code, reason=reason, request=self._request))
        self._drop_input()
        self._set_close_timer(self.transport.abort)

    def abort(self, message: str) -> None:
        """Fail the websocket without waiting for the peer: send a close frame with 1011, and end the connection."""
        self._send_close(INTERNAL_ERROR, truncate_reason(message))
        self._end_messages(WebSocketError(message, code=ABNORMAL, request=self._request))
        self._drop_input()
        self.transport.abort()

    def _abort_for_parser(self, error: Exception) -> None:
        """End the connection because the frame parser failed: so no close frame can be made."""
        self.is_open = False
        end = WebSocketError(f"the frame parser failed: {type(error).__name__}", code=ABNORMAL, request=self._request)
        end.__cause__ = error
        self._end_messages(end)
        self._drop_input()
        self.transport.abort()

    def abandon(self) -> None:
        """Close a websocket that no code refers to any more."""
        self._send_close(GOING_AWAY, "")
        self._drop_input()
        self._set_close_timer(self.transport.abort)

    async def shut_down(self) -> None:
        """Close the websocket because the client is closed.

        The handler gets close_timeout to end, then it is cancelled.
        """
        await self.close(GOING_AWAY)
        task = self._callbacks.task
        if task is not None:
            await asyncio.wait([task], timeout=self._limits.close_timeout)
            task.cancel()
            await asyncio.wait([task], timeout=CANCEL_TIMEOUT)

    # -- the end

    def _end_messages(self, error: WebSocketClosed | WebSocketError) -> None:
        """Note that no more messages will come, and why; `receive` raises the error after the last one."""
        if self._end_error is None:
            self._end_error = error
        if self.close_reason is None:
            self.close_reason = error.code, error.reason
        if self._keepalive is not None:
            self._keepalive.stop()
        waiter = self._receive_waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def _new_end_error(self) -> WebSocketClosed | WebSocketError:
        """Return a new error for a call that can neither send nor receive any more."""
        end = self._end_error
        if end is None:
            return WebSocketClosed("this side has closed the websocket", code=ABNORMAL, request=self._request)
        new = type(end)(str(end), code=end.code, reason=end.reason, request=self._request)
        new.__cause__ = end.__cause__
        return new

    def connection_lost(self, exc: Exception | None) -> None:
        if self.is_lost:
            return
        self._connection.connection_lost(exc)
        self._loss_cause = exc
        self.is_lost = True
        if self._close_timer is not None:
            self._close_timer.cancel()
        if self._keepalive is not None:
            self._keepalive.stop()
        self.is_open = False
        if not self.is_reading_paused:
            self._on_input_end()
        self._wake_waiters()
        self._pings.fail(self._new_end_error)
        if self._handler is None:
            self._finish()

    def _on_input_end(self) -> None:
        """After connection_lost, when all data read before was parsed: end the messages."""
        self._fail_for_violation()
        if self._end_error is None:
            end = WebSocketClosed(describe_close(ABNORMAL, ""), code=ABNORMAL, request=self._request)
            end.__cause__ = self._loss_cause
            self._end_messages(end)
        if not self._callbacks.is_busy:
            self._on_callbacks_idle()

    def _on_callbacks_idle(self) -> None:
        """When no callback runs or waits: fail for a violation; after the end of the input, call on_close and finish."""
        self._fail_for_violation()
        if not self.is_lost or self._end_error is None or self._handler is None or self.is_finished:
            return
        if not self._on_close_was_called:
            self._on_close_was_called = True
            self._callbacks.run(self._handler.on_close, self._websocket)
        if not self._callbacks.is_busy:
            self._finish()

    def _finish(self) -> None:
        if self.is_finished:
            return
        self.is_finished = True
        self._client.remove_closer(self.shut_down)
        if self._handler_error is not None and not self._closed_waiters:
            self._log_handler_error(self._handler_error)
        self._wake_waiters()

    async def wait_closed(self) -> None:
        """Wait until the connection is closed and the handler has ended.

        Raises: the exception of the handler, if it raised one; RuntimeError, in a callback of the handler itself.
        """
        if not self.is_finished and self._callbacks.task is not None and asyncio.current_task() is self._callbacks.task:
            raise RuntimeError("wait_closed() waits for the handler, so it cannot be awaited in one of its callbacks")
        self._closed_waiters += 1
        try:
            while not self.is_finished:
                await self._wait()
        finally:
            self._closed_waiters -= 1
        if self._handler_error is not None:
            raise self._handler_error

    def _on_handler_error(self, error: BaseException) -> bool:
        """Close the websocket because a callback raised. Return True if the other callbacks may still be called."""
        is_end = isinstance(error, (WebSocketClosed, WebSocketError)) and error.request is self._request
        if is_end and (self._end_error is not None or not self._connection.alive):
            return True  # the callback used its websocket after the end: that is no failure
        if isinstance(error, asyncio.CancelledError):
            self.abort("the handler was cancelled")
            return False
        if self._handler_error is None:
            self._handler_error = error
        else:
            self._log_handler_error(error)
        self._fail(INTERNAL_ERROR, "the handler failed")
        return False

    def _log_handler_error(self, error: BaseException) -> None:
        self.loop.call_exception_handler(
            {
                "message": f"exception in the handler of a websocket, {self._handler!r}",
                "exception": error,
                "protocol": self,
            }
        )


async def iterate(source: Iterable[Any] | AsyncIterable[Any]) -> AsyncGenerator[Any, None]:
    """Yield the items of a plain or an asynchronous iterable."""
    if isinstance(source, AsyncIterable):
        async for piece in source:
            yield piece
    else:
        for piece in source:
            yield piece


def check_control_body(body: Any) -> bytes:
    """Return the body of a ping or pong as bytes.

    Raises: TypeError; ValueError, for more than 125 bytes (RFC 6455, section 5.5).
    """
    if not isinstance(body, (bytes, bytearray, memoryview)):
        raise TypeError(f"the body of a ping or pong must be bytes, not {type(body).__name__}")
    if len(body) > MAX_CONTROL_BODY:
        raise ValueError(f"the body of a ping or pong has at most {MAX_CONTROL_BODY} bytes, not {len(body)}")
    return bytes(body)


def not_a_message(value: Any) -> TypeError:
    """Return the error for a value that cannot be sent as a message."""
    return TypeError(
        f"a message is str or bytes, and send() also takes an iterable of its pieces; got {type(value).__name__}"
    )

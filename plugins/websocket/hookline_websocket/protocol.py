"""The protocol of a websocket's transport: from the 101 to the end of the connection.

Data is parsed and handed on as soon as the loop reads it, and waits are timers: there is no task but the one of
`CallbackQueue`. Reading pauses while more than 256 KiB wait for the user, or for a peer that does not read.

Importing this module imports wsproto.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from wsproto.frame_protocol import ParseFailed

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
from .inbox import Handler, Inbox
from .keepalive import KeepAlive
from .limits import HIGH_WATER, Limits
from .sender import Sender

if TYPE_CHECKING:
    from hookline import Connection, HttpClient, HttpRequest

    from .frames.frame_parser import Reader, Writer

FRAMES_PER_TURN = 256  # of the loop; each 4 KiB of a payload count as one more. A single read may have 32,000 frames
CANCEL_TIMEOUT = 1.0  # seconds for a handler to end after it was cancelled
VIOLATION_TIMEOUT = 1.0  # seconds for the user to answer the messages that came before a violation of the protocol
_CONTINUATION, _MAX_DATA_OPCODE, _CLOSE, _PING = 0, 2, 8, 9  # RFC 6455, section 5.2


class WebSocketProtocol(asyncio.BufferedProtocol):
    """One websocket: it hands what the transport reads to its inbox, and makes the closing handshake.

    sender: its sending side. close_reason: code and reason, None while it is open. is_finished: the connection is closed,
    and the handler has ended too.
    reads: how often data came. is_reading_paused: reading is paused, since too much waits. drops_input: frames are not
    parsed any more.
    """

    __slots__ = (
        "_client", "_close_timer", "_closed_waiters", "_connection", "_end_error", "_handler_error", "_inbox",
        "_is_resume_scheduled", "_keepalive", "_limits", "_loss_cause", "_on_close_was_called", "_read_buffer",
        "_reader", "_reads_at_close", "_request", "_violation", "_wants_pings", "_wants_pongs", "close_reason",
        "drops_input", "is_finished", "is_reading_paused", "loop", "reads", "sender", "transport",
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
        self.loop = loop = connection.loop
        self.transport = connection.transport
        self._connection = connection
        self._reader = reader
        self._request = request
        self._client: HttpClient = request.client
        self._wants_pings = wants_pings
        self._wants_pongs = wants_pongs
        self._limits = limits
        # reading
        self._read_buffer: memoryview = connection.get_buffer(-1)
        self._inbox = Inbox(loop, handler, self._on_taken, self._on_handler_error, self._on_callbacks_idle)
        self._is_resume_scheduled = False
        self.reads = 0
        self.is_reading_paused = self.drops_input = False
        self.sender = Sender(loop, self.transport, writer, self)
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
        self.is_finished = False

    def start(self, websocket: object) -> None:
        """Take over the transport, call on_open, and parse the data that came after the 101."""
        if self._inbox.handler is not None:
            self._inbox.websocket = websocket
        leftover = self._connection.set_protocol(self)
        self._connection.end()  # or the connection would keep the response alive, and that the websocket
        self._client.add_closer(self.shut_down)
        self.sender.is_open = self._connection.alive  # it may have been lost while the hooks for the 101 ran
        if self._limits.ping_interval is not None:
            self._keepalive = KeepAlive(self, self._limits.ping_interval, self._limits.ping_timeout)
        if self._inbox.handler is not None:
            self._inbox.callbacks.run(self._inbox.handler.on_open, websocket)
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
                inbox = self._inbox
                inbox.deliver(message)
                if inbox.waiting_size > HIGH_WATER or inbox.is_congested:
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
                        self._inbox.deliver(content)
                elif opcode == _CLOSE:
                    self._receive_close(*content)
                elif opcode == _PING:
                    self._receive_ping(content)
                else:
                    self._receive_pong(content)
                left -= 1
                if self.drops_input or self._inbox.is_full():
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
        if self._inbox.is_unanswered() and self.sender.is_open:
            self._drop_input()
            self._set_close_timer(self._fail_for_violation, VIOLATION_TIMEOUT)
        else:
            self._fail_for_violation()

    def _fail_for_violation(self) -> None:
        """Fail the websocket now, if the peer broke the protocol and the failure waits."""
        if self._violation is not None:
            (code, message), self._violation = self._violation, None
            self.fail(code, message)

    def _receive_ping(self, body: bytes) -> None:
        if self._wants_pings and self._inbox.handler is not None:
            self._inbox.call(self._inbox.handler.on_ping, body)
        else:
            self.sender.answer_ping(body)

    def _receive_pong(self, body: bytes) -> None:
        self.sender.pings.resolve(body)
        if self._wants_pongs and self._inbox.handler is not None:
            self._inbox.call(self._inbox.handler.on_pong, body)

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

    def _update_reading(self) -> None:
        """Pause reading, or resume it in the next turn of the loop, if that is due."""
        if self.is_reading_paused:
            if not self._is_resume_scheduled and self._inbox.has_room():
                self._is_resume_scheduled = True
                self.loop.call_soon(self._resume_reading)
        elif self._inbox.is_full():
            self._pause_reading()

    def _pause_reading(self) -> None:
        self.is_reading_paused = True
        if not self.sender.is_lost:
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
            if self.sender.is_lost:
                self._on_input_end()
            else:
                self.transport.resume_reading()

    def _on_taken(self) -> None:
        """Note that messages wait no more."""
        if self.is_reading_paused:
            self._update_reading()

    def on_backlog(self) -> None:
        """Pause reading, and so the callbacks, when a callback writes more than the peer reads."""
        if self._inbox.callbacks.is_busy:
            self._inbox.is_congested = True
            self._update_reading()

    def on_backlog_change(self) -> None:
        self._inbox.is_congested &= self.sender.has_backlog()
        self._update_reading()

    def _drop_input(self) -> None:
        """Ignore all data from now on; reading goes on, to notice the end of the connection."""
        self.drops_input = True
        if self.is_reading_paused:
            self.is_reading_paused = False
            if not self.sender.is_lost:
                self.transport.resume_reading()

    # -- receiving

    async def receive(self, websocket: object) -> Any:
        """Return the next message. websocket: this coroutine keeps it alive while it waits.

        Raises: WebSocketClosed, WebSocketError; RuntimeError, with a handler, and when another call waits.
        """
        inbox = self._inbox
        while not inbox.messages:
            if inbox.handler is not None:
                raise RuntimeError("this websocket has a handler, which gets the messages: receive() is not for it")
            self._fail_for_violation()
            if self._end_error is not None:
                raise self.new_end_error()
            waiter = inbox.new_waiter()
            try:
                await waiter
            finally:
                inbox.forget_waiter()
        return inbox.take()

    # -- writing

    def pause_writing(self) -> None:
        self.sender.is_paused = True

    def resume_writing(self) -> None:
        self.sender.resume()

    def send_keepalive_ping(self) -> None:
        self.sender.send_keepalive_ping()

    # -- closing

    def _send_close(self, code: int | None, reason: str) -> None:
        self.sender.close(code, reason)
        if self._keepalive is not None:
            self._keepalive.stop()

    def write_close(self, code: int | None = NORMAL, reason: str = "") -> None:
        """Send a close frame, unless one was sent. Messages are received until the peer closes.

        If the peer sends nothing for close_timeout, the connection is aborted.

        Raises: ValueError.
        """
        check_close(code, reason)
        self._fail_for_violation()
        if self.sender.is_open:
            self._send_close(code, reason)
            self._reads_at_close = self.reads
            self._set_close_timer(self._abort_if_silent)

    async def close(self, code: int | None = NORMAL, reason: str = "") -> None:
        """Send a close frame, unless one was sent, and wait for the end of the connection, close_timeout at most.

        Messages that come meanwhile are dropped. If the wait is cancelled, the connection is aborted.

        Raises: ValueError.
        """
        self.write_close(code, reason)
        self._inbox.drops_messages = True
        self._update_reading()
        self._set_close_timer(self.transport.abort)
        try:
            while not self.sender.is_lost:
                await self.sender.waiters.wait()
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
        if seconds != math.inf and not self.sender.is_lost:
            self._close_timer = self.loop.call_later(seconds, callback)

    def _abort_if_silent(self) -> None:
        """Abort the connection if no data came since the timer was set, else set the timer again."""
        if self.reads == self._reads_at_close and not self.is_reading_paused:
            self.transport.abort()
        else:
            self._reads_at_close = self.reads
            self._set_close_timer(self._abort_if_silent)

    def fail(self, code: int, message: str) -> None:
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
        self.sender.is_open = False
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
        task = self._inbox.callbacks.task
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
        self._inbox.wake()

    def new_end_error(self) -> WebSocketClosed | WebSocketError:
        """Return a new error for a call that can neither send nor receive any more."""
        end = self._end_error
        if end is None:
            return WebSocketClosed("this side has closed the websocket", code=ABNORMAL, request=self._request)
        new = type(end)(str(end), code=end.code, reason=end.reason, request=self._request)
        new.__cause__ = end.__cause__
        return new

    def connection_lost(self, exc: Exception | None) -> None:
        if self.sender.is_lost:
            return
        self._connection.connection_lost(exc)
        self._loss_cause = exc
        self.sender.is_lost = True
        if self._close_timer is not None:
            self._close_timer.cancel()
        if self._keepalive is not None:
            self._keepalive.stop()
        self.sender.is_open = False
        if not self.is_reading_paused:
            self._on_input_end()
        self.sender.waiters.wake()
        self.sender.pings.fail(self.new_end_error)
        if self._inbox.handler is None:
            self._finish()

    def _on_input_end(self) -> None:
        """After connection_lost, when all data read before was parsed: end the messages."""
        self._fail_for_violation()
        if self._end_error is None:
            end = WebSocketClosed(describe_close(ABNORMAL, ""), code=ABNORMAL, request=self._request)
            end.__cause__ = self._loss_cause
            self._end_messages(end)
        if not self._inbox.callbacks.is_busy:
            self._on_callbacks_idle()

    def _on_callbacks_idle(self) -> None:
        """When no callback runs or waits: fail for a violation; after the end of the input, call on_close and finish."""
        self._fail_for_violation()
        if not self.sender.is_lost or self._end_error is None or self._inbox.handler is None or self.is_finished:
            return
        if not self._on_close_was_called:
            self._on_close_was_called = True
            self._inbox.callbacks.run(self._inbox.handler.on_close, self._inbox.websocket)
        if not self._inbox.callbacks.is_busy:
            self._finish()

    def _finish(self) -> None:
        if self.is_finished:
            return
        self.is_finished = True
        self._client.remove_closer(self.shut_down)
        if self._handler_error is not None and not self._closed_waiters:
            self._log_handler_error(self._handler_error)
        self.sender.waiters.wake()

    async def wait_closed(self) -> None:
        """Wait until the connection is closed and the handler has ended.

        Raises: the exception of the handler, if it raised one; RuntimeError, in a callback of the handler itself.
        """
        if (
            not self.is_finished
            and self._inbox.callbacks.task is not None
            and asyncio.current_task() is self._inbox.callbacks.task
        ):
            raise RuntimeError("wait_closed() waits for the handler, so it cannot be awaited in one of its callbacks")
        self._closed_waiters += 1
        try:
            while not self.is_finished:
                await self.sender.waiters.wait()
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
        self.fail(INTERNAL_ERROR, "the handler failed")
        return False

    def _log_handler_error(self, error: BaseException) -> None:
        self.loop.call_exception_handler(
            {
                "message": f"exception in the handler of a websocket, {self._inbox.handler!r}",
                "exception": error,
                "protocol": self,
            }
        )

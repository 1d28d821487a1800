"""The connection of a websocket: the protocol of its transport, from the 101 to the end. Waits are timers, not tasks.

Imports wsproto, so nobody imports it before the first websocket.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from wsproto.extensions import Extension
from wsproto.frame_protocol import FrameProtocol

from .closing import ABNORMAL, GOING_AWAY, INTERNAL_ERROR, NO_STATUS, NORMAL, check_close, cut_reason, meaning
from .deflate import PerMessageDeflate
from .errors import WebSocketClosed, WebSocketError
from .keepalive import KeepAlive
from .receiver import Receiver

if TYPE_CHECKING:
    from hookline import HttpClient, HttpRequest

    from .compression import Deflate
    from .handler import WS
    from .options import Limits
    from .websocket import WebSocket

LAST_SECONDS = 1.0  # for a handler that was cancelled


def make_parser(factory: Callable[..., Any] | None, agreed: Deflate | None, limit: int) -> Any:
    """What takes frames apart and makes them: wsproto's, or what the user gave as `frame_parser`."""
    extensions: list[Extension] = [] if agreed is None else [PerMessageDeflate(agreed, limit)]
    return (factory or FrameProtocol)(client=True, extensions=extensions)


class Channel(Receiver):
    """See the module.

    close_reason: None while it is open. is_over: has the handler ended too?
    """

    __slots__ = (
        "_client", "_close_timer", "_connection", "_failure", "_is_told", "_keepalive", "_limits", "_lost_by", "_request",
        "_watched_reads", "_watchers", "close_reason", "is_over",
    )  # fmt: skip

    def __init__(self, connection: Any, parser: Any, request: HttpRequest, handler: WS | None, limits: Limits) -> None:
        super().__init__(connection, parser, handler, limits.max_message_size)
        self._connection = connection
        self._client: HttpClient = request.client
        self._request = request
        self._limits = limits
        self._failure: BaseException | None = None
        self._close_timer: asyncio.TimerHandle | None = None
        self._keepalive: KeepAlive | None = None
        self._lost_by: Exception | None = None
        self._watched_reads = self._watchers = 0
        self.close_reason: tuple[int, str] | None = None
        self.is_over = self._is_told = False

    def start(self, websocket: WebSocket) -> None:
        """Take the transport over, tell the handler, and go on with what came behind the 101."""
        if self._handler is not None:
            self.websocket = websocket
        leftover = self._connection.set_protocol(self)
        self._connection.end()  # or it would keep the response alive, and that the websocket
        self._client.add_closer(self.shut_down)
        self.is_open = self._connection.alive  # the peer may have left while the handlers of the 101 ran
        if self._limits.ping_interval is not None:
            self._keepalive = KeepAlive(self, self._limits.ping_interval, self._limits.ping_timeout)
        if self._handler is not None:
            self._calls.run(self._handler.on_open, websocket)
        if leftover:
            self._take(leftover)
        if not self._connection.alive:
            self.connection_lost(None)

    def ended(self) -> WebSocketClosed | WebSocketError:
        end = self._end
        if end is None:
            return WebSocketClosed("this side has closed the websocket", code=ABNORMAL, request=self._request)
        new = type(end)(str(end), code=end.code, reason=end.reason, request=self._request)
        new.__cause__ = end.__cause__
        return new

    def _finish(self, end: WebSocketClosed | WebSocketError) -> None:
        """There is nothing more to receive, and why."""
        if self._end is None:
            self._end = end
        if self.close_reason is None:
            self.close_reason = end.code, end.reason
        if self._keepalive is not None:
            self._keepalive.stop()
        receiver = self._receiver
        if receiver is not None and not receiver.done():
            receiver.set_result(None)

    def _take_close(self, code: int, reason: str | None) -> None:
        """The peer's close frame: answer it with the same code, then the server closes the connection (section 7.1.1)."""
        code, reason = int(code), reason or ""
        self._send_close(None if code == NO_STATUS else code, "")
        self._finish(WebSocketClosed(meaning(code, reason), code=code, reason=reason, request=self._request))
        self._drop_input()
        self._set_timer(self.transport.abort)

    def _send_close(self, code: int | None, reason: str) -> None:
        if self.is_open:
            self.is_open = False
            self.transport.write(self.parser.close(code, reason))
            if self._keepalive is not None:
                self._keepalive.stop()

    def write_close(self, code: int | None = NORMAL, reason: str = "") -> None:
        """Send a close frame, once. What the peer still sends is received; when it is silent, close_timeout ends it.

        Raises: ValueError.
        """
        check_close(code, reason)
        if self.is_open:
            self._send_close(code, reason)
            self._watched_reads = self.reads
            self._set_timer(self._watch_silence)

    async def close(self, code: int | None = NORMAL, reason: str = "") -> None:
        """Send a close frame, unless that was done, and wait for the end of the connection, close_timeout at most.

        Messages that come meanwhile are dropped. Cancelled, it ends the connection at once.

        Raises: ValueError.
        """
        self.write_close(code, reason)
        self.drops_messages = True
        self.look()
        self._set_timer(self.transport.abort)
        try:
            while not self.is_lost:
                await self._turn()
        except BaseException:
            self.transport.abort()
            raise

    def _set_timer(self, end: Callable[[], object]) -> None:
        """Do something after close_timeout, unless the connection is gone by then."""
        if self._close_timer is not None:
            self._close_timer.cancel()
            self._close_timer = None
        if self._limits.close_timeout is not None and not self.is_lost:
            self._close_timer = self.loop.call_later(self._limits.close_timeout, end)

    def _watch_silence(self) -> None:
        if self.reads == self._watched_reads and not self.is_held:
            self.transport.abort()
        else:
            self._watched_reads = self.reads
            self._set_timer(self._watch_silence)

    def fail(self, code: int, message: str) -> None:
        """Close because this side cannot go on (RFC 6455, section 7.1.7)."""
        reason = cut_reason(message)
        self._send_close(code, reason)
        self._finish(WebSocketError(message, code=code, reason=reason, request=self._request))
        self._drop_input()
        self._set_timer(self.transport.abort)

    def lose(self, message: str) -> None:
        """The peer is gone, whatever TCP says."""
        self._send_close(INTERNAL_ERROR, cut_reason(message))
        self._finish(WebSocketError(message, code=ABNORMAL, request=self._request))
        self._drop_input()
        self.transport.abort()

    def break_off(self, error: Exception) -> None:
        """Frames can neither be read nor made any more: without a close frame, which would be one."""
        self.is_open = False
        end = WebSocketError(f"the frame parser failed: {type(error).__name__}", code=ABNORMAL, request=self._request)
        end.__cause__ = error
        self._finish(end)
        self._drop_input()
        self.transport.abort()

    def abandon(self) -> None:
        """Nobody has the websocket any more."""
        self._send_close(GOING_AWAY, "")
        self._drop_input()
        self._set_timer(self.transport.abort)

    async def shut_down(self) -> None:
        """The client is closed: go, and give the handler as long as the peer to end."""
        await self.close(GOING_AWAY)
        task = self._calls.task
        if task is not None:
            await asyncio.wait([task], timeout=self._limits.close_timeout)
            task.cancel()
            await asyncio.wait([task], timeout=LAST_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.is_lost:
            return
        self._connection.connection_lost(exc)
        self._lost_by = exc
        self.is_lost = True
        if self._close_timer is not None:
            self._close_timer.cancel()
        if self._keepalive is not None:
            self._keepalive.stop()
        if not self.is_held:
            self._end_of_input()
        self.give_up_sending()
        if self._handler is None:
            self._be_over()

    def _end_of_input(self) -> None:
        """Behind the last message of a connection that is gone."""
        if self._end is None:
            end = WebSocketClosed(meaning(ABNORMAL, ""), code=ABNORMAL, request=self._request)
            end.__cause__ = self._lost_by
            self._finish(end)
        if not self._calls.is_busy:
            self._idle()

    def _idle(self) -> None:
        """Nothing of the handler runs or waits: at the end that leaves on_close."""
        if not self.is_lost or self._end is None or self._handler is None or self.is_over:
            return
        if not self._is_told:
            self._is_told = True
            self._calls.run(self._handler.on_close, self.websocket)
        if not self._calls.is_busy:
            self._be_over()

    def _be_over(self) -> None:
        if self.is_over:
            return
        self.is_over = True
        self._client.remove_closer(self.shut_down)
        if self._failure is not None and not self._watchers:
            self._report(self._failure)
        self._next_turn()

    async def wait_closed(self) -> None:
        """Wait for the end of the connection and of the handler.

        Raises: what the handler raised; RuntimeError, in a callback of the handler itself.
        """
        if not self.is_over and self._calls.task is not None and asyncio.current_task() is self._calls.task:
            raise RuntimeError("wait_closed() waits for the handler, and so not in one of its callbacks")
        self._watchers += 1
        try:
            while not self.is_over:
                await self._turn()
        finally:
            self._watchers -= 1
        if self._failure is not None:
            raise self._failure

    def _handler_failed(self, error: BaseException) -> bool:
        """A callback raised. True: the next may be called nevertheless."""
        is_end = isinstance(error, (WebSocketClosed, WebSocketError)) and error.request is self._request
        if is_end and (self._end is not None or not self._connection.alive):
            return True  # it met the end of its own websocket
        if isinstance(error, asyncio.CancelledError):
            self.lose("the handler was cancelled")
            return False
        if self._failure is None:
            self._failure = error
        else:
            self._report(error)
        self.fail(INTERNAL_ERROR, "the handler failed")
        return False

    def _report(self, error: BaseException) -> None:
        self.loop.call_exception_handler(
            {
                "message": f"exception in the handler of a websocket, {self._handler!r}",
                "exception": error,
                "protocol": self,
            }
        )

"""The connection of a websocket: the protocol of its transport, from the 101 to the end.

Nothing runs but what the loop calls: reads are parsed and handed on at once, waits are timers. Reading stops while
256 KiB wait for whoever takes the messages.

Imports wsproto, so nobody imports it before the first websocket.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from wsproto.extensions import Extension
from wsproto.frame_protocol import FrameProtocol, ParseFailed

from .assembly import Assembly, TooBig
from .calls import Calls
from .closing import ABNORMAL, GOING_AWAY, INTERNAL_ERROR, NO_STATUS, NORMAL, TOO_BIG, check_close, cut_reason, meaning
from .deflate import PerMessageDeflate
from .errors import WebSocketClosed, WebSocketError
from .handler import WS
from .keepalive import KeepAlive
from .sender import Sender

if TYPE_CHECKING:
    from hookline import HttpClient, HttpRequest

    from .compression import Deflate
    from .options import Limits
    from .websocket import WebSocket

HIGH_WATER = 256 * 1024
LOW_WATER = 64 * 1024
FRAMES = 256  # in one turn, 4 KiB being as much as another: a read may hold 32,000, and the loop has others to serve
LAST_SECONDS = 1.0  # for a handler that was cancelled
_ENTRY = 64  # bytes that a waiting message costs beside its content: many empty ones are no little either
_DATA, _CLOSE, _PING = 3, 8, 9  # opcodes; below 3 is data


def make_parser(factory: Callable[..., Any] | None, agreed: Deflate | None, limit: int) -> Any:
    """What takes frames apart and makes them: wsproto's, or what the user gave as `frame_parser`."""
    extensions: list[Extension] = [] if agreed is None else [PerMessageDeflate(agreed, limit)]
    return (factory or FrameProtocol)(client=True, extensions=extensions)


class Channel(Sender):
    """See the module.

    close_reason: None while it is open. reads: how many there were. is_held: is reading stopped for lack of room?
    drops_messages: nobody wants them any more; frames are parsed up to the peer's close frame. drops_input: not even that.
    is_over: has the handler ended too?
    websocket: kept alive where a handler is to be told; otherwise whoever receives has it.
    """

    __slots__ = (
        "_assembly", "_calls", "_client", "_close_timer", "_connection", "_end", "_failure", "_handler", "_held", "_inbox",
        "_is_told", "_keepalive", "_limits", "_lost_by", "_receiver", "_request", "_resumes", "_view", "_wants_pings",
        "_wants_pongs", "_watched_reads", "_watchers", "close_reason", "drops_input", "drops_messages", "is_held",
        "is_over", "reads", "websocket",
    )  # fmt: skip

    def __init__(self, connection: Any, parser: Any, request: HttpRequest, handler: WS | None, limits: Limits) -> None:
        super().__init__(connection.loop, connection.transport, parser)
        self._connection = connection
        self._view: memoryview = connection.get_buffer(-1)
        self._client: HttpClient = request.client
        self._request = request
        self._handler = handler
        self._limits = limits
        self._assembly = Assembly(limits.max_message_size)
        self._inbox: deque[Any] = deque()
        self._held = 0
        self._receiver: asyncio.Future[None] | None = None
        self._end: WebSocketClosed | WebSocketError | None = None
        self._failure: BaseException | None = None
        self._close_timer: asyncio.TimerHandle | None = None
        self._keepalive: KeepAlive | None = None
        self._lost_by: Exception | None = None
        self._watched_reads = self._watchers = 0
        self._calls = Calls(self.loop, self._released, self._handler_failed, self._idle)
        self._wants_pings = handler is not None and type(handler).on_ping is not WS.on_ping
        self._wants_pongs = handler is not None and type(handler).on_pong is not WS.on_pong
        self.close_reason: tuple[int, str] | None = None
        self.drops_input = self.drops_messages = self.is_held = self.is_over = False
        self._is_told = self._resumes = False
        self.reads = 0
        self.websocket: WebSocket = None  # type: ignore[assignment]  # set before the handler is called

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

    @property
    def in_callback(self) -> bool:
        return self._calls.is_busy

    # -- reading

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._view

    def buffer_updated(self, nbytes: int) -> None:
        self._take(bytes(self._view[:nbytes]))

    def _take(self, data: bytes) -> None:
        self.reads += 1
        if not self.drops_input:
            self.parser.receive_bytes(data)
            if not self.is_held:
                self._parse()

    def _parse(self) -> None:
        """Hand on what was read, frame by frame, as long as there is room; the loop has its turn between many."""
        left = FRAMES
        try:
            for frame in self.parser.received_frames():
                opcode = frame.opcode
                if opcode < _DATA:
                    payload = frame.payload
                    left -= len(payload) >> 12
                    if frame.message_finished and self._assembly.is_empty and len(payload) <= self._assembly.safe:
                        self._deliver(payload)
                    else:
                        self._assemble(payload, frame.message_finished)
                elif opcode == _CLOSE:
                    self._take_close(*frame.payload)
                elif opcode == _PING:
                    self._take_ping(frame.payload)
                else:
                    self._take_pong(frame.payload)
                left -= 1
                if self.drops_input or self._is_full():
                    break
                if left <= 0:
                    self._hold()
                    break
        except TooBig:
            self._refuse_message()
        except ParseFailed as error:
            if error.code == TOO_BIG:
                self._refuse_message()
            else:
                message = str(error)
                self.fail(
                    int(error.code), "a broken compressed message" if message == "error in extension" else message
                )
        self.look()

    def _refuse_message(self) -> None:
        self.fail(TOO_BIG, f"a message of more than max_message_size={self._limits.max_message_size} bytes")

    def _assemble(self, payload: Any, finished: bool) -> None:
        assembly = self._assembly
        if finished and assembly.is_empty:
            assembly.check(payload)
            assembly.reset()
            self._deliver(payload)
            return
        assembly.add(payload)
        if finished:
            self._deliver(assembly.take())

    def _deliver(self, message: Any) -> None:
        if self.drops_messages:
            return
        handler = self._handler
        if handler is not None:
            callback = handler.on_message if type(message) is str else handler.on_bytes
            if not self._calls.is_busy:
                self._calls.run(callback, self.websocket, message)
            else:
                self._wait(callback, message)
            return
        self._inbox.append(message)
        self._held += len(message) + _ENTRY
        receiver = self._receiver
        if receiver is not None and not receiver.done():
            receiver.set_result(None)

    def _tell(self, callback: Callable[..., Any], body: bytes) -> None:
        if self.drops_messages:
            return
        if self._calls.is_busy:
            self._wait(callback, body)
        else:
            self._calls.run(callback, self.websocket, body)

    def _wait(self, callback: Callable[..., Any], content: Any) -> None:
        size = len(content) + _ENTRY
        self._held += size
        self._calls.wait(callback, (self.websocket, content), size)

    def _take_ping(self, body: bytes) -> None:
        if self._wants_pings and self._handler is not None:
            self._tell(self._handler.on_ping, body)
        else:
            self.answer_ping(body)

    def _take_pong(self, body: bytes) -> None:
        self.take_pong(body)
        if self._wants_pongs and self._handler is not None:
            self._tell(self._handler.on_pong, body)

    def _is_full(self) -> bool:
        return (self._held > HIGH_WATER or self.is_congested) and not self.drops_messages

    def look(self) -> None:
        """Stop reading, or go on, by the room that there is."""
        if self.is_held:
            if not self._resumes and (self.drops_messages or (self._held <= LOW_WATER and not self.is_congested)):
                self._resumes = True
                self.loop.call_soon(self._go_on)
        elif self._is_full():
            self._hold()

    def _hold(self) -> None:
        self.is_held = True
        if not self.is_lost:
            self.transport.pause_reading()

    def _go_on(self) -> None:
        """First what was read before there was no room, then the transport."""
        self._resumes = False
        if not self.is_held:
            return
        self.is_held = False
        if not self.drops_input:
            self._parse()
        if not self.is_held:
            if self.is_lost:
                self._end_of_input()
            else:
                self.transport.resume_reading()

    def _released(self, size: int) -> None:
        """Somebody took messages of so many bytes."""
        self._held -= size
        if self.is_held:
            self.look()

    def _drop_input(self) -> None:
        """Nothing that comes from now on is for anybody, but the end."""
        self.drops_input = True
        if self.is_held:
            self.is_held = False
            if not self.is_lost:
                self.transport.resume_reading()

    # -- receiving

    async def receive(self, websocket: WebSocket) -> Any:
        """The next message. websocket: stays alive as long as somebody waits here.

        Raises: WebSocketClosed, WebSocketError; RuntimeError.
        """
        inbox = self._inbox
        while not inbox:
            if self._handler is not None:
                raise RuntimeError(
                    "this websocket has a handler, which gets the messages; receive() is for one without"
                )
            if self._end is not None:
                raise self.ended()
            if self._receiver is not None:
                raise RuntimeError("somebody waits in receive() already; one at a time may")
            self._receiver = self.loop.create_future()
            try:
                await self._receiver
            finally:
                self._receiver = None
        message = inbox.popleft()
        self._released(len(message) + _ENTRY)
        return message

    # -- the end

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

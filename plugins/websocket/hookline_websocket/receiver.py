"""The receiving side of a websocket: frames become messages, and messages go to the handler or wait for `receive`.

Nothing runs but what the loop calls: reads are parsed and handed on at once. Reading stops while 256 KiB wait for whoever
takes the messages.

Imports wsproto, so nobody imports it before the first websocket.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from wsproto.frame_protocol import ParseFailed

from .assembly import Assembly, TooBig
from .calls import Calls
from .closing import TOO_BIG
from .handler import WS
from .sender import ENTRY, HIGH_WATER, Sender

if TYPE_CHECKING:
    from .errors import WebSocketClosed, WebSocketError
    from .websocket import WebSocket

LOW_WATER = 64 * 1024
FRAMES = 256  # in one turn, 4 KiB being as much as another: a read may hold 32,000, and the loop has others to serve
_DATA, _CLOSE, _PING = 3, 8, 9  # opcodes; below 3 is data


class Receiver(Sender):
    """See the module. `Channel` adds the beginning and the end.

    reads: how many there were. is_held: is reading stopped for lack of room? drops_messages: nobody wants them any more;
    frames are parsed up to the peer's close frame. drops_input: not even that.
    websocket: kept alive where a handler is to be told; otherwise whoever receives has it.
    """

    __slots__ = (
        "_assembly", "_calls", "_end", "_handler", "_held", "_inbox", "_most", "_receiver", "_resumes", "_view",
        "_wants_pings", "_wants_pongs", "drops_input", "drops_messages", "is_held", "reads", "websocket",
    )  # fmt: skip

    def __init__(self, connection: Any, parser: Any, handler: WS | None, most: int) -> None:
        """most: bytes of a message, 0 = any."""
        super().__init__(connection.loop, connection.transport, parser)
        self._view: memoryview = connection.get_buffer(-1)
        self._handler = handler
        self._most = most
        self._assembly = Assembly(most)
        self._inbox: deque[Any] = deque()
        self._held = 0
        self._receiver: asyncio.Future[None] | None = None
        self._end: WebSocketClosed | WebSocketError | None = None
        self._calls = Calls(self.loop, self._released, self._handler_failed, self._idle)
        self._wants_pings = handler is not None and type(handler).on_ping is not WS.on_ping
        self._wants_pongs = handler is not None and type(handler).on_pong is not WS.on_pong
        self.drops_input = self.drops_messages = self.is_held = self._resumes = False
        self.reads = 0
        self.websocket: WebSocket = None  # type: ignore[assignment]  # set before the handler is called

    def _take_close(self, code: int, reason: str | None) -> None:
        """The peer's close frame."""
        raise NotImplementedError

    def break_off(self, error: Exception) -> None:
        """Told that frames can neither be read nor made any more."""
        raise NotImplementedError

    def _end_of_input(self) -> None:
        """Told behind the last message of a connection that is gone."""
        raise NotImplementedError

    def _handler_failed(self, error: BaseException) -> bool:
        """Told what a callback raised. True: the next may be called nevertheless."""
        raise NotImplementedError

    def _idle(self) -> None:
        """Told that nothing of the handler runs or waits."""
        raise NotImplementedError

    @property
    def in_callback(self) -> bool:
        return self._calls.is_busy

    # -- frames

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._view

    def buffer_updated(self, nbytes: int) -> None:
        self._take(bytes(self._view[:nbytes]))

    def _take(self, data: bytes) -> None:
        self.reads += 1
        if not self.drops_input:
            self._parse(data)

    def _parse(self, data: bytes = b"") -> None:
        """Hand on what was read, frame by frame, as long as there is room; the loop has its turn between many."""
        left = FRAMES
        try:
            if data:
                self.parser.receive_bytes(data)
                if self.is_held:
                    return
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
        except Exception as error:  # noqa: BLE001  # of a frame_parser of the user's; no loop knows whom to tell of it
            self.break_off(error)
        self.look()

    def _refuse_message(self) -> None:
        self.fail(TOO_BIG, f"a message of more than max_message_size={self._most} bytes")

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
        self._held += len(message) + ENTRY
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
        size = len(content) + ENTRY
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
        self._released(len(message) + ENTRY)
        return message

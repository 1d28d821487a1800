"""The receiving side of a websocket: the messages that came, for `receive` or for the callbacks of a handler."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from .callback_queue import CallbackQueue
from .limits import HIGH_WATER, LOW_WATER, MESSAGE_OVERHEAD


class Handler(Protocol):
    """The callbacks of a handler; `WS` is their implementation, and documents them."""

    def on_open(self, websocket: Any) -> Any: ...

    def on_message(self, websocket: Any, message: str) -> Any: ...

    def on_bytes(self, websocket: Any, body: bytes) -> Any: ...

    def on_ping(self, websocket: Any, body: bytes) -> Any: ...

    def on_pong(self, websocket: Any, body: bytes) -> Any: ...

    def on_close(self, websocket: Any) -> Any: ...


class Inbox:
    """The messages of one websocket that the user has not taken yet.

    handler: gets the messages; None = `receive` does. websocket: what its callbacks are called with; it is kept alive.
    messages: those that wait for `receive`. on_taken: called when messages were taken. on_error, on_idle: see `CallbackQueue`.
    waiting_size: bytes of the messages that wait. is_congested: a callback wrote more than the peer reads.
    drops_messages: the user wants no more messages; frames are parsed up to the peer's close frame.
    """

    __slots__ = (
        "_loop", "_on_taken", "_waiter", "callbacks", "drops_messages", "handler", "is_congested", "messages",
        "waiting_size", "websocket",
    )  # fmt: skip

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        handler: Handler | None,
        on_taken: Callable[[], object],
        on_error: Callable[[BaseException], bool],
        on_idle: Callable[[], object],
    ) -> None:
        self._loop = loop
        self.handler = handler
        self.websocket: Any = None  # set when there is a handler
        self._on_taken = on_taken
        self.callbacks = CallbackQueue(loop, self._subtract, on_error, on_idle)
        self.messages: deque[Any] = deque()  # for `receive`
        self._waiter: asyncio.Future[None] | None = None  # of the call of `receive` that waits
        self.waiting_size = 0
        self.is_congested = self.drops_messages = False

    def deliver(self, message: Any) -> None:
        """Hand a whole message to the handler, or to `receive`."""
        if self.drops_messages:
            return
        if self.handler is not None:
            self.call(self.handler.on_message if type(message) is str else self.handler.on_bytes, message)
            return
        self.messages.append(message)
        self.waiting_size += len(message) + MESSAGE_OVERHEAD
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def call(self, callback: Callable[..., Any], content: Any) -> None:
        """Call a callback of the handler with a message or the body of a ping or pong, when its turn comes."""
        if self.drops_messages:
            return
        if not self.callbacks.is_busy:
            self.callbacks.run(callback, self.websocket, content)
            return
        size = len(content) + MESSAGE_OVERHEAD
        self.waiting_size += size
        self.callbacks.put(callback, (self.websocket, content), size)

    def take(self) -> Any:
        """Return the oldest message, for `receive`; there must be one."""
        message = self.messages.popleft()
        self._subtract(len(message) + MESSAGE_OVERHEAD)
        return message

    def new_waiter(self) -> asyncio.Future[None]:
        """Return a future that is done when a message comes, or at `wake`; `forget_waiter` must follow.

        Raises: RuntimeError, when another call waits.
        """
        if self._waiter is not None:
            raise RuntimeError("another receive() is waiting already; only one may wait at a time")
        self._waiter = waiter = self._loop.create_future()
        return waiter

    def forget_waiter(self) -> None:
        self._waiter = None

    def wake(self) -> None:
        """Let the call of `receive` that waits go on: no more messages will come."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def is_unanswered(self) -> bool:
        """Say whether the user has not taken, or not finished with, messages that he wants."""
        return (bool(self.messages) or self.callbacks.is_busy) and not self.drops_messages

    # -- how much waits

    def is_full(self) -> bool:
        """Say whether so much waits that reading is to be paused."""
        return (self.waiting_size > HIGH_WATER or self.is_congested) and not self.drops_messages

    def has_room(self) -> bool:
        """Say whether so little waits that reading may be resumed."""
        return self.drops_messages or (self.waiting_size <= LOW_WATER and not self.is_congested)

    def _subtract(self, size: int) -> None:
        self.waiting_size -= size
        self._on_taken()

"""When each step of an exchange was over: `response.timings`, for those who ask with timings=True."""

from __future__ import annotations

from time import monotonic
from typing import Any

from ..http1.connection import Connection, DataListener

STEPS = ("queued", "dns", "connect", "tls", "sent", "first_byte", "done")


class Timings:
    """Seconds from the beginning of an exchange to the end of each step, like those of curl; None for one not taken.

    queued: there was a connection, or the right to open one. dns: the host's addresses were there. connect: TCP was
    connected, or a route of another kind opened. tls: the handshake was over. These three only where this exchange
    opened its connection. sent: all of the request was written. first_byte: of the response, interim ones included.
    done: the exchange was over, its body read or not; None until then.
    """

    __slots__ = ("_began", "connect", "dns", "done", "first_byte", "queued", "sent", "tls")

    def __init__(self) -> None:
        self._began = monotonic()
        self._forget()
        self.done: float | None = None

    def _forget(self) -> None:
        self.queued: float | None = None
        self.dns: float | None = None
        self.connect: float | None = None
        self.tls: float | None = None
        self.sent: float | None = None
        self.first_byte: float | None = None

    def mark(self, step: str) -> None:
        """This step is over now."""
        setattr(self, step, monotonic() - self._began)

    def stand_in_line(self) -> None:
        """No idle connection was there; or one was, and died: then it all begins anew."""
        self._forget()

    def took(self, connection: Connection) -> None:
        """The connection is here, and the request goes out."""
        if self.queued is None:
            self.mark("queued")
        if not connection.reused and connection.opening_times is not None:
            self.dns, self.connect, self.tls = (
                None if moment is None else moment - self._began for moment in connection.opening_times
            )
        self.mark("sent")

    def __getstate__(self) -> tuple[None, dict[str, Any]]:
        return None, {name: getattr(self, name) for name in self.__slots__}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Timings) and all(getattr(self, step) == getattr(other, step) for step in STEPS)

    __hash__ = None  # type: ignore[assignment]  # it changes while its exchange goes on

    def __repr__(self) -> str:
        given = ((step, getattr(self, step)) for step in STEPS)
        return f"Timings({', '.join(f'{step}={seconds:.6f}' for step, seconds in given if seconds is not None)})"


class FirstByte:
    """A tap that tells when the first byte came, and then makes room for the tap that was there before it."""

    __slots__ = ("_connection", "_next", "_timings")

    def __init__(self, timings: Timings, connection: Connection, following: DataListener | None) -> None:
        self._timings = timings
        self._connection = connection
        self._next = following

    def received(self, data: bytes) -> None:
        self._timings.mark("first_byte")
        self._connection.data_listener = self._next
        if self._next is not None:
            self._next.received(data)

    def processed(self, data: bytes) -> None:
        """Never called: the first read that is received takes it away."""

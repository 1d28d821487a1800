"""When each step of an exchange was over: `response.timings`, with the option timings=True."""

# Without `from __future__ import annotations`, with which NamedTuple would compile the text of each one: 0.1 ms a class.

from time import monotonic
from typing import Any, NamedTuple

from ..wire.carrier import Carrier, DataListener

STEPS = ("queued", "dns", "connect", "tls", "sent", "first_byte", "done")


class Phase(NamedTuple):
    """One phase of an exchange: what was waited for. begin, end: seconds from the beginning of the exchange.

    name: "queue" (for a connection), "dns", "connect" (TCP, a unix socket), "tls", "send", "wait" (for the first byte) or "body".
    A phase may occur more than once: behind a proxy, or if the request was sent again. failed: it ended with an error.
    """

    name: str
    begin: float
    end: float
    failed: bool = False


class Timings:
    """Seconds from the beginning of an exchange to the end of each step, as in curl; None for a step that was not needed.

    queued: there was a connection, or permission to open one.
    dns: the addresses of the host were known.
    connect: TCP, or a route of another kind, was connected.
    tls: the TLS handshake was over. dns, connect and tls are None if the exchange reused a connection.
    sent: the whole request was written.
    first_byte: the first byte of the response came, interim responses included.
    done: the exchange was over, with its body read or not; None until then.
    resends: how often the request was sent again, because the server had not processed it.
    phases: each `Phase` with its beginning and its end, in order, also those that failed.

    Example::

        from hookline import HttpClient, Timings

        with HttpClient(timings=True) as client:
            timings: Timings = client.get("http://127.0.0.1:8000/").timings
            print(f"waited {timings.first_byte - timings.sent:.3f} s for the first byte")
    """

    __slots__ = (
        "_began",
        "_sending",
        "_sent_at",
        "connect",
        "dns",
        "done",
        "first_byte",
        "phases",
        "queued",
        "resends",
        "sent",
        "tls",
    )

    def __init__(self, began: float) -> None:
        """began: when the exchange did, by `time.monotonic`."""
        self._began = began
        self._sent_at: float | None = None  # the sending whose moments were taken last
        self.done: float | None = None
        self.phases: list[Phase] = []
        self.resends = 0
        self._begin_anew()

    def _begin_anew(self) -> None:
        """Forget all steps: none was taken, no connection was idle, or the idle one died and the exchange begins anew."""
        self.queued: float | None = None
        self.dns: float | None = None
        self.connect: float | None = None
        self.tls: float | None = None
        self.sent: float | None = None
        self.first_byte: float | None = None
        self._sending: float | None = None  # when the request began to be sent

    def _mark(self, step: str) -> None:
        """Record that a step is over now."""
        setattr(self, step, monotonic() - self._began)

    def _record_phase(self, name: str, begin: float, end: float, failed: bool) -> None:
        """Record a phase of opening a connection. begin, end: by `time.monotonic`."""
        self.phases.append(Phase(name, begin - self._began, end - self._began, failed))
        if not failed and name in ("dns", "connect", "tls"):
            setattr(self, name, end - self._began)

    def _begin_sending(self) -> None:
        """Record that there is a connection, and that the request is sent; the end of a longer upload is recorded later."""
        if self.queued is None:
            self._mark("queued")
        self._mark("_sending")
        self._mark("sent")

    def _take_moments(self, sent_at: float | None, head_at: float | None) -> None:
        """Record when the request was sent and when the final head came, as the exchange keeps them on the fast path.

        sent_at, head_at: by `time.monotonic`; None = it was not, and it did not. Moments of this sending that are recorded
        already stay.
        """
        if sent_at is None or sent_at == self._sent_at or self._sending is not None:
            return
        self._sent_at, self._sending = sent_at, sent_at - self._began
        if self.queued is None:
            self.queued = self._sending
        if self.sent is None or self.sent < self._sending:
            self.sent = self._sending
        if self.first_byte is None or self.first_byte < self._sending:
            self.first_byte = None if head_at is None or head_at < sent_at else head_at - self._began

    def _end(self, *, failed: bool) -> None:
        """Record the phases of what was sent, which is over now. failed: with an error."""
        now = monotonic() - self._began
        if self._sending is not None:
            moments = [("send", self._sending), ("wait", self.sent), ("body", self.first_byte)]
            begun = [(name, moment) for name, moment in moments if moment is not None]
            ends = [*(moment for _, moment in begun[1:]), now]
            last = len(begun) - 1
            self.phases += [
                Phase(name, begin, end, failed and at == last)
                for at, ((name, begin), end) in enumerate(zip(begun, ends, strict=True))
            ]
            self._sending = None

    def __getstate__(self) -> tuple[None, dict[str, Any]]:
        return None, {name: getattr(self, name) for name in self.__slots__}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Timings) and all(getattr(self, step) == getattr(other, step) for step in STEPS)

    __hash__ = None  # type: ignore[assignment]  # its values change during the exchange

    def __repr__(self) -> str:
        given = ((step, getattr(self, step)) for step in STEPS)
        return f"Timings({', '.join(f'{step}={seconds:.6f}' for step, seconds in given if seconds is not None)})"


class FirstByteListener:
    """A data listener that records the first byte of a response, then gives its place back to the listener before it."""

    __slots__ = ("_connection", "_next", "_timings")

    def __init__(self, timings: Timings, connection: Carrier, following: DataListener | None) -> None:
        self._timings = timings
        self._connection = connection
        self._next = following

    def head_received(self) -> None:
        self._timings._mark("first_byte")
        self._connection.data_listener = self._next

    def received(self, data: bytes) -> None:
        self.head_received()
        if self._next is not None:
            self._next.received(data)

    def processed(self, data: bytes) -> None:
        """Never called: the listener is gone after its first `received`."""

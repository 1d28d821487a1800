"""The spans of a call and of its exchanges: what they record, and when they end.

A call has a span of its own, of the kind INTERNAL. Below it each exchange has one of the kind CLIENT, with a link to the
exchange that caused it. Neither is made the current span of a task: a stream or a websocket may end in another task, or none.
"""

from __future__ import annotations

import os
from time import monotonic_ns, time_ns
from typing import Any
from weakref import ref

from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode, Tracer, set_span_in_context

from hookline import HttpRequest, HttpResponse, StreamAbandoned

from .names import (
    CAUSE,
    ERROR_TYPE,
    FAILED,
    HTTP_REQUEST_RESEND_COUNT,
    SECONDS,
    WAS_SENT,
)
from .target import Attributes, Peer, Target

VERSIONS = {"HTTP/1.1": "1.1", "HTTP/2": "2", "HTTP/1.0": "1.0", "HTTP/3": "3"}
WAIT = 100_000  # ns between the begin of an exchange and its sending that are looked at: no wait is as short
LONG_BODY = 16 * 1024  # bytes of a body that may take more than one write
EVENTS = {"queue": "queued", "dns": "dns", "connect": "connect", "tls": "tls"}  # by phase, in the words of `Timings`


_process = object()  # stands for this process: a forked child must not end the spans of its parent


def _forget_parent() -> None:
    global _process
    _process = object()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_forget_parent)


class Call:
    """A call of the user, or what a plugin sends by itself.

    span, context: its span, and the context that has it. resends: how often a request of it was sent again.
    """

    __slots__ = ("_process", "context", "is_over", "resends", "span")

    def __init__(self, tracer: Tracer, target: Target, context: Context, now: int) -> None:
        self.is_over = True  # until there is a span
        self._process = _process
        self.span: Span = tracer.start_span(
            target.call_name, context, SpanKind.INTERNAL, target.call_attributes, start_time=now
        )
        self.context = set_span_in_context(self.span, context)
        self.resends = 0
        self.is_over = not self.span.is_recording()

    def end(self, exc: BaseException | None, now: int | None = None) -> None:
        """End the span, unless it has ended. exc: what the caller gets, None = a response. now: ns since the epoch."""
        if self.is_over or self._process is not _process:
            return
        self.is_over = True
        span = self.span
        if exc is not None and not isinstance(exc, StreamAbandoned):
            span.set_attribute(ERROR_TYPE, type(exc).__qualname__)
            span.set_status(Status(StatusCode.ERROR, str(exc)))
        if self.resends:
            span.set_attribute(HTTP_REQUEST_RESEND_COUNT, self.resends)
        span.end(now)

    def __del__(self) -> None:
        if not self.is_over:
            self.end(None)  # what the caller got is unknown, as after a call that ended within a plugin


class Exchange:
    """An exchange, from pre_request to the end of its response.

    request, call, target: its own. context: the one that has its span; the request carries it.
    sent_at: when the request was sent, by `monotonic_ns`. 0 = it was not. resent_at: when it was sent again by core.
    peer: the address that it was sent to; None = it is not known. is_new: was it sent on a new connection?
    upgraded: refers to its connection, if that is no longer HTTP. None = it is.
    is_side: was it sent for the sake of another exchange, with which the call goes on?
    is_recorded: does its span record something? is_over: was it recorded, or is there nothing to record?
    """

    __slots__ = (
        "_began", "_epoch", "_has_span_ended", "_process", "call", "context", "is_new", "is_over", "is_recorded", "is_side",
        "peer", "request", "resent_at", "sent_at", "span", "target", "upgraded",
    )  # fmt: skip

    def __init__(
        self, tracer: Tracer, request: HttpRequest, target: Target, earlier: Exchange | None, context: Context
    ) -> None:
        """Start the span, and that of the call, unless it was started before.

        earlier: the exchange that this one follows, or for whose sake it is sent; None = it is the first of its call.
        """
        self._has_span_ended = True  # until there is one
        self._process = _process
        self._began = monotonic_ns()
        now = time_ns()
        self._epoch = now - self._began  # ns, to be added to what `monotonic_ns` says
        self.request = request
        self.target = target
        attributes, links = target.attributes, None
        self.is_side = False
        if earlier is None:
            self.call = Call(tracer, target, context, now)
        else:
            self.call = earlier.call
            self.is_side = earlier.is_side or not request.history
            attributes = {**attributes, CAUSE: request.cause}
            links = [Link(earlier.span.get_span_context(), {CAUSE: request.cause})]
            if not self.is_side:
                self.call.resends += 1
                attributes[HTTP_REQUEST_RESEND_COUNT] = self.call.resends
        self.span: Span = tracer.start_span(target.name, self.call.context, SpanKind.CLIENT, attributes, links, now)
        self.context = set_span_in_context(self.span, self.call.context)
        self.sent_at = 0
        self.resent_at: tuple[int, ...] = ()
        self.peer: Peer | None = None
        self.upgraded: ref[Any] | None = None
        self.is_new = self.is_over = False
        self.is_recorded = self.span.is_recording()
        self._has_span_ended = not self.is_recorded

    def sent(self, peer: Peer | None, *, is_new: bool) -> None:
        """Note that the request has got a connection, and is sent now; not for the first time if core sends it again."""
        now = monotonic_ns()
        if self.sent_at:
            self.resent_at += (now,)
            if not self.is_side:
                self.call.resends += 1
        self.sent_at = now
        self.peer = peer
        self.is_new |= is_new

    @property
    def is_upgraded(self) -> bool:
        """True while its connection is open, and no longer HTTP."""
        connection = None if self.upgraded is None else self.upgraded()
        return connection is not None and bool(connection.alive)

    def seconds(self) -> float:
        """The seconds since the exchange began."""
        return (monotonic_ns() - self._began) / 1e9

    def record(self, response: HttpResponse[Any, Any], exc: BaseException | None, error: str) -> None:
        """Record on the span how the exchange went. error: as `error_of` returns it."""
        span = self.span
        span.set_attributes(
            self.target.outcome(response.status_code, VERSIONS.get(response.version, ""), error, self.peer)
        )
        self._add_events(response, failed=exc is not None)
        if self.resent_at:
            span.set_attribute(HTTP_REQUEST_RESEND_COUNT, self.call.resends or len(self.resent_at))
        if exc is None and not self.sent_at and response.is_built:
            span.set_attribute(WAS_SENT, False)
        if error:
            span.set_status(Status(StatusCode.ERROR, None if exc is None else str(exc)))
            if exc is not None:
                span.record_exception(exc)

    def _add_events(self, response: HttpResponse[Any, Any], *, failed: bool) -> None:
        """Add an event for the end of each phase."""
        body = self.request.body
        add = self.span.add_event
        if (
            failed
            or self.is_new
            or self.sent_at - self._began > WAIT
            or self.request.gate is not None
            or (body is not None and (body.__class__ is not bytes or len(body) > LONG_BODY))
        ):
            for moment, name, attributes in self._moments(response):
                add(name, attributes, moment)
        elif self.sent_at:
            sent_at = self.sent_at + self._epoch
            add("sent", None, sent_at)
            elapsed = response.elapsed
            add("first_byte", None, sent_at + (elapsed.seconds * 1_000_000 + elapsed.microseconds) * 1000)

    def _moments(self, response: HttpResponse[Any, Any]) -> list[tuple[int, str, Attributes | None]]:
        """Return the moments of an exchange that took longer: ns since the epoch, name and attributes, in their order."""
        timings = response.timings
        moments: list[tuple[int, str, Attributes | None]] = [
            (at + self._epoch, "resend", None) for at in self.resent_at
        ]
        if timings is not None:
            began = self._began + self._epoch
            for phase in timings.phases:
                if phase.name in EVENTS and (phase.name != "queue" or phase.failed):
                    attributes: Attributes = {SECONDS: phase.end - phase.begin}
                    if phase.failed:
                        attributes[FAILED] = True
                    moments.append((began + int(phase.end * 1e9), EVENTS[phase.name], attributes))
            for step in ("queued", "sent", "first_byte"):
                seconds = getattr(timings, step)
                if seconds is not None:
                    moment = began + int(seconds * 1e9)
                    if step == "sent" and self.resent_at:
                        moment = max(moment, self.resent_at[-1] + self._epoch)
                    moments.append((moment, step, None))
        return sorted(moments, key=lambda moment: moment[0])

    def end_span(self) -> None:
        """End the span, unless it has ended."""
        if not self._has_span_ended and self._process is _process:
            self._has_span_ended = True
            self.span.end(self.now())

    def now(self) -> int:
        """The time as the span measures it: ns since the epoch, and not disturbed if the clock is set meanwhile."""
        return monotonic_ns() + self._epoch

    def __del__(self) -> None:
        if not self._has_span_ended:
            self.end_span()  # its connection is gone, and no one has said so


def error_of(response: HttpResponse[Any, Any], exc: BaseException | None) -> str:
    """Return the `error.type` of an exchange; "" = none. A stream that its reader closes early is no error."""
    if exc is not None:
        return "" if isinstance(exc, StreamAbandoned) else type(exc).__qualname__
    return str(response.status_code) if response.status_code >= 400 else ""

"""Who listens to one exchange: the plugins of its plan, the handlers of its call, and those bound to it alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from ..hooks.data_listeners import Listeners
from ..hooks.dispatch_table import After, extended
from ..hooks.markers import DATA_EVENTS
from ..network.timings import FirstByte, Timings
from .clock import Clocked

if TYPE_CHECKING:
    from ..hooks.dispatch_table import Plan
    from ..hooks.handlers import ResponseEvent
    from ..hooks.implementation import Implementation
    from ..hooks.stage import Stage
    from ..http1.inflow import Tap
    from ..http1.parser import ResponseHead
    from .response import HttpResponse

NEW, SENT, HEAD, FINISHED = range(4)
_STEP_OF = {"pre_request": NEW, "on_headers": HEAD, "post_request": FINISHED}


class Audience(Clocked):
    """See the module.

    is_plain: do nobody but plugins and the client's handlers listen, and to no data? after: who runs behind its head.
    step: how far the exchange is, NEW to FINISHED. head: of the response; of an interim one while that is shown.
    """

    __slots__ = ("after", "head", "is_plain", "plan", "step")
    timings: Timings | None = None
    _events: dict[str, ResponseEvent] | None = None

    plan: Plan
    after: After
    head: ResponseHead | None
    is_plain: bool
    step: int

    @property
    def as_response(self) -> HttpResponse:
        """Itself: each of these is a response."""
        return cast("HttpResponse", self)

    def stage(self, event: str) -> Stage | None:
        """Who runs at a one-time event now; those who wait for it are told."""
        found = (
            self.plan.pre if event == "pre_request" else self.after.head if event == "on_headers" else self.after.done
        )
        if self.is_plain:
            return found
        if self.request.timings:
            self._note(event)
        if self._events is not None and event in self._events:
            self._events[event].release()
        return extended(found, event, self._handlers(event))

    def _note(self, event: str) -> None:
        if event == "pre_request":
            self.timings = Timings()
        elif event == "post_request" and self.timings is not None:
            self.timings.mark("done")

    def _handlers(self, event: str) -> tuple[Implementation, ...]:
        """The handlers of this call, then those of this exchange."""
        call = self.request.call
        own = call.handlers.get(event, ()) if call is not None else ()
        if self._events is not None and event in self._events:
            return (*own, *self._events[event].implementations)
        return own

    def has_fired(self, event: str) -> bool:
        if event in _STEP_OF:
            return self.step >= _STEP_OF[event]
        if event == "data_processed":
            return self.step == FINISHED or self.was_handed_out
        return self.head is not None  # bytes were received: the head at the latest

    def _tap(self) -> Tap | None:
        request = self.request
        if request.call is not None and request.call.on_upload is not None and request.gate is None:
            request.hold_body().open()  # sent piece by piece, which is the way that tells how far it is
        received = (*self.plan.data_received, *self._handlers("data_received"))
        processed = (*self.plan.data_processed, *self._handlers("data_processed"))
        awaited = self._events is not None and any(event in self._events for event in DATA_EVENTS)
        tap = Listeners(self, received, processed) if received or processed or awaited else None
        if self.timings is not None and self.timings.first_byte is None and self.connection is not None:
            return FirstByte(self.timings, self.connection, tap)
        return tap

    def listen(self) -> None:
        """A data handler was bound, or went, while the bytes may be under way already: the next read goes by who is there now."""
        connection = self.connection
        if connection is not None and self.step in (SENT, HEAD) and not connection.complete:
            if connection.tap is not None:
                connection.tap = self._tap() or connection.tap
            elif connection.head:
                connection.tap = self._tap()

    def told(self, event: str) -> None:
        """A data event was fired: those who wait for it are told."""
        if self._events is not None and event in self._events:
            self._events[event].release()

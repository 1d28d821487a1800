"""The admission of one request: what it has taken of the limits, until the exchange is over."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol
from weakref import ref

from hookline import HttpRequest


class Limits(Protocol):
    """Where an admission gives back what it has taken."""

    def leave(self, admission: Admission, is_unused: bool) -> None:
        """Give back the slot, and what counts for the rate if no request was sent and nobody was admitted since.

        The lease is to be set to None, or its callback is called when the admission ends.
        """

    def hold(self, admission: Admission, seconds: float) -> None:
        """Admit nobody with this key for some seconds."""


class Admission:
    """What one request has taken. `leave` gives it back.

    state: the limits of its key, which only `limits` knows. before, after: what the rate stood at, as `limits` counts it.
    throttled: the seconds that it has waited. throttle: the Throttle. lease: that of a `Slot`; None = it has none.
    connection: refers to the connection, if it is no longer HTTP and has the slot until it is closed. None = it is HTTP.
    """

    has_slot = False
    is_open = True
    throttled = 0.0
    throttle: Any = None
    lease: ref[Any] | None = None
    connection: ref[Any] | None = None

    def __init__(self, limits: Limits, state: Any, before: Any, after: Any) -> None:
        self.limits = limits
        self.state = state
        self.before = before
        self.after = after

    def leave(self, is_unused: bool = False) -> None:
        """Give back the slot; is_unused: and the rest too, because no request was sent. A second call does nothing."""
        if self.is_open:
            self.is_open = False
            if self.has_slot or is_unused:
                self.limits.leave(self, is_unused)


class Slot(Admission):
    """An admission that counts as under way. The limits know it by its lease.

    request: the request. lease: a weak reference to this object, with a callback: so an exchange that ends without a call of
    `leave` gives the slot back too. (A `__del__` takes 1 us.)
    """

    has_slot = True

    def __init__(  # does not call that of its base, which would take 0.3 us
        self, limits: Limits, state: Any, before: Any, after: Any, request: HttpRequest, on_end: Callable[[Any], object]
    ) -> None:
        self.limits = limits
        self.state = state
        self.before = before
        self.after = after
        self.request = request
        self.lease: ref[Slot] | None = ref(self, on_end)


def has_ancestor(request: HttpRequest, leases: Iterable[ref[Slot]]) -> bool:
    """Say whether one of the requests for whose sake this one is sent has one of the slots."""
    holders = {id(slot.request) for lease in leases if (slot := lease()) is not None}
    ancestor = request.parent
    while ancestor is not None:
        if id(ancestor) in holders:
            return True
        ancestor = ancestor.parent
    return False

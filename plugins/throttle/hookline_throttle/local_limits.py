"""The limits of one Throttle in one process: who may send now, who waits, and who is next.

The rate is counted by the generic cell rate algorithm (GCRA, ITU-T I.371): each key has the theoretical arrival time of its next
request. A request that comes earlier by no more than (burst - 1) intervals is admitted, and moves that time by one interval. So
nothing is stored of past requests, and no timer refills anything.

Who cannot be admitted waits in the queue of the key: first come, first served. One timer for each key wakes the first, so that
a thousand waiters cost one timer, and nobody wakes in vain.

One lock protects everything, since the clients of several threads may share a Throttle. Nothing is awaited under it.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import threading
import weakref
from collections import OrderedDict, deque
from collections.abc import Awaitable, Hashable
from time import monotonic
from typing import Any

from hookline import HttpRequest

from .admission import Admission, Slot, has_ancestor

SWEPT = 3  # keys that are looked at when one is added: more than one, so that idle keys do not pile up


class Waiter:
    """A request that waits. admission: what it was given; None = nothing yet."""

    __slots__ = ("admission", "borrows", "loop", "request", "thread", "turn")

    def __init__(self, request: HttpRequest, borrows: bool) -> None:
        self.request = request
        self.loop = asyncio.get_running_loop()
        self.thread = threading.get_ident()
        self.turn: asyncio.Future[None] = self.loop.create_future()
        self.borrows = borrows
        self.admission: Admission | None = None

    def wake(self) -> None:
        """Wake the request, from the thread of any loop."""
        if self.thread == threading.get_ident():
            self._set_turn()
        else:
            self.loop.call_soon_threadsafe(self._set_turn)

    def _set_turn(self) -> None:
        if not self.turn.done():
            self.turn.set_result(None)


class Alarm:
    """The timer of a key. due: when it rings, as `time.monotonic` says."""

    __slots__ = ("due", "handle", "loop")

    def __init__(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        self.loop, self.due = loop, due
        self.handle: asyncio.TimerHandle | None = None


class Key:
    """What is counted for one key.

    name: the key. arrival: the theoretical arrival time of the next request. held_until: until then the server wants no
    request. Both are as `time.monotonic` says. under_way: the leases of the slots. ended: those of them that nobody gave back.
    waiters: those that wait, the first first.
    """

    __slots__ = ("alarm", "arrival", "ended", "held_until", "limits", "name", "under_way", "waiters")

    def __init__(self, limits: LocalLimits, name: Hashable) -> None:
        self.limits, self.name = limits, name
        self.arrival = self.held_until = 0.0
        self.under_way: set[weakref.ref[Slot]] = set()
        self.ended: deque[weakref.ref[Slot]] = deque()
        self.waiters: OrderedDict[Waiter, None] = OrderedDict()
        self.alarm: Alarm | None = None

    def note_end(self, lease: weakref.ref[Slot]) -> None:
        """Note that a slot has ended that nobody gave back.

        The garbage collector may call this anywhere, also under the lock: the rest is left to a loop.
        """
        if lease not in self.under_way:
            return
        self.ended.append(lease)
        with contextlib.suppress(RuntimeError):  # its loop is closed
            for waiter in list(self.waiters)[:1]:
                waiter.loop.call_soon_threadsafe(self.limits.take_back, self)

    def is_idle(self, now: float) -> bool:
        """Say whether a new object would say the same."""
        return not self.waiters and not self.under_way and self.arrival <= now and self.held_until <= now


class LocalLimits:
    """The limits of one Throttle.

    interval: seconds between two requests with the same key; 0 = any rate. burst: how many may come at once. concurrency: how
    many may be under way; None = any number.
    """

    def __init__(self, interval: float, burst: int, concurrency: int | None) -> None:
        self._interval, self._tolerance = interval, interval * (burst - 1)
        self._concurrency: float = math.inf if concurrency is None else concurrency
        self._counts_slots = concurrency is not None
        self._keys: OrderedDict[Hashable, Key] = OrderedDict()
        self.forget_all()
        _all.add(self)

    def forget_all(self) -> None:
        """Begin anew, as in a forked process: those that wait and are under way are the parent's."""
        self._lock = threading.Lock()
        for key in self._keys.values():
            key.waiters.clear()
        self._keys = OrderedDict()

    # -- before a request

    def enter(self, request: HttpRequest, key: Hashable) -> Admission | Awaitable[Admission]:
        """Admit a request, or return what waits for it.

        If a request for whose sake this one is sent has a slot of the same key, it lends it, or both would wait for each other.
        """
        now = monotonic()
        with self._lock:
            found = self._keys.get(key) or self._add(key, now)
            if (  # the usual case, without calls: 0.3 us less
                request.parent is None
                and not found.waiters
                and found.arrival - self._tolerance <= now >= found.held_until
                and len(found.under_way) < self._concurrency
            ):
                return self._admit(found, request, False, now)
            borrows = request.parent is not None and has_ancestor(request, found.under_way)
            if (not found.waiters or borrows) and self._due(found, borrows) <= now:
                return self._admit(found, request, borrows, now)
        return self._wait(request, found, borrows, now)

    async def _wait(self, request: HttpRequest, key: Key, borrows: bool, since: float) -> Admission:
        """Wait for the turn of a request.

        Raises: ClientClosed; CancelledError, at the deadline of the call too.
        """
        waiter = Waiter(request, borrows)
        try:
            with self._lock:
                key.waiters[waiter] = None
                if borrows:
                    key.waiters.move_to_end(waiter, last=False)
                self._serve(key, since)
            await request.client.until_closed(waiter.turn)
            admission = waiter.admission
            assert admission is not None
        except BaseException:
            with self._lock:
                key.waiters.pop(waiter, None)
                self._serve(key, monotonic())
            if waiter.admission is not None:
                waiter.admission.leave(True)
            raise
        admission.throttled = monotonic() - since
        return admission

    # -- after it

    def leave(self, admission: Admission, is_unused: bool) -> None:
        key: Key = admission.state
        with self._lock:
            if admission.lease is not None:
                key.under_way.discard(admission.lease)
                admission.lease = None  # so that its callback is not called
            if is_unused and key.arrival == admission.after:
                key.arrival = admission.before  # nobody was admitted since: the rate stands as if this one had not come
            if key.waiters:
                self._serve(key, monotonic())

    def hold(self, admission: Admission, seconds: float) -> None:
        now = monotonic()
        with self._lock:
            name = admission.state.name  # the key may have been idle, and forgotten
            key = self._keys.get(name) or self._add(name, now)
            key.held_until = max(key.held_until, now + seconds)

    def take_back(self, key: Key) -> None:
        """Free the slots that nobody gave back, and admit those that wait for them."""
        with self._lock:
            self._serve(key, monotonic())

    # -- under the lock

    def _add(self, key: Hashable, now: float) -> Key:
        """Add a key, and forget those that are idle among the ones that were not looked at for the longest time."""
        for _ in range(min(SWEPT, len(self._keys))):
            oldest, state = self._keys.popitem(last=False)
            if not state.is_idle(now):
                self._keys[oldest] = state
        found = self._keys[key] = Key(self, key)
        return found

    def _due(self, key: Key, borrows: bool) -> float:
        """Return when the next request may be sent; infinity = when another one is over."""
        if len(key.under_way) >= self._concurrency and not borrows:
            while key.ended:
                key.under_way.discard(key.ended.popleft())
            if len(key.under_way) >= self._concurrency:
                return math.inf
        due = key.arrival - self._tolerance
        return due if due > key.held_until else key.held_until

    def _admit(self, key: Key, request: HttpRequest, borrows: bool, now: float) -> Admission:
        before = key.arrival
        if self._interval:
            key.arrival = (before if before > now else now) + self._interval
        if borrows or not self._counts_slots:
            return Admission(self, key, before, key.arrival)
        slot = Slot(self, key, before, key.arrival, request, key.note_end)
        key.under_way.add(slot.lease)  # type: ignore[arg-type]  # it has one from the start
        return slot

    def _serve(self, key: Key, now: float) -> None:
        """Admit those that wait and may be sent; set the timer for the next one."""
        while key.waiters:
            waiter = next(iter(key.waiters))
            if waiter.loop.is_closed():
                del key.waiters[waiter]
                continue
            due = self._due(key, waiter.borrows)
            admission = None
            try:
                if due == math.inf:
                    return
                if due > now:
                    self._set_alarm(key, waiter, due, now)
                    return
                del key.waiters[waiter]
                waiter.admission = admission = self._admit(key, waiter.request, waiter.borrows, now)
                waiter.wake()
            except RuntimeError:  # its loop was closed at this moment
                key.waiters.pop(waiter, None)
                if admission is not None and admission.lease is not None:
                    key.under_way.discard(admission.lease)
                    admission.is_open, admission.lease = False, None

    def _set_alarm(self, key: Key, waiter: Waiter, due: float, now: float) -> None:
        """Have the timer of a key ring when its first waiter is due. It may ring earlier; then it is set once more."""
        alarm = key.alarm
        if alarm is not None and alarm.loop is waiter.loop:
            if alarm.due <= due:
                return
            if alarm.handle is not None and waiter.thread == threading.get_ident():
                alarm.handle.cancel()
        key.alarm = alarm = Alarm(waiter.loop, due)
        if waiter.thread == threading.get_ident():
            alarm.handle = waiter.loop.call_later(due - now, self._ring, key, alarm)
        else:
            waiter.loop.call_soon_threadsafe(waiter.loop.call_later, due - now, self._ring, key, alarm)

    def _ring(self, key: Key, alarm: Alarm) -> None:
        with self._lock:
            if key.alarm is alarm:
                key.alarm = None
                self._serve(key, monotonic())

    def __reduce__(self) -> Any:
        raise TypeError("the limits of a Throttle cannot be copied; copy the Throttle")


_all: weakref.WeakSet[LocalLimits] = weakref.WeakSet()


def _forget_after_fork() -> None:
    for limits in _all:
        limits.forget_all()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_after_fork)

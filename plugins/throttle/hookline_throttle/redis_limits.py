"""Limits that several processes share, counted in Redis."""

from __future__ import annotations

import asyncio
import hashlib
import math
from collections.abc import Hashable
from functools import partial
from time import monotonic
from typing import Any

from hookline import HttpRequest, HttpRequestException

from .admission import Admission, Slot, has_ancestor
from .redis_link import RedisLink

MAX_NAMES = 4096  # of keys, whose digests are remembered


class ThrottleUnavailable(HttpRequestException):
    """The Redis that counts for a throttle does not answer, and requests are not to be sent without it.

    Example::

        from hookline import HttpClient, RedisLimits, Throttle, ThrottleUnavailable

        limits = RedisLimits("redis://127.0.0.1:1/0")  # where no Redis is
        async with HttpClient(throttle=Throttle("10/s", shared=limits)) as client:
            try:
                await client.get("http://127.0.0.1:8000/")
            except ThrottleUnavailable as error:
                print(error)
    """


class RedisLimits:
    """Counts the requests of several processes in Redis: `Throttle("10/s", shared=RedisLimits("redis://127.0.0.1:6379/0"))`.

    It needs the package redis: `pip install 'hookline-throttle[redis]'`. Throttles with the same Redis and prefix count
    together, so give them the same rate, burst and concurrency.

    url: of the server, as `redis.asyncio.from_url` takes it. prefix: of all keys. lease: the seconds after which the slots of a
    process that was killed are free again; they are renewed as long as it runs. on_failure: "closed" = if Redis does not
    answer, requests end with ThrottleUnavailable; "open" = they are sent without limits.

    Raises: ImportError, without that package; ValueError; TypeError.

    Example: docs/throttle.md#threads-loops-and-processes
    """

    def __init__(self, url: str, *, prefix: str = "hookline", lease: float = 10.0, on_failure: str = "closed") -> None:
        try:
            import redis.asyncio as redis
        except ImportError as error:
            raise ImportError("RedisLimits needs the package redis: pip install 'hookline-throttle[redis]'") from error
        if on_failure not in ("closed", "open"):
            raise ValueError(f"on_failure= takes 'closed' or 'open', not {on_failure!r}")
        if isinstance(lease, bool) or not isinstance(lease, (int, float)):
            raise TypeError(f"lease= takes seconds, not {type(lease).__name__}")
        if not 0.5 <= lease <= 3600:
            raise ValueError(f"lease= takes seconds from 0.5 to 3600, not {lease}")
        redis.ConnectionPool.from_url(url)  # raises ValueError for a URL that is none
        self._redis: Any = redis
        self._url, self.prefix, self.lease, self.on_failure = url, prefix, lease, on_failure

    def limits_of(self, interval: float, burst: int, concurrency: int | None) -> SharedLimits:
        """Return the limits of one Throttle.

        Example::

            from hookline_throttle import RedisLimits

            limits = RedisLimits("redis://127.0.0.1:6379/0")
            shared = limits.limits_of(interval=0.1, burst=1, concurrency=None)
            redis = limits.open()  # for one event loop; the plugin closes it with the loop
            await redis.close()
        """
        return SharedLimits(self, interval, burst, concurrency)

    def open(self) -> RedisLink:
        """Return the connections for the running event loop, which open when they are used."""
        return RedisLink(self._redis, self._url, self.lease)

    def __reduce__(self) -> Any:
        raise TypeError("a RedisLimits cannot be copied or pickled; make one for the same url")

    def __repr__(self) -> str:
        return f"<RedisLimits {self.prefix!r}>"  # the url may hold a password


class SharedLimits:
    """The limits of one Throttle, counted in Redis.

    interval: seconds between two requests with the same key; 0 = any rate. burst: how many may come at once. concurrency: how
    many may be under way; None = any number.
    """

    def __init__(self, shared: RedisLimits, interval: float, burst: int, concurrency: int | None) -> None:
        self._shared = shared
        interval_us = math.ceil(interval * 1e6)
        lease_us = round(shared.lease * 1e6)
        self._settings = (
            f"{interval_us} {interval_us * (burst - 1)} {concurrency or 0} {lease_us}"  # as the script takes them
        )
        self._has_slots = concurrency is not None
        self._names: dict[Hashable, str] = {}
        self._down_until = 0.0

    async def enter(self, request: HttpRequest, key: Hashable) -> Admission:
        """Admit a request. It borrows the slot of another as in `LocalLimits.enter`.

        Raises: ThrottleUnavailable; ClientClosed; CancelledError, at the deadline of the call too.
        """
        client = request.client
        if monotonic() < self._down_until:
            return self._admit(request, None, "", "", "", borrows=True)
        link: RedisLink = client.per_loop(self._shared.open, RedisLink.close)
        name = self._names.get(key) or self._name(key)
        borrows = request.parent is not None and has_ancestor(request, link.leases(name))
        try:
            admission: Admission = await client.until_closed(self._enter(request, link, name, borrows))
            return admission
        except ConnectionError as error:
            if isinstance(error, HttpRequestException):
                raise
            if self._shared.on_failure == "open":
                self._down_until = monotonic() + 1  # then it is tried again
                return self._admit(request, None, "", "", "", borrows=True)
            raise ThrottleUnavailable(
                f"the Redis of the throttle does not answer ({error}), so the request was not sent;"
                " RedisLimits(on_failure='open') sends requests without limits then"
            ) from error

    async def _enter(self, request: HttpRequest, link: RedisLink, name: str, borrows: bool) -> Admission:
        began = monotonic()
        if borrows:  # who waits for a slot may wait for the parent
            admission, has_waited = await self._ask(request, link, name, borrows=True)
        else:
            turns = link.join(name)
            has_waited = turns.lock.locked()
            try:
                async with turns.lock:
                    admission, has_asked_again = await self._ask(request, link, name, borrows=False)
                has_waited = has_waited or has_asked_again
            except BaseException:
                if turns.count == 1:  # nobody takes the place of this process in the queue
                    link.say(name, ("quit", link.process, self._settings, ""))
                raise
            finally:
                link.part(name, turns)
        if has_waited:
            admission.throttled = monotonic() - began
        return admission

    async def _ask(self, request: HttpRequest, link: RedisLink, name: str, *, borrows: bool) -> tuple[Admission, bool]:
        """Ask Redis until it admits the request. Returns also: did it wait?"""
        slot = link.new_slot()
        has_waited, over = False, []
        try:
            while True:
                over = link.over.pop(name, [])
                granted, seconds, rate = await link.run(
                    name, "enter", link.process, self._settings, "" if borrows else slot, *over
                )
                over = []
                if granted:
                    break
                has_waited = True
                if self._has_slots and not borrows:
                    await link.message(name, seconds)
                else:
                    await asyncio.sleep(seconds)
        except BaseException:
            link.give_back(name, over)
            if self._has_slots and not borrows:
                link.end_slot(name, slot, "")  # Redis may have granted it
            raise
        return self._admit(request, link, name, slot, rate, borrows=borrows), has_waited

    def _admit(
        self, request: HttpRequest, link: RedisLink | None, name: str, slot: str, rate: str, *, borrows: bool
    ) -> Admission:
        state = link, name, slot
        if link is None or borrows or not self._has_slots:
            return Admission(self, state, None, rate)
        admission = Slot(self, state, None, rate, request, partial(link.note_end, name, slot))
        assert admission.lease is not None
        link.hold_slot(name, slot, (link.process, self._settings, ""), admission.lease)
        return admission

    def leave(self, admission: Admission, is_unused: bool) -> None:
        link, name, slot = admission.state
        admission.lease = None
        if link is not None:
            link.end_slot(name, slot, admission.after if is_unused else "")

    def hold(self, admission: Admission, seconds: float) -> None:
        link, name, _ = admission.state
        if link is not None:
            link.say(name, ("hold", link.process, f"{math.ceil(seconds * 1e6)} 0 0 0", ""))

    def _name(self, key: Hashable) -> str:
        """Return the name of a key in Redis; a digest, since a function may make keys of secrets.

        Raises: TypeError, for one that other processes would write otherwise.
        """
        for part in key if isinstance(key, tuple) else (key,):
            if not isinstance(part, (str, int)):
                raise TypeError(
                    f"per= returned a {type(part).__name__}; with shared= a key is text, a number, or a tuple of them"
                )
        if len(self._names) >= MAX_NAMES:
            self._names.clear()
        digest = hashlib.sha256(repr(key).encode()).hexdigest()[:32]
        name = self._names[key] = f"{self._shared.prefix}:throttle:{{{digest}}}"
        return name

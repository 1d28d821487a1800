"""The credentials of a provider: asked for when they are needed, remembered, and renewed before they expire.

Requests of an event loop that need them at the same time wait for one task, which asks the provider once for all of them. The
task belongs to a client, and not to the request that began it, so a request can be cancelled and the others still get the
credentials.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from functools import partial
from typing import Any, cast
from weakref import WeakKeyDictionary

from hookline import HttpClient

from .credentials import Credentials, Provider, as_credentials
from .errors import NoCredentials, SigV4Error

EARLY = 300.0  # seconds before they expire in which credentials are renewed; at most a quarter of their time
AGAIN = 10.0  # seconds until a provider that failed is asked again, while the old credentials are still good


class GivenCredentials:
    """The provider of credentials that a user gave."""

    def __init__(self, credentials: Credentials) -> None:
        self.credentials = credentials

    def __call__(self) -> Credentials:
        """Return them."""
        return self.credentials


class RenewedCredentials:
    """The credentials of one provider. clock: returns seconds since 1970."""

    def __init__(self, provider: Provider, clock: Callable[[], float]) -> None:
        self.provider = provider
        self._clock = clock
        self._known: Credentials | None = None
        self._due_at: float | None = None  # when they are to be renewed; None = never
        if isinstance(provider, GivenCredentials):
            self._known = provider.credentials
            self._due_at = self._known.expires_at
        self._tasks: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Task[Credentials]] = WeakKeyDictionary()

    def current(self) -> Credentials | None:
        """Return the credentials; None if there are none yet, or they are to be renewed."""
        return self._known if self._due_at is None or self._clock() < self._due_at else None

    async def renew(self, client: HttpClient) -> Credentials:
        """Ask the provider, or wait for the task that does it already.

        client: to which a new task belongs.

        Raises: NoCredentials, if the provider has none, or has only expired ones; what the provider raises; ClientClosed.
        """
        loop = asyncio.get_running_loop()
        while True:
            task = self._tasks.get(loop)
            if task is None or task.done():
                known = self.current()
                if known is not None:
                    return known
                task = self._tasks[loop] = client.loop_resources.start(self._ask())
                task.add_done_callback(partial(self._forget, loop))
            # unlike `await task`: if this is cancelled, or the client is closed, the task goes on
            await client.loop_resources.until_closed(asyncio.wait([task]))
            if not task.cancelled():  # else the client that it belonged to was closed
                return task.result()

    def _forget(self, loop: asyncio.AbstractEventLoop, task: asyncio.Task[Credentials]) -> None:
        """Drop a task that is over; it would keep its loop alive. All who wait raise its error, but they may be cancelled."""
        if self._tasks.get(loop) is task:
            del self._tasks[loop]
        if not task.cancelled():
            task.exception()

    def ask_at_once(self) -> Credentials:
        """Return the credentials without an event loop.

        Raises: SigV4Error, if the provider is asynchronous; as `renew`.
        """
        known = self.current()
        if known is not None:
            return known
        found = self.provider()
        if inspect.isawaitable(found):
            if inspect.iscoroutine(found):
                found.close()
            raise SigV4Error("the provider of the credentials is asynchronous: `await auth.load()` before")
        return self._accept(found)

    async def load(self) -> Credentials:
        """Return the credentials, asked for without a client; see `renew`."""
        return self.current() or await self._ask()

    async def _ask(self) -> Credentials:
        """Ask the provider. If it fails while the old credentials are good, they stay for some seconds.

        A plain function runs in a thread, because it may read files, or use the network.
        """
        try:
            is_async = inspect.iscoroutinefunction(self.provider) or inspect.iscoroutinefunction(
                type(self.provider).__call__
            )
            found = self.provider() if is_async else await asyncio.to_thread(self.provider)
            return self._accept(await found if inspect.isawaitable(found) else found)
        except Exception:
            known, now = self._known, self._clock()
            if known is None or known.expires_at is None or known.expires_at <= now:
                raise
            self._due_at = min(now + AGAIN, known.expires_at)
            return known

    def _accept(self, found: Any) -> Credentials:
        """Remember what the provider has returned.

        Raises: as `renew`.
        """
        credentials = as_credentials(found, name_of(self.provider))
        if credentials is None:
            raise NoCredentials(f"{name_of(self.provider)} has no credentials")
        now, expires_at = self._clock(), credentials.expires_at
        if expires_at is not None and expires_at <= now:
            raise NoCredentials(f"the credentials of {name_of(self.provider)} have expired")
        self._known = credentials
        self._due_at = None if expires_at is None else expires_at - min(EARLY, (expires_at - now) / 4)
        return credentials

    def __reduce__(self) -> tuple[type[RenewedCredentials], tuple[Provider, Callable[[], float]]]:
        """Copy and pickle it without what the provider has returned."""
        return RenewedCredentials, (self.provider, self._clock)


def name_of(provider: object) -> str:
    """Return how messages call a provider."""
    return cast(str, getattr(provider, "__qualname__", type(provider).__qualname__))

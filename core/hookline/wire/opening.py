"""The opening of a connection for an exchange: what is measured and asked meanwhile, whichever route opens it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from time import monotonic
from typing import Any, Protocol


class PhaseRecorder(Protocol):
    """What records the phases of an exchange."""

    def _record_phase(self, name: str, begin: float, end: float, failed: bool) -> None:
        """Record a phase. begin, end: by `time.monotonic`."""


class ConnectingHooks(Protocol):
    """What runs the hooks before a dial."""

    async def run_connecting(self, request: Any, host: str, port: int, addresses: Sequence[str]) -> list[str]:
        """Return the addresses to try."""


class Opening:
    """The opening of a connection for a request.

    request: the HttpRequest. recorder: records its phases; None = they are not wanted. hooks: run before each dial; None = no
    plugin has any.
    """

    def __init__(self, request: Any, recorder: PhaseRecorder | None, hooks: ConnectingHooks | None) -> None:
        self.request = request
        self.recorder = recorder
        self.hooks = hooks

    def end(self) -> None:
        """Let go of the request. The object lives as long as the connection, in the context of its callbacks."""
        self.request = self.recorder = self.hooks = None


# Set while a route opens a connection: a route of a third party need not pass it on.
current: ContextVar[Opening | None] = ContextVar("opening", default=None)


@contextmanager
def phase(name: str) -> Iterator[None]:
    """Record a phase of the opening that goes on in this task: "dns", "connect" or "tls". Free if nothing records."""
    opening = current.get()
    if opening is None or opening.recorder is None:
        yield
        return
    begin, failed = monotonic(), True
    try:
        yield
        failed = False
    finally:
        opening.recorder._record_phase(name, begin, monotonic(), failed)


async def run_before_dial(host: str, port: int, addresses: Sequence[str]) -> Sequence[str]:
    """Run the hooks `connecting`, if an opening goes on in this task and plugins have any. Returns the addresses to try.

    Raises: what a hook raises.
    """
    opening = current.get()
    if opening is None or opening.hooks is None:
        return addresses
    return await opening.hooks.run_connecting(opening.request, host, port, addresses)

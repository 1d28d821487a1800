"""The connection hooks: what plugins run before a connection is dialled, when a request gets one, and when one is lost."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..errors import PluginError
from .implementation import Implementation
from .stage import note_owner


class ConnectionHooks:
    """The implementations of the connection hooks for one set of plugins, each in order. There is at least one."""

    def __init__(self, implementations: Mapping[str, tuple[Implementation, ...]]) -> None:
        self._connecting = implementations["connecting"]
        self._connected = implementations["connected"]
        self._disconnected = implementations["disconnected"]
        self._calls = [each.adapted_to("request", "connection") for each in self._connected]

    async def run_connecting(self, request: Any, host: str, port: int, addresses: Sequence[str]) -> list[str]:
        """Run `connecting` before a dial. Returns the addresses to try, as the last implementation has left them.

        Raises: PluginError, if an implementation returns something else than texts; what one raises.
        """
        found = list(addresses)
        for implementation in self._connecting:
            values = {"request": request, "host": host, "port": port, "addresses": list(found)}
            try:
                answer = implementation.call_with(values)
                if inspect.isawaitable(answer):
                    answer = await answer
            except BaseException as error:
                note_owner(error, implementation)
                raise
            if isinstance(answer, str) or not isinstance(answer, Iterable | None):
                kind = type(answer).__name__
                raise PluginError(f"{implementation.owner}: connecting returned {kind}, not a list of addresses")
            if answer is not None:
                found = [str(address) for address in answer]
        return found

    def run_connected(self, request: Any, connection: Any) -> None:
        """Run `connected`, before the first byte of a request is sent."""
        at = 0
        try:
            for call in self._calls:  # one takes an eighth of what `call_all` takes
                call(request, connection)
                at += 1
        except BaseException as error:
            note_owner(error, self._connected[at])
            raise

    def run_disconnected(self, connection: Any, exc: BaseException | None) -> None:
        """Run `disconnected`. The exception handler of the loop gets what one raises, since no caller could catch it."""
        for implementation in self._disconnected:
            try:
                implementation.call_with({"connection": connection, "exc": exc})
            except Exception as error:  # noqa: BLE001  # a plugin's
                message = f"disconnected of {implementation.owner} failed"
                connection.loop.call_exception_handler({"message": message, "exception": error})

"""Those who listen to the data events of one exchange."""

from __future__ import annotations

from typing import Any
from weakref import ref

from .implementation import Implementation
from .stage import name_owner


class DataListeners:
    """Those who listen to the data events of one exchange."""

    __slots__ = ("_processed", "_received", "_response")

    def __init__(
        self, response: Any, received: tuple[Implementation, ...], processed: tuple[Implementation, ...]
    ) -> None:
        self._response = ref(response)  # a stream that is forgotten must not live on by those who listen
        self._received = received
        self._processed = processed

    def received(self, data: bytes) -> None:
        self._call("data_received", self._received, data)

    def processed(self, data: bytes) -> None:
        self._call("data_processed", self._processed, data)

    def _call(self, event: str, implementations: tuple[Implementation, ...], data: bytes) -> None:
        response = self._response()
        if response is None:
            return
        for implementation in implementations:
            try:
                implementation.flat(response, data)
            except BaseException as error:
                name_owner(error, implementation)
                raise
        response._notify_waiters(event)

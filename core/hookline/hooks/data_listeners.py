"""The implementations and handlers of the data events of one exchange."""

from __future__ import annotations

from typing import Any
from weakref import ref

from .implementation import Implementation
from .stage import note_owner


class DataListeners:
    """What a connection calls with the data of one exchange: the implementations of both data events, in order.

    It holds the response weakly, so that it does not keep a stream alive that the caller has dropped.
    """

    __slots__ = ("_processed", "_received", "_response")

    def __init__(
        self, response: Any, received: tuple[Implementation, ...], processed: tuple[Implementation, ...]
    ) -> None:
        """received, processed: the implementations of data_received and of data_processed, first one first."""
        self._response = ref(response)
        self._received = received
        self._processed = processed

    def head_received(self) -> None:
        """Fire nothing: a head on a stream is no data."""

    def received(self, data: bytes) -> None:
        """Fire data_received: the bytes of one read, before they are parsed."""
        self._call("data_received", self._received, data)

    def processed(self, data: bytes) -> None:
        """Fire data_processed: the same bytes, after they were parsed."""
        self._call("data_processed", self._processed, data)

    def _call(self, event: str, implementations: tuple[Implementation, ...], data: bytes) -> None:
        response = self._response()
        if response is None:
            return
        for implementation in implementations:
            try:
                implementation.adapted(response, data)
            except BaseException as error:
                note_owner(error, implementation)
                raise
        if response._waiters_of is not None:
            response._notify_waiters(event)

"""A response whose body the caller reads as a stream."""

from __future__ import annotations

import contextlib
import warnings

from .response import HttpResponse


class StreamedResponse(HttpResponse):
    """A response whose body the caller reads as a stream. If the caller forgets it, it closes its connection with a warning.

    `HttpResponse._hand_out` makes a response one of these, so that no other response has a finaliser.
    """

    __slots__ = ()

    def __del__(self) -> None:
        if self.connection is None:
            return
        with contextlib.suppress(RuntimeError):  # its loop is closed: post_request cannot run
            self.request.configuration.client.loop_resources.loop.call_soon_threadsafe(self._start_abandoning)
        # last, since a warning may be turned into an error
        warnings.warn(
            f"the stream of {self!r} was neither read to its end nor closed", ResourceWarning, stacklevel=2, source=self
        )

    def _start_abandoning(self) -> None:
        """Close the connection and run post_request, in the loop of the response."""
        self.request.configuration.client.loop_resources.start(self._abandon("the stream was forgotten"))

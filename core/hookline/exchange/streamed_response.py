"""A response whose body the caller reads."""

from __future__ import annotations

import contextlib
import warnings

from .response import HttpResponse


class StreamedResponse(HttpResponse):
    """A response whose body the caller reads. One that is forgotten gives its connection back, loudly."""

    __slots__ = ()

    def __del__(self) -> None:
        if self.connection is None:
            return
        with contextlib.suppress(RuntimeError):  # its loop is closed: nobody is left to be told
            self.request._client.loop_resources.loop.call_soon_threadsafe(self._start_abandoning)
        # the last, since it may be made an error
        warnings.warn(
            f"the stream of {self!r} was neither read to its end nor closed", ResourceWarning, stacklevel=2, source=self
        )

    def _start_abandoning(self) -> None:
        self.request._client.loop_resources.start(self._abandon("the stream was forgotten"))

"""The body of a response, as it came."""

from __future__ import annotations

from ..running import OutputRefused
from .printer import Printer


class RawWriter:
    """Write a body as it comes, without a change."""

    def __init__(self, printer: Printer) -> None:
        self._printer = printer

    def write(self, data: bytes) -> None:
        """Write a part. Raises: OutputRefused, BrokenPipeError."""
        try:
            self._printer.write(data)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OutputRefused(f"cannot write the body: {error.strerror or error}") from error

    def finish(self) -> None:
        """Do nothing: all is written."""

"""The output of a command line: heads, events and errors, as plain text."""

from __future__ import annotations

import re
import sys
from typing import TextIO

from hookline import HttpResponse, hookimpl

_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]")


def printable(text: str) -> str:
    """Return text of a peer for a terminal: control characters, which could steer it, are escaped."""
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


class Printer:
    """A writer to standard output and standard error. A subclass overrides `style` for more than plain text.

    out, err: text streams with a `buffer`; None = standard output, standard error.
    """

    def __init__(self, out: TextIO | None = None, err: TextIO | None = None) -> None:
        self.out = sys.stdout if out is None else out
        self.err = sys.stderr if err is None else err

    def style(self, stream: TextIO, kind: str, text: str) -> str:
        """Return text in the style of its kind: status-1 to status-5, name, event, error, title, faint."""
        return text

    def line(self, text: str = "", stream: TextIO | None = None) -> None:
        """Write one line. Characters that the encoding of the stream lacks are escaped. stream: None = `out`."""
        stream = self.out if stream is None else stream
        stream.buffer.write(f"{text}\n".encode(stream.encoding or "utf-8", "backslashreplace"))
        stream.flush()

    def head(self, response: HttpResponse) -> None:
        """Write the status line, the fields and an empty line."""
        status = f"{response.version} {response.status_code} {printable(response.reason)}".rstrip()
        lines = [self.style(self.out, f"status-{response.status_code // 100}", status)]
        lines += [
            f"{self.style(self.out, 'name', printable(name))}: {printable(value)}"
            for name, value in response.headers.items()
        ]
        self.line("\n".join([*lines, ""]))

    def event(self, name: str, text: str) -> None:
        """Write one line about an event to `err`."""
        self.line(f"* {self.style(self.err, 'event', f'{name:<14}')} {printable(text)}", self.err)

    def error(self, error: BaseException | str) -> None:
        """Write one line about an error to `err`."""
        text = error if isinstance(error, str) else f"{type(error).__name__}: {error}"
        self.line(f"{self.style(self.err, 'error', 'hookline:')} {printable(' '.join(text.split()))}", self.err)


class EventPrinter:
    """A plugin that writes a line for each event when it fires, after the other plugins have run."""

    name = "console_events"

    def __init__(self, printer: Printer) -> None:
        self._printer = printer

    @hookimpl(trylast=True)
    def pre_request(self, response: HttpResponse, cause: str) -> None:
        self._printer.event("pre_request", f"{response.request.method} {response.request.url} ({cause})")

    @hookimpl(trylast=True)
    def on_headers(self, response: HttpResponse, interim: bool, cause: str) -> None:
        self._printer.event("on_headers", f"{status_of(response)}{' (interim)' if interim else ''}")

    @hookimpl(trylast=True)
    def data_received(self, response: HttpResponse, data: bytes) -> None:
        self._printer.event("data_received", f"{len(data)} bytes")

    @hookimpl(trylast=True)
    def data_processed(self, response: HttpResponse, data: bytes) -> None:
        self._printer.event("data_processed", f"{len(data)} bytes")

    @hookimpl(trylast=True)
    def post_request(self, response: HttpResponse, exc: BaseException | None, cause: str) -> None:
        self._printer.event("post_request", status_of(response) if exc is None else f"{type(exc).__name__}: {exc}")


def status_of(response: HttpResponse) -> str:
    """Return status code and reason, such as `404 Not Found`."""
    return f"{response.status_code} {response.reason}".rstrip()

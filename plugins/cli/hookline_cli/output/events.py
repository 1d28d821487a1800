"""`-v`: the events as they fire, what plugins did at each, and the request as it was sent, on standard error."""

from __future__ import annotations

from hookline import HttpRequest, HttpResponse

from .printer import Printer, printable, status_of
from .secrets import hide_field, hide_password

WIDTH = 14  # characters of the longest name of an event


class VerboseListener:
    """A listener of an event log that writes a line for each event, and one for each plugin that did something.

    level: 1 = the data events are counted, and their sum is shown at the end; 2 = each has a line.
    show_secrets: True shows credentials in full.
    """

    def __init__(self, printer: Printer, level: int, *, show_secrets: bool) -> None:
        self._printer = printer
        self._level = level
        self._show_secrets = show_secrets
        self._reads = self._size = 0

    def event(self, response: HttpResponse, event: str, size: int, exc: BaseException | None) -> None:
        """Take an event."""
        request = response.request
        if event == "pre_request":
            self._reads = self._size = 0
            self._line(event, f"{request.method} {request.url} ({request.cause})")
        elif event == "on_headers":
            self._show_connection(response)
            self._line(event, status_of(response))
        elif event == "post_request":
            if self._reads and self._level == 1:
                self._line(
                    "data_received", f"{self._size} bytes in {self._reads} {'read' if self._reads == 1 else 'reads'}"
                )
            self._line(event, status_of(response) if exc is None else f"{type(exc).__name__}: {exc}")
        else:
            self._reads += event == "data_received"
            self._size += size if event == "data_received" else 0
            if self._level > 1:
                self._line(event, f"{size} bytes")

    def call(self, plugin: str, event: str, answer: str, changes: list[str]) -> None:
        """Take the call of a plugin: one that changed and answered nothing is not shown, unless it asked for this response."""
        words = [*changes, f"answers {answer}"] if answer else changes
        if words or event in ("on_headers", "post_request"):
            name = self._printer.style(self._printer.err, "plugin", f"{plugin:<{WIDTH - 2}}")
            self._printer.line(f"*   {name} {printable(hide_password('; '.join(words) or 'runs'))}", self._printer.err)

    def _show_connection(self, response: HttpResponse) -> None:
        """Write where the request went, and its head as it was sent."""
        connection = response.connection
        if connection is None or response.status_code == 100:
            return
        facts = connection.facts()
        where = ":".join(map(str, facts.peer[:2])) if isinstance(facts.peer, tuple) else str(facts.peer or "?")
        other_protocol = None if facts.protocol == "http/1.1" else facts.protocol
        kinds = ["reused" if connection.reused else "new", *filter(None, (facts.tls_version, other_protocol))]
        self._line("connection", f"{where} ({', '.join(kinds)})")
        secret = secret_fields(response.request)
        first, *lines = sent_head(response)
        if other_protocol is not None:  # what it sends is not text: this is the same request as HTTP/1.1 writes it
            first = f"{first.rpartition(' ')[0]} {response.version}"
        for line in (first, *lines):
            name, colon, value = line.partition(": ")
            if colon and not self._show_secrets:
                line = f"{name}: {hide_field(name, value, secret)}"
            self._printer.line(
                self._printer.style(self._printer.err, "faint", f"> {printable(line)}"), self._printer.err
            )

    def _line(self, event: str, text: str) -> None:
        name = self._printer.style(self._printer.err, "event", f"{event:<{WIDTH}}")
        self._printer.line(f"* {name} {printable(hide_password(text))}", self._printer.err)


def sent_head(response: HttpResponse) -> list[str]:
    """Return the lines of the head of a request, as it was sent."""
    head, _, _ = response.request.encode().partition(b"\r\n\r\n")
    return head.decode("utf-8", "replace").split("\r\n")


def secret_fields(request: HttpRequest) -> frozenset[str]:
    """Return the names of the fields that carry credentials, in lower case: declared by plugins, and `sensitive_headers`."""
    return frozenset(map(str.lower, request.configuration.credentials)) | request.sensitive_headers

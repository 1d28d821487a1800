"""Send the request of a command line, and write its response.

Head and body go to standard output, events, times, notes and errors to standard error.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from hookline import HttpClient, HttpResponse

from ..arguments.client_options import ClientOptions
from ..output.body import RawWriter
from ..output.printer import Printer
from ..running import DONE, UsageError, refusal
from .client import open_client, request
from .plan import RequestPlan

MAX_KEPT = 1024 * 1024  # bytes of a body that are kept for --har


class Writer(Protocol):
    """Where the parts of a body go."""

    def write(self, data: bytes) -> None:
        """Take a part."""

    def finish(self) -> None:
        """Take the end."""


class Exchange:
    """One request with its response, from the arguments of a command line.

    given: the arguments. plan: what is sent. options: those of the client.
    """

    def __init__(self, printer: Printer, given: argparse.Namespace, plan: RequestPlan, options: ClientOptions) -> None:
        self._printer = printer
        self._given = given
        self._plan = plan
        self._options = options
        self._recorder: Any = None
        self._session: Any = None
        self._kept = bytearray()
        self._size = 0
        self._response: HttpResponse | None = None
        self._is_terminal = printer.out.isatty()

    async def run(self) -> int:
        """Send the request, write the response, and return the exit status.

        Raises: HooklineError; UsageError; OutputRefused; TimeoutError.
        """
        given, plan, options = self._given, self._plan, self._options
        if given.checksum and not (given.download or given.output):
            raise UsageError("--checksum needs --download or -o FILE")
        if given.session:
            from .session import Session

            self._session = Session(given.session, plan.url)
            self._session.apply_fields(plan)
        client, keywords = open_client(options, self._plugins())
        try:
            return await self._run(client, keywords)
        finally:
            await client.close()
            self._write_records()

    def _plugins(self) -> list[Any]:
        if not (self._given.trace or self._given.har):
            return []
        from ..output.har import ExchangeRecorder

        self._recorder = ExchangeRecorder()
        return [self._recorder]

    async def _run(self, client: HttpClient, keywords: dict[str, Any]) -> int:
        given, plan = self._given, self._plan
        restored = self._session.keywords(self._options.modules) if self._session is not None else {}
        for name, value in {**restored, **({} if self._recorder is None else {"timings": True})}.items():
            setattr(client, name, value)
        if given.verbose:
            from ..event_log import record_events
            from ..output.events import VerboseListener

            listener = VerboseListener(self._printer, given.verbose, show_secrets=given.show_secrets)
            record_events(client, listener)
        partial = self._ask_for_rest()
        began = time.monotonic()
        timeout = keywords.get("timeout")
        response = await request(client, plan, keywords, stream=True)
        if not isinstance(response, HttpResponse):  # a plugin took the connection over
            raise UsageError(f"{plan.url} gave a {type(response).__name__}; hookline --help lists the command for it")
        self._response = response
        async with (
            response,
            asyncio.timeout_at(self._deadline(began, timeout) if isinstance(timeout, int | float) else None),
        ):
            if self._shows_head():
                self._printer.head(response, self._fields(response))
            if given.download or given.output not in (None, "-"):
                await self._write_file(response, partial)
            else:
                await self._write_body(response, self._writer(response))
        if self._session is not None:
            self._session.save(plan, client, {**restored, **keywords}, self._options.modules)
        self._summarise(response, time.monotonic() - began)
        return DONE if response.status_code < 400 else response.status_code // 100

    @staticmethod
    def _deadline(began: float, timeout: float) -> float:
        """Return the end of the timeout in the loop's time. It covers the body, which the call hands out as a stream."""
        return asyncio.get_running_loop().time() + timeout - (time.monotonic() - began)

    # -- the head

    def _shows_head(self) -> bool:
        given = self._given
        if given.body or given.output == "-":
            return False
        return bool(given.include or given.head or self._is_terminal)

    def _fields(self, response: HttpResponse) -> list[tuple[str, str]]:
        """Return the fields to print. On a terminal, cookies are hidden."""
        pairs = list(response.headers.items())
        if self._given.show_secrets or not self._is_terminal:
            return pairs
        from ..output.secrets import hide_field

        return [(name, hide_field(name, value)) for name, value in pairs]

    # -- the body

    def _writer(self, response: HttpResponse) -> Writer:
        """Return where the body goes on standard output."""
        given = self._given
        is_shown = self._is_terminal if given.pretty == "auto" else given.pretty != "none"
        if given.output == "-" or not (is_shown or self._is_terminal):
            return RawWriter(self._printer)
        from ..output.shown_body import ShownWriter  # imported here, because through a pipe a body goes as it came

        if given.pretty in ("all", "colors"):
            self._printer.colour = True
        return ShownWriter(
            self._printer,
            response,
            has_format=given.pretty in ("all", "format") or (given.pretty == "auto" and self._is_terminal),
            has_colour=given.pretty not in ("format", "none") and self._printer.has_colour(self._printer.out),
            is_stream=given.stream,
        )

    async def _write_body(self, response: HttpResponse, writer: Writer) -> None:
        """Write the body while it arrives.

        Raises: OutputRefused; BrokenPipeError, if the reader of the output has closed the pipe.
        """
        try:
            async for data in response.raw:
                self._count(data)
                writer.write(data)
        finally:
            writer.finish()

    def _count(self, data: bytes) -> None:
        self._size += len(data)
        if self._given.har and len(self._kept) < MAX_KEPT:
            self._kept += data

    # -- files

    def _ask_for_rest(self) -> Any:
        """Ask for the rest of a broken download with --continue, and for a body that is not compressed."""
        given = self._given
        if not given.download and not given.resume:
            return None
        from .download import Partial, name_of_url

        if given.output == "-":
            raise UsageError("--download and --continue need a file, and -o - is none")
        self._plan.set_default("Accept-Encoding", "identity")
        if not given.resume:
            return None
        partial = Partial(Path(given.output or name_of_url(self._plan.url)))
        self._plan.headers += partial.request_fields()
        return partial

    async def _write_file(self, response: HttpResponse, partial: Any) -> None:
        """Write the body to a file: directly with -o, by way of a part with --download.

        Raises: OutputRefused.
        """
        from ..output.progress import Progress
        from .download import Checksum, Partial, free_path, name_of

        given = self._given
        checksum = Checksum(given.checksum) if given.checksum else None
        is_direct = not (given.download or given.resume)
        if not is_direct and response.status_code not in (200, 203, 206):
            return  # an error page is no download
        path = Path(given.output) if given.output else partial.path if partial else free_path(name_of(response))
        partial = partial or Partial(path)
        file, kept = (open_file(path), 0) if is_direct else partial.open(response)
        total = int(response.headers["content-length"]) + kept if is_plain(response) else None
        with file, Progress(self._printer, path.name, total, kept, is_shown=not given.silent) as progress:
            async for data in response.raw:
                self._count(data)
                with refusal(f"cannot write {given.output or path}"):
                    file.write(data)
                progress.advance(len(data))
        if not is_direct:
            partial.finish()
            if not given.silent:
                self._printer.note(f"{path}: {in_units(self._size + kept)}")
        if checksum is not None:
            checksum.check(path)

    # -- afterwards

    def _summarise(self, response: HttpResponse, seconds: float) -> None:
        """Write sizes and times on a terminal."""
        if self._given.silent or not (self._is_terminal and self._printer.err.isatty()):
            return
        hops = f", {len(response.history)} before it" if response.history else ""
        self._printer.note(f"{in_units(self._size)} in {in_time(seconds)}{hops}")

    def _write_records(self) -> None:
        """Write what `--trace` and `--har` ask for, also if the exchange has failed."""
        if self._recorder is None:
            return
        if self._given.trace:
            from ..output.trace import show_trace

            show_trace(self._printer, self._recorder.exchanges)
        if self._given.har:
            from ..output.har import write_har

            bodies = {} if self._response is None else {self._response: bytes(self._kept)}
            write_har(self._given.har, self._recorder.exchanges, bodies, self._given.show_secrets)


def open_file(path: Path) -> BinaryIO:
    """Open the file for the body. This blocks the loop, on which nothing else runs.

    Raises: OutputRefused.
    """
    with refusal(f"cannot write {path}"):
        return path.open("wb")


def is_plain(response: HttpResponse) -> bool:
    """Say whether Content-Length is the size of the file: the body is neither chunked nor compressed."""
    headers = response.headers
    return "content-length" in headers and "transfer-encoding" not in headers and "content-encoding" not in headers


def in_units(size: int) -> str:
    """Return a number of bytes as people read it: `12 bytes`, `3.4 kB`."""
    if size < 1000:
        return f"{size} byte{'' if size == 1 else 's'}"
    value = float(size)
    for unit in ("kB", "MB", "GB"):
        value /= 1000
        if value < 1000:
            return f"{value:.1f} {unit}"
    return f"{value:.1f} GB"


def in_time(seconds: float) -> str:
    """Return a duration as people read it: `12 ms`, `3.4 s`."""
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"

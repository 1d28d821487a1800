"""One exchange from a command line: its arguments, its output, its exit status.

The head and the body go to standard output, events and errors to standard error. The body is written while it arrives.

Exit status: 0 for a response status below 400, 4 for 4xx, 5 for 5xx; 1 if the output cannot be written; 2 for wrong
arguments, a wrong URL, and plugins that cannot be loaded; 3 if there is no whole response; 130 after Ctrl-C; 141 if the
reader of the output has closed the pipe.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import math
import os
import re
import sys
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from hookline import HooklineError, HttpClient, HttpResponse, InvalidURL, LocalProtocolError, PluginError

from .printer import EventPrinter, Printer

DONE, NOT_WRITTEN, WRONG_USE, NO_RESPONSE, INTERRUPTED, PIPE_CLOSED = 0, 1, 2, 3, 130, 141

# The client reads http:/host and http:host as http://host, so these have a scheme too.
_HAS_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://|(?i:https?|wss?):").match


@dataclass
class ExchangeArguments:
    """The arguments of one exchange.

    headers: names and values; None removes a default field. data: the body; None = no body.
    output: a path for the body; "-" writes the body alone to standard output, None head and body.
    timeout: seconds for the whole exchange, the body included; None = no limit. verify: check the server's certificate?
    disable: names of plugins to leave out. verbose: show the events?
    """

    method: str
    url: str
    headers: list[tuple[str, str | None]] = field(default_factory=list)
    data: bytes | None = None
    output: str | None = None
    timeout: float | None = None
    verify: bool = True
    disable: list[str] = field(default_factory=list)
    verbose: bool = False


class OutputRefused(Exception):  # no HooklineError, because the exchange did not fail
    """The body, or a part of it, cannot be written to where it should go."""


# -- arguments -------------------------------------------------------------------------------------------------------


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of one exchange to a parser."""
    parser.add_argument(
        "words",
        nargs="+",
        metavar="[METHOD] URL",
        help="GET where no method is given, POST with data; http:// is added",
    )
    parser.add_argument("-v", "--verbose", action="store_true", help="show the events as they fire")
    parser.add_argument(
        "-d", "--data", metavar="TEXT", help="the body; @FILE takes it from a file, @- from standard input"
    )
    parser.add_argument(
        "-H",
        "--header",
        action="append",
        default=[],
        metavar="'NAME: VALUE'",
        help="a field; 'NAME:' removes a default",
    )
    parser.add_argument(
        "-o", "--output", metavar="FILE", help="write the body to a file; - prints the body without its head"
    )
    parser.add_argument("--timeout", type=as_seconds, metavar="SECONDS", help="for the whole exchange")
    parser.add_argument("--no-verify", action="store_true", help="take any certificate")
    add_disable(parser)


def add_disable(parser: argparse.ArgumentParser) -> None:
    """Add `--disable` to a parser."""
    parser.add_argument(
        "--disable", action="append", default=[], metavar="NAME", help="leave a plugin out; may be given again"
    )


def as_seconds(text: str) -> float:
    """Convert an argument to seconds, more than 0.

    Raises: ValueError.
    """
    value = float(text)
    if not 0 < value < math.inf:
        raise ValueError(text)
    return value


as_seconds.__name__ = "number of seconds"  # argparse quotes it in its error message


def parse_arguments(parser: argparse.ArgumentParser, words: Sequence[str]) -> ExchangeArguments:
    """Parse the words of a command line. Wrong ones end the program with status 2, as usual with argparse."""
    given = parser.parse_intermixed_args(words)
    *before, url = given.words
    if len(before) > 1:
        parser.error(f"expected [METHOD] URL, got {' '.join(given.words)}")
    if not before and url.isalpha() and url.isupper():
        parser.error(f"a URL is missing behind {url}")
    method = before[0].upper() if before else "GET" if given.data is None else "POST"
    arguments = ExchangeArguments(method, with_scheme(url))
    for line in given.header:
        name, colon, value = line.partition(":")
        if not colon:
            parser.error(f"-H takes 'NAME: VALUE', got {line!r}")
        arguments.headers.append((name.strip(), value.strip() or None))
    if given.data is not None:
        try:
            arguments.data = read_data(given.data)
        except OSError as error:
            parser.error(f"-d {given.data}: {error.strerror or error}")
    arguments.output, arguments.timeout, arguments.verify = given.output, given.timeout, not given.no_verify
    arguments.disable, arguments.verbose = given.disable, given.verbose
    return arguments


def with_scheme(url: str) -> str:
    """Return a URL, with http:// added if it has no scheme."""
    return url if _HAS_SCHEME(url) else f"http://{url}"


def read_data(text: str) -> bytes:
    """Return the body that `-d TEXT` gives: that of a file for @FILE, of standard input for @-, else the text.

    Raises: OSError.
    """
    if text == "@-":
        return sys.stdin.buffer.read()
    return Path(text[1:]).read_bytes() if text.startswith("@") else text.encode("utf-8", "surrogateescape")


# -- the exchange ----------------------------------------------------------------------------------------------------


async def send(arguments: ExchangeArguments, printer: Printer) -> int:
    """Send the request, write the response, and return the exit status.

    Raises: HooklineError; OutputRefused.
    """
    deadline = None if arguments.timeout is None else asyncio.get_running_loop().time() + arguments.timeout
    plugins = [EventPrinter(printer)] if arguments.verbose else []
    async with HttpClient(disable=arguments.disable, plugins=plugins) as client:
        response = await client.request(
            arguments.method,
            arguments.url,
            headers=arguments.headers,
            data=arguments.data,
            verify=arguments.verify,
            timeout=arguments.timeout,
            stream=True,
        )
        async with response:
            if arguments.output != "-":
                printer.head(response)
            async with asyncio.timeout_at(deadline):
                await write_body(response, arguments, printer)
    return DONE if response.status_code < 400 else response.status_code // 100


async def write_body(response: HttpResponse, arguments: ExchangeArguments, printer: Printer) -> None:
    """Write the body while it arrives. On a terminal it ends with a line end, and a binary body is refused.

    Raises: OutputRefused; BrokenPipeError, if the reader of the output has closed the pipe.
    """
    with contextlib.ExitStack() as stack:
        to_file = arguments.output is not None and arguments.output != "-"
        try:
            out = stack.enter_context(open_file(arguments.output or "")) if to_file else printer.out.buffer
        except OSError as error:
            raise OutputRefused(f"cannot write {arguments.output}: {error.strerror or error}") from error
        is_shown = arguments.output is None and printer.out.isatty()
        last = b"\n"
        async for data in response.raw:
            if is_shown and b"\0" in data:
                raise OutputRefused("the body is binary; -o FILE keeps it, -o - prints it nevertheless")
            try:
                out.write(data)
                out.flush()
            except BrokenPipeError:
                raise
            except OSError as error:
                raise OutputRefused(f"cannot write the body: {error.strerror or error}") from error
            last = data
        if is_shown and not last.endswith(b"\n"):
            printer.line()


def open_file(path: str) -> BinaryIO:
    """Open the file for the body. This blocks the loop, on which nothing else runs.

    Raises: OSError.
    """
    return Path(path).open("wb")


def run(work: Coroutine[Any, Any, int], printer: Printer) -> int:
    """Run a command, and return its exit status. An error is written as one line."""
    try:
        return run_and_report(work, printer)
    except BrokenPipeError:
        discard_output(printer)
        return PIPE_CLOSED
    except KeyboardInterrupt:
        return INTERRUPTED


def run_and_report(work: Coroutine[Any, Any, int], printer: Printer) -> int:
    """Run a command, and return its exit status; write errors other than of the output and Ctrl-C.

    Raises: BrokenPipeError, if the reader of the output has closed the pipe.
    """
    try:
        return asyncio.run(work)
    except (InvalidURL, PluginError, LocalProtocolError) as error:
        printer.error(error)
        return WRONG_USE
    except HooklineError as error:
        printer.error(error)
        return NO_RESPONSE
    except OutputRefused as error:
        printer.error(str(error))
        return NOT_WRITTEN
    except TimeoutError:
        printer.error("HttpTimeout: the body did not end within the timeout")
        return NO_RESPONSE


def discard_output(printer: Printer) -> None:
    """Discard what is still buffered, since the pipe is closed: flushing it at exit would print an error."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        for stream in (printer.out, printer.err):
            os.dup2(nowhere, stream.fileno())
    finally:
        os.close(nowhere)

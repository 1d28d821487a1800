"""One exchange from a command line: its arguments, its output, its exit status. `python -m hookline` adds nothing.

The head and the body go to standard output, events and errors to standard error. The body is written as it comes.

Exit status: 0 for a response below 400, 4 for 4xx, 5 for 5xx; 1 when the output cannot be written; 2 for wrong
arguments, a wrong URL and plugins that cannot be loaded; 3 when there is no whole response; 130 after Ctrl-C; 141 when
the reader of the output went away.
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

from ..client.client import HttpClient
from ..errors import HooklineError, InvalidURL, LocalProtocolError, PluginError
from ..exchange.response import HttpResponse
from ..messages.url import lacks_slashes
from .printer import Events, Printer

DONE, NOT_WRITTEN, WRONG_USE, NO_RESPONSE, INTERRUPTED, PIPE_CLOSED = 0, 1, 2, 3, 130, 141

_HAS_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://").match


@dataclass
class Order:
    """What the user asked for.

    timeout: seconds for everything, None = any time. output: a path, "-" for the body alone, None for head and body.
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


class OutputRefused(Exception):  # no failed exchange: not of the tree of errors
    """The body, or a part of it, cannot go where it should."""


# -- arguments -------------------------------------------------------------------------------------------------------


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of one exchange."""
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
    """Add `--disable`."""
    parser.add_argument(
        "--disable", action="append", default=[], metavar="NAME", help="leave a plugin out; may be given again"
    )


def as_seconds(text: str) -> float:
    """A number of seconds above 0.

    Raises: ValueError.
    """
    value = float(text)
    if not 0 < value < math.inf:
        raise ValueError(text)
    return value


as_seconds.__name__ = "number of seconds"  # argparse puts it into its message


def read_order(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> Order:
    """What the arguments say. Wrong ones end the program, as argparse does it."""
    given = parser.parse_intermixed_args(arguments)
    *before, url = given.words
    if len(before) > 1:
        parser.error(f"expected [METHOD] URL, got {' '.join(given.words)}")
    if not before and url.isalpha() and url.isupper():
        parser.error(f"a URL is missing behind {url}")
    order = Order(before[0].upper() if before else "GET" if given.data is None else "POST", with_scheme(url))
    for line in given.header:
        name, colon, value = line.partition(":")
        if not colon:
            parser.error(f"-H takes 'NAME: VALUE', got {line!r}")
        order.headers.append((name.strip(), value.strip() or None))
    if given.data is not None:
        try:
            order.data = read_data(given.data)
        except OSError as error:
            parser.error(f"-d {given.data}: {error.strerror or error}")
    order.output, order.timeout, order.verify = given.output, given.timeout, not given.no_verify
    order.disable, order.verbose = given.disable, given.verbose
    return order


def with_scheme(url: str) -> str:
    """The URL, with http:// before one that has no scheme."""
    return url if _HAS_SCHEME(url) or lacks_slashes(url) else f"http://{url}"


def read_data(text: str) -> bytes:
    """The body that `-d` means.

    Raises: OSError.
    """
    if text == "@-":
        return sys.stdin.buffer.read()
    return Path(text[1:]).read_bytes() if text.startswith("@") else text.encode("utf-8", "surrogateescape")


# -- the exchange ----------------------------------------------------------------------------------------------------


async def send(order: Order, printer: Printer) -> int:
    """Send the order and write what comes back; returns the exit status.

    Raises: HooklineError; OutputRefused.
    """
    deadline = None if order.timeout is None else asyncio.get_running_loop().time() + order.timeout
    plugins = [Events(printer)] if order.verbose else []
    async with HttpClient(disable=order.disable, plugins=plugins) as client:
        response = await client.request(
            order.method,
            order.url,
            headers=order.headers,
            data=order.data,
            verify=order.verify,
            timeout=order.timeout,
            stream=True,
        )
        async with response:
            if order.output != "-":
                printer.head(response)
            async with asyncio.timeout_at(deadline):
                await write_body(response, order, printer)
    return DONE if response.status_code < 400 else response.status_code // 100


async def write_body(response: HttpResponse, order: Order, printer: Printer) -> None:
    """Write the body as it comes; on a terminal, unless it is binary.

    Raises: OutputRefused.
    """
    with contextlib.ExitStack() as stack:
        to_file = order.output is not None and order.output != "-"
        try:
            out = stack.enter_context(open_file(order.output or "")) if to_file else printer.out.buffer
        except OSError as error:
            raise OutputRefused(f"cannot write {order.output}: {error.strerror or error}") from error
        is_shown = order.output is None and printer.out.isatty()
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
    """The file that the body goes to. It blocks the loop, on which nothing else runs.

    Raises: OSError.
    """
    return Path(path).open("wb")


def run(work: Coroutine[Any, Any, int], printer: Printer) -> int:
    """Run a command to its exit status; what goes wrong becomes one line."""
    try:
        return run_loudly(work, printer)
    except BrokenPipeError:
        forget_output(printer)
        return PIPE_CLOSED
    except KeyboardInterrupt:
        return INTERRUPTED


def run_loudly(work: Coroutine[Any, Any, int], printer: Printer) -> int:
    """The part of `run` that writes about errors.

    Raises: BrokenPipeError, when there is nobody to read them.
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


def forget_output(printer: Printer) -> None:
    """Nobody reads on: what is still buffered must not become an error when the interpreter ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        for stream in (printer.out, printer.err):
            os.dup2(nowhere, stream.fileno())
    finally:
        os.close(nowhere)


def main(arguments: Sequence[str] | None = None) -> int:
    """`python -m hookline`; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m hookline", description="Send one HTTP request and print the response."
    )
    add_arguments(parser)
    printer = Printer()
    return run(send(read_order(parser, sys.argv[1:] if arguments is None else arguments), printer), printer)

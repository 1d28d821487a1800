"""Run the work of a command: its exit status, and its errors, each as one line."""

from __future__ import annotations

import os
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

from .output.printer import Printer

DONE, NOT_WRITTEN, WRONG_USE, NO_RESPONSE, INTERRUPTED, PIPE_CLOSED = 0, 1, 2, 3, 130, 141


class UsageError(Exception):
    """The arguments are wrong. The message says what was expected, what came and what to do."""


class OutputRefused(Exception):  # no HooklineError, because the exchange did not fail
    """The body, or a part of it, cannot be written to where it should go."""


@contextmanager
def refusal(what: str) -> Iterator[None]:
    """Turn an OSError within the block into OutputRefused. what: the beginning of the message."""
    try:
        yield
    except OSError as error:
        raise OutputRefused(f"{what}: {error.strerror or error}") from error


def run(work: Coroutine[Any, Any, int], printer: Printer) -> int:
    """Run a command, and return its exit status. An error is written as one line."""
    import asyncio
    import gc

    from hookline import HooklineError, InvalidURL, LocalProtocolError, PluginError

    gc.enable()
    try:
        return asyncio.run(work)
    except (UsageError, InvalidURL, PluginError, LocalProtocolError) as error:
        printer.error(error)
        return WRONG_USE
    except HooklineError as error:
        printer.error(error)
        return NO_RESPONSE
    except OutputRefused as error:
        printer.error(error)
        return NOT_WRITTEN
    except BrokenPipeError:
        discard_output(printer)
        return PIPE_CLOSED
    except KeyboardInterrupt:
        return INTERRUPTED
    except TimeoutError:
        printer.error("HttpTimeout: the body did not end within the timeout")
        return NO_RESPONSE
    except Exception as error:
        where = next((note for note in getattr(error, "__notes__", ()) if note.startswith("raised in ")), None)
        if where is None or "plugin" not in where:
            raise
        printer.error(f"{type(error).__name__}: {error}; {where}; --disable leaves it out")
        return NO_RESPONSE


def discard_output(printer: Printer) -> None:
    """Discard what is still buffered, since the pipe is closed: flushing it at exit would print an error."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        for stream in (printer.out, printer.err):
            os.dup2(nowhere, stream.fileno())
    finally:
        os.close(nowhere)

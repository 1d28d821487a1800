"""The command line of Hookline."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

__version__ = "0.1.0"

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command `hookline`, and return its exit status. arguments: None = those of the program.

    Example::

        from hookline_cli import main

        print(main(["http://127.0.0.1:8000/json"]))
    """
    gc.disable()  # while modules are imported, which leaves nothing to collect: 5 ms; `run` enables it for the work
    try:
        from .commands import run_command

        return run_command(arguments)
    finally:
        gc.enable()


def program() -> NoReturn:
    """Run the command as a program, and end the process at once: to take the interpreter apart takes 10 ms."""
    import atexit

    status = main()
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:  # the reader has gone, which the status says if it was within the command
        pass
    os._exit(status)

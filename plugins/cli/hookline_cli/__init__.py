"""The command line of Hookline."""

from __future__ import annotations

from collections.abc import Sequence

__version__ = "0.1.0.dev0"

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command `hookline`, and return its exit status. arguments: None = those of the program."""
    from .commands import run_command

    return run_command(arguments)

"""`hookline plugins check NAME`: the conformance kit of hookline-testing, which is asked for when it is needed."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from hookline import PluginError
from hookline.cli.console import DONE, INTERRUPTED, WRONG_USE, run
from hookline.cli.printer import Printer, printable

from .loading import load
from .states import find_all, named

FAILED = 1


def check(printer: Printer, name: str, settings: Iterable[str]) -> int:
    """Put a plugin, or all of a distribution, through the checks; returns the exit status, 1 when one fails.

    settings: `KEY=VALUE`, keywords of the clients of the checks.
    """
    try:
        options = read_settings(settings)
        check_plugin = conformance_kit()
    except PluginError as error:
        printer.error(error)
        return WRONG_USE
    names: list[str] = []
    status = run(choose(name, names), printer)
    for each in names:
        try:
            report = check_plugin(each, **options)
        except KeyboardInterrupt:
            return INTERRUPTED
        written = run(write(printer, str(report)), printer)
        if written != DONE:
            return written
        status = status if report.passed else FAILED
    return status


def conformance_kit() -> Callable[..., Any]:
    """The function that makes the checks. It runs loops of its own.

    Raises: PluginError, where hookline-testing is not installed.
    """
    try:
        from hookline_testing.conformance import check_plugin
    except ModuleNotFoundError as error:
        if error.name not in ("hookline_testing", "hookline_testing.conformance"):
            raise
        raise PluginError(
            "the checks are in the distribution hookline-testing, which is not installed: pip install hookline-testing"
        ) from error
    return check_plugin


def read_settings(settings: Iterable[str]) -> dict[str, Any]:
    """Keywords from `KEY=VALUE`; a value that is no Python literal is text.

    Raises: PluginError.
    """
    found: dict[str, Any] = {}
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals or not key.isidentifier():
            raise PluginError(f"expected KEY=VALUE, a keyword of a client, got {setting!r}")
        try:
            found[key] = ast.literal_eval(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):  # what literal_eval says of other text
            found[key] = text
    return found


async def choose(name: str, names: list[str]) -> int:
    """Put the names of the plugins that a name means into `names`; returns the exit status.

    Raises: PluginError, for a name that is not there.
    """
    client, broken = load(())
    async with client:
        names += [found.name for found in named(name, find_all(client, broken))]
    return DONE


async def write(printer: Printer, text: str) -> int:
    """Write the lines of a report."""
    lines: Sequence[str] = text.splitlines()
    for line in lines:
        printer.line(printable(line))
    return DONE

"""`hookline plugins check NAME`: run the conformance checks of hookline-testing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from hookline import PluginError

from .arguments.client_options import parse_setting
from .installed import find_by_name, installed_plugins
from .loading import load_client
from .output.printer import Printer, printable
from .running import DONE, INTERRUPTED, WRONG_USE, run

FAILED = 1  # the exit status when a check fails


def check_plugins(printer: Printer, name: str, settings: Iterable[str]) -> int:
    """Check a plugin, or all plugins of a distribution; return the exit status, 1 if a check fails.

    settings: options of the clients in the checks, as `KEY=VALUE`.

    Raises: UsageError.
    """
    options = dict(map(parse_setting, settings))
    try:
        check_plugin = import_check()
    except PluginError as error:
        printer.error(error)
        return WRONG_USE
    names: list[str] = []
    status = run(find_names(name, names), printer)
    for each in names:
        try:
            report = check_plugin(each, **options)
        except KeyboardInterrupt:
            return INTERRUPTED
        written = run(print_report(printer, str(report)), printer)
        if written != DONE:
            return written
        status = status if report.passed else FAILED
    return status


def import_check() -> Callable[..., Any]:
    """Import the function that runs the checks. It runs event loops of its own, so it must not be called in one.

    Raises: PluginError, if hookline-testing is not installed.
    """
    try:
        from hookline_testing.conformance import check_plugin
    except ModuleNotFoundError as error:
        if error.name not in ("hookline_testing", "hookline_testing.conformance"):
            raise
        raise PluginError(
            "the checks need the distribution hookline-testing, which is not installed: pip install hookline-testing"
        ) from error
    return check_plugin


async def find_names(name: str, names: list[str]) -> int:
    """Append to `names` the plugins that a name stands for; return the exit status.

    Raises: PluginError, for an unknown name.
    """
    async with load_client(()) as client:
        names += [plugin.name for plugin in find_by_name(name, installed_plugins(client))]
    return DONE


async def print_report(printer: Printer, text: str) -> int:
    """Print the lines of a report; return the exit status."""
    lines: Sequence[str] = text.splitlines()
    for line in lines:
        printer.line(printable(line))
    return DONE

"""Load a client even if some plugins cannot be used, so that the others can be shown."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence

from hookline import HttpClient, PluginError

from .installed import InstalledPlugin
from .output.printer import Printer
from .running import DONE, WRONG_USE


def load_client(disable: Sequence[str]) -> HttpClient:
    """Return a client without the plugins that are broken; `installed_plugins` says why they are.

    Raises: PluginError, for an error that leaving out plugins does not remove.
    """
    silent = logging.Logger("hookline")  # what core would warn of is printed by `print_broken`
    silent.addHandler(logging.NullHandler())
    return HttpClient(disable=list(disable), broken_plugins="skip", logger=silent)


def load_single(name: str) -> HttpClient:
    """Return a client with one installed plugin only.

    Raises: PluginError, if it cannot be loaded.
    """
    client = HttpClient(plugins=[name], autoload=False, broken_plugins="error")
    len(client.plugins)
    return client


def print_broken(printer: Printer, plugins: Iterable[InstalledPlugin]) -> int:
    """Print why each broken plugin cannot be used; return the exit status: 2 for one that clients do not skip."""
    status = DONE
    for plugin in plugins:
        if plugin.error:
            printer.error(PluginError(plugin.error))
            status = WRONG_USE if plugin.state == "broken" else status
    return status

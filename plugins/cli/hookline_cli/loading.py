"""Load a client even if some plugins cannot be loaded, so that the others can be shown."""

from __future__ import annotations

import re
from collections.abc import Sequence

from hookline import HttpClient, PluginError

# Core ends each message about a plugin that cannot be loaded with this; the plugin's own message may come before it.
_LEFT_OUT_BY = re.compile(r".*disable=\['([^']+)'\] (?:leaves|breaks)", re.DOTALL)


def load_client(disable: Sequence[str]) -> tuple[HttpClient, dict[str, PluginError]]:
    """Return a client, and the errors of the plugins that had to be left out of it, by name.

    Raises: PluginError, for an error that leaving out plugins does not remove.
    """
    broken: dict[str, PluginError] = {}
    while True:
        try:
            client = HttpClient(disable=[*disable, *broken])
            len(client.plugins)  # core checks how the plugins fit together at the first access
        except PluginError as error:
            found = _LEFT_OUT_BY.match(str(error))
            if found is None or found[1] in (*disable, *broken):
                raise
            broken[found[1]] = error
        else:
            return client, broken


def load_single(name: str) -> HttpClient:
    """Return a client with one installed plugin only.

    Raises: PluginError, if it cannot be loaded.
    """
    client = HttpClient(plugins=[name], autoload=False)
    len(client.plugins)
    return client

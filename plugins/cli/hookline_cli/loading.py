"""A client without the plugins that cannot be loaded, so that the others can be shown beside them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from hookline import HttpClient, PluginError

# Each message of core about a plugin that cannot be loaded ends so. Before it may stand what the plugin itself says.
_LEFT_OUT_BY = re.compile(r".*disable=\['([^']+)'\] (?:leaves|breaks)", re.DOTALL)


def load(disable: Sequence[str]) -> tuple[HttpClient, dict[str, PluginError]]:
    """The client, and by name the plugins that had to be left out of it, each with what is wrong with it.

    Raises: PluginError, where leaving out one plugin is no remedy.
    """
    broken: dict[str, PluginError] = {}
    while True:
        try:
            client = HttpClient(disable=[*disable, *broken])
            len(client.plugins)  # what does not fit together shows when somebody looks
        except PluginError as error:
            found = _LEFT_OUT_BY.match(str(error))
            if found is None or found[1] in (*disable, *broken):
                raise
            broken[found[1]] = error
        else:
            return client, broken


def load_alone(name: str) -> HttpClient:
    """A client with one plugin that is installed.

    Raises: PluginError, where it cannot be loaded.
    """
    client = HttpClient(plugins=[name], autoload=False)
    len(client.plugins)
    return client

"""The client of one command, made from the options of its command line."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Any

from hookline import HooklineError, HttpClient, Option

from ..arguments.client_options import ClientOptions
from ..running import UsageError

# Parameters of a client that are no options, so that a call does not take them.
PARAMETERS = frozenset(inspect.signature(HttpClient).parameters) - {
    "headers",
    "params",
    "plugins",
    "disable",
    "options",
}


def open_client(options: ClientOptions, plugins: Iterable[Any] = ()) -> tuple[HttpClient, dict[str, Any]]:
    """Make a client, and return it with the options that are for the call, so that they hold for the origin of its URL.

    plugins: objects to add to those that the command line names.

    Raises: UsageError, for a wrong value; PluginError.
    """
    try:
        client = HttpClient(disable=options.disable, plugins=[*options.plugins, *plugins])
        own = PARAMETERS | {option.name for info in client.plugins for option in info.of(Option) if not option.request}
        for name, value in options.keywords.items():
            if name in own or name == "trust_env":  # the option of core that only a client has
                setattr(client, name, value)
    except HooklineError:
        raise
    except (TypeError, ValueError, AttributeError) as error:
        raise UsageError(str(error)) from error
    return client, {name: value for name, value in options.keywords.items() if name not in own | {"trust_env"}}

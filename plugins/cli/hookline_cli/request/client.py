"""The client of one command, made from the options of its command line."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from hookline import HooklineError, HttpClient, Option

from ..arguments.client_options import ClientOptions
from ..running import UsageError
from .plan import RequestPlan

FOR_CALLS = {"headers", "params", "plugins", "disable", "options"}  # parameters of a client that a call takes too


def open_client(options: ClientOptions, plugins: Iterable[Any] = ()) -> tuple[HttpClient, dict[str, Any]]:
    """Make a client, and return it with the options that are for the call, so that they hold for the origin of its URL.

    plugins: objects to add to those that the command line names.

    Raises: UsageError, for a wrong value; PluginError.
    """
    with usage_errors(TypeError, ValueError, AttributeError):
        client = HttpClient(disable=options.disable, plugins=[*options.plugins, *plugins])
        own = names_of_client(client) if options.keywords else frozenset()
        for name, value in options.keywords.items():
            if name in own:
                setattr(client, name, value)
    return client, {name: value for name, value in options.keywords.items() if name not in own}


def names_of_client(client: HttpClient) -> frozenset[str]:
    """Return the keywords of a client that a call does not take."""
    of_plugins = {option.name for info in client.plugins for option in info.of(Option) if not option.request}
    parameters = inspect.signature(HttpClient).parameters.keys() - FOR_CALLS
    return frozenset(parameters | of_plugins | {"trust_env"})  # the option of core that only a client has


async def request(client: HttpClient, plan: RequestPlan, keywords: dict[str, Any], *, stream: bool = False) -> Any:
    """Send the request of a plan, and return what the call gives. keywords: options of the call.

    Raises: HooklineError; UsageError, for a wrong value.
    """
    with usage_errors(TypeError, ValueError):
        return await client.request(plan.method, plan.url, **{**plan.keywords, **keywords}, stream=stream)


@contextmanager
def usage_errors(*kinds: type[Exception]) -> Iterator[None]:
    """Raise errors of these kinds, which wrong values on the command line cause, as UsageError; no HooklineError."""
    try:
        yield
    except HooklineError:
        raise
    except kinds as error:
        raise UsageError(str(error)) from error

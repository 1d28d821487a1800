"""The network point: where a request would go out, an active mock or cassette may take it.

Clients that are made while one is active get the plugin by HOOKLINE_PLUGINS; older ones by `Interceptor.attach`.
"""

from __future__ import annotations

import os
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, Self

from hookline import HttpRequest, HttpResponse, Route, hookimpl

if TYPE_CHECKING:
    from hookline import HttpClient

VARIABLE = "HOOKLINE_PLUGINS"
NAME = "testing"

_active: list[Interceptor] = []  # the innermost last


class NetworkPoint:
    """The plugin. It runs after all that say where a request goes, and sends it to whoever is active and wants it."""

    name = NAME
    after = ("tunnel",)

    def __init__(self) -> None:
        self.attached_by: list[Interceptor] = []  # empty where the client was made with it

    @hookimpl(trylast=True)
    def pre_request(self, response: HttpResponse, cause: str) -> None:
        for interceptor in reversed(_active):
            route = interceptor.route_for(response.request)
            if route is not None:
                response.request.route = route
                return


class Interceptor:
    """What takes requests at the network point while it is active: inside its `with` block, in all threads."""

    def __init__(self) -> None:
        self._before: str | None = None
        self._attached: list[tuple[HttpClient, NetworkPoint]] = []

    def route_for(self, request: HttpRequest) -> Route | None:
        """The route of a request that it takes; None for another."""
        raise NotImplementedError

    def attach(self, client: HttpClient) -> None:
        """Take the requests of a client that was made before, too; until the end of the `with` block.

        Raises: RuntimeError, outside of the block: they would go to the network.
        """
        if self not in _active:
            raise RuntimeError(
                f"{type(self).__name__}.attach is for the inside of its with block: requests would go to the network"
            )
        manager = client.plugins.manager
        point = next((plugin for plugin in manager.get_plugins() if isinstance(plugin, NetworkPoint)), None)
        if point is None:
            point = NetworkPoint()
            manager.register(point)
        elif self in point.attached_by or not point.attached_by:
            return
        point.attached_by.append(self)
        self._attached.append((client, point))

    def __enter__(self) -> Self:
        if not any(point.name == NAME for point in entry_points(group="hookline.optional")):
            raise RuntimeError(
                "the entry point 'testing' of hookline-testing is not installed: clients would not be intercepted"
            )
        if self in _active:
            raise RuntimeError(f"{type(self).__name__} is active already")
        self._before = os.environ.get(VARIABLE)
        os.environ[VARIABLE] = f"{self._before},{NAME}" if self._before else NAME
        _active.append(self)
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: Any) -> None:
        _active.remove(self)
        if self._before is None:
            os.environ.pop(VARIABLE, None)
        else:
            os.environ[VARIABLE] = self._before
        for client, point in self._attached:
            point.attached_by.remove(self)
            if not point.attached_by:  # else another one has the client still
                client.plugins.manager.unregister(point)
        self._attached.clear()


def bare_client(*plugins: Any) -> HttpClient:
    """A client with core alone, which sends fields as they are given, and which nothing intercepts."""
    from hookline import HttpClient

    optional = {point.name for point in entry_points(group="hookline.optional")}
    asked = {name.strip() for name in os.environ.get(VARIABLE, "").split(",")}
    client = HttpClient(plugins=plugins, autoload=False, disable=sorted(optional & {*asked, NAME}))
    client.headers.clear()
    return client

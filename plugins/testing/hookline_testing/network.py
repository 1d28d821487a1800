"""The network point: an active mock or cassette takes requests that would go out to the network.

Clients that are made while one is active load the plugin through HOOKLINE_PLUGINS; `Interceptor.attach` adds it to older
ones.
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
    """The plugin `testing`. It runs after all plugins that set routes, and gives each request the route of an interceptor."""

    name = NAME
    after = ("tunnel",)

    def __init__(self) -> None:
        self.attached_by: list[Interceptor] = []  # empty if the client was made with this plugin

    @hookimpl(trylast=True)
    def pre_request(self, response: HttpResponse, cause: str) -> None:
        for interceptor in reversed(_active):
            route = interceptor.route_for(response.request)
            if route is not None:
                response.request.route = route
                return


class Interceptor:
    """The base class of mocks and cassettes: takes requests at the network point inside its `with` block, in all threads."""

    def __init__(self) -> None:
        self._before: str | None = None
        self._attached: list[tuple[HttpClient, NetworkPoint]] = []

    def route_for(self, request: HttpRequest) -> Route | None:
        """Return the route for a request, None = do not take it."""
        raise NotImplementedError

    def attach(self, client: HttpClient) -> None:
        """Take the requests of a client that was made before, too, until the end of the `with` block.

        Raises: RuntimeError, outside of the block, where the requests would go to the network.

        Example::

            from hookline import HttpClient
            from hookline_testing import Cassette

            with HttpClient() as client:  # made before
                with Cassette("json.har") as cassette:
                    cassette.attach(client)
                    client.get("http://127.0.0.1:8000/json")
                    cassette.discard()  # no file is written
        """
        if self not in _active:
            raise RuntimeError(
                f"{type(self).__name__}.attach works only inside its with block: outside, requests go to the network"
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
            if not point.attached_by:  # no other interceptor needs it
                client.plugins.manager.unregister(point)
        self._attached.clear()


def unintercepted_client(*plugins: Any) -> HttpClient:
    """Return a client with core and `plugins` only, which sends no fields but the given ones, and is not intercepted."""
    from hookline import HttpClient

    optional = {point.name for point in entry_points(group="hookline.optional")}
    requested = {name.strip() for name in os.environ.get(VARIABLE, "").split(",")}
    client = HttpClient(plugins=plugins, autoload=False, disable=sorted(optional & {*requested, NAME}))
    client.headers.clear()
    return client

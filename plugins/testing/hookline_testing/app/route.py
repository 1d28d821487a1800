"""`app_route(app)`: send the requests of a client to an application in memory."""

from __future__ import annotations

import inspect
from collections.abc import Hashable
from typing import Any, Self

from hookline import Connection, HttpClient, HttpResponse, Route, hookimpl

from ..memory.connection import ServerConnection
from ..memory.exchange import Exchange
from ..memory.origin import Origin
from ..memory.route import MemoryRoute
from ..memory.server import MemoryServer
from .asgi import run_asgi
from .lifespan import Lifespan
from .wsgi import run_wsgi


class AppRoute(Route):
    """A route to an application, and a plugin that sets this route for all requests of a client. Made by `app_route`.

    `async with` runs the startup and the shutdown of an ASGI application. After that, no more requests are served.

    Example::

        from hookline import HttpClient
        from hookline_testing import AppRoute, app_route


        def app(environ, start_response):
            start_response("200 OK", [("Content-Type", "text/plain")])
            return [environ["PATH_INFO"].encode()]


        async with app_route(app) as route, HttpClient(plugins=[route]) as client:
            assert isinstance(route, AppRoute)
            request = client.build_request("GET", "http://app.example/path")
            request.route = route.at(request.origin)  # what the plugin does with each request
            print((await client.send(request)).text)
    """

    name = "app_route"
    after = ("tunnel",)

    def __init__(self, app: Any, *, raise_errors: bool = True) -> None:
        self._app = app
        self._is_asgi = is_asgi(app)
        self._raise_errors = raise_errors
        self._lifespan: Lifespan | None = None
        self._errors: list[BaseException] = []  # that no call of a client raised
        self._is_closed = False
        self._server = MemoryServer(self._serve)

    @property
    def key(self) -> Hashable:
        return self.at(Origin("http", "localhost", 80)).key

    async def open(self, client: HttpClient) -> Connection:
        return await self.at(Origin("http", "localhost", 80)).open(client)  # type: ignore[return-value]  # a server in memory speaks HTTP/1.1

    def at(self, origin: Origin) -> Route:
        """Return the route for requests to an origin, which the application sees as its scheme, host and port."""
        return MemoryRoute(self._server, origin)

    @hookimpl(trylast=True)
    def pre_request(self, response: HttpResponse, cause: str) -> None:
        origin = response.request.origin
        response.request.route = self.at(Origin(origin.scheme, origin.host, origin.port))

    async def __aenter__(self) -> Self:
        self._is_closed = False
        if self._is_asgi:
            if self._lifespan is not None:
                raise RuntimeError("the application is running already: its route was entered twice")
            self._lifespan = Lifespan(self._app)
            try:
                await self._lifespan.startup()
            except BaseException:
                self._lifespan = None
                raise
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *error: object) -> None:
        self._is_closed = True
        await self._server.close()
        lifespan, self._lifespan = self._lifespan, None
        if lifespan is not None:
            await lifespan.shutdown()
        errors, self._errors = self._errors, []
        if errors and kind is None:
            for other in errors[1:]:
                errors[0].add_note(f"then: {other!r}")
            raise errors[0]

    async def _serve(self, connection: ServerConnection) -> None:
        while (request := await connection.next_request()) is not None:
            if self._is_closed:
                raise RuntimeError("the application was shut down: its route is used after its async with block")
            exchange = Exchange(connection, request)
            try:
                await self._answer(exchange)
                if exchange.has_left_http:
                    return
                if not exchange.is_complete:
                    raise RuntimeError("the application returned before its response was complete")
            except Exception as error:
                if exchange.is_complete or exchange.has_left_http:
                    if self._raise_errors and not connection.gone.is_set():
                        self._errors.append(error)
                    return
                if self._raise_errors or connection.gone.is_set():
                    raise
                if exchange.is_head_sent:
                    return
                await exchange.answer_500()
            await exchange.end()

    async def _answer(self, exchange: Exchange) -> None:
        if not self._is_asgi:
            await run_wsgi(self._app, exchange)
            return
        state = None if self._lifespan is None else self._lifespan.state
        if exchange.is_websocket_handshake:
            await self._open_websocket(exchange, state)
            return
        await run_asgi(self._app, exchange, state, delay_5xx=self._raise_errors)

    async def _open_websocket(self, exchange: Exchange, state: dict[str, Any] | None) -> None:
        from .websocket import run_websocket  # it needs wsproto, which hookline-websocket requires

        await run_websocket(self._app, exchange, state)


def app_route(app: Any, *, raise_errors: bool = True) -> AppRoute:
    """Return a route to an ASGI or WSGI application in memory.

    raise_errors: True = the client's call raises an exception of the application as it is; False = the client gets a 500.

        async with app_route(app) as route, HttpClient(plugins=[route]) as client:
            await client.get("http://app.example/path")

    The application sees the scheme, the host and the port of the URL; https needs no certificate.

    Raises: TypeError, for an object that is not an application.

    Example: docs/testing.md#applications-in-memory
    """
    return AppRoute(app, raise_errors=raise_errors)


def is_asgi(app: Any) -> bool:
    """Say whether an application is ASGI or WSGI: ASGI if it is a coroutine function, else by the number of arguments.

    Raises: TypeError.
    """
    if not callable(app):
        raise TypeError(f"app_route takes an ASGI or WSGI application, not {app!r}")
    call = app if inspect.isroutine(app) else app.__call__
    if inspect.iscoroutinefunction(app) or inspect.iscoroutinefunction(call):
        return True
    try:
        count = sum(
            parameter.default is parameter.empty
            and parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
            for parameter in inspect.signature(app).parameters.values()
        )
    except ValueError:
        count = 0
    if count not in (2, 3):
        raise TypeError(f"app_route takes an application of ASGI (3 arguments) or WSGI (2), and {app!r} takes {count}")
    return count == 3

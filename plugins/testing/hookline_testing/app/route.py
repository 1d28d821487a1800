"""`app_route(app)`: an application in memory, as the route of a client's requests."""

from __future__ import annotations

import inspect
from collections.abc import Hashable
from typing import TYPE_CHECKING, Any, Self

from hookline import HttpResponse, Route, hookimpl

from ..memory.exchange import Exchange
from ..memory.line import Line, Lines, Place
from ..memory.route import PlaceRoute
from .asgi import run_asgi
from .lifespan import Lifespan
from .wsgi import run_wsgi

if TYPE_CHECKING:
    from hookline import HttpClient


class AppRoute(Route):
    """An application as a Route, and as the plugin that sends all requests of a client there. Made by `app_route`.

    Entering it runs the startup of an ASGI application, leaving it the shutdown; then it serves no more.
    """

    name = "app_route"
    after = ("tunnel",)

    def __init__(self, app: Any, *, raise_errors: bool = True) -> None:
        self._app = app
        self._is_asgi = is_asgi(app)
        self._raise_errors = raise_errors
        self._lifespan: Lifespan | None = None
        self._errors: list[BaseException] = []  # that no call could raise
        self._is_left = False
        self._lines = Lines(self._serve)

    @property
    def key(self) -> Hashable:
        return self.at(Place("http", "localhost", 80)).key

    async def open(self, client: HttpClient) -> Any:
        return await self.at(Place("http", "localhost", 80)).open(client)

    def at(self, place: Place) -> Route:
        """The route of requests to one origin: the application is told its scheme, host and port."""
        return PlaceRoute(self._lines, place)

    @hookimpl(trylast=True)
    def pre_request(self, response: HttpResponse, cause: str) -> None:
        origin = response.request.origin
        response.request.route = self.at(Place(origin.scheme, origin.host, origin.port))

    async def __aenter__(self) -> Self:
        self._is_left = False
        if self._is_asgi:
            if self._lifespan is not None:
                raise RuntimeError("the application runs already: its route was entered twice")
            self._lifespan = Lifespan(self._app)
            try:
                await self._lifespan.startup()
            except BaseException:
                self._lifespan = None
                raise
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *error: object) -> None:
        self._is_left = True
        await self._lines.close()
        lifespan, self._lifespan = self._lifespan, None
        if lifespan is not None:
            await lifespan.shutdown()
        errors, self._errors = self._errors, []
        if errors and kind is None:
            for other in errors[1:]:
                errors[0].add_note(f"then: {other!r}")
            raise errors[0]

    async def _serve(self, line: Line) -> None:
        while (request := await line.next_request()) is not None:
            if self._is_left:
                raise RuntimeError("the application was shut down: its route is used behind its async with block")
            exchange = Exchange(line, request)
            try:
                await self._answer(exchange)
                if exchange.has_left_http:
                    return
                if not exchange.is_complete:
                    raise RuntimeError("the application returned before its response was whole")
            except Exception as error:
                if exchange.is_complete or exchange.has_left_http:
                    if self._raise_errors and not line.gone.is_set():
                        self._errors.append(error)
                    return
                if self._raise_errors or line.gone.is_set():
                    raise
                if exchange.has_begun:
                    return
                await exchange.answer_500()
            await exchange.end()

    async def _answer(self, exchange: Exchange) -> None:
        if not self._is_asgi:
            await run_wsgi(self._app, exchange)
            return
        state = None if self._lifespan is None else self._lifespan.state
        if exchange.asks_for_websocket:
            await self._open_websocket(exchange, state)
            return
        await run_asgi(self._app, exchange, state, hold=self._raise_errors)

    async def _open_websocket(self, exchange: Exchange, state: dict[str, Any] | None) -> None:
        from .websocket import run_websocket  # wsproto is there where a client can ask for this

        await run_websocket(self._app, exchange, state)


def app_route(app: Any, *, raise_errors: bool = True) -> AppRoute:
    """A route to an ASGI or WSGI application in memory.

    raise_errors: an exception of the application comes out of the client's call, as it is; False: the client gets a 500.

        async with app_route(app) as route, HttpClient(plugins=[route]) as client:
            await client.get("http://app.example/path")

    The URL's scheme, host and port are what the application sees; https needs no certificate.

    Raises: TypeError, for what is no application.
    """
    return AppRoute(app, raise_errors=raise_errors)


def is_asgi(app: Any) -> bool:
    """Tell an ASGI application from one of WSGI: by its coroutine, else by the number of its arguments.

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

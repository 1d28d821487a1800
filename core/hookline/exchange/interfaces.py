"""What exchanges need of the client above them: `HttpClient` and `Configuration` are what is meant."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, Protocol

from multidict import CIMultiDict

from ..hooks.dispatch_table import DispatchTable
from ..http1.connection import Connection
from ..network.loop_resources import Closer, LoopResources
from ..network.pool import Pool
from ..network.route import Route
from ..network.tls import Contexts
from .origin import Destination


class Client(Protocol):
    """The client of a request, as far as exchanges and plugins use it; every `HttpClient` is one."""

    contexts: Contexts
    headers: CIMultiDict[str]
    logger: logging.Logger

    @property
    def loop_resources(self) -> LoopResources: ...

    def _pool_of(self, route: Route) -> Pool: ...

    def _make_request(
        self, method: str, url: str, headers: Any, data: Any, given: dict[str, Any], function: str
    ) -> Any: ...

    def new_request(
        self,
        method: str,
        url: str,
        *,
        cause: str,
        parent: Any = None,
        headers: Any = None,
        data: Any = None,
        **options: Any,
    ) -> Any: ...

    async def exchange(self, request: Any, connection: Connection | None = None) -> Any: ...

    async def pause(self, seconds: float) -> None: ...

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any: ...

    def _run_in_background(self, coroutine: Coroutine[Any, Any, Any]) -> Awaitable[None]: ...

    def check_loop(self, loop: asyncio.AbstractEventLoop) -> None: ...

    def _check_synchronous(self) -> None: ...

    def add_closer(self, closer: Closer) -> None: ...

    def remove_closer(self, closer: Closer) -> None: ...

    def _credential_fields(self) -> frozenset[str]: ...


class Configuration(Protocol):
    """What follows from the plugins and the options of a client; see `hookline.client.configuration`."""

    attributes: tuple[tuple[str, str], ...]
    option_owners: dict[str, str | None]
    closes_connection: bool
    connection_options: frozenset[str]
    credentials: frozenset[str]
    default_fields: list[tuple[str, str]]
    default_names: frozenset[str]
    given_fields: dict[Any, Any]
    last_given_fields: Any
    on_fast_path: bool
    options: dict[str, Any]
    response_type: Callable[..., Any]
    states_framing: bool
    streamed_type: type[Any]
    table: Any
    pre_request_fields: frozenset[str]

    @property
    def client(self) -> Client: ...

    def apply_options(self, request: Any, given: Mapping[str, Any], function: str) -> None: ...

    def destination_of(self, url: str) -> Destination: ...

    def destination_of_call(self, url: str, params: Any = None, *, with_client_params: bool = True) -> Destination: ...

    def dispatch_table_of(self, request: Any) -> DispatchTable: ...

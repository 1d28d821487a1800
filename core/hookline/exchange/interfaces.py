"""What an exchange needs of the client and of its configuration, which are `HttpClient` and `client.configuration`."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Coroutine, Mapping
from typing import Any, Protocol, TypeVar

from multidict import CIMultiDict

from ..hooks.declarations import MediaType
from ..hooks.dispatch_table import DispatchTable
from ..network.loop_resources import LoopResources
from ..network.pool import Pool
from ..network.route import Route
from ..network.tls import Contexts
from .origin import Destination

T = TypeVar("T")


class Client(Protocol):
    """The client of a request, as exchanges and plugins use it. Every `HttpClient` is one.

    contexts: the TLS contexts, one for each kind of TLS. headers: the default fields. logger: for errors without a caller.
    """

    contexts: Contexts
    headers: CIMultiDict[str]
    logger: logging.Logger

    @property
    def loop_resources(self) -> LoopResources:
        """The pools, the timer and the tasks of the loop that the client runs on now."""

    def _pool_of(self, route: Route) -> Pool:
        """Return the pool of a route; made at first use."""

    def _make_request(
        self, method: str, url: str, headers: Any, data: Any, keywords: dict[str, Any], function: str
    ) -> Any:
        """Make the request of a call. keywords: its others. function: the name of what was called, for error messages."""

    def _start_deadline(self, request: Any) -> None:
        """Let the total timeout of a request begin."""

    def run(self, coroutine: Coroutine[Any, Any, T]) -> Coroutine[Any, Any, T]:
        """Return the coroutine if a loop runs; else run it, and return its result."""

    def _run_in_background(self, coroutine: Coroutine[Any, Any, Any]) -> Awaitable[None]:
        """Run a coroutine in a task, and return an awaitable of its end; without a running loop, run it now."""

    def _check_synchronous(self) -> None:
        """Raise RuntimeError if a loop runs, in which nothing may block."""

    def _credential_fields(self) -> frozenset[str]:
        """Return the names of all fields that carry credentials, in lower case, those of plugins that do not run included."""


class Configuration(Protocol):
    """What follows from the plugins and options of a client, as exchanges use it; see `hookline.client.configuration`.

    A client makes a new one when its plugins, handlers, options or default fields change, and one for each set of plugins that
    calls leave out or add.
    """

    attributes: tuple[tuple[str, str], ...]  # those that plugins declare: ("request", "response" or "client", name)
    option_owners: dict[str, str | None]  # option that the client was given -> the plugin that accepted its value
    closes_connection: bool  # do the default fields say Connection: close
    credentials: frozenset[str]  # names of fields that carry credentials, in lower case
    default_fields: list[tuple[str, str]]  # name and value, those that plugins add included
    default_names: frozenset[str]  # their names, in lower case
    given_headers: dict[Any, Any]  # headers= of earlier calls, and what `HttpRequest` has made of them
    last_given_headers: Any  # that of the last call
    last_exact_headers: Any  # exact_headers= of the last call, and what `HttpRequest` has made of it
    on_fast_path: bool  # may a request with all defaults take the fast path
    options: dict[str, Any]  # the value of each option, for requests that do not set it
    pre_request_fields: frozenset[str]  # field names in preconditions of pre_request, in lower case
    bodies: Any  # the BodyTable: who encodes which keyword of a body
    media_types: dict[str, MediaType]  # those that `decode_content` decodes, by name
    response_type: type[Any]  # the class of responses, with the attributes that plugins add
    stream_type: type[Any]  # the class of `response.raw`, with the attributes that plugins add
    states_framing: bool  # do the default fields have to be checked for each request: two Host, or a framing field
    streamed_type: type[Any]  # the same as response_type, for streams
    table: Any  # the OptionTable: who accepts which keyword

    @property
    def client(self) -> Client:
        """The client that it belongs to."""

    def apply_options(self, request: Any, given: Mapping[str, Any], function: str) -> None:
        """Check and set the options that were given for one request; TypeError for an unknown one."""

    def destination_of(self, url: str) -> Destination:
        """Return the destination of an absolute URL."""

    def destination_of_call(self, url: str, params: Any = None, *, with_client_params: bool = True) -> Destination:
        """Return the destination of a URL that may be relative to base_url, with params added."""

    plugins: Any  # the PluginInfo of each plugin that runs, by name
    connection_hooks: Any  # the ConnectionHooks; None = no plugin has any
    run_connected: Any  # of those, if a plugin has `connected`, which would run for each request; None = none has

    @property
    def protocols(self) -> tuple[Any, ...]:
        """All protocols that plugins bring."""

    def protocols_for(self, scheme: str) -> tuple[Any, ...]:
        """Return the protocols that are offered for URLs of a scheme, beside HTTP/1.1."""

    def dispatch_table_of(self, request: Any) -> DispatchTable:
        """Return the dispatch table for this request; that of a sub-request has fewer implementations."""

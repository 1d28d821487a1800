"""The hook specifications, for pluggy: the five events, `declare`, and the hooks of connections and of clients.

The events of one exchange fire in this order: pre_request; data_received for each read up to the whole head; on_headers;
data_processed for the same reads; data_received and data_processed for each further read; post_request.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..exchange.request import HttpRequest
from ..exchange.response import HttpResponse
from ..hooks.declarations import Declaration
from ..hooks.markers import hookspec
from ..wire.carrier import Carrier


class Specifications:
    """The hooks that a plugin can implement. An implementation has those of the parameters that it uses, by name."""

    @hookspec
    def declare(self) -> Iterable[Declaration]:  # type: ignore[empty-body]
        """Return the options, bodies, media types, attributes, schemes, credential fields and default fields of this plugin.

        Called when the plugin is registered, and again after a change of the client's plugins, handlers or default header
        fields. Plain functions only.
        """

    @hookspec
    def pre_request(self, response: HttpResponse, exc: None, cause: str) -> HttpResponse | None:
        """Called once per exchange, before it takes a connection. May be async.

        exc: always None. cause: why the exchange happens, such as "call" or "redirect"; an implementation without this
        parameter is not called for sub-requests of plugins.

        Returns None, or a response: then no request is sent, and this is the response.
        """

    @hookspec
    def on_headers(self, response: HttpResponse, exc: None, interim: bool, cause: str) -> Any:
        """Called once per exchange, for the final head. May be async.

        exc: always None. interim: is it an interim (1xx) head? Only implementations with this parameter are called for
        those. cause: as for pre_request.

        Returns None, or what the caller gets: a response, or an object that took the connection with `response.detach()`.
        """

    @hookspec
    def post_request(
        self, response: HttpResponse, exc: BaseException | None, cause: str
    ) -> HttpRequest | HttpResponse | None:
        """Called exactly once per exchange, however it ends. May be async.

        exc: what went wrong, None if nothing did. cause: as for pre_request.

        Returns None; or a request, which is sent in a new exchange with all its events; or a response, which the caller
        gets in place of this one.
        """

    @hookspec
    def data_received(self, response: HttpResponse, data: bytes) -> None:
        """Called with the bytes of each read, before they are parsed. Plain functions only."""

    @hookspec
    def data_processed(self, response: HttpResponse, data: bytes) -> None:
        """Called with the bytes of each read, after they were parsed. Plain functions only.

        `response.recv_body()` returns the decoded body that has arrived since its last call.
        """


class ConnectionSpecifications:
    """The hooks around connections, beside the events of exchanges. Plugins without them cost nothing."""

    @hookspec
    def connecting(self, request: HttpRequest, host: str, port: int, addresses: list[str]) -> Iterable[str] | None:
        """Called before each dial of a socket: to an origin, to each proxy, and for a request that is sent again.

        May be async. request: for which the connection is opened. host: a name, an IP address, or the path of a unix socket,
        whose port is 0. addresses: the IP addresses of the host in the order to try them; empty for a unix socket.

        Returns None, or the addresses to try instead. What it raises ends the exchange, and nothing is dialled.
        """

    @hookspec
    def connected(self, request: HttpRequest, connection: Carrier) -> None:
        """Called each time a request gets its connection, new or used before, before its first byte is sent.

        Plain functions only. `connection.facts()` has the address of the peer and what TLS has agreed on. What it raises ends
        the exchange.
        """

    @hookspec
    def disconnected(self, connection: Any, exc: BaseException | None) -> None:
        """Called once when a connection is closed or lost. Plain functions only.

        One that was detached counts, if its new owner calls `connection.connection_lost`.

        connection: a Connection, or a MultiplexedConnection. exc: the error that ended it; None if it was closed in order.
        """


class ClientSpecifications:
    """The hooks around the life of a client, beside the events of exchanges. Plugins without them cost nothing.

    They are for the plugins of the client. One that a call adds has `response.request.client` at each event.
    """

    @hookspec
    def attached(self, client: Any) -> None:
        """Called once for each client that the plugin is registered with, when the client is ready. Plain functions only.

        client: an HttpClient; no request was sent with this plugin yet. What it raises, `HttpClient(...)` or `register` raises.
        """

    @hookspec
    def closed(self, client: Any) -> None:
        """Called when the client closes, after the last post_request, while its connections are still open.

        May be async, and may send requests. It is called again if the client was used again. If the loop ends without
        `close()`, it has a second. The exception handler of the loop gets what it raises.
        """


SPECIFICATIONS = (Specifications, ConnectionSpecifications, ClientSpecifications)

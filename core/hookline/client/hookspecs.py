"""The five events, and the registration hook, as pluggy specifications.

Within one exchange: pre_request, then data_received for each read, on_headers, data_processed for each read,
post_request.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..exchange.request import HttpRequest
from ..exchange.response import HttpResponse
from ..hooks.declarations import Declaration
from ..hooks.markers import hookspec


class Specifications:
    """What a plugin may implement. An implementation names those arguments that it uses."""

    @hookspec
    def declare(self) -> Iterable[Declaration]:  # type: ignore[empty-body]
        """Name the options, schemes, attributes, credential fields and default fields that are this plugin's."""

    @hookspec
    def pre_request(self, response: HttpResponse, exc: None, cause: str) -> HttpResponse | None:
        """Once per exchange, before a connection is taken. A response as the answer replaces the network. May be async."""

    @hookspec
    def on_headers(self, response: HttpResponse, exc: None, interim: bool, cause: str) -> Any:
        """Once per exchange, for the final head; for 1xx heads too where `interim` is named. May be async.

        The answer is what the caller gets: a response, or an object that took the connection with `response.detach()`.
        """

    @hookspec
    def post_request(
        self, response: HttpResponse, exc: BaseException | None, cause: str
    ) -> HttpRequest | HttpResponse | None:
        """Exactly once per exchange, however it ends; `exc` says what went wrong. May be async.

        A request as the answer is sent instead, with all events anew; a response replaces this one.
        """

    @hookspec
    def data_received(self, response: HttpResponse, data: bytes) -> None:
        """The bytes of one read, before they are parsed. Plain functions only."""

    @hookspec
    def data_processed(self, response: HttpResponse, data: bytes) -> None:
        """The same bytes after parsing: `response.recv_body()` takes the decoded body so far. Plain functions only."""

"""What the plugin adds to requests and clients, for type checkers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hookline import ClientOption, HttpRequest

if TYPE_CHECKING:
    from .guard import Guard


class GuardRequest:
    """What this plugin adds to requests, for type checkers.

    guard: None or False = none.

    Example::

        from hookline import HttpClient, HttpRequest, HttpResponse
        from hookline_guard import GuardRequest


        class Request(GuardRequest, HttpRequest): ...


        client: HttpClient[HttpResponse[Request]] = HttpClient(plugins=["guard"], guard=True)
        print(client.build_request("GET", "http://127.0.0.1:8000/").guard)
    """

    guard: Guard | bool | None


class GuardClient:
    """What this plugin adds to clients, for type checkers.

    Example::

        from hookline import HttpClient
        from hookline_guard import GuardClient


        class Client(GuardClient, HttpClient): ...


        client = Client(plugins=["guard"], guard=True)
        print(client.guard)
    """

    guard: ClientOption[Guard | bool | None, Guard | bool | None]


if TYPE_CHECKING:

    class Request(GuardRequest, HttpRequest):
        """A request with what this plugin adds."""

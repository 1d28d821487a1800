"""What the plugin adds to requests and clients, for type checkers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hookline import ClientOption, HttpRequest

if TYPE_CHECKING:
    from .guard import Guard


class GuardRequest:
    """What this plugin adds to requests, for type checkers.

    guard: None or False = none.
    """

    guard: Guard | bool | None


class GuardClient:
    """What this plugin adds to clients, for type checkers."""

    guard: ClientOption[Guard | bool | None, Guard | bool | None]


if TYPE_CHECKING:

    class Request(GuardRequest, HttpRequest):
        """A request with what this plugin adds."""

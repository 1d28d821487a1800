"""What a mock says of requests that no route expects, and of routes that nobody used."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..server.seen import SeenRequest
from .expected import Expected

NEAREST = 3  # routes that are compared with an unexpected request


class UnexpectedRequest(AssertionError):
    """A request came that no route of the mock expects. It comes out of the client's call."""


class UnusedRoute(AssertionError):
    """A route, or a reply of one, was not used."""


def describe_unexpected(request: SeenRequest, routes: Iterable[Expected]) -> str:
    """A request, and how it differs from the routes that are the nearest to it."""
    lines = [f"no route expects {request.method} {request.url}"]
    compared = sorted(((route.differences(request), route) for route in routes), key=lambda pair: len(pair[0]))
    if not compared:
        lines.append("the mock has no routes")
    for differences, route in compared[:NEAREST]:
        lines.append(f"  {route}")
        lines += [f"    {line}" for text in differences for line in text.splitlines()]
    if len(compared) > NEAREST:
        lines.append(f"  and {len(compared) - NEAREST} more")
    return "\n".join(lines)


def describe_unused(routes: Sequence[tuple[Expected, int, int]]) -> str:
    """Routes with how many of their replies were used, and how many they have."""
    lines = [f"{len(routes)} route{'s were' if len(routes) > 1 else ' was'} not used as expected"]
    lines += [f"  {route}: {used} of {count} replies" for route, used, count in routes]
    return "\n".join(lines)

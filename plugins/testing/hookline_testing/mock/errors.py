"""The errors of a mock: requests that no route expects, and routes that were not used."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..server.seen_request import SeenRequest
from .expectation import Expectation

MAX_COMPARED = 3  # routes in the message about an unexpected request


class UnexpectedRequest(AssertionError):
    """A request came that no route of the mock expects. The client's call raises it.

    Example::

        from hookline import HttpClient
        from hookline_testing import Mock, UnexpectedRequest

        try:
            with Mock() as mock, HttpClient() as client:
                client.get("https://api.example/other")
        except UnexpectedRequest as error:
            print(error)
    """


class UnusedRoute(AssertionError):
    """A route, or a reply of a route, was not used.

    Example::

        from hookline_testing import Mock, UnusedRoute

        try:
            with Mock() as mock:
                mock.get("https://api.example/items")
        except UnusedRoute as error:
            print(error)
    """


def describe_unexpected(request: SeenRequest, routes: Iterable[Expectation]) -> str:
    """Describe a request, and how it differs from the routes that are most similar."""
    lines = [f"no route expects {request.method} {request.url}"]
    compared = sorted(((route.differences(request), route) for route in routes), key=lambda pair: len(pair[0]))
    if not compared:
        lines.append("the mock has no routes")
    for differences, route in compared[:MAX_COMPARED]:
        lines.append(f"  {route}")
        lines += [f"    {line}" for text in differences for line in text.splitlines()]
    if len(compared) > MAX_COMPARED:
        lines.append(f"  and {len(compared) - MAX_COMPARED} more")
    return "\n".join(lines)


def describe_unused(routes: Sequence[tuple[Expectation, int, int]]) -> str:
    """Describe unused routes. routes: each with the number of its replies that were used, and of all."""
    lines = [f"{len(routes)} route{'s were' if len(routes) > 1 else ' was'} not used as expected"]
    lines += [f"  {route}: {used} of {count} replies" for route, used, count in routes]
    return "\n".join(lines)

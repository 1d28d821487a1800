"""The plugin: follow 301, 302, 303, 307 and 308."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import Any

from hookline import (
    Credential,
    HttpRequest,
    HttpRequestException,
    HttpResponse,
    InvalidURL,
    Option,
    RemoteProtocolError,
    hookimpl,
)

from .errors import TooManyRedirects
from .rules import STATUSES, becomes_get, fields_without_body, redirects_in

MAX_REDIRECTS = 10

Decision = HttpRequest | None
Decide = Callable[[HttpResponse, HttpRequest], "Decision | Awaitable[Decision]"]


def as_limit(value: Any) -> int:
    """A number of redirects. Raises: TypeError, ValueError."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"max_redirects= takes a number, not {type(value).__name__}")
    if value < 0:
        raise ValueError(f"max_redirects= takes 0 or more, not {value}")
    return value


def as_callable(value: Any) -> Decide:
    """Raises: TypeError."""
    if not callable(value):
        raise TypeError(f"follow_redirect= takes a callable(response, request), not {type(value).__name__}")
    return value  # type: ignore[no-any-return]  # what it takes and gives shows when it is called


class Redirects:
    """See the module. The request that follows is made by core's `follow`, which drops credentials between origins.

    It declares the three fields that carry credentials in HTTP itself, so that a user's own are dropped even where no plugin
    for authentication or state is there.
    """

    name = "redirects"

    @hookimpl
    def declare(self) -> list[Option | Credential]:
        return [
            Option("allow_redirects", None, convert=bool, doc="follow redirects; None = for all methods but HEAD"),
            Option("max_redirects", MAX_REDIRECTS, convert=as_limit, doc="how many to follow in one call; None = any"),
            Option(
                "follow_redirect",
                None,
                convert=as_callable,
                doc="callable(response, request): the request to follow with, or None to stop",
            ),
            Credential("Authorization"),
            Credential("Proxy-Authorization"),
            Credential("Cookie"),
        ]

    @hookimpl(statuses=STATUSES, headers=("location",))
    def on_headers(self, response: HttpResponse) -> None:
        if is_wanted(response.request):
            response.buffer()

    @hookimpl(statuses=STATUSES, headers=("location",))
    def post_request(
        self, response: HttpResponse, exc: BaseException | None
    ) -> HttpRequest | Awaitable[HttpRequest | None] | None:
        if exc is not None or not is_wanted(response.request):
            return None
        request = next_request(response)
        options: Any = response.request
        if request is None or options.follow_redirect is None:
            return request
        decision = options.follow_redirect(response, request)
        return decided_later(decision) if inspect.isawaitable(decision) else decided(decision)


def is_wanted(request: Any) -> bool:
    """Does the caller want this request's redirects followed?"""
    allowed = request.allow_redirects
    return request.method != "HEAD" if allowed is None else bool(allowed)


def next_request(response: HttpResponse) -> HttpRequest | None:
    """The request that a redirect asks for; None where its Location is empty.

    Raises: TooManyRedirects; RemoteProtocolError, for a Location that cannot be followed; BodyNotRepeatable.
    """
    from .location import as_sent, location_of, target_of  # here, because many clients meet no redirect

    request = response.request
    try:
        location = location_of([as_sent(value) for value in response.headers.getall("location", [])])
        if not location:
            return None
        check_limit(response)
        url = target_of(response.url, location)
        if becomes_get(response.status_code, request.method):
            kept = fields_without_body(request.headers)
            return request.follow(url, cause="redirect", method="GET", body=None, headers=kept)
        return request.follow(url, cause="redirect")
    except InvalidURL as error:
        raise RemoteProtocolError(f"the Location of a redirect: {error}", response=response) from error
    except HttpRequestException as error:
        error.response = response
        raise


def check_limit(response: HttpResponse) -> None:
    """Raises: TooManyRedirects, when this response would be followed by one redirect too many."""
    options: Any = response.request
    limit = options.max_redirects
    followed = redirects_in([*(earlier.request for earlier in response.history), response.request])
    if limit is not None and followed >= limit:
        raise TooManyRedirects(
            f"{response.request.method} {response.request.type}://{response.request.host}: more than"
            f" max_redirects={limit} redirects",
            response=response,
        )


def decided(decision: Any) -> HttpRequest | None:
    """What `follow_redirect` gave, counted as a redirect whatever it was made from.

    Raises: TypeError.
    """
    if decision is None:
        return None
    if not isinstance(decision, HttpRequest):
        raise TypeError(f"follow_redirect must give a request or None, and gave {type(decision).__name__}")
    decision.cause = "redirect"
    return decision


async def decided_later(decision: Awaitable[Any]) -> HttpRequest | None:
    """The same for a `follow_redirect` that is a coroutine function."""
    return decided(await decision)

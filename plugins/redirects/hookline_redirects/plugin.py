"""The plugin `redirects`: follow 301, 302, 303, 307 and 308."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

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
from .redirection import STATUSES, becomes_get, count_redirects, fields_without_body

Decision = HttpRequest | None
FollowRedirect = Callable[[HttpResponse, HttpRequest], "Decision | Awaitable[Decision]"]


class RedirectsRequest:
    """What this plugin adds to requests, for type checkers.

    Example::

        from hookline import HttpClient, HttpRequest, HttpResponse
        from hookline_redirects import RedirectsRequest


        class Request(RedirectsRequest, HttpRequest): ...


        client: HttpClient[HttpResponse[Request]] = HttpClient(max_redirects=3)
        print(client.build_request("GET", "http://127.0.0.1:8000/").max_redirects)
    """

    allow_redirects: bool | None
    max_redirects: int | None
    follow_redirect: FollowRedirect | None


class RedirectsClient(RedirectsRequest):
    """What this plugin adds to clients, for type checkers.

    Example: docs/typing.md#what-plugins-add
    """


if TYPE_CHECKING:

    class Request(RedirectsRequest, HttpRequest):
        """A request with what this plugin adds."""


MAX_REDIRECTS = 10


def as_max_redirects(value: Any) -> int:
    """Check the value of `max_redirects=`.

    Raises: TypeError, ValueError.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"max_redirects= takes a number, not {type(value).__name__}")
    if value < 0:
        raise ValueError(f"max_redirects= takes 0 or more, not {value}")
    return value


def as_follow_redirect(value: Any) -> FollowRedirect:
    """Check the value of `follow_redirect=`.

    Raises: TypeError.
    """
    if not callable(value):
        raise TypeError(f"follow_redirect= takes a callable(response, request), not {type(value).__name__}")
    return value  # type: ignore[no-any-return]  # its parameters and its result show when it is called


class Redirects:
    """Follow redirects. Core's `HttpRequest.follow` makes the next request, and drops credentials at another origin.

    The plugin declares the three fields that carry credentials in HTTP itself, so that a user's own fields are dropped even
    if no plugin for authentication or cookies is loaded.

    Example::

        from hookline import HttpClient
        from hookline_redirects import Redirects

        client = HttpClient(autoload=False, plugins=[Redirects()])
    """

    name = "redirects"

    @hookimpl
    def declare(self) -> list[Option | Credential]:
        return [
            Option("allow_redirects", None, convert=bool, doc="follow redirects; None = for all methods but HEAD"),
            Option(
                "max_redirects",
                MAX_REDIRECTS,
                convert=as_max_redirects,
                doc="how many to follow in one call; None = any",
            ),
            Option(
                "follow_redirect",
                None,
                convert=as_follow_redirect,
                doc="callable(response, request): the request to follow with, or None to stop",
            ),
            Credential("Authorization"),
            Credential("Proxy-Authorization"),
            Credential("Cookie"),
        ]

    @hookimpl(statuses=STATUSES, headers=("location",))
    def on_headers(self, response: HttpResponse[Request]) -> None:
        if is_followed(response.request):
            response.buffer()

    @hookimpl(statuses=STATUSES, headers=("location",))
    def post_request(
        self, response: HttpResponse[Request], exc: BaseException | None
    ) -> HttpRequest | Awaitable[HttpRequest | None] | None:
        if exc is not None or not is_followed(response.request):
            return None
        request = next_request(response)
        follow_redirect = response.request.follow_redirect
        if request is None or follow_redirect is None:
            return request
        decision = follow_redirect(response, request)
        return await_decision(decision) if inspect.isawaitable(decision) else check_decision(decision)


def is_followed(request: Request) -> bool:
    """Say whether the caller wants this request's redirects followed."""
    allowed = request.allow_redirects
    return request.method != "HEAD" if allowed is None else bool(allowed)


def next_request(response: HttpResponse[Request]) -> HttpRequest | None:
    """Return the request that a redirect asks for; None if its Location is empty.

    Raises: TooManyRedirects; RemoteProtocolError, for a Location that cannot be followed; BodyNotRepeatable.
    """
    from .location import field_text, resolve, single_location  # imported here, because many clients meet no redirect

    request = response.request
    try:
        location = single_location([field_text(value) for value in response.headers.getall("location", [])])
        if not location:
            return None
        check_limit(response)
        url = resolve(response.url, location)
        if becomes_get(response.status_code, request.method):
            kept = fields_without_body(request.headers)
            return request.follow(url, cause="redirect", method="GET", body=None, headers=kept)
        return request.follow(url, cause="redirect")
    except InvalidURL as error:
        raise RemoteProtocolError(f"the Location of a redirect: {error}", response=response) from error
    except HttpRequestException as error:
        error.response = response
        raise


def check_limit(response: HttpResponse[Request]) -> None:
    """Check that one more redirect is within the limit.

    Raises: TooManyRedirects.
    """
    request = response.request
    limit = request.max_redirects
    followed = count_redirects([*(earlier.request for earlier in response.history), request])
    if limit is not None and followed >= limit:
        raise TooManyRedirects(
            f"{request.method} {request.origin.scheme}://{request.origin.host}: more than max_redirects={limit} redirects",
            response=response,
        )


def check_decision(decision: Any) -> HttpRequest | None:
    """Return the result of `follow_redirect`; a request counts as a redirect whatever it was made from.

    Raises: TypeError, for a result that is neither a request nor None.
    """
    if decision is None:
        return None
    if not isinstance(decision, HttpRequest):
        raise TypeError(f"follow_redirect must return a request or None, and returned {type(decision).__name__}")
    decision.cause = "redirect"
    return decision


async def await_decision(decision: Awaitable[Any]) -> HttpRequest | None:
    """Return the result of a `follow_redirect` that is a coroutine function, checked."""
    return check_decision(await decision)

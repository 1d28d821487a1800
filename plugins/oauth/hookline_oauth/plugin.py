"""The two plugins. Each acts for values of `auth=` that are its own, and last of all on pre_request."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

from hookline import HttpRequest, HttpResponse, Option, hookimpl

from .kinds import OAuth1, OAuth2


def as_oauth1(value: Any) -> OAuth1:
    """Raises: TypeError."""
    if not isinstance(value, OAuth1):
        raise TypeError(f"auth= takes an OAuth1, not {type(value).__name__}")
    return value


def as_oauth2(value: Any) -> OAuth2:
    """Raises: TypeError."""
    if not isinstance(value, OAuth2):
        raise TypeError(f"auth= takes an OAuth2, not {type(value).__name__}")
    return value


class OAuth1Plugin:
    """Signs each hop anew, as it is about to be sent."""

    name = "oauth1"
    after = ("tunnel",)  # a proxy wants another form of the target, whose query is signed all the same

    @hookimpl
    def declare(self) -> list[Option]:
        return [Option("auth", None, convert=as_oauth1, accepts=(OAuth1,), doc="OAuth1(...): sign requests")]

    @hookimpl(trylast=True, options=("auth",))
    def pre_request(self, response: HttpResponse) -> None:
        request: Any = response.request
        auth = request.auth
        if auth is not None and isinstance(auth, OAuth1):
            auth.apply(request)


class OAuth2Plugin:
    """Places the token in each hop, renews it before its end, and once in a call when the server says 401."""

    name = "oauth2"

    @hookimpl
    def declare(self) -> list[Option]:
        return [Option("auth", None, convert=as_oauth2, accepts=(OAuth2,), doc="OAuth2(...): send a bearer token")]

    @hookimpl(trylast=True, options=("auth",))
    def pre_request(self, response: HttpResponse) -> Awaitable[None] | None:
        request: Any = response.request
        auth = request.auth
        if auth is not None and isinstance(auth, OAuth2):
            return auth.apply(request)
        return None

    @hookimpl(statuses=(401,))
    def on_headers(self, response: HttpResponse) -> None:
        request: Any = response.request
        auth = request.auth
        if isinstance(auth, OAuth2) and auth.can_answer(response):
            response.buffer()

    @hookimpl(statuses=(401,))
    def post_request(self, response: HttpResponse, exc: BaseException | None) -> Awaitable[HttpRequest] | None:
        request: Any = response.request
        auth = request.auth
        if exc is None and isinstance(auth, OAuth2) and auth.can_answer(response):
            return auth.answer(response)
        return None

"""The plugins `oauth1` and `oauth2`. Each acts on requests whose `auth=` is an object of its class, last on pre_request."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any

from hookline import HttpRequest, HttpResponse, Option, hookimpl

from .interfaces import OAuth1, OAuth2


class OAuthRequest:
    """What these plugins add to requests, for type checkers. auth: None, or what one of all its plugins made of the value.

    Example::

        from hookline import HttpClient, HttpRequest, HttpResponse
        from hookline_oauth import OAuth2, OAuthRequest


        class Request(OAuthRequest, HttpRequest): ...


        client: HttpClient[HttpResponse[Request]] = HttpClient(auth=OAuth2(token="a-token"))
        print(client.build_request("GET", "http://127.0.0.1:8000/").auth)
    """

    auth: Any


class OAuthClient:
    """What these plugins add to clients, for type checkers. auth: as for requests.

    Example::

        from hookline import HttpClient
        from hookline_oauth import OAuth2, OAuthClient


        class Client(OAuthClient, HttpClient): ...


        client = Client(auth=OAuth2(token="a-token"))
        print(client.auth)
    """

    auth: Any


if TYPE_CHECKING:

    class Request(OAuthRequest, HttpRequest):
        """A request with what these plugins add."""


def as_oauth1(value: object) -> OAuth1:
    """Check the value of `auth=`.

    Raises: TypeError.
    """
    if not isinstance(value, OAuth1):
        raise TypeError(f"auth= takes an OAuth1, not {type(value).__name__}")
    return value


def as_oauth2(value: object) -> OAuth2:
    """Check the value of `auth=`.

    Raises: TypeError.
    """
    if not isinstance(value, OAuth2):
        raise TypeError(f"auth= takes an OAuth2, not {type(value).__name__}")
    return value


class OAuth1Plugin:
    """Sign each hop when it is about to be sent.

    Example::

        from hookline import HttpClient
        from hookline_oauth import OAuth1Plugin

        client = HttpClient(autoload=False, plugins=[OAuth1Plugin()])
    """

    name = "oauth1"
    after = ("tunnel",)  # which writes the target in the form for a proxy; its query is signed in either form

    @hookimpl
    def declare(self) -> list[Option]:
        doc = "OAuth1(...): sign requests"
        return [Option("auth", None, convert=as_oauth1, accepts=(OAuth1,), doc=doc, expected="an OAuth1")]

    @hookimpl(trylast=True, options=("auth",))
    def pre_request(self, response: HttpResponse[Request]) -> None:
        request = response.request
        auth = request.auth
        if auth is not None and isinstance(auth, OAuth1):
            auth.apply(request)


class OAuth2Plugin:
    """Place the token in each hop; renew it before it expires, and once in a call after a 401.

    Example::

        from hookline import HttpClient
        from hookline_oauth import OAuth2Plugin

        client = HttpClient(autoload=False, plugins=[OAuth2Plugin()])
    """

    name = "oauth2"

    @hookimpl
    def declare(self) -> list[Option]:
        doc = "OAuth2(...): send a bearer token"
        return [Option("auth", None, convert=as_oauth2, accepts=(OAuth2,), doc=doc, expected="an OAuth2")]

    @hookimpl(trylast=True, options=("auth",))
    def pre_request(self, response: HttpResponse[Request]) -> Awaitable[None] | None:
        request = response.request
        auth = request.auth
        if auth is not None and isinstance(auth, OAuth2):
            return auth.apply(request)
        return None

    @hookimpl(statuses=(401,))
    def on_headers(self, response: HttpResponse[Request]) -> None:
        auth = response.request.auth
        if isinstance(auth, OAuth2) and auth.can_answer(response):
            response.buffer()

    @hookimpl(statuses=(401,))
    def post_request(self, response: HttpResponse[Request], exc: BaseException | None) -> Awaitable[HttpRequest] | None:
        auth = response.request.auth
        if exc is None and isinstance(auth, OAuth2) and auth.can_answer(response):
            return auth.answer(response)
        return None

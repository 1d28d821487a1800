"""The plugin `sigv4`. It acts on requests whose `auth=` is a SigV4 object, last on pre_request."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any

from hookline import HttpRequest, HttpResponse, Option, hookimpl

from .interfaces import SigV4

_SKEWED = "sigv4_clock"  # the key in `response.notes` of a response that has set the clock


class SigV4Request:
    """What this plugin adds to requests, for type checkers. auth: None, or what one of all its plugins made of the value.

    Example::

        from hookline import HttpClient, HttpRequest, HttpResponse
        from hookline_sigv4 import SigV4, SigV4Request


        class Request(SigV4Request, HttpRequest): ...


        client: HttpClient[HttpResponse[Request]] = HttpClient(plugins=["sigv4"], auth=SigV4("s3", "eu-west-1"))
        print(client.build_request("GET", "http://127.0.0.1:8000/").auth)
    """

    auth: Any


class SigV4Client:
    """What this plugin adds to clients, for type checkers. auth: as for requests.

    Example::

        from hookline import HttpClient
        from hookline_sigv4 import SigV4, SigV4Client


        class Client(SigV4Client, HttpClient): ...


        client = Client(plugins=["sigv4"], auth=SigV4("s3", "eu-west-1"))
        print(client.auth)
    """

    auth: Any


if TYPE_CHECKING:

    class Request(SigV4Request, HttpRequest):
        """A request with what this plugin adds."""


def as_sigv4(value: object) -> SigV4:
    """Check the value of `auth=`.

    Raises: TypeError.
    """
    if not isinstance(value, SigV4):
        raise TypeError(f"auth= takes a SigV4, not {type(value).__name__}")
    return value


class SigV4Plugin:
    """Sign each hop when it is about to be sent; once in a call sign it again if the clock was wrong.

    Example::

        from hookline import HttpClient
        from hookline_sigv4 import SigV4Plugin

        client = HttpClient(autoload=False, plugins=[SigV4Plugin()])
    """

    name = "sigv4"
    # `throttle` waits, and a signature holds the time; `tunnel` writes the target in the form for a proxy
    after = ("oauth1", "throttle", "tunnel")
    before = ("cache_vary",)

    @hookimpl
    def declare(self) -> list[Option]:
        doc = "SigV4(...): sign requests with AWS Signature Version 4"
        return [Option("auth", None, convert=as_sigv4, accepts=(SigV4,), doc=doc, expected="a SigV4")]

    @hookimpl(trylast=True, options=("auth",))
    def pre_request(self, response: HttpResponse[Request]) -> Awaitable[None] | None:
        request = response.request
        auth = request.auth
        if auth is not None and isinstance(auth, SigV4):
            return auth.apply(request)
        return None

    @hookimpl(statuses=(400, 403))
    def on_headers(self, response: HttpResponse[Request]) -> None:
        auth = response.request.auth
        if isinstance(auth, SigV4) and auth.learn_clock(response):
            response.notes[_SKEWED] = True
            response.buffer()

    @hookimpl(statuses=(400, 403))
    def post_request(self, response: HttpResponse[Request], exc: BaseException | None) -> HttpRequest | None:
        if exc is None and response.notes.get(_SKEWED):
            return response.request.copy(cause="auth")
        return None

"""The plugin `expect`: send the head with Expect: 100-continue, and the body once the server wants it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hookline import HttpRequest, HttpResponse, Option, hookimpl

from .expectation import add_expectation, as_wait_continue, copy_without_expectation, expects_continue


class ExpectRequest:
    """What this plugin adds to requests, for type checkers. A handler may have set a value that is not converted yet.

    Example::

        from hookline import HttpClient, HttpRequest, HttpResponse
        from hookline_expect import ExpectRequest


        class Request(ExpectRequest, HttpRequest): ...


        client: HttpClient[HttpResponse[Request]] = HttpClient(wait_continue=0.5)
        print(client.build_request("GET", "http://127.0.0.1:8000/").wait_continue)
    """

    wait_continue: float | bool | None


class ExpectClient:
    """What this plugin adds to clients, for type checkers.

    Example::

        from hookline import HttpClient
        from hookline_expect import ExpectClient


        class Client(ExpectClient, HttpClient): ...


        client = Client(wait_continue=0.5)
        print(client.wait_continue)
    """

    wait_continue: float | bool | None


if TYPE_CHECKING:

    class Request(ExpectRequest, HttpRequest):
        """A request with what this plugin adds."""


class Expect:
    """Send the body after 100 (Continue), or after a time without an answer.

    If a final status comes first, core stops the upload. The plugin runs last on pre_request, so that it sees the body that
    the other plugins leave. An earlier plugin may set `wait_continue` of a request, for example to get the server's answer
    before a body that can be sent only once.

    Example::

        from hookline import HttpClient
        from hookline_expect import Expect

        client = HttpClient(autoload=False, plugins=[Expect()])
    """

    name = "expect"

    @hookimpl
    def declare(self) -> list[Option]:
        return [
            Option(
                "wait_continue",
                False,
                convert=as_wait_continue,
                doc="ask with Expect: 100-continue before a body is sent; seconds = wait so long, True = 1",
            )
        ]

    @hookimpl(trylast=True, options=("wait_continue",), fields=("expect",))
    def pre_request(self, response: HttpResponse[Request]) -> None:
        request = response.request
        if request.wait_continue or request.has_header("Expect"):
            add_expectation(request, request.wait_continue)

    @hookimpl(statuses=(100, 417))
    def on_headers(self, response: HttpResponse, interim: bool) -> None:
        request = response.request
        if not expects_continue(request.get_header("Expect")):
            return
        if interim:
            if request.gate is not None:
                request.gate.open()
        elif request.can_be_sent:
            response.buffer()
            if response.connection is not None:
                response.connection.keep_alive = False  # apache closes it after a 417, and does not say so

    @hookimpl(statuses=(417,))
    def post_request(self, response: HttpResponse, exc: BaseException | None) -> HttpRequest | None:
        if exc is not None or not expects_continue(response.request.get_header("Expect")):
            return None
        return copy_without_expectation(response.request)

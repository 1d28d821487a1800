"""The plugin: ask with the head, and send the body when the server says 100, or nothing for a while."""

from __future__ import annotations

from typing import Any

from hookline import HttpRequest, HttpResponse, Option, hookimpl

from .expectation import add_expectation, as_wait, expects_continue, without_expectation


class Expect:
    """See the module. Core ends the sending by itself when a final status comes before the body.

    It runs late on pre_request: whatever the others make of the body, it sees it. `wait_continue` of a request may be set by
    an earlier plugin, which wants to hear the server's answer before a body that can be sent once only.
    """

    name = "expect"

    @hookimpl
    def declare(self) -> list[Option]:
        return [
            Option(
                "wait_continue",
                False,
                convert=as_wait,
                doc="ask with Expect: 100-continue before a body is sent; seconds = wait so long, True = 1",
            )
        ]

    @hookimpl(trylast=True, options=("wait_continue",), fields=("expect",))
    def pre_request(self, response: HttpResponse) -> None:
        request: Any = response.request
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
                response.connection.keep_alive = False  # apache closes it behind a 417, and does not say so

    @hookimpl(statuses=(417,))
    def post_request(self, response: HttpResponse, exc: BaseException | None) -> HttpRequest | None:
        if exc is not None or not expects_continue(response.request.get_header("Expect")):
            return None
        return without_expectation(response.request)

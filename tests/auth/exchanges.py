"""What the tests of the plugins share: credentials, forms of them, what a server says, and what it saw."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Callable
from typing import Any

from auth.peers import parameters
from hookline_auth import Auth, SubRequest, set_field
from hookline_testing.server import ScriptedServer, response

Make = Callable[..., ScriptedServer]
ME = ("me", "p4ss")
MINE = "Basic " + b64encode(b"me:p4ss").decode()
CHALLENGE = ("WWW-Authenticate", 'Digest realm="r", nonce="n", qop="auth"')
REFUSED = response(b"who?", 401, [CHALLENGE])


def sent(server: ScriptedServer, name: str = "authorization") -> list[str | None]:
    """The first field of a name in each request."""
    return [request.header(name) for request in server.requests]


def statuses(response: Any) -> list[int]:
    """Those of the history, and the response's own."""
    return [*(earlier.status_code for earlier in response.history), response.status_code]


def moved(location: str, status: int = 307) -> bytes:
    """A redirect."""
    return response(b"", status, [("Location", location)])


def parameters_of(value: str | None) -> dict[str, str]:
    """The parameters of a Digest answer that must be there."""
    assert value is not None
    return parameters(value)


def answers_digest(request: Any) -> bytes:
    """Let everybody in who says anything."""
    return response(b"in") if request.header("authorization") else REFUSED


class Ticket(Auth):
    """Asks at the door, and comes back with a ticket."""

    def flow(self, request: Any) -> Any:
        request.unredirected_headers["X-Knock"] = "1"
        answer = yield request
        if answer.status_code == 401:
            set_field(request, "Authorization", f"Ticket {answer.content.decode()}")
            yield request


class Later(Auth):
    """Fetches a token from another place first."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.closed = 0

    async def async_flow(self, request: Any) -> Any:
        try:
            answer = yield SubRequest("POST", self.url, (("X-Client", "1"),), b"grant")
            await asyncio.sleep(0)
            set_field(request, "Authorization", f"Token {answer.content.decode()}")
            yield request
        finally:
            self.closed += 1


def flow(request: Any) -> Any:
    answer = yield request
    if answer.status_code == 401:
        set_field(request, "Authorization", "Flow 1")
        yield request


async def later_flow(request: Any) -> Any:
    answer = yield request
    if answer.status_code == 401:
        await asyncio.sleep(0)
        set_field(request, "Authorization", "Flow 2")
        yield request


def called(response: Any) -> str:
    response.request.unredirected_headers["Authorization"] = "Called 1"
    return "not looked at"

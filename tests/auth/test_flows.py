"""Flows of users' own, and the names that the package offers."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import hookline_auth
from auth.peers import PlainRequest, PlainResponse, run, run_async
from hookline_auth import Auth, SubRequest, set_field
from hookline_auth.auth import advance, advance_async
from hookline_auth.messages import body_bytes

if TYPE_CHECKING:
    from hookline_auth.auth import AsyncFlow, Flow
    from hookline_auth.interfaces import Request


class Ticket(Auth):
    """Answers a 401 with what its field says."""

    closed = 0

    def flow(self, request: Request) -> Flow:
        try:
            response = yield request
            if response.status_code == 401:
                (ticket,) = response.headers.getall("X-Ticket", [])
                set_field(request, "Authorization", f"Ticket {ticket}")
                yield request
        finally:
            self.closed += 1


class Fetched(Auth):
    """Fetches a token first."""

    async def async_flow(self, request: Request) -> AsyncFlow:
        response = yield SubRequest("POST", "https://tokens.example/", (("Accept", "text/plain"),), b"grant")
        set_field(request, "Authorization", f"Token {response.content.decode()}")
        yield request


def ticket_office(request: PlainRequest) -> PlainResponse:
    if request.sent().get("Authorization") == "Ticket 7":
        return PlainResponse(200)
    return PlainResponse(401, [("X-Ticket", "7")])


async def test_plain_flow_runs_both_ways() -> None:
    auth = Ticket()

    assert not auth.is_async
    assert [r.status_code for r in run(auth, ticket_office)] == [401, 200]
    assert [r.status_code for r in await run_async(auth, ticket_office)] == [401, 200]
    assert auth.closed == 2


async def test_asynchronous_flow_may_fetch_something_first() -> None:
    seen: list[object] = []

    def server(outgoing: PlainRequest | SubRequest) -> PlainResponse:
        seen.append(outgoing)
        return PlainResponse(200, content=b"abc")

    request = PlainRequest()
    await run_async(Fetched(), server, request)

    assert Fetched().is_async
    assert isinstance(seen[0], SubRequest)
    assert seen[1] is request
    assert request.sent()["Authorization"] == "Token abc"


async def test_abandoned_flow_is_closed() -> None:
    auth = Ticket()
    plain, waiting = auth.flow(PlainRequest()), auth.async_flow(PlainRequest())
    advance(plain)
    await advance_async(waiting)

    plain.close()
    await waiting.aclose()

    assert auth.closed == 2


def test_auth_without_a_flow_says_so() -> None:
    with pytest.raises(NotImplementedError, match="Auth defines neither"):
        run(Auth(), ticket_office)


def test_error_in_a_flow_comes_out() -> None:
    with pytest.raises(ValueError, match="not enough values"):
        run(Ticket(), lambda _: PlainResponse(401))


@pytest.mark.parametrize(
    ("body", "expected"),
    [(None, b""), (b"x", b"x"), (bytearray(b"x"), b"x"), (memoryview(b"x"), b"x"), ("ä", "ä".encode()), ([b"x"], None)],
)
def test_body_is_bytes_where_it_can_be(body: object, expected: bytes | None) -> None:
    assert body_bytes(PlainRequest(body=body)) == expected


def test_fields_replace_what_differs_in_case_only() -> None:
    request = PlainRequest()
    request.headers["authorization"] = "mine"

    set_field(request, "AUTHORIZATION", b"yours")

    assert list(request.sent().items()) == [("AUTHORIZATION", "yours")]
    assert request.headers["Authorization"] == "mine"


def test_public_names_are_sorted_and_exist() -> None:
    assert hookline_auth.__all__ == sorted(hookline_auth.__all__)
    for name in hookline_auth.__all__:
        assert getattr(hookline_auth, name).__name__ == name
    with pytest.raises(AttributeError, match="no attribute 'HttpDigestAuth'"):
        hookline_auth.HttpDigestAuth  # noqa: B018


def test_importing_the_package_imports_neither_challenges_nor_other_clients() -> None:
    program = (
        "import sys, hookline_auth; hookline_auth.HTTPDigestAuth('a', 'b')\n"
        "heavy = ('hashlib', 'hookline_auth.challenges', 'netrc', 'unicodedata', 'httpx', 'requests')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"

"""Which requests ask, what the option takes, and what becomes of 417."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from hookline import HttpClient, HttpRequest
from hookline_expect.expectation import as_wait_continue, expects_continue
from hookline_testing.server import Script, ScriptedServer, head, response

pytestmark = [
    pytest.mark.client(autoload=False, plugins=["expect"], timeout=10),
    pytest.mark.protocols("HTTP/1.1", "HTTP/2"),
]

CONTINUE = head(100)
FIELD = {"Expect": "100-continue"}


def granted(body: bytes = b"ok") -> Script:
    return Script(CONTINUE).read_body().send(response(body))


def once() -> Iterator[bytes]:
    yield b"once"


async def test_nothing_asks_by_itself(client: HttpClient, scripted: ScriptedServer) -> None:
    scripted.always(response(b"ok"))
    assert client.wait_continue is False
    for wait in (False, None, 0):
        await client.post(scripted.url(), data=bytes(2_000_000), wait_continue=wait)
    await client.post(scripted.url(), data=once())
    assert [request.header("expect") for request in scripted.requests] == [None] * 4


@pytest.mark.parametrize("body", [None, b"", "empty"])
@pytest.mark.parametrize("given", ["option", "field", "default field"])
async def test_request_without_body_never_asks(scripted: ScriptedServer, body: Any, given: str) -> None:
    scripted.always(response(b"ok"))
    defaults: dict[str, Any] = {"headers": {**FIELD, "X-Mine": "1"}} if given == "default field" else {}
    options: dict[str, Any] = {"headers": FIELD} if given == "field" else {"wait_continue": True}

    def empty(response: Any, **kw: Any) -> None:
        if body == "empty":
            response.request.body = None

    async with HttpClient(autoload=False, plugins=["expect"], timeout=0.9, **defaults) as client:
        for method in ("GET", "POST", "HEAD", "DELETE"):
            await client.request(method, scripted.url(), data=body or None, pre_request=empty, **options)
    assert [request.header("expect") for request in scripted.requests] == [None] * 4
    assert not defaults or scripted.requests[0].header("x-mine") == "1"


async def test_client_default_and_request(scripted: ScriptedServer) -> None:
    scripted.answer(granted(), response(b"plain"), response(b"get"))
    async with HttpClient(autoload=False, plugins=["expect"], wait_continue=5) as client:
        assert client.wait_continue == 5
        assert (await client.post(scripted.url(), data=b"body")).content == b"ok"
        assert (await client.post(scripted.url(), data=b"body", wait_continue=False)).content == b"plain"
        assert (await client.get(scripted.url())).content == b"get"
    assert [request.header("expect") for request in scripted.requests] == ["100-continue", None, None]


@pytest.mark.parametrize("value", ["100-continue", "100-Continue", "other, 100-CONTINUE"])
async def test_own_field_is_honoured(client: HttpClient, scripted: ScriptedServer, value: str) -> None:
    seen = []
    scripted.answer(Script().then(lambda connection: note(connection)).send(CONTINUE).read_body().send(response(b"ok")))

    async def note(connection: Any) -> None:
        seen.append(connection.request.body_size)

    got = await client.post(scripted.url(), data=b"body", headers={"Expect": value})
    assert (got.content, seen) == (b"ok", [0])
    assert scripted.requests[0].header_values("expect") == [value]


async def test_own_field_with_another_expectation_is_left_alone(client: HttpClient, scripted: ScriptedServer) -> None:
    scripted.answer(response(b"ok"), response(b"ok"), granted())
    await client.post(scripted.url(), data=b"body", headers={"Expect": "other"})
    await client.get(scripted.url(), headers={"Expect": "other"})
    await client.post(scripted.url(), data=b"body", headers={"Expect": "other"}, wait_continue=True)
    assert [request.header_values("expect") for request in scripted.requests] == [
        ["other"],
        ["other"],
        ["other, 100-continue"],
    ]


async def test_http_1_0_does_not_ask(client: HttpClient, scripted: ScriptedServer) -> None:
    scripted.answer(response(b"ok"))
    await client.post(scripted.url(), data=b"body", wait_continue=30, version="HTTP/1.0")
    assert scripted.requests[0].header("expect") is None


@pytest.mark.parametrize("value", ["1", [], object()])
def test_option_refuses_what_is_no_time(value: Any) -> None:
    with pytest.raises(TypeError, match="wait_continue= takes True, False or seconds"):
        HttpClient(autoload=False, plugins=["expect"], wait_continue=value)


@pytest.mark.parametrize("value", [-1, float("inf"), float("nan")])
def test_option_refuses_times_that_never_come(value: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        as_wait_continue(value)


def test_field_is_a_list() -> None:
    assert expects_continue(" , 100-Continue ")
    assert not expects_continue("100-continued")
    assert not expects_continue(None)


@pytest.mark.parametrize("given", ["option", "field", "default field"])
@pytest.mark.parametrize("stream", [False, True])
async def test_417_is_answered_once_more_without_the_question(
    make_scripted: Any, protocol: str, given: str, stream: bool
) -> None:
    server = make_scripted(strict=False)
    server.answer(response(b"what?", 417), early=True)
    server.answer(response(b"ok"))
    defaults: dict[str, Any] = {"headers": FIELD} if given == "default field" else {}
    options: dict[str, Any] = {"headers": FIELD} if given == "field" else {"wait_continue": 30}
    async with HttpClient(autoload=False, plugins=["expect"], timeout=10, **defaults) as client:
        got = await client.post(server.url(), data=once(), stream=stream, **options)
        assert (got.status_code, await got.raw.read()) == (200, b"ok")
    assert [(earlier.status_code, earlier.content) for earlier in got.history] == [(417, b"what?")]
    assert got.request.cause == "expect"
    first, second = server.requests
    assert (first.header("expect"), first.body_size) == ("100-continue", 0)
    assert (second.header("expect"), second.body) == (None, b"once")
    assert (first.connection == second.connection) == (protocol == "HTTP/2")


async def test_second_417_is_returned(client: HttpClient, make_scripted: Any) -> None:
    server = make_scripted(strict=False)
    server.answer(response(b"what?", 417), response(b"still", 417), early=True)
    got = await client.post(server.url(), data=b"body", wait_continue=30)
    assert (got.status_code, got.content, len(got.history)) == (417, b"still", 1)
    assert len(server.requests) == 2


async def test_417_of_a_whole_exchange_is_followed_on_another_connection(
    client: HttpClient, scripted: ScriptedServer, protocol: str
) -> None:
    scripted.answer(response(b"what?", 417), response(b"ok"))
    assert (await client.post(scripted.url(), data=b"body", wait_continue=0.05)).content == b"ok"
    assert [request.connection for request in scripted.requests] == ([1, 1] if protocol == "HTTP/2" else [1, 2])


async def test_417_for_a_body_that_is_gone_is_returned(client: HttpClient, scripted: ScriptedServer) -> None:
    scripted.answer(response(b"too late", 417))
    got = await client.post(scripted.url(), data=once(), wait_continue=0.05)
    assert (got.status_code, got.content, got.history) == (417, b"too late", [])


async def test_417_without_the_question_is_returned(client: HttpClient, scripted: ScriptedServer) -> None:
    scripted.answer(response(b"no", 417), response(b"no", 417))
    assert (await client.post(scripted.url(), data=b"body")).history == []
    assert (await client.post(scripted.url(), data=b"body", headers={"Expect": "other"})).history == []


async def test_100_without_the_question_is_nothing(client: HttpClient, scripted: ScriptedServer) -> None:
    scripted.answer(CONTINUE + response(b"ok"))
    assert (await client.get(scripted.url())).content == b"ok"


async def test_an_earlier_plugin_may_ask_for_the_question(scripted: ScriptedServer) -> None:
    def ask(response: Any, **kw: Any) -> None:
        request: HttpRequest | Any = response.request
        request.wait_continue = 20

    scripted.answer(granted())
    async with HttpClient(autoload=False, plugins=["expect"]) as client:
        assert (await client.post(scripted.url(), data=once(), pre_request=ask)).content == b"ok"
    assert scripted.requests[0].header("expect") == "100-continue"

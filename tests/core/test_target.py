"""`target=`: the request target of a call, sent as it is given."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from hookline import HttpClient, HttpResponse, LocalProtocolError
from hookline_testing.server import ScriptedServer, response
from kit.recorder import on


@pytest.fixture
async def client(scripted: ScriptedServer) -> Any:
    scripted.always(response(b"ok"))
    async with HttpClient() as made:
        yield made


@pytest.mark.parametrize("target", ["*", "/a/../b", "//x", "/%2e%2e/%7E?q='#f", "http://other.test/x"])
async def test_target_is_sent_byte_for_byte(client: HttpClient, scripted: ScriptedServer, target: str) -> None:
    answer = await client.request("OPTIONS", scripted.url("/"), target=target)
    assert scripted.requests[0].raw.split(b" ")[1] == target.encode()
    assert answer.request.target == target
    assert answer.request.url == scripted.url("/")


async def test_target_of_the_url_is_the_same_as_none(client: HttpClient, scripted: ScriptedServer) -> None:
    for target in ("/a?b", None):
        answer = await client.get(scripted.url("/a?b"), target=target)
        assert answer.request.target == "/a?b"
    assert scripted.requests[0].raw == scripted.requests[1].raw


async def test_target_stays_with_follow_ups_to_the_same_url(client: HttpClient, scripted: ScriptedServer) -> None:
    def again(self: object, response: HttpResponse) -> Any:
        if len(response.history) == 0:
            return response.request.copy(cause="again")
        if len(response.history) == 1:
            return response.request.follow(scripted.url("/next"), cause="redirect")
        return None

    await client.get(scripted.url("/"), target="/a/./b", plugins=[on("post_request", again)])
    assert [request.target for request in scripted.requests] == ["/a/./b", "/a/./b", "/next"]


async def test_target_is_one_of_a_template_and_of_a_copy(client: HttpClient, scripted: ScriptedServer) -> None:
    request = client.build_request("GET", scripted.url("/"), target="/a/./b")
    await client.send(request)
    answer = await client.send(request)
    assert [request.target for request in scripted.requests] == ["/a/./b", "/a/./b"]
    assert copy.copy(answer).request.target == "/a/./b"


@pytest.mark.parametrize(
    ("target", "kind", "message"),
    [
        ("", LocalProtocolError, "not a request target"),
        ("/a b", LocalProtocolError, "not a request target"),
        ("/a\r\nEvil: 1", LocalProtocolError, "not a request target"),
        ("/\u00e9", LocalProtocolError, "not a request target"),
        (b"/", TypeError, "target= takes a str, not bytes"),
    ],
    ids=["empty", "space", "line-end", "not-ascii", "bytes"],
)
async def test_wrong_target_is_refused(client: HttpClient, target: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        await client.get("http://127.0.0.1:1/", target=target)

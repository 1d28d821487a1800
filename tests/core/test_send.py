"""`client.build_request` and `client.send`: a request is made first, and sent once or several times as a whole call."""

from __future__ import annotations

import asyncio
import io
import pickle
from typing import Any
from urllib.parse import urljoin

import pytest

from hookline import BodyNotRepeatable, HttpClient, HttpRequest, HttpResponse, HttpTimeout, Option, hookimpl
from hookline_testing.server import Gate, Script, ScriptedServer, response

REDIRECT = response(b"", 302, headers=[("Location", "/new")])


def targets(server: ScriptedServer) -> list[str]:
    return [request.target for request in server.requests]


class Moves:
    """A plugin that follows redirects, and counts its exchanges on each request."""

    def __init__(self) -> None:
        self.count = 0

    @hookimpl
    def pre_request(self, response: HttpResponse) -> None:
        self.count += 1
        response.request.unredirected_headers["X-Count"] = str(self.count)

    @hookimpl(statuses=(302,))
    def post_request(self, response: HttpResponse, exc: BaseException | None) -> HttpRequest | None:
        return (
            response.request.follow(urljoin(response.url, response.headers["location"]), cause="redirect")
            if exc is None
            else None
        )


async def test_request_is_made_as_a_call_makes_it(scripted: ScriptedServer) -> None:
    scripted.always(response(b"one"))
    async with HttpClient(autoload=False, base_url=scripted.url("/base/"), params={"a": "1"}) as client:
        request = client.build_request("POST", "x", headers={"X-A": "b"}, params={"b": "2"}, json=[1], timeout=5)
        assert scripted.requests == []
        assert (request.method, request.url) == ("POST", scripted.url("/base/x?a=1&b=2"))
        built = await client.send(request)
        called = await client.post("x", headers={"X-A": "b"}, params={"b": "2"}, json=[1], timeout=5)
    assert built.content == called.content == b"one"
    first, second = scripted.requests
    assert (first.target, first.headers, first.body) == (second.target, second.headers, second.body)


async def test_request_can_be_changed_and_sent_again(scripted: ScriptedServer) -> None:
    scripted.always(response(b"one"))
    moves = Moves()
    async with HttpClient(autoload=False, plugins=[moves]) as client:
        request = client.build_request("GET", scripted.url("/a"))
        request.headers["X-A"] = "b"
        request.unredirected_headers["X-Once"] = "c"
        answers = [await client.send(request) for _ in range(2)]
        answers.append(await client.send(answers[0].request))
    assert [seen.header("X-A") for seen in scripted.requests] == ["b"] * 3
    # a request that was sent carries what plugins found for it: they find it anew
    assert [seen.header("X-Once") for seen in scripted.requests] == ["c", "c", None]
    assert [seen.header("X-Count") for seen in scripted.requests] == ["1", "2", "3"]
    assert "X-Count" not in request.unredirected_headers
    assert all(answer.request is not request for answer in answers)


async def test_send_is_a_whole_call(scripted: ScriptedServer) -> None:
    scripted.answer(REDIRECT, response(b"one"), REDIRECT, response(b"two"))
    async with HttpClient(autoload=False, plugins=[Moves()]) as client:
        first = await client.send(client.build_request("GET", scripted.url("/old")))
        assert [earlier.status_code for earlier in first.history] == [302]
        second = await client.send(first.history[0].request)
    assert (second.content, len(second.history)) == (b"two", 1)
    assert targets(scripted) == ["/old", "/new", "/old", "/new"]


async def test_cause_and_history_begin_anew(scripted: ScriptedServer) -> None:
    scripted.answer(REDIRECT, response(b"one"), response(b"two"))
    causes: list[str] = []

    class Sees:
        @hookimpl
        def pre_request(self, response: HttpResponse, cause: str) -> None:
            causes.append(f"{cause} {len(response.request.history)}")

    async with HttpClient(autoload=False, plugins=[Moves(), Sees()]) as client:
        redirected = await client.get(scripted.url("/old"))
        again = await client.send(redirected.request)
    assert causes == ["call 0", "redirect 1", "call 0"]
    assert again.history == []


async def test_each_send_has_a_deadline_of_its_own(scripted: ScriptedServer) -> None:
    gate = Gate()
    scripted.answer(Script().hold(gate).send(response(b"late")), response(b"two"))
    async with HttpClient(autoload=False) as client:
        request = client.build_request("GET", scripted.url(), timeout=0.2)
        await asyncio.sleep(0.21)
        with pytest.raises(HttpTimeout):
            await client.send(request)
        assert (await client.send(request)).content == b"two"
        gate.open()


async def test_options_of_send_replace_those_of_the_request(scripted: ScriptedServer) -> None:
    scripted.always(response(b"one"))
    handled: list[int] = []
    async with HttpClient(autoload=False) as client:
        request = client.build_request("GET", scripted.url(), stream=False, post_request=lambda r: handled.append(1))
        async with await client.send(request, stream=True, post_request=lambda r: handled.append(2)) as streamed:
            assert streamed.was_handed_out
            assert await streamed.raw.read() == b"one"
        assert not (await client.send(request)).was_handed_out
        assert handled == [2, 1]
        with pytest.raises(TypeError, match=r"HttpClient.send\(\) got an unexpected keyword 'strem'.*'stream'"):
            await client.send(request, strem=True)
        with pytest.raises(TypeError, match="unexpected keyword 'headers': it is for the method that makes a request"):
            await client.send(request, headers={})


async def test_one_request_is_sent_many_times_at_once(scripted: ScriptedServer) -> None:
    scripted.respond(lambda request: response(request.body))
    async with HttpClient(autoload=False, pool_size=5) as client:
        request = client.build_request("POST", scripted.url(), data=b"x" * 300_000)
        answers = await asyncio.gather(*[client.send(request) for _ in range(20)])
    assert {answer.content for answer in answers} == {b"x" * 300_000}


async def test_body_that_can_be_read_once_is_sent_once(scripted: ScriptedServer) -> None:
    scripted.always(response(b"one"))
    async with HttpClient(autoload=False) as client:
        request = client.build_request("POST", scripted.url(), data=iter([b"a", b"b"]))
        await client.send(request)
        assert scripted.requests[0].body == b"ab"
        with pytest.raises(BodyNotRepeatable):
            await client.send(request)


async def test_sub_request_keeps_its_parent_and_its_deadline(scripted: ScriptedServer) -> None:
    scripted.answer(REDIRECT, response(b"token"), response(b"one"))
    seen: list[Any] = []

    class Fetches:
        @hookimpl
        async def pre_request(self, response: HttpResponse) -> None:
            client, parent = response.request.client, response.request
            sub = client.new_request("GET", scripted.url("/token"), cause="token", parent=parent)
            answer = await client.send(sub)
            seen.append((answer.content, answer.request.parent is parent, answer.request.deadline == parent.deadline))

    class Follows:
        @hookimpl(statuses=(302,))
        def post_request(self, response: HttpResponse, exc: BaseException | None, cause: str) -> HttpRequest:
            assert cause == "token"
            return response.request.follow(urljoin(response.url, response.headers["location"]), cause="redirect")

    async with HttpClient(autoload=False, plugins=[Fetches(), Follows()], timeout=5) as client:
        await client.get(scripted.url())
    assert seen == [(b"token", True, True)]
    assert targets(scripted) == ["/token", "/new", "/"]


async def test_options_of_plugins_hold(scripted: ScriptedServer) -> None:
    scripted.always(response(b"one"))

    class Stamps:
        @hookimpl
        def declare(self) -> list[Option]:
            return [Option("stamp")]

        @hookimpl(options=("stamp",))
        def pre_request(self, response: HttpResponse) -> None:
            if response.request.stamp:  # type: ignore[attr-defined]
                response.request.headers["X-Stamp"] = response.request.stamp  # type: ignore[attr-defined]

    async with HttpClient(autoload=False, plugins=[Stamps()]) as client:
        request = client.build_request("GET", scripted.url(), stamp="a")
        await client.send(request)
        await client.send(request, stamp="b")
        await client.send(client.build_request("GET", scripted.url(), disable=["stamps"]))
    assert [seen.header("X-Stamp") for seen in scripted.requests] == ["a", "b", None]


async def test_request_of_another_client_is_refused(scripted: ScriptedServer) -> None:
    scripted.answer(response(b"one"))
    async with HttpClient(autoload=False) as client, HttpClient(autoload=False) as other:
        with pytest.raises(ValueError, match="belongs to another client"):
            await client.send(other.build_request("GET", scripted.url()))
        copied = pickle.loads(pickle.dumps(await client.get(scripted.url())))
        with pytest.raises(ValueError, match="or to none; make it with build_request"):
            await client.send(copied.request)


def test_without_a_loop_send_returns_the_response(scripted: ScriptedServer) -> None:
    scripted.always(response(b"one"))
    with HttpClient(autoload=False, timeout=5) as client:
        request = client.build_request("GET", scripted.url())
        found: Any = client.send(request)
        assert found.content == b"one"


async def test_errors_of_building_are_those_of_a_call() -> None:
    async with HttpClient(autoload=False) as client:
        with pytest.raises(TypeError, match=r"HttpClient.build_request\(\) got an unexpected keyword 'tmeout'"):
            client.build_request("GET", "http://127.0.0.1/", tmeout=1)
        with pytest.raises(ValueError, match="method"):
            client.build_request("G ET", "http://127.0.0.1/")
        with pytest.raises(TypeError):
            client.build_request("POST", "http://127.0.0.1/", data=io.BytesIO(b"x"))

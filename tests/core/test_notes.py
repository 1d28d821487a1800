"""What handlers keep for one exchange, `response.notes`: shared with an early answer, not with follow-ups."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from hookline import ConnectionRefused, HttpClient, HttpResponse, hookimpl
from hookline_testing.server import ScriptedServer
from hookline_testing.server import response as answer_of


class Keeps:
    """Writes a note in pre_request, and reads it in post_request."""

    name = "keeps"
    before = ("answers",)

    def __init__(self) -> None:
        self.found: list[Any] = []

    @hookimpl
    def pre_request(self, response: HttpResponse) -> None:
        assert response.notes == {}
        response.notes["keeps"] = len(self.found)

    @hookimpl
    def post_request(self, response: HttpResponse, exc: BaseException | None) -> None:
        self.found.append(response.notes.get("keeps"))


class Answers:
    """Answers an event with a response of its own."""

    name = "answers"

    def __init__(self, event: str) -> None:
        self._event = event

    def _answer(self, event: str, response: HttpResponse) -> HttpResponse | None:
        if event != self._event:
            return None
        return HttpResponse.build(response.request, 203, content=b"instead")

    @hookimpl
    def pre_request(self, response: HttpResponse) -> Any:
        return self._answer("pre_request", response)

    @hookimpl
    def on_headers(self, response: HttpResponse) -> Any:
        return self._answer("on_headers", response)

    @hookimpl
    def post_request(self, response: HttpResponse) -> Any:
        return self._answer("post_request", response)


@pytest.mark.parametrize("event", ["pre_request", "on_headers", "post_request"])
async def test_notes_are_there_when_another_plugin_answers(scripted: ScriptedServer, event: str) -> None:
    scripted.always(answer_of(b"from the network"))
    keeps = Keeps()
    async with HttpClient(autoload=False, plugins=[keeps, Answers(event)]) as client:
        got = [await client.get(scripted.url()) for _ in range(2)]
    assert [answer.content for answer in got] == [b"instead"] * 2
    assert keeps.found == [0, 1]
    assert [answer.notes for answer in got] == [{"keeps": 0}, {"keeps": 1}]


@pytest.mark.parametrize("event", ["pre_request", "post_request"])
async def test_answer_of_another_exchange_keeps_its_notes_for_the_caller(scripted: ScriptedServer, event: str) -> None:
    class Elsewhere:
        """Answers with the response of another call; in pre_request it stands for that of this exchange."""

        async def answer(self, response: HttpResponse, now: str) -> HttpResponse | None:
            if now != event or response.request.origin_form != "/here":
                return None
            client = response.request.client
            return await client.send(client.build_request("GET", scripted.url("/there")))  # type: ignore[no-any-return]

        @hookimpl
        async def pre_request(self, response: HttpResponse) -> HttpResponse | None:
            return await self.answer(response, "pre_request")

        @hookimpl
        async def post_request(self, response: HttpResponse) -> HttpResponse | None:
            return await self.answer(response, "post_request")

    class Names:
        before = "elsewhere"
        found: list[Any] = []  # noqa: RUF012

        @hookimpl
        def pre_request(self, response: HttpResponse) -> None:
            response.notes["names"] = response.request.origin_form

        @hookimpl
        def post_request(self, response: HttpResponse) -> None:
            self.found.append(response.notes["names"])

    scripted.always(answer_of(b"from the network"))
    names = Names()
    async with HttpClient(autoload=False, plugins=[names, Elsewhere()]) as client:
        got = await client.get(scripted.url("/here"))
    assert sorted(names.found) == ["/here", "/there"]
    assert got.notes == {"names": "/here" if event == "pre_request" else "/there"}


async def test_notes_are_there_without_an_answer_and_at_an_error(scripted: ScriptedServer) -> None:
    scripted.always(answer_of(b"from the network"))
    keeps = Keeps()
    async with HttpClient(autoload=False, plugins=[keeps]) as client:
        await client.get(scripted.url())
        with pytest.raises(ConnectionError):
            await client.get("http://127.0.0.1:1/")
    assert keeps.found == [0, 1]


class Again:
    """Sends the first request of a call once more."""

    name = "again"

    @hookimpl
    def post_request(self, response: HttpResponse, exc: BaseException | None) -> Any:
        return response.request.copy(cause="again") if response.request.cause == "call" else None


@pytest.mark.parametrize("early", [False, True])
async def test_follow_up_begins_with_no_notes(scripted: ScriptedServer, early: bool) -> None:
    scripted.always(answer_of(b""))
    keeps = Keeps()
    others = [Answers("pre_request")] if early else []
    async with HttpClient(autoload=False, plugins=[keeps, Again(), *others]) as client:
        last = await client.get(scripted.url())
    assert keeps.found == [0, 1]
    assert last.notes == {"keeps": 1}
    assert [earlier.notes for earlier in last.history] == [{"keeps": 0}]


async def test_calls_at_once_share_no_notes(scripted: ScriptedServer) -> None:
    scripted.always(answer_of(b""))

    class Counts:
        name = "counts"
        number = 0

        @hookimpl
        def pre_request(self, response: HttpResponse) -> None:
            self.number += 1
            response.notes["number"] = self.number

    async with HttpClient(autoload=False, plugins=[Counts()]) as client:
        found = await asyncio.gather(*(client.get(scripted.url()) for _ in range(5)))
    assert sorted(response.notes["number"] for response in found) == [1, 2, 3, 4, 5]


async def test_stream_has_its_notes_until_its_end(scripted: ScriptedServer) -> None:
    scripted.always(answer_of(b"body"))
    keeps = Keeps()
    client = HttpClient(autoload=False, plugins=[keeps])
    async with client, await client.get(scripted.url(), stream=True) as streamed:
        assert streamed.notes == {"keeps": 0}
        await streamed.raw.read()
    assert keeps.found == [0]


class WasSent:
    """Notes at post_request whether the request was sent."""

    def __init__(self) -> None:
        self.found: list[bool] = []

    @hookimpl
    def pre_request(self, response: HttpResponse) -> None:
        assert not response.was_sent

    @hookimpl
    def post_request(self, response: HttpResponse, exc: BaseException | None) -> None:
        self.found.append(response.was_sent)


class AnswersAsReceived:
    """Answers an event with a response that goes on with the exchange."""

    def __init__(self, event: str) -> None:
        self._event = event

    @hookimpl
    def pre_request(self, response: HttpResponse) -> HttpResponse | None:
        return self._answer("pre_request", response)

    @hookimpl
    def on_headers(self, response: HttpResponse) -> HttpResponse | None:
        return None if response.is_built else self._answer("on_headers", response)

    def _answer(self, event: str, response: HttpResponse) -> HttpResponse | None:
        if event != self._event:
            return None
        return HttpResponse.build(response.request, 200, content=b"built", as_received=True)


@pytest.mark.parametrize(
    ("plugin", "was_sent"),
    [
        (AnswersAsReceived("pre_request"), False),
        (AnswersAsReceived("on_headers"), True),
        (Answers("pre_request"), False),
        (Answers("on_headers"), True),
        (AnswersAsReceived("none"), True),
    ],
    ids=["received, pre_request", "received, on_headers", "pre_request", "on_headers", "network"],
)
async def test_was_sent_says_whether_the_network_was_used(
    scripted: ScriptedServer, plugin: object, was_sent: bool
) -> None:
    scripted.always(answer_of(b"network"))
    watches = WasSent()
    async with HttpClient(autoload=False, plugins=[plugin, watches]) as client:
        await client.get(scripted.url())
    assert watches.found == [was_sent]
    assert bool(scripted.requests) == was_sent


async def test_request_without_a_connection_was_not_sent() -> None:
    watches = WasSent()
    async with HttpClient(autoload=False, plugins=[watches]) as client:
        with pytest.raises(ConnectionRefused):
            await client.get("http://127.0.0.1:1/")
    assert watches.found == [False]

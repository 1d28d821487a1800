"""`response.events()`: the events of one response."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from hookline import ConnectionClosed, HttpClient, ReadTimeout, StreamConsumedError, Timeout
from hookline_sse import EventStreamError, EventTooLarge, ServerSentEvent
from hookline_testing.server import Gate, Script, ScriptedServer, head, response
from kit.event_streams import FIELDS, OPEN, chunk, ended, opened, whole
from kit.slots import is_free

pytestmark = [
    pytest.mark.client(autoload=False, plugins=["sse"], pool_size=1, timeout=10),
    pytest.mark.protocols("HTTP/1.1", "HTTP/2"),
]

STREAM = b'id: 1\ndata: {"n": 1}\n\n: comment\n\nevent: last\ndata: {"n": 2}\n\ndata: cut'
EVENTS = [ServerSentEvent('{"n": 1}', id="1"), ServerSentEvent('{"n": 2}', "last", "1")]


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
@pytest.mark.parametrize("cut", ["whole", "bytes"])
async def test_events_of_a_response(client: HttpClient, scripted: ScriptedServer, stream: bool, cut: Any) -> None:
    scripted.answer(ended(STREAM[:20], STREAM[20:]), cut=cut)
    response = await client.get(scripted.url(), stream=stream)
    assert [event async for event in response.events()] == EVENTS
    await is_free(client, scripted)


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
def test_events_without_a_running_loop(scripted: ScriptedServer, stream: bool) -> None:
    scripted.answer(whole(STREAM))
    with HttpClient(autoload=False, plugins=["sse"]) as client, client.get(scripted.url(), stream=stream) as response:
        assert list(response.events()) == EVENTS


async def test_event_is_there_before_the_next_one(client: HttpClient, scripted: ScriptedServer) -> None:
    gates = [Gate(), Gate()]
    script = opened(b"data: 0\r\r")
    for number, gate in enumerate(gates, 1):
        script.hold(gate).send(chunk(b"data: %d\r\r" % number))
    scripted.answer(script.send(b"0\r\n\r\n"))
    async with await client.get(scripted.url(), stream=True) as response:
        events = response.events()
        assert (await anext(events)).data == "0"
        for number, gate in enumerate(gates, 1):
            gate.open()
            assert (await anext(events)).data == str(number)
        assert await anext(events, None) is None
        assert await anext(events, None) is None


async def test_iteration_that_was_left_goes_on(client: HttpClient, scripted: ScriptedServer) -> None:
    scripted.answer(whole(b"data: 1\n\ndata: 2\n\ndata: 3\n\n"))
    async with await client.get(scripted.url(), stream=True) as response:
        events = response.events()
        async for event in events:
            assert event.data == "1"
            break
        assert [event.data async for event in events] == ["2", "3"]


async def test_last_event_id_and_retry_are_those_of_the_events_taken(
    client: HttpClient, scripted: ScriptedServer
) -> None:
    scripted.answer(whole(b"id: 1\ndata\n\nid: 2\nretry: 7\ndata\n\n"))
    events = (await client.get(scripted.url())).events(last_event_id="0")
    seen = [(events.last_event_id, events.retry)]
    seen += [(events.last_event_id, events.retry) async for _ in events]
    assert seen == [("0", None), ("1", None), ("2", 7)]


@pytest.mark.parametrize(
    "media_type", ["text/event-stream", "Text/Event-Stream;charset=utf-8", "text/event-stream ; charset=latin-1"]
)
async def test_media_type_may_have_parameters(client: HttpClient, scripted: ScriptedServer, media_type: str) -> None:
    scripted.answer(response("data: é\n\n".encode(), headers=[("Content-Type", media_type)]))
    got = await client.get(scripted.url())
    assert [event.data async for event in got.events()] == ["é"]


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ([("Content-Type", "application/json")], "the Content-Type 'application/json'"),
        ([("Content-Type", "text/event-streams")], "the Content-Type 'text/event-streams'"),
        ([], "no Content-Type"),
    ],
    ids=["json", "similar", "none"],
)
async def test_other_media_types_are_refused_and_the_body_can_be_read(
    client: HttpClient, scripted: ScriptedServer, fields: Any, shown: str
) -> None:
    scripted.answer(response(b'{"error": "no"}', 400, fields))
    async with await client.get(scripted.url("/chat?key=secret"), stream=True) as got:
        with pytest.raises(EventStreamError) as caught:
            got.events()
        assert str(caught.value) == (
            f"GET {scripted.url('/chat')} was answered with status 400 and {shown},"
            " where text/event-stream was expected"
        )
        assert caught.value.response is got
        assert json.loads(await got.raw.read()) == {"error": "no"}


@pytest.mark.parametrize("reads", ["all", "a part", "events"])
async def test_stream_can_be_read_once(client: HttpClient, scripted: ScriptedServer, reads: str) -> None:
    scripted.answer(whole(STREAM))
    async with await client.get(scripted.url(), stream=True) as got:
        await (anext(got.events()) if reads == "events" else got.raw.read(-1 if reads == "all" else 1))
        with pytest.raises(StreamConsumedError, match="can be read once only"):
            got.events()


async def test_body_that_arrived_whole_can_be_read_again(client: HttpClient, scripted: ScriptedServer) -> None:
    scripted.answer(whole(STREAM))
    got = await client.get(scripted.url())
    assert [[event async for event in got.events()] for _ in range(2)] == [EVENTS, EVENTS]
    assert got.content == STREAM


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
async def test_event_that_is_too_large_ends_the_exchange(
    client: HttpClient, scripted: ScriptedServer, stream: bool
) -> None:
    scripted.answer(opened(b"data: 1\n\n", b"data: " + b"x" * 100 + b"\n").send(b"" if stream else b"0\r\n\r\n"))
    got = await client.get(scripted.url(), stream=stream)
    events = got.events(max_event=99)
    assert (await anext(events)).data == "1"
    for _ in range(2):
        with pytest.raises(EventTooLarge, match="max_event=99") as caught:
            await anext(events)
        assert (caught.value.response, caught.value.request) == (got, got.request)
    await is_free(client, scripted)


def test_event_that_is_too_large_without_a_running_loop(scripted: ScriptedServer) -> None:
    scripted.answer(opened(b"data: 1\n\ndata: " + b"x" * 100 + b"\n"))
    with HttpClient(autoload=False, plugins=["sse"]) as client:
        events = client.get(scripted.url(), stream=True).events(max_line=99)
        assert next(events).data == "1"
        with pytest.raises(EventTooLarge):
            next(events)


async def test_event_bomb_takes_no_more_memory_than_the_limit(client: HttpClient, scripted: ScriptedServer) -> None:
    """A server that sends a line without end, or an event without end, is stopped at the limit."""
    for block in (b"x" * 65536, b"data\n" * 10000):
        scripted.answer(Script(OPEN).endless(chunk(block)))
        got = await client.get(scripted.url(), stream=True)
        with pytest.raises(EventTooLarge):
            await anext(got.events(max_line=1 << 20, max_event=1 << 20))
    await is_free(client, scripted)


async def test_connection_that_is_lost_is_an_error_after_the_events(
    client: HttpClient, scripted: ScriptedServer
) -> None:
    scripted.answer(opened(b"data: 1\n\n", b"data: 2\n").close())
    events = (await client.get(scripted.url(), stream=True)).events()
    assert (await anext(events)).data == "1"
    with pytest.raises(ConnectionClosed):
        await anext(events)


async def test_silence_is_a_read_timeout(client: HttpClient, scripted: ScriptedServer) -> None:
    scripted.answer(opened(b"data: 1\n\n").stall())
    events = (await client.get(scripted.url(), stream=True, timeout=Timeout(read=0.1))).events()
    assert (await anext(events)).data == "1"
    with pytest.raises(ReadTimeout):
        await anext(events)
    await is_free(client, scripted)


async def test_cancellation_closes_the_connection(client: HttpClient, scripted: ScriptedServer) -> None:
    scripted.answer(opened(b"data: 1\n\n").stall())
    events = (await client.get(scripted.url(), stream=True)).events()
    assert (await anext(events)).data == "1"
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(anext(events), 0.05)
    await is_free(client, scripted)
    with pytest.raises(StreamConsumedError):
        await anext(events)


@pytest.mark.parametrize("keywords", [{"max_line": -1}, {"max_event": None}, {"last_event_id": 7}], ids=str)
async def test_values_are_checked(client: HttpClient, scripted: ScriptedServer, keywords: Any) -> None:
    scripted.answer(whole(b""))
    got = await client.get(scripted.url())
    with pytest.raises((TypeError, ValueError), match=f"{next(iter(keywords))}= takes"):
        got.events(**keywords)


async def test_for_in_a_running_loop_is_refused(client: HttpClient, scripted: ScriptedServer) -> None:
    scripted.answer(whole(b"data: 1\n\n"))
    got = await client.get(scripted.url())
    with pytest.raises(RuntimeError, match="use `async with` and `async for`"):
        list(got.events())


async def test_json_uses_the_decoder_of_the_request(client: HttpClient, scripted: ScriptedServer) -> None:
    scripted.answer(response(b"data: 1\n\n", headers=FIELDS))
    got = await client.get(scripted.url(), json_decoder=lambda text: f"decoded {text}")
    assert [event.json() async for event in got.events()] == ["decoded 1"]


async def test_body_until_the_connection_closes(client: HttpClient, scripted: ScriptedServer) -> None:
    scripted.answer(Script(head(200, [*FIELDS, ("Connection", "close")]) + b"data: 1\n\ndata: 2").close())
    got = await client.get(scripted.url(), stream=True)
    assert [event.data async for event in got.events()] == ["1"]

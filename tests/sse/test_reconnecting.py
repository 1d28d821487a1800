"""`client.events(url)`: what each attempt sends, when there is another one, and what ends the events."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest

from hookline import (
    BodyTooLarge,
    ClientClosed,
    ConnectionClosed,
    ConnectionRefused,
    HttpClient,
    HttpConnectionError,
    HttpTimeout,
    LocalProtocolError,
    ReadTimeout,
    RemoteProtocolError,
    SSLError,
    StreamConsumedError,
    Timeout,
)
from hookline_sse import EventStreamError, EventTooLarge, Reconnect
from hookline_testing.server import Script, ScriptedServer, chunked, head, response
from kit.event_streams import FIELDS, OPEN, chunk, ended, opened
from kit.slots import is_free
from servers.addresses import refused_port

QUICK = Reconnect(delay=0.01, max_delay=0.1, jitter=0)

pytestmark = [
    pytest.mark.client(autoload=False, plugins=["sse"], pool_size=1, timeout=10),
    pytest.mark.protocols("HTTP/1.1", "HTTP/2"),
]

END = response(b"", 204)


async def data_of(events: Any, seen: list[str] | None = None) -> list[str]:
    """Return the data of all events. seen: gets them too, in case of an error."""
    seen = [] if seen is None else seen
    async with events:
        async for event in events:
            seen.append(event.data)  # those before an error are kept
    return seen


# -- what is sent


async def test_stream_reconnects_with_the_last_event_id(client: HttpClient, scripted: ScriptedServer) -> None:
    scripted.answer(
        ended(b"id: 1\ndata: a\n\n", b"id: 2\ndata: not complete\n"),
        ended(b"data: b\n\n"),
        ended(b"id\ndata: c\n\n"),
        END,
    )
    events = client.events(scripted.url("/news"), reconnect=QUICK)
    assert await data_of(events) == ["a", "b", "c"]
    assert [request.header("last-event-id") for request in scripted.requests] == [None, "1", "1", None]
    assert {(request.method, request.target) for request in scripted.requests} == {("GET", "/news")}
    assert events.response.status_code == 204
    await is_free(client, scripted)


async def test_fields_of_each_attempt(client: HttpClient, scripted: ScriptedServer) -> None:
    scripted.answer(ended(b"id: 1\ndata\n\n"), END, ended(b"id: 2\ndata\n\n"), END)
    await data_of(client.events(scripted.url(), reconnect=QUICK))
    given = {"X-Mine": "1", "accept": "text/event-stream, */*", "Last-Event-Id": "0"}
    await data_of(client.events(scripted.url(), reconnect=QUICK, headers=given))
    names = ("accept", "cache-control", "last-event-id", "x-mine")
    assert [[request.header(name) for name in names] for request in scripted.requests] == [
        ["text/event-stream", "no-store", None, None],
        ["text/event-stream", "no-store", "1", None],
        ["text/event-stream, */*", "no-store", "0", "1"],
        ["text/event-stream, */*", "no-store", "2", "1"],
    ]


def sent_id(request: Any) -> bytes:
    """Return the bytes of Last-Event-ID."""
    return next(value for name, value in request.headers if name.lower() == b"last-event-id")


async def test_id_to_begin_with(client: HttpClient, scripted: ScriptedServer) -> None:
    scripted.answer(ended(b"data: a\n\n"), END)
    events = client.events(scripted.url(), last_event_id="é7", reconnect=QUICK)
    async with events:
        assert [(event.data, event.id) async for event in events] == [("a", "é7")]
    assert [sent_id(request) for request in scripted.requests] == ["é7".encode()] * 2
    assert events.last_event_id == "é7"


async def test_id_of_the_server_cannot_inject_fields(client: HttpClient, scripted: ScriptedServer) -> None:
    """No ID has a CR, LF or NUL: the first two end its line, and the standard ignores an ID with the third."""
    scripted.answer(ended("id: a\rX-Evil: 1\ndata\n\nid: b\0\ndata\n\nid: \x01\x7f\u2028\ndata\n\n".encode()), END)
    await data_of(client.events(scripted.url(), reconnect=QUICK))
    assert scripted.requests[1].header("x-evil") is None
    assert sent_id(scripted.requests[1]) == "\x01\x7f\u2028".encode()


async def test_id_of_the_user_that_no_field_can_carry(client: HttpClient, scripted: ScriptedServer) -> None:
    with pytest.raises(LocalProtocolError, match="Last-Event-ID has a CR, LF or NUL"):
        await data_of(client.events(scripted.url(), last_event_id="a\r\nX-Evil: 1"))
    assert scripted.requests == []


async def test_options_hold_for_each_attempt(client: HttpClient, scripted: ScriptedServer) -> None:
    seen: list[int] = []
    scripted.answer(ended(b"data: a\n\n"), END)
    await data_of(
        client.events(
            scripted.url("/?a=1"),
            reconnect=QUICK,
            params={"b": 2},
            on_headers=lambda response, exc=None: seen.append(response.status_code),
        )
    )
    assert [request.target for request in scripted.requests] == ["/?a=1&b=2"] * 2
    assert seen == [200, 204]


# -- when there is another attempt


FAILURES = {
    "close": Script().close(),
    "reset": Script().reset(),
    "half a head": Script(b"HTTP/1.1 200 O").close(),
    "reset in the body": opened(b"id: 1\ndata: a\n\n").reset(),
    "close in a chunk": Script(OPEN + chunk(b"id: 1\ndata: a\n\n") + b"100\r\nhalf").close(),
    "end": ended(b"id: 1\ndata: a\n\n"),
}


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES)
async def test_connection_that_is_lost_is_opened_again(
    client: HttpClient, make_scripted: Any, failure: Script | bytes
) -> None:
    server = make_scripted(strict=False)
    server.answer(failure, ended(b"data: b\n\n"), END)
    begins = [] if failure in (FAILURES["close"], FAILURES["reset"], FAILURES["half a head"]) else ["a"]
    assert await data_of(client.events(server.url(), reconnect=QUICK)) == [*begins, "b"]
    assert server.requests[-1].header("last-event-id") == ("1" if begins else None)
    await is_free(client, server)


async def test_silence_is_ended_by_the_read_timeout(client: HttpClient, scripted: ScriptedServer) -> None:
    scripted.answer(opened(b"id: 1\ndata: a\n\n").stall(), Script().stall(), ended(b"data: b\n\n"), END)
    events = client.events(scripted.url(), reconnect=QUICK, timeout=Timeout(read=0.1))
    assert await data_of(events) == ["a", "b"]
    assert [request.header("last-event-id") for request in scripted.requests] == [None, "1", "1", "1"]


async def test_each_attempt_has_a_deadline_of_its_own(client: HttpClient, scripted: ScriptedServer) -> None:
    """The total timeout counts until the head is there, for each attempt anew: 0.3 s do not end a stream of 0.8 s."""
    slow = Script(OPEN + chunk(b"data: a\n\n")).pause(0.2).send(b"0\r\n\r\n")
    scripted.answer(slow, slow, slow, slow, END)
    assert await data_of(client.events(scripted.url(), reconnect=QUICK, timeout=0.3)) == ["a"] * 4
    scripted.answer(Script().stall(), ended(b"data: b\n\n"), END)
    assert await data_of(client.events(scripted.url(), reconnect=QUICK, timeout=0.1)) == ["b"]


async def test_server_says_how_long_to_wait(client: HttpClient, scripted: ScriptedServer) -> None:
    scripted.answer(ended(b"retry: 200\n\n"), ended(b"data: a\n\n"), END)
    start = time.monotonic()
    await data_of(client.events(scripted.url(), reconnect=Reconnect(delay=60, jitter=0)))
    assert 0.4 <= time.monotonic() - start < 5  # before both of the later attempts


async def test_waits_of_the_server_are_bounded(client: HttpClient, scripted: ScriptedServer) -> None:
    scripted.answer(ended(b"retry: 999999999999999999999\n\n"), END)
    async with asyncio.timeout(5):
        await data_of(client.events(scripted.url(), reconnect=Reconnect(max_delay=0.1)))


async def test_attempts_that_fail_are_counted_from_the_last_stream_on(client: HttpClient, make_scripted: Any) -> None:
    server = make_scripted(strict=False)
    closes = Script().close()
    server.answer(closes, closes, opened(b"data: a\n\n").close(), closes, closes, closes)
    seen: list[str] = []
    events = client.events(server.url(), reconnect=Reconnect(0, attempts=3))
    with pytest.raises(ConnectionClosed):
        await data_of(events, seen)
    assert (seen, len(server.requests)) == (["a"], 6)
    assert await anext(events, None) is None  # the error was raised once


async def test_error_of_the_last_attempt_is_raised(client: HttpClient) -> None:
    with refused_port() as port, pytest.raises(ConnectionRefused):
        await data_of(client.events(f"http://127.0.0.1:{port}/", reconnect=Reconnect(0, attempts=2)))


async def test_any_number_of_attempts(client: HttpClient, make_scripted: Any) -> None:
    server = make_scripted(strict=False)
    server.answer(*[Script().close()] * 20, ended(b"data: a\n\n"), END)
    assert await data_of(client.events(server.url(), reconnect=Reconnect(0, attempts=None))) == ["a"]


@pytest.mark.parametrize("reconnect", [False, Reconnect(0, attempts=1)], ids=["none", "one attempt"])
async def test_first_attempt_that_fails(client: HttpClient, make_scripted: Any, reconnect: Any) -> None:
    server = make_scripted(strict=False)
    server.answer(Script().close())
    with pytest.raises(HttpConnectionError):
        await data_of(client.events(server.url(), reconnect=reconnect))
    assert len(server.requests) == 1


async def test_without_reconnecting_the_end_is_the_end(client: HttpClient, scripted: ScriptedServer) -> None:
    scripted.answer(ended(b"data: a\n\n"))
    events = client.events(scripted.url(), reconnect=False)
    assert await data_of(events) == ["a"]
    scripted.answer(opened(b"data: a\n\n").close())
    with pytest.raises(ConnectionClosed):
        await data_of(client.events(scripted.url(), reconnect=False))
    scripted.answer(opened(b"data: a\n\n").stall())
    with pytest.raises(ReadTimeout):
        await data_of(client.events(scripted.url(), reconnect=False, timeout=Timeout(read=0.1)))
    assert len(scripted.requests) == 3
    await is_free(client, scripted)


# -- POST


async def test_post_is_sent_once(client: HttpClient, scripted: ScriptedServer) -> None:
    """A server might do twice what it was asked to do."""
    scripted.answer(ended(b"data: a\n\n"), opened(b"data: a\n\n").close())
    assert await data_of(client.events(scripted.url(), method="POST", json={"n": 1})) == ["a"]
    with pytest.raises(ConnectionClosed):
        await data_of(client.events(scripted.url(), method="POST", json={"n": 1}))
    assert [(request.method, json.loads(request.body)) for request in scripted.requests] == [("POST", {"n": 1})] * 2


@pytest.mark.parametrize("body", [{"json": [1]}, {"data": b"[1]"}, {"data": "[1]"}, {"data": [b"[1]"]}], ids=str)
async def test_post_reconnects_if_asked(client: HttpClient, scripted: ScriptedServer, body: Any) -> None:
    scripted.answer(ended(b"id: 1\ndata: a\n\n"), END)
    assert await data_of(client.events(scripted.url(), method="POST", reconnect=QUICK, **body)) == ["a"]
    assert [(request.body, request.header("last-event-id")) for request in scripted.requests] == [
        (b"[1]", None),
        (b"[1]", "1"),
    ]


@pytest.mark.protocols("HTTP/1.1")
@pytest.mark.parametrize(
    "body",
    [{"data": iter([b"1"])}, {"data": (each for each in [b"1"])}],
    ids=["iterator", "generator"],
)
async def test_body_that_is_read_once_is_not_sent_again(
    client: HttpClient, scripted: ScriptedServer, body: Any
) -> None:
    with pytest.raises(ValueError, match="reconnect= needs one for each attempt"):
        client.events(scripted.url(), method="POST", reconnect=True, **body)
    scripted.answer(ended(b"data: a\n\n"))
    assert await data_of(client.events(scripted.url(), method="POST", **body)) == ["a"]


# -- what ends the events


@pytest.mark.parametrize("status", [201, 206, 400, 401, 404, 429, 500, 503])
async def test_wrong_status_is_an_error(client: HttpClient, scripted: ScriptedServer, status: int) -> None:
    scripted.answer(response(b'{"error": "why"}', status, FIELDS))
    with pytest.raises(EventStreamError) as caught:
        await data_of(client.events(scripted.url("/chat?key=secret"), reconnect=QUICK))
    assert str(caught.value) == (
        f"GET {scripted.url('/chat')} was answered with status {status} and the Content-Type 'text/event-stream',"
        " where status 200 and text/event-stream were expected"
    )
    await is_free(client, scripted)


async def test_wrong_media_type_is_an_error_that_has_the_body(client: HttpClient, scripted: ScriptedServer) -> None:
    fields = [("Content-Type", "application/json")]
    scripted.answer(ended(b"data: a\n\n"), response(b'{"error": "why"}', 200, fields))
    seen: list[str] = []
    events = client.events(scripted.url(), reconnect=QUICK)
    with pytest.raises(EventStreamError, match="status 200 and the Content-Type 'application/json', where") as caught:
        await data_of(events, seen)
    assert seen == ["a"]
    assert caught.value.response.json() == {"error": "why"}
    assert await anext(events, None) is None
    await is_free(client, scripted)


@pytest.mark.protocols("HTTP/1.1")
async def test_large_body_of_an_error_is_not_received(client: HttpClient, scripted: ScriptedServer) -> None:
    scripted.answer(Script(head(404, [("Transfer-Encoding", "chunked")])).endless(chunk(b"x" * 65536)))
    with pytest.raises(EventStreamError):
        await data_of(client.events(scripted.url()))
    await scripted.until_closed_connections(1)
    await is_free(client, scripted)


async def test_204_at_once(client: HttpClient, scripted: ScriptedServer) -> None:
    scripted.answer(END)
    async with client.events(scripted.url()) as events:
        assert events.response.status_code == 204
        assert [event async for event in events] == []


@pytest.mark.parametrize("limit", [{"max_line": 50}, {"max_event": 50}], ids=str)
async def test_event_that_is_too_large(client: HttpClient, scripted: ScriptedServer, limit: Any) -> None:
    scripted.answer(opened(b"data: a\n\ndata: " + b"x" * 100 + b"\n").stall())
    async with client.events(scripted.url(), **limit) as events:
        assert (await anext(events)).data == "a"
        for _ in range(2):
            with pytest.raises(EventTooLarge):
                await anext(events)
    await is_free(client, scripted)


@pytest.mark.protocols("HTTP/1.1")
@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Script(b"HTTP/9 what\r\n\r\n").close(), RemoteProtocolError),
        (Script(OPEN + b"not a size\r\n").close(), RemoteProtocolError),
        (ended(b"data: 0123456789\n\n" * 10), BodyTooLarge),
    ],
    ids=["head", "chunk", "max_body"],
)
async def test_other_errors_are_not_followed_by_an_attempt(
    client: HttpClient, make_scripted: Any, answer: Any, error: type[Exception]
) -> None:
    server = make_scripted(strict=False)
    server.answer(answer)
    with pytest.raises(error):
        await data_of(client.events(server.url(), reconnect=QUICK, max_body=100))
    assert len(server.requests) == 1


@pytest.mark.protocols("HTTP/1.1")
async def test_error_of_a_later_attempt_ends_the_events(client: HttpClient, make_scripted: Any) -> None:
    server = make_scripted(strict=False)
    server.answer(ended(b"data: a\n\n"), Script(b"HTTP/9 what\r\n\r\n").close())
    async with client.events(server.url(), reconnect=QUICK) as events:
        assert (await anext(events)).data == "a"
        with pytest.raises(RemoteProtocolError):
            await anext(events)
        assert await anext(events, None) is None
    assert len(server.requests) == 2


async def test_certificate_that_is_not_trusted(client: HttpClient, make_scripted: Any, certificates: Any) -> None:
    server = make_scripted(ssl_context=certificates.right.server_context())
    with pytest.raises(SSLError):
        await data_of(client.events(server.url(host="localhost"), reconnect=QUICK))
    assert server.connections == 1


# -- how it is used


async def test_iteration_that_was_left_goes_on_within_the_block(client: HttpClient, scripted: ScriptedServer) -> None:
    scripted.answer(ended(b"data: a\n\ndata: b\n\n"), ended(b"data: c\n\n"), END)
    async with client.events(scripted.url(), reconnect=QUICK) as events:
        async for event in events:
            assert event.data == "a"
            break
        assert [event.data async for event in events] == ["b", "c"]


async def test_events_are_opened_by_the_block_and_once(client: HttpClient, scripted: ScriptedServer) -> None:
    scripted.answer(END)
    events = client.events(scripted.url())
    with pytest.raises(RuntimeError, match="`async with client"):
        await anext(events)
    async with events:
        pass
    with pytest.raises(RuntimeError, match="opened before"):
        async with events:
            pass
    assert await anext(events, None) is None


async def test_two_readers_are_refused(client: HttpClient, scripted: ScriptedServer) -> None:
    scripted.answer(opened(b"data: a\n\n").stall())
    async with client.events(scripted.url()) as events:
        await anext(events)
        waiting = asyncio.ensure_future(anext(events, None))
        await asyncio.sleep(0)
        with pytest.raises(StreamConsumedError, match="one reader"):
            await anext(events)
        await events.aclose()
        assert await waiting is None


def test_events_without_a_running_loop(scripted: ScriptedServer) -> None:
    scripted.answer(ended(b"id: 1\ndata: a\n\ndata: b\n\n"), ended(b"data: c\n\n"), END)
    with (
        HttpClient(autoload=False, plugins=["sse"]) as client,
        client.events(scripted.url(), reconnect=QUICK) as events,
    ):
        assert [event.data for event in events] == ["a", "b", "c"]
    assert [request.header("last-event-id") for request in scripted.requests] == [None, "1", "1"]


def test_errors_without_a_running_loop(scripted: ScriptedServer) -> None:
    scripted.answer(response(b"no", 404), opened(b"data: a\n\n").stall(), opened(b"data: a\n\n").stall())
    with HttpClient(autoload=False, plugins=["sse"]) as client:
        with pytest.raises(EventStreamError), client.events(scripted.url()):
            pass
        with client.events(scripted.url(), timeout=Timeout(read=0.1), reconnect=False) as events:
            assert next(events).data == "a"
            with pytest.raises(HttpTimeout):
                next(events)
        with client.events(scripted.url()) as events:
            assert next(events).data == "a"
            client.close()
            with pytest.raises(ClientClosed):
                next(events)


async def test_with_in_a_running_loop_is_refused(client: HttpClient, scripted: ScriptedServer) -> None:
    with pytest.raises(RuntimeError, match="use `async with` and `async for`"), client.events(scripted.url()):
        pass


@pytest.mark.parametrize(
    ("keywords", "error", "message"),
    [
        ({"reconnect": 3}, TypeError, "reconnect= takes True, False or a Reconnect, not int"),
        ({"last_event_id": 7}, TypeError, "last_event_id= takes a str, not int"),
        ({"max_line": -1}, ValueError, "max_line= takes 0"),
        ({"max_event": "1"}, TypeError, "max_event= takes a number of bytes"),
    ],
)
async def test_values_are_checked(client: HttpClient, keywords: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        client.events("http://127.0.0.1:1/", **keywords)


async def test_unknown_keyword(client: HttpClient, scripted: ScriptedServer) -> None:
    with pytest.raises(TypeError, match="unexpected keyword 'time_out'"):
        await data_of(client.events(scripted.url(), time_out=1))


async def test_stream_without_events_costs_no_attempts(client: HttpClient, scripted: ScriptedServer) -> None:
    """An idle stream that a proxy closes now and then has not failed."""
    scripted.answer(*[chunked(headers=FIELDS)] * 10, END)
    assert await data_of(client.events(scripted.url(), reconnect=Reconnect(0, attempts=2))) == []
    assert len(scripted.requests) == 11

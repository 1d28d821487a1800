"""A protocol of a plugin carries many exchanges on one connection; each is an exchange like any other."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from urllib.parse import quote

import pytest

from hookline import (
    BodyTooLarge,
    ClientClosed,
    ConnectionClosed,
    HttpConnectionError,
    HttpTimeout,
    PoolTimeout,
    ReadTimeout,
    RemoteProtocolError,
    Timeout,
    hookimpl,
)


async def test_first_request_learns_the_protocol_from_the_handshake(client, mux):
    response = await client.get(mux.url())
    assert (response.status_code, response.text, response.version) == (200, "hello", "ACME/1")
    assert response.headers["x-stream"] == "1"
    assert mux.connections == 1


async def test_later_requests_use_the_same_connection(client, mux):
    for _ in range(3):
        await client.get(mux.url())
    assert (mux.connections, [request.stream for request in mux.requests]) == (1, [1, 2, 3])
    assert client.stats().connections == 1


async def test_twenty_exchanges_at_once_on_one_connection(client, mux):
    tasks = [asyncio.create_task(client.get(mux.url("/wait"))) for _ in range(20)]
    await mux.until(requests=20)
    assert (mux.connections, mux.most_streams) == (1, 20)
    stats = client.stats()
    assert (stats.connections, stats.in_use, stats.streams) == (1, 1, 20)
    mux.gate.set()
    assert [(await task).text for task in tasks] == ["wait"] * 20
    assert client.stats().streams == 0


async def test_one_connection_even_if_the_first_requests_come_at_once(client, mux):
    responses = await asyncio.gather(*(client.get(mux.url(f"/hello/{n}")) for n in range(50)))
    assert [response.status_code for response in responses] == [200] * 50
    assert mux.connections == 1


async def test_requests_beyond_the_limit_wait_in_their_order(client, make_mux):
    mux = await make_mux(max_streams=3)
    tasks = [asyncio.create_task(client.get(mux.url(f"/wait/{n}"))) for n in range(12)]
    await mux.until(requests=3)
    await asyncio.sleep(0.02)
    assert len(mux.requests) == client.stats().streams == 3
    mux.gate.set()
    assert [(await task).status_code for task in tasks] == [200] * 12
    assert (mux.connections, mux.most_streams) == (1, 3)
    assert [request.target for request in mux.requests] == [f"/wait/{n}" for n in range(12)]


async def test_limit_may_change_while_the_connection_is_open(client, make_mux):
    mux = await make_mux(max_streams=1)
    tasks = [asyncio.create_task(client.get(mux.url("/wait"))) for _ in range(4)]
    await mux.until(requests=1)
    (session,) = mux.sessions
    session.send(b"S", 0, (4).to_bytes(4))
    await mux.until(requests=4)
    mux.gate.set()
    assert [(await task).status_code for task in tasks] == [200] * 4
    assert mux.most_streams == 4


async def test_uploads_and_downloads_go_through_their_windows(client, mux):
    body = bytes(range(256)) * 4096
    response = await client.post(mux.url("/echo"), data=body)
    assert response.content == body
    assert mux.received == len(body)


async def test_body_of_a_generator_is_sent_piece_by_piece(client, mux):
    async def pieces():
        for _ in range(10):
            yield b"x" * 1000

    response = await client.post(mux.url("/echo"), data=pieces())
    assert response.content == b"x" * 10_000
    assert "transfer-encoding" not in {name.lower() for name, _ in mux.requests[0].fields}


async def test_stream_is_read_while_it_arrives(client, mux):
    async with await client.get(mux.url("/bytes/1000000"), stream=True) as response:
        size = 0
        async for chunk in response.raw:
            size += len(chunk)
    assert size == 1_000_000


async def test_consumer_that_stops_holds_up_its_own_stream_only(client, mux):
    async with await client.get(mux.url("/bytes/5000000"), stream=True):
        await asyncio.sleep(0.1)
        (session,) = mux.sessions
        assert session.sent < 1_000_000  # what the windows and the buffer of the client hold
        responses = await asyncio.gather(*(client.get(mux.url("/bytes/200000")) for _ in range(5)))
        assert [len(response.content) for response in responses] == [200_000] * 5
    assert mux.connections == 1


async def test_interim_heads_and_trailers(client, mux):
    seen = []

    class Watch:
        @hookimpl
        def on_headers(self, response, interim):
            seen.append((response.status_code, interim, response.headers.get("link")))

    client.plugins.manager.register(Watch(), "watch")
    response = await client.get(mux.url("/interim"))
    assert seen == [(103, True, "</style.css>"), (200, False, None)]
    response = await client.get(mux.url("/trailers"))
    assert dict(response.trailers) == {"x-checksum": "7"}


@pytest.mark.parametrize("status", [204, 304])
async def test_response_without_a_body(client, mux, status):
    response = await client.get(mux.url(f"/status/{status}"))
    assert (response.status_code, response.content) == (status, b"")


async def test_head_has_no_body(client, mux):
    response = await client.head(mux.url("/hello"))
    assert (response.headers["content-length"], response.content) == ("5", b"")


async def test_data_events_get_the_payload_of_each_frame(client, mux):
    received, processed = [], []
    response = await client.get(
        mux.url("/bytes/40000"),
        data_received=lambda response, data: received.append(data),
        data_processed=lambda response, data: processed.append(response.recv_body()),
    )
    assert b"".join(received) == b"x" * 40_000  # no head, no frames
    assert b"".join(processed) == b"x" * 40_000
    assert response.content == b""


async def test_events_fire_as_in_http_1(client, mux):
    fired = []
    for event in ("pre_request", "on_headers", "post_request"):
        client.event(event).bind(lambda response, exc=None, event=event: fired.append(event))
    await client.get(mux.url())
    assert fired == ["pre_request", "on_headers", "post_request"]


async def test_max_body_holds(client, mux):
    with pytest.raises(BodyTooLarge):
        await client.get(mux.url("/bytes/100000"), max_body=1000)
    assert (await client.get(mux.url())).ok
    assert mux.connections == 1


@pytest.mark.parametrize("length", ["-1", "+5", "5 6", "5a", "", "9" * 20])
async def test_malformed_content_length_ends_one_exchange(client, mux, length):
    with pytest.raises(RemoteProtocolError, match="Content-Length"):
        await client.get(mux.url(f"/length/{quote(length)}"))
    assert (await client.get(mux.url())).ok
    assert mux.connections == 1


async def test_cancelled_call_resets_its_stream_alone(client, mux):
    other = asyncio.create_task(client.get(mux.url("/wait")))
    task = asyncio.create_task(client.get(mux.url("/never")))
    await mux.until(requests=2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await mux.until(resets=1)
    assert mux.resets == [(next(r.stream for r in mux.requests if r.target == "/never"), "cancel")]
    mux.gate.set()
    assert (await other).ok
    assert mux.connections == 1


async def test_abandoned_stream_is_reset(client, mux):
    response = await client.get(mux.url("/bytes/5000000"), stream=True)
    await response.aclose()
    await mux.until(resets=1)
    assert (await client.get(mux.url())).ok
    assert mux.connections == 1


@pytest.mark.parametrize(("timeout", "error"), [(Timeout(read=0.1), ReadTimeout), (0.1, HttpTimeout)])
async def test_timeout_ends_one_exchange(client, mux, timeout, error):
    with pytest.raises(error):
        await client.get(mux.url("/never"), timeout=timeout)
    assert (await client.get(mux.url())).ok
    assert mux.connections == 1


async def test_pool_timeout_counts_the_wait_for_a_stream(client, make_mux):
    mux = await make_mux(max_streams=1)
    first = asyncio.create_task(client.get(mux.url("/wait")))
    await mux.until(requests=1)
    with pytest.raises(PoolTimeout):
        await client.get(mux.url(), timeout=Timeout(pool=0.1))
    mux.gate.set()
    assert (await first).ok


async def test_reset_within_the_body_is_an_error_of_this_exchange(client, mux):
    with pytest.raises(HttpConnectionError) as caught:
        await client.get(mux.url("/reset"))
    assert caught.value.response.status_code == 200
    assert (await client.get(mux.url())).ok
    assert mux.connections == 1


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_refused_request_is_sent_again_whatever_its_method(client, mux, method):
    response = await client.request(method, mux.url("/refuse"), data=b"body" if method == "POST" else None)
    assert response.text == "refuse"
    assert [request.stream for request in mux.requests] == [1, 2]
    assert mux.connections == 1


async def test_refused_body_that_can_be_read_once_is_not_sent_again(client, mux):
    async def once():
        yield b"x"

    with pytest.raises(HttpConnectionError) as caught:
        await client.post(mux.url("/refuse"), data=once())
    assert caught.value.was_processed is False


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_request_behind_a_goaway_is_sent_on_a_new_connection(client, mux, method):
    response = await client.request(method, mux.url("/goaway"))
    assert response.text == "goaway"
    assert mux.connections == 2


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_connection_that_goes_away_without_a_response(client, mux, method):
    """What the server may have processed is sent again only if it may be processed twice (RFC 9110, section 9.2.2)."""
    calls = [client.request(method, mux.url(path)) for path in ("/wait", "/leave")]
    mux.gate.set()
    if method == "GET":
        waited, left = await asyncio.gather(*calls)
        assert (waited.text, left.text, mux.connections) == ("wait", "leave", 2)
    else:
        _, left = await asyncio.gather(*calls, return_exceptions=True)
        assert isinstance(left, ConnectionClosed)
    assert len([request for request in mux.requests if request.target == "/leave"]) == (2 if method == "GET" else 1)


async def test_connection_that_goes_away_finishes_its_exchanges(client, mux):
    waiting = asyncio.create_task(client.get(mux.url("/wait")))
    await mux.until(requests=1)
    assert (await client.get(mux.url("/last"))).ok
    assert (await client.get(mux.url("/hello"))).ok
    assert mux.connections == 2
    mux.gate.set()
    assert (await waiting).text == "wait"
    async with mux.changed:
        await asyncio.wait_for(mux.changed.wait_for(lambda: mux.open_connections == 1), 5)


async def test_lost_connection_ends_all_its_exchanges(client, mux):
    tasks = [asyncio.create_task(client.get(mux.url("/wait"))) for _ in range(5)]
    await mux.until(requests=5)
    (session,) = mux.sessions
    session.writer.transport.abort()
    for task in tasks:
        with pytest.raises(HttpConnectionError):
            await task
    assert (await client.get(mux.url())).ok
    assert mux.connections == 2


async def test_connection_that_was_lost_while_idle_is_replaced(client, mux):
    await client.get(mux.url())
    (session,) = mux.sessions
    session.writer.close()
    await mux.until_closed()
    assert (await client.post(mux.url(), data=b"x")).ok
    assert mux.connections == 2


async def test_idle_connection_is_closed_after_keep_alive(make_client, mux):
    client = make_client(keep_alive=0.1)
    await client.get(mux.url())
    await mux.until_closed()
    assert client.stats().connections == 0


async def test_close_ends_the_exchanges(client, mux):
    tasks = [asyncio.create_task(client.get(mux.url("/wait"))) for _ in range(3)]
    await mux.until(requests=3)
    await client.close()
    for task in tasks:
        with pytest.raises(ClientClosed):
            await task
    await mux.until_closed()
    assert (await client.get(mux.url())).ok


async def test_max_connections_counts_connections_and_not_streams(make_client, make_mux):
    client = make_client(max_connections=1)
    one, two = await make_mux(), await make_mux()
    responses = await asyncio.gather(*(client.get(server.url()) for server in (one, two) * 5))
    assert all(response.ok for response in responses)
    assert client.stats().connections == 1


async def test_follow_ups_go_over_it(make_client, mux):
    class Again:
        @hookimpl
        def post_request(self, response, exc):
            if exc is None and response.request.cause == "call":
                return response.request.follow(mux.url("/hello/again"), cause="redirect")

    client = make_client(plugins=[Again()])
    response = await client.post(mux.url("/echo"), data=b"x")
    assert (response.text, len(response.history)) == ("hello", 1)
    assert mux.connections == 1


async def test_close_ends_exchanges_of_a_connection_that_goes_away(client, mux):
    waiting = asyncio.create_task(client.get(mux.url("/wait")))
    await mux.until(requests=1)
    assert (await client.get(mux.url("/last"))).ok
    assert client.stats().streams == 1
    await client.close()
    with pytest.raises(ClientClosed):
        await waiting
    await mux.until_closed()


async def test_connection_that_is_not_kept_serves_those_that_wait(make_client, make_mux):
    mux = await make_mux(max_streams=1)
    client = make_client(keep_alive=0)
    responses = await asyncio.gather(*(client.get(mux.url()) for _ in range(5)))
    assert all(response.ok for response in responses)
    await mux.until_closed()
    assert client.stats()[:3] == (0, 0, 0)


async def test_stream_that_waits_for_a_busy_loop_is_used(make_client, make_mux):
    mux = await make_mux(max_streams=1)
    client = make_client(keep_alive=0)
    first = asyncio.create_task(client.get(mux.url("/wait")))
    await mux.until(requests=1)

    def block(response, exc=None):
        time.sleep(0.02)  # the stream was given to the next call, which has not gone on yet

    client.event("post_request").bind(block)
    second = asyncio.create_task(client.get(mux.url()))
    await asyncio.sleep(0)
    mux.gate.set()
    assert (await first).ok
    assert (await second).ok
    assert (mux.connections, mux.most_streams) == (1, 1)


async def test_bytes_that_wait_do_not_make_a_connection_stale(client, mux):
    await client.get(mux.url())
    (session,) = mux.sessions
    session.send(b"S", 0, (50).to_bytes(4))
    await session.writer.drain()
    time.sleep(0.02)  # noqa: ASYNC251  # the loop reads nothing meanwhile
    assert (await client.get(mux.url())).ok
    assert mux.connections == 1


async def test_end_behind_bytes_that_wait_makes_a_connection_stale(client, mux):
    await client.get(mux.url())
    (session,) = mux.sessions
    session.send(b"S", 0, (50).to_bytes(4))
    await session.writer.drain()
    with socket.socket(fileno=os.dup(session.writer.get_extra_info("socket").fileno())) as end:
        end.shutdown(socket.SHUT_RDWR)
    time.sleep(0.02)  # noqa: ASYNC251  # the loop reads nothing meanwhile
    assert (await client.post(mux.url())).ok
    assert mux.connections == 2

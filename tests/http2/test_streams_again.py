"""The object of a stream serves one exchange after another, if they end on the fast path, and carries nothing over."""

from __future__ import annotations

import asyncio

import pytest

from hookline import hookimpl


class Recorder:
    """Keeps the streams of the exchanges, in their order."""

    name = "recorder"

    def __init__(self):
        self.streams = []

    @hookimpl
    def on_headers(self, response):
        self.streams.append(response.connection)


@pytest.fixture
def recorder():
    return Recorder()


@pytest.fixture
def client(make_client, recorder):
    return make_client(plugins=[recorder])


async def test_object_of_a_stream_serves_again(client, server, recorder):
    for number in range(3):
        response = await client.post(server.url(f"/bytes/{number}"), data=b"x" * number)
        assert (response.status_code, len(response.content)) == (200, number)
    first, *others = recorder.streams
    assert all(other is first for other in others)
    assert (first.parts, first.head, first.number) == ([], None, 0)


async def test_exchanges_at_the_same_time_have_streams_of_their_own(client, server, recorder):
    for _ in range(2):
        tasks = [asyncio.create_task(client.get(server.url(f"/bytes/{number}"))) for number in range(20)]
        assert [len((await task).content) for task in tasks] == list(range(20))
    assert len(set(map(id, recorder.streams[:20]))) == 20
    assert len(set(map(id, recorder.streams[20:]))) == 20
    assert client.stats().streams == 0


async def test_stream_that_did_not_end_on_the_fast_path_does_not_serve_again(client, server, recorder):
    await client.get(server.url())
    await client.get(server.url(), max_body=1000)
    cancelled = asyncio.create_task(client.get(server.url("/wait")))
    await server.until(requests=3)
    cancelled.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cancelled
    assert (await client.get(server.url())).text == "hello"
    first, limited, last = recorder.streams
    assert limited is first
    assert last is not first
    assert not first.alive


async def test_late_frames_of_an_earlier_exchange_do_not_reach_the_next_one(client, server, recorder):
    earlier = []

    async def answer(session, request):
        for number in earlier:
            session.reset(number, 0)  # as for an upload that the server does not need
        earlier.append(request.stream)
        session.head(request.stream, 200, ("content-length", "2"))
        session.data(request.stream, b"ok", ends=True)

    server.answers["/late"] = answer
    for _ in range(5):
        assert (await client.get(server.url("/late"))).text == "ok"
    assert server.connections == 1

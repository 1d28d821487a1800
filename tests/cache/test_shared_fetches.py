"""Many calls that miss at the same time share one fetch, whatever happens to it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from hookline import ClientClosed, HttpClient, HttpResponse
from hookline_cache import Cache
from hookline_testing.server import Gate, Script, ScriptedServer, head, response

pytestmark = pytest.mark.protocols("HTTP/1.1", "HTTP/2")

FRESH = [("Cache-Control", "max-age=60")]
BODY = b"body" * 50_000


def calls(client: HttpClient, url: str, count: int, **options: Any) -> list[asyncio.Task[HttpResponse]]:
    return [asyncio.ensure_future(client.get(url, **options)) for _ in range(count)]


async def test_one_fetch_for_many_calls(cached: HttpClient, scripted: ScriptedServer) -> None:
    scripted.answer(response(BODY, 200, FRESH))
    found = await asyncio.gather(*calls(cached, scripted.url(), 50))
    assert {each.content for each in found} == {BODY}
    assert len(scripted.requests) == 1
    statuses = [str(each.cache_status) for each in found]
    assert statuses.count("hookline; fwd=uri-miss; ttl=60; stored") == 1
    assert statuses.count("hookline; fwd=uri-miss; ttl=60; collapsed") == 49


async def test_one_validation_for_many_calls(cached: HttpClient, scripted: ScriptedServer, clock: Any) -> None:
    scripted.answer(response(BODY, 200, [*FRESH, ("ETag", '"1"')]), response(b"", 304, FRESH))
    await cached.get(scripted.url())
    clock.passes(61)
    found = await asyncio.gather(*calls(cached, scripted.url(), 20))
    assert {each.content for each in found} == {BODY}
    assert len(scripted.requests) == 2
    assert {str(each.cache_status) for each in found} <= {
        "hookline; fwd=stale; fwd-status=304; ttl=60",
        "hookline; fwd=stale; ttl=60; collapsed",
        "hookline; hit; ttl=60",  # a storage that takes its time may find it already renewed
    }


async def test_responses_that_are_not_stored_are_fetched_side_by_side(
    cached: HttpClient, scripted: ScriptedServer
) -> None:
    gate = Gate()
    scripted.answer(response(b"0"))
    scripted.always(Script().hold(gate).send(response(b"1")))
    tasks = calls(cached, scripted.url(), 8)
    await scripted.until(requests=8)  # the first had an answer; none of the others waits for another of them
    again = calls(cached, scripted.url(), 1)
    await scripted.until(requests=9)  # and nobody waits for a URL whose response was not stored
    gate.open()
    found = await asyncio.gather(*tasks, *again)
    assert sorted(each.text for each in found) == ["0", *"11111111"]


@pytest.mark.parametrize("end", ["cancelled", "timeout", "cut"])
async def test_another_call_fetches_if_the_first_fails(cached: HttpClient, scripted: ScriptedServer, end: str) -> None:
    first = head(200, [*FRESH, ("Content-Length", "10")]) + b"begun"
    gate = Gate()
    script = Script().send(first).signal(gate)
    scripted.answer(script.drop() if end == "cut" else script.stall(), response(BODY, 200, FRESH))
    leader = calls(cached, scripted.url(), 1, **({"timeout": 0.3} if end == "timeout" else {}))[0]
    await scripted.until(requests=1)
    others = calls(cached, scripted.url(), 10)
    await gate.until()
    await asyncio.sleep(0)
    if end == "cancelled":
        leader.cancel()
    assert isinstance((await asyncio.gather(leader, return_exceptions=True))[0], BaseException)
    assert {each.content for each in await asyncio.gather(*others)} == {BODY}
    assert len(scripted.requests) == 2


async def test_cancelled_waiter_harms_nobody(cached: HttpClient, scripted: ScriptedServer) -> None:
    gate = Gate()
    scripted.answer(Script().hold(gate).send(response(BODY, 200, FRESH)))
    tasks = calls(cached, scripted.url(), 1)
    await scripted.until(requests=1)
    tasks += calls(cached, scripted.url(), 9)
    await asyncio.sleep(0.01)  # they look up, and wait; what follows holds even if they do not yet
    tasks[5].cancel()
    await asyncio.sleep(0)
    gate.open()
    found = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(found.pop(5), asyncio.CancelledError)
    assert all(isinstance(each, HttpResponse) and each.content == BODY for each in found)
    assert len(scripted.requests) == 1


async def test_timeout_of_a_waiter_holds(cached: HttpClient, scripted: ScriptedServer) -> None:
    scripted.answer(Script().stall())
    leader = calls(cached, scripted.url(), 1)[0]
    await scripted.until(requests=1)
    with pytest.raises(TimeoutError):
        await cached.get(scripted.url(), timeout=0.1)
    leader.cancel()
    await asyncio.gather(leader, return_exceptions=True)


async def test_nobody_waits_for_a_stream_that_its_caller_reads(cached: HttpClient, scripted: ScriptedServer) -> None:
    scripted.always(response(BODY, 200, FRESH))
    async with await cached.get(scripted.url(), stream=True):
        assert (await cached.get(scripted.url())).content == BODY
    assert len(scripted.requests) == 2


async def test_streams_share_the_fetch_of_a_call(cached: HttpClient, scripted: ScriptedServer) -> None:
    gate = Gate()
    scripted.answer(Script().hold(gate).send(response(BODY, 200, FRESH)))
    whole = calls(cached, scripted.url(), 1)[0]
    await scripted.until(requests=1)
    streams = calls(cached, scripted.url(), 5, stream=True)
    gate.open()
    assert [await (await stream).raw.read() for stream in streams] == [BODY] * 5
    assert (await whole).content == BODY
    assert len(scripted.requests) == 1


async def test_handler_that_gets_the_same_url_does_not_wait_for_its_own_call(
    cached: HttpClient, scripted: ScriptedServer
) -> None:
    scripted.always(response(BODY, 200, FRESH))

    async def get_again(response: HttpResponse) -> None:
        assert (await cached.get(scripted.url())).content == BODY

    assert (await cached.get(scripted.url(), on_headers=get_again)).content == BODY
    assert len(scripted.requests) == 2


async def test_closing_the_client_ends_all(scripted: ScriptedServer, cache: Cache) -> None:
    scripted.always(Script().stall())
    client = HttpClient(autoload=False, plugins=["cache"], cache=cache)
    tasks = calls(client, scripted.url(), 10)
    await scripted.until(requests=1)
    await client.close()
    found = await asyncio.gather(*tasks, return_exceptions=True)
    assert {type(each) for each in found} == {ClientClosed}

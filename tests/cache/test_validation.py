"""Stale responses: validated, used while they are validated in the background, and used if the server fails."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from hookline import ConnectionClosed, HttpClient, HttpResponse, Timeout
from hookline_cache import Cache
from hookline_testing.server import Gate, Script, ScriptedServer, response

pytestmark = pytest.mark.protocols("HTTP/1.1", "HTTP/2")

ETAG = ("ETag", '"1"')
MODIFIED = ("Last-Modified", "Wed, 01 Jan 2020 00:00:00 GMT")
NOT_MODIFIED = response(b"", 304, [("Cache-Control", "max-age=60"), ("X-New", "1")])
GONE = Script().drop()


def stale(*fields: tuple[str, str], directives: str = "max-age=60", body: bytes = b"first") -> bytes:
    return response(body, 200, [("Cache-Control", directives), *fields])


async def get_stale(client: HttpClient, scripted: ScriptedServer, clock: Any, *fields: Any, **options: Any) -> None:
    """Get a response that is stale then."""
    scripted.answer(stale(*fields, **options))
    await client.get(scripted.url())
    clock.passes(61)


@pytest.mark.parametrize("stream", [False, True])
async def test_304_is_answered_with_what_is_stored(
    cached: HttpClient, scripted: ScriptedServer, clock: Any, stream: bool
) -> None:
    body = b"x" * 300_000
    await get_stale(cached, scripted, clock, ETAG, MODIFIED, ("X-Old", "1"), body=body)
    scripted.answer(NOT_MODIFIED)
    found = await cached.get(scripted.url(), stream=stream)
    assert await found.raw.read() == body
    assert (found.status_code, found.is_stored, found.headers["x-old"], found.headers["x-new"]) == (200, True, "1", "1")
    assert found.cache_status == "hookline; fwd=stale; fwd-status=304; ttl=60"
    sent = scripted.requests[-1]
    assert (sent.header("if-none-match"), sent.header("if-modified-since")) == (ETAG[1], MODIFIED[1])
    hit = await cached.get(scripted.url())
    assert (hit.content, hit.headers["x-new"], hit.cache_status.hit) == (body, "1", True)


async def test_new_response_replaces_the_stale_one(cached: HttpClient, scripted: ScriptedServer, clock: Any) -> None:
    await get_stale(cached, scripted, clock, ETAG)
    scripted.answer(stale(body=b"second"))
    assert [(await cached.get(scripted.url())).text for _ in range(2)] == ["second"] * 2


async def test_no_cache_is_validated_each_time(cached: HttpClient, scripted: ScriptedServer) -> None:
    scripted.answer(stale(ETAG, directives="no-cache"), NOT_MODIFIED.replace(b"max-age=60", b"no-cache  "))
    assert [(await cached.get(scripted.url())).text for _ in range(2)] == ["first"] * 2
    scripted.answer(stale(body=b"second"))
    assert (await cached.get(scripted.url())).text == "second"


async def test_conditions_of_the_user_are_left_alone(cached: HttpClient, scripted: ScriptedServer) -> None:
    scripted.answer(stale(ETAG), NOT_MODIFIED)
    await cached.get(scripted.url())
    found = await cached.get(scripted.url(), headers={"If-None-Match": '"mine"'})
    assert (found.status_code, found.cache_status.fwd) == (304, "bypass")
    assert scripted.requests[1].header("if-none-match") == '"mine"'


# -- stale-while-revalidate


async def test_stale_response_is_used_while_it_is_validated(
    cached: HttpClient, scripted: ScriptedServer, clock: Any
) -> None:
    await get_stale(cached, scripted, clock, ETAG, directives="max-age=60, stale-while-revalidate=30")
    gate, seen = Gate(), []

    async def headers_seen(response: HttpResponse) -> None:
        seen.append(response.status_code)

    scripted.answer(Script().hold(gate).send(stale(body=b"second")))
    found = await asyncio.gather(*(cached.get(scripted.url(), on_headers=headers_seen) for _ in range(5)))
    assert {each.text for each in found} == {"first"}
    assert {each.cache_status.ttl for each in found} == {-1}
    await scripted.until(requests=2)
    gate.open()
    while (await cached.get(scripted.url(), headers={"Cache-Control": "max-stale"})).text == "first":  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    assert len(scripted.requests) == 2
    assert seen == [200] * 5  # handlers of the call are not called for the request in the background


async def test_background_request_is_over_with_the_client(scripted: ScriptedServer, cache: Cache, clock: Any) -> None:
    async with HttpClient(autoload=False, plugins=["cache"], cache=cache) as client:
        await get_stale(client, scripted, clock, directives="max-age=60, stale-while-revalidate=30")
        scripted.answer(Script().stall())
        assert (await client.get(scripted.url())).text == "first"
        await scripted.until(requests=2)
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    assert [task for task in tasks if "revalidate" in repr(task)] == []


async def test_failure_in_the_background_harms_nothing(
    cached: HttpClient, scripted: ScriptedServer, clock: Any
) -> None:
    await get_stale(cached, scripted, clock, directives="max-age=60, stale-while-revalidate=30")
    scripted.always(GONE)
    assert (await cached.get(scripted.url())).text == "first"
    await scripted.until(requests=2)
    while cached.stats().in_use:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    assert (await cached.get(scripted.url())).text == "first"


# -- stale-if-error


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    "failure", [GONE, response(b"down", 503), response(b"down" * 100_000, 500)], ids=["gone", "503", "500"]
)
async def test_stale_response_replaces_a_failure(
    cached: HttpClient, scripted: ScriptedServer, clock: Any, failure: Any, stream: bool
) -> None:
    await get_stale(cached, scripted, clock, directives="max-age=60, stale-if-error=30")
    scripted.always(failure)
    found = await cached.get(scripted.url(), stream=stream)
    assert await found.raw.read() == b"first"
    assert found.is_stored
    assert found.cache_status == "hookline; fwd=stale; ttl=-1; detail=stale-if-error"
    clock.passes(30)
    if isinstance(failure, bytes):
        assert (await cached.get(scripted.url())).content.startswith(b"down")
    else:
        with pytest.raises(ConnectionClosed):
            await cached.get(scripted.url())


async def test_stale_response_replaces_a_read_timeout(cached: HttpClient, scripted: ScriptedServer, clock: Any) -> None:
    await get_stale(cached, scripted, clock, directives="max-age=60, stale-if-error=30")
    scripted.always(Script().stall())
    assert (await cached.get(scripted.url(), timeout=Timeout(read=0.1))).text == "first"


@pytest.mark.parametrize("directives", ["max-age=60", "max-age=60, stale-if-error=30, must-revalidate"])
async def test_error_is_not_replaced_without_permission(
    cached: HttpClient, scripted: ScriptedServer, clock: Any, directives: str
) -> None:
    await get_stale(cached, scripted, clock, directives=directives)
    scripted.always(response(b"down", 503))
    assert (await cached.get(scripted.url())).text == "down"


async def test_request_may_ask_for_stale_if_error(cached: HttpClient, scripted: ScriptedServer, clock: Any) -> None:
    await get_stale(cached, scripted, clock)
    scripted.always(GONE)
    found = await cached.get(scripted.url(), headers={"Cache-Control": "stale-if-error=60"})
    assert found.text == "first"

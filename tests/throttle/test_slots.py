"""When a request is under way, and when it is over, for `concurrency=`."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from hookline import ConnectionClosed, HttpClient, HttpResponse, hookimpl
from hookline_testing.server import Gate, Script, ScriptedServer, head, response
from hookline_throttle import Throttle
from throttle.conftest import Admissions, Throttling

pytestmark = pytest.mark.protocols("HTTP/1.1", "HTTP/2")


def under_way(throttle: Throttle) -> int:
    return sum(len(state.under_way) for state in throttle.limits._keys.values())


async def until_free(throttle: Throttle) -> None:
    async with asyncio.timeout(5):
        while under_way(throttle):  # noqa: ASYNC110  # nothing tells of it
            await asyncio.sleep(0.01)


async def is_free(client: HttpClient, url: str, throttle: Throttle) -> None:
    """Assert that nothing has a slot, and that a request is sent without waiting."""
    assert under_way(throttle) == 0
    async with asyncio.timeout(5):
        assert (await client.get(url)).throttled == 0


async def test_no_more_are_under_way(throttling: Throttling, admissions: Admissions, scripted: ScriptedServer) -> None:
    gate = Gate()
    scripted.always(Script().hold(gate).send(response(b"ok")))
    async with throttling(Throttle(concurrency=3)) as client:
        tasks = [asyncio.ensure_future(client.get(scripted.url(f"/{number}"))) for number in range(10)]
        await scripted.until(requests=3)
        await asyncio.sleep(0.05)
        assert len(scripted.requests) == len(admissions.targets) == 3
        gate.open()
        found = await asyncio.gather(*tasks)
    assert admissions.targets == [f"/{number}" for number in range(10)]
    assert sum(each.throttled == 0 for each in found) == 3


@pytest.mark.parametrize("how", ["read", "closed", "failed", "cancelled", "forgotten", "early"])
async def test_slot_ends_with_the_exchange(throttling: Throttling, scripted: ScriptedServer, how: str) -> None:
    class Refuses:
        @hookimpl
        def on_headers(self, response: HttpResponse) -> None:
            if response.request.origin_form == "/early":
                raise ValueError("no")

    throttle = Throttle(concurrency=1)
    async with throttling(throttle, Refuses()) as client:
        if how in ("failed", "cancelled"):
            gate = Gate()
            cut = Script(head(200, [("Content-Length", "100")]) + b"half").close()
            scripted.answer(cut if how == "failed" else Script().hold(gate).send(response(b"late")))
            task = asyncio.ensure_future(client.get(scripted.url()))
            await scripted.until(requests=1)
            if how == "cancelled":
                assert under_way(throttle) == 1
                task.cancel()
            (outcome,) = await asyncio.gather(task, return_exceptions=True)
            assert isinstance(outcome, (ConnectionClosed, asyncio.CancelledError, Exception))
            gate.open()
        elif how == "early":
            scripted.answer(response(b"ok"))
            with pytest.raises(ValueError, match="no"):
                await client.get(scripted.url("/early"))
        else:
            scripted.answer(response(b"0123456789" * 100_000))
            stream = await client.get(scripted.url(), stream=True)
            assert under_way(throttle) == 1
            if how == "read":
                await stream.raw.read()
            elif how == "closed":
                await stream.close()
            else:
                with pytest.warns(ResourceWarning):
                    del stream
                await until_free(throttle)
        scripted.always(response(b"ok"))
        await is_free(client, scripted.url(), throttle)


async def test_follow_ups_take_slots_of_their_own(
    throttling: Throttling, admissions: Admissions, scripted: ScriptedServer
) -> None:
    class Again:
        @hookimpl(statuses=(503,))
        def post_request(self, response: HttpResponse, exc: Any) -> Any:
            return response.request.copy(cause="again")

    throttle = Throttle(concurrency=1)
    scripted.answer(response(b"", 503), response(b"", 503), response(b"ok"))
    async with throttling(throttle, Again()) as client:
        assert (await client.get(scripted.url())).text == "ok"
        assert len(admissions.targets) == 3
    assert under_way(throttle) == 0


@pytest.mark.parametrize("same", [True, False], ids=["same-origin", "other-origin"])
async def test_sub_requests_count_at_their_own_origin(
    throttling: Throttling, admissions: Admissions, make_scripted: Any, same: bool
) -> None:
    servers = [make_scripted() for _ in range(2)]
    for server in servers:
        server.always(response(b"ok"))
    token_url = servers[0 if same else 1].url("/token")

    class Token:
        after = ("admissions",)

        @hookimpl
        async def pre_request(self, response: HttpResponse) -> None:
            client = response.request.client
            await client.exchange(client.new_request("GET", token_url, cause="token", parent=response.request))

    throttle = Throttle("1000/s", burst=10, concurrency=1)
    async with throttling(throttle, Token()) as client:
        async with asyncio.timeout(10):
            await asyncio.gather(*(client.get(servers[0].url()) for _ in range(3)))
    assert sorted(admissions.targets) == ["/"] * 3 + ["/token"] * 3
    assert len(throttle.limits._keys) == (1 if same else 2)
    assert under_way(throttle) == 0


@pytest.mark.protocols("HTTP/1.1")
async def test_websocket_has_its_slot_until_it_is_closed(throttling: Throttling, scripted: ScriptedServer) -> None:
    pytest.importorskip("hookline_websocket")
    websockets = pytest.importorskip("websockets.asyncio.server")

    async def echo(connection: Any) -> None:
        async for message in connection:
            await connection.send(message)

    throttle = Throttle(concurrency=1)
    async with websockets.serve(echo, "127.0.0.1", 0) as server, throttling(throttle, "websocket") as client:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        first = await client.get(url)
        second = asyncio.ensure_future(client.get(url))
        await asyncio.sleep(0.05)
        assert (under_way(throttle), second.done()) == (1, False)
        await first.close()
        async with asyncio.timeout(5):
            websocket = await second
        assert under_way(throttle) == 1
        await websocket.send("hello")
        assert await websocket.receive() == "hello"
        await websocket.close()
        await until_free(throttle)


@pytest.mark.protocols("HTTP/1.1")
async def test_refused_websocket_has_no_slot(throttling: Throttling, scripted: ScriptedServer) -> None:
    pytest.importorskip("hookline_websocket")
    throttle = Throttle(concurrency=1)
    scripted.answer(response(b"no", 403), Script(head(101, [("Upgrade", "wrong")])))
    async with throttling(throttle, "websocket") as client:
        assert (await client.get("ws" + scripted.url().removeprefix("http"))).status_code == 403
        with pytest.raises(Exception, match=r"(?i)upgrade|101"):
            await client.get("ws" + scripted.url().removeprefix("http"))
        assert under_way(throttle) == 0


async def test_first_call_with_a_throttle_of_its_own(scripted: ScriptedServer) -> None:
    scripted.always(response(b"ok"))
    throttle = Throttle(concurrency=1)
    async with HttpClient(autoload=False, plugins=["throttle"], timeout=10) as client:
        for _ in range(3):
            async with asyncio.timeout(5):
                await asyncio.gather(*(client.get(scripted.url(), throttle=throttle) for _ in range(3)))
            assert under_way(throttle) == 0
        assert (await client.get(scripted.url())).throttled == 0
        assert {"throttle", "throttle_end"} <= {info.name for info in client.plugins}


async def test_call_without_a_throttle(throttling: Throttling, scripted: ScriptedServer) -> None:
    scripted.always(response(b"ok"))
    throttle = Throttle("1/h")
    async with throttling(throttle) as client:
        await client.get(scripted.url())
        assert (await client.get(scripted.url(), throttle=False)).throttled == 0


async def test_throttle_left_out_of_a_call(throttling: Throttling, scripted: ScriptedServer) -> None:
    scripted.always(response(b"ok"))
    async with throttling(Throttle("1/h", concurrency=1)) as client:
        for _ in range(2):
            assert (await client.get(scripted.url(), disable=["throttle"])).status_code == 200


async def test_slot_that_nobody_gives_back_ends_with_its_admission(
    throttling: Throttling, scripted: ScriptedServer
) -> None:
    scripted.always(response(b"ok"))
    throttle = Throttle(concurrency=1)
    async with throttling(throttle) as client:
        request = client.build_request("GET", scripted.url())
        admission = throttle.limits.enter(request, request.origin.key)
        assert (admission.has_slot, under_way(throttle)) == (True, 1)
        waiting = asyncio.ensure_future(client.get(scripted.url()))
        await asyncio.sleep(0.05)
        assert not waiting.done()
        del admission
        async with asyncio.timeout(5):
            await waiting
        del request
        await is_free(client, scripted.url(), throttle)

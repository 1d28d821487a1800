"""How many requests are sent per time, in which order, and what ends a wait."""

from __future__ import annotations

import asyncio
import time
from itertools import pairwise
from typing import Any

import pytest

from hookline import ClientClosed, HttpClient, HttpResponse, HttpTimeout, hookimpl
from hookline_testing.server import ScriptedServer, response
from hookline_throttle import Throttle
from throttle.conftest import Admissions, Throttling

pytestmark = pytest.mark.protocols("HTTP/1.1", "HTTP/2")


@pytest.mark.parametrize("burst", [1, 5])
async def test_no_window_has_more_than_rate_and_burst(
    throttling: Throttling, admissions: Admissions, scripted: ScriptedServer, burst: int
) -> None:
    scripted.always(response(b"ok"))
    async with throttling(Throttle("50/s", burst=burst)) as client:
        begun = time.monotonic()
        found = await asyncio.gather(*(client.get(scripted.url()) for _ in range(30)))
    assert {each.status_code for each in found} == {200}
    # Each admission moves the rate by one interval, and comes at most `burst` intervals before that: so there are at most
    # t * 50 + burst of them in any time t.
    assert min(later - earlier for earlier, later in pairwise(sorted(admissions.rates))) >= 0.02 - 1e-6
    for instant, rate in zip(admissions.instants, admissions.rates, strict=True):
        assert instant >= rate - burst * 0.02 - 1e-6
    assert admissions.instants[-1] - begun >= (30 - burst) / 50 - 0.001
    waited = [each.throttled for each in found]
    assert sum(each == 0 for each in waited) >= burst
    assert 0 < max(waited) <= admissions.instants[-1] - begun


async def test_burst_comes_back_after_a_pause(
    throttling: Throttling, admissions: Admissions, scripted: ScriptedServer
) -> None:
    scripted.always(response(b"ok"))
    async with throttling(Throttle("20/s", burst=3)) as client:
        for _ in range(2):
            for _ in range(3):
                assert (await client.get(scripted.url())).throttled == 0
            await asyncio.sleep(0.2)


async def test_requests_are_sent_in_the_order_of_their_calls(
    throttling: Throttling, admissions: Admissions, scripted: ScriptedServer
) -> None:
    scripted.always(response(b"ok"))
    async with throttling(Throttle("500/s")) as client:
        await asyncio.gather(*(client.get(scripted.url(f"/{number}")) for number in range(60)))
    assert admissions.targets == [f"/{number}" for number in range(60)]


async def test_one_timer_for_all_that_wait(throttling: Throttling, scripted: ScriptedServer) -> None:
    scripted.always(response(b"ok"))
    async with throttling(Throttle("1/h"), timeout=0) as client:
        await client.get(scripted.url())
        loop: Any = asyncio.get_running_loop()
        calls: list[float] = []
        at = loop.call_at
        loop.call_at = lambda when, *rest, **named: calls.append(when) or at(when, *rest, **named)
        try:
            tasks = [asyncio.ensure_future(client.get(scripted.url())) for _ in range(200)]
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        finally:
            del loop.call_at
        assert len(calls) <= 1
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.parametrize("how", ["cancel", "close", "deadline"])
async def test_wait_ends(throttling: Throttling, scripted: ScriptedServer, how: str) -> None:
    scripted.always(response(b"ok"))
    throttle = Throttle("1/h")
    async with throttling(throttle, timeout=0.2 if how == "deadline" else 20) as client:
        await client.get(scripted.url())
        tasks = [asyncio.ensure_future(client.get(scripted.url())) for _ in range(3)]
        await asyncio.sleep(0.01)
        if how == "close":
            await client.close()
        elif how == "cancel":
            for task in tasks:
                task.cancel()
        async with asyncio.timeout(5):
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        expected = {"cancel": asyncio.CancelledError, "close": ClientClosed, "deadline": HttpTimeout}[how]
        assert {type(each) for each in outcomes} == {expected}
        assert not client.loop_resources.is_busy
    (state,) = throttle.limits._keys.values()
    assert not state.waiters
    assert len(scripted.requests) == 1


async def test_cancelled_wait_lets_the_next_one_have_its_turn(
    throttling: Throttling, admissions: Admissions, scripted: ScriptedServer
) -> None:
    scripted.always(response(b"ok"))
    async with throttling(Throttle("2/s")) as client:
        await client.get(scripted.url("/0"))
        tasks = [asyncio.ensure_future(client.get(scripted.url(f"/{number}"))) for number in (1, 2, 3)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        tasks[0].cancel()
        async with asyncio.timeout(5):
            await asyncio.gather(*tasks, return_exceptions=True)
    assert admissions.targets == ["/0", "/2", "/3"]


@pytest.mark.parametrize("cut", range(4))
async def test_turn_that_comes_with_a_cancellation_is_given_back(
    throttling: Throttling, scripted: ScriptedServer, cut: int
) -> None:
    scripted.always(response(b"ok"))
    throttle = Throttle(concurrency=1)
    async with throttling(throttle) as client:
        held = await client.get(scripted.url(), stream=True)
        waiting = asyncio.ensure_future(client.get(scripted.url()))
        await asyncio.sleep(0.01)
        held.close()
        for _ in range(cut):
            await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        async with asyncio.timeout(5):
            assert (await client.get(scripted.url())).status_code == 200
    assert [len(state.under_way) for state in throttle.limits._keys.values()] == [0]


class Answers:
    """Answers requests itself, after the throttle."""

    after = ("throttle",)

    @hookimpl
    def pre_request(self, response: HttpResponse) -> HttpResponse:
        return HttpResponse.build(response.request, 200, content=b"own")


async def test_request_that_another_plugin_answers_takes_no_token(throttling: Throttling) -> None:
    throttle = Throttle("1/h", concurrency=1)
    async with throttling(throttle, Answers()) as client:
        for _ in range(3):
            assert (await client.get("http://a.test/")).throttled == 0
    (state,) = throttle.limits._keys.values()
    assert state.is_idle(time.monotonic())


async def test_answer_of_another_exchange_gives_the_slot_back(scripted: ScriptedServer) -> None:
    """It has notes of its own, beside those of the throttle."""

    class Elsewhere:
        after = ("throttle",)

        @hookimpl
        async def pre_request(self, response: HttpResponse) -> HttpResponse | None:
            if response.request.origin_form != "/first":
                return None
            found = await response.request.client.get(scripted.url("/second"), throttle=False)
            found.notes["mine"] = True
            return found

    scripted.always(response(b"ok"))
    throttle = Throttle(concurrency=1)
    async with HttpClient(autoload=False, plugins=["throttle", Elsewhere()], throttle=throttle, timeout=10) as client:
        for _ in range(3):
            assert (await client.get(scripted.url("/first"))).text == "ok"


async def test_idle_keys_are_forgotten() -> None:
    throttle = Throttle("1000/s", per=lambda request: request.origin_form)
    async with HttpClient(autoload=False, plugins=["throttle", Answers()], throttle=throttle) as client:
        for number in range(3000):
            await client.get(f"http://a.test/{number}")
    assert len(throttle.limits._keys) < 200


@pytest.mark.parametrize("per", ["origin", "host", "function"])
async def test_limits_are_counted_per_key(throttling: Throttling, scripted: ScriptedServer, per: str) -> None:
    scripted.always(response(b"ok"))
    throttle = Throttle("1/h", per=(lambda request: request.get_header("x-user")) if per == "function" else per)
    ports = {"origin": (1, 0), "host": (1, 1), "function": (1, 0)}[per]
    async with throttling(throttle, Answers(), Sends()) as client:
        other = "http://a.test:81/" if per != "function" else "http://a.test/"
        waits = []
        for url, user in (("http://a.test/", "ann"), (other, "bob")):
            try:
                waits.append((await client.get(url, headers={"X-User": user}, timeout=0.05)).throttled > 0)
            except HttpTimeout:
                waits.append(True)
    assert waits == [False, ports[1] == 1]


class Sends:
    """Lets nothing be given back for answers that come without the network."""

    after = ("throttle",)
    before = ("answers",)

    @hookimpl
    def pre_request(self, response: HttpResponse) -> None:
        response.notes["throttle"].after = None


async def test_requests_without_a_key_are_not_limited() -> None:
    throttle = Throttle("1/h", per=lambda request: None)
    async with HttpClient(autoload=False, plugins=["throttle", Answers()], throttle=throttle) as client:
        for _ in range(3):
            assert (await client.get("http://a.test/")).throttled == 0
    assert not throttle.limits._keys


async def test_key_that_cannot_be_one_is_refused() -> None:
    throttle = Throttle("1/h", per=lambda request: [])
    async with HttpClient(autoload=False, plugins=["throttle"], throttle=throttle) as client:
        with pytest.raises(TypeError, match="per= returned a list"):
            await client.get("http://a.test/")


def test_synchronous_mode(scripted: ScriptedServer) -> None:
    scripted.always(response(b"ok"))
    with HttpClient(autoload=False, plugins=["throttle"], throttle=Throttle("20/s", concurrency=1)) as client:
        found = [client.get(scripted.url()).throttled for _ in range(3)]
    assert found[0] == 0

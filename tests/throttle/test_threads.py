"""One Throttle for clients of several loops, threads and processes."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import time
from typing import Any

import pytest

from hookline import HttpClient, HttpResponse, hookimpl
from hookline_testing.server import ScriptedServer, response
from hookline_throttle import Throttle


def test_loops_of_several_threads_share_the_limits(scripted: ScriptedServer) -> None:
    scripted.always(response(b"ok"))
    throttle = Throttle("100/s", burst=1, concurrency=2)
    instants: list[float] = []
    most: list[int] = []

    class Notes:
        after = ("throttle",)

        @hookimpl
        def pre_request(self, response: HttpResponse) -> None:
            instants.append(time.monotonic())
            most.append(sum(len(state.under_way) for state in list(throttle.limits._keys.values())))

    def run() -> None:
        async def main() -> None:
            options = {"throttle": throttle, "timeout": 30}
            async with HttpClient(autoload=False, plugins=["throttle", Notes()], **options) as client:
                await asyncio.gather(*(client.get(scripted.url()) for _ in range(10)))

        asyncio.run(main())

    begun = time.monotonic()
    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert (len(instants), max(most) <= 2) == (30, True)
    assert max(instants) - begun >= 0.29
    assert [len(state.under_way) for state in throttle.limits._keys.values()] == [0]


def test_loop_that_ends_leaves_the_queue(scripted: ScriptedServer) -> None:
    scripted.always(response(b"ok"))
    throttle = Throttle("4/s")
    clients = [HttpClient(autoload=False, plugins=["throttle"], throttle=throttle, timeout=20) for _ in range(2)]

    async def begin() -> asyncio.Future[HttpResponse]:
        await clients[0].get(scripted.url())
        waiting = asyncio.ensure_future(clients[0].get(scripted.url()))
        await asyncio.sleep(0.01)
        return waiting  # asyncio.run cancels it

    assert asyncio.run(begin()).cancelled()

    async def go_on() -> HttpResponse:
        async with clients[1] as client:
            return await client.get(scripted.url())

    assert asyncio.run(go_on()).status_code == 200


def test_loop_that_was_closed_leaves_the_queue(scripted: ScriptedServer) -> None:
    """Its waiter was not told, and its timer never rings."""
    scripted.always(response(b"ok"))
    throttle = Throttle("4/s")

    async def main() -> None:
        async with HttpClient(autoload=False, plugins=["throttle"], throttle=throttle, timeout=20) as client:
            await client.get(scripted.url())
            (key,) = throttle.limits._keys
            stale = client.build_request("GET", scripted.url())
            lost = await asyncio.to_thread(wait_on_a_loop_that_is_closed, throttle, stale, key)
            async with asyncio.timeout(10):
                assert (await client.get(scripted.url())).status_code == 200
            lost.clear()

    def wait_on_a_loop_that_is_closed(throttle: Throttle, request: Any, key: Any) -> list[Any]:
        loop = asyncio.new_event_loop()
        with HttpClient(autoload=False) as client:
            waiting = throttle.limits.enter(client.build_request("GET", request.url), key)

            async def begin() -> None:
                waiting.send(None)

            with contextlib.suppress(RuntimeError):
                loop.run_until_complete(begin())
            loop.close()
        return [waiting]

    asyncio.run(main())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_forked_process_counts_anew(scripted: ScriptedServer) -> None:
    scripted.always(response(b"ok"))
    throttle = Throttle("1/h", concurrency=1)
    client = HttpClient(autoload=False, plugins=["throttle"], throttle=throttle, timeout=10)
    client.get(scripted.url())
    held = client.get(scripted.url(), stream=True, throttle=(other := Throttle(concurrency=1)))
    with other.limits._lock:  # another thread may have it at this moment
        child = os.fork()
        if child == 0:
            try:
                child_client = HttpClient(autoload=False, plugins=["throttle"], timeout=10)
                found = [child_client.get(scripted.url(), throttle=each).status_code for each in (throttle, other)]
                os._exit(0 if found == [200, 200] else 1)
            finally:
                os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert [len(state.under_way) for state in other.limits._keys.values()] == [1]
    held.close()
    client.close()

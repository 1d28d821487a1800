"""A websocket in other threads, and in a child of os.fork(): it is refused, and nothing of that goes out."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from hookline import HttpClient
from kit.turns import counted_turns
from servers.addresses import Site

REFUSED = "a client for each thread|client has left"
TOUCH: dict[str, Callable[[Any], Any]] = {
    "write": lambda websocket: websocket.write("x"),
    "send": lambda websocket: websocket.send("x"),
    "receive": lambda websocket: websocket.receive(),
    "ping": lambda websocket: websocket.ping(),
    "pong": lambda websocket: websocket.pong(),
    "write_close": lambda websocket: websocket.write_close(),
    "close": lambda websocket: websocket.close(),
    "wait_closed": lambda websocket: websocket.wait_closed(),
}


def url_of(site: Any) -> str:
    return "ws" + site.url("/").removeprefix("http")


@pytest.mark.parametrize("touch", TOUCH.values(), ids=TOUCH)
async def test_other_thread_is_refused_while_the_loop_runs(
    websockets_server: Site, touch: Callable[[Any], Any]
) -> None:
    async with HttpClient() as client, await client.get(url_of(websockets_server)) as websocket:
        with pytest.raises(RuntimeError, match=REFUSED):
            await asyncio.to_thread(touch, websocket)
        await websocket.send("still")
        assert await websocket.receive() == "still"


@pytest.mark.parametrize("touch", TOUCH.values(), ids=TOUCH)
def test_other_thread_is_refused_while_a_call_of_synchronous_mode_runs(
    websockets_server: Site, touch: Callable[[Any], Any]
) -> None:
    with HttpClient() as client, client.get(url_of(websockets_server)) as websocket, ThreadPoolExecutor(1) as thread:

        async def meanwhile(response: Any) -> None:
            with pytest.raises(RuntimeError, match=REFUSED):
                await asyncio.wrap_future(thread.submit(touch, websocket))

        with client.get(url_of(websockets_server), on_headers=meanwhile):
            pass
        websocket.send("still")
        assert websocket.receive() == "still"


def test_other_thread_may_go_on_between_two_calls(websockets_server: Site) -> None:
    with HttpClient() as client, client.get(url_of(websockets_server)) as websocket, ThreadPoolExecutor(1) as thread:
        thread.submit(websocket.send, "one").result()
        assert thread.submit(websocket.receive).result() == "one"
        websocket.send("two")
        assert websocket.receive() == "two"


PROGRAM = """
    import asyncio, os, sys
    from hookline import HttpClient

    def in_child(touches):
        child = os.fork()
        if child == 0:
            status = 1
            try:
                for touch in touches:
                    try:
                        touch()
                    except RuntimeError as error:
                        assert "parent process" in str(error), error
                    else:
                        raise AssertionError
                with HttpClient() as other:
                    own = other.get(sys.argv[1])
                    own.send("own")
                    assert own.receive() == "own"
                status = 0
            except BaseException:
                sys.excepthook(*sys.exc_info())
            finally:
                os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0

    def touches(websocket):
        return [
            lambda: websocket.write("x"), lambda: websocket.send("x"), websocket.receive, websocket.ping,
            websocket.pong, websocket.write_close, websocket.close, websocket.wait_closed,
        ]

    def synchronous():
        with HttpClient() as client, client.get(sys.argv[1]) as websocket:
            in_child(touches(websocket))
            websocket.send("one")
            assert websocket.receive() == "one"

    async def asynchronous():
        async with HttpClient() as client, await client.get(sys.argv[1]) as websocket:
            in_child(touches(websocket))
            await websocket.send("one")
            assert await websocket.receive() == "one"

    synchronous()
    asyncio.run(asynchronous())
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="os.fork is not here")
def test_websocket_belongs_to_the_parent(websockets_server: Site) -> None:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(PROGRAM), url_of(websockets_server)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


async def test_pieces_that_never_wait_leave_the_loop_its_turns(websockets_server: Site) -> None:
    async with (
        HttpClient() as client,
        await client.get(url_of(websockets_server)) as websocket,
        counted_turns(0) as turns,
    ):
        await asyncio.sleep(0)
        before = turns.count
        await websocket.send("" for _ in range(320))
        assert turns.count - before >= 4
        assert await websocket.receive() == ""

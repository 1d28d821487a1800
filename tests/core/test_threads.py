"""One client in several threads: each call works, or is refused with the RuntimeError that says what to do."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from hookline import HttpClient
from hookline_testing.server import Gate, Script, ScriptedServer, response

REFUSED = "a client for each thread|one client per loop|client has left|belongs to another loop"


@pytest.fixture(autouse=True)
def _threads_take_turns_often() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)
    gc.collect()  # what was left open shows here, and not in another test


def outcomes(calls: list[Callable[[], Any]], seconds: float = 0.7) -> set[str]:
    """What came of it when each call was made again and again, in a thread of its own."""
    end = time.monotonic() + seconds

    def repeat(call: Callable[[], Any]) -> set[str]:
        found = set()
        while time.monotonic() < end:
            try:
                found.add(call())
            except RuntimeError as error:
                found.add("refused" if any(part in str(error) for part in REFUSED.split("|")) else repr(error))
        return found

    with ThreadPoolExecutor(len(calls)) as threads:
        return set().union(*threads.map(repeat, calls))


def test_calls_of_several_threads_work_or_are_refused(scripted: ScriptedServer) -> None:
    scripted.always(response(b"body"))
    client = HttpClient(autoload=False)
    found = outcomes([lambda: client.get(scripted.url()).text] * 4)
    assert found <= {"body", "refused"}
    assert client.get(scripted.url()).text == "body"
    client.close()
    scripted.wait_closed_connections()


def test_streams_of_several_threads_work_or_are_refused(scripted: ScriptedServer) -> None:
    scripted.always(response(b"body" * 100_000))

    def read() -> str:
        with client.get(scripted.url(), stream=True) as answer:
            return b"".join(answer.raw).decode().replace("body", "") or "whole"

    def read_on() -> str:
        while True:
            try:
                return read()
            except RuntimeError as error:
                if "a client for each thread" not in str(error):
                    raise

    # A stream whose close() was refused keeps its connection until it is collected: ten of them would be the whole pool.
    client = HttpClient(autoload=False, pool_size=100_000)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # of streams whose close() was refused
        assert outcomes([read, read, read]) <= {"whole", "refused"}
        gc.collect()
    assert read_on() == "whole"
    client.close()
    scripted.wait_closed_connections()


def test_close_in_another_thread_works_or_is_refused(scripted: ScriptedServer) -> None:
    scripted.always(response(b"body"))
    client = HttpClient(autoload=False)

    def close() -> str:
        client.close()
        return "closed"

    assert outcomes([lambda: client.get(scripted.url()).text, close, close]) <= {"body", "closed", "refused"}
    assert client.get(scripted.url()).text == "body"
    client.close()
    scripted.wait_closed_connections()


def test_loops_of_several_threads_use_a_client_or_are_refused(scripted: ScriptedServer) -> None:
    scripted.always(response(b"body"))
    client = HttpClient(autoload=False)

    async def call() -> str:
        text: str = (await client.get(scripted.url())).text
        return text

    def synchronous() -> str:
        text: str = client.get(scripted.url()).text
        return text

    assert outcomes([lambda: asyncio.run(call()), lambda: asyncio.run(call()), synchronous]) <= {"body", "refused"}
    assert client.get(scripted.url()).text == "body"
    client.close()
    scripted.wait_closed_connections()


def test_first_calls_of_two_loops_at_once(scripted: ScriptedServer) -> None:
    gate = Gate()
    scripted.respond(lambda request: Script().hold(gate).send(response(b"body")))
    barrier = threading.Barrier(2, action=gate.open)

    async def call(client: HttpClient) -> str:
        try:
            text: str = (await client.get(scripted.url())).text
        except RuntimeError as error:
            return "refused" if "one client per loop" in str(error) else repr(error)
        else:
            return text

    def run(client: HttpClient) -> str:
        with asyncio.Runner() as runner:
            runner.get_loop()
            barrier.wait()
            return runner.run(call(client))

    with ThreadPoolExecutor(2) as threads:
        for _ in range(30):
            client = HttpClient(autoload=False)
            found = [future.result() for future in [threads.submit(run, client) for _ in range(2)]]
            assert set(found) <= {"body", "refused"}
            client.close()
    scripted.wait_closed_connections()


async def test_thread_beside_a_running_loop_is_refused_and_leaves_nothing_open(scripted: ScriptedServer) -> None:
    scripted.always(response(b"body"))
    async with HttpClient(autoload=False) as client:
        await client.get(scripted.url())
        for call in (lambda: client.get(scripted.url()), client.close):
            with pytest.raises(RuntimeError, match=REFUSED):
                await asyncio.to_thread(call)
        with pytest.raises(RuntimeError, match=REFUSED):
            await asyncio.to_thread(lambda: asyncio.run(client.get(scripted.url())))
        assert (await client.get(scripted.url())).text == "body"


def test_client_whose_loop_a_thread_has_left_works_in_another(scripted: ScriptedServer) -> None:
    scripted.always(response(b"body"))
    client = HttpClient(autoload=False)
    for _ in range(3):
        with ThreadPoolExecutor(1) as thread:
            assert thread.submit(lambda: client.get(scripted.url()).text).result() == "body"
    with ThreadPoolExecutor(1) as thread:
        thread.submit(client.close).result()
    scripted.wait_closed_connections()
    assert scripted.connections == 1

# ruff: noqa: T201  # what it prints is read by the test
"""A program for tests/core/test_forks.py: `python forking_client.py SCENARIO LOOP URL OPTIONS`, where OPTIONS are JSON.

Each scenario is a function below. A child that fails has another status than 0, and the program has that too then.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import gc
import json
import multiprocessing
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from hookline import ConnectionClosed, HttpClient, HttpResponse, hookimpl

SECONDS = 10
ROUNDS = 20

warnings.simplefilter("error")
client: HttpClient = None  # type: ignore[assignment]


def in_child(work: Callable[[], object], leave: Callable[[int], object] = os._exit) -> int:
    """Do some work in a child; returns its id."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        work()
        status = 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
        raise
    finally:
        leave(status)
    raise AssertionError


def wait(child: int) -> None:
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status == 0, status


def calls(url: str, who: str) -> None:
    for number in range(ROUNDS):
        for answer in (client.get(f"{url}{who}{number}"), client.post(f"{url}{who}{number}", data=b"x" * number)):
            assert answer.text == f"/{who}{number}", answer.text


def both_at_once(url: str) -> None:
    """Parent and child use the client at the same time."""
    calls(url, "first")
    child = in_child(lambda: calls(url, "child"))
    calls(url, "parent")
    wait(child)
    client.close()


def grandchild(url: str) -> None:
    def work() -> None:
        calls(url, "child")
        child = in_child(lambda: calls(url, "grandchild"))
        calls(url, "child")
        wait(child)

    calls(url, "first")
    child = in_child(work)
    calls(url, "parent")
    wait(child)
    client.close()


def child_ends(url: str, leave: Callable[[int], object]) -> None:
    """What happens at the end of a child that never used the client, or used and closed it, does nothing to the parent."""

    def use_and_close() -> None:
        calls(url, "child")
        client.close()

    for work in (gc.collect, use_and_close, client.close):
        calls(url, "parent")
        wait(in_child(work, leave))
        calls(url, "parent")
        # another thread still wakes the loop of the parent
        assert client.get(url.replace("127.0.0.1", "localhost") + "name", timeout=SECONDS).text == "/name"
    client.close()


def child_ends_at_once(url: str) -> None:
    child_ends(url, os._exit)


def child_ends_in_order(url: str) -> None:
    child_ends(url, sys.exit)


def parent_closes(url: str) -> None:
    """The server hears of it although a child lives on."""
    calls(url, "parent")
    reads, writes = os.pipe()

    def work() -> None:
        os.close(writes)
        os.read(reads, 1)

    child = in_child(work)
    os.close(reads)
    client.close()
    print("closed", flush=True)
    sys.stdin.readline()
    os.close(writes)
    wait(child)


def stream(url: str) -> None:
    """A stream that is open belongs to the parent."""
    answer = client.get(url + "large", stream=True)
    some = answer.raw.read(1000)

    def work() -> None:
        try:
            while answer.raw.read(100_000):
                pass
        except ConnectionClosed as error:
            if "parent process" not in str(error):
                raise
        else:
            raise AssertionError
        calls(url, "child")

    wait(in_child(work))
    assert len(some + answer.raw.read()) == 10_000_000
    calls(url, "parent")
    client.close()


def upload(url: str) -> None:
    """A fork in the middle of an exchange."""

    def chunks() -> Iterator[bytes]:
        yield b"x" * 100_000
        wait(in_child(lambda: calls(url, "child")))
        yield b"x" * 100_000

    assert client.post(url + "up", data=chunks()).text == "/up"
    calls(url, "parent")
    client.close()


def running_loop(url: str) -> None:
    """A fork in a coroutine; other calls are under way."""

    async def one(path: str) -> None:
        assert (await client.get(url + path)).text == f"/{path}"

    def work() -> None:
        calls(url, "child")
        asyncio.run(one("child"))
        calls(url, "child")
        client.close()

    async def main() -> None:
        await one("parent")
        async with asyncio.TaskGroup() as group:
            for number in range(5):
                group.create_task(one(f"slow{number}"))
            await asyncio.sleep(0.01)
            child = in_child(work)
            await one("parent")
        await asyncio.to_thread(wait, child)
        await one("parent")
        await client.close()

    asyncio.run(main())


def given_loop(url: str) -> None:
    """A loop that was given stays with the parent."""
    global client
    loop = asyncio.new_event_loop()
    client = HttpClient(loop=loop, **options)
    calls(url, "parent")
    child = in_child(lambda: calls(url, "child"))
    calls(url, "parent")
    wait(child)
    client.close()
    loop.close()


def states(url: str) -> None:
    """A child closes nothing that a plugin has opened in the parent, and opens its own."""
    log: list[str] = []

    class Keeps:
        def make(self) -> str:
            log.append("make")
            return f"of {os.getpid()}"

        @hookimpl
        def pre_request(self, response: HttpResponse) -> None:
            client.per_loop(self.make, log.append)

        @hookimpl
        def closed(self) -> None:
            log.append("closed")

    def child() -> None:
        client.close()
        assert log == ["make"], log
        calls(url, "child")
        client.close()
        assert log == ["make", "make", "closed", f"of {os.getpid()}"], log

    client.plugins.manager.register(Keeps())
    calls(url, "parent")
    wait(in_child(child))
    calls(url, "parent")
    client.close()
    assert log == ["make", "closed", f"of {os.getpid()}"], log


def work_of_process(url: str) -> None:
    calls(url, "process")


def processes(url: str) -> None:
    calls(url, "parent")
    context = multiprocessing.get_context("fork")
    process = context.Process(target=work_of_process, args=(url,))
    process.start()
    calls(url, "parent")
    process.join()
    assert process.exitcode == 0
    with concurrent.futures.ProcessPoolExecutor(2, context) as pool:
        for future in [pool.submit(work_of_process, url) for _ in range(2)]:
            future.result()
    calls(url, "parent")
    client.close()


if __name__ == "__main__":
    scenario, loop_name, base, given = sys.argv[1:]
    options: dict[str, Any] = json.loads(given)
    if loop_name == "uvloop":
        import uvloop

        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", DeprecationWarning
            )  # of 3.12; the policy is what a client asks for its loop
            uvloop.install()
    client = HttpClient(timeout=SECONDS, **options)
    globals()[scenario](base)

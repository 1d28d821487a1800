"""The loop thread: coroutines for synchronous callers, their errands, interruptions, the end of the interpreter, forks."""

from __future__ import annotations

import asyncio
import contextvars
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from hookline_bridges.loop_thread import Errands, LoopThread, loop_thread


@pytest.fixture
def thread() -> Iterator[LoopThread]:
    """A loop thread of the test's own."""
    made = LoopThread()
    yield made
    made.stop()


async def double(number: int) -> int:
    await asyncio.sleep(0)
    return 2 * number


def test_result_and_exception_reach_the_caller(thread: LoopThread) -> None:
    async def fail() -> None:
        raise KeyError("gone")

    assert thread.run(double(4)) == 8
    with pytest.raises(KeyError, match="gone"):
        thread.run(fail())


def test_many_threads_call_at_once(thread: LoopThread) -> None:
    met = asyncio.Barrier(8)

    async def meet(number: int) -> int:
        await met.wait()  # passes only if all eight run at the same time
        return number

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(lambda number: thread.run(meet(number)), range(8))) == list(range(8))


def test_coroutine_has_the_context_of_its_caller(thread: LoopThread) -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable")
    variable.set("caller's")

    async def read() -> str:
        return variable.get()

    assert thread.run(read()) == "caller's"


def test_errands_are_done_in_the_thread_of_the_caller(thread: LoopThread) -> None:
    errands = Errands()
    seen = []

    def generator() -> Iterator[int]:
        for number in range(3):
            seen.append(threading.get_ident())
            yield number

    async def collect() -> list[int]:
        return [item async for item in errands.iterate(generator())]

    assert thread.run(collect(), errands) == [0, 1, 2]
    assert set(seen) == {threading.get_ident()}


def test_exception_of_an_errand_reaches_the_coroutine_and_through_it_the_caller(thread: LoopThread) -> None:
    errands = Errands()

    def broken() -> Iterator[int]:
        yield 1
        raise LookupError("the file is gone")

    async def collect() -> list[int]:
        return [item async for item in errands.iterate(broken())]

    with pytest.raises(LookupError, match="the file is gone"):
        thread.run(collect(), errands)

    def stops() -> None:
        raise StopIteration

    with pytest.raises(RuntimeError, match="StopIteration"):
        thread.run(errands.ask(stops), errands)


def test_errand_waits_until_its_caller_waits_again(thread: LoopThread) -> None:
    errands, asks, tasks = Errands(), threading.Event(), []

    async def ask() -> int:
        asks.set()
        return await errands.ask(threading.get_ident)

    def begin() -> None:
        tasks.append(thread.loop.create_task(ask()))

    async def end() -> int:
        return await tasks[0]  # type: ignore[no-any-return]

    thread.call_soon(begin)
    asks.wait()
    assert thread.run(double(1)) == 2
    assert not tasks[0].done()
    assert thread.run(end(), errands) == threading.get_ident()


def test_interrupted_caller_cancels_its_coroutine(thread: LoopThread) -> None:
    errands, ended = Errands(), threading.Event()

    def interrupt() -> None:
        raise KeyboardInterrupt

    async def wait() -> None:
        try:
            await errands.ask(interrupt)
        finally:
            ended.set()

    with pytest.raises(KeyboardInterrupt):
        thread.run(wait(), errands)
    assert ended.is_set()
    assert thread.run(double(1)) == 2


def test_coroutine_that_ignores_its_cancellation_does_not_keep_the_caller(thread: LoopThread) -> None:
    errands, release = Errands(), asyncio.Event()

    def interrupt() -> None:
        raise KeyboardInterrupt

    async def stubborn() -> None:
        try:
            await errands.ask(interrupt)
        except asyncio.CancelledError:
            await release.wait()

    with pytest.raises(KeyboardInterrupt):
        thread.run(stubborn(), errands)
    thread.call_soon(release.set)


def test_call_in_the_loop_itself_is_refused(thread: LoopThread) -> None:
    async def nested() -> None:
        thread.run(double(1))

    with pytest.raises(RuntimeError, match="would wait for itself"):
        thread.run(nested())


def test_system_exit_of_a_callback_leaves_the_thread_in_service(thread: LoopThread, caplog: Any) -> None:
    def leave() -> None:
        raise SystemExit

    thread.call_soon(leave)
    assert thread.run(double(2)) == 4
    assert "goes on" in caplog.text


def test_stop_ends_waiting_callers_and_refuses_others() -> None:
    thread, waits = LoopThread(), threading.Event()

    async def wait() -> None:
        waits.set()
        await asyncio.Event().wait()

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(thread.run, wait())
        waits.wait()
        thread.stop()
        with pytest.raises(RuntimeError, match="about to exit"):
            waiting.result()
    with pytest.raises(RuntimeError, match="about to exit"):
        thread.run(double(1))
    thread.stop()


def test_one_thread_serves_the_whole_process() -> None:
    with ThreadPoolExecutor(4) as pool:
        assert len({id(each) for each in pool.map(lambda _: loop_thread(), range(20))}) == 1


def in_child(check: Callable[[], bool]) -> int:
    """Fork, and return the exit status of a child that runs the check: 0 if it is true."""
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if check() else 1)
        finally:
            os._exit(2)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # of Python 3.12: it has threads
def test_forked_child_has_a_thread_of_its_own() -> None:
    before = loop_thread()
    assert before.run(double(1)) == 2
    assert in_child(lambda: loop_thread() is not before and loop_thread().run(double(3)) == 6) == 0
    assert loop_thread() is before
    assert before.run(double(2)) == 4


def test_interpreter_exits_while_a_coroutine_runs() -> None:
    program = """
import asyncio
from hookline_bridges.loop_thread import loop_thread

async def begin():
    asyncio.get_running_loop().create_task(asyncio.sleep(1000))

loop_thread().run(begin())
print("end")
"""
    done = subprocess.run([sys.executable, "-W", "default", "-c", program], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "end\n", "")

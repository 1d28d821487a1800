"""Synchronous mode and loops: one of the user's, threads, a loop that runs already, notebooks, Ctrl-C, one loop after another."""

import ast
import asyncio
import gc
import os
import signal
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest
import uvloop

from hookline import HttpClient, HttpTimeout, Stats
from hookline_testing.server import Gate, Script, chunked, head, response

LOOPS = [asyncio.new_event_loop, uvloop.new_event_loop]


@pytest.fixture(autouse=True)
def nothing_is_left():
    """Each test ends without an unclosed transport, loop or coroutine."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
        gc.collect()
    assert [str(warning.message) for warning in caught] == []


@pytest.mark.parametrize("make_loop", LOOPS)
def test_loop_of_the_user_is_used_and_left_open(scripted, make_loop):
    scripted.always(response(b"body"))
    loop = make_loop()
    with HttpClient(autoload=False, loop=loop) as client:
        assert client.loop is loop
        assert client.get(scripted.url()).content == b"body"
        assert b"".join(client.get(scripted.url(), stream=True).raw) == b"body"
        assert client.loop_resources.loop is loop
    assert not loop.is_closed()
    assert loop.run_until_complete(asyncio.sleep(0, "still")) == "still"
    loop.close()


@pytest.mark.parametrize("make_loop", LOOPS)
def test_loop_of_the_user_is_used_in_a_new_thread(scripted, make_loop):
    scripted.always(response(b"body"))
    loop = make_loop()

    def work():
        with HttpClient(autoload=False, loop=loop) as client:
            return client.get(scripted.url()).content

    with ThreadPoolExecutor(1) as thread:
        assert thread.submit(work).result() == b"body"
    loop.close()


def test_threads_with_a_client_each_work_independently(scripted):
    scripted.respond(lambda request: response(request.target.encode() * 5000))

    def work(name):
        with HttpClient(autoload=False) as client:
            answers = [client.get(scripted.url(f"/{name}/{number}")).text for number in range(20)]
            streams = [b"".join(client.get(scripted.url(f"/{name}/s"), stream=True).raw) for _ in range(5)]
        assert set(streams) == {b"/%d/s" % name * 5000}
        return answers == [f"/{name}/{number}" * 5000 for number in range(20)]

    with ThreadPoolExecutor(6) as threads:
        assert list(threads.map(work, range(6))) == [True] * 6
    assert scripted.connections == 6


def test_one_client_goes_from_thread_to_thread(scripted):
    scripted.always(response(b"body"))
    client = HttpClient(autoload=False)
    assert client.get(scripted.url()).content == b"body"
    with ThreadPoolExecutor(1) as thread:
        assert thread.submit(lambda: client.get(scripted.url()).content).result() == b"body"
    client.close()
    assert scripted.connections == 1


def test_second_thread_at_the_same_time_is_refused(scripted):
    gate = Gate()
    scripted.answer(Script().hold(gate).send(response(b"first")))
    client = HttpClient(autoload=False)
    with ThreadPoolExecutor(1) as thread:
        first = thread.submit(lambda: client.get(scripted.url()).content)
        scripted.wait_for(heads=1)
        with pytest.raises(RuntimeError, match="a client for each thread"):
            client.get(scripted.url())
        gate.open()
        assert first.result() == b"first"
    client.close()


def test_loop_that_runs_in_another_thread_is_refused(scripted):
    scripted.always(response(b"body"))
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    client = HttpClient(autoload=False, loop=loop)
    with pytest.raises(RuntimeError, match="run_coroutine_threadsafe"):
        client.get(scripted.url())

    async def call():
        async with client:
            return (await client.get(scripted.url())).content

    assert asyncio.run_coroutine_threadsafe(call(), loop).result(5) == b"body"
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def test_events_fire_and_async_handlers_are_awaited(scripted):
    scripted.answer(chunked(b"one", b"two"))
    seen = []

    async def later(response, exc=None):
        await asyncio.sleep(0.01)
        seen.append(("on_headers", response.status_code))

    def read(response, data):
        seen.append(("data", response.recv_body()))

    with HttpClient(autoload=False) as client:
        client.event("pre_request").bind(lambda response, exc=None: seen.append(("pre_request", 0)))
        client.get(
            scripted.url(), on_headers=later, data_processed=read, post_request=lambda r: seen.append(("end", 0))
        )
    assert seen[:2] == [("pre_request", 0), ("on_headers", 200)]
    assert b"".join(data for name, data in seen if name == "data") == b"onetwo"
    assert seen[-1] == ("end", 0)


def test_handler_may_send_a_request_of_its_own(scripted):
    scripted.always(response(b"inner"))
    inner = []

    async def ask(response, exc=None):
        inner.append((await client.get(scripted.url("/inner"))).content)

    with HttpClient(autoload=False) as client:
        client.get(scripted.url(), pre_request=ask)
    assert inner == [b"inner"]


def test_timeouts_hold(scripted):
    scripted.answer(Script().stall(), response(b"next"))
    with HttpClient(autoload=False, pool_size=1) as client:
        with pytest.raises(HttpTimeout):
            client.get(scripted.url(), timeout=0.05)
        assert client.get(scripted.url()).content == b"next"


def test_ctrl_c_ends_the_exchange_and_the_client_is_usable(scripted):
    scripted.answer(Script().stall(), response(b"next"))
    ended = []

    def interrupt():
        scripted.wait_for(heads=1)
        os.kill(os.getpid(), signal.SIGINT)

    with HttpClient(autoload=False, pool_size=1) as client:
        thread = threading.Thread(target=interrupt)
        thread.start()
        with pytest.raises(KeyboardInterrupt):
            client.get(scripted.url(), post_request=lambda response, exc: ended.append(type(exc)))
        thread.join()
        # it breaks into the loop while that waits, or into a step of the exchange
        assert ended in ([asyncio.CancelledError], [KeyboardInterrupt])
        assert client.stats() == Stats()
        assert client.get(scripted.url(), timeout=5).content == b"next"


async def test_running_loop_gets_an_awaitable(scripted):
    scripted.always(response(b"body"))
    async with HttpClient(autoload=False) as client:
        call = client.get(scripted.url())
        assert asyncio.iscoroutine(call)
        assert (await call).content == b"body"


CELLS = [
    "client = HttpClient(autoload=False)",
    "first = await client.get(url)",
    "streamed = await client.get(url, stream=True)",
    "body = b''.join([chunk async for chunk in streamed.raw])",
    "import asyncio; several = await asyncio.gather(*(client.get(url) for _ in range(5)))",
    "await client.close()",
]


def test_cells_of_a_notebook_share_one_running_loop(scripted):
    """A notebook compiles each cell with `await` allowed at its top, and runs it in a loop that never ends."""
    scripted.always(response(b"body"))
    names = {"HttpClient": HttpClient, "url": scripted.url()}

    async def notebook():
        for cell in CELLS:
            code = compile(cell, "cell", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
            result = eval(code, names)  # noqa: S307
            if asyncio.iscoroutine(result):
                await result

    asyncio.run(notebook())
    assert names["first"].content == names["body"] == b"body"
    assert len(names["several"]) == 5


def test_several_runs_one_after_the_other(scripted):
    scripted.always(response(b"body"))
    client = HttpClient(autoload=False)

    async def main():
        answers = await asyncio.gather(*(client.get(scripted.url()) for _ in range(3)))
        return [answer.content for answer in answers]

    for _ in range(3):
        assert asyncio.run(main()) == [b"body"] * 3
    client.close()


def test_from_synchronous_to_running_and_back(scripted):
    scripted.always(response(b"body"))
    client = HttpClient(autoload=False)
    assert client.get(scripted.url()).content == b"body"

    async def main():
        assert (await client.get(scripted.url())).content == b"body"
        await client.close()

    asyncio.run(main())
    assert client.get(scripted.url()).content == b"body"
    client.close()
    assert scripted.connections == 3
    scripted.wait_closed_connections()


def test_close_in_a_running_loop_ends_synchronous_mode(scripted):
    scripted.always(response(b"body"))
    client = HttpClient(autoload=False)
    client.get(scripted.url())

    async def main():
        await client.close()

    asyncio.run(main())
    scripted.wait_closed_connections(1)
    assert client.stats() == Stats()


def test_close_on_the_wrong_loop_is_refused(scripted):
    scripted.always(response(b"body"))
    loop = asyncio.new_event_loop()
    client = HttpClient(autoload=False, loop=loop)
    client.get(scripted.url())

    async def main():
        await client.close()

    with pytest.raises(RuntimeError, match="made for another loop"):
        asyncio.run(main())
    client.close()
    loop.close()


def test_close_with_a_stream_open(scripted):
    scripted.always(Script(head(200, [("Content-Length", "100")]) + b"some").stall())
    client = HttpClient(autoload=False)
    answer = client.get(scripted.url(), stream=True)
    client.close()
    scripted.wait_closed_connections(1)
    with pytest.raises(Exception, match="closed"):
        answer.raw.read()
    client.close()


def test_stream_of_synchronous_mode_is_refused_by_another_loop(scripted):
    scripted.always(Script(head(200, [("Content-Length", "100")]) + b"some").stall())
    with HttpClient(autoload=False) as client, client.get(scripted.url(), stream=True) as answer:

        async def main():
            with pytest.raises(RuntimeError, match="another loop"):
                await answer.raw.read()
            with pytest.raises(RuntimeError, match="another loop"):
                await answer.close()

        asyncio.run(main())


def test_tasks_of_handlers_end_with_the_loop_of_synchronous_mode(scripted):
    scripted.always(response())
    ended = []

    async def background():
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)  # the loop still runs
            ended.append(True)

    tasks = []

    async def begin(response, exc=None):
        tasks.append(asyncio.create_task(background()))
        await asyncio.sleep(0)

    with HttpClient(autoload=False) as client:
        client.get(scripted.url(), post_request=begin)
        assert not tasks[0].done()
    assert ended == [True]
    assert tasks[0].cancelled()


async def test_for_without_async_in_a_running_loop_is_an_error_and_no_endless_loop(scripted):
    scripted.answer(response(b"body"))
    async with HttpClient(autoload=False) as client, await client.get(scripted.url(), stream=True) as answer:
        with pytest.raises(RuntimeError, match="async for"):
            iter(answer.raw)
        assert await answer.raw.read() == b"body"  # nothing was taken

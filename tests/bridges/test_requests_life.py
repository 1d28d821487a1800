"""An adapter of requests beyond one call: threads, `close`, pickles, forks, interruptions, the end of the interpreter."""

from __future__ import annotations

import asyncio
import copy
import gc
import os
import pickle
import signal
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
import requests
from urllib3.exceptions import HTTPError

from hookline import HttpClient
from hookline_bridges.requests import HooklineAdapter
from hookline_testing.server import Gate, Script, ScriptedServer, SeenRequest, head, response
from kit.forked import in_child


def over(adapter: HooklineAdapter) -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    session.mount("http://", adapter)
    return session


def test_threads_share_an_adapter_and_each_gets_its_own_response(scripted: ScriptedServer) -> None:
    adapter = HooklineAdapter()
    scripted.respond(lambda seen: response(seen.path.encode() * 1000))

    def work(number: int) -> None:
        session = over(adapter)
        for turn in range(10):
            path = f"/{number}/{turn}"
            got = session.get(scripted.url(path), stream=bool(turn % 2))
            assert got.content == path.encode() * 1000

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert scripted.connections <= 8
    adapter.close()


def test_stream_may_be_read_in_another_thread(session: requests.Session, scripted: ScriptedServer) -> None:
    scripted.answer(response(bytes(1 << 20)))
    got = session.get(scripted.url(), stream=True)
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(lambda: got.content).result() == bytes(1 << 20)


def test_close_in_another_thread_ends_a_read(session: requests.Session, scripted: ScriptedServer) -> None:
    scripted.answer(Script(head(200, {"Content-Length": "4"}) + b"on").stall())
    got = session.get(scripted.url(), stream=True)
    assert got.raw.read(2) == b"on"
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(got.raw.read, 2)
        while not got.raw.closed and not reading.running():
            pass
        got.raw.close()
        scripted.wait_for(closed=1)
        with suppress(HTTPError):  # it may have begun after the end
            assert reading.result(10) == b""


def test_call_within_a_running_loop(session: requests.Session, scripted: ScriptedServer) -> None:
    """As in a notebook: the call blocks its loop, as requests always does."""
    scripted.answer(response(b"ok"))

    async def main() -> str:
        return session.get(scripted.url()).text

    assert asyncio.run(main()) == "ok"


def test_close_closes_idle_connections_and_the_adapter_can_be_used_again(scripted: ScriptedServer) -> None:
    session = over(HooklineAdapter())
    scripted.always(response(b"ok"))
    for number in (1, 2):
        session.get(scripted.url())
        session.close()
        scripted.wait_for(closed=number)
    for _ in range(20):  # while it still closes
        session.get(scripted.url())
        session.close()
    scripted.wait_for(closed=scripted.connections)


def test_close_leaves_streams_to_their_end(scripted: ScriptedServer) -> None:
    """As `requests.get(url, stream=True)` needs it, which closes its session before it returns."""
    gate = Gate()
    scripted.answer(Script(head(200, {"Content-Length": "4"}) + b"on").hold(gate).send(b"ce"))
    with over(HooklineAdapter()) as session:
        got = session.get(scripted.url(), stream=True)
    assert scripted.open_connections == 1
    gate.open()
    assert got.content == b"once"
    scripted.wait_for(closed=1)


def test_given_client_is_closed_too(scripted: ScriptedServer) -> None:
    scripted.answer(response(b"ok"))
    with over(HooklineAdapter(HttpClient())) as session:
        session.get(scripted.url())
    scripted.wait_for(closed=1)


def test_forgotten_adapter_closes_its_connections_without_a_warning(scripted: ScriptedServer) -> None:
    scripted.answer(response(b"ok"), Script(head(200, {"Content-Length": "4"})).stall())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        session = over(HooklineAdapter())
        session.get(scripted.url())
        got = session.get(scripted.url(), stream=True)
        del session, got
        gc.collect()
        scripted.wait_for(closed=1)


def test_session_is_pickled_and_copied_with_its_adapter(scripted: ScriptedServer) -> None:
    scripted.always(response(b"ok"))
    session = over(HooklineAdapter(max_retries=3, keep_alive=60))
    session.get(scripted.url())
    for made in (pickle.loads(pickle.dumps(session)), copy.deepcopy(session)):  # our own pickle
        adapter = made.get_adapter(scripted.url())
        assert (made.get(scripted.url()).text, adapter.max_retries.total) == ("ok", 3)
        made.close()
    session.close()
    with pytest.raises(TypeError, match="HttpClient"):
        pickle.dumps(over(HooklineAdapter(HttpClient())))


def test_response_is_pickled(session: requests.Session, scripted: ScriptedServer) -> None:
    scripted.answer(response(b"ok"))
    got = pickle.loads(pickle.dumps(session.get(scripted.url(), stream=True)))  # our own pickle
    assert (got.text, got.status_code) == ("ok", 200)


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # of Python 3.12: it has threads
def test_forked_child_has_connections_of_its_own(session: requests.Session, scripted: ScriptedServer) -> None:
    scripted.respond(lambda seen: response(seen.path.encode()))
    assert session.get(scripted.url("/parent")).text == "/parent"
    scripted.answer(Script(head(200, {"Content-Length": "4"})).stall())
    stream = session.get(scripted.url("/stream"), stream=True)

    def child() -> bool:
        ok = session.get(scripted.url("/child"), timeout=10).text == "/child"
        try:
            stream.raw.read()
        except RuntimeError as error:
            ok = ok and "parent process" in str(error)
        else:
            ok = False
        stream.close()
        session.close()
        return ok

    assert in_child(child) == 0
    assert session.get(scripted.url("/again")).text == "/again"
    assert [seen.connection for seen in scripted.requests] == [1, 2, 3, 1] or scripted.connections == 3
    stream.close()


def test_interrupted_call_closes_its_connection(session: requests.Session, scripted: ScriptedServer) -> None:
    def interrupt() -> None:
        scripted.wait_for(requests=1)
        os.kill(os.getpid(), signal.SIGINT)

    scripted.answer(Script().stall())
    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        session.get(scripted.url())
    thread.join()
    scripted.wait_for(closed=1)
    scripted.answer(response(b"ok"))
    assert session.get(scripted.url()).text == "ok"


def test_interrupt_within_a_generator(session: requests.Session, scripted: ScriptedServer) -> None:
    def body() -> Iterator[bytes]:
        yield b"a"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        session.post(scripted.url(), data=body())
    scripted.wait_for(closed=1)


def test_interpreter_exits_with_open_connections_and_streams(scripted: ScriptedServer) -> None:
    def answer(seen: SeenRequest) -> object:
        return Script(head(200, {"Content-Length": "9"})).stall() if seen.path == "/stream" else response(b"ok")

    scripted.respond(answer)  # type: ignore[arg-type]
    program = f"""
import requests
from hookline_bridges.requests import HooklineAdapter
session = requests.Session()
session.mount("http://", HooklineAdapter())
session.get({scripted.url()!r})
stream = session.get({scripted.url("/stream")!r}, stream=True)
print("end")
"""
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", program], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "end\n", "")


def test_import_needs_nothing_but_requests() -> None:
    others = "{'httpx', 'httpx2', 'fsspec', 'scrapy', 'aiohttp'}"
    program = f"import sys, hookline_bridges.requests; print(sorted({others} & {{*sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "[]\n"

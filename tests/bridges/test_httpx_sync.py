"""The synchronous transports for httpx2 and httpx: threads, streams, interruptions, forks, the end of the interpreter."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import hookline
from hookline import HttpClient
from hookline_testing.server import Gate, Script, ScriptedServer, chunked, head, response
from servers.addresses import refused_port
from servers.certificates import Certificates

Bridge = Any  # of conftest.py


def test_request_is_sent_as_given(bridge: Bridge, scripted: ScriptedServer) -> None:
    scripted.always(response(b"ok", headers={"X-A": "1"}))
    fields = [(b"x-b", b"1"), (b"HOST", b"own.test"), (b"x-B", b"\xff")]
    with bridge.sync_transport() as transport:
        for _ in range(2):
            answer = transport.handle_request(bridge.module.Request("GET", scripted.url("/a?b"), headers=fields))
            assert answer.read() == b"ok"
            assert answer.headers.raw == [(b"Content-Length", b"2"), (b"X-A", b"1")]
    sent = b"GET /a?b HTTP/1.1\r\nx-b: 1\r\nHOST: own.test\r\nx-B: \xff\r\n\r\n"
    assert [request.raw for request in scripted.requests] == [sent, sent]
    assert scripted.connections == 1


def test_threads_share_a_client(bridge: Bridge, scripted: ScriptedServer) -> None:
    scripted.always(response(b"ok"))
    with bridge.sync_client() as client, ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: client.get(scripted.url()).content, range(80)))
    assert answers == [b"ok"] * 80
    assert scripted.connections <= 8


def test_threads_wait_at_the_same_time(bridge: Bridge, scripted: ScriptedServer) -> None:
    gate = Gate()
    scripted.always(Script().hold(gate).send(response(b"ok")))
    with bridge.sync_client() as client, ThreadPoolExecutor(4) as pool:
        calls = [pool.submit(client.get, scripted.url()) for _ in range(4)]
        scripted.wait_for(requests=4)
        gate.open()
        assert [call.result().content for call in calls] == [b"ok"] * 4


def test_body_is_iterated_in_the_thread_of_the_caller(bridge: Bridge, scripted: ScriptedServer) -> None:
    threads = set()

    def body() -> Iterator[bytes]:
        for _ in range(3):
            threads.add(threading.get_ident())
            yield b"ab"

    scripted.always(response(b"ok"))
    with bridge.sync_client() as client:
        assert client.post(scripted.url(), content=body()).content == b"ok"
        assert client.post(scripted.url(), files={"f": ("n", b"data")}).content == b"ok"
    assert threads == {threading.get_ident()}
    assert scripted.requests[0].body == b"ababab"
    assert b'filename="n"' in scripted.requests[1].body


def test_exception_of_the_body_reaches_the_caller(bridge: Bridge, scripted: ScriptedServer) -> None:
    def broken() -> Iterator[bytes]:
        yield b"ab"
        raise LookupError("the file is gone")

    scripted.always(response(b"ok"))
    with bridge.sync_client() as client:
        with pytest.raises(LookupError, match="the file is gone"):
            client.post(scripted.url(), content=broken())
        assert client.get(scripted.url()).content == b"ok"


def test_stream_is_read_as_it_comes(bridge: Bridge, scripted: ScriptedServer) -> None:
    gate = Gate()
    answer = chunked(b"first", b"second")
    cut = answer.index(b"6\r\nsecond")
    scripted.answer(Script(answer[:cut]).hold(gate).send(answer[cut:]), response(b"ok"))
    with bridge.sync_client() as client:
        with client.stream("GET", scripted.url()) as got:
            chunks = got.iter_raw()
            assert next(chunks) == b"first"
            gate.open()
            assert list(chunks) == [b"second"]
        assert client.get(scripted.url()).content == b"ok"
    assert scripted.connections == 1


def test_second_iteration_reads_the_rest(bridge: Bridge, scripted: ScriptedServer) -> None:
    gate = Gate()
    answer = chunked(b"first", b"second")
    cut = answer.index(b"6\r\nsecond")
    scripted.answer(Script(answer[:cut]).hold(gate).send(answer[cut:]), response(b"whole"))
    with bridge.sync_client() as client:
        with client.stream("GET", scripted.url()) as got:
            assert next(iter(got.stream)) == b"first"
            gate.open()
            assert [list(got.stream), list(got.stream)] == [[b"second"], []]
        with client.stream("GET", scripted.url()) as got:
            assert [list(got.stream), list(got.stream)] == [[b"whole"], []]
    assert scripted.connections == 1


def test_response_may_come_while_the_body_is_sent(bridge: Bridge, scripted: ScriptedServer) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: Any) -> None:
        writer.write(head(200, {"Transfer-Encoding": "chunked"}))
        while piece := await request.read_piece():
            writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        writer.write(b"0\r\n\r\n")

    echoed: list[bytes] = []

    def body() -> Iterator[bytes]:
        yield b"one"
        while not echoed:  # the caller reads the first piece before it is asked for the second
            yield b""
        yield b"two"

    scripted.answer(talk, early=True)
    with bridge.sync_client() as client, client.stream("POST", scripted.url(), content=body()) as got:
        for chunk in got.iter_raw():
            echoed += [chunk]
    assert b"".join(echoed) == b"onetwo"


def test_large_bodies_go_both_ways(bridge: Bridge, scripted: ScriptedServer) -> None:
    data = os.urandom(3_000_000)

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: Any) -> None:
        writer.write(response(request.body))

    scripted.always(echo)
    with bridge.sync_client() as client:
        assert client.post(scripted.url(), content=data).content == data
        pieces = [data[start : start + 100_000] for start in range(0, len(data), 100_000)]
        assert client.post(scripted.url(), content=iter(pieces)).content == data


def test_stream_that_is_closed_early_closes_its_connection(bridge: Bridge, scripted: ScriptedServer) -> None:
    scripted.answer(
        Script(head(200, {"Content-Length": "9"})).send(b"half").stall(), response(b"not read"), response(b"ok")
    )
    with bridge.sync_client() as client:
        for _ in range(2):
            with client.stream("GET", scripted.url()):
                pass
        assert client.get(scripted.url()).content == b"ok"
        scripted.wait_closed_connections(1)


@pytest.mark.parametrize(
    ("timeout", "name"),
    [({"read": 0.05}, "ReadTimeout"), ({"connect": 0.05}, "ConnectTimeout")],
    ids=["read", "connect"],
)
def test_timeouts(bridge: Bridge, scripted: ScriptedServer, timeout: dict[str, float], name: str) -> None:
    async def never(host: str, port: int) -> list[str]:
        await asyncio.Event().wait()
        return []

    scripted.always(Script().stall())
    url = "http://slow.test/" if "connect" in timeout else scripted.url()
    with bridge.sync_client(resolver=never) as client, pytest.raises(getattr(bridge.module, name)) as caught:
        client.get(url, timeout=bridge.module.Timeout(None, **timeout))
    assert isinstance(caught.value.__cause__, getattr(hookline, name))
    assert str(caught.value.request.url) == url


def test_exceptions(bridge: Bridge, scripted: ScriptedServer) -> None:
    module = bridge.module
    scripted.answer(Script().close(), Script(head(200, {"Content-Length": "9"})).send(b"half").close())
    with bridge.sync_client() as client:
        with refused_port() as port, pytest.raises(module.ConnectError):
            client.get(f"http://127.0.0.1:{port}/")
        with pytest.raises(module.RemoteProtocolError):
            client.post(scripted.url())
        with client.stream("GET", scripted.url()) as got, pytest.raises(module.RemoteProtocolError) as caught:
            got.read()
        assert isinstance(caught.value.__cause__, hookline.ConnectionClosed)
        with pytest.raises(module.UnsupportedProtocol):
            client.get("ftp://a.test/")


def test_trace_is_told_in_the_thread_of_the_caller(bridge: Bridge, scripted: ScriptedServer) -> None:
    told: list[tuple[str, int]] = []

    def trace(name: str, info: dict[str, Any]) -> None:
        told.append((name, threading.get_ident()))

    scripted.answer(response(b"ok"), Script().close())
    with bridge.sync_client() as client:
        client.get(scripted.url(), extensions={"trace": trace})
        with pytest.raises(bridge.module.RemoteProtocolError):
            client.post(scripted.url(), extensions={"trace": trace})
    assert [name.partition(".")[2] for name, _ in told] == [
        "send_request_headers.started", "receive_response_headers.complete",
        "send_request_headers.started", "receive_response_headers.failed",
    ]  # fmt: skip
    assert {thread for _, thread in told} == {threading.get_ident()}


def test_http2_and_network_stream(
    bridge: Bridge, make_scripted: Callable[..., ScriptedServer], certificates: Certificates
) -> None:
    pytest.importorskip("hookline_http2")
    server = make_scripted(ssl_context=certificates.server_context(alpn=("h2",)))
    server.always(response(b"ok"))
    with (
        bridge.sync_client(verify=certificates.client_context(), http2=True) as client,
        client.stream("GET", server.url()) as answer,
    ):
        stream = answer.extensions["network_stream"]
        assert stream.get_extra_info("server_addr") == ("127.0.0.1", server.port)
        with pytest.raises(RuntimeError, match="only after a 101"):
            stream.read(1)
        with pytest.raises(RuntimeError, match="only after a 101"):
            stream.write(b"x")
        stream.close()
        assert (answer.read(), answer.http_version) == (b"ok", "HTTP/2")


def test_connection_after_a_101_is_read_and_written(bridge: Bridge, scripted: ScriptedServer) -> None:
    async def shout(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: Any) -> None:
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: shout\r\n\r\nHELLO")
        while data := await reader.read(65536):
            writer.write(data.upper())

    scripted.answer(shout)
    fields = {"Connection": "upgrade", "Upgrade": "shout"}
    with bridge.sync_client() as client, client.stream("GET", scripted.url(), headers=fields) as answer:
        stream = answer.extensions["network_stream"]
        assert stream.read(100) == b"HELLO"
        stream.write(b"abc")
        assert stream.read(100) == b"ABC"
        stream.close()
        assert stream.read(100) == b""


def test_connection_after_a_101_may_start_tls(
    bridge: Bridge, scripted: ScriptedServer, certificates: Certificates
) -> None:
    greeting = b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: TLS/1.2\r\n\r\n"
    scripted.answer(Script().start_tls(certificates.server_context(), greeting).send_exactly(b"secret").stall())
    fields = {"Connection": "upgrade", "Upgrade": "TLS/1.2"}
    with bridge.sync_client() as client, client.stream("GET", scripted.url(), headers=fields) as answer:
        secure = answer.extensions["network_stream"].start_tls(certificates.client_context(), "localhost", 30)
        assert secure.read(100) == b"secret"
        assert secure.get_extra_info("ssl_object") is not None
        secure.close()


async def test_call_in_a_running_loop_blocks_as_the_library_does(bridge: Bridge, scripted: ScriptedServer) -> None:
    scripted.always(response(b"ok"))
    with bridge.sync_client() as client:
        assert client.get(scripted.url()).content == b"ok"


def test_client_of_the_user_can_be_used_again(bridge: Bridge, scripted: ScriptedServer) -> None:
    scripted.always(response(b"ok"))
    own = HttpClient(autoload=False)
    for _ in range(2):
        with bridge.sync_client(own) as client:
            assert client.get(scripted.url()).content == b"ok"
        scripted.wait_closed_connections()


def test_interrupted_call_is_given_up(bridge: Bridge, scripted: ScriptedServer) -> None:
    """Ctrl-C ends the call and its connection; the client goes on."""
    scripted.answer(Script().stall(), response(b"ok"))
    with bridge.sync_client() as client:
        timer = threading.Thread(target=lambda: (scripted.wait_for(requests=1), os.kill(os.getpid(), signal.SIGINT)))
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            client.get(scripted.url())
        timer.join()
        scripted.wait_closed_connections(1)
        assert client.get(scripted.url()).content == b"ok"


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # of Python 3.12: it has threads
def test_forked_child_uses_the_client_of_its_parent(bridge: Bridge, scripted: ScriptedServer) -> None:
    scripted.always(response(b"ok"))
    with bridge.sync_client() as client:
        assert client.get(scripted.url()).content == b"ok"
        child = os.fork()
        if child == 0:
            try:
                os._exit(0 if client.get(scripted.url()).content == b"ok" else 1)
            finally:
                os._exit(2)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert client.get(scripted.url()).content == b"ok"
    assert scripted.connections == 2


def test_interpreter_exits_with_a_client_that_nobody_closed(bridge: Bridge, scripted: ScriptedServer) -> None:
    scripted.always(response(b"ok"))
    name = bridge.module.__name__
    program = f"""
import {name}
from hookline_bridges.{name} import SyncHooklineTransport

client = {name}.Client(transport=SyncHooklineTransport())
print(client.get("{scripted.url()}").text)
"""
    done = subprocess.run([sys.executable, "-W", "default", "-c", program], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "ok\n", "")


def test_bridges_import_their_library_alone() -> None:
    program = """
import sys, hookline_bridges
assert not {"httpx", "httpx2", "requests", "asyncio", "hookline"} & set(sys.modules)
import hookline_bridges.httpx2
assert not {"httpx", "httpcore", "requests", "scrapy", "fsspec", "hookline_tunnel", "hookline_http2"} & set(sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")

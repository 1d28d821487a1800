"""The transports for httpx2 and httpx: what is sent and what comes back, streams, cancellation, timeouts, exceptions."""

from __future__ import annotations

import asyncio
import gzip
import importlib
import socket
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

import hookline
from hookline import HttpClient, HttpResponse, hookimpl
from hookline_testing.server import Gate, Script, ScriptedServer, chunked, head, response
from servers.addresses import refused_port
from servers.certificates import Certificates

Bridge = Any  # of conftest.py
WRONG_CHUNK = head(200, {"Transfer-Encoding": "chunked"}) + b"zz\r\n"


def lines(server: ScriptedServer, index: int = -1) -> list[bytes]:
    """The lines of a head as the server saw it."""
    raw = server.requests[index].raw
    return raw[: raw.index(b"\r\n\r\n")].split(b"\r\n")


# -- what is sent, and what comes back


async def test_client_of_the_other_library_is_refused(bridge: Bridge, scripted: ScriptedServer) -> None:
    other = importlib.import_module("httpx" if bridge.module.__name__ == "httpx2" else "httpx2")
    expected = rf"is for clients of {bridge.module.__name__}, and got a {other.__name__}\."
    async with other.AsyncClient(transport=bridge.transport()) as client:
        with pytest.raises(TypeError, match=expected):
            await client.get(scripted.url())
    with other.Client(transport=bridge.sync_transport()) as client, pytest.raises(TypeError, match=expected):
        client.get(scripted.url())
    assert scripted.connections == 0


async def test_request_is_sent_as_given(bridge: Bridge, scripted: ScriptedServer) -> None:
    scripted.always(response(b"ok"))
    fields = [(b"x-b", b"1"), (b"HOST", b"own.test"), (b"X-a", b"\xff\xe9"), (b"x-B", b"2"), (b"Cookie", b"a=1")]
    async with bridge.transport() as transport:
        for _ in range(2):
            request = bridge.module.Request("GET", scripted.url("/a%2Fb/?x=%7e&y='"), headers=fields)
            answer = await transport.handle_async_request(request)
            assert await answer.aread() == b"ok"
    expected = [b"GET /a%2Fb/?x=%7e&y=' HTTP/1.1", *(b": ".join(field) for field in fields)]
    assert lines(scripted, 0) == expected
    assert lines(scripted, 1) == expected
    assert scripted.connections == 1


async def test_whole_client_sends_what_it_sends_by_itself(bridge: Bridge, scripted: ScriptedServer) -> None:
    scripted.always(response(b"ok"))
    calls: list[dict[str, Any]] = [
        {"method": "GET", "params": {"a": "b c"}},
        {"method": "POST", "json": {"a": 1}},
        {"method": "POST", "data": {"a": "1"}},
        {"method": "PUT", "content": b""},
        {"method": "DELETE", "auth": ("user", "secret"), "cookies": {"a": "1"}},
    ]
    async with bridge.client() as ours, bridge.module.AsyncClient() as theirs:
        for call in calls:
            cookies = call.pop("cookies", {})
            for client in (ours, theirs):
                client.cookies.update(cookies)
                await client.request(url=scripted.url("/p"), **call)
            assert scripted.requests[-1].raw == scripted.requests[-2].raw


async def test_response_comes_as_it_is(bridge: Bridge, scripted: ScriptedServer) -> None:
    raw = b"HTTP/1.1 299 Very Fine\r\nX-b: 1\r\nx-a:  \xe9 \r\nX-B: 2\r\nContent-Length: 2\r\n\r\nok"
    scripted.answer(raw)
    async with bridge.client() as client:
        answer = await client.get(scripted.url())
    assert (answer.status_code, answer.reason_phrase, answer.http_version) == (299, "Very Fine", "HTTP/1.1")
    assert answer.headers.raw == [(b"X-b", b"1"), (b"x-a", b"\xe9"), (b"X-B", b"2"), (b"Content-Length", b"2")]
    assert (answer.content, answer.elapsed.total_seconds() >= 0) == (b"ok", True)


async def test_headers_of_one_response_are_not_those_of_the_next(bridge: Bridge, scripted: ScriptedServer) -> None:
    scripted.always(response(b"ok", headers={"X-A": "1"}))
    async with bridge.client() as client:
        first = await client.get(scripted.url())
        first.headers["X-A"] = "changed"
        assert (await client.get(scripted.url())).headers["X-A"] == "1"


@pytest.mark.parametrize("version", ["HTTP/1.1", "HTTP/1.0"])
async def test_version_is_an_extension(bridge: Bridge, scripted: ScriptedServer, version: str) -> None:
    scripted.answer(f"{version} 200 OK\r\nContent-Length: 0\r\n\r\n".encode())
    async with bridge.client() as client:
        assert (await client.get(scripted.url())).extensions["http_version"] == version.encode()


async def test_redirects_cookies_and_codings_are_those_of_the_library(bridge: Bridge, scripted: ScriptedServer) -> None:
    pytest.importorskip("hookline_redirects")
    pytest.importorskip("hookline_decompress")
    body = gzip.compress(b"text")
    coded = {"Content-Encoding": "gzip", "Location": "/next", "Set-Cookie": "a=1"}
    scripted.always(response(body, 302, coded))
    async with HttpClient() as own:
        for given in ((), (own,)):
            async with bridge.transport(*given) as transport:
                for _ in range(2):
                    answer = await transport.handle_async_request(bridge.module.Request("GET", scripted.url()))
                    assert (answer.status_code, [chunk async for chunk in answer.stream]) == (302, [body])
        assert (await own.get(scripted.url(), allow_redirects=False)).text == "text"  # it was not closed
    assert not any(b"Cookie: a=1" in request.raw for request in scripted.requests[:4])
    scripted.answer(response(body, headers={"Content-Encoding": "gzip"}))
    async with bridge.client() as client:
        assert (await client.get(scripted.url())).text == "text"


async def test_extension_target_is_sent(bridge: Bridge, scripted: ScriptedServer) -> None:
    scripted.always(response(b"ok"))
    async with bridge.client() as client:
        await client.request("OPTIONS", scripted.url(), extensions={"target": b"*"})
        await client.get(scripted.url("/a/../b"), extensions={"target": b"/a/../b"})
    assert [request.target for request in scripted.requests] == ["*", "/a/../b"]


async def test_network_stream_tells_facts(bridge: Bridge, scripted: ScriptedServer) -> None:
    scripted.answer(response(b"ok"))
    async with bridge.client() as client, client.stream("GET", scripted.url()) as answer:
        stream = answer.extensions["network_stream"]
        assert stream.get_extra_info("server_addr") == ("127.0.0.1", scripted.port)
        assert stream.get_extra_info("client_addr")[0] == "127.0.0.1"
        assert stream.get_extra_info("socket").getpeername() == ("127.0.0.1", scripted.port)
        assert stream.get_extra_info("is_readable") is False
        assert stream.get_extra_info("ssl_object") is None
        assert stream.get_extra_info("other") is None
        with pytest.raises(RuntimeError, match="only after a 101"):
            await stream.read(1)
        with pytest.raises(RuntimeError, match="only after a 101"):
            await stream.write(b"x")
        await stream.aclose()
        assert await answer.aread() == b"ok"


async def test_trace_is_told_of_the_request_and_of_the_head(bridge: Bridge, scripted: ScriptedServer) -> None:
    told: list[tuple[str, Any]] = []

    async def trace(name: str, info: dict[str, Any]) -> None:
        told.append((name, info))

    scripted.answer(response(b"ok"), Script().close())
    async with bridge.client() as client:
        await client.get(scripted.url("/x"), extensions={"trace": trace})
        with pytest.raises(bridge.module.RemoteProtocolError):
            await client.post(scripted.url("/x"), extensions={"trace": trace})

    async def broken(name: str, info: dict[str, Any]) -> None:
        if name.endswith("complete"):
            raise LookupError(name)

    scripted.answer(Script(head(200, {"Content-Length": "9"})).stall())
    async with bridge.client() as client:
        with pytest.raises(LookupError, match="complete"):
            await client.get(scripted.url("/x"), extensions={"trace": broken})
        await scripted.until_closed_connections()
    assert [name for name, _ in told] == [
        "http11.send_request_headers.started",
        "http11.receive_response_headers.complete",
        "http11.send_request_headers.started",
        "http11.receive_response_headers.failed",
    ]
    assert told[0][1]["request"].url.target == b"/x"
    assert told[1][1]["return_value"] == (b"HTTP/1.1", 200, b"OK", [(b"Content-Length", b"2")])
    assert isinstance(told[3][1]["exception"], bridge.module.RemoteProtocolError)


# -- bodies


async def pieces(*data: bytes) -> AsyncIterator[bytes]:
    for each in data:
        yield each


async def test_bodies_are_framed_as_the_library_says(bridge: Bridge, scripted: ScriptedServer) -> None:
    scripted.always(response(b"ok"))
    async with bridge.client() as client:
        await client.post(scripted.url(), content=pieces(b"ab", b"cd"))
        await client.post(scripted.url(), content=pieces(b"ab", b"cd"), headers={"Content-Length": "4"})
        await client.post(scripted.url(), files={"f": ("n", b"data")})
        await client.post(scripted.url(), content=b"")
    chunk, length, multipart, empty = scripted.requests
    assert chunk.raw.endswith(b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n2\r\ncd\r\n0\r\n\r\n")
    assert length.raw.endswith(b"Content-Length: 4\r\n\r\nabcd")
    assert b'filename="n"' in multipart.body
    assert empty.header("content-length") == "0"
    assert scripted.connections == 1


async def test_exception_of_the_body_reaches_the_caller(bridge: Bridge, scripted: ScriptedServer) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"ab"
        raise LookupError("the file is gone")

    scripted.always(response(b"ok"))
    async with bridge.client() as client:
        with pytest.raises(LookupError, match="the file is gone"):
            await client.post(scripted.url(), content=broken())
        assert (await client.get(scripted.url())).content == b"ok"


async def test_stream_is_read_as_it_comes(bridge: Bridge, scripted: ScriptedServer) -> None:
    gate = Gate()
    answer = chunked(b"first", b"second")
    cut = answer.index(b"6\r\nsecond")
    scripted.answer(Script(answer[:cut]).hold(gate).send(answer[cut:]))
    async with bridge.client() as client, client.stream("GET", scripted.url()) as got:
        chunks = got.aiter_raw()
        assert await anext(chunks) == b"first"
        gate.open()
        assert [chunk async for chunk in chunks] == [b"second"]


async def test_second_iteration_reads_the_rest(bridge: Bridge, scripted: ScriptedServer) -> None:
    """As with the streams of httpcore: openai reads so what follows the last event."""
    gate = Gate()
    answer = chunked(b"first", b"second")
    cut = answer.index(b"6\r\nsecond")
    scripted.answer(Script(answer[:cut]).hold(gate).send(answer[cut:]), response(b"ok"))
    async with bridge.client() as client:
        async with client.stream("GET", scripted.url()) as got:
            assert [chunk async for chunk in take(1, got.stream)] == [b"first"]
            gate.open()
            assert [chunk async for chunk in got.stream] == [b"second"]
            assert [chunk async for chunk in got.stream] == []
        assert (await client.get(scripted.url())).content == b"ok"
    assert scripted.connections == 1


async def take(count: int, stream: Any) -> AsyncIterator[bytes]:
    """Yield so many chunks, and leave the rest."""
    chunks = aiter(stream)
    for _ in range(count):
        yield await anext(chunks)
    await chunks.aclose()


async def test_slow_reader_slows_the_server(bridge: Bridge) -> None:
    """Of an endless body no more is received than buffers hold while nobody reads."""
    sent = 0

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head(200))
        try:
            while True:
                writer.write(b"x" * 65536)
                await writer.drain()
                sent += 65536
        except ConnectionError:
            writer.close()

    server = await asyncio.start_server(endless, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    async with server, bridge.client() as client:
        async with client.stream("GET", url) as got:
            assert await anext(got.aiter_raw())
            before = -1
            while sent != before:  # until the server sends no more
                before = sent
                await asyncio.sleep(0.2)
            assert sent < 32 * 1024 * 1024
        server.close()


async def test_slow_server_slows_the_upload(bridge: Bridge, make_scripted: Callable[..., ScriptedServer]) -> None:
    """Of an endless body no more is taken than buffers hold while the server does not read."""
    taken = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal taken
        while True:
            taken += 65536
            yield b"x" * 65536

    server = make_scripted(receive_buffer=4096)
    server.answer(Script().refuse_to_read(30))
    async with bridge.client() as client:
        call = asyncio.ensure_future(client.post(server.url(), content=endless()))
        before = -1
        while taken != before or not taken:
            before = taken
            await asyncio.sleep(0.2)
        assert taken < 32 * 1024 * 1024
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call


async def test_response_may_come_while_the_body_is_sent(bridge: Bridge, scripted: ScriptedServer) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: Any) -> None:
        writer.write(head(200, {"Transfer-Encoding": "chunked"}))
        async for piece in _pieces_of(request):
            writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        writer.write(b"0\r\n\r\n")

    turns: asyncio.Queue[bytes] = asyncio.Queue()

    async def body() -> AsyncIterator[bytes]:
        while data := await turns.get():
            yield data

    scripted.answer(talk, early=True)
    turns.put_nowait(b"one")
    async with bridge.client() as client, client.stream("POST", scripted.url(), content=body()) as got:
        chunks = got.aiter_raw()
        assert await anext(chunks) == b"one"
        turns.put_nowait(b"two")
        assert await anext(chunks) == b"two"
        turns.put_nowait(b"")
        assert [chunk async for chunk in chunks] == []


async def _pieces_of(request: Any) -> AsyncIterator[bytes]:
    while piece := await request.read_piece():
        yield piece


async def test_stream_that_is_closed_early_closes_its_connection(bridge: Bridge, scripted: ScriptedServer) -> None:
    scripted.answer(Script(head(200, {"Content-Length": "9"})).send(b"half").stall(), response(b"ok"))
    async with bridge.client() as client:
        async with client.stream("GET", scripted.url()):
            pass
        assert (await client.get(scripted.url())).content == b"ok"
        await scripted.until_closed_connections(1)
    assert scripted.connections == 2


# -- cancellation and loops


async def test_cancellation_closes_the_connection_alone(bridge: Bridge, scripted: ScriptedServer) -> None:
    scripted.answer(Script().stall(), Script(head(200, {"Content-Length": "9"})).send(b"half").stall(), response(b"ok"))
    async with bridge.client() as client:
        for count in (1, 2):
            call = asyncio.ensure_future(client.get(scripted.url()))
            await scripted.until(requests=count)
            await asyncio.sleep(0.05)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            await scripted.until_closed_connections(count)
        assert (await client.get(scripted.url())).content == b"ok"


async def test_many_requests_at_once_share_the_connections(bridge: Bridge, scripted: ScriptedServer) -> None:
    scripted.always(response(b"ok"))
    async with bridge.client(limits=bridge.module.Limits(max_connections=3)) as client:
        answers = await asyncio.gather(*(client.get(scripted.url()) for _ in range(30)))
    assert {answer.content for answer in answers} == {b"ok"}
    assert scripted.connections <= 3


def test_transport_serves_one_loop_after_the_other(bridge: Bridge, scripted: ScriptedServer) -> None:
    scripted.always(response(b"ok"))
    transport = bridge.transport()

    async def get() -> bytes:
        answer = await transport.handle_async_request(bridge.module.Request("GET", scripted.url()))
        return await answer.aread()  # type: ignore[no-any-return]

    async def close() -> None:
        assert await get() == b"ok"
        await transport.aclose()

    assert asyncio.run(get()) == b"ok"
    asyncio.run(close())


def test_loop_of_another_library_is_refused(bridge: Bridge, scripted: ScriptedServer) -> None:
    """As under trio, which drives coroutines without asyncio."""
    call = bridge.transport().handle_async_request(bridge.module.Request("GET", scripted.url()))
    with pytest.raises(RuntimeError, match=r"needs a running loop of asyncio .* trio is not supported"):
        call.send(None)


# -- timeouts, part by part


async def never(host: str, port: int) -> list[str]:
    """A resolver that never answers."""
    await asyncio.Event().wait()
    return []


async def fails_with(bridge: Bridge, name: str, call: Any, cause: type[BaseException]) -> Any:
    """Await a call that has to fail with this exception of the library, and check what it carries."""
    kind = getattr(bridge.module, name)
    with pytest.raises(kind) as caught:
        await call
    assert type(caught.value) is kind
    assert isinstance(caught.value.__cause__, cause)
    assert caught.value.request.method in ("GET", "POST")
    return caught.value


async def test_connect_timeout(bridge: Bridge) -> None:
    async with bridge.client(resolver=never) as client:
        timeout = bridge.module.Timeout(None, connect=0.05)
        await fails_with(
            bridge, "ConnectTimeout", client.get("http://slow.test/", timeout=timeout), hookline.ConnectTimeout
        )


async def test_read_timeout_of_the_head_and_of_the_body(bridge: Bridge, scripted: ScriptedServer) -> None:
    scripted.answer(Script().stall(), Script(head(200, {"Content-Length": "9"})).send(b"half").stall())
    timeout = bridge.module.Timeout(None, read=0.05)
    async with bridge.client() as client:
        await fails_with(bridge, "ReadTimeout", client.get(scripted.url(), timeout=timeout), hookline.ReadTimeout)
        timeout = bridge.module.Timeout(None, read=1)  # within which the head comes
        async with client.stream("GET", scripted.url(), timeout=timeout) as got:
            await fails_with(bridge, "ReadTimeout", got.aread(), hookline.ReadTimeout)


async def test_write_timeout(bridge: Bridge, make_scripted: Callable[..., ScriptedServer]) -> None:
    server = make_scripted(receive_buffer=4096)
    server.answer(Script().refuse_to_read(30))
    timeout = bridge.module.Timeout(None, write=0.05)
    async with bridge.client() as client:
        call = client.post(server.url(), content=b"x" * 50_000_000, timeout=timeout)
        await fails_with(bridge, "WriteTimeout", call, hookline.WriteTimeout)


async def test_pool_timeout(bridge: Bridge, scripted: ScriptedServer) -> None:
    scripted.always(response(b"ok"))
    timeout = bridge.module.Timeout(None, pool=0.05)
    async with bridge.client(limits=bridge.module.Limits(max_connections=1)) as client:
        async with client.stream("GET", scripted.url()):
            await fails_with(bridge, "PoolTimeout", client.get(scripted.url(), timeout=timeout), hookline.PoolTimeout)
        assert (await client.get(scripted.url(), timeout=timeout)).content == b"ok"


async def test_timeout_of_zero_is_over_at_once(bridge: Bridge, scripted: ScriptedServer) -> None:
    scripted.answer(Script().stall())
    async with bridge.client() as client:
        timeout = bridge.module.Timeout(None, read=0)
        await fails_with(bridge, "ReadTimeout", client.get(scripted.url(), timeout=timeout), hookline.ReadTimeout)


# -- exceptions


async def test_no_server(bridge: Bridge) -> None:
    with refused_port() as port:
        async with bridge.client() as client:
            call = client.get(f"http://127.0.0.1:{port}/")
            await fails_with(bridge, "ConnectError", call, hookline.ConnectionRefused)


async def test_no_address(bridge: Bridge) -> None:
    async def none(host: str, port: int) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    async with bridge.client(resolver=none) as client:
        await fails_with(bridge, "ConnectError", client.get("http://none.test/"), hookline.DNSError)


async def test_impossible_url(bridge: Bridge) -> None:
    async with bridge.client() as client:
        call = client.get(bridge.module.URL("http://a.test/").copy_with(port=123456))
        await fails_with(bridge, "ConnectError", call, hookline.InvalidURL)
        for scheme in ("ftp", "file"):
            with pytest.raises(bridge.module.UnsupportedProtocol, match=scheme) as caught:
                await client.get(f"{scheme}://a.test/")
            assert caught.value.request.url.scheme == scheme


async def test_certificate_that_is_not_trusted(
    bridge: Bridge, make_scripted: Callable[..., ScriptedServer], certificates: Certificates
) -> None:
    server = make_scripted(ssl_context=certificates.server_context())
    async with bridge.client() as client:
        await fails_with(bridge, "ConnectError", client.get(server.url()), hookline.SSLError)


@pytest.mark.parametrize(
    ("script", "name", "cause"),
    [
        (Script(b"SMTP ready\r\n\r\n"), "RemoteProtocolError", hookline.RemoteProtocolError),
        (Script().close(), "RemoteProtocolError", hookline.ConnectionClosed),
        (Script(b"HTTP/1.1 200 O").close(), "RemoteProtocolError", hookline.ConnectionClosed),
        (Script().reset(), "ReadError", hookline.ConnectionClosed),
        (Script(head(200, {"Content-Length": "9"})).send(b"half").close(), "RemoteProtocolError", hookline.ConnectionClosed),
        (Script(head(200, {"Content-Length": "9"})).send(b"half").reset(), "ReadError", hookline.ConnectionClosed),
        (Script(WRONG_CHUNK), "RemoteProtocolError", hookline.RemoteProtocolError),
    ],
    ids=["no-http", "closed", "cut-head", "reset", "cut-body", "reset-body", "wrong-chunk"],
)  # fmt: skip
async def test_server_that_breaks_the_protocol(
    bridge: Bridge, scripted: ScriptedServer, script: Script, name: str, cause: type[BaseException]
) -> None:
    scripted.answer(script)
    async with bridge.client() as client:
        await fails_with(bridge, name, client.post(scripted.url(), content=b"x"), cause)


async def test_field_that_cannot_be_sent(bridge: Bridge, scripted: ScriptedServer) -> None:
    async with bridge.client() as client:
        for fields in ([("x y", "1")], [("x", "1\r\nEvil: 1")], [("Content-Length", "5")]):
            call = client.get(scripted.url(), headers=fields)
            await fails_with(bridge, "LocalProtocolError", call, hookline.LocalProtocolError)
    assert scripted.requests == []


async def test_error_without_a_counterpart_is_raised_as_it_is(bridge: Bridge, scripted: ScriptedServer) -> None:
    class Broken:
        @hookimpl
        def pre_request(self, response: HttpResponse) -> int:
            return 5

    async with bridge.client(plugins=[Broken()]) as client:
        with pytest.raises(hookline.PluginError, match="broken") as caught:
            await client.get(scripted.url())
    assert caught.value.__cause__ is not caught.value


async def test_response_that_a_plugin_has_built(bridge: Bridge) -> None:
    class Answers:
        @hookimpl
        def pre_request(self, response: HttpResponse) -> HttpResponse:
            return HttpResponse.build(response.request, 203, headers={"X-A": "1"}, content=[b"buil", b"t"])

    async with bridge.client(plugins=[Answers()]) as client:
        answer = await client.get("http://a.test/")
        assert (answer.status_code, answer.headers["x-a"], answer.content) == (203, "1", b"built")
        assert answer.extensions["network_stream"].get_extra_info("server_addr") is None


async def test_client_that_is_closed_meanwhile(bridge: Bridge, scripted: ScriptedServer) -> None:
    scripted.answer(Script().stall())
    transport = bridge.transport()
    call = asyncio.ensure_future(transport.handle_async_request(bridge.module.Request("GET", scripted.url())))
    await scripted.until(requests=1)
    await transport.aclose()
    await fails_with(bridge, "ReadError", call, hookline.HttpConnectionError)


async def test_no_password_is_in_an_exception(bridge: Bridge) -> None:
    pytest.importorskip("hookline_tunnel")
    with refused_port() as port:
        async with bridge.client() as client:
            url = f"http://user:secret@127.0.0.1:{port}/?token=secret"
            error = await fails_with(bridge, "ConnectError", client.get(url), hookline.ConnectionRefused)
            assert "secret" not in str(error) + str(error.__cause__)
        proxy = f"http://user:secret@127.0.0.1:{port}"
        async with bridge.client(proxy=proxy) as client:
            for scheme in ("http", "https"):
                error = await fails_with(
                    bridge, "ConnectError", client.get(f"{scheme}://a.test/"), hookline.HooklineError
                )
                assert "secret" not in str(error) + str(error.__cause__)

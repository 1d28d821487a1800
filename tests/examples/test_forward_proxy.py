"""docs/examples/forward_proxy.py between real clients (curl, Hookline, Chromium, sockets) and real servers."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import re
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from hookline import HttpClient, HttpProxyError
from hookline_testing.server import Gate, Script, ScriptedServer, chunked, head, response
from kit.examples import FOLDER, load
from servers.addresses import Site, black_hole, refused_port
from servers.certificates import Certificates
from servers.programs import require_program

MIB = 1024**2
Make = Callable[..., Any]


@pytest.fixture
async def make_proxy() -> AsyncIterator[Make]:
    """A function with the arguments of ForwardProxy; it returns a proxy that listens until the end of the test."""
    async with contextlib.AsyncExitStack() as stack:

        async def make(**options: Any) -> Any:
            given = {"port": 0, "connect_ports": None, "patience": 20.0} | options
            return await stack.enter_async_context(load("forward_proxy").ForwardProxy(**given))

        yield make


@pytest.fixture
async def proxy(make_proxy: Make) -> Any:
    """A proxy that leads to all ports."""
    return await make_proxy()


@pytest.fixture(params=["http", "https"])
def site(request: pytest.FixtureRequest) -> Site:
    """aiohttp's server, without and with TLS."""
    found: Site = request.getfixturevalue("aiohttp_server" if request.param == "http" else "aiohttp_tls_server")
    return found


async def run(*command: str | Path, data: bytes | None = None) -> bytes:
    """Run a program, and return what it has printed.

    Raises: AssertionError, with its errors, if its status is not 0.
    """
    stdin = asyncio.subprocess.DEVNULL if data is None else asyncio.subprocess.PIPE
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdin=stdin, stdout=pipe, stderr=pipe)
    try:
        output, errors = await asyncio.wait_for(process.communicate(data), 60)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, errors.decode(errors="replace")
    return output


async def curl(proxy: Any, *arguments: str | Path, data: bytes | None = None) -> bytes:
    """Run curl through the proxy."""
    program = require_program("curl", "curl")
    return await run(
        program, "-sS", "-q", "--noproxy", "", "-x", f"http://127.0.0.1:{proxy.port}", *arguments, data=data
    )


async def talk(proxy: Any, data: bytes) -> bytes:
    """Send bytes to the proxy, and return all that it sends until it closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    writer.write(data)
    try:
        return await asyncio.wait_for(reader.read(), 15)
    finally:
        writer.close()


def through(proxy: Any, **options: Any) -> HttpClient:
    """Return a client of Hookline that uses the proxy."""
    return HttpClient(proxies={"all": f"http://127.0.0.1:{proxy.port}", "no": ""}, timeout=20, **options)


# -- curl


@pytest.mark.parametrize("kind", ["bytes", "stream"])
async def test_curl_downloads(proxy: Any, site: Site, certificates: Certificates, kind: str) -> None:
    content = await curl(proxy, "--cacert", certificates.ca_file, site.url(f"/{kind}/{3 * MIB}"))
    assert hashlib.sha256(content).digest() == hashlib.sha256(pattern(3 * MIB)).digest()


@pytest.mark.parametrize("length", ["known", "chunked"])
async def test_curl_uploads(proxy: Any, site: Site, certificates: Certificates, length: str) -> None:
    body = pattern(3 * MIB)
    options = ["-T", "-"] if length == "chunked" else ["--data-binary", "@-"]
    answer = await curl(proxy, "--cacert", certificates.ca_file, *options, site.url("/upload"), data=body)
    assert hashlib.sha256(body).hexdigest().encode() in answer


async def test_curl_keeps_its_connection(proxy: Any, scripted: ScriptedServer) -> None:
    scripted.always(response(b"hello"))
    output = await curl(proxy, "-v", "--stderr", "-", scripted.url("/1"), scripted.url("/2"))
    assert re.search(rb"(?i)re-?using existing", output), output.decode()
    assert [(request.target, request.connection) for request in scripted.requests] == [("/1", 1), ("/2", 1)]


async def test_expectation_is_passed_on_and_its_100_comes_back(proxy: Any, scripted: ScriptedServer) -> None:
    scripted.answer(Script(b"HTTP/1.1 100 Continue\r\n\r\n").read_body().send(response(b"thanks")))
    output = await curl(
        proxy, "-v", "--stderr", "-", "-H", "Expect: 100-continue", "--data-binary", "hello", scripted.url("/")
    )
    assert b"100 Continue" in output
    assert scripted.requests[0].header("expect") == "100-continue"
    assert scripted.requests[0].body == b"hello"


# -- our own client, and Chromium


async def test_own_client_sends_many_requests_at_once(
    proxy: Any, aiohttp_server: Site, aiohttp_tls_server: Site, certificates: Certificates
) -> None:
    async with through(proxy, verify=str(certificates.ca_file), pool_size=50) as client:

        async def echo(number: int) -> str:
            site = aiohttp_tls_server if number % 5 == 0 else aiohttp_server
            body = f"{number}-" * 5000
            answer = await client.post(site.url(f"/echo?{number}"), data=body)
            assert answer.json()["body"] == body
            return str(answer.json()["target"])

        found = await asyncio.gather(*(echo(number) for number in range(50)))
    assert found == [f"/echo?{number}" for number in range(50)]


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_chromium_shows_a_page(
    proxy: Any, make_scripted: Callable[..., ScriptedServer], certificates: Certificates, scheme: str
) -> None:
    program = require_program("chromium", "chromium")
    server = make_scripted(ssl_context=certificates.server_context() if scheme == "https" else None)
    script = "fetch('/data').then(answer => answer.text()).then(text => document.title = text)"
    server.respond(
        lambda request: (
            chunked(b"through ", b"the proxy")
            if request.target == "/data"
            else response(f"<script>{script}</script>".encode(), 200, [("Content-Type", "text/html")])
        )
    )
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        page = await run(
            program,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-background-networking",
            f"--user-data-dir={folder}",
            f"--proxy-server=http://127.0.0.1:{proxy.port}",
            "--proxy-bypass-list=<-loopback>",
            "--ignore-certificate-errors",
            "--virtual-time-budget=5000",
            "--dump-dom",
            server.url("/page"),
        )
    assert b"<title>through the proxy</title>" in page
    via = {request.header("via") for request in server.requests}
    assert via == {None if scheme == "https" else f"1.1 {proxy.pseudonym.decode()}"}


# -- what is sent on


async def test_hop_by_hop_fields_end_here(proxy: Any, scripted: ScriptedServer) -> None:
    scripted.answer(
        response(b"ok", 200, [("Connection", "X-Theirs"), ("X-Theirs", "1"), ("X-Kept", "é"), ("Keep-Alive", "5")])
    )
    fields = "Connection: X-Mine\r\nX-Mine: 1\r\nTE: trailers\r\nProxy-Authorization: Basic c2VjcmV0\r\nx-Kept: \xe9"
    answer = await talk(
        proxy,
        f"GET {scripted.url('/a/../b?c')} HTTP/1.1\r\nHost: other.example\r\n{fields}\r\nConnection: close\r\n\r\n".encode(
            "latin-1"
        ),
    )
    seen = scripted.requests[0]
    assert seen.target == "/a/../b?c"
    via = f"1.1 {proxy.pseudonym.decode()}".encode()
    assert seen.headers == [(b"Host", scripted.url("")[7:].rstrip("/").encode()), (b"x-Kept", b"\xe9"), (b"Via", via)]
    top, _, body = answer.partition(b"\r\n\r\n")
    assert body == b"ok"
    assert b"X-Kept: \xc3\xa9\r\n" in top
    assert b"Via: " + via in top
    assert not re.search(rb"(?i)x-theirs|keep-alive", top)


async def test_target_stays_as_it_came(proxy: Any, scripted: ScriptedServer) -> None:
    scripted.always(response(b""))
    for path in ["", "?a=/b", "/%7e/./x//?q=%2F"]:
        await talk(proxy, f"GET {scripted.url('')}{path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
    await talk(proxy, f"OPTIONS {scripted.url('')} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
    assert [request.target for request in scripted.requests] == ["/", "/?a=/b", "/%7e/./x//?q=%2F", "*"]


async def test_body_until_the_end_of_the_connection_is_chunked(proxy: Any, scripted: ScriptedServer) -> None:
    scripted.always(Script(b"HTTP/1.0 200 OK\r\n\r\nall of it").close())
    request = f"GET {scripted.url()} HTTP/1.%d\r\nHost: a\r\nConnection: close\r\n\r\n"
    answer = await talk(proxy, (request % 1).encode())
    assert answer.endswith(b"\r\n\r\n9\r\nall of it\r\n0\r\n\r\n")
    answer = await talk(proxy, (request % 0).encode())
    assert answer.endswith(b"\r\n\r\nall of it")


async def test_pipelined_requests_are_answered_in_order(proxy: Any, scripted: ScriptedServer) -> None:
    scripted.respond(lambda request: chunked(request.target.encode(), request.body))
    post = f"POST {scripted.url('/1')} HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
    get = f"GET {scripted.url('/2')} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    answer = await talk(proxy, (post + get).encode())
    assert re.findall(rb"\r\n(/\d|abc)\r\n", answer) == [b"/1", b"abc", b"/2"] or answer.index(b"/1") < answer.index(
        b"/2"
    )


# -- errors


async def test_unreachable_server_is_a_502(proxy: Any) -> None:
    with refused_port() as port:
        answer = await talk(proxy, f"GET http://127.0.0.1:{port}/ HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        assert answer.startswith(b"HTTP/1.1 502 Bad Gateway\r\n")
        assert b"no server listens" in answer
        async with through(proxy) as client:
            with pytest.raises(HttpProxyError, match="502"):
                await client.get(f"https://127.0.0.1:{port}/")


async def test_silent_server_is_a_504(make_proxy: Make, scripted: ScriptedServer) -> None:
    proxy = await make_proxy(patience=0.3)
    scripted.always(Script().stall())
    answer = await talk(proxy, f"GET {scripted.url()} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 504 Gateway Timeout\r\n")
    with black_hole() as port:
        answer = await talk(proxy, f"CONNECT 127.0.0.1:{port} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 504 Gateway Timeout\r\n")


async def test_server_that_speaks_no_http_is_a_502(proxy: Any, scripted: ScriptedServer) -> None:
    scripted.always(Script(b"220 mail.example ESMTP\r\n").close())
    answer = await talk(proxy, f"HEAD {scripted.url()} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 502 Bad Gateway\r\n")
    assert answer.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    ("framing", "how"),
    [("length", "close"), ("length", "reset"), ("chunked", "close"), ("chunked", "reset"), ("none", "reset")],
)
async def test_killed_server_cuts_the_response(proxy: Any, scripted: ScriptedServer, framing: str, how: str) -> None:
    top = {"length": [("Content-Length", "100")], "chunked": [("Transfer-Encoding", "chunked")], "none": []}[framing]
    first = b"5\r\nhello\r\n" if framing == "chunked" else b"hello"
    gate = Gate()
    script = Script(head(200, top), first).hold(gate)
    scripted.always(script.close() if how == "close" else script.reset())
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    writer.write(f"GET {scripted.url()} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    answer = await asyncio.wait_for(reader.readuntil(b"hello"), 15)
    gate.open()
    rest = b""
    with contextlib.suppress(ConnectionResetError):
        rest = await asyncio.wait_for(reader.read(), 15)
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert b"0\r\n\r\n" not in rest, "a cut body looks complete"
    writer.close()


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GARBAGE\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"400"),
        (b"GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", b"400"),
        (b"GET http:/// HTTP/1.1\r\nHost: a\r\n\r\n", b"400"),
        (b"GET http://a b/ HTTP/1.1\r\nHost: a\r\n\r\n", b"400"),
        (b"CONNECT nowhere HTTP/1.1\r\nHost: a\r\n\r\n", b"400"),
        (b"CONNECT user@host:443 HTTP/1.1\r\nHost: a\r\n\r\n", b"400"),
        (b"CONNECT host:99999999 HTTP/1.1\r\nHost: a\r\n\r\n", b"400"),
        (b"GET http://a/ HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 70_000, b"431"),
        (
            b"POST http://a/ HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            b"400",
        ),
        (b"POST http://a/ HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"400"),
    ],
    ids=[
        "garbage",
        "origin-form",
        "ftp",
        "no-host",
        "space",
        "no-port",
        "userinfo",
        "port",
        "head",
        "smuggling",
        "old",
    ],
)
async def test_bad_request_is_refused(proxy: Any, request_: bytes, status: bytes) -> None:
    answer = await talk(proxy, request_)
    assert answer.startswith(b"HTTP/1.1 " + status), answer[:300]


async def test_bad_chunk_of_a_client_is_a_400(proxy: Any, scripted: ScriptedServer) -> None:
    scripted.always(Script().read_body().stall())
    start = f"POST {scripted.url()} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
    answer = await talk(proxy, start.encode() + b"zzz\r\n")
    assert answer.startswith(b"HTTP/1.1 400")


async def test_silent_client_is_given_up(make_proxy: Make, scripted: ScriptedServer) -> None:
    proxy = await make_proxy(patience=1.0)
    scripted.always(Script().read_body().stall())
    assert await talk(proxy, b"") == b""
    assert (await talk(proxy, b"GET http://a/ HT")).startswith(b"HTTP/1.1 408")
    started = f"POST {scripted.url()} HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhello".encode()
    assert (await talk(proxy, started)).startswith(b"HTTP/1.1 408")
    # Neither does a byte now and then keep a connection.
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    for byte in b"GET http":
        writer.write(bytes([byte]))
        await asyncio.sleep(0.2)
    assert (await asyncio.wait_for(reader.read(), 15)).startswith(b"HTTP/1.1 408")
    writer.close()


async def test_request_that_came_before_is_a_508(proxy: Any, scripted: ScriptedServer) -> None:
    async with through(proxy) as client:
        answer = await client.get(f"http://127.0.0.1:{proxy.port}/")
        assert answer.status_code == 400
        fields = {"Via": f"1.1 other, 1.1 {proxy.pseudonym.decode()}"}
        assert (await client.get(scripted.url(), headers=fields)).status_code == 508
    assert scripted.requests == []


async def test_tunnels_lead_to_listed_ports_alone(make_proxy: Make, aiohttp_tls_server: Site) -> None:
    async with through(await make_proxy(connect_ports=(443,)), verify=False) as client:
        with pytest.raises(HttpProxyError, match="403"):
            await client.get(aiohttp_tls_server.url("/echo"))


async def test_too_many_clients_get_a_503(make_proxy: Make, scripted: ScriptedServer) -> None:
    proxy = await make_proxy(max_clients=1)
    scripted.always(Script().stall())
    _, first = await asyncio.open_connection("127.0.0.1", proxy.port)
    first.write(f"GET {scripted.url()} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    await scripted.until(requests=1)
    assert (await talk(proxy, b"")).startswith(b"HTTP/1.1 503")
    first.close()


# -- flow


async def test_server_decides_before_the_end_of_an_upload(proxy: Any, scripted: ScriptedServer) -> None:
    scripted.always(Script(response(b"too large", 413)).refuse_to_read())
    start = f"POST {scripted.url()} HTTP/1.1\r\nHost: a\r\nContent-Length: {50 * MIB}\r\n\r\n".encode()
    answer = await talk(proxy, start + bytes(4 * MIB))
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"\r\nConnection: close\r\n" in answer
    assert answer.endswith(b"too large")


async def test_client_that_leaves_cancels_the_request(proxy: Any, scripted: ScriptedServer) -> None:
    scripted.always(Script().stall())
    _, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    writer.write(f"GET {scripted.url()} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    await scripted.until(requests=1)
    writer.close()
    await scripted.until_closed_connections(1, timeout=15)


async def test_slow_client_makes_the_server_wait(proxy: Any, scripted: ScriptedServer) -> None:
    sent = 0

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: object) -> None:
        nonlocal sent
        writer.write(head(200, [("Content-Length", str(400 * MIB))]))
        with contextlib.suppress(OSError):
            while True:
                writer.write(bytes(MIB))
                await writer.drain()
                sent += MIB

    scripted.answer(endless)
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port, limit=1024)
    writer.write(f"GET {scripted.url()} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 15)
    before = -1
    while sent != before:  # until everything between the two is full
        before = sent
        await asyncio.sleep(0.5)
    assert sent < 40 * MIB
    for _ in range(64):
        await asyncio.wait_for(reader.readexactly(MIB), 15)
    assert sent >= 60 * MIB
    writer.close()
    await scripted.until_closed_connections(1, timeout=15)


async def test_slow_server_makes_the_client_wait(make_proxy: Make, scripted: ScriptedServer) -> None:
    proxy = await make_proxy(patience=3.0)
    scripted.answer(Script().refuse_to_read())
    _, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    writer.write(f"POST {scripted.url()} HTTP/1.1\r\nHost: a\r\nContent-Length: {400 * MIB}\r\n\r\n".encode())
    sent = 0

    async def send() -> None:
        nonlocal sent
        while True:
            writer.write(bytes(MIB))
            await writer.drain()
            sent += MIB

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(send(), 2)
    assert sent < 40 * MIB
    assert len(proxy.tasks) == 1
    writer.transport.abort()
    # Noticed when the patience ends, because nothing is read from the client meanwhile.
    await asyncio.wait_for(asyncio.wait(proxy.tasks), 15)


async def test_client_that_never_reads_cannot_fill_the_memory(make_proxy: Make, scripted: ScriptedServer) -> None:
    proxy = await make_proxy(patience=2.0)
    scripted.always(head(200, [("X-Long", "x" * 60_000), ("Content-Length", "5")]))
    _, writer = await asyncio.open_connection("127.0.0.1", proxy.port, limit=1024)
    writer.write(f"HEAD {scripted.url()} HTTP/1.1\r\nHost: a\r\n\r\n".encode() * 1000)
    await scripted.until(requests=1)
    await asyncio.wait_for(asyncio.wait(proxy.tasks), 30)
    assert len(scripted.requests) < 500  # 30 MB: what the buffers of the kernel may take, and no more
    writer.close()


async def test_tunnel_passes_half_closes_and_greetings(proxy: Any) -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hello\r\n")
        received = await reader.read()
        writer.write(b"%d bytes" % len(received))
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    for _ in range(20):
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(f"CONNECT 127.0.0.1:{port} HTTP/1.1\r\nHost: a\r\n\r\nearly".encode())
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
        assert await asyncio.wait_for(reader.readline(), 15) == b"220 hello\r\n"
        writer.write(bytes(MIB))
        writer.write_eof()
        assert await asyncio.wait_for(reader.read(), 15) == b"%d bytes" % (MIB + 5)
        writer.close()
    server.close()
    if proxy.tasks:
        await asyncio.wait_for(asyncio.wait(proxy.tasks), 15)


async def test_end_of_the_proxy_ends_requests_and_tunnels(make_proxy: Make, scripted: ScriptedServer) -> None:
    scripted.always(Script().stall())
    async with load("forward_proxy").ForwardProxy(port=0, connect_ports=None) as proxy:
        writers = []
        for request in (f"GET {scripted.url()}", f"CONNECT 127.0.0.1:{scripted.port}"):
            reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
            writer.write(f"{request} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
            writers.append(writer)
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
        await scripted.until(requests=1, connections=2)
    await scripted.until_closed_connections(2, timeout=15)
    assert proxy.tasks == set()
    for writer in writers:
        writer.close()


@pytest.mark.slow
async def test_large_bodies_take_little_memory(aiohttp_server: Site) -> None:
    size = 200 * MIB
    process = await asyncio.create_subprocess_exec(
        sys.executable, FOLDER / "forward_proxy.py", "--port", "0", stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        url = (await asyncio.wait_for(process.stdout.readline(), 30)).split()[-1].decode()

        async def curl(*arguments: str) -> bytes:
            return await run(require_program("curl", "curl"), "-sS", "-q", "--noproxy", "", "-x", url, *arguments)

        def peak() -> int:
            """The most memory that the proxy has had so far, in KiB."""
            found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process.pid}/status").read_text())
            assert found is not None
            return int(found[1])

        await curl(aiohttp_server.url("/bytes/100"))
        before = peak()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "large.bin")
            await curl("-o", str(path), aiohttp_server.url(f"/stream/{size}"))
            assert path.stat().st_size == size
            after_download = peak()
            answer = await curl("-T", str(path), aiohttp_server.url("/upload"))
            assert str(size).encode() in answer
        after_upload = peak()
        assert after_upload - before < 16 * 1024, (before, after_download, after_upload)
    finally:
        process.terminate()
        await process.wait()


def pattern(size: int) -> bytes:
    """The content of /bytes and /stream."""
    from servers.aiohttp_app import content

    return content(size)

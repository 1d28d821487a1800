"""What is sent again, and what is not: failures, methods, bodies, limits."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from hookline import (
    ClientClosed,
    ConnectionClosed,
    ConnectionRefused,
    HttpClient,
    HttpTimeout,
    ReadTimeout,
    RemoteProtocolError,
    SSLError,
    StreamConsumedError,
    Timeout,
)
from hookline_retry import Retry, RetryBudget
from hookline_testing.server import Script, ScriptedServer, chunked, head, response
from kit.recorder import Log, Recorder, client_with, ends, on
from kit.slots import is_free
from servers.addresses import Site, refused_port

QUICK = Retry(backoff=0.01)

pytestmark = [
    pytest.mark.client(autoload=False, plugins=["retry"], retry=QUICK, pool_size=1, timeout=10),
    pytest.mark.protocols("HTTP/1.1", "HTTP/2"),
]
BUSY = response(b"busy", 503)
CUT = Script(head(200, [("Content-Length", "100")]) + b"half").close()


def statuses(got: Any) -> list[int]:
    return [earlier.status_code for earlier in got.history]


def once() -> Iterator[bytes]:
    yield b"once"


@pytest.mark.parametrize("status", [429, 502, 503, 504])
@pytest.mark.parametrize("stream", [False, True])
async def test_status_of_the_moment_is_retried(
    client: HttpClient, scripted: ScriptedServer, status: int, stream: bool
) -> None:
    scripted.answer(response(b"busy", status), chunked(b"bu", b"sy", status=status), response(b"ok"))
    got = await client.get(scripted.url(), stream=stream)
    assert (got.status_code, await got.raw.read(), statuses(got)) == (200, b"ok", [status, status])
    assert [earlier.content for earlier in got.history] == [b"busy", b"busy"]
    assert [each.request.cause for each in (*got.history, got)] == ["call", "retry", "retry"]
    assert scripted.connections == 1
    await is_free(client, scripted)


@pytest.mark.parametrize("status", [200, 304, 400, 404, 408, 425, 500, 501])
async def test_other_statuses_are_not(client: HttpClient, scripted: ScriptedServer, status: int) -> None:
    scripted.answer(response(b"", status))
    got = await client.get(scripted.url())
    assert (got.status_code, got.history) == (status, [])


async def test_last_answer_comes_back_when_the_retries_are_used_up(
    client: HttpClient, scripted: ScriptedServer
) -> None:
    scripted.always(BUSY)
    got = await client.get(scripted.url())
    assert (got.status_code, got.content, statuses(got)) == (503, b"busy", [503, 503, 503])
    assert len(scripted.requests) == 4


@pytest.mark.parametrize(
    "failure",
    [Script().close(), Script().reset(), Script(b"HTTP/1.1 200 O").close(), CUT],
    ids=["close", "reset", "half a head", "half a body"],
)
async def test_connection_that_was_cut_is_retried(client: HttpClient, make_scripted: Any, failure: Script) -> None:
    server = make_scripted(strict=False)
    server.answer(failure, BUSY, response(b"ok"))
    got = await client.get(server.url())
    assert (got.content, statuses(got)) == (b"ok", [200 if failure is CUT else 0, 503])
    await is_free(client, server)


async def test_history_of_attempts_that_failed(client: HttpClient, make_scripted: Any) -> None:
    server = make_scripted(strict=False)
    server.answer(Script().close(), CUT, Script().close(), Script().close())
    with pytest.raises(ConnectionClosed) as caught:
        await client.get(server.url())
    request = caught.value.request
    assert request is not None
    without_head, in_body, last = request.history
    assert (without_head.status_code, dict(without_head.headers), without_head.content) == (0, {}, b"")
    assert (in_body.status_code, in_body.headers["content-length"]) == (200, "100")
    assert in_body.content == b""
    assert last.status_code == 0
    assert [each.request.cause for each in request.history] == ["call", "retry", "retry"]
    assert caught.value.response is None


async def test_server_that_starts_to_listen_is_found() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{bound.getsockname()[1]}/"

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(4)
            writer.write(response(b"awake"))
            writer.close()
            await writer.wait_closed()

        retry = Retry(20, backoff=0.2, max_wait=0.2)
        async with HttpClient(autoload=False, plugins=["retry"], retry=retry, timeout=20) as client:
            call = asyncio.ensure_future(client.post(url, data=once()))
            await asyncio.sleep(0.3)
            async with await asyncio.start_server(serve, sock=bound):
                got = await call
    assert got.content == b"awake"
    assert set(statuses(got)) == {0}


async def test_refused_connection_comes_out_when_the_retries_are_used_up(client: HttpClient) -> None:
    with refused_port() as port, pytest.raises(ConnectionRefused) as caught:
        await client.get(f"http://127.0.0.1:{port}/")
    assert caught.value.request is not None
    assert len(caught.value.request.history) == 3


async def test_read_timeout_is_retried_and_the_total_is_not(client: HttpClient, make_scripted: Any) -> None:
    server = make_scripted(strict=False)
    server.answer(Script().stall(), response(b"ok"))
    assert (await client.get(server.url(), timeout=Timeout(10, read=0.1))).content == b"ok"
    server.answer(Script().stall())
    with pytest.raises(HttpTimeout) as caught:
        await client.get(server.url(), timeout=0.1)
    assert not isinstance(caught.value, ReadTimeout)
    assert len(server.requests) == 3


@pytest.mark.protocols("HTTP/1.1")
async def test_untrusted_certificate_and_broken_http_are_not_retried(
    client: HttpClient, make_scripted: Any, certificates: Any, scripted: ScriptedServer
) -> None:
    server = make_scripted(ssl_context=certificates.server_context(), strict=False)
    with pytest.raises(SSLError):
        await client.get(server.url())
    assert server.connections == 1
    with pytest.raises(SSLError):
        await client.get(server.url(), retry=Retry(1, errors=SSLError, backoff=0))
    assert server.connections == 3
    scripted.answer(b"NOT HTTP\r\n\r\n")
    with pytest.raises(RemoteProtocolError):
        await client.get(scripted.url())


@pytest.mark.parametrize("method", ["POST", "PATCH"])
async def test_method_that_is_not_idempotent_is_retried_only_when_told(
    client: HttpClient, make_scripted: Any, method: str
) -> None:
    server = make_scripted(strict=False)
    server.answer(BUSY)
    assert (await client.request(method, server.url(), data=b"x")).history == []
    server.answer(Script().close())
    with pytest.raises(ConnectionClosed):
        await client.request(method, server.url(), data=b"x")
    for methods in (None, {method.lower()}):
        server.answer(BUSY, response(b"ok"))
        got = await client.request(method, server.url(), data=b"x", retry=Retry(methods=methods, backoff=0))
        assert (got.content, statuses(got)) == (b"ok", [503])
    server.answer(BUSY)
    assert (await client.get(server.url(), retry=Retry(methods=["POST"]))).status_code == 503


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"])
async def test_idempotent_methods_are_retried(client: HttpClient, scripted: ScriptedServer, method: str) -> None:
    scripted.answer(head(503, [("Content-Length", "0")]), head(200, [("Content-Length", "0")]))
    assert statuses(await client.request(method, scripted.url())) == [503]


async def test_body_is_sent_again_only_where_it_can_be(client: HttpClient, scripted: ScriptedServer) -> None:
    scripted.answer(BUSY, response(b"ok"))
    assert statuses(await client.put(scripted.url(), data=[b"one", b"two"])) == [503]
    assert [request.body for request in scripted.requests] == [b"onetwo", b"onetwo"]
    scripted.answer(BUSY)
    got = await client.put(scripted.url(), data=once())
    assert (got.status_code, got.content, got.history) == (503, b"busy", [])


async def test_retry_is_switched_per_client_and_request(scripted: ScriptedServer) -> None:
    scripted.always(BUSY)
    for none in (False, None, 0, Retry(0)):
        async with HttpClient(autoload=False, plugins=["retry"], retry=none) as client:
            assert client.retry is None
            assert (await client.get(scripted.url())).history == []
            assert len((await client.get(scripted.url(), retry=Retry(1, backoff=0))).history) == 1
    async with HttpClient(autoload=False, plugins=["retry"], retry=1) as client:
        assert len((await client.get(scripted.url())).history) == 1
        assert (await client.get(scripted.url(), retry=0)).history == []
        handler = {"pre_request": lambda response, **kw: setattr(response.request, "retry", 0)}
        assert (await client.get(scripted.url(), **handler)).history == []
    async with HttpClient(autoload=False, plugins=["retry"]) as client:
        assert client.retry == Retry(3)
        assert len((await client.get(scripted.url(), retry=Retry(backoff=0))).history) == 3


async def test_retry_after_is_waited_for(client: HttpClient, scripted: ScriptedServer) -> None:
    scripted.answer(response(b"", 503, [("Retry-After", "1")]), response(b"ok"))
    start = time.monotonic()
    assert (await client.get(scripted.url())).content == b"ok"
    assert 0.99 <= time.monotonic() - start < 3


async def test_retry_after_as_a_date_is_waited_for(client: HttpClient, scripted: ScriptedServer) -> None:
    # the server's clock is years behind ours
    fields = [("Date", "Sun, 06 Nov 1994 08:49:37 GMT"), ("Retry-After", "Sun, 06 Nov 1994 08:49:38 GMT")]
    scripted.answer(response(b"", 429, fields), response(b"ok"))
    start = time.monotonic()
    assert (await client.get(scripted.url())).content == b"ok"
    assert 0.99 <= time.monotonic() - start < 3


@pytest.mark.parametrize("value", ["61", "9" * 4000, "Fri, 31 Dec 9999 23:59:59 GMT"])
async def test_attack_a_retry_after_that_holds_the_caller_for_ever(scripted: ScriptedServer, value: str) -> None:
    scripted.answer(response(b"later", 503, [("Retry-After", value)]))
    async with HttpClient(autoload=False, plugins=["retry"]) as client, asyncio.timeout(5):
        got = await client.get(scripted.url())
    assert (got.status_code, got.content, got.history) == (503, b"later", [])


@pytest.mark.parametrize("field", [[("Retry-After", "2")], []])
async def test_nobody_sleeps_past_the_deadline(client: HttpClient, scripted: ScriptedServer, field: Any) -> None:
    scripted.always(response(b"busy", 503, field))
    retry = Retry(50, backoff=0.5, max_wait=5)
    start = time.monotonic()
    got = await client.get(scripted.url(), timeout=1, retry=retry)
    assert (got.status_code, got.content) == (503, b"busy")
    assert time.monotonic() - start < 1
    assert field == [] or got.history == []


async def test_error_comes_out_where_the_wait_would_pass_the_deadline(client: HttpClient) -> None:
    start = time.monotonic()
    with refused_port() as port, pytest.raises(ConnectionRefused):
        await client.get(f"http://127.0.0.1:{port}/", timeout=0.5, retry=Retry(99, backoff=0.3))
    assert time.monotonic() - start < 0.5


async def test_budget_holds_over_all_requests(scripted: ScriptedServer) -> None:
    scripted.always(BUSY)
    budget = RetryBudget(0.2, per_second=0)
    retry = Retry(3, backoff=0, budget=budget)
    async with HttpClient(autoload=False, plugins=["retry"], retry=retry, pool_size=5) as client:
        got = await asyncio.gather(*(client.get(scripted.url()) for _ in range(100)))
        assert {each.status_code for each in got} == {503}
        assert sum(len(each.history) for each in got) == 20
        async with HttpClient(autoload=False, plugins=["retry"], retry=retry) as other:
            assert (await other.get(scripted.url())).history == []
    assert len(scripted.requests) == 121


async def test_each_client_has_a_budget_of_its_own(scripted: ScriptedServer) -> None:
    scripted.always(BUSY)
    retry = Retry(1, backoff=0)
    for _ in range(2):
        async with HttpClient(autoload=False, plugins=["retry"], retry=retry, pool_size=20) as client:
            got = await asyncio.gather(*(client.get(scripted.url()) for _ in range(200)))
            assert 100 <= sum(len(each.history) for each in got) <= 140


@pytest.mark.parametrize("size", [1000, 1024 * 1024])
async def test_stream_of_a_status_that_is_retried_is_drained_or_left(
    client: HttpClient, make_scripted: Any, protocol: str, size: int
) -> None:
    server = make_scripted(strict=False)
    server.answer(response(bytes(size), 503), cut=16 * 1024)
    server.answer(chunked(b"one", b"two"))
    got = await client.get(server.url(), stream=True)
    assert await got.raw.read() == b"onetwo"
    if size == 1000:
        assert got.history[0].content == bytes(size)
    else:
        with pytest.raises(StreamConsumedError):
            _ = got.history[0].content
    assert server.connections == (1 if size == 1000 or protocol == "HTTP/2" else 2)


async def test_stream_of_the_last_answer_is_the_callers(client: HttpClient, scripted: ScriptedServer) -> None:
    scripted.always(response(bytes(500_000), 503))
    got = await client.get(scripted.url(), stream=True, retry=Retry(1, backoff=0))
    assert (got.status_code, len(got.history)) == (503, 1)
    assert await got.raw.read() == bytes(500_000)


async def test_connection_is_free_while_a_retry_waits(client: HttpClient, make_scripted: Any) -> None:
    server = make_scripted(strict=False)
    server.answer(response(bytes(1024 * 1024), 503, [("Retry-After", "1")]), cut=16 * 1024)
    server.respond(lambda request: response(request.target.encode()))
    slow = asyncio.ensure_future(client.get(server.url("/slow"), stream=True))
    await server.until(heads=1)
    async with asyncio.timeout(0.9):
        assert (await client.get(server.url("/other"))).content == b"/other"
    assert await (await slow).raw.read() == b"/slow"


async def test_stream_that_breaks_after_it_was_handed_out_is_not_retried(
    client: HttpClient, make_scripted: Any
) -> None:
    server = make_scripted(strict=False)
    server.answer(Script(head(200, [("Content-Length", "100")]) + b"half").pause(0.05).close())
    got = await client.get(server.url(), stream=True, retry=Retry(3, backoff=30))
    async with asyncio.timeout(5):
        with pytest.raises(ConnectionClosed):
            await got.raw.read()
    assert len(server.requests) == 1


async def until_told(log: Log) -> None:
    """Wait until post_request has begun. The recorder runs before the plugin, which waits right behind it."""
    async with asyncio.timeout(5):
        while not ends(log):  # noqa: ASYNC110 - a recorder has no event to wait for
            await asyncio.sleep(0.001)


@pytest.mark.parametrize("failure", ["status", "error"])
@pytest.mark.parametrize("end", ["cancel", "close"])
async def test_wait_ends_with_the_call_and_with_the_client(make_scripted: Any, failure: str, end: str) -> None:
    server = make_scripted(strict=False)
    server.answer(response(b"", 503, [("Retry-After", "1000")]) if failure == "status" else Script().close())
    log: Log = []
    retry = Retry(backoff=1e9, max_wait=1e9)
    async with client_with("retry", Recorder(log), retry=retry, pool_size=1) as client:
        call = asyncio.ensure_future(client.get(server.url()))
        await until_told(log)
        if end == "cancel":
            call.cancel()
        else:
            await client.close()
        async with asyncio.timeout(2):
            (outcome,) = await asyncio.gather(call, return_exceptions=True)
        expected = (
            asyncio.CancelledError if end == "cancel" else ClientClosed if failure == "status" else ConnectionClosed
        )
        assert type(outcome) is expected
        assert len(ends(log)) == 1
        assert len(server.requests) == 1
        await is_free(client, server)


async def test_call_in_flight_on_a_closed_client_is_not_retried(scripted: ScriptedServer) -> None:
    scripted.answer(Script().stall())
    client = HttpClient(autoload=False, plugins=["retry"], retry=Retry(backoff=0))
    call = asyncio.ensure_future(client.get(scripted.url()))
    await scripted.until(heads=1)
    await client.close()
    with pytest.raises(ClientClosed):
        await call


async def test_another_answer_goes_first(scripted: ScriptedServer) -> None:
    def elsewhere(self: Any, response: Any) -> Any:
        return None if response.history else response.request.copy(url=scripted.url("/other"), cause="elsewhere")

    scripted.respond(lambda request: response(b"ok") if request.target == "/other" else BUSY)
    async with client_with("retry", on("post_request", elsewhere, "z"), retry=QUICK) as client:
        got = await client.get(scripted.url())
    assert (got.content, [each.request.cause for each in (*got.history, got)]) == (b"ok", ["call", "elsewhere"])


async def test_sub_requests_are_left_to_those_who_send_them(scripted: ScriptedServer) -> None:
    seen: list[int] = []

    async def ask(self: Any, response: Any) -> None:
        request = response.request
        sub = request.client.new_request("GET", scripted.url("/token"), cause="token", parent=request)
        seen.append((await request.client.exchange(sub)).status_code)

    scripted.respond(lambda request: BUSY if request.target == "/token" else response(b"ok"))
    async with client_with("retry", on("pre_request", ask), retry=QUICK) as client:
        assert (await client.get(scripted.url())).content == b"ok"
    assert seen == [503]
    assert len(scripted.requests) == 2


@pytest.mark.parametrize("event", ["on_headers", "post_request"])
async def test_error_of_another_exchange_is_no_reason(scripted: ScriptedServer, event: str) -> None:
    async def ask(self: Any, response: Any) -> None:
        request = response.request
        sub = request.client.new_request("GET", f"http://127.0.0.1:{port}/", cause="token", parent=request)
        await request.client.exchange(sub)

    scripted.answer(response(b"ok"))
    retry = Retry(backoff=1e9, max_wait=1e9)
    with refused_port() as port:
        async with client_with("retry", on(event, ask), retry=retry) as client, asyncio.timeout(5):
            with pytest.raises(ConnectionRefused):
                await client.post(scripted.url(), data=b"once only")
    assert len(scripted.requests) == 1


async def test_calls_own_handlers_see_every_attempt(client: HttpClient, scripted: ScriptedServer) -> None:
    scripted.answer(BUSY, response(b"ok"))
    seen: list[int] = []
    await client.get(scripted.url(), post_request=lambda response, **kw: seen.append(response.status_code))
    assert seen == [503, 200]


def test_synchronous_mode(make_scripted: Any) -> None:
    server = make_scripted(strict=False)
    server.answer(Script().close(), BUSY, response(b"ok"))
    with HttpClient(autoload=False, plugins=["retry"], retry=QUICK) as client:
        got = client.get(server.url())
        assert (got.content, statuses(got)) == (b"ok", [0, 503])


async def test_nginx_with_retry_after(client: HttpClient, nginx: Site) -> None:
    start = time.monotonic()
    got = await client.get(nginx.url("/busy"), retry=1)
    assert (got.status_code, statuses(got)) == (503, [503])
    assert 0.99 <= time.monotonic() - start < 5


async def test_nginx_with_a_rate_is_served_in_the_end(nginx: Site) -> None:
    async with HttpClient(autoload=False, plugins=["retry"], retry=10, timeout=60) as client:
        got = await asyncio.gather(*(client.get(nginx.url("/rate/small.json")) for _ in range(4)))
    assert {each.status_code for each in got} == {200}
    assert {status for each in got for status in statuses(each)} == {503}


async def test_httpbin_and_aiohttp(client: HttpClient, httpbin: Site, aiohttp_server: Site) -> None:
    for site in (httpbin, aiohttp_server):
        got = await client.get(site.url("/status/502"))
        assert (got.status_code, statuses(got)) == (502, [502] * 3)


async def test_many_at_once_with_failures_in_between(make_scripted: Any) -> None:
    server = make_scripted(strict=False)
    count = 0

    def answer(request: Any) -> Any:
        nonlocal count
        count += 1
        return Script().close() if count % 7 == 0 else BUSY if count % 5 == 0 else response(request.target.encode())

    server.respond(answer)
    retry = Retry(20, backoff=0.01, budget=RetryBudget(float("inf")))
    async with HttpClient(autoload=False, plugins=["retry"], retry=retry, pool_size=10, timeout=30) as client:
        got = await asyncio.gather(*(client.get(server.url(f"/{number}")) for number in range(300)))
        assert [each.content for each in got] == [b"/%d" % number for number in range(300)]
        with contextlib.suppress(ConnectionClosed):
            await client.get(server.url())
        stats = client.stats()
        assert (stats.in_use, stats.streams, stats.waiting) == (0, 0, 0)
        assert stats.connections <= 10

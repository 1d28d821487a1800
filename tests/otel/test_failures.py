"""Exchanges that fail, are cancelled, take too long or are given up: their spans end, and say why."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from typing import Any

import pytest
from opentelemetry.trace import StatusCode

from hookline import (
    ConnectionClosed,
    ConnectionRefused,
    DNSError,
    HttpClient,
    HttpResponse,
    HttpTimeout,
    PoolTimeout,
    ReadTimeout,
    SSLError,
    Timeout,
    hookimpl,
)
from hookline_testing.server import Script, ScriptedServer, head, response
from kit.otel import Telemetry, events_of

BOTH = pytest.mark.protocols("HTTP/1.1", "HTTP/2")


def failed_as(telemetry: Telemetry, error: str) -> list[str]:
    """Check that the only exchange and its call failed so; return the events of the exchange."""
    exchange, call = telemetry.exchange, telemetry.call
    for span in (exchange, call):
        assert span.attributes["error.type"] == error
        assert span.status.status_code is StatusCode.ERROR
    assert events_of(exchange).count("exception") == 1
    assert events_of(call) == []
    return events_of(exchange)


def failed_phases(telemetry: Telemetry) -> list[str]:
    return [event.name for event in telemetry.exchange.events if (event.attributes or {}).get("hookline.failed")]


@pytest.mark.parametrize("status", [404, 500])
@BOTH
async def test_error_status_is_an_error_of_the_exchange(
    scripted: ScriptedServer, telemetry: Telemetry, client: HttpClient, status: int
) -> None:
    scripted.always(response(b"no", status))
    await client.get(scripted.url())
    span = telemetry.exchange
    assert (span.attributes["error.type"], span.status.status_code) == (str(status), StatusCode.ERROR)
    assert "exception" not in events_of(span)
    assert telemetry.call.status.status_code is StatusCode.UNSET


async def test_host_that_is_unknown(telemetry: Telemetry) -> None:
    async def resolver(host: str, port: int) -> list[str]:
        raise DNSError("no such host")

    async with HttpClient(autoload=False, plugins=[telemetry.plugin()], resolver=resolver) as client:
        with pytest.raises(DNSError):
            await client.get("http://nowhere.invalid/?password=x")
    assert "dns" in failed_as(telemetry, "DNSError")
    assert failed_phases(telemetry) == ["dns"]
    assert "http.response.status_code" not in telemetry.exchange.attributes
    (point,) = telemetry.measurements()
    assert point.attributes["error.type"] == "DNSError"


async def test_connection_that_is_refused(telemetry: Telemetry, client: HttpClient, unused_tcp_port: int) -> None:
    with pytest.raises(ConnectionRefused):
        await client.get(f"http://127.0.0.1:{unused_tcp_port}/")
    failed_as(telemetry, "ConnectionRefused")
    assert failed_phases(telemetry) == ["connect"]


async def test_handshake_that_fails(certificates: Any, make_scripted: Any, telemetry: Telemetry) -> None:
    server = make_scripted(ssl_context=certificates.server_context(), strict=False)
    async with HttpClient(autoload=False, plugins=[telemetry.plugin()]) as client:
        with pytest.raises(SSLError):
            await client.get(server.url())
    failed_as(telemetry, "SSLError")
    assert failed_phases(telemetry) == ["tls"]


async def test_wait_for_a_connection_that_takes_too_long(scripted: ScriptedServer, telemetry: Telemetry) -> None:
    scripted.answer(Script().pause(30).send(response()))
    async with HttpClient(
        autoload=False, plugins=[telemetry.plugin()], pool_size=1, timeout=Timeout(pool=0.1)
    ) as client:
        first = asyncio.create_task(client.get(scripted.url()))
        await scripted.until(requests=1)
        with pytest.raises(PoolTimeout):
            await client.get(scripted.url())
        failed_as(telemetry, "PoolTimeout")
        assert failed_phases(telemetry) == ["queued"]
        first.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await first


@BOTH
async def test_answer_that_takes_too_long(scripted: ScriptedServer, telemetry: Telemetry) -> None:
    scripted.answer(Script().pause(30).send(response()))
    async with HttpClient(autoload=False, plugins=[telemetry.plugin()], timeout=Timeout(read=0.2)) as client:
        with pytest.raises(ReadTimeout):
            await client.get(scripted.url())
    assert failed_as(telemetry, "ReadTimeout")[-2:] == ["sent", "exception"]
    assert telemetry.exchange.attributes["network.peer.port"] == scripted.port


@BOTH
async def test_total_timeout_and_an_answer_that_comes_too_late_for_it(
    scripted: ScriptedServer, telemetry: Telemetry
) -> None:
    class Again:
        @hookimpl
        def post_request(self, response: HttpResponse, exc: BaseException | None) -> Any:
            return response.request.copy(cause="retry")

    scripted.answer(Script().pause(30).send(response()))
    async with HttpClient(autoload=False, plugins=[telemetry.plugin(), Again()], timeout=0.2) as client:
        with pytest.raises(HttpTimeout):
            await client.get(scripted.url())
    failed_as(telemetry, "HttpTimeout")


@BOTH
async def test_call_that_is_cancelled(scripted: ScriptedServer, telemetry: Telemetry, client: HttpClient) -> None:
    scripted.answer(Script().pause(30).send(response()))
    call = asyncio.create_task(client.get(scripted.url()))
    await scripted.until(requests=1)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    failed_as(telemetry, "CancelledError")


async def test_body_that_is_cut(scripted: ScriptedServer, telemetry: Telemetry, client: HttpClient) -> None:
    scripted.answer(head(200, {"Content-Length": "10"}) + b"short", close=True)
    with pytest.raises(ConnectionClosed):
        await client.get(scripted.url())
    assert failed_as(telemetry, "ConnectionClosed")[-3:] == ["sent", "first_byte", "exception"]
    assert telemetry.exchange.attributes["http.response.status_code"] == 200


async def test_request_that_core_sends_again(
    scripted: ScriptedServer, telemetry: Telemetry, client: HttpClient
) -> None:
    scripted.answer(response(b"first"), Script().close(), response(b"again"))
    await client.get(scripted.url())
    assert (await client.get(scripted.url())).content == b"again"
    span = telemetry.exchanges[1]
    assert len(telemetry.exchanges) == 2
    assert span.attributes["http.request.resend_count"] == 1
    names = events_of(span)
    assert names[-3:] == ["resend", "sent", "first_byte"]
    assert span.status.status_code is StatusCode.UNSET


async def test_plugin_that_refuses_the_request(telemetry: Telemetry) -> None:
    class Refuses:
        @hookimpl
        async def pre_request(self, response: HttpResponse) -> None:
            await asyncio.sleep(0)
            raise ValueError("not this one")

    async with HttpClient(autoload=False, plugins=[telemetry.plugin(), Refuses()]) as client:
        with pytest.raises(ValueError, match="not this one"):
            await client.get("http://service.invalid/")
    assert failed_as(telemetry, "ValueError") == ["exception"]


@BOTH
async def test_stream_ends_its_span_at_its_end(
    scripted: ScriptedServer, telemetry: Telemetry, client: HttpClient
) -> None:
    scripted.answer(response(b"x" * 300_000))
    answer = await client.get(scripted.url(), stream=True)
    assert telemetry.spans == []
    assert len(await answer.raw.read()) == 300_000
    assert telemetry.exchange.status.status_code is StatusCode.UNSET
    assert telemetry.call.end_time >= telemetry.exchange.end_time
    assert telemetry.measurements()[0].count == 1


@BOTH
async def test_stream_that_is_closed_early_is_no_error(
    scripted: ScriptedServer, telemetry: Telemetry, client: HttpClient
) -> None:
    scripted.always(Script().send(response(b"x" * 300_000)))
    async with await client.get(scripted.url(), stream=True) as answer:
        await answer.raw.read(10)
    for span in (telemetry.exchange, telemetry.call):
        assert span.status.status_code is StatusCode.UNSET
        assert "error.type" not in span.attributes
        assert "exception" not in events_of(span)


@pytest.mark.filterwarnings("ignore::ResourceWarning")
async def test_stream_that_is_forgotten_ends_its_spans(
    scripted: ScriptedServer, telemetry: Telemetry, client: HttpClient
) -> None:
    scripted.answer(response(b"x" * 300_000))
    answer: Any = await client.get(scripted.url(), stream=True)
    del answer
    gc.collect()
    async with asyncio.timeout(10):
        while len(telemetry.spans) < 2:  # the event is that of the garbage collector
            await asyncio.sleep(0.01)
            gc.collect()


@BOTH
async def test_stream_that_fails(scripted: ScriptedServer, telemetry: Telemetry) -> None:
    scripted.answer(Script().send(head(200, {"Content-Length": "10"})).send(b"12345").pause(30))
    async with HttpClient(autoload=False, plugins=[telemetry.plugin()], timeout=Timeout(read=0.2)) as client:
        answer = await client.get(scripted.url(), stream=True)
        with pytest.raises(ReadTimeout):
            await answer.raw.read()
    failed_as(telemetry, "ReadTimeout")


async def test_request_that_cannot_be_written(telemetry: Telemetry) -> None:
    plugin = telemetry.plugin(captured_request_headers=".*")
    async with HttpClient(autoload=False, plugins=[plugin]) as client:
        request = client.build_request("GET", "http://127.0.0.1:9/")
        request.headers["Content-Length"] = "nonsense"
        with pytest.raises(OSError, match=r".*"):
            await client.send(request)
    assert len(telemetry.spans) == 2
    assert plugin._open == {}


async def test_error_whose_text_cannot_be_had_ends_the_spans(telemetry: Telemetry) -> None:
    class Unspeakable(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no text")

    class Raises:
        @hookimpl
        def pre_request(self, response: HttpResponse) -> None:
            raise Unspeakable

    plugin = telemetry.plugin()
    async with HttpClient(autoload=False, plugins=[plugin, Raises()]) as client:
        with pytest.raises(Unspeakable):
            await client.get("http://service.invalid/")
    assert len(telemetry.exchanges) == 1
    assert plugin._open == {}


async def test_answer_in_place_of_a_failure_is_no_error_of_the_call(telemetry: Telemetry, unused_tcp_port: int) -> None:
    class Answers:
        @hookimpl
        def post_request(self, response: HttpResponse, exc: BaseException | None) -> HttpResponse | None:
            return HttpResponse.build(response.request, 200, content=b"stale") if exc is not None else None

    async with HttpClient(autoload=False, plugins=[telemetry.plugin(), Answers()]) as client:
        assert (await client.get(f"http://127.0.0.1:{unused_tcp_port}/")).content == b"stale"
    assert telemetry.exchange.attributes["error.type"] == "ConnectionRefused"
    assert telemetry.call.status.status_code is StatusCode.UNSET


async def test_spans_are_let_go_with_the_response(
    scripted: ScriptedServer, telemetry: Telemetry, client: HttpClient
) -> None:
    scripted.always(response(b"fine"))
    await client.get(scripted.url())
    gc.collect()
    gc.disable()
    try:
        for _ in range(5):
            await client.get(scripted.url())
        assert gc.collect() == 0, "an exchange has left a reference cycle"
    finally:
        gc.enable()

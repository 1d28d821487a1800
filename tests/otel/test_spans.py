"""What the spans of calls and exchanges say, in the order of a request's life; and the measurements."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from opentelemetry.trace import SpanKind, StatusCode

from hookline import HttpClient, HttpResponse, hookimpl
from hookline_testing.server import Script, ScriptedServer, response
from kit.otel import Telemetry, events_of, traceparent_of

BOTH = pytest.mark.protocols("HTTP/1.1", "HTTP/2")


@BOTH
async def test_exchange_has_a_span_under_that_of_its_call(
    scripted: ScriptedServer, telemetry: Telemetry, client: HttpClient, protocol: str
) -> None:
    scripted.always(response(b"fine"))
    for _ in range(2):
        await client.get(scripted.url("/a?key=secret&other=1"))
    assert len(telemetry.spans) == 4
    for call, exchange, seen in zip(telemetry.calls, telemetry.exchanges, scripted.requests, strict=True):
        assert call.parent is None
        assert (call.name, call.kind) == ("call GET", SpanKind.INTERNAL)
        assert exchange.parent is not None
        assert exchange.parent.span_id == call.context.span_id
        assert exchange.name == "GET"
        assert exchange.attributes == {
            "http.request.method": "GET",
            "server.address": "127.0.0.1",
            "server.port": scripted.port,
            "url.full": scripted.url("/a?key=REDACTED&other=REDACTED"),
            "http.response.status_code": 200,
            "network.protocol.version": protocol.removeprefix("HTTP/"),
            "network.peer.address": "127.0.0.1",
            "network.peer.port": scripted.port,
        }
        assert exchange.status.status_code is StatusCode.UNSET
        assert seen.header("traceparent").rpartition("-")[0] == traceparent_of(exchange)
        assert int(seen.header("traceparent")[-2:], 16) & 1, "it was sampled"
        assert call.start_time <= exchange.start_time < exchange.end_time <= call.end_time


@BOTH
async def test_phases_are_events(scripted: ScriptedServer, telemetry: Telemetry, client: HttpClient) -> None:
    scripted.always(response(b"fine"))
    for _ in range(2):
        await client.get(scripted.url(host="localhost"))
    first, second = telemetry.exchanges
    assert events_of(first) == ["queued", "dns", "connect", "sent", "first_byte"]
    assert [name for name in events_of(second) if name != "queued"] == ["sent", "first_byte"]
    for span in (first, second):
        times = [event.timestamp for event in span.events]
        assert times == sorted(times)
        assert span.start_time <= times[0] <= times[-1] <= span.end_time
    assert first.events[1].attributes["hookline.seconds"] > 0


async def test_handshake_is_an_event(certificates: Any, make_scripted: Any, telemetry: Telemetry) -> None:
    server = make_scripted(ssl_context=certificates.server_context())
    server.always(response(b"fine"))
    async with HttpClient(autoload=False, plugins=[telemetry.plugin()], verify=certificates.ca_file) as client:
        await client.get(server.url())
    assert events_of(telemetry.exchange) == ["queued", "connect", "tls", "sent", "first_byte"]


async def test_first_byte_is_when_the_server_answered(
    scripted: ScriptedServer, telemetry: Telemetry, client: HttpClient
) -> None:
    scripted.answer(response(b"warm"), Script().pause(0.3).send(response(b"late")))
    for _ in range(2):
        await client.get(scripted.url())
    at = {
        event.name: (event.timestamp - telemetry.exchanges[1].start_time) / 1e9
        for event in telemetry.exchanges[1].events
    }
    assert at["sent"] < 0.25 < at["first_byte"]


async def test_upload_is_sent_when_its_last_byte_is(
    scripted: ScriptedServer, telemetry: Telemetry, client: HttpClient
) -> None:
    scripted.always(response(b"fine"))

    async def body() -> Any:
        yield b"first"
        await asyncio.sleep(0.2)
        yield b"last"

    await client.get(scripted.url())
    await client.post(scripted.url(), data=body())
    span = telemetry.exchanges[1]
    sent = next(event for event in span.events if event.name == "sent")
    assert sent.timestamp - span.start_time > 0.15e9


async def test_wait_for_a_connection_is_in_the_span(scripted: ScriptedServer, telemetry: Telemetry) -> None:
    scripted.answer(Script().pause(0.2).send(response(b"slow")), response(b"next"))
    async with HttpClient(autoload=False, plugins=[telemetry.plugin()], pool_size=1) as client:
        await asyncio.gather(client.get(scripted.url()), client.get(scripted.url()))
    waited = telemetry.exchanges[1]
    assert events_of(waited) == ["queued", "sent", "first_byte"]
    assert waited.events[0].timestamp - waited.start_time > 0.15e9


@pytest.mark.parametrize(
    ("method", "name", "recorded"),
    [("QUERY", "QUERY", "QUERY"), ("PURGE", "HTTP", "_OTHER")],
)
async def test_methods_are_recorded_by_name_if_they_are_known(
    scripted: ScriptedServer, telemetry: Telemetry, client: HttpClient, method: str, name: str, recorded: str
) -> None:
    scripted.always(response())
    await client.request(method, scripted.url())
    span = telemetry.exchange
    assert (span.name, span.attributes["http.request.method"]) == (name, recorded)
    assert span.attributes.get("http.request.method_original") == (None if name == method else method)


async def test_known_methods_come_from_the_environment(
    scripted: ScriptedServer, telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS", "GET, PURGE")
    scripted.always(response())
    async with HttpClient(autoload=False, plugins=[telemetry.plugin()]) as client:
        await client.request("PURGE", scripted.url())
        await client.post(scripted.url())
    assert [span.name for span in telemetry.exchanges] == ["PURGE", "HTTP"]


async def test_unix_socket_is_a_peer_without_port(make_scripted: Any, telemetry: Telemetry, tmp_path: Any) -> None:
    path = str(tmp_path / "socket")
    server = make_scripted(unix_socket=tmp_path / "socket")
    server.always(response())
    async with HttpClient(autoload=False, plugins=[telemetry.plugin()], unix_socket=path) as client:
        await client.get("http://service/")
    assert telemetry.exchange.attributes["network.peer.address"] == path
    assert "network.peer.port" not in telemetry.exchange.attributes
    assert telemetry.exchange.attributes["server.address"] == "service"


@BOTH
async def test_durations_are_measured(
    scripted: ScriptedServer, telemetry: Telemetry, client: HttpClient, protocol: str
) -> None:
    scripted.answer(response(), response(), response(status=503))
    for _ in range(3):
        await client.get(scripted.url("/?a=1"))
    common = {
        "http.request.method": "GET",
        "server.address": "127.0.0.1",
        "server.port": scripted.port,
        "network.protocol.version": protocol.removeprefix("HTTP/"),
    }
    fine, failed = sorted(telemetry.measurements(), key=lambda point: point.attributes["http.response.status_code"])
    assert fine.attributes == {**common, "http.response.status_code": 200}
    assert failed.attributes == {**common, "http.response.status_code": 503, "error.type": "503"}
    assert (fine.count, failed.count) == (2, 1)
    assert 0 < fine.sum < 20
    assert fine.explicit_bounds == (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
    assert {exemplar.span_id for exemplar in fine.exemplars} <= {e.context.span_id for e in telemetry.exchanges}


async def test_answer_of_a_plugin_was_not_sent(telemetry: Telemetry) -> None:
    class Answers:
        @hookimpl
        def pre_request(self, response: HttpResponse) -> HttpResponse:
            return HttpResponse.build(response.request, 200, content=b"from memory")

    async with HttpClient(autoload=False, plugins=[telemetry.plugin(), Answers()]) as client:
        assert (await client.get("http://service.invalid/")).content == b"from memory"
    span = telemetry.exchange
    assert (span.attributes["hookline.was_sent"], span.attributes["http.response.status_code"]) == (False, 200)
    assert events_of(span) == []
    assert telemetry.call.end_time is not None
    assert telemetry.measurements() == []


async def test_answer_that_belongs_to_another_exchange_ends_the_span(
    scripted: ScriptedServer, telemetry: Telemetry
) -> None:
    scripted.always(response(b"other"))

    class Asks:
        @hookimpl
        async def pre_request(self, response: HttpResponse) -> Any:
            client = response.request.client
            return await client.exchange(client.new_request("GET", scripted.url(), cause="mirror"))

    plugin = telemetry.plugin()
    async with HttpClient(autoload=False, plugins=[plugin, Asks()]) as client:
        assert (await client.get("http://service.invalid/")).content == b"other"
    assert sorted(span.attributes["server.address"] for span in telemetry.exchanges) == ["127.0.0.1", "service.invalid"]
    assert len(telemetry.calls) == 2
    assert plugin._open == {}

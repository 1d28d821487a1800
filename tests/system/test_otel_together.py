"""OpenTelemetry beside the other plugins: redirects, authentication, retries, caches, guards, tunnels, websockets."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.trace import StatusCode

from hookline import HttpClient, HttpProxyError
from hookline_auth import HTTPDigestAuth
from hookline_cache import Cache
from hookline_guard import EgressBlocked
from hookline_retry import Retry
from hookline_sigv4 import SigV4
from hookline_testing.server import Script, ScriptedServer, response
from hookline_throttle import Throttle
from kit.otel import Telemetry, events_of, traceparent_of
from kit.sigv4 import ACCESS_KEY, SECRET_KEY
from servers.certificates import Certificates
from servers.websocket_peer import echo, opening

BOTH = pytest.mark.protocols("HTTP/1.1", "HTTP/2")
CHALLENGE = [("WWW-Authenticate", 'Digest realm="r", nonce="n", qop="auth"')]


@pytest.fixture
def telemetry() -> Telemetry:
    return Telemetry()


@BOTH
async def test_redirect_challenge_and_retry_in_one_call(scripted: ScriptedServer, telemetry: Telemetry) -> None:
    scripted.answer(
        response(b"", 302, {"Location": "/b"}), response(b"", 401, CHALLENGE), response(b"", 503), response(b"fine")
    )
    async with HttpClient(
        plugins=[telemetry.plugin(), "retry"], retry=Retry(backoff=0.01), auth=HTTPDigestAuth("ann", "pw"), timeout=20
    ) as client:
        assert (await client.get(scripted.url("/a"))).content == b"fine"
    exchanges = telemetry.exchanges
    assert [span.attributes.get("hookline.cause") for span in exchanges] == [None, "redirect", "auth", "retry"]
    assert [span.attributes["http.response.status_code"] for span in exchanges] == [302, 401, 503, 200]
    assert [span.attributes.get("http.request.resend_count") for span in exchanges] == [None, 1, 2, 3]
    for earlier, later in pairwise(exchanges):
        assert [link.context.span_id for link in later.links] == [earlier.context.span_id]
    assert {span.parent.span_id for span in exchanges} == {telemetry.call.context.span_id}
    assert telemetry.call.status.status_code is StatusCode.UNSET
    assert [seen.header("traceparent")[:52] for seen in scripted.requests] == [traceparent_of(s) for s in exchanges]
    assert sum(point.count for point in telemetry.measurements()) == 4


@BOTH
async def test_failure_that_is_retried_is_one_exchange_and_no_failed_call(
    scripted: ScriptedServer, telemetry: Telemetry
) -> None:
    scripted.answer(Script().close(), response(b"fine"))
    plugins = [telemetry.plugin(), "retry"]
    async with HttpClient(plugins=plugins, retry=Retry(backoff=0.01), timeout=20) as client:
        await client.get(scripted.url())
    first, second = telemetry.exchanges
    assert first.status.status_code is StatusCode.ERROR
    assert events_of(first).count("exception") == 1
    assert second.attributes["hookline.cause"] == "retry"
    assert telemetry.call.status.status_code is StatusCode.UNSET


@BOTH
async def test_stored_response_has_no_span_and_a_miss_has(scripted: ScriptedServer, telemetry: Telemetry) -> None:
    scripted.answer(response(b"1", 200, {"Cache-Control": "max-age=60"}))
    async with HttpClient(plugins=[telemetry.plugin()], cache=Cache(), timeout=20) as client:
        for _ in range(3):
            assert (await client.get(scripted.url())).text == "1"
    assert len(telemetry.exchanges) == len(telemetry.calls) == 1


@BOTH
async def test_redirect_to_a_stored_response_ends_the_call(scripted: ScriptedServer, telemetry: Telemetry) -> None:
    scripted.answer(response(b"1", 200, {"Cache-Control": "max-age=60"}), response(b"", 302, {"Location": "/stored"}))
    async with HttpClient(plugins=[telemetry.plugin()], cache=Cache(), timeout=20) as client:
        await client.get(scripted.url("/stored"))
        assert (await client.get(scripted.url("/from"))).is_stored
    assert len(telemetry.exchanges) == len(telemetry.calls) == 2


@BOTH
async def test_stored_response_that_depends_on_fields_was_not_sent(
    scripted: ScriptedServer, telemetry: Telemetry
) -> None:
    scripted.answer(response(b"1", 200, {"Cache-Control": "max-age=60", "Vary": "Cookie"}))
    async with HttpClient(plugins=[telemetry.plugin()], cache=Cache(), cookies={"a": "1"}, timeout=20) as client:
        for _ in range(2):
            assert (await client.get(scripted.url())).text == "1"
    assert [span.attributes.get("hookline.was_sent") for span in telemetry.exchanges] == [None, False]
    assert sum(point.count for point in telemetry.measurements()) == 1


async def test_redirect_that_the_guard_refuses_ends_the_call(scripted: ScriptedServer, telemetry: Telemetry) -> None:
    scripted.answer(response(b"", 302, {"Location": "http://127.0.0.2/"}))
    guard: Any = ["127.0.0.1"]
    from hookline_guard import Guard

    async with HttpClient(plugins=[telemetry.plugin()], guard=Guard(allow=guard), timeout=20) as client:
        with pytest.raises(EgressBlocked):
            await client.get(scripted.url())
    assert telemetry.call.attributes["error.type"] == "EgressBlocked"


async def test_wait_for_a_turn_is_in_the_span(scripted: ScriptedServer, telemetry: Telemetry) -> None:
    scripted.always(response(b"fine"))
    async with HttpClient(plugins=[telemetry.plugin()], throttle=Throttle("5/s"), timeout=20) as client:
        for _ in range(2):
            await client.get(scripted.url())
    waited = telemetry.exchanges[1]
    sent = next(event for event in waited.events if event.name == "sent")
    assert sent.timestamp - waited.start_time > 0.05e9


@BOTH
async def test_signature_covers_the_context(scripted: ScriptedServer, telemetry: Telemetry) -> None:
    scripted.always(response(b"fine"))
    auth = SigV4("s3", "us-east-1", (ACCESS_KEY, SECRET_KEY), signed_headers=["traceparent"])
    async with HttpClient(plugins=[telemetry.plugin()], auth=auth, timeout=20) as client:
        await client.get(scripted.url())
    (seen,) = scripted.requests
    assert "traceparent" in seen.header("authorization").partition("SignedHeaders=")[2].partition(",")[0]
    assert seen.header("traceparent").startswith(traceparent_of(telemetry.exchange))


@BOTH
async def test_credentials_of_other_plugins_are_not_recorded(scripted: ScriptedServer, telemetry: Telemetry) -> None:
    scripted.always(response(b"fine", 200, {"Set-Cookie": "id=SECRET-1"}))
    plugin = telemetry.plugin(captured_request_headers=".*", captured_response_headers=".*")
    async with HttpClient(plugins=[plugin], auth=("user", "SECRET-2"), cookies={"a": "SECRET-3"}, timeout=20) as client:
        await client.get(scripted.url("/?a=SECRET-4"))
    text = "".join(span.to_json() for span in telemetry.spans)
    assert "SECRET" not in text
    assert "dXNlcjpTRUNSRVQtMg" not in text  # user:SECRET-2 in base64
    assert telemetry.exchange.attributes["http.request.header.cookie"] == ("REDACTED",)


async def test_connect_to_a_proxy_is_an_exchange_of_the_call(
    scripted: ScriptedServer, certificates: Certificates, telemetry: Telemetry
) -> None:
    granted = b"HTTP/1.1 200 OK\r\n\r\n"
    scripted.answer(Script().start_tls(certificates.server_context(), granted), response(b"fine"), response(b"no", 403))
    options: dict[str, Any] = {"proxies": {"all": scripted.url(), "no": ""}, "verify": str(certificates.ca_file)}
    async with HttpClient(plugins=[telemetry.plugin()], timeout=20, **options) as client:
        assert (await client.get("https://localhost/?key=1")).content == b"fine"
        assert len(telemetry.calls) == 1
        exchange, connect = telemetry.exchanges
        assert connect.name == "CONNECT"
        assert connect.parent.span_id == exchange.parent.span_id == telemetry.call.context.span_id
        assert connect.attributes["hookline.cause"] == "connect"
        assert exchange.attributes["server.address"] == "localhost"
        assert exchange.attributes["network.peer.port"] == scripted.port
        assert "tls" in events_of(exchange)
        with pytest.raises(HttpProxyError):
            await client.get("https://other.invalid/")
    assert telemetry.calls[1].attributes["error.type"] == "HttpProxyError"


async def test_websocket_ends_its_spans_when_it_ends(scripted: ScriptedServer, telemetry: Telemetry) -> None:
    scripted.answer(response(b"warm"), opening(echo))
    async with HttpClient(plugins=[telemetry.plugin()], timeout=20) as client:
        await client.get(scripted.url())
        websocket: Any = await client.get(scripted.url().replace("http", "ws"))
        await websocket.send("hello")
        assert await websocket.receive() == "hello"
        assert len(telemetry.spans) == 2
        await asyncio.sleep(0.1)
        await websocket.close()
        async with asyncio.timeout(10):
            while len(telemetry.spans) < 4:  # noqa: ASYNC110  # the connection ends in its own time
                await asyncio.sleep(0.01)
    span = telemetry.exchanges[1]
    assert span.attributes["http.response.status_code"] == 101
    assert span.status.status_code is StatusCode.UNSET
    assert span.end_time - span.start_time > 0.1e9
    assert telemetry.calls[1].end_time >= span.end_time


async def test_websocket_that_is_dropped_ends_its_spans(scripted: ScriptedServer, telemetry: Telemetry) -> None:
    scripted.answer(opening(echo))
    async with HttpClient(plugins=[telemetry.plugin()], timeout=20) as client:
        websocket: Any = await client.get(scripted.url().replace("http", "ws"))
        await websocket.send("hello")
        assert await websocket.receive() == "hello"
    assert len(telemetry.spans) == 2


async def test_websocket_that_is_refused_ends_at_once(scripted: ScriptedServer, telemetry: Telemetry) -> None:
    scripted.answer(response(b"no", 404))
    async with HttpClient(plugins=[telemetry.plugin()], timeout=20) as client:
        await client.get(scripted.url().replace("http", "ws"))
        assert telemetry.exchange.attributes["error.type"] == "404"


def test_plugin_is_loaded_only_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "otel" not in HttpClient().plugins
    assert "otel" in HttpClient(plugins=["otel"]).plugins
    monkeypatch.setenv("HOOKLINE_PLUGINS", "otel")
    assert "otel" in HttpClient().plugins


def test_command_finds_no_fault_in_the_plugin() -> None:
    program = Path(sys.executable).with_name("hookline")
    done = subprocess.run([program, "plugins", "check", "otel"], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr

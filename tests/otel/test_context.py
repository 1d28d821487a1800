"""The context: parents, sampling, propagators, suppression, concurrency, threads, forks and the synchronous mode."""

from __future__ import annotations

import asyncio
import gc
import os
import pickle
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import baggage, context, propagate, trace
from opentelemetry.instrumentation.utils import suppress_http_instrumentation, suppress_instrumentation
from opentelemetry.propagators.textmap import TextMapPropagator
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, Decision, Sampler, SamplingResult
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, TraceFlags, TraceState

from hookline import HttpClient
from hookline_otel import OpenTelemetry
from hookline_testing.server import ScriptedServer, response
from kit.otel import Telemetry, traceparent_of

BOTH = pytest.mark.protocols("HTTP/1.1", "HTTP/2")
REMOTE = SpanContext(0xABC, 0xDEF, True, TraceFlags(1), TraceState([("vendor", "1")]))


@BOTH
async def test_concurrent_calls_keep_their_parents_apart(
    scripted: ScriptedServer, telemetry: Telemetry, client: HttpClient
) -> None:
    scripted.always(response(b"fine"))

    async def work(number: int) -> None:
        with telemetry.tracer.start_as_current_span(f"work {number}", kind=SpanKind.SERVER) as span:
            await client.get(scripted.url(f"/{number}"))
            await asyncio.sleep(0)
            assert trace.get_current_span() is span
            await client.get(scripted.url(f"/{number}"))
            assert trace.get_current_span() is span

    await asyncio.gather(*(work(number) for number in range(100)))
    by_id = {span.context.span_id: span for span in telemetry.spans}
    assert len(telemetry.exchanges) == 200
    for exchange in telemetry.exchanges:
        call = by_id[exchange.parent.span_id]
        root = by_id[call.parent.span_id]
        assert root.name == "work " + exchange.attributes["url.full"].rpartition("/")[2]
        assert exchange.context.trace_id == root.context.trace_id
    sent = {(seen.target, seen.header("traceparent")[:52]) for seen in scripted.requests}
    assert sent == {
        ("/" + span.attributes["url.full"].rpartition("/")[2], traceparent_of(span)) for span in telemetry.exchanges
    }


async def test_current_span_is_that_of_the_program(
    scripted: ScriptedServer, telemetry: Telemetry, client: HttpClient
) -> None:
    scripted.always(response(b"x" * 300_000))
    before = context.get_current()
    answer = await client.get(scripted.url(), stream=True)
    assert context.get_current() is before
    await asyncio.create_task(answer.raw.read())
    assert context.get_current() is before
    assert len(telemetry.spans) == 2


@pytest.mark.parametrize("sampled", [True, False])
async def test_parent_decides_about_sampling(
    scripted: ScriptedServer, telemetry: Telemetry, client: HttpClient, sampled: bool
) -> None:
    scripted.always(response(b"fine"))
    parent = NonRecordingSpan(SpanContext(0xABC, 0xDEF, True, TraceFlags(int(sampled))))
    with trace.use_span(parent):
        await client.get(scripted.url())
    assert len(telemetry.spans) == (2 if sampled else 0)
    version, trace_id, span_id, flags = scripted.requests[0].header("traceparent").split("-")
    assert (version, int(trace_id, 16), int(flags, 16) & 1) == ("00", 0xABC, int(sampled))
    assert int(span_id, 16) != 0xDEF
    assert telemetry.measurements()[0].count == 1, "metrics do not depend on sampling"


async def test_sampler_sees_what_the_conventions_want(scripted: ScriptedServer) -> None:
    seen: list[tuple[Any, dict[str, Any]]] = []

    class Exchanges(Sampler):
        """Drops the spans of calls, and records those of exchanges."""

        def should_sample(
            self, parent_context: Any, trace_id: int, name: str, kind: Any = None, attributes: Any = None,
            links: Any = None, trace_state: Any = None,
        ) -> SamplingResult:  # fmt: skip
            seen.append((kind, dict(attributes)))
            decision = Decision.RECORD_AND_SAMPLE if kind is SpanKind.CLIENT else Decision.DROP
            return SamplingResult(decision, attributes)

        def get_description(self) -> str:
            return "exchanges"

    telemetry = Telemetry(Exchanges())
    scripted.answer(response(status=302, headers={"Location": "/b"}), response(b"fine"))
    async with HttpClient(autoload=False, plugins=[telemetry.plugin()]) as client:
        await client.get(scripted.url("/?a=1"))
    names = {"http.request.method", "server.address", "server.port", "url.full"}
    assert [(kind, set(given) >= names) for kind, given in seen] == [
        (SpanKind.INTERNAL, False), (SpanKind.CLIENT, True),
    ]  # fmt: skip
    assert len(telemetry.exchanges) == 1
    assert telemetry.calls == []


async def test_nothing_sampled_calls_no_hook_after_the_request(scripted: ScriptedServer) -> None:
    telemetry = Telemetry(ALWAYS_OFF)
    scripted.always(response(b"fine"))
    plugin = OpenTelemetry(tracer_provider=telemetry.tracer_provider)
    async with HttpClient(autoload=False, plugins=[plugin]) as client:
        await client.get(scripted.url())
        assert not plugin.is_used.is_on
        assert client.configuration.run_connected is None
    assert telemetry.spans == []
    assert scripted.requests[0].header("traceparent").endswith("00") or scripted.requests[0].header(
        "traceparent"
    ).endswith("02")


async def test_without_an_sdk_the_context_is_passed_on(scripted: ScriptedServer) -> None:
    scripted.always(response(b"fine"))
    plugin = OpenTelemetry()
    async with HttpClient(autoload=False, plugins=[plugin]) as client:
        await client.get(scripted.url())
        token = context.attach(baggage.set_baggage("user", "7", trace.set_span_in_context(NonRecordingSpan(REMOTE))))
        try:
            await client.get(scripted.url())
        finally:
            context.detach(token)
    first, second = scripted.requests
    assert [first.header(name) for name in ("traceparent", "tracestate", "baggage")] == [None, None, None]
    assert second.header("traceparent") == f"00-{0xABC:032x}-{0xDEF:016x}-01"
    assert (second.header("tracestate"), second.header("baggage")) == ("vendor=1", "user=7")
    assert not plugin.is_used.is_on


@BOTH
async def test_configured_propagators_write_the_fields(
    scripted: ScriptedServer, telemetry: Telemetry, client: HttpClient
) -> None:
    class Own(TextMapPropagator):
        def extract(self, carrier: Any, context: Any = None, getter: Any = None) -> Any:
            return context

        def inject(self, carrier: Any, context: Any = None, setter: Any = None) -> None:
            span = trace.get_current_span(context).get_span_context()
            setter.set(carrier, "x-own", f"{span.span_id:x}") if setter else carrier.update(
                {"x-own": f"{span.span_id:x}"}
            )

        @property
        def fields(self) -> set[str]:
            return {"x-own"}

    scripted.always(response(b"fine"))
    before = propagate.get_global_textmap()
    propagate.set_global_textmap(Own())
    try:
        await client.get(scripted.url(), headers={"traceparent": "of the user"})
    finally:
        propagate.set_global_textmap(before)
    (seen,) = scripted.requests
    assert seen.header("x-own") == f"{telemetry.exchange.context.span_id:x}"
    assert seen.header("traceparent") == "of the user"


async def test_own_field_of_a_call_is_replaced(
    scripted: ScriptedServer, telemetry: Telemetry, client: HttpClient
) -> None:
    scripted.always(response(b"fine"))
    await client.get(scripted.url(), headers={"traceparent": "00-of-the-user"})
    (seen,) = scripted.requests
    assert [value[:52] for name, value in seen.headers if name.lower() == b"traceparent"] == [
        traceparent_of(telemetry.exchange).encode()
    ]


@pytest.mark.parametrize("suppress", [suppress_instrumentation, suppress_http_instrumentation])
async def test_suppressed_context_records_nothing(
    scripted: ScriptedServer, telemetry: Telemetry, client: HttpClient, suppress: Any
) -> None:
    scripted.always(response(b"fine"))
    with telemetry.tracer.start_as_current_span("work"), suppress():
        await client.get(scripted.url())
    assert [span.name for span in telemetry.spans] == ["work"]
    assert scripted.requests[0].header("traceparent") is None
    assert telemetry.measurements() == []


def test_synchronous_mode_uses_the_context_of_the_caller(scripted: ScriptedServer, telemetry: Telemetry) -> None:
    scripted.always(response(b"fine"))
    with (
        HttpClient(autoload=False, plugins=[telemetry.plugin()]) as client,
        telemetry.tracer.start_as_current_span("work", kind=SpanKind.SERVER) as work,
    ):
        assert client.get(scripted.url()).content == b"fine"  # type: ignore[attr-defined]  # the synchronous mode
        assert b"".join(client.get(scripted.url(), stream=True).raw) == b"fine"  # type: ignore[attr-defined]
        assert trace.get_current_span() is work
    assert {call.parent.span_id for call in telemetry.calls} == {work.get_span_context().span_id}
    assert len(telemetry.exchanges) == 2


def test_clients_of_several_threads_share_a_plugin(scripted: ScriptedServer, telemetry: Telemetry) -> None:
    scripted.always(response(b"fine"))
    plugin = telemetry.plugin()

    def work() -> None:
        with HttpClient(autoload=False, plugins=[plugin]) as client:
            for _ in range(20):
                client.get(scripted.url())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(telemetry.exchanges) == len(telemetry.calls) == 80
    assert plugin._open == {}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_forked_child_records_its_own_requests(scripted: ScriptedServer, telemetry: Telemetry) -> None:
    scripted.always(response(b"fine"))
    with HttpClient(autoload=False, plugins=[telemetry.plugin()]) as client:
        client.get(scripted.url())
        child = os.fork()
        if child == 0:
            try:
                client.get(scripted.url())
                os._exit(0 if len(telemetry.exchanges) == 2 else 1)
            finally:
                os._exit(2)
        assert os.waitpid(child, 0)[1] == 0
        client.get(scripted.url())
    assert len(telemetry.exchanges) == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning", "ignore::ResourceWarning")
def test_forked_child_does_not_end_the_spans_of_its_parent(scripted: ScriptedServer, telemetry: Telemetry) -> None:
    scripted.always(response(b"x" * 300_000))
    with HttpClient(autoload=False, plugins=[telemetry.plugin()]) as client:
        answer: Any = client.get(scripted.url(), stream=True)
        child = os.fork()
        if child == 0:
            try:
                del answer
                gc.collect()
                os._exit(len(telemetry.spans))
            finally:
                os._exit(9)
        assert os.waitpid(child, 0)[1] == 0
        answer.close()
    assert len(telemetry.spans) == 2


async def test_response_that_was_recorded_can_be_pickled(
    scripted: ScriptedServer, telemetry: Telemetry, client: HttpClient
) -> None:
    scripted.always(response(b"fine"))
    copied = pickle.loads(pickle.dumps(await client.get(scripted.url())))
    assert copied.content == b"fine"
    assert copied.timings.sent is not None


LATE_SDK = """
import sys
from hookline import HttpClient
from kit.otel import Telemetry
from opentelemetry import metrics, trace

telemetry = Telemetry()
found = []
with HttpClient(autoload=False, plugins=["otel"]) as client:
    for setting_up in (
        lambda: None,
        lambda: metrics.set_meter_provider(telemetry.meter_provider),
        lambda: trace.set_tracer_provider(telemetry.tracer_provider),
    ):
        setting_up()
        client.get(sys.argv[1])
        found.append((len(telemetry.exchanges), sum(point.count for point in telemetry.measurements())))
print(found)
"""


def test_sdk_may_be_set_up_after_the_client(scripted: ScriptedServer) -> None:
    scripted.always(response(b"fine"))
    command = [sys.executable, "-W", "error", "-c", LATE_SDK, scripted.url()]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[(0, 0), (0, 1), (1, 2)]"
    assert [seen.header("traceparent") is None for seen in scripted.requests] == [True, True, False]

"""The exporter for OTLP over HTTP sends what the plugin records, and a receiver of the protocol can read it."""

from __future__ import annotations

import gzip

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from hookline import HttpClient
from hookline_otel import OpenTelemetry
from hookline_testing.server import ScriptedServer, response


def body_of(request: object) -> bytes:
    body: bytes = request.body  # type: ignore[attr-defined]
    return gzip.decompress(body) if body.startswith(b"\x1f\x8b") else body


async def test_receiver_gets_spans_and_metrics(make_scripted: object) -> None:
    service: ScriptedServer = make_scripted()  # type: ignore[operator]
    collector: ScriptedServer = make_scripted()  # type: ignore[operator]
    service.answer(response(b"fine"), response(b"no", 503, {"X-Bytes": b"\xff"}))
    collector.always(response(b"", 200, {"Content-Type": "application/x-protobuf"}))
    tracer_provider = TracerProvider()
    tracer_provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(collector.url("/v1/traces"))))
    reader = PeriodicExportingMetricReader(OTLPMetricExporter(collector.url("/v1/metrics")), 60_000)
    meter_provider = MeterProvider([reader])
    plugin = OpenTelemetry(
        tracer_provider=tracer_provider, meter_provider=meter_provider, captured_response_headers="x-bytes"
    )
    async with HttpClient(autoload=False, plugins=[plugin]) as client:
        await client.get(service.url("/?key=secret"))
        await client.get(service.url("/"))
        tracer_provider.shutdown()
        meter_provider.shutdown()
    received = {request.target: body_of(request) for request in collector.requests}
    (resource,) = ExportTraceServiceRequest.FromString(received["/v1/traces"]).resource_spans
    spans = [span for scope in resource.scope_spans for span in scope.spans]
    assert {scope.scope.name for scope in resource.scope_spans} == {"hookline_otel"}
    assert sorted(span.name for span in spans) == ["GET", "GET", "call GET", "call GET"]
    first, second = (span for span in spans if span.kind == Span.SPAN_KIND_CLIENT)
    attributes = {each.key: each.value for each in first.attributes}
    assert attributes["url.full"].string_value == service.url("/?key=REDACTED")
    assert attributes["http.response.status_code"].int_value == 200
    assert [event.name for event in first.events] == ["queued", "connect", "sent", "first_byte"]
    assert first.start_time_unix_nano <= first.events[0].time_unix_nano <= first.end_time_unix_nano
    assert second.status.code == Status.STATUS_CODE_ERROR
    (metrics,) = ExportMetricsServiceRequest.FromString(received["/v1/metrics"]).resource_metrics
    (metric,) = [metric for scope in metrics.scope_metrics for metric in scope.metrics]
    assert (metric.name, metric.unit) == ("http.client.request.duration", "s")
    assert sum(point.count for point in metric.histogram.data_points) == 2
    assert b"secret" not in b"".join(received.values())

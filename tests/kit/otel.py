"""An SDK of OpenTelemetry that keeps in memory what a client records."""

from __future__ import annotations

from typing import Any

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import Sampler
from opentelemetry.trace import SpanKind

from hookline_otel import OpenTelemetry


class Telemetry:
    """A tracer provider and a meter provider of their own, and what came to them."""

    def __init__(self, sampler: Sampler | None = None) -> None:
        self._exporter = InMemorySpanExporter()
        self.tracer_provider = TracerProvider(sampler=sampler)
        self.tracer_provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self._reader = InMemoryMetricReader()
        self.meter_provider = MeterProvider([self._reader])
        self.tracer = self.tracer_provider.get_tracer("tests")

    def plugin(self, **settings: Any) -> OpenTelemetry:
        return OpenTelemetry(tracer_provider=self.tracer_provider, meter_provider=self.meter_provider, **settings)

    @property
    def spans(self) -> list[ReadableSpan]:
        """The spans that have ended, in this order."""
        return list(self._exporter.get_finished_spans())

    @property
    def exchanges(self) -> list[ReadableSpan]:
        """Those of exchanges, in the order in which they began."""
        found = [span for span in self.spans if span.kind is SpanKind.CLIENT]
        return sorted(found, key=lambda span: span.start_time or 0)

    @property
    def calls(self) -> list[ReadableSpan]:
        """Those of calls, in the order in which they ended."""
        return [span for span in self.spans if span.kind is SpanKind.INTERNAL]

    @property
    def exchange(self) -> ReadableSpan:
        """The only one of an exchange."""
        (found,) = self.exchanges
        return found

    @property
    def call(self) -> ReadableSpan:
        """The only one of a call."""
        (found,) = self.calls
        return found

    def measurements(self) -> list[Any]:
        """The data points of `http.client.request.duration`, since the last call."""
        data = self._reader.get_metrics_data()
        metrics = [] if data is None else [m for r in data.resource_metrics for s in r.scope_metrics for m in s.metrics]
        return [
            point
            for metric in metrics
            if metric.name == "http.client.request.duration"
            for point in metric.data.data_points
        ]


def events_of(span: ReadableSpan) -> list[str]:
    """The names of the events of a span."""
    return [event.name for event in span.events]


def traceparent_of(span: ReadableSpan) -> str:
    """What the field traceparent says of a span (W3C Trace Context), without the flags."""
    assert span.context is not None
    return f"00-{span.context.trace_id:032x}-{span.context.span_id:016x}"

"""Where spans and measurements go: the tracer and the histogram of the SDK, found when the program has set them up."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from opentelemetry import metrics, trace
from opentelemetry.metrics import _internal

from .names import DURATION_BUCKETS, HTTP_CLIENT_REQUEST_DURATION, SCHEMA_URL

SCOPE = "hookline_otel"
VERSION = version("hookline-otel")
# The getters of the global providers read an environment variable each time, 2 us for the two. These names are None until a
# provider is set.
KNOWS_GLOBALS = hasattr(trace, "_TRACER_PROVIDER") and hasattr(_internal, "_METER_PROVIDER")

NONE_YET = object()


class Recorders:
    """The tracer and the histogram. A program may set up the SDK after it has made its clients.

    tracer: starts spans; one that records nothing, until there is an SDK. histogram: records durations; None until then.
    is_complete: are both there, so that `find` need not be called again?
    """

    def __init__(self, tracer_provider: Any, meter_provider: Any) -> None:
        """tracer_provider, meter_provider: those of the program; None = the global ones."""
        self._given = tracer_provider, meter_provider
        self._seen: tuple[Any, Any] = (NONE_YET, NONE_YET)  # the global providers that `find` has seen last
        self._records = False
        self.tracer: trace.Tracer = trace.NoOpTracer()
        self.histogram: metrics.Histogram | None = None
        self.is_complete = False

    def find(self) -> bool:
        """Take tracer and histogram from the providers of now. Returns False if nothing would be recorded."""
        if KNOWS_GLOBALS and trace._TRACER_PROVIDER is self._seen[0] and _internal._METER_PROVIDER is self._seen[1]:
            return self._records
        tracer_provider = self._given[0] or trace.get_tracer_provider()
        meter_provider = self._given[1] or metrics.get_meter_provider()
        if KNOWS_GLOBALS:
            self._seen = trace._TRACER_PROVIDER, _internal._METER_PROVIDER
        records_spans = is_of_sdk(tracer_provider)
        if records_spans:
            self.tracer = trace.get_tracer(SCOPE, VERSION, tracer_provider, SCHEMA_URL)
        if self.histogram is None and is_of_sdk(meter_provider):
            self.histogram = metrics.get_meter(SCOPE, VERSION, meter_provider, SCHEMA_URL).create_histogram(
                HTTP_CLIENT_REQUEST_DURATION,
                unit="s",
                description="Duration of HTTP client requests.",
                explicit_bucket_boundaries_advisory=DURATION_BUCKETS,
            )
        self.is_complete = records_spans and self.histogram is not None
        self._records = records_spans or self.histogram is not None
        return self._records


def is_of_sdk(provider: object) -> bool:
    """Say whether a provider records something. The API brings some that do not, and stands in for an SDK with them."""
    return not type(provider).__module__.startswith(("opentelemetry.trace", "opentelemetry.metrics"))

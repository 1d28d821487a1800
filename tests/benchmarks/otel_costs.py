"""Measure what the plugin `otel` costs a small GET over a socket: `python tests/benchmarks/otel_costs.py`.

A server in a process of its own sends 200 bytes. Pairs of GETs take turns in short rounds, without and with the plugin:

    recorded      two spans with attributes and two events, the context in the fields, and a measurement
    not sampled   the same, and the sampler drops each trace; there are no metrics
    no SDK        no SDK was set up

Without the plugin the program makes the same calls of the SDK by hand, and gives the fields to `headers=`; without an SDK it
makes none. A span processor takes the spans and drops them. The figures are the CPU time of the client's process, which shares
one core with the server, as cache_costs.py says. What counts is the median of the differences in each round. A machine changes
its speed from second to second, so the limits are scaled by what a warm GET without all this takes in the same round: 40 us on
the machine of the limits.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from opentelemetry.metrics import Histogram
from opentelemetry.propagate import inject
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import SpanKind, Tracer, set_span_in_context

from benchmarks.cache_costs import BODY, WARM_GET, serving
from benchmarks.report import figure, table
from benchmarks.workloads import WrongAnswer

Call = Callable[[], Awaitable[Any]]
WARM_UP = 5  # calls before each batch, which fill the caches of the processor anew
LIMITS = {"recorded": 20.0, "not sampled": 3.0, "no SDK": 3.0}  # us, where a warm GET takes WARM_GET


def by_hand(client: Any, url: str, tracer: Tracer, histogram: Histogram | None) -> Call:
    """Return a call that makes the calls of the SDK by hand which the plugin makes."""
    host, port = client.configuration.destination_of(url).origin.key[1:]
    common: dict[str, Any] = {"http.request.method": "GET", "server.address": host, "server.port": port}
    attributes = {**common, "url.full": url}
    outcome: dict[str, Any] = {"http.response.status_code": 200, "network.protocol.version": "1.1"}
    peer: dict[str, Any] = {"network.peer.address": host, "network.peer.port": port}
    measured = {**common, **outcome}

    async def call() -> Any:
        began, started = time.monotonic_ns(), time.time_ns()
        outer = tracer.start_span("call GET", None, SpanKind.INTERNAL, common, start_time=started)
        context = set_span_in_context(outer)
        span = tracer.start_span("GET", context, SpanKind.CLIENT, attributes, start_time=started)
        context = set_span_in_context(span, context)
        fields: dict[str, str] = {}
        inject(fields, context)
        sent = time.time_ns()
        response = await client.get(url, headers=fields)
        if span.is_recording():
            span.set_attributes({**outcome, **peer})
            span.add_event("sent", None, sent)
            span.add_event("first_byte", None, time.time_ns())
        if histogram is not None:
            histogram.record((time.monotonic_ns() - began) / 1e9, measured, context)
        span.end()
        outer.end()
        return response

    return call


async def batch(call: Call, requests: int) -> float:
    """Return the microseconds of CPU time per GET; every response is validated."""
    for _ in range(WARM_UP):
        await call()
    begun = time.process_time_ns()
    for _ in range(requests):
        response = await call()
        if response.content != BODY:
            raise WrongAnswer(f"{response!r}: {response.content[:80]!r}")
    return (time.process_time_ns() - begun) / requests / 1000


async def measure(url: str, rounds: int, requests: int, *, alone: bool) -> dict[str, list[tuple[float, float, float]]]:
    """Return, for each kind, the microseconds of a warm GET, of one without and of one with the plugin, in each round."""
    from hookline import HttpClient
    from hookline_otel import OpenTelemetry

    recording = TracerProvider()
    recording.add_span_processor(SpanProcessor())
    dropping = TracerProvider(sampler=ALWAYS_OFF)
    dropping.add_span_processor(SpanProcessor())
    meters = MeterProvider([InMemoryMetricReader()])
    histogram = meters.get_meter("by hand").create_histogram("http.client.request.duration", unit="s")
    options: dict[str, Any] = {"autoload": False} if alone else {"autoload": "default"}
    async with AsyncExitStack() as stack:

        async def client(*plugins: Any) -> Any:
            return await stack.enter_async_context(HttpClient(plugins=plugins, **options))

        plain = await client()

        def get(client: Any) -> Call:
            return lambda: client.get(url)

        pairs: dict[str, tuple[Call, Call]] = {
            "recorded": (
                by_hand(plain, url, recording.get_tracer("by hand"), histogram),
                get(await client(OpenTelemetry(tracer_provider=recording, meter_provider=meters))),
            ),
            "not sampled": (
                by_hand(plain, url, dropping.get_tracer("by hand"), None),
                get(await client(OpenTelemetry(tracer_provider=dropping))),
            ),
            "no SDK": (get(await client()), get(await client(OpenTelemetry()))),
        }
        found: dict[str, list[tuple[float, float, float]]] = {kind: [] for kind in pairs}
        for number in range(-1, rounds):  # the first round opens connections
            gc.collect()
            for kind, (without, with_plugin) in pairs.items():
                times: dict[str, float] = {}
                calls = {"warm": get(plain), "without": without, "with": with_plugin}
                for name in sorted(calls, reverse=number % 2 == 0):  # none of them always profits from the one before
                    times[name] = await batch(calls[name], requests)
                if number >= 0:
                    found[kind].append((times["warm"], times["without"], times["with"]))
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=60, help="(default: %(default)s)")
    parser.add_argument("--requests", type=int, default=100, help="of each kind in a round (default: %(default)s)")
    parser.add_argument("--alone", action="store_true", help="with core and the plugin alone, without default plugins")
    parser.add_argument("--check", action="store_true", help="exit with 1 when a limit is missed")
    options = parser.parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    with serving() as url:
        found = asyncio.run(measure(url, options.rounds, options.requests, alone=options.alone))
    rows = []
    missed = False
    for kind, rounds in found.items():
        scaled = statistics.median((own - other) / warm * WARM_GET for warm, other, own in rounds)
        missed = missed or scaled > LIMITS[kind]
        medians = [figure(statistics.median(times)) for times in zip(*rounds, strict=True)]
        more = statistics.median(own - other for _, other, own in rounds)
        verdict = "MISSED" if scaled > LIMITS[kind] else "reached"
        rows.append([kind, *medians, figure(more), figure(scaled), f"{LIMITS[kind]:g} {verdict}"])
    print(table(["us of CPU per GET", "warm", "without", "with", "more", "more, scaled", "limit"], rows))
    return 1 if options.check and missed else 0


if __name__ == "__main__":
    sys.exit(main())

"""Measure what the client's own code costs per small GET, without socket and loop: `python tests/benchmarks/in_process.py`.

Its results vary less than those of run.py (by a few per cent), so it limits the cost of plugins: `--check` exits with 1 if
all default plugins together cost more over core alone than the target.
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

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.adapter import Setup
from benchmarks.canned import CannedLoop, step_through
from benchmarks.floor import BufferedFloorClient, FloorClient
from benchmarks.report import figure, table
from benchmarks.targets import PLUGINS_COST
from benchmarks.workloads import SMALL, WrongAnswer

BASE = "http://127.0.0.1:8080"
URL = BASE + "/small"
Call = Callable[[], Awaitable[tuple[int, bytes]]]


async def floor_call(kind: type[FloorClient]) -> Call:
    client = kind(Setup(BASE, 1, None))
    await client.open()
    return lambda: client.get(URL)


async def hookline_calls(stack: AsyncExitStack, each: bool) -> dict[str, Call]:
    """Return calls of core alone, of core with all default plugins, and with `each` of core with one default plugin each."""
    from hookline import HttpClient

    async def call_with(client: HttpClient) -> Call:
        opened = await stack.enter_async_context(client)

        async def call() -> tuple[int, bytes]:
            response = await opened.get(URL)
            return response.status_code, response.content

        return call

    everything = HttpClient()
    calls = {
        "core alone": await call_with(HttpClient(autoload=False)),
        "all defaults": await call_with(everything),
    }
    if each:
        for plugin in everything.plugins:
            client = HttpClient(autoload=False, plugins=[plugin.name])
            calls[f"core + {plugin.name}"] = await call_with(client)
    return calls


def batch(call: Call, loop: CannedLoop, requests: int) -> float:
    """Return the microseconds of CPU time per request in a batch; every response is validated."""
    begun = time.thread_time_ns()
    for _ in range(requests):
        status, body = step_through(call(), loop)
        if status != 200 or body != SMALL:
            raise WrongAnswer(f"status {status}, {body[:80]!r}")
    return (time.thread_time_ns() - begun) / requests / 1000


async def measure(loop: CannedLoop, batches: int, requests: int, each: bool) -> dict[str, list[float]]:
    """Return {label: [microseconds per request of each batch]}. The batches of all labels alternate."""
    async with AsyncExitStack() as stack:
        calls = {
            "floor": await floor_call(FloorClient),
            "floor_buffered": await floor_call(BufferedFloorClient),
        }
        try:
            calls |= await hookline_calls(stack, each)
        except ImportError as error:
            print(f"Without Hookline: {error}", file=sys.stderr)
        times: dict[str, list[float]] = {label: [] for label in calls}
        gc.collect()
        for call in calls.values():
            batch(call, loop, requests)  # opens the connection and fills caches
        for _ in range(batches):
            for label, call in calls.items():
                times[label].append(batch(call, loop, requests))
                await asyncio.sleep(0)  # run timers that are due, outside the measurement
    return times


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batches", type=int, default=50, help="batches per client (default: %(default)s)")
    parser.add_argument("--requests", type=int, default=1000, help="requests per batch (default: %(default)s)")
    parser.add_argument("--each", action="store_true", help="measure every default plugin by itself too")
    parser.add_argument("--check", action="store_true", help="exit with 1 when the plugins miss their target")
    options = parser.parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    with asyncio.Runner(loop_factory=CannedLoop) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, CannedLoop)
        times = runner.run(measure(loop, options.batches, options.requests, options.each))
    best = {label: min(values) for label, values in times.items()}
    core = best.get("core alone")
    rows = [
        [
            label,
            figure(best[label]),
            figure(statistics.median(values)),
            figure(best[label] - core) if core is not None and not label.startswith("floor") else "-",
        ]
        for label, values in times.items()
    ]
    print(table(["one small GET, in process", "best us", "median us", "over core"], rows))
    if core is None:
        return 1 if options.check else 0
    cost = best["all defaults"] - core
    reached = cost <= PLUGINS_COST
    print(f"\nall defaults - core alone: {cost:.2f} us, target {PLUGINS_COST} us: {'reached' if reached else 'MISSED'}")
    return 1 if options.check and not reached else 0


if __name__ == "__main__":
    sys.exit(main())

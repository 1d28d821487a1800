"""Measure what a throttle in which nothing waits costs a small GET: `python tests/benchmarks/throttle_costs.py`.

The limits of one process are measured without socket and loop, as hook_costs.py does. With `--redis URL` those that are shared
are measured too, against a server in the same loop, beside a client without a throttle.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import statistics
import sys
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.canned import CannedLoop
from benchmarks.in_process import URL, Call, batch
from benchmarks.report import figure, table
from hookline import HttpClient
from hookline_throttle import RedisLimits, Throttle

RATE = "1000000/s"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
LOCAL: dict[str, tuple[Throttle | None, ...]] = {
    "core alone": (),
    "without throttle=": (None,),
    "rate": (Throttle(RATE, burst=1000),),
    "rate and concurrency": (Throttle(RATE, burst=1000, concurrency=4),),
}


class Server(asyncio.Protocol):
    """Answers whatever comes in one read."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._transport.write(ANSWER)  # type: ignore[attr-defined]


async def measure_local(loop: CannedLoop, batches: int, requests: int) -> dict[str, float]:
    """Return the smallest microseconds per request of the batches, which alternate."""
    async with AsyncExitStack() as stack:

        async def call_with(*throttle: Throttle | None) -> Call:
            plugins = ["throttle"] if throttle else []
            options: dict[str, Any] = {"throttle": throttle[0]} if throttle else {}
            client = await stack.enter_async_context(HttpClient(autoload=False, plugins=plugins, **options))

            async def call() -> tuple[int, bytes]:
                response = await client.get(URL)
                return response.status_code, response.content

            return call

        calls = {name: await call_with(*throttle) for name, throttle in LOCAL.items()}
        best = {name: batch(call, loop, requests) for name, call in calls.items()}
        gc.collect()
        for _ in range(batches):
            for name, call in calls.items():
                best[name] = min(best[name], batch(call, loop, requests))
                await asyncio.sleep(0)  # run timers that are due, outside the measurement
    return best


async def measure_shared(url: str, batches: int, requests: int) -> dict[str, float]:
    """Return the median microseconds of CPU per request of the batches, which alternate."""
    server = await asyncio.get_running_loop().create_server(Server, "127.0.0.1", 0)
    target = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    shared = RedisLimits(url, prefix=f"throttle-costs-{os.getpid()}")
    throttles = {
        "with sockets: without throttle=": None,
        "with sockets: shared rate": Throttle(RATE, burst=1000, shared=shared),
        "with sockets: shared rate and concurrency": Throttle(
            RATE, burst=1000, concurrency=4, per="host", shared=shared
        ),
    }
    async with server, AsyncExitStack() as stack:
        found: dict[str, list[float]] = {name: [] for name in throttles}
        clients = {
            name: await stack.enter_async_context(HttpClient(autoload=False, plugins=["throttle"], throttle=throttle))
            for name, throttle in throttles.items()
        }
        for _ in range(batches):
            for name, client in clients.items():
                await client.get(target)
                begun = time.process_time()
                for _ in range(requests):
                    await client.get(target)
                found[name].append((time.process_time() - begun) / requests * 1e6)
    return {name: statistics.median(values) for name, values in found.items()}


def show(measured: dict[str, float]) -> None:
    base = next(iter(measured.values()))
    print(table(["one small GET", "us", "more"], [[n, figure(v), figure(v - base)] for n, v in measured.items()]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batches", type=int, default=40, help="batches per client (default: %(default)s)")
    parser.add_argument("--requests", type=int, default=300, help="requests per batch (default: %(default)s)")
    parser.add_argument("--redis", metavar="URL", help="of a Redis, to measure shared limits")
    options = parser.parse_args()
    with asyncio.Runner(loop_factory=CannedLoop) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, CannedLoop)
        show(runner.run(measure_local(loop, options.batches, options.requests)))
    if options.redis:
        show(asyncio.run(measure_shared(options.redis, options.batches, options.requests)))


if __name__ == "__main__":
    main()

"""Measure what one hook costs a small GET, without socket and loop: `python tests/benchmarks/hook_costs.py`.

It measures the different ways to write a hook, for the table of docs/plugins/cost.md.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import sys
from collections.abc import Generator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.canned import CannedLoop
from benchmarks.in_process import URL, Call, batch
from benchmarks.report import figure, table
from hookline import HttpClient, HttpResponse, hookimpl


class OtherStatus:
    @hookimpl(statuses=(404,))
    def post_request(self, response: HttpResponse) -> None: ...


class OtherField:
    @hookimpl(headers=("x-not",))
    def on_headers(self, response: HttpResponse) -> None: ...


class CalledHas:
    @hookimpl
    def on_headers(self, response: HttpResponse) -> None:
        response.has("x-not")


class ParsedHeaders:
    @hookimpl
    def on_headers(self, response: HttpResponse) -> None:
        response.headers.get("x-not")


class Skipped:
    @hookimpl(options=("timeout",))
    def pre_request(self, response: HttpResponse) -> None: ...


class PlainBefore:
    @hookimpl
    def pre_request(self, response: HttpResponse) -> None: ...


class PlainAfter:
    @hookimpl
    def post_request(self, response: HttpResponse) -> None: ...


class AsyncAfter:
    @hookimpl
    async def post_request(self, response: HttpResponse) -> None: ...


class OneField:
    @hookimpl
    def pre_request(self, response: HttpResponse) -> None:
        response.request.unredirected_headers["X-Stamp"] = "blue"


class Wrapper:
    @hookimpl(wrapper=True)
    def post_request(self, response: HttpResponse) -> Generator[None, Any, Any]:
        return (yield)


class EachRead:
    @hookimpl
    def data_received(self, response: HttpResponse, data: bytes) -> None: ...


class Bound:
    @hookimpl
    def pre_request(self, response: HttpResponse) -> None:
        response.event("post_request").bind(self.finish, plugin="bound")

    def finish(self, response: HttpResponse) -> None: ...


class Decoded:
    has_pending = False

    @hookimpl
    def on_headers(self, response: HttpResponse) -> None:
        response.add_decoder(self)

    def decode(self, data: bytes, limit: int) -> bytes:
        return data

    def finish(self) -> None: ...


PLUGINS = (
    *(OtherStatus, OtherField, CalledHas, ParsedHeaders, Skipped, PlainBefore),
    *(PlainAfter, AsyncAfter, OneField, Wrapper, Bound, Decoded, EachRead),
)


async def measure(loop: CannedLoop, batches: int, requests: int) -> dict[str, float]:
    """Return {class: the smallest microseconds per request of its batches}. The batches of all classes alternate."""
    async with AsyncExitStack() as stack:

        async def call_with(*plugins: object) -> Call:
            client = await stack.enter_async_context(HttpClient(autoload=False, plugins=plugins))

            async def call() -> tuple[int, bytes]:
                response = await client.get(URL)
                return response.status_code, response.content

            return call

        calls = {"core alone": await call_with()}
        calls |= {plugin.__name__: await call_with(plugin()) for plugin in PLUGINS}
        best = {name: batch(call, loop, requests) for name, call in calls.items()}
        gc.collect()
        for _ in range(batches):
            for name, call in calls.items():
                best[name] = min(best[name], batch(call, loop, requests))
                await asyncio.sleep(0)  # run timers that are due, outside the measurement
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batches", type=int, default=40, help="batches per client (default: %(default)s)")
    parser.add_argument("--requests", type=int, default=500, help="requests per batch (default: %(default)s)")
    options = parser.parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    with asyncio.Runner(loop_factory=CannedLoop) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, CannedLoop)
        best = runner.run(measure(loop, options.batches, options.requests))
    core = best["core alone"]
    rows = [[name, figure(value), figure(value - core)] for name, value in best.items()]
    print(table(["one small GET, in process", "us", "over core"], rows))


if __name__ == "__main__":
    main()

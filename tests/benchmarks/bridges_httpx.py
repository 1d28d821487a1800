"""Measure the transports for httpx2 and httpx beside their own: `python tests/benchmarks/bridges_httpx.py`.

Each figure is the CPU time of this process per small GET, sockets included: `handle_async_request`, or `handle_request`, and the
reading of the body. The clients take turns within each round against the same server; ratios are medians of the rounds' ratios.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import importlib
import os
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.report import figure, table
from benchmarks.servers import NoServer, serving
from benchmarks.workloads import SMALL

LIMIT = 0.4  # of httpx2's own transport, with one request at a time and with ten
LIBRARIES = ("httpx2", "httpx")
Call = Callable[[], Awaitable[None]]


def check(body: bytes) -> None:
    if body != SMALL:
        raise ValueError(f"the body has {len(body)} bytes, which are not those of the server")


def transport_call(library: Any, transport: Any, url: str) -> Call:
    """Return one GET by `handle_async_request` of a transport."""
    request = library.AsyncClient(transport=transport).build_request("GET", url)

    async def call() -> None:
        response = await transport.handle_async_request(request)
        chunks = [chunk async for chunk in response.stream]
        await response.aclose()
        check(b"".join(chunks))

    return call


def client_call(client: Any, url: str) -> Call:
    """Return one GET of a whole client."""

    async def call() -> None:
        check((await client.get(url)).content)

    return call


async def spend(call: Call, requests: int, at_once: int) -> float:
    """Return the microseconds of CPU per request of so many requests."""

    async def several() -> None:
        for _ in range(requests // at_once):
            await call()

    begun = time.process_time()
    await asyncio.gather(*(several() for _ in range(at_once)))
    return (time.process_time() - begun) / (requests // at_once * at_once) * 1e6


async def measure(url: str, rounds: int, requests: int) -> dict[str, list[float]]:
    """Return the microseconds of each round, by name."""
    async with AsyncExitStack() as stack:
        calls: dict[str, tuple[Call, int]] = {}
        for name in LIBRARIES:
            library = importlib.import_module(name)
            bridge = importlib.import_module(f"hookline_bridges.{name}")
            for whose, make in (("its own", library.AsyncHTTPTransport), ("Hookline's", bridge.HooklineTransport)):
                for at_once in (1, 10):
                    transport = await stack.enter_async_context(make())
                    calls[f"{name}, transport, {at_once} at once, {whose}"] = (
                        transport_call(library, transport, url),
                        at_once,
                    )
                client = await stack.enter_async_context(library.AsyncClient(transport=make()))
                calls[f"{name}, whole client, 1 at once, {whose}"] = client_call(client, url), 1
        found: dict[str, list[float]] = {name: [] for name in calls}
        for call, at_once in calls.values():
            await spend(call, 200, at_once)
        gc.collect()
        gc.freeze()  # what a client leaves to the garbage collector is a part of its cost, what was there before is not
        for _ in range(rounds):
            for name, (call, at_once) in calls.items():
                found[name].append(await spend(call, requests, at_once))
                gc.collect()
    return found


def measure_synchronous(url: str, rounds: int, requests: int) -> dict[str, list[float]]:
    """Return the same for the synchronous transports."""
    found: dict[str, list[float]] = {}
    transports: dict[str, Callable[[], None]] = {}

    def call_of(library: Any, transport: Any) -> Callable[[], None]:
        request = library.Client(transport=transport).build_request("GET", url)

        def call() -> None:
            response = transport.handle_request(request)
            chunks = list(response.stream)
            response.close()
            check(b"".join(chunks))

        return call

    for name in LIBRARIES:
        library = importlib.import_module(name)
        bridge = importlib.import_module(f"hookline_bridges.{name}")
        for whose, make in (("its own", library.HTTPTransport), ("Hookline's", bridge.SyncHooklineTransport)):
            transports[f"{name}, synchronous, 1 at once, {whose}"] = call_of(library, make())
    for _ in range(rounds):
        for name, call in transports.items():
            begun = time.process_time()
            for _ in range(requests):
                call()
            found.setdefault(name, []).append((time.process_time() - begun) / requests * 1e6)
    return found


def ratios(measured: dict[str, list[float]]) -> dict[str, float]:
    """Return the median ratio of ours to theirs, by what was measured."""
    found = {}
    for name, theirs in measured.items():
        what, _, whose = name.rpartition(", ")
        if whose == "its own":
            ours = measured[f"{what}, Hookline's"]
            found[what] = statistics.median(own / their for own, their in zip(ours, theirs, strict=True))
    return found


def show(measured: dict[str, list[float]]) -> None:
    rows = []
    for what, ratio in ratios(measured).items():
        theirs, ours = (statistics.median(measured[f"{what}, {whose}"]) for whose in ("its own", "Hookline's"))
        rows.append([what, figure(theirs), figure(ours), f"{ratio:.2f}"])
    print(table(["one small GET", "its own, us", "Hookline's, us", "ratio"], rows))
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15, help="rounds (default: %(default)s)")
    parser.add_argument(
        "--requests", type=int, default=300, help="requests per round and client (default: %(default)s)"
    )
    parser.add_argument(
        "--check", action="store_true", help=f"exit with 1 if a transport costs more than {LIMIT} of httpx2's"
    )
    options = parser.parse_args()
    try:
        with serving(1, None) as server:
            url = server.site.plain + "/small"
            measured = asyncio.run(measure(url, options.rounds, options.requests))
            measured |= measure_synchronous(url, options.rounds, options.requests)
    except NoServer as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    show(measured)
    missed = [
        what for what, ratio in ratios(measured).items() if what.startswith("httpx2, transport") and ratio > LIMIT
    ]
    if options.check and missed:
        sys.exit(1)


if __name__ == "__main__":
    main()

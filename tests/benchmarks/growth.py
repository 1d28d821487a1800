"""Measure how the cost of a small GET grows with what a client has: `python tests/benchmarks/growth.py`.

Each row measures one client, without socket and loop: the client's own code alone. `over none` compares it with the client of
the same table that has the least. The last table is the time to make a client and to close it.

    plugins        with nothing to do for this response, or with a `pre_request` hook that does nothing
    cookies        of this origin, all of which are sent; of other origins, none of which is
    origins        requested in turn, each with a connection of its own that stays open
    connections    to one origin, all of them open and all but one idle
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import statistics
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import cycle
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.canned import CannedLoop
from benchmarks.hook_costs import OtherStatus, PlainBefore
from benchmarks.in_process import URL, batch
from benchmarks.report import figure, table
from hookline import HttpClient
from hookline_cookies import CookieJar

Call = Callable[[], Awaitable[tuple[int, bytes]]]
# The table: {what: the numbers of it}.
SIZES = {
    "plugins that sleep": (0, 1, 10, 100),
    "plugins with pre_request": (0, 1, 10, 100),
    "cookies of this origin": (0, 1, 25, 100),
    "cookies of other origins": (0, 100, 1000),
    "origins": (1, 100, 1000, 10_000),
    "connections": (1, 100, 1000),
}
KEEP_ALIVE = 3600  # seconds; longer than any measurement


def jar_with(number: int, *, of_this_origin: bool) -> CookieJar:
    jar = CookieJar()
    for each in range(number):
        host = "127.0.0.1" if of_this_origin else f"host-{each}.example"
        jar.set(f"name-{each}", f"value-{each}", domain=host)
    return jar


def options_of(what: str, number: int) -> dict[str, Any]:
    """Return the options of a client that has this number."""
    match what:
        case "plugins that sleep":
            return {"plugins": [kind() for kind in renamed(OtherStatus, number)]}
        case "plugins with pre_request":
            return {"plugins": [kind() for kind in renamed(PlainBefore, number)]}
        case "cookies of this origin":
            return {"cookies": jar_with(number, of_this_origin=True)}
        case "cookies of other origins":
            return {"cookies": jar_with(number, of_this_origin=False)}
        case "connections":
            return {"pool_size": number}
    return {}


def renamed(kind: type[Any], number: int) -> list[type[Any]]:
    """Return subclasses of a plugin, each of which is a plugin of its own."""
    return [type(f"{kind.__name__}{each}", (kind,), {}) for each in range(number)]


def urls_of(what: str, number: int) -> list[str]:
    """Return the URLs that are requested in turn."""
    if what != "origins":
        return [URL]
    return [f"http://10.0.{each // 250}.{each % 250 + 1}/small" for each in range(number)]


def open_connections(client: HttpClient, number: int, loop: CannedLoop) -> None:
    """Open connections with requests at the same time, each of which is answered when all have been sent."""
    waiting = [client.get(URL).__await__() for _ in range(number)]
    for steps in waiting:
        next(steps)
    for _ in waiting:
        loop.answer()
    for steps in waiting:
        try:
            next(steps)
        except StopIteration:
            continue
        raise RuntimeError("a request waits although it was answered")
    if len(loop.transports) < number:
        raise RuntimeError(f"{len(loop.transports)} connections were opened instead of {number}")


@asynccontextmanager
async def call_with(what: str, number: int, loop: CannedLoop) -> AsyncIterator[Call]:
    """Return a call of a client that has this number."""
    async with HttpClient(keep_alive=KEEP_ALIVE, **options_of(what, number)) as client:
        if what == "connections":
            open_connections(client, number, loop)
        urls = cycle(urls_of(what, number))

        async def call() -> tuple[int, bytes]:
            response = await client.get(next(urls))
            return response.status_code, response.content

        yield call


async def measure(loop: CannedLoop, what: str, number: int, batches: int, requests: int) -> list[float]:
    """Return the microseconds per request of each batch."""
    loop.transports.clear()
    async with call_with(what, number, loop) as call:
        batch(call, loop, max(requests, len(urls_of(what, number))))  # opens the connections and fills caches
        gc.collect()
        return [batch(call, loop, requests) for _ in range(batches)]


async def lives(clients: int) -> tuple[float, list[float]]:
    """Return the milliseconds of the first client of this process, and of each further one, from its making to its closing."""

    async def life() -> float:
        begun = time.thread_time_ns()
        async with HttpClient():
            pass
        return (time.thread_time_ns() - begun) / 1e6

    return await life(), [await life() for _ in range(clients)]


def measured(
    batches: int, requests: int, clients: int, most: int
) -> tuple[tuple[float, list[float]], dict[str, list[list[float]]]]:
    """Measure all, and return what `lives` does, and {what: [[its number, microseconds of a GET in each batch], ...]}."""
    with asyncio.Runner(loop_factory=CannedLoop) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, CannedLoop)
        of_clients = runner.run(lives(clients))
        found: dict[str, list[list[float]]] = {}
        for what, numbers in SIZES.items():
            found[what] = [
                [number, *runner.run(measure(loop, what, number, batches, requests))]
                for number in numbers
                if number <= most
            ]
    return of_clients, found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batches", type=int, default=20, help="per row (default: %(default)s)")
    parser.add_argument("--requests", type=int, default=1000, help="of each batch (default: %(default)s)")
    parser.add_argument("--clients", type=int, default=50, help="made after the first (default: %(default)s)")
    parser.add_argument(
        "--most", type=int, default=10_000, help="leave out rows of higher numbers (default: %(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="print every sample of the tables as JSON")
    options = parser.parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    (first, others), found = measured(options.batches, options.requests, options.clients, options.most)
    if options.json:
        print(json.dumps(found))
        return 0
    for what, times in found.items():
        least = min(times[0][1:])
        rows = [
            [f"{number:,.0f}", figure(min(each)), figure(statistics.median(each)), figure(min(each) - least)]
            for number, *each in times
        ]
        head = [what, "best us", "median us", f"over {times[0][0]:.0f}"]
        print(table(head, rows), end="\n\n")
    rows = [
        ["first of the process", figure(first), "-"],
        ["each further one", figure(min(others)), figure(statistics.median(others))],
    ]
    print(table(["a client, made and closed", "best ms", "median ms"], rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Measure what the plugin `cache` costs a small GET over a socket: `python tests/benchmarks/cache_costs.py`.

A server in a process of its own sends 200 bytes that are fresh for a minute. Four kinds of GET take turns in short rounds:

    warm   of one URL, without a cache
    none   of URLs that differ, without a cache
    miss   of URLs that differ, with `cache=Cache()`; each response is stored
    hit    of the same URLs once more: each response is a stored one

The figures are the CPU time of the client's process. It shares one core with the server: to wake another core would cost a
warm GET more than all of its code, so that it would be a poor measure. A machine changes its speed from second to second, so
the limits count in warm GETs of the same round: where a warm GET takes 40 us, a miss may cost 100 us over `none`, and a hit
100 us in all.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.report import figure, table
from benchmarks.workloads import WrongAnswer

KINDS = ("warm", "none", "miss", "hit")
BODY = b"x" * 200
ANSWER = (
    b"HTTP/1.1 200 OK\r\nServer: bench\r\nDate: %b\r\nContent-Type: text/plain\r\nContent-Length: 200\r\n"
    b'Cache-Control: max-age=60\r\nETag: "5f2b0c6a91d3e847"\r\n\r\n' + BODY
)
WARM_GET = 40.0  # us that a warm GET takes on the machine of the limits
LIMIT = 100.0 / WARM_GET  # of a miss over `none`, and of a hit, in warm GETs


class Server(asyncio.Protocol):
    """Answers each read, which is one request, with ANSWER."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        date = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime())
        self.transport.write(ANSWER % date.encode())


async def serve() -> None:
    """Serve until the input of this process is closed; print the port first."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Server, "127.0.0.1")
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


@contextmanager
def serving() -> Iterator[str]:
    """Run the server, and return its URL."""
    with subprocess.Popen(
        [sys.executable, __file__, "--serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}/"
        finally:
            process.stdin.close()


async def batch(client: Any, urls: list[str], *, is_stored: bool = False) -> float:
    """Return the microseconds of CPU time per GET; every response is validated."""
    begun = time.process_time_ns()
    for url in urls:
        response = await client.get(url)
        if response.content != BODY or response.is_stored is not is_stored:
            raise WrongAnswer(f"{response!r} of {url}: stored {response.is_stored}, {response.content[:80]!r}")
    return (time.process_time_ns() - begun) / len(urls) / 1000


async def measure(base: str, rounds: int, requests: int) -> dict[str, list[float]]:
    """Return {kind: [microseconds per GET of each round]}."""
    from hookline import HttpClient
    from hookline_cache import Cache

    times: dict[str, list[float]] = {kind: [] for kind in KINDS}
    async with HttpClient() as plain, HttpClient(cache=Cache()) as cached:
        for number in range(-1, rounds):  # the first round opens connections and fills caches
            urls = [f"{base}{number}/{each}" for each in range(requests)]
            gc.collect()
            found = {
                "warm": await batch(plain, [base] * requests),
                "none": await batch(plain, urls),
                "miss": await batch(cached, urls),
                "hit": await batch(cached, urls, is_stored=True),
            }
            for kind, value in found.items() if number >= 0 else ():
                times[kind].append(value)
    return times


def in_warm_gets(times: dict[str, list[float]], kind: str, over: str | None = None) -> float:
    """Return the median over all rounds of what a kind costs, or costs more than another one, in warm GETs."""
    less = times[over] if over is not None else [0.0] * len(times[kind])
    return statistics.median(
        (own - other) / warm for own, other, warm in zip(times[kind], less, times["warm"], strict=True)
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=60, help="(default: %(default)s)")
    parser.add_argument("--requests", type=int, default=100, help="of each kind in a round (default: %(default)s)")
    parser.add_argument("--check", action="store_true", help="exit with 1 when a limit is missed")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        asyncio.run(serve())
        return 0
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    with serving() as base:
        times = asyncio.run(measure(base, options.rounds, options.requests))
    rows = [
        [kind, figure(min(times[kind])), figure(statistics.median(times[kind])), f"{in_warm_gets(times, kind):.2f}"]
        for kind in KINDS
    ]
    print(table(["one small GET", "best us", "median us", "in warm GETs"], rows))
    missed = False
    for name, value in (
        ("a miss over none", in_warm_gets(times, "miss", "none")),
        ("a hit", in_warm_gets(times, "hit")),
    ):
        missed = missed or value > LIMIT
        print(f"{name}: {value:.2f} warm GETs, limit {LIMIT}: {'MISSED' if value > LIMIT else 'reached'}")
    return 1 if options.check and missed else 0


if __name__ == "__main__":
    sys.exit(main())

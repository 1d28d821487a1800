"""Measure requests over Hookline beside requests over urllib3: `python tests/benchmarks/bridges_requests.py`.

Each figure is the CPU time of this process per call, sockets included. The adapters take turns within each round against the same
server; ratios are medians of the rounds' ratios.

The third column is the design that was not chosen: a client for each thread, whose loop runs in the thread of the caller, instead
of one loop thread for all.
"""

from __future__ import annotations

import argparse
import gc
import os
import statistics
import sys
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import requests
from requests.adapters import BaseAdapter, HTTPAdapter

from benchmarks.report import figure, table
from benchmarks.servers import NoServer, serving
from benchmarks.workloads import MIB, SMALL
from hookline import SyncHttpClient
from hookline_bridges.requests import HooklineAdapter
from hookline_bridges.requests.exchange import Lease

LIMIT = 1.0  # of requests over urllib3
URLLIB3, HOOKLINE, PER_THREAD = "urllib3", "Hookline", "a client per thread"
ADAPTERS = (URLLIB3, HOOKLINE, PER_THREAD)
LARGE = 64  # MiB
Call = Callable[[], None]


class CallerThread:
    """Runs coroutines where a loop thread would, but in the thread of the caller, on the loop of a client."""

    def __init__(self, client: SyncHttpClient[Any]) -> None:
        self._client = client

    def run(self, coroutine: Coroutine[Any, Any, Any], errands: object = None) -> Any:
        return self._client.run(coroutine)


class CallerLease(Lease):
    """A lease whose exchanges run in the thread of the caller."""

    def thread(self) -> Any:
        return CallerThread(self.client)  # type: ignore[arg-type]  # made below


class ClientPerThread(BaseAdapter):
    """The design that was not chosen."""

    def __init__(self) -> None:
        super().__init__()
        self._local = threading.local()

    def send(self, *arguments: Any, **keywords: Any) -> requests.Response:
        adapter = getattr(self._local, "adapter", None)
        if adapter is None:
            adapter = self._local.adapter = HooklineAdapter()
            adapter._lease = CallerLease(SyncHttpClient(autoload=False))
        response: requests.Response = adapter.send(*arguments, **keywords)
        return response

    def close(self) -> None:
        """Leave the connections to the end of the process."""


def session_over(adapter: BaseAdapter) -> requests.Session:
    session = requests.Session()
    session.mount("http://", adapter)
    return session


def adapter_of(name: str) -> BaseAdapter:
    makers: dict[str, Callable[[], BaseAdapter]] = {
        URLLIB3: HTTPAdapter,
        HOOKLINE: HooklineAdapter,
        PER_THREAD: ClientPerThread,
    }
    return makers[name]()


def check(body: bytes) -> None:
    if body != SMALL:
        raise ValueError(f"the body has {len(body)} bytes, which are not those of the server")


def small_get(adapter: BaseAdapter, url: str) -> Call:
    session = session_over(adapter)
    return lambda: check(session.get(url).content)


def send_alone(adapter: BaseAdapter, url: str) -> Call:
    prepared = requests.Session().prepare_request(requests.Request("GET", url))
    return lambda: check(adapter.send(prepared).content)


def download_in(piece: int) -> Callable[[BaseAdapter, str], Call]:
    """Return what makes the call that reads the large body as a stream, in pieces of so many bytes."""

    def make(adapter: BaseAdapter, url: str) -> Call:
        session = session_over(adapter)

        def call() -> None:
            size = sum(len(piece) for piece in session.get(url, stream=True).iter_content(piece))
            if size != LARGE * MIB:
                raise ValueError(f"the body has {size} bytes")

        return call

    return make


def download_whole(adapter: BaseAdapter, url: str) -> Call:
    session = session_over(adapter)

    def call() -> None:
        if len(session.get(url).content) != LARGE * MIB:
            raise ValueError("the body is cut")

    return call


def upload(adapter: BaseAdapter, url: str) -> Call:
    session, body = session_over(adapter), bytes(1024)
    return lambda: session.post(url, data=body).close()


def spend(call: Call, times: int, threads: int) -> float:
    """Return the microseconds of CPU per call."""

    def several() -> None:
        for _ in range(times // threads):
            call()

    begun = time.process_time()
    if threads == 1:
        several()
    else:
        with ThreadPoolExecutor(threads) as pool:
            for each in [pool.submit(several) for _ in range(threads)]:
                each.result()
    return (time.process_time() - begun) / (times // threads * threads) * 1e6


def measure(origin: str, rounds: int, times: int) -> dict[str, dict[str, list[float]]]:
    """Return the microseconds of each round, by what was measured and by adapter."""
    small, sink = origin + "/small", origin + "/sink"
    works: dict[str, tuple[Callable[[BaseAdapter, str], Call], str, int, int]] = {
        "small GET, one thread": (small_get, small, times, 1),
        "small GET, 8 threads": (small_get, small, times, 8),
        "POST of 1 KiB, one thread": (upload, sink, times, 1),
        "adapter alone, one thread": (send_alone, small, times, 1),
        f"download of {LARGE} MiB in pieces of 8 KiB": (download_in(8192), origin + "/big", 1, 1),
        f"download of {LARGE} MiB in pieces of 64 KiB": (download_in(65_536), origin + "/big", 1, 1),
        f"download of {LARGE} MiB as a whole": (download_whole, origin + "/big", 1, 1),
    }
    found: dict[str, dict[str, list[float]]] = {}
    for what, (make, url, count, threads) in works.items():
        calls = {name: make(adapter_of(name), url) for name in ADAPTERS}
        for call in calls.values():
            spend(call, max(1, count // 2), threads)
        gc.collect()
        for _ in range(rounds):
            for name, call in calls.items():
                found.setdefault(what, {}).setdefault(name, []).append(spend(call, count, threads))
    return found


def ratio(found: dict[str, list[float]], name: str) -> float:
    """Return the median ratio of an adapter to urllib3's."""
    return statistics.median(own / other for own, other in zip(found[name], found[URLLIB3], strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--rounds", type=int, default=15, help="rounds, in which the adapters take turns (default: %(default)s)"
    )
    parser.add_argument("--calls", type=int, default=400, help="calls of one sample (default: %(default)s)")
    parser.add_argument(
        "--check", action="store_true", help=f"exit with 1 if a small GET costs more than {LIMIT} of urllib3's"
    )
    options = parser.parse_args()
    try:
        with serving(LARGE, None) as server:
            measured = measure(server.site.plain, options.rounds, options.calls)
    except NoServer as error:
        sys.exit(str(error))
    rows = [
        [
            what,
            *(figure(statistics.median(found[name])) for name in ADAPTERS),
            *(f"{ratio(found, n):.2f}" for n in ADAPTERS[1:]),
        ]
        for what, found in measured.items()
    ]
    print(table(["microseconds of CPU per call", *ADAPTERS, "Hookline/urllib3", "per thread/urllib3"], rows))
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores, {options.rounds} rounds of {options.calls} calls")
    if options.check and any(ratio(found, HOOKLINE) > LIMIT for what, found in measured.items() if "small GET" in what):
        sys.exit(1)


if __name__ == "__main__":
    main()

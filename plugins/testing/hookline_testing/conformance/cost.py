"""Measure how much longer a request takes with a plugin: the ratio of two clients that are run in turns."""

from __future__ import annotations

import asyncio
import sys
from statistics import median
from time import perf_counter, process_time
from typing import Any

from hookline import HttpClient

from ..server.responses import response
from .plugin_under_test import CALL_TIMEOUT, PluginUnderTest

BLOCKING = 1000.0  # microseconds: no computation takes so long, so something waits
# With these the ratio repeats within 6 % although two other processes keep both processors busy; it takes a second.
PAIRS = 4  # of clients
ROUNDS = 10  # for each pair
BLOCK = (
    300  # requests that one client sends in a round; with 20 the interpreter never adapts to one client, and it is 30 %
)
_SHORTEST_BLOCK, _BLOCK_SECONDS = 20, 0.01
_ANSWER = response(b"ok", headers=[("Content-Type", "text/plain"), ("Server", "conformance")])
# CPU time of this process, so that others do not count; on Windows its clock ticks every 16 ms.
_clock = perf_counter if sys.platform == "win32" else process_time


class Cost:
    """What a plugin costs.

    ratio: how many times as long a request takes as with core alone. microseconds: of the fastest request with the plugin, by
    the clock on the wall, so that waiting counts.
    """

    def __init__(self, ratio: float, microseconds: float) -> None:
        self.ratio = ratio
        self.microseconds = microseconds


class _AnswerProtocol(asyncio.Protocol):
    """A server that answers each request at once."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport

    def data_received(self, data: bytes) -> None:
        self._transport.write(_ANSWER * data.count(b"\r\n\r\n"))


async def measure(tested: PluginUnderTest) -> Cost:
    """Return what the plugin adds to a small GET, from a server in the same loop.

    Neither client has any other plugin: one that has something to do in pre_request would have core call those that sleep.
    What one pair of clients finds depends on the places of its objects in memory, so there are several.
    """
    loop = asyncio.get_running_loop()
    async with await loop.create_server(_AnswerProtocol, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        ratios: list[float] = []
        fastest = float("inf")
        for _ in range(PAIRS):
            async with (
                tested.client() as with_it,
                HttpClient(autoload=False, timeout=CALL_TIMEOUT, trust_env=False) as without,
            ):
                warm = [await seconds_per_request(client, url) for client in (without, with_it)]
                fastest = min(fastest, warm[1])
                if fastest * 1e6 > BLOCKING:
                    return Cost(warm[1] / warm[0], fastest * 1e6)
                requests = max(_SHORTEST_BLOCK, min(BLOCK, round(_BLOCK_SECONDS / warm[1])))
                for number in range(ROUNDS):
                    # the order alternates, because what comes second may have it warmer
                    first, second = (with_it, without) if number % 2 else (without, with_it)
                    spent = {client: await send(client, url, requests) for client in (first, second)}
                    ratios.append(spent[with_it] / spent[without])
        return Cost(median(ratios), fastest * 1e6)


async def send(client: HttpClient, url: str, requests: int) -> float:
    """Send requests one after the other, and return the seconds of CPU time that they took."""
    begin = _clock()
    for _ in range(requests):
        await client.get(url)
    return _clock() - begin


async def seconds_per_request(client: HttpClient, url: str) -> float:
    """Return the time of a request by the clock on the wall: the shortest of some, since other work only adds to it."""
    shortest = float("inf")
    for _ in range(20):
        begin = perf_counter()
        await client.get(url)
        shortest = min(shortest, perf_counter() - begin)
    return shortest

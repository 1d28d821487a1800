"""The targets of Hookline, in one table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Against = Literal["aiohttp", "floor", "growth"]


@dataclass(frozen=True)
class Target:
    """A limit for one workload. most: a ratio of CPU time per operation to that of another client; for growth, MiB of memory."""

    workload: str
    against: Against
    most: float


TARGETS = (
    Target("a_seq", "aiohttp", 0.45),
    Target("b_c10", "aiohttp", 0.25),
    Target("c_c100", "aiohttp", 0.25),
    Target("h_post", "aiohttp", 0.30),
    Target("f_down", "aiohttp", 0.70),
    Target("a_seq", "floor", 1.40),
    Target("b_c10", "floor", 1.40),
    Target("c_c100", "floor", 1.40),
    Target("h_post", "floor", 1.40),
    Target("f_down", "growth", 8.0),
    Target("ws_64", "aiohttp", 0.66),
    Target("ws_64x16", "aiohttp", 0.55),
    Target("ws_64k", "aiohttp", 0.72),
    Target("ws_1m", "aiohttp", 0.72),
)
# The cost of all default plugins over core alone, without a socket, in microseconds per request.
PLUGINS_COST = 1.2

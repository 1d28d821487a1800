"""The targets of Hookline, in one table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Against = Literal["aiohttp", "floor", "growth", "ngh2_floor", "h2_floor", "httpx2", "hookline_http1"]


@dataclass(frozen=True)
class Target:
    """A limit for one workload. most: a ratio of CPU time per operation to that of another client; for growth, MiB of memory.

    client: the label of the client that is limited. A limit of a client on uvloop holds in runs with clients on uvloop.
    """

    workload: str
    against: Against
    most: float
    client: str = "hookline"


HTTP2 = ("h2_seq", "h2_c32", "h2_c100", "h2_json", "h2_post", "h2_down", "h2_up", "h2_frames", "h2_new")
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
    Target("r_call", "aiohttp", 0.45),
    Target("g_1m", "aiohttp", 0.74),
    Target("i_up", "aiohttp", 1.05),
    Target("n_gzip", "aiohttp", 1.20),
    Target("n_gzip", "aiohttp", 0.56, "hookline_isal"),
    Target("f_down", "aiohttp", 0.99, "hookline+uv"),
    Target("f_down", "growth", 8.0, "hookline+uv"),
    Target("g_1m", "aiohttp", 0.74, "hookline+uv"),
    Target("i_up", "aiohttp", 1.05, "hookline+uv"),
    Target("n_gzip", "aiohttp", 1.20, "hookline+uv"),
    Target("n_gzip", "aiohttp", 0.56, "hookline_isal+uv"),
    Target("ws_64", "aiohttp", 0.66),
    Target("ws_64x16", "aiohttp", 0.55),
    Target("ws_64k", "aiohttp", 0.72),
    Target("ws_1m", "aiohttp", 0.72),
    Target("ws_64", "aiohttp", 0.99, "hookline+uv"),
    Target("ws_64x16", "aiohttp", 1.10, "hookline+uv"),
    Target("ws_64k", "aiohttp", 1.32, "hookline+uv"),
    *(Target(name, "ngh2_floor", 1.5) for name in ("h2_seq", "h2_c32", "h2_c100", "h2_post", "h2_frames")),
    *(Target(name, "ngh2_floor", 1.3) for name in ("h2_json", "h2_down", "h2_up")),
    *(Target(name, "h2_floor", 1.3, "hookline_h2") for name in HTTP2 if name != "h2_new"),
    *(Target(name, "httpx2", 1.0) for name in HTTP2),
    *(Target(name, "hookline_http1", 1.0) for name in ("h2_c32", "h2_c100", "h2_new")),
)
# The cost of all default plugins over core alone, without a socket, in microseconds per request.
PLUGINS_COST = 1.2

"""The clients that can be compared: label -> module and class. A label with `+uv` is the same client on uvloop."""

from __future__ import annotations

import importlib
from importlib.util import find_spec

from benchmarks.adapter import Adapter
from benchmarks.workloads import Workload

CLIENTS = {
    "hookline": ("benchmarks.hookline_client", "HooklineClient"),
    "hookline_isal": ("benchmarks.hookline_client", "HooklineIsal"),
    "hookline_core": ("benchmarks.hookline_client", "HooklineCore"),
    "aiohttp": ("benchmarks.aiohttp_client", "AiohttpClient"),
    "floor": ("benchmarks.floor", "FloorClient"),
    "floor_buffered": ("benchmarks.floor", "BufferedFloorClient"),
    "httpx2": ("benchmarks.httpx2_client", "Httpx2Client"),
    "wsproto": ("benchmarks.websocket_clients", "WsprotoClient"),
    "websockets": ("benchmarks.websocket_clients", "WebsocketsClient"),
    "picows": ("benchmarks.websocket_clients", "PicowsClient"),
    "hookline_h2": ("benchmarks.hookline_client", "HooklineOnH2"),
    "hookline_http1": ("benchmarks.hookline_client", "HooklineHttp1"),
    "pyreqwest": ("benchmarks.pyreqwest_client", "PyreqwestClient"),
    "curl_cffi": ("benchmarks.curl_cffi_client", "CurlCffiClient"),
    "niquests": ("benchmarks.niquests_client", "NiquestsClient"),
    "ngh2_floor": ("benchmarks.http2_floors", "NGH2Floor"),
    "h2_floor": ("benchmarks.http2_floors", "H2Floor"),
}
FLOORS = ("floor", "floor_buffered", "wsproto", "ngh2_floor", "h2_floor")
ECHO_ONLY = ("wsproto", "websockets", "picows")
HTTP2_ONLY = ("hookline_h2", "hookline_http1", "ngh2_floor", "h2_floor")
CORE_ALONE = ("hookline_core", "floor", "floor_buffered")
DECODED_ONLY = ("hookline_isal",)
# Without streamed uploads: the asynchronous session takes bytes only.
NO_UPLOAD = ("curl_cffi",)
# Peers that the tests do without; `run.py --publish` installs them.
PEERS = ("pyreqwest", "curl_cffi", "niquests")
INSTALLED = tuple(label for label in CLIENTS if label not in PEERS or find_spec(label))
REUSES_ALWAYS = ("niquests",)  # over HTTP/2
NO_CALL = ("pyreqwest", "curl_cffi")  # their adapters have no `call`
UV = "+uv"


def adapter(label: str) -> type[Adapter]:
    """Return the adapter's class; this imports its client."""
    module, name = CLIENTS[label.removesuffix(UV)]
    found: type[Adapter] = getattr(importlib.import_module(module), name)
    return found


def can(label: str, workload: Workload, *, everywhere: bool = False) -> bool:
    """Return whether the client is measured with this workload. everywhere: where no target needs it too."""
    name = label.removesuffix(UV)
    if name in DECODED_ONLY:
        return workload.operation == "decoded"
    if workload.http2:
        unable = (*(NO_UPLOAD if workload.operation == "upload" else ()), *(() if workload.reuses else REUSES_ALWAYS))
        return name in ("hookline", "httpx2", *PEERS, *HTTP2_ONLY) and name not in unable
    untargeted = () if everywhere else ("httpx2",)
    left_out = {
        "echo": (*CORE_ALONE, "httpx2", *PEERS),
        "call": (*CORE_ALONE, *ECHO_ONLY, *NO_CALL),
        "upload": (*ECHO_ONLY, *untargeted, *NO_UPLOAD),
    }
    return name not in (*left_out.get(workload.operation, (*ECHO_ONLY, *untargeted)), *HTTP2_ONLY)

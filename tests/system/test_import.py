"""What `import hookline` and the first client must not import: each takes time, and most programs never need it."""

from __future__ import annotations

import subprocess
import sys

import pytest

# What core stands on; what these import themselves is no matter of ours.
GIVEN = "import asyncio, ssl, multidict"
WAITING = {
    "csv", "datetime", "difflib", "email", "hashlib", "http.client", "http.cookiejar", "importlib.metadata",
    "importlib.resources", "logging.handlers", "mimetypes", "netrc", "secrets", "tempfile", "unicodedata", "urllib.request",
    "zipfile", "zoneinfo", "botocore", "configparser", "pluggy", "httptools",
    "hookline.client.snapshot", "hookline.client.synchronous",
    "hookline.exchange.built_body", "hookline.http1.connection", "hookline.http1.parser", "hookline.network.happy_eyeballs",
    "hookline.network.timings", "hookline.plugins.manager",
    "hookline_bodies.files", "hookline_bodies.lines", "hookline_bodies.link_fields", "hookline_bodies.multipart",
    "hookline_bodies.progress", "hookline_bodies.saving",
    "hookline_auth.bearer", "hookline_auth.challenges", "hookline_auth.credentials", "hookline_auth.digest_challenge",
    "hookline_auth.digest_flow",
    "hookline_cache.cache", "hookline_cache.cached_exchange", "hookline_cache.memory_storage", "hookline_cache.sqlite_storage",
    "hookline_cookies.cookie", "hookline_cookies.jar", "hookline_cookies.set_cookie", "publicsuffixlist",
    "hookline_decompress.brotli_member", "hookline_decompress.zstd_member",
    "hookline_guard.checks", "hookline_guard.errors", "hookline_guard.guard", "hookline_guard.rule",
    "hookline_http2.connection", "hookline_http2.engine", "hookline_http2.engine_choice", "hookline_http2.h2_engine",
    "hookline_http2.ngh2_engine", "hookline_http2.body_queues",
    "hookline_http2.request_fields", "hookline_http2.stream", "h2", "hpack", "ngh2",
    "hookline_oauth.oauth1", "hookline_oauth.oauth2", "oauthlib",
    "hookline_redirects.location",
    "hookline_sigv4.canonical_request", "hookline_sigv4.chunked_payload", "hookline_sigv4.credentials", "hookline_sigv4.sigv4",
    "hookline_sse.errors", "hookline_sse.event", "hookline_sse.event_source", "hookline_sse.parser", "hookline_sse.reconnect",
    "hookline_sse.response_events",
    "hookline_throttle.admission", "hookline_throttle.local_limits", "hookline_throttle.redis_limits",
    "hookline_throttle.throttle", "hookline_throttle.throttled_exchange",
    "hookline_tunnel.connect", "hookline_tunnel.proxy", "hookline_tunnel.proxy_route", "hookline_tunnel.socks",
    "hookline_tunnel.tunnel_route", "python_socks",
    "hookline_websocket.compression", "hookline_websocket.frames", "hookline_websocket.handshake",
    "hookline_websocket.protocol",
    "hookline_websocket.websocket", "wsproto",
}  # fmt: skip


def modules_after(program: str) -> set[str]:
    code = f"{program}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("program", ["import hookline", "import hookline; hookline.HttpClient()"])
def test_import_and_first_client_leave_out_what_few_need(program: str) -> None:
    assert (modules_after(program) - modules_after(GIVEN)) & WAITING == set()


def test_client_without_http2_imports_no_connection() -> None:
    of_connections = {
        "wire.base_connection",
        "wire.multiplexed_connection",
        "wire.stream",
    }  # its plugin needs the base class
    found = modules_after("import hookline; hookline.HttpClient(disable=['http2'])")
    assert {f"hookline.{name}" for name in of_connections} & found == set()


def test_import_brings_no_plugin() -> None:
    assert {name for name in modules_after("import hookline") if name.startswith("hookline_")} == set()


def test_modules_that_must_wait_are_there() -> None:
    found = modules_after(
        "import importlib\n"
        f"for name in {sorted(name for name in WAITING if name.startswith('hookline'))}:\n"
        "    importlib.import_module(name)"
    )
    assert {name for name in WAITING if name.startswith("hookline")} <= found

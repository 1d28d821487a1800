"""`hookline URL` with the default plugins, which need not be installed for the tests of test_exchange.py."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

from servers.addresses import Site

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def test_verbose_shows_each_hop_of_a_redirect(run: Run, aiohttp_server: Site) -> None:
    done = run("-v", aiohttp_server.url("/redirect/2"))

    assert [line.split()[-1] for line in done.stderr.splitlines() if "pre_request" in line] == [
        "(call)",
        "(redirect)",
        "(redirect)",
    ]
    assert '"target": "/echo"' in done.stdout
    assert "*   redirects    answers GET /echo (cause: redirect)" in done.stderr
    assert "decompress" not in done.stderr  # it had nothing to do


def test_compressed_body_is_decoded(run: Run, aiohttp_server: Site) -> None:
    assert run(aiohttp_server.url("/gzip"), "-o", "-").stdout == '{"gzipped": true}'


def test_disabled_plugin_does_not_run(run: Run, aiohttp_server: Site) -> None:
    assert run("-i", "--disable", "redirects", aiohttp_server.url("/redirect/1")).stdout.startswith(
        "HTTP/1.1 302 Found\n"
    )

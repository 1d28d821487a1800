"""`hookline demo`."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def stops(output: str) -> dict[str, str]:
    """The parts of the tour by the word that their title begins with."""
    parts = re.split(r"^\d\. ", output, flags=re.MULTILINE)[1:]
    return dict(zip(("plain", "compressed", "redirected", "streamed", "missing", "failing"), parts, strict=True))


def test_tour_shows_which_plugin_answers(run: Run) -> None:
    start = time.monotonic()

    done = run("demo")

    parts = stops(done.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    assert time.monotonic() - start < 10
    assert "=> 200 OK: Hello" in parts["plain"]
    assert re.search(r"on_headers +200 OK; decompress runs", parts["compressed"])
    assert "bytes became 19890" in parts["compressed"]
    assert re.search(r"post_request +redirects answers GET /plain \(cause: redirect\)", parts["redirected"])
    assert "after 302 from /redirected" in parts["redirected"]
    assert "1048576 bytes in" in parts["streamed"]
    assert "404 Not Found" in parts["missing"]
    assert "exc=ConnectionClosed" in parts["failing"]


@pytest.mark.parametrize("part", ["arguments", "variable"])
def test_tour_says_what_is_missing(run: Run, part: str) -> None:
    if part == "arguments":
        done = run("demo", "--disable", "redirects", "--disable", "decompress")
    else:
        done = run("demo", variables={"HOOKLINE_DISABLE": "redirects,decompress"})

    parts = stops(done.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    assert "still compressed: the plugin decompress is disabled" in parts["compressed"]
    assert "the redirect itself: the plugin redirects is disabled" in parts["redirected"]


def test_tour_works_where_no_plugin_is_installed(environment: dict[str, str]) -> None:
    code = """
import sys
from hookline.plugins import installed
installed.entry_points = lambda *groups: []
import hookline_cli
sys.exit(hookline_cli.main(["demo"]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, env=environment)

    assert (done.returncode, done.stderr) == (0, "")
    assert "the plugin redirects is not installed (pip install hookline-redirects)" in done.stdout
    assert "the plugin decompress is not installed" in done.stdout


def test_core_does_not_import_the_command_line(environment: dict[str, str]) -> None:
    code = "import sys, hookline; sys.exit(any(n.startswith(('hookline_', 'argparse')) for n in sys.modules))"

    assert subprocess.run([sys.executable, "-c", code], timeout=60, env=environment).returncode == 0

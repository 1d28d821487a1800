"""`hookline demo`."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable

import pytest

from hookline_cli.demo.pace import PART
from hookline_cli.demo.server import PACE, PIECES
from hookline_cli.demo.stops import STOPS
from hookline_cli.demo.tour import code_of

Run = Callable[..., "subprocess.CompletedProcess[str]"]
Show = Callable[..., tuple[int, str, str]]
NAMES = [stop.run.__name__ for stop in STOPS]


def stops(output: str) -> dict[str, str]:
    """The parts of the tour by the names of their functions."""
    parts = re.split(r"^\d+\. ", output, flags=re.MULTILINE)[1:]
    return dict(zip(NAMES, parts, strict=True))


def test_tour_shows_which_plugin_answers(run: Run) -> None:
    done = run("demo")

    parts = stops(done.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    assert "=> 200 OK: Hello" in parts["plain"]
    assert re.search(r"on_headers +200 OK; decompress runs", parts["compressed"])
    assert "bytes became 19890" in parts["compressed"]
    assert re.search(r"pre_request .*cookies sets Cookie", parts["login"])
    assert re.search(r"post_request +redirects answers GET /home \(cause: redirect\)", parts["login"])
    assert "the cookie sid=31d4. Before it: 302 from /login" in parts["login"]
    assert "=> 302 Found, the redirect itself; it leads to /home" in parts["without"]
    assert "1048576 bytes, of which the client kept none" in parts["download"]
    assert "404 Not Found" in parts["missing"]
    assert "exc=ConnectionClosed" in parts["cut_short"]


def test_credentials_of_the_tour_go_to_one_origin(run: Run) -> None:
    part = stops(run("demo").stdout)["credentials"]

    assert part.count("basic sets Authorization") == 1
    assert "=> 200 OK: The other origin got no credentials." in part


def test_tour_runs_a_plugin_and_a_websocket(run: Run) -> None:
    parts = stops(run("demo").stdout)

    assert "stamp sets X-Stamp" in parts["own"]
    assert "=> 200 OK: The request had X-Stamp: blue." in parts["own"]
    assert "101 Switching Protocols; websocket answers" in parts["websocket"]
    assert "=> the server sent back: Is anybody there?" in parts["websocket"]


def test_tour_refuses_two_lengths(run: Run) -> None:
    part = stops(run("demo").stdout)["hostile"]

    assert "on_headers" not in part
    assert "=> RemoteProtocolError: malformed fields: Content-Length with more than one value" in part


def test_tour_explains_the_order_without_its_own_recorder(run: Run) -> None:
    part = stops(run("demo").stdout)["explained"]

    assert re.search(r"^      \d+\. redirects: statuses 301", part, re.MULTILINE)
    assert "event_recorder" not in part


def test_tour_shows_the_code_that_runs(run: Run) -> None:
    parts = stops(run("demo").stdout)

    for stop in STOPS:
        assert "\n".join(f"     {line}" if line else "" for line in code_of(stop.run)) in parts[stop.run.__name__]
    assert code_of(STOPS[0].run) == ['response = await client.get(f"{origin}/plain")']
    assert code_of(STOPS[NAMES.index("missing")].run)[-1] == "return response.raise_for_status()"


@pytest.mark.parametrize("part", ["arguments", "variable"])
def test_tour_says_what_is_missing(run: Run, part: str) -> None:
    if part == "arguments":
        done = run("demo", "--disable", "redirects", "--disable", "decompress")
    else:
        done = run("demo", variables={"HOOKLINE_DISABLE": "redirects,decompress"})

    parts = stops(done.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    assert "still compressed: the plugin decompress is disabled" in parts["compressed"]
    assert "the redirect itself: the plugin redirects is disabled" in parts["login"]
    assert "=> left out: the plugin redirects is disabled" in parts["without"]


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
    assert "left out: the plugin basic is not installed (pip install hookline-auth)" in done.stdout
    assert "left out: the plugin websocket is not installed" in done.stdout


def test_waits_of_the_tour_take_less_than_fifteen_seconds() -> None:
    assert PART * (len(STOPS) - 1) + PIECES * PACE < 15


def test_fast_tour_on_a_terminal_draws_the_progress_and_reads_no_keys(on_terminal: Show) -> None:
    status, shown, errors = on_terminal("demo", "--fast")

    assert (status, errors) == (0, "")
    assert f"[{'=' * 30}] 100 %\n" in shown
    assert "\x1b[1m1. One request" in shown
    assert "Any key goes on" not in shown


@pytest.mark.parametrize(
    ("keys", "titles"),
    [("q", "1"), ("xq", "12"), (" q", "1"), (" xq", "12"), ("pxpq", "12")],
    ids=["ends", "goes-on", "pauses-and-ends", "pauses-and-goes-on", "pauses-twice"],
)
def test_keys_go_on_pause_and_end_the_tour(on_terminal: Show, keys: str, titles: str) -> None:
    status, shown, _ = on_terminal("demo", keys=keys, after="1. One request")

    assert status == 0
    assert "Any key goes on" in shown
    assert re.findall(r"\x1b\[1m(\d+)\. ", shown) == list(titles)


def test_core_does_not_import_the_command_line(environment: dict[str, str]) -> None:
    code = "import sys, hookline; sys.exit(any(n.startswith(('hookline_', 'argparse')) for n in sys.modules))"

    assert subprocess.run([sys.executable, "-c", code], timeout=60, env=environment).returncode == 0

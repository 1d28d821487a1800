"""Options of plugins that are installed separately: the command line finds them by their entry points."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from hookline_testing.server import ScriptedServer, SeenRequest, response

Run = Callable[..., "subprocess.CompletedProcess[str]"]
FRESH = [("Cache-Control", "max-age=60")]


def test_cache_in_a_file_answers_the_next_command(run: Run, scripted: ScriptedServer, tmp_path: Path) -> None:
    scripted.answer(response(b"one", headers=FRESH), response(b"two", headers=FRESH))
    file = str(tmp_path / "cache.sqlite")

    found = [run("--cache", file, scripted.url()).stdout for _ in range(2)]

    assert found == ["one", "one"]
    assert run("--cache", file, "--no-cache", scripted.url()).stdout == "two"
    assert len(scripted.requests) == 2


@pytest.mark.parametrize("file", ["", "no/such/folder/cache.sqlite", "."])
def test_cache_that_cannot_be_is_one_line(run: Run, scripted: ScriptedServer, file: str) -> None:
    done = run("--cache", file, scripted.url())

    assert done.returncode == 2
    assert done.stderr.startswith("hookline: --cache: expected a file in a folder that exists")
    assert done.stderr.count("\n") == 1


def test_guard_lets_nothing_into_the_own_network(run: Run, scripted: ScriptedServer) -> None:
    done = run("--guard", scripted.url())

    assert (done.returncode, done.stdout) == (3, "")
    assert "127.0.0.0/8 (loopback)" in done.stderr
    assert done.stderr.count("\n") == 1
    scripted.answer(response(b"hello"))
    assert run("--guard", "--no-guard", scripted.url()).stdout == "hello"


def test_throttle_counts_each_hop(run: Run, scripted: ScriptedServer) -> None:
    instants = []

    def answer(request: SeenRequest) -> bytes:
        instants.append(time.monotonic())
        return response(b"there") if request.target == "/next" else response(b"", 302, [("Location", "/next")])

    scripted.respond(answer)

    done = run("--throttle", "1/s", scripted.url("/first"))

    assert (done.returncode, done.stdout) == (0, "there")
    assert instants[1] - instants[0] > 0.1  # 1 s between the sendings


def test_wrong_rate_is_one_line(run: Run, scripted: ScriptedServer) -> None:
    done = run("--throttle", "often", scripted.url())

    assert done.returncode == 2
    assert "--throttle" in done.stderr
    assert done.stderr.count("\n") == 1


def test_code_has_the_objects(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "c"

    done = run("--code", "--throttle", "5/s", "--guard", "--cache", str(file), "h/x")

    compile(done.stdout, "program", "exec")
    for part in ("throttle=Throttle('5/s')", "guard=True", f"cache=Cache(SQLiteStorage({str(file)!r}))"):
        assert part in done.stdout
    for name in ("Cache, SQLiteStorage", "Throttle"):
        assert f"from hookline import {name}\n" in done.stdout

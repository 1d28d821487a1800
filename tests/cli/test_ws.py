"""`hookline ws`: a command that the plugin websocket brings."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from servers.addresses import Site

Run = Callable[..., "subprocess.CompletedProcess[str]"]
COMMAND = Path(sys.executable).parent / "hookline"


def url_of(site: Site, path: str = "/websocket") -> str:
    return site.url(path).replace("http://", "ws://")


def test_lines_are_messages_both_ways(run: Run, aiohttp_server: Site) -> None:
    done = run("ws", url_of(aiohttp_server), text_in="one\ntwo\r\n/ping\nno end")

    assert done.stdout == "one\ntwo\n/ping\nno end\n"
    assert done.returncode == 0
    assert done.stderr.splitlines()[-1] == "closed with 1000"


def test_address_without_scheme_and_subprotocol(run: Run, aiohttp_server: Site) -> None:
    address = aiohttp_server.url("/websocket").removeprefix("http://")

    done = run("ws", address, "--subprotocol", "echo", text_in="x\n")

    assert done.stdout == "x\n"
    assert "subprotocol echo" in done.stderr


def test_binary_messages_pass_as_they_are(run: Run, aiohttp_server: Site) -> None:
    done = run("ws", url_of(aiohttp_server), "--binary", text_in="ab\ncd\n")

    assert done.stdout == "abcd"


@pytest.mark.parametrize(("path", "status"), [("/status/404", 4), ("/status/500", 5), ("/echo", 3)])
def test_refusal_has_a_status(run: Run, aiohttp_server: Site, path: str, status: int) -> None:
    done = run("ws", url_of(aiohttp_server, path), text_in="x\n")

    assert (done.returncode, done.stdout) == (status, "")
    assert "the server opened no websocket: " in done.stderr


def test_close_code_is_sent(run: Run, websockets_server: Site) -> None:
    done = run("ws", url_of(websockets_server, "/"), "--close", "4001")

    assert (done.returncode, done.stderr.splitlines()[-1]) == (0, "closed with 4001")


@pytest.mark.parametrize(("code", "status"), [(1000, 0), (1001, 0), (1011, 3), (4003, 3)])
def test_close_of_the_peer_has_a_status(run: Run, websockets_server: Site, code: int, status: int) -> None:
    done = run("ws", url_of(websockets_server, f"/close/{code}"), "--listen")

    assert (done.returncode, done.stdout) == (status, "")
    assert done.stderr.splitlines()[-1] == f"closed with {code}: as you asked"


def test_listen_prints_what_comes(run: Run, websockets_server: Site) -> None:
    assert run("ws", url_of(websockets_server, "/count/3"), "--listen").stdout == "0\n1\n2\n"


def test_typed_commands_ping_and_close(websockets_server: Site, environment: dict[str, str]) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [COMMAND, "ws", url_of(websockets_server, "/")],
        stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, text=True,
    )  # fmt: skip
    os.close(theirs)
    os.write(ours, b"hello\n//slash\n/nonsense\n/ping\n/close 4002 bye\n")

    out, err = process.communicate(timeout=60)
    os.close(ours)

    assert out == "hello\n/slash\n"
    assert "expected /ping, or /close" in err
    assert "pong after " in err
    assert err.splitlines()[-1].startswith("closed with 4002")
    assert process.returncode == 0

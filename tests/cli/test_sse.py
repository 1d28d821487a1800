"""`hookline sse`: a command that the plugin sse brings."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable

import pytest

from hookline_testing.server import Script, ScriptedServer, response

Run = Callable[..., "subprocess.CompletedProcess[str]"]
FIELDS = [("Content-Type", "text/event-stream")]
EVENTS = b"retry: 1\n\nid: 1\ndata: one\n\nevent: note\ndata: two\ndata: lines\n\n"


def stream(content: bytes) -> Script:
    return Script(response(content, headers=FIELDS))


END = response(b"", 204)


def test_events_are_lines_and_the_stream_is_reconnected(run: Run, scripted: ScriptedServer) -> None:
    scripted.answer(stream(EVENTS), stream(b"data: three\n\n"), END)

    done = run("sse", scripted.url("/news"))

    assert (done.returncode, done.stdout) == (0, "one\ntwo lines\nthree\n")
    assert [request.header("last-event-id") for request in scripted.requests] == [None, "1", "1"]


def test_json_has_all_of_an_event(run: Run, scripted: ScriptedServer) -> None:
    scripted.answer(stream(EVENTS))

    done = run("sse", scripted.url().removeprefix("http://"), "--json", "--no-reconnect", "--last-event-id", "0")

    assert [json.loads(line) for line in done.stdout.splitlines()] == [
        {"event": "message", "id": "1", "data": "one"},
        {"event": "note", "id": "1", "data": "two\nlines"},
    ]
    assert scripted.requests[0].header("last-event-id") == "0"


def test_body_is_posted_once(run: Run, scripted: ScriptedServer) -> None:
    scripted.answer(stream(b"data: answer\n\n"))

    done = run("sse", scripted.url("/chat"), "--post", '{"q": 1}', "-H", "Content-Type: application/json")

    assert (done.returncode, done.stdout) == (0, "answer\n")
    (request,) = scripted.requests
    assert (request.method, request.body, request.header("content-type")) == ("POST", b'{"q": 1}', "application/json")


@pytest.mark.parametrize(("status", "exit_status"), [(404, 4), (200, 3)], ids=["missing", "other-type"])
def test_refusal_has_a_status(run: Run, scripted: ScriptedServer, status: int, exit_status: int) -> None:
    scripted.answer(response(b"no events", status))

    done = run("sse", scripted.url(), "--no-reconnect")

    assert (done.returncode, done.stdout) == (exit_status, "")
    assert len(done.stderr.strip().splitlines()) == 1


def test_command_stands_in_the_help(run: Run) -> None:
    assert "sse" in run("--help").stdout
    assert "--no-reconnect" in run("sse", "--help").stdout
